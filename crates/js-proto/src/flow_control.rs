//! Where who is pushed to says how far it is.

use crate::ack_subject::{FLOW_CONTROL_PREFIX, NO_DOMAIN};

/// The front of the subjects where one consumer is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowControlReply {
    front: String,
}

impl FlowControlReply {
    /// The form that is understood everywhere.
    pub fn v1(stream: &str, consumer: &str) -> Self {
        Self { front: format!("$JS.FC.{stream}.{consumer}.") }
    }

    /// The form that says where the stream is, as [`AckReply::v2`](crate::AckReply::v2) has it.
    pub fn v2(domain: &str, account_hash: &str, stream: &str, consumer: &str) -> Self {
        let domain = if domain.is_empty() { NO_DOMAIN } else { domain };
        Self { front: format!("$JS.FC.{domain}.{account_hash}.{stream}.{consumer}.") }
    }

    /// The subject of one question, which is told from the others by its token.
    pub fn subject(&self, token: &str) -> String {
        format!("{}{token}", self.front)
    }
}

/// Such a subject, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowControlSubject<'a> {
    /// The stream.
    pub stream: &'a [u8],
    /// The consumer.
    pub consumer: &'a [u8],
    /// What tells one question from the others.
    pub token: &'a [u8],
}

impl<'a> FlowControlSubject<'a> {
    /// Reads either form; none if it is neither.
    pub fn parse(subject: &'a [u8]) -> Option<Self> {
        let mut tokens = subject.strip_prefix(FLOW_CONTROL_PREFIX)?.split(|byte| *byte == b'.').rev();
        let mut next = || tokens.next();
        let (token, consumer, stream) = (next()?, next()?, next()?);
        // A domain and the hash of an account, or nothing.
        let before = tokens.count();
        (before == 0 || before == 2).then_some(Self { stream, consumer, token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_read_as_they_are_written() {
        for (reply, subject) in [
            (FlowControlReply::v1("S", "C"), "$JS.FC.S.C.dMSy"),
            (FlowControlReply::v2("", "szMpdrwD", "S", "C"), "$JS.FC._.szMpdrwD.S.C.dMSy"),
            (FlowControlReply::v2("hub", "szMpdrwD", "S", "C"), "$JS.FC.hub.szMpdrwD.S.C.dMSy"),
        ] {
            assert_eq!(reply.subject("dMSy"), subject);
            let read = FlowControlSubject { stream: b"S", consumer: b"C", token: b"dMSy" };
            assert_eq!(FlowControlSubject::parse(subject.as_bytes()), Some(read));
        }
        for other in ["$JS.FC.S.C", "$JS.FC.x.S.C.t", "$JS.FC.a.b.c.S.C.t", "$JS.ACK.S.C.t"] {
            assert_eq!(FlowControlSubject::parse(other.as_bytes()), None, "{other}");
        }
    }
}
