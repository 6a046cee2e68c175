//! The first of two shards under a test's thumb: the test says what happens, and reads what comes of it.
#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

mod shell;

use std::sync::Arc;
use std::time::Duration;

use broker::{Broker, Config, STRETCH_STEPS_MAX, Settings, ShareMax};
use conns::{ConnId, Time};
use fabric::{Batch, Interest, Link, MeshMessage, Names, ShardId, Told};
use nats_auth::ConnectionType;
use nats_proto::{Publish, ServerInfo};
use shard_core::{Event, Forged, ShardCore};
use system::System;

use self::shell::Shell;
pub(crate) use self::shell::{Did, Newer, Parcel, Read, START_BYTES};

/// The other shard.
pub(crate) const OTHER: ShardId = ShardId(1);

/// Steps of a share: two stretches, so that a turn has many.
pub(crate) const SHARE_STEPS: u64 = 2 * STRETCH_STEPS_MAX;

/// More messages than a turn takes in.
pub(crate) const MANY: usize = 20_000;

/// A run that goes on for longer has a defect.
const TURNS_MAX: usize = 1000;

pub(crate) struct Shard {
    core: ShardCore<Shell>,
    pub(crate) shell: Shell,
    /// The other shard's end of its link to this one.
    pub(crate) link: Link,
}

impl Shard {
    pub(crate) fn new() -> Self {
        Self::without(Forged::default())
    }

    /// One of whose rules some are taken away.
    pub(crate) fn without(forged: Forged) -> Self {
        let shard = ShardId(0);
        let settings = Settings::new(ServerInfo::default());
        let share_max = ShareMax { steps: SHARE_STEPS, ..ShareMax::default() };
        let config = Config::new(shard, 2, Arc::new(settings));
        let mut broker = Broker::new(Config { share_max, ..config });
        let system = System::open(&mut broker, shard, Arc::default());
        let mut core = ShardCore::new(shard, 2, broker, system);
        core.forge(forged);
        Self { core, shell: Shell::default(), link: Link::default() }
    }

    /// A new connection, which has said so much and was answered.
    pub(crate) fn client(&mut self, said: &str) -> ConnId {
        self.shell.batches.push_back(vec![Event::Accepted((), ConnectionType::Standard)]);
        self.turn();
        let id = *self.shell.adopted.last().expect("it was accepted");
        self.says(id, &format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\n{said}"));
        self.settle();
        self.shell.did.clear();
        id
    }

    /// A batch of events has what the connection says, and nothing else.
    pub(crate) fn says(&mut self, id: ConnId, text: &str) {
        self.shell.batches.push_back(vec![received(id, text)]);
    }

    /// The other shard queues messages on a subject for this one.
    pub(crate) fn comes(&mut self, subject: &str, count: usize) {
        let batch = self.batch(subject, count);
        self.shell.inbound.push_back(Parcel::Batch(batch));
    }

    /// Messages of the other shard on a subject.
    pub(crate) fn batch(&mut self, subject: &str, count: usize) -> Batch {
        let subject = subject.as_bytes();
        let publish = Publish { subject, reply: None, header: None, size_text: b"1", body: b"x" };
        let groups = Names::default();
        let message = MeshMessage {
            account: 0,
            origin: 7,
            ticket: 0,
            plain: true,
            other_subject: None,
            publish,
            groups,
        };
        for _ in 0..count {
            self.link.push_message(&message, std::iter::empty());
        }
        self.link.take_batch()
    }

    /// Clients of the other shard want messages on a subject.
    pub(crate) fn is_wanted_elsewhere(&mut self, subject: &str) {
        self.link.inhabit(); // Else they are not told at once.
        let now = Told { weight: 1, firm: true, far: false };
        let filter = subject.as_bytes();
        self.link
            .push_interest(&Interest { account: 0, filter, queue: None, before: Told::default(), now }, 1);
        let batch = self.link.take_batch();
        self.shell.inbound.push_back(Parcel::Batch(batch));
        self.settle();
        self.shell.did.clear();
    }

    /// Takes a turn. Returns whether the shard has stopped.
    pub(crate) fn turn(&mut self) -> bool {
        self.turn_at(Time(1))
    }

    pub(crate) fn turn_at(&mut self, now: Time) -> bool {
        let Ok(is_over) = self.core.turn(&mut self.shell, now);
        self.core.on_turn_ended(Duration::ZERO);
        is_over
    }

    /// Takes turns until there is nothing more to do.
    pub(crate) fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            if !self.has_work() {
                return;
            }
            self.turn();
        }
        panic!("there is always more to do");
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.shell.batches.is_empty() || self.core.has_news(&self.shell) || self.core.has_work_left()
    }

    pub(crate) fn core(&self) -> &ShardCore<Shell> {
        &self.core
    }

    /// What the connection was sent since the last call.
    pub(crate) fn sent(&mut self, to: ConnId) -> String {
        let mut text = String::new();
        self.shell.did.retain(|did| match did {
            Did::Sent(id, sent) if *id == to => {
                text.push_str(sent);
                false
            }
            _ => true,
        });
        text
    }
}

/// An event: the connection said this.
pub(crate) fn received(id: ConnId, text: &str) -> shell::Event {
    Event::Received(id, Read { bytes: text.into(), can_stay: true })
}

/// The same, and the bytes cannot stay where they are.
pub(crate) fn received_in_passing(id: ConnId, text: &str) -> shell::Event {
    Event::Received(id, Read { bytes: text.into(), can_stay: false })
}
