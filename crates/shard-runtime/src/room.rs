//! Whether there is room for what shards need in memory, asked before any is started: a thread that finds
//! none in the middle of its start ends the process without a word.
//!
//! What is counted is what the system promises, most of which is never used: stacks of threads, buffers,
//! queues between shards. Limits on addresses and data, and strict overcommit, are about promises.

use std::io;

use rustix::process::{Resource, getrlimit};

use crate::error::RuntimeError;
use crate::io::Backend;
use crate::sys::{limit_heaps, reserve};

const MIB: usize = 1 << 20;

/// What a shard is promised: its stack of 2 MiB, its buffers, its queues to 63 others. Measured with one
/// heap for all threads, at 64 shards: 5.5 and 3.4 MiB.
const URING_SHARD_BYTES: usize = 6 * MIB;
const EPOLL_SHARD_BYTES: usize = 4 * MIB;

/// For what comes later: threads for signals, monitoring, passwords and handshakes, and the first clients.
const LATER_BYTES: usize = 24 * MIB;

/// What the program itself is taken to have when it looks how many heaps there may be.
const PROGRAM_BYTES: usize = 64 * MIB;

/// The C library promises each thread a heap of its own, of 64 MiB, and takes twice that to get it where it
/// should begin.
const HEAP_BYTES: usize = 128 * MIB;

/// Heaps that are left to the C library where there is room for them.
const HEAPS_MAX: usize = 128;

/// Checks that so many shards have room, and sees to it that what they need is not taken by heaps before
/// they come to it: threads share fewer where addresses are limited. Has to be called before threads start.
///
/// # Errors
/// There is not enough room.
pub fn make_room(backend: Backend, shards: usize) -> Result<(), RuntimeError> {
    let needed = needed_bytes(backend, shards);
    let limit = getrlimit(Resource::As).current.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if let Some(heaps) = limit.and_then(|limit| heaps_max(limit, needed)) {
        limit_heaps(heaps);
    }
    reserve(needed).map_err(|error| no_room(shards, needed, error))
}

fn needed_bytes(backend: Backend, shards: usize) -> usize {
    let shard = match backend {
        Backend::Uring => URING_SHARD_BYTES,
        Backend::Epoll => EPOLL_SHARD_BYTES,
    };
    shards.saturating_mul(shard).saturating_add(LATER_BYTES)
}

/// How many heaps there may be under a limit on addresses; `None` for as many as the C library wants.
fn heaps_max(limit: usize, needed: usize) -> Option<usize> {
    let heaps = limit.saturating_sub(PROGRAM_BYTES).saturating_sub(needed) / HEAP_BYTES;
    (heaps < HEAPS_MAX).then_some(heaps.max(1))
}

fn no_room(shards: usize, needed: usize, error: io::Error) -> RuntimeError {
    RuntimeError::NoRoom { shards, needed_mib: needed / MIB, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heaps_take_what_shards_leave() {
        let needed = needed_bytes(Backend::Uring, 4);
        assert_eq!(needed, 48 * MIB);
        assert_eq!(heaps_max(390 * MIB, needed), Some(2));
        assert_eq!(heaps_max(100 * MIB, needed), Some(1), "one there is always");
        assert_eq!(heaps_max(100_000 * MIB, needed), None);
    }

    #[test]
    fn what_cannot_be_had_is_said_with_what_helps() {
        assert!(make_room(Backend::Epoll, 1).is_ok());
        // More addresses than there are.
        let error = make_room(Backend::Epoll, usize::MAX / EPOLL_SHARD_BYTES).unwrap_err().to_string();
        assert!(error.starts_with("no room for ") && error.contains("ulimit -v"), "{error}");
    }
}
