//! Random numbers from a seed, in streams that do not disturb each other.

pub(crate) use seeded::Random;

/// What a stream decides. A new draw in one leaves the others as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// The sizes and odds of the run.
    Plan = 1,
    /// When shards take turns and what they find in which order.
    Schedule,
    /// How long batches travel.
    Mesh,
    /// What sockets take and when clients read.
    Sockets,
    /// What clients do.
    Workload,
    /// Which connections change shards, and when.
    Moves,
    /// What services do.
    Services,
    /// How far behind a shard sees the world.
    Views,
    /// When the server ends.
    Endings,
    /// Who comes over WebSockets, and how it cuts its frames.
    Webs,
}
