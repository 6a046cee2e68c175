//! What a consumer says of a message it delivers: the subject that acknowledges it.

use anyhow::{Context, Result, ensure};
use nats_proto::{HeaderView, Message};

use crate::jetstream::stored::Stored;
use crate::stamp;

/// `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`.
const TOKENS: usize = 9;

/// The same with domain and account in front of the stream, and maybe something behind.
const TOKENS_WITH_DOMAIN_MIN: usize = 11;
const DOMAIN_TOKENS: usize = 2;

/// `$JS`, `ACK`, stream and consumer.
const NUMBERS_BEHIND: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DeliveryNumbers {
    /// How often, this time among them.
    pub(super) times: u64,
    pub(super) stream_seq: u64,
    pub(super) consumer_seq: u64,
}

impl DeliveryNumbers {
    /// What a message says of itself.
    pub(super) fn of(message: &Message<'_>) -> Result<Self> {
        let subject = || String::from_utf8_lossy(message.subject);
        let read = Self::read(message.reply.unwrap_or_default());
        read.with_context(|| format!("a message on {} that says nothing of itself", subject()))
    }

    fn read(reply: &[u8]) -> Option<Self> {
        reply.starts_with(b"$JS.ACK.").then_some(())?;
        let domain = match 1 + reply.iter().filter(|byte| **byte == b'.').count() {
            TOKENS => 0,
            TOKENS_WITH_DOMAIN_MIN.. => DOMAIN_TOKENS,
            _ => return None,
        };
        let mut tokens = reply.split(|byte| *byte == b'.').skip(domain + NUMBERS_BEHIND);
        let mut number = || std::str::from_utf8(tokens.next()?).ok()?.parse().ok();
        Some(Self { times: number()?, stream_seq: number()?, consumer_seq: number()? })
    }
}

/// Messages of a stream from its first on: each once, in order, nothing left out.
#[derive(Debug)]
pub(crate) struct Deliveries<'a> {
    count: u64,
    /// What the messages have to be, if they are to be looked at.
    stored: Option<&'a Stored>,
}

impl<'a> Deliveries<'a> {
    pub(crate) fn new(stored: Option<&'a Stored>) -> Self {
        Self { count: 0, stored }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn on_message(&mut self, message: &Message<'_>) -> Result<()> {
        let delivery = DeliveryNumbers::of(message)?;
        let due = self.count + 1;
        let expected = DeliveryNumbers { times: 1, stream_seq: due, consumer_seq: due };
        ensure!(delivery == expected, "{delivery:?} came where {expected:?} was due");
        self.count = due;
        let Some(stored) = self.stored else { return Ok(()) };
        stored.confirm(stamp::read(message.payload(), message.subject)?, due)
    }
}

/// The status of what is no message of the stream, with its words.
pub(crate) fn status(message: &Message<'_>) -> Result<Option<(u16, String)>> {
    if message.header.is_none() {
        return Ok(None);
    }
    let headers = HeaderView::parse(message.headers())?;
    let words = || String::from_utf8_lossy(headers.description()).into_owned();
    Ok(headers.status().map(|status| (status, words())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::subject_checksum;
    use nats_proto::HeaderLen;

    fn deliver(deliveries: &mut Deliveries<'_>, reply: &str, body: &[u8]) -> Result<()> {
        let reply = Some(reply.as_bytes());
        deliveries.on_message(&Message { subject: b"bench.0", sid: b"1", reply, header: None, body })
    }

    #[test]
    fn both_forms_of_the_subject_are_read() {
        let expected = DeliveryNumbers { times: 1, stream_seq: 7, consumer_seq: 8 };
        for reply in [
            "$JS.ACK.bench.reader.1.7.8.1795986079791404488.1",
            "$JS.ACK._.ABCDEF.bench.reader.1.7.8.1795986079791404488.1",
            "$JS.ACK.hub.ABCDEF.bench.reader.1.7.8.1795986079791404488.1.x7",
        ] {
            assert_eq!(DeliveryNumbers::read(reply.as_bytes()), Some(expected), "{reply}");
        }
        for wrong in ["", "a.b", "$JS.ACK.bench.reader.1.7.x.1.1", "x.y.bench.reader.1.7.8.1.1"] {
            assert_eq!(DeliveryNumbers::read(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn messages_come_once_in_order_and_whole() {
        let mut stored = Stored::new(1);
        let mut payloads = Vec::new();
        for number in 0..3 {
            stored.book(0, number, number + 1).unwrap();
            payloads.push([0; 32]);
            stamp::write(payloads.last_mut().unwrap(), 0, number, subject_checksum(b"bench.0"));
        }
        let mut deliveries = Deliveries::new(Some(&stored));
        deliver(&mut deliveries, "$JS.ACK.bench.c.1.1.1.0.2", &payloads[0]).unwrap();
        let mut error = |reply, body: &[u8]| deliver(&mut deliveries, reply, body).unwrap_err().to_string();
        assert!(error("$JS.ACK.bench.c.1.1.1.0.2", &payloads[0]).contains("was due"), "doubled");
        assert!(error("$JS.ACK.bench.c.1.3.2.0.2", &payloads[2]).contains("was due"), "lost");
        assert!(error("$JS.ACK.bench.c.2.2.2.0.2", &payloads[1]).contains("was due"), "again");
        assert!(error("", &payloads[1]).contains("says nothing of itself"));
        assert!(error("$JS.ACK.bench.c.1.2.2.0.2", &payloads[2]).contains("was acknowledged as 3 and is 2"));
        assert_eq!(deliveries.count(), 2);
    }

    #[test]
    fn a_status_is_no_message() {
        let body = b"NATS/1.0 408 Request Timeout\r\n\r\n";
        let header = Some(HeaderLen { bytes: body.len(), text: b"32" });
        let mut message = Message { subject: b"i", sid: b"1", reply: None, header, body };
        assert_eq!(status(&message).unwrap(), Some((408, "Request Timeout".to_owned())));
        message.header = None;
        assert_eq!(status(&message).unwrap(), None);
    }
}
