//! The options that only JSZ has.

use monitor::JszQuery;
use nats_proto::go_json::Field;

/// What of JetStream to tell. They are called otherwise here than over HTTP.
#[derive(Debug, Default)]
pub(crate) struct JszOptions {
    account: String,
    accounts: bool,
    streams: bool,
    consumer: bool,
    direct_consumer: bool,
    config: bool,
    leader_only: bool,
    offset: i64,
    limit: i64,
    raft: bool,
    stream_leader_only: bool,
}

impl JszOptions {
    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "account" => &mut self.account,
            "accounts" => &mut self.accounts,
            "streams" => &mut self.streams,
            "consumer" => &mut self.consumer,
            "direct_consumer" => &mut self.direct_consumer,
            "config" => &mut self.config,
            "leader_only" => &mut self.leader_only,
            "offset" => &mut self.offset,
            "limit" => &mut self.limit,
            "raft" => &mut self.raft,
            "stream_leader_only" => &mut self.stream_leader_only,
            _ => return None,
        })
    }

    /// The question about all of it.
    pub(crate) fn query(self) -> JszQuery {
        self.plain().settled()
    }

    /// The question about one account, which takes nothing along that is not asked for.
    pub(crate) fn of_account(self) -> JszQuery {
        self.plain()
    }

    fn plain(self) -> JszQuery {
        JszQuery {
            account: Some(self.account).filter(|account| !account.is_empty()),
            accounts: self.accounts,
            streams: self.streams,
            consumers: self.consumer,
            direct_consumers: self.direct_consumer,
            config: self.config,
            explain: false,
            leader_only: self.leader_only,
            offset: self.offset,
            limit: self.limit,
            raft: self.raft,
            stream_leader_only: self.stream_leader_only,
        }
    }
}
