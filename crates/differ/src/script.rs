//! What is played: a configuration and the steps of a conversation.

use std::collections::BTreeMap;

use subject_trie::{filter_covers, filters_overlap};

use crate::ops::Said;

/// What stands for the id of the server in what is sent to it.
pub const SERVER_ID: &str = "SERVER_ID";

/// A whole case, without the answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Shards of our server.
    pub shards: u32,
    /// Whether the protocol is traced in the log.
    pub trace: bool,
    /// The server's configuration file; without one no server is started, and only checks are played.
    pub config: Option<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One thing that is done to the servers. Its answers are awaited before the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A connection sends, and is opened first if this is its first step.
    Send {
        /// Which connection.
        conn: usize,
        /// Written one by one: the server has read each before the next is sent.
        pieces: Vec<Vec<u8>>,
    },
    /// The same for a connection to the listener for WebSockets: bytes as they are, requests at first and then frames.
    Web {
        /// Which connection.
        conn: usize,
        /// As of [`Step::Send`].
        pieces: Vec<Vec<u8>>,
    },
    /// A connection says that it sends nothing more, and reads what still comes.
    End {
        /// Which connection.
        conn: usize,
    },
    /// A request to the monitoring listener.
    Ask {
        /// Method and target, as they stand in the first line.
        request: Vec<u8>,
    },
    /// The server is given another configuration file and told to read it.
    Reload {
        /// The text of the file.
        config: String,
    },
    /// The server is asked to stop, and starts again with what it kept. All connections are gone.
    Restart,
    /// The server's executable is asked whether a file is valid (`-t`).
    Check {
        /// The text of the file.
        config: String,
    },
}

impl Script {
    /// Whether some connection says CONNECT more than once.
    #[must_use]
    pub fn has_second_connect(&self) -> bool {
        self.said().values().any(|said| said.connects > 1)
    }

    /// Whether someone subscribes to what lies half within something that a configuration denies.
    #[must_use]
    pub fn has_half_denied(&self) -> bool {
        let denied: Vec<&str> = self.configs().flat_map(denied).collect();
        let is_half = |filter: &[u8]| {
            denied.iter().map(|denied| denied.as_bytes()).any(|denied| {
                filters_overlap(filter, denied)
                    && !filter_covers(filter, denied)
                    && !filter_covers(denied, filter)
            })
        };
        self.said().values().flat_map(|said| &said.filters).any(|filter| is_half(filter))
    }

    /// Whether these words are in some configuration, request or other bytes to a listener for WebSockets.
    #[must_use]
    pub fn has_words(&self, words: &str) -> bool {
        let has = |bytes: &[u8]| bytes.windows(words.len()).any(|part| part == words.as_bytes());
        let asks = |step: &Step| match step {
            Step::Ask { request } => has(request),
            Step::Web { pieces, .. } => has(&pieces.concat()),
            _ => false,
        };
        self.configs().any(|config| config.contains(words)) || self.steps.iter().any(asks)
    }

    /// Whether the server keeps streams. What is said then has no fence: it comes when it is ready.
    #[must_use]
    pub fn has_jetstream(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.contains("jetstream"))
    }

    /// Whether the server itself is asked. What it says then has no fence either.
    #[must_use]
    pub fn asks_the_server(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.contains("system_account"))
    }

    /// All that servers are given to read.
    pub fn configs(&self) -> impl Iterator<Item = &str> {
        self.config.as_deref().into_iter().chain(self.steps.iter().filter_map(Step::config))
    }

    fn said(&self) -> BTreeMap<usize, Said> {
        let mut said: BTreeMap<usize, Said> = BTreeMap::new();
        for step in &self.steps {
            if let Step::Send { conn, pieces } = step {
                let said = said.entry(*conn).or_default();
                pieces.iter().for_each(|piece| said.say(piece));
            }
        }
        said
    }
}

/// What stands in quotes behind each `deny` of subscriptions, without queue groups.
fn denied(config: &str) -> impl Iterator<Item = &str> {
    let is_of_subs = |at: usize| config[..at].rfind("sub") > config[..at].rfind("pub");
    let lists = config.match_indices("deny").filter(move |(at, _)| is_of_subs(*at));
    let lists = lists.map(|(at, _)| config[at..].split([']', '}', '\n']).next().unwrap_or(""));
    let quoted = lists.flat_map(|list| list.split('"').skip(1).step_by(2));
    quoted.filter_map(|entry| entry.split(' ').next())
}

impl Step {
    /// One connection sends these bytes in one piece.
    #[must_use]
    pub fn send(conn: usize, bytes: impl Into<Vec<u8>>) -> Self {
        Self::Send { conn, pieces: vec![bytes.into()] }
    }

    fn config(&self) -> Option<&str> {
        match self {
            Self::Reload { config } | Self::Check { config } => Some(config),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_connect_is_one_of_the_same_connection() {
        let second = |steps: Vec<Step>| Script { steps, ..Script::default() }.has_second_connect();
        let connect = |conn| Step::send(conn, "CONNECT {}\r\nPUB a 10\r\nCONNECT {}\r\n");
        assert!(!second(vec![connect(0), connect(1)]));
        assert!(second(vec![connect(0), connect(1), Step::send(0, "connect{}\n")]));
    }

    #[test]
    fn words_are_looked_for_in_what_servers_read_and_are_asked() {
        let reload = Step::Reload { config: "debug: true".to_owned() };
        let steps =
            vec![reload, Step::Ask { request: b"GET /varz?x HTTP/1.1".into() }, Step::send(0, "PING")];
        let script = Script { config: Some("trace: true".to_owned()), steps, ..Script::default() };
        assert!(["debug", "trace", "/varz?"].iter().all(|words| script.has_words(words)));
        assert!(!script.has_words("PING") && !script.has_words("/connz"));
    }

    #[test]
    fn half_denied_is_what_has_messages_within_and_others_without() {
        let half = |config: &str, filter: &str| {
            let steps = vec![Step::send(0, format!("SUB {filter} 1\r\n"))];
            Script { config: Some(config.to_owned()), steps, ..Script::default() }.has_half_denied()
        };
        let config =
            r#"{ publish: { deny: "*.c" }, subscribe: { allow: ["x.*"], deny: ["a.>", "b.* grp"] } }"#;
        assert!(half(config, "*.b") && !half(config, "c.*"));
        assert!(!half(config, ">") && !half(config, "a.b") && !half(config, "x.*.x"));
        assert!(!half("users: [{ user: a }]", "*.b"));
    }
}
