//! Shards with JetStream, and clients that ask it.
#![allow(dead_code, reason = "each test binary uses its part")]

#[path = "../../../broker/tests/shards/mod.rs"]
mod shards;

use std::sync::Arc;

use broker::Broker;
use conns::Time;
use fabric::ShardId;
use jetstream::{Config, Files, JetStream, UNLIMITED};
use monitor::Moment;
use nats_auth::{AccountConfig, Directory, IdentityConfig, User};
use shards::Shards;
use sim_disk::SimDisk;
use stream_log::Recovery;

pub(crate) use shards::Conn;

/// When tests begin on the wall.
const BEGIN: i64 = 1_800_000_000_000_000_000;

/// Shards, and JetStream on each.
pub(crate) struct Rig {
    pub(crate) shards: Shards,
    jetstreams: Vec<JetStream>,
    /// Where files are, if they are kept.
    pub(crate) disk: Option<SimDisk>,
    /// The disk does nothing by itself.
    pub(crate) is_disk_slow: bool,
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
        Self { shards, jetstreams, disk: None, is_disk_slow: false }
    }

    /// With files on that disk, which may have some already.
    pub(crate) fn on_disk(shards: usize, disk: SimDisk) -> Self {
        let mut rig = Self::with(shards, Config { files: Files::Kept, ..config() });
        let mut recovery = Recovery::new(stream_log::Config::new(*b"a store of tests", 0), disk.files());
        while let Some(span) = recovery.want() {
            let bytes = disk.read(span);
            let jetstream = &mut rig.jetstreams[0];
            recovery.on_bytes(Ok(bytes), &mut |place, record| jetstream.replay(place, record)).unwrap();
        }
        let (log, _) = recovery.finish();
        let now = rig.shards.now;
        let resumed = rig.jetstreams[0].resume(&mut rig.shards.brokers[0], now, Moment(BEGIN), log);
        assert_eq!(resumed, Ok(()));
        rig.disk = Some(disk);
        rig.settle();
        rig
    }

    /// The disk does what it was asked for.
    pub(crate) fn run_disk(&mut self) {
        let Some(disk) = &mut self.disk else { return };
        while let Some(answer) = disk.step() {
            self.jetstreams[0].on_answer(answer);
        }
    }

    /// Power is cut, or the server is killed, and it starts again.
    pub(crate) fn restart(self, cut: impl FnOnce(&mut SimDisk)) -> Self {
        let shards = self.shards.brokers.len();
        let mut disk = self.disk.unwrap();
        cut(&mut disk);
        Self::on_disk(shards, disk)
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

    fn turn(&mut self) {
        let now = self.shards.now;
        for (broker, jetstream) in self.shards.brokers.iter_mut().zip(&mut self.jetstreams) {
            broker.take_ready_services(&mut Vec::new());
            jetstream.on_deadlines(now);
            jetstream.on_turn(broker, now, Moment(BEGIN + now.0 as i64));
            while let Some(request) = jetstream.take_request() {
                self.disk.as_mut().expect("there is a log").submit(request);
            }
        }
        if !self.is_disk_slow {
            self.run_disk();
        }
    }

    /// Has everybody do what there is to do.
    pub(crate) fn settle(&mut self) {
        loop {
            self.shards.settle();
            self.turn();
            self.shards.settle();
            let has_news = self.shards.brokers.iter().any(Broker::services_have_news);
            if !has_news && !self.jetstreams.iter().any(JetStream::has_work_left) {
                return;
            }
        }
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
