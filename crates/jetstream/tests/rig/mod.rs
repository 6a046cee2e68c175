//! Shards with JetStream, and clients that ask it.
#![allow(dead_code, reason = "each test binary uses its part")]

#[path = "../../../broker/tests/shards/mod.rs"]
mod shards;

use std::sync::Arc;
use std::time::Duration;

use broker::Broker;
use conns::Time;
use fabric::ShardId;
use jetstream::{Config, Cursor, Files, JetStream, Ledger, ServiceOptions, UNLIMITED};
use monitor::Moment;
use nats_auth::{AccountConfig, Directory, IdentityConfig, User};
use shards::Shards;
use sim_disk::SimDisk;
use stream_log::{Recovery, SyncWhen};

pub(crate) use shards::Conn;

/// When tests begin on the wall.
const BEGIN: i64 = 1_800_000_000_000_000_000;

/// What it takes to see that what waits for a disk or a client has to wait on.
const LOOK_STEPS_MAX: u64 = 32;

/// Shards, and JetStream on each.
pub(crate) struct Rig {
    pub(crate) shards: Shards,
    jetstreams: Vec<JetStream>,
    /// How logs go about it.
    log: stream_log::Config,
    /// Where the files of the first log are, if they are kept.
    pub(crate) disk: Option<SimDisk>,
    /// The same of the other logs, by number from 1 on.
    pub(crate) other_disks: Vec<SimDisk>,
    /// The disk does nothing by itself.
    pub(crate) is_disk_slow: bool,
    /// Steps of the longest turn of JetStream, and how many turns there were with some.
    pub(crate) longest: u64,
    pub(crate) turns: usize,
    /// Writes to disks.
    pub(crate) writes: usize,
    /// Nanoseconds by which the clock on the wall was put forward.
    pub(crate) wall_offset: i64,
    /// Bytes that were read of the disks at the start.
    pub(crate) read_at_start: usize,
    /// Records are read, whatever footers tell of them.
    reads_all: bool,
    /// What all shards count.
    pub(crate) ledger: Arc<Ledger>,
    /// Something that is counted, and how much it was in turns of JetStream.
    pub(crate) counter: fn() -> u64,
    pub(crate) counted: u64,
}

fn user(name: &str) -> User {
    User {
        identity: IdentityConfig::Password { user: name.into(), password: "x".into() },
        permissions: None,
        allowed_connection_types: None,
    }
}

/// `a` in `A`, which may have streams; `b` in `B`, which may as well; `n` in `N`, which may not; `s` is the system.
fn auth() -> nats_auth::Config {
    let account = |name: &str, user_name| AccountConfig {
        name: name.into(),
        users: vec![user(user_name)],
        ..AccountConfig::default()
    };
    let accounts = vec![account("A", "a"), account("B", "b"), account("N", "n"), account("$SYS", "s")];
    nats_auth::Config { accounts, ..nats_auth::Config::default() }
}

pub(crate) fn config() -> Config {
    Config {
        server_name: "srv".into(),
        server_id: "SID".into(),
        version: "2.14.5".into(),
        max_memory: 1 << 20,
        max_storage: 1 << 20,
        accounts: ["A", "B"].map(|name| (name.to_owned(), UNLIMITED)).into(),
        files: Files::Refused,
        ..Config::default()
    }
}

impl Rig {
    pub(crate) fn new(shards: usize) -> Self {
        Self::with(shards, config())
    }

    pub(crate) fn with(shards: usize, config: Config) -> Self {
        let directory = Directory::new(&auth()).unwrap();
        let count = shards;
        let mut shards = Shards::with(count, |settings| settings.directory = directory);
        let config = Arc::new(config);
        let open = |(shard, broker): (usize, &mut Broker)| {
            JetStream::open(broker, ShardId(shard as u8), count, Arc::clone(&config), 7)
        };
        let jetstreams = shards.brokers.iter_mut().enumerate().map(open).collect();
        let log = stream_log::Config::new(*b"a store of tests", 0);
        Self {
            shards,
            jetstreams,
            log,
            disk: None,
            other_disks: Vec::new(),
            is_disk_slow: false,
            longest: 0,
            turns: 0,
            writes: 0,
            wall_offset: 0,
            read_at_start: 0,
            reads_all: false,
            ledger: Arc::clone(&config.ledger),
            counter: || 0,
            counted: 0,
        }
    }

    /// With files on that disk, which may have some already, and on one more for each log beside the first.
    pub(crate) fn on_disk(shards: usize, disk: SimDisk) -> Self {
        Self::on_disks(shards, vec![disk])
    }

    /// The same, and so configured otherwise.
    pub(crate) fn on_disk_with(shards: usize, disk: SimDisk, config: Config) -> Self {
        let log = stream_log::Config::new(*b"a store of tests", 0);
        Self::configured(shards, vec![disk], log, Config { files: Files::Kept, ..config })
    }

