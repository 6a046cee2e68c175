//! `/jsz`: JetStream, its accounts, their streams and consumers.
//!
//! What a stream has to tell comes as those who keep streams put it.

use std::time::Duration;

use serde::Serialize;

use crate::answer::Answer;
use crate::jetstream::{
    ApiText, JetStreamConfigFacts, JetStreamFacts, JetStreamLimitFacts, JetStreamTotals, StatsText, nanos,
};
use crate::moment::Moment;
use crate::parameters::Parameters;

/// Accounts shown if nothing is said about it.
const LIMIT: usize = 1024;

/// What of JetStream to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JszQuery {
    /// `acc`: just this account, if it has JetStream.
    pub account: Option<String>,
    /// `accounts`: what accounts have.
    pub accounts: bool,
    /// `streams`: their streams.
    pub streams: bool,
    /// `consumers`: those of their streams.
    pub consumers: bool,
    /// `direct-consumers`: those too that belong to other streams.
    pub direct_consumers: bool,
    /// `config`: what streams and consumers were told to be.
    pub config: bool,
    /// `explain`: why those of the consumers that deliver nothing do not; consumers with it. nats-server knows it not.
    pub explain: bool,
    /// `leader-only`: servers that do not lead keep silent.
    pub leader_only: bool,
    /// `offset`: accounts of the sorted list to leave out.
    pub offset: i64,
    /// `limit`: accounts to show at most. Zero leaves it to the server, and below there is none, nor an offset.
    pub limit: i64,
    /// `raft`: who leads what. There is nobody else.
    pub raft: bool,
    /// `stream-leader-only`: just those streams that the server leads, which is all of them.
    pub stream_leader_only: bool,
}

impl JszQuery {
    pub(crate) fn read(parameters: &Parameters) -> Result<Self, Answer> {
        let query = Self {
            accounts: parameters.flag("accounts")?,
            streams: parameters.flag("streams")?,
            consumers: parameters.flag("consumers")?,
            direct_consumers: parameters.flag("direct-consumers")?,
            config: parameters.flag("config")?,
            explain: parameters.flag("explain")?,
            offset: parameters.int("offset")?,
            limit: parameters.int("limit")?,
            leader_only: parameters.flag("leader-only")?,
            raft: parameters.flag("raft")?,
            stream_leader_only: parameters.flag("stream-leader-only")?,
            account: parameters.owned("acc"),
        };
        Ok(query.settled())
    }

    /// What is asked for with something else.
    #[must_use]
    pub fn settled(self) -> Self {
        let consumers = self.consumers || self.explain;
        let streams = self.streams || consumers;
        let accounts = self.accounts || (streams && self.account.as_deref().unwrap_or_default().is_empty());
        Self { streams, accounts, consumers, ..self }
    }

    /// Those of the accounts with JetStream that are shown, by their places in a list that is sorted by name.
    pub fn shown<'n>(&self, names: impl ExactSizeIterator<Item = &'n str> + Clone) -> std::ops::Range<usize> {
        let count = names.len();
        let wanted = self.account.as_deref();
        if let Some(at) = wanted.and_then(|wanted| names.clone().position(|name| name == wanted)) {
            return at..at + 1;
        }
        let (offset, limit) = match usize::try_from(self.limit) {
            _ if !self.accounts => return 0..0,
            Err(_) => return 0..count,
            Ok(0) => (self.offset, LIMIT),
            Ok(limit) => (self.offset, limit),
        };
        let from = usize::try_from(offset).unwrap_or(0).min(count);
        from..from.saturating_add(limit).min(count)
    }
}

/// What the streams of one shard are in numbers, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamSums {
    /// Streams.
    pub streams: u64,
    /// Consumers.
    pub consumers: u64,
    /// Those of them that do not belong to other streams.
    pub public_consumers: u64,
    /// Messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those of them in memory.
    pub memory: u64,
    /// And in files.
    pub storage: u64,
    /// Bytes in files that are read now and then, to know whether they are still what was written.
    pub to_scrub: u64,
    /// Bytes that were read for that since the start.
    pub scrubbed: u64,
    /// Places that are known to have rotted.
    pub rotten: u64,
}

impl StreamSums {
    /// Counts what another shard has.
    pub fn add(&mut self, other: &Self) {
        self.streams += other.streams;
        self.consumers += other.consumers;
        self.public_consumers += other.public_consumers;
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.memory += other.memory;
        self.storage += other.storage;
        self.to_scrub += other.to_scrub;
        self.scrubbed += other.scrubbed;
        self.rotten += other.rotten;
    }
}

