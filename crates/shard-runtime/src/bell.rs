//! Waking a shard that sleeps in its ring.
//!
//! Before it sleeps a shard says so and then looks at its queues once more; who fills a queue looks
//! afterwards whether the shard sleeps. The two fences make sure that one of them sees the other.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// A shard's bell, shared by all shards.
#[derive(Debug)]
pub(crate) struct Bell {
    asleep: AtomicBool,
    /// The ring to post to: a duplicate, so that it stays this ring when the owner has ended.
    pub(crate) ring: OwnedFd,
}

impl Bell {
    pub(crate) fn new(ring: OwnedFd) -> Self {
        Self { asleep: AtomicBool::new(false), ring }
    }

    /// The owner is about to sleep. It must look at its queues after this and before it sleeps.
    pub(crate) fn lie_down(&self) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// The owner is awake.
    pub(crate) fn get_up(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// After something was queued: whether the owner has to be woken. Only one caller is told so.
    pub(crate) fn needs_ringing(&self) -> bool {
        fence(Ordering::SeqCst);
        self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed)
    }
}
