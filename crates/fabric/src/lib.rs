//! Core-to-core links between the shards of one server.
//!
//! A shard talks to each other shard over one [`Link`]: frames gather in it during a turn and leave
//! as one [`Batch`] at the end of the turn. A link is first in, first out, and bounded: the receiver
//! credits what it has consumed, and a link with too much in flight says so, so that publishers can
//! be held back.
//!
//! A batch also carries interest *rounds*. A shard that changes its interest opens a round; another shard
//! that has applied everything up to and including that round confirms it. The broker builds its
//! ordering guarantees on that alone (docs/decisions/0001-interest-fence.md).
//!
//! Services get letters of their own over the same links. They have to be read, which may take long, and all else that
//! shards say to each other goes on meanwhile: so a batch says whether a mailbox is full, and publishers to services wait
//! for that instead of the link.
//!
//! And it carries the word of a shard that paused: behind it no message comes until the pause is over.
//!
//! Nothing here moves bytes between threads: whoever owns two shards carries the batches, be it the
//! runtime over its queues or a test over a `VecDeque`.
#![forbid(unsafe_code)]

mod batch;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod link;
mod mailbox;
mod shard;

pub use batch::Batch;
pub use frame::{
    FramePosition, Interest, Letter, MeshFrame, MeshFrameError, MeshFrames, MeshMessage, MoveStep, Names,
    OfferReply, Served, Told,
};
pub use link::{LINK_BYTES_MAX, Link, LinkChange, SERVICE_BYTES_MAX};
pub use mailbox::Mailbox;
pub use shard::{SHARDS_MAX, ShardId, ShardSet};
