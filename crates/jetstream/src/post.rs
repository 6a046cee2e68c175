//! What is to be published: at once as long as the broker takes it, and in its order.

use std::collections::VecDeque;

use broker::{Broker, PublishOutcome, ServiceId};
use fabric::ShardId;
use nats_proto::{HeaderLen, Publish};

use crate::names::News;

/// Bytes that may wait to be published. Beyond that JetStream takes in nothing and delivers nothing until the broker
/// takes some: then mailboxes fill, and publishers are held.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// What goes with each message that waits.
const MESSAGE_BYTES: usize = 128;

/// A message that somebody is to get.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'m> {
    pub(crate) account: usize,
    /// The subject that decides who gets it.
    pub(crate) to: &'m [u8],
    /// The subject that they are shown.
    pub(crate) subject: &'m [u8],
    pub(crate) reply: Option<&'m [u8]>,
    /// Empty if there is none.
    pub(crate) header: &'m [u8],
    pub(crate) payload: &'m [u8],
}

impl<'m> Message<'m> {
    /// One whose subject decides who gets it.
    pub(crate) fn new(account: usize, subject: &'m [u8], payload: &'m [u8]) -> Self {
        Self { account, to: subject, subject, reply: None, header: b"", payload }
    }
}

/// The outgoing messages of a shard's JetStream.
#[derive(Debug)]
pub(crate) struct Post {
    service: ServiceId,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Scratch: header and payload in one.
    body: Vec<u8>,
}

#[derive(Debug)]
struct Waiting {
    account: usize,
    whom: Whom,
    to: Box<[u8]>,
    /// None if it is the same.
    subject: Option<Box<[u8]>>,
    reply: Option<Box<[u8]>>,
    header_len: usize,
    body: Box<[u8]>,
}

/// Whom something is for.
#[derive(Debug, Clone, Copy)]
enum Whom {
    /// Whoever wants it.
    Anybody,
    /// The claims of that shard.
    Claims(ShardId),
    /// JetStream there.
    Sibling(ShardId),
}

impl Post {
    pub(crate) fn new(service: ServiceId) -> Self {
        Self { service, waiting: VecDeque::new(), waiting_bytes: 0, body: Vec::new() }
    }

    /// Publishes a message, or has it wait behind those that do.
    pub(crate) fn publish(&mut self, broker: &mut Broker, message: &Message<'_>) {
        self.send(broker, Whom::Anybody, message);
    }

    /// Sends a letter to JetStream on another shard: its subject, reply, header and payload are the message's.
    pub(crate) fn write_to(&mut self, broker: &mut Broker, shard: ShardId, message: &Message<'_>) {
        self.send(broker, Whom::Sibling(shard), message);
    }

    /// Publishes a message whose header and payload are written in one. `write` returns how long the header is.
    pub(crate) fn publish_written(
        &mut self,
        broker: &mut Broker,
        message: &Message<'_>,
        write: impl FnOnce(&mut Vec<u8>) -> usize,
    ) {
        self.send_written(broker, Whom::Anybody, message, write);
    }

    fn send(&mut self, broker: &mut Broker, whom: Whom, message: &Message<'_>) {
        if message.header.is_empty() {
            return self.send_body(broker, whom, message, 0, message.payload);
        }
        self.send_written(broker, whom, message, |body| {
            body.extend_from_slice(message.header);
            body.extend_from_slice(message.payload);
            message.header.len()
        });
    }

    fn send_written(
        &mut self,
        broker: &mut Broker,
        whom: Whom,
        message: &Message<'_>,
        write: impl FnOnce(&mut Vec<u8>) -> usize,
    ) {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        let header_len = write(&mut body);
        self.send_body(broker, whom, message, header_len, &body);
        self.body = body;
    }

    /// The same, with header and payload in one.
    fn send_body(
        &mut self,
        broker: &mut Broker,
        whom: Whom,
        message: &Message<'_>,
        header_len: usize,
        body: &[u8],
    ) {
        let is_out = self.waiting.is_empty() && {
            let mut sizes = Sizes::default();
            let publish = sizes.publish(message.subject, message.reply, header_len, body);
            whom.send(broker, self.service, message.account, message.to, &publish) == PublishOutcome::Done
        };
        if !is_out {
            self.hold(Waiting {
                account: message.account,
                whom,
                to: message.to.into(),
                subject: (message.to != message.subject).then(|| message.subject.into()),
                reply: message.reply.map(Into::into),
                header_len,
                body: body.into(),
            });
        }
    }

