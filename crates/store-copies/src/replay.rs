//! Messages that consumers gave up, published again.

use std::fmt;

use js_proto::{ApiAnswer, MsgGetAnswer, headers};
use nats_proto::go_json::read_into;
use serde_json::json;

use crate::link::read_answer;
use crate::{CopyError, Link};

/// What there is behind the last message of a stream: no message.
const NO_MESSAGE: &str = "(10037)";

/// Which letters are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letters {
    /// The stream that keeps them.
    pub stream: String,
    /// Those of this stream alone.
    pub of: Option<String>,
    /// Those of this consumer alone.
    pub consumer: Option<String>,
    /// Whether they stay once they were published again.
    pub keeps: bool,
}

/// What became of a letter.
#[derive(Debug)]
pub struct Replayed {
    /// Its sequence in the stream that keeps it.
    pub seq: u64,
    /// Where it was published, and which stream has it as what; or why it was not.
    pub result: Result<(String, String), CopyError>,
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok((subject, place)) => write!(f, "{}: {subject}: {place}", self.seq),
            Err(error) => write!(f, "{}: NOT PUBLISHED: {error}", self.seq),
        }
    }
}

/// A letter as it was read.
struct Letter {
    seq: u64,
    subject: String,
    header: Vec<u8>,
    payload: Vec<u8>,
}

/// Publishes letters again under the subjects that they had, in their order, and deletes each once a stream has it. What
/// comes meanwhile is left. `tell` hears what became of each. One that was published and not deleted, since the connection
/// broke, is taken for a duplicate when it is published once more, within the window that the stream has for that.
///
/// # Errors
/// There is no such stream, or the server cannot be reached any more.
pub fn replay(link: &mut Link, letters: &Letters, tell: &mut dyn FnMut(&Replayed)) -> Result<(), CopyError> {
    let info = link.ask(&format!("STREAM.INFO.{}", letters.stream), &json!(null))?;
    let last = info["state"]["last_seq"].as_u64().unwrap_or(0);
    let mut next = 1;
    while let Some(letter) = read_next(link, &letters.stream, next)?.filter(|letter| letter.seq <= last) {
        next = letter.seq + 1;
        if letters.mean(&letter) {
            let result = replay_one(link, letters, &letter);
            tell(&Replayed { seq: letter.seq, result });
        }
    }
    Ok(())
}

impl Letters {
    fn mean(&self, letter: &Letter) -> bool {
        let is = |name: &str, asked: &Option<String>| {
            asked.as_ref().is_none_or(|asked| letter.line(name) == Some(asked.as_bytes()))
        };
        letter.line(headers::DEAD_REASON).is_some()
            && is(headers::DEAD_STREAM, &self.of)
            && is(headers::DEAD_CONSUMER, &self.consumer)
    }
}

impl Letter {
    fn line(&self, name: &str) -> Option<&[u8]> {
        headers::fields(&self.header).find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }

    /// What stood above it before, and its own id, so that it is not stored twice.
    fn header_before(&self) -> Vec<u8> {
        let mut out = b"NATS/1.0\r\n".to_vec();
        for (name, value) in headers::fields(&self.header) {
            if !name.starts_with(headers::DEAD_PREFIX.as_bytes()) {
                headers::write_text(&mut out, &String::from_utf8_lossy(name), value);
            }
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

fn read_next(link: &mut Link, stream: &str, from: u64) -> Result<Option<Letter>, CopyError> {
    let body = json!({ "seq": from, "next_by_subj": ">" }).to_string();
    let answer = link.request(&format!("$JS.API.STREAM.MSG.GET.{stream}"), body.as_bytes())?;
    match read_answer(&answer.payload) {
        Err(CopyError::Refused(why)) if why.ends_with(NO_MESSAGE) => return Ok(None),
        other => other?,
    };
    let mut got = MsgGetAnswer::new();
    read_into(&answer.payload, &mut got).map_err(|error| CopyError::Said(error.to_string()))?;
    let message = got.message.ok_or_else(|| CopyError::Said("there is no message in the answer".into()))?;
    let (subject, header, payload) = (message.subject, message.hdrs.0, message.data.0);
    Ok(Some(Letter { seq: message.seq, subject, header, payload }))
}

fn replay_one(link: &mut Link, letters: &Letters, letter: &Letter) -> Result<(String, String), CopyError> {
    if letter.line(headers::DEAD_REASON) == Some(b"unreadable") {
        return Err(CopyError::Refused("nothing is left of what it said".into()));
    }
    let answer = link.request_with(&letter.subject, &letter.header_before(), &letter.payload);
    let answer = answer.map_err(|error| match error {
        CopyError::NoJetStream => CopyError::Refused(format!("nobody listens to {}", letter.subject)),
        other => other,
    })?;
    let answer = read_answer(&answer.payload)?;
    let (Some(stream), Some(seq)) = (answer["stream"].as_str(), answer["seq"].as_u64()) else {
        return Err(CopyError::Refused(format!("no stream took {}", letter.subject)));
    };
    if !letters.keeps {
        let subject = format!("STREAM.MSG.DELETE.{}", letters.stream);
        link.ask(&subject, &json!({ "seq": letter.seq, "no_erase": true }))?;
    }
    Ok((letter.subject.clone(), format!("{seq} of {stream}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(header: &str) -> Letter {
        Letter { seq: 1, subject: "a".into(), header: header.as_bytes().to_vec(), payload: Vec::new() }
    }

    const HEADER: &str = "NATS/1.0\r\nKind: x\r\nNats-Msg-Id: dead.S.C.1.2\r\nBuster-Dead-Reason: terminated\r\n\
                          Buster-Dead-Stream: S\r\nBuster-Dead-Consumer: C\r\n\r\n";

    #[test]
    fn a_letter_is_published_as_it_was_under_its_own_id() {
        let header = String::from_utf8(letter(HEADER).header_before()).unwrap();
        assert_eq!(header, "NATS/1.0\r\nKind: x\r\nNats-Msg-Id: dead.S.C.1.2\r\n\r\n");
    }

    #[test]
    fn what_is_no_letter_or_of_others_is_not_meant() {
        let of = |of: Option<&str>, consumer: Option<&str>| Letters {
            of: of.map(Into::into),
            consumer: consumer.map(Into::into),
            ..Letters::default()
        };
        for (letters, outcome) in [
            (of(None, None), true),
            (of(Some("S"), Some("C")), true),
            (of(Some("T"), None), false),
            (of(None, Some("D")), false),
        ] {
            assert_eq!(letters.mean(&letter(HEADER)), outcome, "{letters:?}");
        }
        assert!(!of(None, None).mean(&letter("NATS/1.0\r\nKind: x\r\n\r\n")));
    }
}
