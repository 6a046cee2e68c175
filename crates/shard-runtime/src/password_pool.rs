//! Threads that hold passwords against their hashes, which takes from a millisecond to seconds each.
//!
//! A shard hands over a check and goes on; what came of it reaches the shard as an order in a later turn.
//! The threads start with the first check, run on any core the process may use, and give way to the
//! shards.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::{fmt, io, thread};

use broker::ConnId;
use fabric::ShardId;
use nats_auth::PasswordCheck;
use rustix::process::nice;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::control::Control;

/// Checks that may wait. At the bound further ones are refused, and their clients with them: at the
/// common cost of 2^10 rounds it takes ten seconds to get through these, and clients have two.
const CHECKS_MAX: usize = 256;

/// Threads, at most. More would take from the shards what they give to those who guess passwords.
const THREADS_MAX: usize = 2;

/// How much less than the shards the threads get of a core that is wanted by both.
const NICENESS: i32 = 10;

/// A password to be checked for a shard's client.
type Job = (ShardId, ConnId, PasswordCheck);

/// The checks that wait, and the threads that wait for them.
pub(crate) struct PasswordPool {
    control: Control,
    /// The cores the process may use. A shard has one of them only, and new threads run where the one
    /// that starts them does.
    cpus: Option<CpuSet>,
    queue: Mutex<Queue>,
    has_job: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    stopped: bool,
}

impl PasswordPool {
    /// A pool without threads, made by a thread that may use all cores of the process.
    pub(crate) fn new(control: Control) -> Self {
        Self { control, cpus: sched_getaffinity(None).ok(), queue: Mutex::default(), has_job: Condvar::new() }
    }

    /// Has a password checked. Returns false if too much waits already, or if no thread can be had.
    pub(crate) fn check(self: &Arc<Self>, shard: ShardId, conn: ConnId, check: PasswordCheck) -> bool {
        let mut queue = self.queue();
        if queue.stopped || queue.jobs.len() == CHECKS_MAX {
            return false;
        }
        if queue.idle <= queue.jobs.len() && queue.threads < THREADS_MAX {
            match self.start_thread() {
                Ok(()) => queue.threads += 1,
                Err(error) => tracing::error!("Cannot start a thread to check passwords: {error}"),
            }
        }
        if queue.threads == 0 {
            return false;
        }
        queue.jobs.push_back((shard, conn, check));
        self.has_job.notify_one();
        true
    }

    /// Ends the threads once they are done with what they do; what waits is dropped.
    pub(crate) fn stop(&self) {
        let mut queue = self.queue();
        queue.stopped = true;
        let dropped = std::mem::take(&mut queue.jobs);
        self.has_job.notify_all();
        drop(queue);
        drop(dropped);
    }

    fn start_thread(self: &Arc<Self>) -> io::Result<()> {
        let pool = Arc::clone(self);
        let thread = thread::Builder::new().name("password".to_owned());
        thread.spawn(move || pool.run()).map(drop)
    }

    fn run(&self) {
        // Without these it works as well, at the cost of a shard.
        if let Some(cpus) = &self.cpus {
            let _ = sched_setaffinity(None, cpus);
        }
        let _ = nice(NICENESS);
        while let Some((shard, conn, check)) = self.next_job() {
            let identity = check.run();
            // Nobody waits for the answer to this order.
            drop(self.control.ask(shard, move |broker, now| broker.on_password_checked(now, conn, identity)));
        }
    }

    fn next_job(&self) -> Option<Job> {
        let mut queue = self.queue();
        queue.idle += 1;
        let nothing = |queue: &mut Queue| queue.jobs.is_empty() && !queue.stopped;
        let mut queue = self.has_job.wait_while(queue, nothing).expect(NO_PANIC);
        queue.idle -= 1;
        queue.jobs.pop_front()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect(NO_PANIC)
    }
}

const NO_PANIC: &str = "passwords are checked and dropped outside of the lock";

impl fmt::Debug for PasswordPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPool").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use nats_auth::{Config, Credentials, Directory, IdentityConfig, User, Verdict};

    use super::*;

    fn check() -> PasswordCheck {
        let hash = "$2b$04$lw4W5MsZdKmxrQPIBHko5uWOPVimzvkfnP1Qb9lr9DY14ITIJYLlG";
        let identity = IdentityConfig::Password { user: "h".into(), password: hash.into() };
        let user = User { identity, permissions: None, allowed_connection_types: None };
        let directory = Directory::new(&Config { users: vec![user], ..Config::default() }).unwrap();
        let shown = Credentials { user: "h", password: "bar", ..Credentials::default() };
        let Verdict::Check(check) = directory.authenticate(&shown) else { panic!("it is a hash") };
        check
    }

    fn pool() -> Arc<PasswordPool> {
        Arc::new(PasswordPool::new(Control { shards: [].into() }))
    }

    #[test]
    fn what_waits_is_bounded() {
        let pool = pool();
        // As if all threads were at work.
        pool.queue().threads = THREADS_MAX;
        let conn = ConnId::from_bits(1);
        for _ in 0..CHECKS_MAX {
            assert!(pool.check(ShardId(0), conn, check()));
        }
        assert!(!pool.check(ShardId(0), conn, check()));
        assert!(pool.queue().jobs.pop_front().is_some());
        assert!(pool.check(ShardId(0), conn, check()));
    }

    #[test]
    fn nothing_is_taken_in_after_the_end() {
        let pool = pool();
        pool.queue().threads = THREADS_MAX;
        assert!(pool.check(ShardId(0), ConnId::from_bits(1), check()));
        pool.stop();
        assert!(pool.next_job().is_none());
        assert!(!pool.check(ShardId(0), ConnId::from_bits(1), check()));
    }
}
