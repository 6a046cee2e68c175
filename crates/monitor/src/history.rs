//! The last minutes, second by second: what those who watch the server are shown.
//!
//! A ring of bounded size. Counters become figures a second; what is a level is as it was. Figures are whole numbers,
//! and the processor's and the shards' time are thousandths, so that ten minutes are a short text.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::jetstream::JetStreamTotals;
use crate::log_totals::LogTotals;
use crate::moment::Moment;
use crate::snapshot::ShardTotals;

/// Seconds that may be kept: ten minutes, which is what the page shows. That is 60 KiB and 30 KiB a shard, and told to one
/// who comes some 30 KiB and 10 KiB a shard.
pub const HISTORY_SECONDS_MAX: usize = 600;

/// What is told of the server, in the order of [`Sample::server`].
const SERVER_SERIES: [&str; 15] = [
    "in_msgs",
    "in_bytes",
    "out_msgs",
    "out_bytes",
    "connections",
    "subscriptions",
    "slow_consumers",
    "stalls",
    "pending_bytes",
    "cpu",
    "memory",
    "stream_bytes",
    "api_requests",
    "log_bytes",
    "log_syncs",
];

/// What is told of each shard, in the order of [`Sample::shards`].
const SHARD_SERIES: [&str; 6] = ["busy", "in_msgs", "out_msgs", "connections", "pending_bytes", "mesh_bytes"];

/// What was counted by some moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// When.
    pub at: Moment,
    /// By each shard.
    pub shards: Vec<ShardTotals>,
    /// Processor time that the process had.
    pub cpu: Duration,
    /// Its resident memory.
    pub memory: u64,
    /// What all streams have, if there may be any.
    pub streams: JetStreamTotals,
    /// What was written to their logs.
    pub logs: Vec<LogTotals>,
}

/// A second in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sample {
    number: u64,
    at: Moment,
    server: [u64; SERVER_SERIES.len()],
    shards: Box<[[u64; SHARD_SERIES.len()]]>,
}

/// The ring. The oldest sample goes when there is one too many.
#[derive(Debug)]
pub struct History {
    samples: VecDeque<Sample>,
    samples_max: usize,
    /// How many there have been.
    taken: u64,
    before: Option<Reading>,
}

/// Who is watched, as those who watch are told first.
#[derive(Debug, Clone, Serialize)]
pub struct Watched<'a> {
    /// The server's id: another one says that it was started again.
    pub server_id: &'a str,
    /// Its name.
    pub server_name: &'a str,
    /// The version that it stands for.
    pub version: &'a str,
    /// Its own.
    pub own_version: &'a str,
    /// When it started.
    pub start: Moment,
    /// What the operator calls it.
    pub title: &'a str,
    /// Which page goes with it.
    pub page: &'a str,
    /// How many seconds are kept.
    pub history: u64,
    /// The page offers nothing that changes anything.
    pub read_only: bool,
    /// The page shows messages to who may read them.
    pub messages: bool,
    /// A port of the same host that takes WebSockets as well as all else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_port: Option<u16>,
}

impl History {
    /// One that keeps so many samples, but at least the last one.
    pub fn new(seconds: usize) -> Self {
        let samples_max = seconds.clamp(1, HISTORY_SECONDS_MAX);
        Self { samples: VecDeque::new(), samples_max, taken: 0, before: None }
    }

    /// Nobody looked for a while: what was before says nothing of what comes.
    pub fn forget(&mut self) {
        self.samples.clear();
        self.before = None;
    }

    /// How many samples there have been.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes what was counted by now. The first reading makes no sample: there is nothing to compare it with.
    pub fn read(&mut self, now: Reading) {
        if let Some(before) = &self.before
            && let Some(rates) = Rates::between(before, &now)
        {
            if self.samples.len() == self.samples_max {
                self.samples.pop_front();
            }
            self.taken += 1;
            self.samples.push_back(rates.sample(self.taken, before, &now));
        }
        self.before = Some(now);
    }

    /// The first event for one who watches: whom, what is told, and all that is kept.
    pub fn greeting(&self, watched: &Watched<'_>) -> String {
        let past: Vec<&Sample> = self.samples.iter().collect();
        let (server, shards) = (SERVER_SERIES, SHARD_SERIES);
        let greeting = Greeting { watched, server, shards, past };
        event("hello", &greeting)
    }

    /// An event for each sample behind that number, of those that are kept.
    pub fn since(&self, number: u64) -> String {
        let new = self.samples.iter().filter(|sample| sample.number > number);
        new.map(|sample| event("now", sample)).collect()
    }
}

#[derive(Serialize)]
struct Greeting<'a> {
    watched: &'a Watched<'a>,
    server: [&'static str; SERVER_SERIES.len()],
    shards: [&'static str; SHARD_SERIES.len()],
    past: Vec<&'a Sample>,
}

/// Milliseconds since 1970, the server's figures, those of each shard.
impl Serialize for Sample {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.at.0 / 1_000_000, self.server, &self.shards).serialize(serializer)
    }
}

/// JSON has no bare line ends, so one line of data is all there is.
fn event(name: &str, data: &impl Serialize) -> String {
    let data = serde_json::to_string(data).expect("it has no maps with odd keys");
    format!("event: {name}\ndata: {data}\n\n")
}

/// What makes figures a second of counters.
struct Rates {
    nanos: u128,
}

impl Rates {
    /// `None` if no time has passed: the wall's clock may be set back.
    fn between(before: &Reading, now: &Reading) -> Option<Self> {
        let nanos = now.at.since(before.at).as_nanos();
        (nanos > 0).then_some(Self { nanos })
    }

