//! What those who watch the server are told: counted once a second for all of them, on a thread of its own.
//!
//! With a history it counts all the time; without one only while somebody watches, and sleeps else.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use monitor::{Answer, HISTORY_SECONDS_MAX, History, Reading, Watched};
use monitor_http::{Reply, Watch};
use shard_runtime::wall_clock;
use tokio::sync::watch;

use crate::gather_streams::StreamGatherer;
use crate::identity::OWN_VERSION;
use crate::process::{processor_time, resident_bytes};
use crate::teller::Teller;

/// How often it counts.
const SECOND: Duration = Duration::from_secs(1);

/// Who may watch at a time: each of them is a connection that stays. More are told to come back.
const WATCHERS_MAX: usize = 64;

/// Counts, until it is dropped.
pub(crate) struct Sampler {
    shared: Arc<Shared>,
    thread: Thread,
}

struct Shared {
    teller: Teller,
    config: console::Config,
    /// Where the page may connect.
    one_port: Option<u16>,
    history: Mutex<History>,
    /// How many samples there were.
    ticks: watch::Sender<u64>,
    watchers: AtomicUsize,
    is_over: AtomicBool,
}

impl Sampler {
    /// Begins to count.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(
        teller: Teller,
        config: console::Config,
        one_port: Option<u16>,
    ) -> std::io::Result<Self> {
        let seconds = usize::try_from(config.history.as_secs()).unwrap_or(HISTORY_SECONDS_MAX);
        let shared = Arc::new(Shared {
            teller,
            config,
            one_port,
            history: Mutex::new(History::new(seconds)),
            ticks: watch::Sender::new(0),
            watchers: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let counting = Arc::clone(&shared);
        let spawned = thread::Builder::new().name("sampler".to_owned()).spawn(move || counting.run())?;
        Ok(Self { shared, thread: spawned.thread().clone() })
    }

    /// Somebody wants to watch.
    pub(crate) fn watch(&self) -> Reply {
        let Some(seat) = Seat::take(&self.shared) else { return Reply::Whole(Answer::too_many_watch()) };
        self.thread.unpark();
        let mut told = None;
        let ticks = self.shared.ticks.subscribe();
        let words = Box::new(move || seat.words(&mut told));
        Reply::Watch(Watch { ticks, words })
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

impl Shared {
    fn run(&self) {
        let mut next = Instant::now();
        while !self.is_over.load(Ordering::Relaxed) {
            if self.config.history.is_zero() && self.watchers.load(Ordering::Relaxed) == 0 {
                self.history().forget();
                thread::park();
                next = Instant::now();
                continue;
            }
            let now = Instant::now();
            if now < next {
                thread::park_timeout(next - now);
                continue;
            }
            // Seconds that were missed, since the machine slept, are not made up for.
            next = (next + SECOND).max(now + SECOND / 2);
            let Some(reading) = self.reading() else { return };
            let taken = {
                let mut history = self.history();
                history.read(reading);
                history.taken()
            };
            self.ticks.send_replace(taken);
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().expect("nothing panics while it has this")
    }

    /// `None` if the shards stop.
    fn reading(&self) -> Option<Reading> {
        let gatherer = &self.teller.gatherer;
        let streams = gatherer.jetstream_totals()?;
        Some(Reading {
            at: wall_clock(),
            shards: gatherer.totals()?,
            cpu: processor_time(),
            memory: resident_bytes(),
            streams: streams.unwrap_or_default(),
            logs: gatherer.streams().map(StreamGatherer::logs).unwrap_or_default(),
        })
    }
}

/// The place of one who watches, given back when it is dropped.
struct Seat(Arc<Shared>);

impl Seat {
    fn take(shared: &Arc<Shared>) -> Option<Self> {
        let seat = Self(Arc::clone(shared));
        // One more for a moment, if there is none: it goes with the seat.
        (shared.watchers.fetch_add(1, Ordering::Relaxed) < WATCHERS_MAX).then_some(seat)
    }

    /// What is new behind the sample that was told last.
    fn words(&self, told: &mut Option<u64>) -> String {
        let history = self.0.history();
        match told.replace(history.taken()) {
            Some(last) => history.since(last),
            None => self.greeting(&history),
        }
    }

    fn greeting(&self, history: &History) -> String {
        let (facts, config) = (self.0.teller.board.facts(), &self.0.config);
        history.greeting(&Watched {
            server_id: &facts.server.server_id,
            server_name: &facts.server.server_name,
            version: &facts.server.version,
            own_version: OWN_VERSION,
            start: facts.times.start,
            title: &config.title,
            page: console::version(),
            history: config.history.as_secs(),
            read_only: config.read_only,
            messages: config.messages,
            one_port: self.0.one_port,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}