    /// Tells the claims of a shard what has become of streams.
    pub(crate) fn tell(&mut self, broker: &mut Broker, to: ShardId, news: &News<'_>) {
        let mut body = [0; 3];
        let letter = news.write(&mut body);
        let is_out = self.waiting.is_empty()
            && broker.tell_claims(self.service, to, news.account, &letter) == PublishOutcome::Done;
        if !is_out {
            self.hold(Waiting {
                account: news.account,
                whom: Whom::Claims(to),
                to: letter.subject.into(),
                subject: None,
                reply: letter.reply.map(Into::into),
                header_len: 0,
                body: letter.body.into(),
            });
        }
    }

    fn hold(&mut self, waiting: Waiting) {
        self.waiting_bytes += waiting.bytes();
        self.waiting.push_back(waiting);
    }

    /// Publishes what waits, as far as that goes.
    pub(crate) fn go_on(&mut self, broker: &mut Broker) {
        while let Some(next) = self.waiting.front()
            && next.publish(broker, self.service) == PublishOutcome::Done
        {
            self.waiting_bytes -= next.bytes();
            self.waiting.pop_front();
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether so much waits that nothing is to be added.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting_bytes >= WAITING_BYTES_MAX
    }

    /// As whom it publishes.
    pub(crate) fn service(&self) -> ServiceId {
        self.service
    }
}

impl Waiting {
    fn bytes(&self) -> usize {
        let names = [self.subject.as_deref(), self.reply.as_deref()].into_iter().flatten();
        MESSAGE_BYTES + self.to.len() + self.body.len() + names.map(<[u8]>::len).sum::<usize>()
    }

    fn publish(&self, broker: &mut Broker, service: ServiceId) -> PublishOutcome {
        let mut sizes = Sizes::default();
        let subject = self.subject.as_deref().unwrap_or(&self.to);
        let publish = sizes.publish(subject, self.reply.as_deref(), self.header_len, &self.body);
        self.whom.send(broker, service, self.account, &self.to, &publish)
    }
}

impl Whom {
    #[inline]
    fn send(
        self,
        broker: &mut Broker,
        service: ServiceId,
        account: usize,
        to: &[u8],
        publish: &Publish<'_>,
    ) -> PublishOutcome {
        match self {
            Self::Anybody => broker.service_publish(service, account, to, publish),
            Self::Claims(shard) => broker.tell_claims(service, shard, account, publish),
            Self::Sibling(shard) => broker.tell_sibling(service, shard, account, publish),
        }
    }
}

/// Lengths as text, as they stand on the wire.
#[derive(Default)]
struct Sizes {
    body: Decimal,
    header: Decimal,
}

impl Sizes {
    fn publish<'p>(
        &'p mut self,
        subject: &'p [u8],
        reply: Option<&'p [u8]>,
        header_len: usize,
        body: &'p [u8],
    ) -> Publish<'p> {
        let header = HeaderLen { bytes: header_len, text: self.header.write(header_len) };
        let size_text = self.body.write(body.len());
        Publish { subject, reply, header: (header_len > 0).then_some(header), size_text, body }
    }
}

/// A number as text.
#[derive(Default)]
struct Decimal([u8; 20]);

impl Decimal {
    fn write(&mut self, mut number: usize) -> &[u8] {
        let mut start = self.0.len();
        loop {
            start -= 1;
            self.0[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return &self.0[start..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_stand_as_the_wire_has_them() {
        let mut sizes = Sizes::default();
        let publish = sizes.publish(b"s", None, 3, b"hhhbody");
        assert_eq!((publish.headers(), publish.payload()), (&b"hhh"[..], &b"body"[..]));
        assert_eq!(
            (publish.size_text, publish.header.map(|header| header.text)),
            (&b"7"[..], Some(&b"3"[..]))
        );
        for number in [0, 9, 10, 1_234_567, usize::MAX] {
            assert_eq!(Decimal::default().write(number), number.to_string().as_bytes());
        }
    }
}