    /// Connections that change shards take their counts along, so a shard may have fewer than before.
    fn of(&self, before: u64, now: u64) -> u64 {
        let more = u128::from(now.saturating_sub(before));
        u64::try_from((more * 1_000_000_000 + self.nanos / 2) / self.nanos).unwrap_or(u64::MAX)
    }

    /// How much of the time something took, in thousandths.
    fn share(&self, before: Duration, now: Duration) -> u64 {
        let took = now.saturating_sub(before).as_nanos();
        u64::try_from((took * 1000 + self.nanos / 2) / self.nanos).unwrap_or(u64::MAX)
    }

    fn sample(&self, number: u64, before: &Reading, now: &Reading) -> Sample {
        let nothing = ShardTotals::default();
        let earlier = |index: usize| before.shards.get(index).unwrap_or(&nothing);
        let shards = now.shards.iter().enumerate().map(|(index, shard)| self.shard(earlier(index), shard));
        Sample { number, at: now.at, server: self.server(before, now), shards: shards.collect() }
    }

    fn server(&self, before: &Reading, now: &Reading) -> [u64; SERVER_SERIES.len()] {
        let (was, is) = (sum(&before.shards), sum(&now.shards));
        let slow = |totals: &ShardTotals| totals.slow_consumers_pending + totals.slow_consumers_deadline;
        let logs = |reading: &Reading, part: fn(&LogTotals) -> u64| reading.logs.iter().map(part).sum();
        let bytes: fn(&LogTotals) -> u64 = |log| log.bytes;
        let syncs: fn(&LogTotals) -> u64 = |log| log.syncs.iter().sum();
        [
            self.of(was.input.msgs, is.input.msgs),
            self.of(was.input.bytes, is.input.bytes),
            self.of(was.output.msgs, is.output.msgs),
            self.of(was.output.bytes, is.output.bytes),
            is.connections,
            is.subscriptions,
            slow(&is),
            self.of(was.stalls, is.stalls),
            is.pending_bytes,
            self.share(before.cpu, now.cpu),
            now.memory,
            now.streams.memory + now.streams.storage,
            self.of(before.streams.requests, now.streams.requests),
            self.of(logs(before, bytes), logs(now, bytes)),
            self.of(logs(before, syncs), logs(now, syncs)),
        ]
    }

    fn shard(&self, before: &ShardTotals, now: &ShardTotals) -> [u64; SHARD_SERIES.len()] {
        [
            self.share(before.turns.time, now.turns.time),
            self.of(before.input.msgs, now.input.msgs),
            self.of(before.output.msgs, now.output.msgs),
            now.connections,
            now.pending_bytes,
            now.mesh_bytes,
        ]
    }
}

fn sum(shards: &[ShardTotals]) -> ShardTotals {
    let mut sum = ShardTotals::default();
    shards.iter().for_each(|shard| sum.add(shard));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Tally;

    /// So many milliseconds after the beginning, when a shard had taken so many messages.
    fn reading(millis: i64, msgs: u64) -> Reading {
        let input = Tally { msgs, bytes: 10 * msgs };
        let shards = vec![ShardTotals { input, connections: 2, ..ShardTotals::default() }; 2];
        let cpu = Duration::from_millis(u64::try_from(millis / 2).unwrap_or(0));
        Reading { at: Moment(millis * 1_000_000), shards, cpu, ..Reading::default() }
    }

    #[test]
    fn counters_become_figures_a_second() {
        let mut history = History::new(10);
        history.read(reading(0, 0));
        assert_eq!(history.since(0), "", "there is nothing to compare the first with");
        history.read(reading(2000, 100));
        let said = history.since(0);
        assert!(said.starts_with("event: now\ndata: [2000,[100,1000,0,0,4,0,"), "{said}");
        assert!(said.contains(",500,") && said.ends_with("[[0,50,0,2,0,0],[0,50,0,2,0,0]]]\n\n"), "{said}");
        assert_eq!(history.since(history.taken()), "");
    }

    #[test]
    fn no_more_is_kept_than_was_asked_for() {
        let mut history = History::new(3);
        for second in 0..6 {
            history.read(reading(second * 1000, 0));
        }
        assert_eq!(history.taken(), 5);
        assert_eq!(history.since(0).matches("event: now").count(), 3);
        assert_eq!(history.since(4).matches("event: now").count(), 1);
        history.forget();
        history.read(reading(60_000, 9));
        assert_eq!(history.since(0), "", "what was before a pause is not compared with");
        assert_eq!(History::new(usize::MAX).samples_max, HISTORY_SECONDS_MAX);
    }

    // The wall's clock was set back, or a connection left a shard with its counts.
    #[test]
    fn nothing_goes_below_zero() {
        let mut history = History::new(3);
        history.read(reading(5000, 100));
        history.read(reading(4000, 200));
        assert_eq!(history.taken(), 0);
        history.read(reading(5000, 100));
        assert!(history.since(0).contains("[5000,[0,0,0,0,"), "{}", history.since(0));
    }

    #[test]
    fn who_comes_is_told_whom_it_watches_and_all_that_is_kept() {
        let mut history = History::new(3);
        history.read(reading(0, 0));
        history.read(reading(1000, 7));
        let watched = Watched {
            server_id: "ID",
            server_name: "a\nb</script>",
            version: "2",
            own_version: "0",
            start: Moment(0),
            title: "",
            page: "p",
            history: 3,
            read_only: false,
            messages: true,
            one_port: None,
        };
        let said = history.greeting(&watched);
        assert!(said.starts_with("event: hello\ndata: {\"watched\":{\"server_id\":\"ID\""), "{said}");
        assert!(said.contains("a\\nb") && said.contains("\"past\":[[1000,[14,140,"), "{said}");
        assert_eq!(said.lines().count(), 3, "one line of data");
    }
}
