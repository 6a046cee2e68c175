//! Threads that do what handshakes cost, so that no shard is held up by it.
//!
//! A signature and a certificate to check take hundreds of microseconds. The shard hands a session over
//! together with what the client sent, and gets it back as an order, wherever it has got to.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use broker::ConnId;
use tls_session::{Session, SessionError};

use crate::orders::{Order, Orders};

/// Threads. More would not help: the shards want the processors, too.
const WORKERS: usize = 2;

/// Steps of handshakes that may wait: seconds of work. Who comes then is turned away.
const STEPS_MAX: usize = 8192;

/// What the system calls the threads.
const THREAD_NAME: &str = "handshakes";

/// A step of a handshake to be done.
pub(crate) struct Step {
    pub(crate) id: ConnId,
    pub(crate) session: Box<Session>,
    /// What the client sent.
    pub(crate) input: Vec<u8>,
    /// The shard that gets the session back.
    pub(crate) orders: Arc<Orders>,
}

/// A step that was done.
pub(crate) struct Done {
    pub(crate) id: ConnId,
    pub(crate) session: Box<Session>,
    pub(crate) outcome: Result<(), SessionError>,
    /// What the client said behind the end of the handshake.
    pub(crate) plain: Vec<u8>,
}

/// The threads, and what waits for them. They end with it.
#[derive(Default)]
pub(crate) struct Handshakes {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    has_work: Condvar,
}

#[derive(Default)]
struct Queue {
    steps: VecDeque<Step>,
    workers: usize,
    closed: bool,
}

impl Handshakes {
    /// Has a step done, unless too many wait. The first ones start the threads.
    pub(crate) fn submit(&self, step: Step) -> io::Result<bool> {
        let mut queue = self.shared.queue();
        if queue.steps.len() >= STEPS_MAX {
            return Ok(false);
        }
        queue.steps.push_back(step);
        if queue.workers < WORKERS {
            let shared = Arc::clone(&self.shared);
            thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(move || shared.work())?;
            queue.workers += 1;
        }
        drop(queue);
        self.shared.has_work.notify_one();
        Ok(true)
    }
}

impl Drop for Handshakes {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.has_work.notify_all();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("nothing is done within the lock that could panic")
    }

    fn work(&self) {
        while let Some(step) = self.next() {
            step.run();
        }
    }

    fn next(&self) -> Option<Step> {
        let has_none = |queue: &mut Queue| !queue.closed && queue.steps.is_empty();
        let mut queue = self.has_work.wait_while(self.queue(), has_none).ok()?;
        if queue.closed { None } else { queue.steps.pop_front() }
    }
}

impl Step {
    fn run(self) {
        let Self { id, mut session, mut input, orders } = self;
        let mut plain = Vec::new();
        // A flaw in the library must not end the thread that all other handshakes wait for.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            session.receive(&mut input, |bytes| plain.extend_from_slice(bytes))
        }));
        // Without an answer the handshake runs out of time.
        if let Ok(outcome) = outcome {
            orders.give(Order::Handshake(Done { id, session, outcome, plain }));
        }
    }
}
