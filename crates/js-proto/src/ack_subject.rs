//! Where a delivered message is acknowledged: its reply subject says which message it is.

use crate::digits::{parse_number, push_number};

/// What all acknowledgements are published below.
pub const ACK_PREFIX: &[u8] = b"$JS.ACK.";

/// What the answers to flow control are published below.
pub const FLOW_CONTROL_PREFIX: &[u8] = b"$JS.FC.";

/// The front of the reply subjects of one consumer. It is written once a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckReply {
    front: Vec<u8>,
}

/// What is said of one delivery of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MsgMetadata {
    /// How often it was delivered, this time included.
    pub delivered: u64,
    /// Its sequence in the stream.
    pub stream_seq: u64,
    /// The how-manyeth delivery of the consumer it is.
    pub consumer_seq: u64,
    /// When it came in, in nanoseconds since 1970.
    pub timestamp: u64,
    /// How many messages are still to be delivered.
    pub pending: u64,
}

impl AckReply {
    /// The form that is understood everywhere.
    pub fn v1(stream: &str, consumer: &str) -> Self {
        Self { front: format!("$JS.ACK.{stream}.{consumer}.").into_bytes() }
    }

    /// The form that says where the stream is: in which domain, if there is one, and in which account, by its hash.
    pub fn v2(domain: &str, account_hash: &str, stream: &str, consumer: &str) -> Self {
        let domain = if domain.is_empty() { NO_DOMAIN } else { domain };
        Self { front: format!("$JS.ACK.{domain}.{account_hash}.{stream}.{consumer}.").into_bytes() }
    }

    /// Appends the reply subject of a delivery.
    pub fn write(&self, out: &mut Vec<u8>, metadata: &MsgMetadata) {
        out.extend_from_slice(&self.front);
        push_number(out, metadata.delivered);
        for number in [metadata.stream_seq, metadata.consumer_seq, metadata.timestamp, metadata.pending] {
            out.push(b'.');
            push_number(out, number);
        }
    }
}

/// Stands for a domain where there is none.
pub(crate) const NO_DOMAIN: &str = "_";

const TOKENS_V1: usize = 9;
const TOKENS_V2_MIN: usize = 11;

/// A reply subject, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckSubject<'a> {
    /// The domain, in the form that says it.
    pub domain: Option<&'a [u8]>,
    /// The hash of the account, in the form that says it.
    pub account_hash: Option<&'a [u8]>,
    /// The stream.
    pub stream: &'a [u8],
    /// The consumer.
    pub consumer: &'a [u8],
    /// What is said of the delivery. What is no number is the largest one, which was never delivered.
    pub metadata: MsgMetadata,
}

impl<'a> AckSubject<'a> {
    /// Reads either form; none if it is neither. The longer one may have further tokens.
    pub fn parse(subject: &'a [u8]) -> Option<Self> {
        if !subject.starts_with(ACK_PREFIX) {
            return None;
        }
        let mut tokens = [&b""[..]; TOKENS_V2_MIN];
        let (mut count, mut start) = (0, 0);
        for end in memchr::memchr_iter(b'.', subject).chain([subject.len()]) {
            if let Some(place) = tokens.get_mut(count) {
                *place = &subject[start..end];
            }
            (count, start) = (count + 1, end + 1);
        }
        let is_v2 = count >= TOKENS_V2_MIN;
        if !is_v2 && count != TOKENS_V1 {
            return None;
        }
        let own = if is_v2 { &tokens[4..11] } else { &tokens[2..9] };
        let number = |at: usize| parse_number(own[at]).unwrap_or(u64::MAX);
        Some(Self {
            domain: (is_v2 && tokens[2] != NO_DOMAIN.as_bytes()).then_some(tokens[2]),
            account_hash: is_v2.then_some(tokens[3]),
            stream: own[0],
            consumer: own[1],
            metadata: MsgMetadata {
                delivered: number(2),
                stream_seq: number(3),
                consumer_seq: number(4),
                timestamp: number(5),
                pending: number(6),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn recorded_replies_are_read_and_written() {
        let metadata = MsgMetadata {
            delivered: 1,
            stream_seq: 2,
            consumer_seq: 3,
            timestamp: 1_795_959_639_178_392_099,
            pending: 4,
        };
        for (reply, subject, domain, hash) in [
            (AckReply::v1("S", "C"), "$JS.ACK.S.C.1.2.3.1795959639178392099.4", None, None),
            (
                AckReply::v2("", "szMpdrwD", "S", "C"),
                "$JS.ACK._.szMpdrwD.S.C.1.2.3.1795959639178392099.4",
                None,
                Some("szMpdrwD"),
            ),
            (
                AckReply::v2("hub", "szMpdrwD", "S", "C"),
                "$JS.ACK.hub.szMpdrwD.S.C.1.2.3.1795959639178392099.4",
                Some("hub"),
                Some("szMpdrwD"),
            ),
        ] {
            let mut out = Vec::new();
            reply.write(&mut out, &metadata);
            assert_eq!(str::from_utf8(&out), Ok(subject));
            let read = AckSubject {
                domain: domain.map(str::as_bytes),
                account_hash: hash.map(str::as_bytes),
                stream: b"S",
                consumer: b"C",
                metadata,
            };
            assert_eq!(AckSubject::parse(subject.as_bytes()), Some(read));
        }
    }

    #[test]
    fn further_tokens_may_follow_the_long_form_only() {
        let parse = |subject: &'static str| AckSubject::parse(subject.as_bytes());
        assert_eq!(parse("$JS.ACK._.h.S.C.1.2.3.4.5.random").map(|ack| ack.metadata.pending), Some(5));
        assert_eq!(parse("$JS.ACK.S.C.1.2.3.4.5.6"), None);
        assert_eq!(parse("$JS.ACK.S.C.1.2.3.4"), None);
        assert_eq!(parse("$JS.FC.S.C.1.2.3.4.5"), None);
        assert_eq!(parse("$JS.ACK.S.C.1.x.3.4.5").map(|ack| ack.metadata.stream_seq), Some(u64::MAX));
    }

    proptest! {
        #[test]
        fn any_delivery_comes_back(numbers: [u64; 5], name in "[^. ]{1,9}", is_v2: bool) {
            let [delivered, stream_seq, consumer_seq, timestamp, pending] = numbers;
            let metadata = MsgMetadata { delivered, stream_seq, consumer_seq, timestamp, pending };
            let reply =
                if is_v2 { AckReply::v2("d", "h", &name, "C") } else { AckReply::v1(&name, "C") };
            let mut out = Vec::new();
            reply.write(&mut out, &metadata);
            let read = AckSubject::parse(&out).unwrap();
            prop_assert_eq!((read.stream, read.consumer), (name.as_bytes(), &b"C"[..]));
            prop_assert_eq!(read.metadata, metadata);
        }
    }
}
