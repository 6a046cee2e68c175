//! What is played: a configuration and the steps of a conversation.

use std::collections::BTreeMap;

use crate::ops::Said;

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
        let mut said: BTreeMap<usize, Said> = BTreeMap::new();
        for step in &self.steps {
            if let Step::Send { conn, pieces } = step {
                let said = said.entry(*conn).or_default();
                pieces.iter().for_each(|piece| said.say(piece));
            }
        }
        said.values().any(|said| said.connects > 1)
    }
}

impl Step {
    /// One connection sends these bytes in one piece.
    #[must_use]
    pub fn send(conn: usize, bytes: impl Into<Vec<u8>>) -> Self {
        Self::Send { conn, pieces: vec![bytes.into()] }
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
}
