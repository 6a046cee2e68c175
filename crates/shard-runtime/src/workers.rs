//! Threads for what would hold up a shard: a password held against its hash, a step of a handshake.
//!
//! A shard hands over a job and goes on; what came of it reaches the shard as an order in a later turn.
//! The threads start with the first jobs and run on any core the process may use.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::{fmt, io, mem, thread};

use rustix::process::nice;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::fair_queue::{FairQueue, Source};

/// Threads for one kind of job, at most. More would take from the shards what they give to strangers who
/// want in.
const THREADS_MAX: usize = 2;

/// Work that a shard hands over.
pub(crate) trait Job: Send + 'static {
    /// What the system calls the threads.
    const THREAD_NAME: &'static str;
    /// Jobs that may wait. A third of them may be for the same source; further ones are refused, as the
    /// [`FairQueue`] has it.
    const WAITING_MAX: usize;
    /// How much less than the shards the threads get of a core that is wanted by both; 0 to 19.
    const NICENESS: i32;

    /// Who it is done for.
    fn source(&self) -> Source;

    fn run(self);
}

/// The jobs that wait, and the threads that wait for them. The threads end once this is dropped and they
/// are done with what they do; what waits then is dropped.
pub(crate) struct Workers<J: Job> {
    shared: Arc<Shared<J>>,
}

struct Shared<J> {
    /// The cores the process may use. A shard has one of them only, and new threads run where the one
    /// that starts them does.
    cpus: Option<CpuSet>,
    queue: Mutex<Queue<J>>,
    has_job: Condvar,
}

struct Queue<J> {
    jobs: FairQueue<J>,
    threads: usize,
    idle: usize,
    stopped: bool,
}

impl<J: Job> Workers<J> {
    /// No threads yet. Has to be made by a thread that may use all cores of the process.
    pub(crate) fn new() -> Self {
        let queue = Queue { jobs: FairQueue::new(J::WAITING_MAX), threads: 0, idle: 0, stopped: false };
        let shared =
            Shared { cpus: sched_getaffinity(None).ok(), queue: Mutex::new(queue), has_job: Condvar::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Has a job done. Returns false if too many of its source wait already, or if no thread can be had.
    pub(crate) fn submit(&self, job: J) -> bool {
        let source = job.source();
        let mut queue = self.shared.queue();
        if !queue.jobs.has_room(&source) {
            return false;
        }
        if queue.idle <= queue.jobs.len() && queue.threads < THREADS_MAX {
            match self.start_thread() {
                Ok(()) => queue.threads += 1,
                Err(error) => tracing::error!("Cannot start a thread for {}: {error}", J::THREAD_NAME),
            }
        }
        if queue.threads == 0 {
            return false;
        }
        queue.jobs.push(source, job);
        self.shared.has_job.notify_one();
        true
    }

    fn start_thread(&self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        thread::Builder::new().name(J::THREAD_NAME.to_owned()).spawn(move || shared.work()).map(drop)
    }
}

impl<J: Job> Drop for Workers<J> {
    fn drop(&mut self) {
        let mut queue = self.shared.queue();
        queue.stopped = true;
        let dropped = mem::replace(&mut queue.jobs, FairQueue::new(0));
        self.shared.has_job.notify_all();
        drop(queue);
        drop(dropped);
    }
}

impl<J: Job> Shared<J> {
    fn work(&self) {
        // Without these it works as well, at the cost of a shard.
        if let Some(cpus) = &self.cpus {
            let _ = sched_setaffinity(None, cpus);
        }
        if J::NICENESS > 0 {
            let _ = nice(J::NICENESS);
        }
        while let Some(job) = self.next_job() {
            // A flaw in a library must not end the thread that others wait for. Who waited for this job
            // runs out of time.
            let _ = catch_unwind(AssertUnwindSafe(|| job.run()));
        }
    }

    fn next_job(&self) -> Option<J> {
        let mut queue = self.queue();
        queue.idle += 1;
        let nothing = |queue: &mut Queue<J>| queue.jobs.is_empty() && !queue.stopped;
        let mut queue = self.has_job.wait_while(queue, nothing).expect(NO_PANIC);
        queue.idle -= 1;
        queue.jobs.pop()
    }

    fn queue(&self) -> MutexGuard<'_, Queue<J>> {
        self.queue.lock().expect(NO_PANIC)
    }
}

const NO_PANIC: &str = "jobs are done and dropped outside of the lock";

impl<J: Job> fmt::Debug for Workers<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("of", &J::THREAD_NAME).finish_non_exhaustive()
    }
}

/// For tests: nothing is done before it is asked for.
#[cfg(test)]
impl<J: Job> Workers<J> {
    pub(crate) fn without_threads() -> Self {
        let workers = Self::new();
        workers.shared.queue().threads = THREADS_MAX;
        workers
    }

    pub(crate) fn have_work(&self) -> bool {
        !self.shared.queue().jobs.is_empty()
    }

    /// Does what is next, here. Returns false if there is nothing.
    pub(crate) fn do_next(&self) -> bool {
        let job = self.shared.queue().jobs.pop();
        job.map(Job::run).is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    enum Task {
        /// Waits until it is told to go on.
        Wait(Receiver<()>),
        Say(Sender<Option<String>>),
        Panic,
    }

    impl Job for Task {
        const THREAD_NAME: &'static str = "task";
        const WAITING_MAX: usize = 9;
        const NICENESS: i32 = 0;

        fn source(&self) -> Source {
            Source::new(Ipv4Addr::LOCALHOST.into(), "")
        }

        fn run(self) {
            match self {
                Self::Wait(go) => drop(go.recv()),
                Self::Say(to) => to.send(thread::current().name().map(str::to_owned)).unwrap(),
                Self::Panic => panic!("a flaw"),
            }
        }
    }

    /// Workers that are all at work, until what comes with them is dropped.
    fn busy() -> (Workers<Task>, Vec<Sender<()>>) {
        let workers = Workers::new();
        let holds = (0..THREADS_MAX).map(|_| {
            let (hold, go) = channel();
            assert!(workers.submit(Task::Wait(go)));
            hold
        });
        let holds = holds.collect();
        // A thread took each of them once none waits.
        while !workers.shared.queue().jobs.is_empty() {
            thread::yield_now();
        }
        (workers, holds)
    }

    #[test]
    fn what_waits_is_bounded() {
        let (workers, holds) = busy();
        let (said, saying) = channel();
        for _ in 0..Task::WAITING_MAX / 3 {
            assert!(workers.submit(Task::Say(said.clone())));
        }
        assert!(!workers.submit(Task::Say(said.clone())));
        drop(holds);
        for _ in 0..Task::WAITING_MAX / 3 {
            assert_eq!(saying.recv().unwrap().as_deref(), Some("task"));
        }
        assert!(workers.submit(Task::Say(said)));
        saying.recv().unwrap();
        assert_eq!(workers.shared.queue().threads, THREADS_MAX);
    }

    #[test]
    fn a_panic_does_not_end_a_thread() {
        let workers = Workers::new();
        let (said, saying) = channel();
        for _ in 0..4 {
            while !workers.submit(Task::Panic) {
                thread::yield_now();
            }
        }
        while !workers.submit(Task::Say(said.clone())) {
            thread::yield_now();
        }
        saying.recv().unwrap();
    }

    #[test]
    fn what_waits_is_dropped_with_the_workers() {
        let (workers, holds) = busy();
        let (said, saying) = channel();
        assert!(workers.submit(Task::Say(said)));
        drop(workers);
        assert!(saying.recv().is_err());
        drop(holds);
    }
}