/// What one account has of JetStream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JetStreamAccountRow {
    /// Its name.
    pub name: Box<str>,
    /// Bytes in memory.
    pub memory: u64,
    /// Bytes in files.
    pub storage: u64,
    /// `max_memory`; below zero is without limit.
    pub max_memory: i64,
    /// `max_file`; below zero is without limit.
    pub max_storage: i64,
    /// Requests that were answered.
    pub requests: u64,
    /// Those of them that were answered with an error.
    pub errors: u64,
}

/// An account in the answer, with what its streams have to tell.
#[derive(Debug, Serialize)]
pub struct JetStreamAccountText<S> {
    name: Box<str>,
    id: Box<str>,
    #[serde(flatten)]
    stats: StatsText,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stream_detail: Vec<S>,
}

impl<S> JetStreamAccountText<S> {
    /// That account with these streams, if they were asked for.
    pub fn new(row: JetStreamAccountRow, stream_detail: Vec<S>) -> Self {
        // nats-server shows limits there, also where there is none.
        let stats = StatsText {
            memory: row.memory,
            storage: row.storage,
            reserved_memory: row.max_memory as u64,
            reserved_storage: row.max_storage as u64,
            accounts: 0,
            ha_assets: 0,
            api: ApiText { level: 0, total: row.requests, errors: row.errors },
        };
        Self { id: row.name.clone(), name: row.name, stats, stream_detail }
    }
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Jsz<'a, S> {
    #[serde(flatten)]
    stats: StatsText,
    server_id: &'a str,
    now: Moment,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    config: JetStreamConfigFacts,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<JetStreamLimitFacts>,
    streams: u64,
    #[serde(skip_serializing_if = "is_zero")]
    streams_leader: u64,
    consumers: u64,
    #[serde(skip_serializing_if = "is_zero")]
    consumers_leader: u64,
    messages: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    account_details: Vec<JetStreamAccountText<S>>,
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    buster: Option<OwnText>,
}

/// What nats-server does not have.
#[derive(Debug, Serialize)]
struct OwnText {
    scrub: ScrubText,
}

/// How far reading is what was written long ago, on all shards together.
#[derive(Debug, Serialize)]
struct ScrubText {
    #[serde(serialize_with = "nanos")]
    interval: Duration,
    of_bytes: u64,
    bytes: u64,
    rotten: u64,
}

impl OwnText {
    /// Nothing, before something was read.
    fn of(facts: &JetStreamFacts, sums: &StreamSums) -> Option<Self> {
        let scrub = ScrubText {
            interval: facts.scrub_interval,
            of_bytes: sums.to_scrub,
            bytes: sums.scrubbed,
            rotten: sums.rotten,
        };
        (sums.scrubbed > 0).then_some(Self { scrub })
    }
}

/// What there is without JetStream; `None` if that was not asked for.
pub fn jsz_disabled<'a>(server_id: &'a str, now: Moment, query: &JszQuery) -> Option<Jsz<'a, ()>> {
    let none = || Jsz {
        stats: StatsText::default(),
        server_id,
        now,
        disabled: true,
        config: JetStreamConfigFacts::default(),
        limits: None,
        streams: 0,
        streams_leader: 0,
        consumers: 0,
        consumers_leader: 0,
        messages: 0,
        bytes: 0,
        account_details: Vec::new(),
        total: 0,
        buster: None,
    };
    (!query.leader_only).then(none)
}

/// The answer to who asked for servers that lead.
pub fn jsz_not_leader() -> Answer {
    Answer::bad_request("filtered response: not leader")
}

impl<'a, S: Serialize> Jsz<'a, S> {
    /// What there is with it.
    pub fn new(
        server_id: &'a str,
        now: Moment,
        query: &JszQuery,
        facts: &JetStreamFacts,
        (totals, sums): (&JetStreamTotals, &StreamSums),
        account_details: Vec<JetStreamAccountText<S>>,
    ) -> Self {
        let led = |count: u64| if query.raft { count } else { 0 };
        Self {
            stats: StatsText::of(facts, totals),
            server_id,
            now,
            disabled: false,
            config: facts.config.clone(),
            limits: Some(facts.limits.clone()),
            streams: sums.streams,
            streams_leader: led(sums.streams),
            consumers: sums.consumers,
            consumers_leader: led(sums.public_consumers),
            messages: sums.messages,
            bytes: sums.bytes,
            account_details,
            total: totals.accounts,
            buster: OwnText::of(facts, sums),
        }
    }

