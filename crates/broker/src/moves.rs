//! Connections that change shards while nobody publishes.
//!
//! A shard that wants connections to live elsewhere asks the first shard, which lets one shard at a
//! time do so and pauses all shards for it. Others that wanted to as well call it off, since what they
//! wanted may be good no more, and ask again if it still is. A paused shard acts on nothing that clients send, so it
//! makes no messages, and says so behind the last message it made. When the two shards have heard
//! that from all others, no message is under way to either, and the connections change places: their
//! state goes over in one parcel, both shards tell all others what they want now, and when all know
//! of it the first shard ends the pause. See docs/decisions/0006-connections-that-move.md.
//!
//! Always true: a paused shard has no input decoded; between saying that it is quiet and the end of
//! the pause it sends no message, though it takes those of others and answers offers.

mod steps;

use std::collections::VecDeque;

use conns::ConnId;
use fabric::ShardId;

use crate::client::{Client, Hold};

/// Connections that move at a time: they are packed within a turn.
pub const MOVED_CONNECTIONS_MAX: usize = 256;

/// What is going on in a shard to let connections change places.
#[derive(Debug)]
pub(crate) struct Moves {
    pause: Option<Pause>,
    /// Connections held by the pause.
    held: Vec<ConnId>,
    /// The pause is over, but for what came meanwhile and has to be published before those who were held go on.
    is_ending: bool,
    /// By shard: the newest pause for which no message from it is under way to here any more.
    quiet: Vec<u64>,
    leaving: Option<Leaving>,
    /// The server stops: connections stay where they are.
    stopping: bool,
    /// Only used on the first shard.
    queue: Queue,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    epoch: u64,
    from: ShardId,
    to: ShardId,
    /// The connections left this shard, or came.
    moved: bool,
    /// The round that all shards have to confirm before this shard is done.
    round: Option<u64>,
}

/// Connections of this shard that should live elsewhere.
#[derive(Debug)]
struct Leaving {
    ids: Vec<ConnId>,
    to: ShardId,
    /// The kernel has nothing to do with them any more, and the first shard was asked.
    asked: bool,
}

/// Who is to move connections next.
#[derive(Debug, Default)]
struct Queue {
    /// From where to where. A shard asks again only after it heard of a pause, which empties this, so
    /// there are two entries for each at most.
    waiting: VecDeque<(ShardId, ShardId)>,
    /// Pauses so far.
    epoch: u64,
    /// Shards that have yet to say that they are done.
    awaiting: u32,
}

impl Moves {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            pause: None,
            held: Vec::new(),
            is_ending: false,
            quiet: vec![0; shards],
            leaving: None,
            stopping: false,
            queue: Queue::default(),
        }
    }

    /// Whether nobody publishes any more.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    /// Whether nobody's input is acted on: during a pause, and until what came meanwhile was published.
    pub(crate) fn holds_input(&self) -> bool {
        self.pause.is_some() || self.is_ending
    }

    /// Whether a pause is over but for that.
    pub(crate) fn is_ending(&self) -> bool {
        self.is_ending && self.pause.is_none()
    }

    /// Whether connections have ever moved, as the first shard knows.
    pub(crate) fn have_begun(&self) -> bool {
        self.queue.epoch > 0
    }

    /// Holds a connection until the pause is over.
    pub(crate) fn hold(&mut self, id: ConnId, client: &mut Client) {
        client.hold = Some(Hold::Pause);
        self.held.push(id);
    }

    /// The shard has sent all its messages made before that pause.
    pub(crate) fn on_quiet(&mut self, from: ShardId, epoch: u64) {
        let quiet = &mut self.quiet[from.index()];
        *quiet = epoch.max(*quiet);
    }
}
