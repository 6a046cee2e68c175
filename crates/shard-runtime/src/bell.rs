//! Waking a shard that sleeps.
//!
//! Before it sleeps a shard says so and then looks at its queues once more; who fills a queue looks
//! afterwards whether the shard sleeps. The two fences make sure that one of them sees the other.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// A shard's bell, shared by all shards.
#[derive(Debug)]
pub(crate) struct Bell {
    asleep: AtomicBool,
    /// What other shards ring, if their I/O backend has something better than the event counter.
    pub(crate) door: Option<OwnedFd>,
    /// An event counter that anyone can ring.
    control: Arc<OwnedFd>,
}

impl Bell {
    pub(crate) fn new(door: Option<OwnedFd>, control: Arc<OwnedFd>) -> Self {
        Self { asleep: AtomicBool::new(false), door, control }
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

    /// Wakes the owner by its event counter.
    pub(crate) fn ring_control(&self) {
        ring(&self.control);
    }
}

/// Rings a shard's event counter: anyone can.
pub(crate) fn ring(control: &OwnedFd) {
    // A full counter means that the shard has a wake-up pending already.
    let _ = rustix::io::write(control, &1_u64.to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    const ITEMS: u64 = 200_000;

    /// A lost wake-up leaves the sleeper waiting for an item that is there; the deadline only turns
    /// that hang into a failure.
    #[test]
    fn no_item_is_left_while_the_owner_sleeps() {
        let control = std::io::stderr().as_fd().try_clone_to_owned().unwrap();
        let bell = Bell::new(None, Arc::new(control));
        let (mut items, mut queue) = rtrb::RingBuffer::new(8);
        let (ring, rung) = mpsc::channel();
        thread::scope(|scope| {
            let bell = &bell;
            scope.spawn(move || {
                for item in 0..ITEMS {
                    while items.push(item).is_err() {
                        thread::yield_now();
                    }
                    if bell.needs_ringing() {
                        ring.send(()).unwrap();
                    }
                }
            });
            let mut expected = 0;
            while expected < ITEMS {
                while let Ok(item) = queue.pop() {
                    assert_eq!(item, expected);
                    expected += 1;
                }
                bell.lie_down();
                if queue.is_empty() && expected < ITEMS {
                    rung.recv_timeout(Duration::from_secs(30)).expect("an item came without a wake-up");
                }
                bell.get_up();
            }
        });
    }
}