    /// The same, synced so often.
    pub(crate) fn on_disk_synced(shards: usize, disk: SimDisk, sync_interval: Duration) -> Self {
        let mut log = stream_log::Config::new(*b"a store of tests", 0);
        log.sync = SyncWhen::WhenAsked;
        let options = ServiceOptions { sync_interval: Some(sync_interval), ..ServiceOptions::default() };
        let config = Config { files: Files::Kept, options, ..config() };
        Self::configured(shards, vec![disk], log, config)
    }

    /// The same on one shard, which is told that.
    pub(crate) fn on_disk_told(disk: SimDisk, told: Config) -> Self {
        let log = stream_log::Config::new(*b"a store of tests", 0);
        Self::configured(1, vec![disk], log, Config { files: Files::Kept, ..told })
    }

    /// With a log on each disk, which may have some already, and on a new one for each shard beyond.
    pub(crate) fn on_disks(shards: usize, disks: Vec<SimDisk>) -> Self {
        Self::on_logs(shards, disks, stream_log::Config::new(*b"a store of tests", 0))
    }

    /// The same, with logs that are like this.
    pub(crate) fn on_logs(shards: usize, disks: Vec<SimDisk>, log: stream_log::Config) -> Self {
        Self::configured(shards, disks, log, Config { files: Files::Kept, ..config() })
    }

