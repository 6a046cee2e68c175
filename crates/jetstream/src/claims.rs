//! Which subjects JetStream owns: those below `$JS.` that mean something to it.
//!
//! They are not subscribed to but read: that takes one look into the directory of streams, however many consumers
//! there are, and no other shard hears of an acknowledgement than the one that has its consumer.

use broker::{Claims, Owner};
use fabric::ShardId;
use nats_proto::Publish;

use crate::names::{Names, News};
use crate::role::Role;

/// What a shard's broker asks.
#[derive(Debug)]
pub(crate) struct JetStreamClaims {
    shard: ShardId,
    domain: Box<str>,
    names: Names,
}

impl JetStreamClaims {
    pub(crate) fn new(shard: ShardId, domain: &str) -> Self {
        Self { shard, domain: domain.into(), names: Names::default() }
    }
}

impl Claims for JetStreamClaims {
    fn owner(&self, account: usize, subject: &[u8]) -> Owner {
        let Some(role) = Role::of(subject, &self.domain) else { return Owner::Nobody };
        match role.shard(account, &self.names) {
            None => Owner::Nobody,
            Some(shard) if shard == self.shard => Owner::Here,
            Some(shard) => Owner::Shard(shard),
        }
    }

    fn hear(&mut self, account: usize, news: &Publish<'_>) {
        self.names.apply(&News::read(account, news));
    }
}
