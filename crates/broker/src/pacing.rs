//! Slowing publishers whose readers all take nothing.
//!
//! What they send only fills memory, in which everybody else here has no interest. Such a publisher waits, as for a
//! reader that falls behind, after each stretch of such deliveries: until a reader takes something, or until its
//! readers are cut off. One reader that keeps up, on any shard, and it does not wait. (nats-server's publisher blocks
//! in the first full socket that it writes to.)

mod wait;

use std::time::Duration;

use fabric::{ShardId, ShardSet};

use crate::mesh::Mesh;

/// Bytes that wait for a reader with a full socket before it counts as one that takes nothing.
pub(crate) const PILE_BYTES: usize = 64 << 10;

/// How long its socket has been full by then. One that takes a megabyte or two until it has room again, which is when
/// the kernel says so, and did not in this time, has enough in its socket to go on with while the publisher waits.
pub(crate) const FULL_TIME_MIN: Duration = Duration::from_millis(5);

/// What a publisher sent to readers that take nothing.
#[derive(Debug, Default)]
pub(crate) struct Pile {
    /// Deliveries since it waited last, or since a reader took one.
    deliveries: u64,
    /// Other shards whose readers take nothing.
    shards: ShardSet,
    /// How often the next wait is doubled: once more after each, until a reader here takes one.
    doublings: u32,
}

/// How many deliveries there were, so far or since a publisher was heard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deliveries {
    pub(crate) all: u64,
    /// How many of them were to readers that take nothing.
    pub(crate) piled: u64,
}

impl Deliveries {
    /// How many there were since there were these.
    pub(crate) fn since(self, before: Self) -> Self {
        Self { all: self.all - before.all, piled: self.piled - before.piled }
    }
}

/// What becomes of the messages that one publisher on another shard sent in a row.
#[derive(Debug, Default)]
pub(crate) struct PileWatch {
    origin: u64,
    deliveries: u64,
    piled: u64,
}

impl PileWatch {
    /// A message caused so many deliveries.
    pub(crate) fn note(&mut self, mesh: &mut Mesh, from: ShardId, origin: u64, deliveries: Deliveries) {
        if self.origin != origin {
            self.tell(mesh, from);
            self.origin = origin;
        }
        self.deliveries += deliveries.all;
        self.piled += deliveries.piled;
    }

    /// Tells the publisher's shard, if none was taken.
    pub(crate) fn tell(&mut self, mesh: &mut Mesh, from: ShardId) {
        if self.piled > 0 && self.piled == self.deliveries {
            mesh.link(from).push_piled(self.origin, self.piled);
        }
        *self = Self::default();
    }
}
