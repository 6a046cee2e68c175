//! Which subjects JetStream owns: those below `$JS.` that mean something to it.
//!
//! They are not subscribed to but read: that takes one look into the directory of streams, however many consumers
//! there are, and no other shard hears of an acknowledgement than the one that has its consumer.

use broker::{Advertised, Claims, Owner};
use fabric::ShardId;
use js_proto::{ACK_PREFIX, FLOW_CONTROL_PREFIX};
use nats_auth::Directory;
use nats_proto::Publish;

use crate::config::Config;
use crate::names::{Names, News};
use crate::role::{EXPLAIN_PREFIX, Role};

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

/// What other servers are told that this one wants: all that its accounts with streams may ask of it, and what answers
/// its deliveries. What is not there they ask for all the same, and are told that nobody has it.
pub(crate) fn asked_of_all(config: &Config, directory: &Directory) -> Advertised {
    if config.is_off {
        return Advertised::new();
    }
    let below = |prefix: &[u8]| [prefix, b">"].concat();
    let mut filters =
        vec![b"$JS.API.>".to_vec(), below(ACK_PREFIX), below(FLOW_CONTROL_PREFIX), below(EXPLAIN_PREFIX)];
    if !config.domain.is_empty() {
        filters.push(format!("$JS.{}.API.>", config.domain).into_bytes());
    }
    let accounts = directory.accounts().iter().enumerate();
    let with_streams = accounts
        .filter(|(_, of)| !of.is_gone() && !of.is_system() && config.accounts.contains_key(&**of.name()));
    with_streams.flat_map(|(at, _)| filters.iter().map(move |filter| (at, filter.clone().into()))).collect()
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