    /// The answer over HTTP.
    pub fn answer(&self) -> Answer {
        Answer::json(self)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it serializes by reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> JszQuery {
        JszQuery::read(&Parameters::of(text.as_bytes())).unwrap()
    }

    fn keys(body: &str) -> Vec<&str> {
        body.lines().filter_map(|line| line.trim_start().strip_prefix('"')?.split('"').next()).collect()
    }

    /// As nats-server 2.14.5 does.
    #[test]
    fn accounts_are_shown_where_they_are_asked_for() {
        let names = ["A", "B", "C"];
        for (text, shown) in [
            ("", 0..0),
            ("accounts=1", 0..3),
            ("streams=1", 0..3),
            ("consumers=1", 0..3),
            ("acc=B", 1..2),
            ("acc=B&streams=1&offset=2", 1..2),
            ("acc=NONE", 0..0),
            ("acc=NONE&streams=1", 0..0),
            ("acc=NONE&accounts=1", 0..3),
            ("accounts=1&offset=1", 1..3),
            ("accounts=1&offset=-1&limit=2", 0..2),
            ("accounts=1&offset=1&limit=1", 1..2),
            ("accounts=1&offset=7", 3..3),
            ("accounts=1&offset=1&limit=-1", 0..3),
        ] {
            assert_eq!(query(text).shown(names.iter().copied()), shown, "{text}");
        }
    }

    #[test]
    fn jsz_without_jetstream_says_so_where_nats_server_does() {
        let body = jsz_disabled("ID", Moment(0), &query("consumers=1")).unwrap().answer().text();
        let expected = "memory storage reserved_memory reserved_storage accounts ha_assets api level total errors \
            server_id now disabled config max_memory max_storage streams consumers messages bytes total";
        assert_eq!(keys(&body), expected.split_whitespace().collect::<Vec<_>>());
        assert!(body.contains("\"disabled\": true"));
        assert!(jsz_disabled("ID", Moment(0), &query("leader-only=1")).is_none());
    }

    /// The order is nats-server 2.14.5's.
    #[test]
    fn jsz_has_nats_servers_fields_in_its_order() {
        let config = JetStreamConfigFacts {
            max_memory: 1,
            max_storage: 2,
            store_dir: "/d".into(),
            sync_interval: Duration::from_secs(120),
            sync_always: true,
            domain: "hub".into(),
            compress_ok: true,
            strict: true,
        };
        let limits = JetStreamLimitFacts {
            max_request_batch: 1,
            max_ack_pending: 2,
            max_duplicate_window: 3,
            ..JetStreamLimitFacts::default()
        };
        let scrub_interval = Duration::from_secs(60);
        let facts = JetStreamFacts { config, limits, api_level: 4, scrub_interval };
        let totals = JetStreamTotals { accounts: 3, requests: 7, errors: 1, ..JetStreamTotals::default() };
        let sums = StreamSums {
            streams: 2,
            consumers: 4,
            public_consumers: 3,
            messages: 5,
            bytes: 6,
            ..StreamSums::default()
        };
        let row = JetStreamAccountRow { name: "A".into(), max_memory: -1, ..JetStreamAccountRow::default() };
        let account = JetStreamAccountText::new(row, vec!["detail"]);
        let query = query("raft=1");
        let body = Jsz::new("ID", Moment(0), &query, &facts, (&totals, &sums), vec![account]).answer().text();
        let expected = "memory storage reserved_memory reserved_storage accounts ha_assets api level total errors \
            server_id now config max_memory max_storage store_dir sync_interval sync_always domain compress_ok strict \
            limits max_request_batch max_ack_pending max_duplicate_window streams streams_leader consumers \
            consumers_leader messages bytes account_details name id memory storage reserved_memory reserved_storage \
            accounts ha_assets api level total errors stream_detail detail total";
        assert_eq!(keys(&body), expected.split_whitespace().collect::<Vec<_>>());
        for line in [
            "\"sync_interval\": 120000000000,",
            "\"streams_leader\": 2,",
            "\"consumers_leader\": 3,",
            "\"level\": 4,",
            "\"reserved_memory\": 18446744073709551615,",
        ] {
            assert!(body.contains(line), "{line} in {body}");
        }
        let plain = Jsz::<()>::new("ID", Moment(0), &JszQuery::default(), &facts, (&totals, &sums), vec![]);
        let body = plain.answer().text();
        assert!(!body.contains("_leader") && !body.contains("account_details"), "{body}");
        let sums = StreamSums { to_scrub: 9, scrubbed: 5, rotten: 1, ..sums };
        let body = Jsz::<()>::new("ID", Moment(0), &JszQuery::default(), &facts, (&totals, &sums), vec![]);
        let body: String = body.answer().text().split_whitespace().collect();
        let own = r#""buster":{"scrub":{"interval":60000000000,"of_bytes":9,"bytes":5,"rotten":1}}}"#;
        assert!(body.ends_with(own), "{body}");
    }
}
