//! Services without anybody behind them: tests open them, read their mail and publish as them.
#![allow(dead_code, reason = "each test binary uses its part")]

use broker::{Claims, Owner, Party, PublishOutcome, ServiceId};
use fabric::{Mailbox, MeshFrame};
use nats_proto::Publish;

use crate::shards::Shards;

pub(crate) const ACCOUNT: usize = 0;

/// A letter: by which tag, the subject shown, the payload, and who sent it.
pub(crate) type Read = (u32, String, String, Party);

pub(crate) fn open_everywhere(shards: &mut Shards) -> ServiceId {
    let ids: Vec<ServiceId> = shards.brokers.iter_mut().map(|broker| broker.open_service()).collect();
    ids[0]
}

pub(crate) fn mail(shards: &mut Shards, shard: usize, service: ServiceId) -> Vec<Read> {
    let mut mailbox = Mailbox::default();
    shards.brokers[shard].take_mail(service, &mut mailbox);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let read = |frame| match frame {
        Ok(MeshFrame::Letter(letter)) => {
            let publish = letter.message.publish;
            (letter.tag, text(publish.subject), text(publish.body), Party::of(&letter.message))
        }
        other => panic!("a letter, not {other:?}"),
    };
    mailbox.frames().map(read).collect()
}

pub(crate) fn message<'m>(subject: &'m str, body: &'m str, size: &'m str) -> Publish<'m> {
    let (size_text, body) = (size.as_bytes(), body.as_bytes());
    Publish { subject: subject.as_bytes(), reply: None, header: None, size_text, body }
}

pub(crate) fn publish(
    shards: &mut Shards,
    shard: usize,
    service: ServiceId,
    selects: &str,
    subject: &str,
) -> PublishOutcome {
    let publish = message(subject, "hi", "2");
    shards.brokers[shard].service_publish(service, ACCOUNT, selects.as_bytes(), &publish)
}

/// The services of a shard that waited and may go on.
pub(crate) fn ready(shards: &mut Shards, shard: usize) -> Vec<ServiceId> {
    let mut ready = Vec::new();
    shards.brokers[shard].take_ready_services(&mut ready);
    ready
}

#[derive(Debug)]
pub(crate) struct By(fn(&[u8]) -> Owner);

impl Claims for By {
    fn owner(&self, _account: usize, subject: &[u8]) -> Owner {
        (self.0)(subject)
    }
}

pub(crate) fn claim(shards: &mut Shards, service: ServiceId, owner: fn(&[u8]) -> Owner) {
    for broker in &mut shards.brokers {
        broker.claim(service, Box::new(By(owner)));
    }
}