    /// A stream `S` in files, on short segments, which are soon [sealed](Self::seal).
    pub(crate) fn on_short_segments(stream: &str) -> (Self, Conn) {
        let mut log = stream_log::Config::new(*b"a store of tests", 0);
        log.segment_bytes = 1 << 20;
        let mut rig = Self::on_logs(1, vec![SimDisk::new(7)], log);
        let client = rig.client("a");
        rig.ask(client, "STREAM.CREATE.S", stream);
        rig.ask(client, "STREAM.CREATE.FILL", r#"{"name":"FILL","subjects":["fill"],"max_msgs":1}"#);
        (rig, client)
    }

    /// Has what was stored so far lie in segments that are sealed.
    pub(crate) fn seal(&mut self, client: Conn) {
        for _ in 0..150 {
            let said = self.publish(client, "fill", &"x".repeat(16 << 10));
            assert!(said.contains(r#""seq":"#), "{said}");
        }
    }

    fn configured(shards: usize, disks: Vec<SimDisk>, log: stream_log::Config, config: Config) -> Self {
        Self::started(shards, disks, log, config, false)
    }

    fn started(
        shards: usize,
        mut disks: Vec<SimDisk>,
        log: stream_log::Config,
        config: Config,
        reads_all: bool,
    ) -> Self {
        let mut rig = Self::with(shards, config);
        (rig.log, rig.reads_all) = (log, reads_all);
        disks.extend((disks.len()..shards).map(|log| SimDisk::new(100 + log as u64)));
        for (log, disk) in disks.iter().enumerate() {
            rig.open_log(log, disk);
        }
        rig.other_disks = disks.split_off(1);
        rig.disk = disks.pop();
        rig.settle();
        rig
    }

    fn open_log(&mut self, log: usize, disk: &SimDisk) {
        let shard = log % self.jetstreams.len();
        let jetstream = &mut self.jetstreams[shard];
        let config = stream_log::Config { log: log as u32, ..self.log.clone() };
        let start = if self.reads_all { Recovery::reading_all } else { Recovery::new };
        let mut recovery = start(config, disk.files());
        while let Some(span) = recovery.want() {
            let bytes = disk.read(span);
            self.read_at_start += bytes.len();
            recovery.on_bytes(Ok(bytes), &mut |item| jetstream.replay(item)).unwrap();
        }
        let (machine, _) = recovery.finish();
        let now = self.shards.now;
        let broker = &mut self.shards.brokers[shard];
        assert_eq!(jetstream.resume(broker, now, Moment(BEGIN), log as u32, machine), Ok(()));
    }

    fn disk_of(&mut self, log: u32) -> &mut SimDisk {
        match log {
            0 => self.disk.as_mut().expect("there is a log"),
            log => &mut self.other_disks[log as usize - 1],
        }
    }

    /// The disks do what they were asked for.
    pub(crate) fn run_disk(&mut self) {
        if self.disk.is_some() {
            (0..=self.other_disks.len() as u32).for_each(|log| self.run_disk_of(log));
        }
    }

    /// The one of that log does.
    pub(crate) fn run_disk_of(&mut self, log: u32) {
        let shard = log as usize % self.jetstreams.len();
        while let Some(answer) = self.disk_of(log).step() {
            self.jetstreams[shard].on_answer(log, answer);
        }
    }

    /// JetStream on a shard, its broker, and what time it is.
    pub(crate) fn jetstream(&mut self, shard: usize) -> (&mut JetStream, &mut Broker, Time, Moment) {
        let now = self.shards.now;
        let wall = Moment(BEGIN + self.wall_offset + now.0 as i64);
        (&mut self.jetstreams[shard], &mut self.shards.brokers[shard], now, wall)
    }

    /// How many streams each shard has.
    pub(crate) fn streams_by_shard(&self) -> Vec<usize> {
        self.jetstreams.iter().map(JetStream::streams).collect()
    }

    /// How many streams are shown.
    pub(crate) fn streams_shown(&self) -> u64 {
        let sums = self.jetstreams.iter().map(|jetstream| jetstream.sums_page(Cursor::default()).0);
        sums.map(|sums| sums.streams).sum()
    }

    /// Power is cut, or the server is killed, and it starts again.
    pub(crate) fn restart(self, cut: impl FnMut(&mut SimDisk)) -> Self {
        let shards = self.shards.brokers.len();
        self.restart_on(shards, cut)
    }

    /// The same, with another number of shards.
    pub(crate) fn restart_on(self, shards: usize, cut: impl FnMut(&mut SimDisk)) -> Self {
        let mut disks: Vec<SimDisk> = self.disk.into_iter().chain(self.other_disks).collect();
        disks.iter_mut().for_each(cut);
        Self::on_logs(shards, disks, self.log)
    }

    /// The same start, but that all records are read.
    pub(crate) fn restart_reading_all(self) -> Self {
        let (shards, log) = (self.shards.brokers.len(), self.log.clone());
        let disks = self.disk.into_iter().chain(self.other_disks).collect();
        Self::started(shards, disks, log, Config { files: Files::Kept, ..config() }, true)
    }

    /// All writes fail from now on, on all disks.
    pub(crate) fn fail_disks(&mut self) {
        for disk in self.disk.iter_mut().chain(&mut self.other_disks) {
            disk.faults.failed_writes = 1000;
        }
    }

    /// A client that listens to `r.>`.
    pub(crate) fn client(&mut self, user: &str) -> Conn {
        let options = format!(
            r#""verbose":false,"pedantic":false,"headers":true,"no_responders":true,"user":"{user}","pass":"x""#
        );
        let conn = self.shards.connect(&options);
        self.shards.feed(conn, "SUB r.> 1\r\n");
        self.settle();
        conn
    }

    /// So much later.
    pub(crate) fn wait(&mut self, millis: u64) {
        self.shards.now = Time(self.shards.now.0 + millis * 1_000_000);
        self.settle();
    }

    pub(crate) fn turn(&mut self) {
        let now = self.shards.now;
        let mut requests = Vec::new();
        for (broker, jetstream) in self.shards.brokers.iter_mut().zip(&mut self.jetstreams) {
            broker.take_ready_services(&mut Vec::new());
            jetstream.on_deadlines(now);
            let before = (self.counter)();
            jetstream.on_turn(broker, now, Moment(BEGIN + self.wall_offset + now.0 as i64));
            self.counted += (self.counter)() - before;
            self.longest = self.longest.max(jetstream.steps_spent());
            self.turns += usize::from(jetstream.steps_spent() > 0);
            requests.extend(std::iter::from_fn(|| jetstream.take_request()));
        }
        for (log, request) in requests {
            self.writes += usize::from(matches!(request, stream_log::Request::Write(_)));
            self.disk_of(log).submit(request);
        }
        if !self.is_disk_slow {
            self.run_disk();
        }
    }

    /// Everything comes to a clean stop.
    pub(crate) fn stop(&mut self) {
        self.jetstreams.iter_mut().for_each(JetStream::on_stopping);
        while !self.jetstreams.iter().all(JetStream::has_stopped) {
            self.turn();
        }
    }

    /// When JetStream has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.jetstreams.iter().filter_map(JetStream::next_deadline).min()
    }

    /// Has everybody do what there is to do.
    pub(crate) fn settle(&mut self) {
        loop {
            self.shards.settle();
            self.turn();
            self.shards.settle();
            let has_news = self.shards.brokers.iter().any(Broker::services_have_news);
            let now = self.shards.now;
            let is_due = |jetstream: &JetStream| jetstream.next_deadline().is_some_and(|at| at <= now);
            let has_more = |jetstream: &JetStream| jetstream.has_work_left() || is_due(jetstream);
            if !has_news && !self.jetstreams.iter().any(has_more) {
                return self.expect_rest();
            }
        }
    }

    /// Nobody says that there is something to do, so a turn more finds nothing: it looks at what waits.
    fn expect_rest(&mut self) {
        self.turn();
        let spent: Vec<u64> = self.jetstreams.iter().map(JetStream::steps_spent).collect();
        assert!(
            spent.iter().all(|steps| *steps <= LOOK_STEPS_MAX),
            "what nobody spoke of took {spent:?} steps"
        );
    }

    /// What the client is sent for what it says, once all was done that follows from it.
    pub(crate) fn say(&mut self, conn: Conn, text: &str) -> String {
        self.shards.feed(conn, text);
        self.settle();
        self.shards.output(conn)
    }

    pub(crate) fn publish(&mut self, conn: Conn, subject: &str, payload: &str) -> String {
        self.say(conn, &format!("PUB {subject} r.a {}\r\n{payload}\r\n", payload.len()))
    }

    /// What the API answers.
    pub(crate) fn ask(&mut self, conn: Conn, what: &str, body: &str) -> String {
        self.publish(conn, &format!("$JS.API.{what}"), body)
    }
}

/// So many streams on so many shards, where each goes to where the fewest are.
pub(crate) fn evenly(streams: usize, shards: usize) -> Vec<usize> {
    (0..shards).map(|shard| (streams + shards - 1 - shard) / shards).collect()
}
