//! How busy each shard is, for all shards to see.
//!
//! A shard at work posts its load about every [`WINDOW`]. One that sleeps posts nothing, and needs
//! no timer for it: a posting that has grown old says that its shard sleeps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use balance::Load;
use conns::Time;
use rustix::time::{ClockId, clock_gettime};

/// The stretch of time that a posted load is about: long enough to even out single turns, short
/// enough that a burst of connections meets a load that is true.
const WINDOW: Duration = Duration::from_millis(100);

/// How old a posting may be before its shard counts as asleep: a turn late, and then some.
const POSTING_AGE_MAX: Duration = Duration::from_millis(250);

/// A posted load in its upper 16 bits, and when it was posted in milliseconds. A cache line of its
/// own (two, as they are fetched in pairs), so that posting disturbs nobody.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Row(AtomicU64);

const TIME_BITS: u32 = 48;

/// The postings of all shards.
#[derive(Debug)]
pub(crate) struct LoadBoard {
    rows: Box<[Row]>,
}

impl LoadBoard {
    pub(crate) fn new(shards: usize) -> Self {
        Self { rows: (0..shards).map(|_| Row::default()).collect() }
    }

    fn post(&self, shard: usize, now: Time, load: Load) {
        let posting = u64::from(load.as_permille()) << TIME_BITS | millis(now);
        self.rows[shard].0.store(posting, Ordering::Relaxed);
    }

    /// How busy each shard is.
    pub(crate) fn read(&self, now: Time, into: &mut Vec<Load>) {
        into.clear();
        into.extend(self.rows.iter().map(|row| {
            let posting = row.0.load(Ordering::Relaxed);
            let age = millis(now).saturating_sub(posting & ((1 << TIME_BITS) - 1));
            let is_old = u128::from(age) > POSTING_AGE_MAX.as_millis();
            if is_old { Load::NONE } else { Load::permille((posting >> TIME_BITS) as u16) }
        }));
    }
}

fn millis(time: Time) -> u64 {
    time.0 / 1_000_000
}

/// Measures one shard's load, turn by turn: the processor time it had, without what it spent looking
/// for work. Time in which others had the core is not load of the shard. What the kernel does for it
/// while it waits is: with io_uring bytes are received then.
#[derive(Debug)]
pub(crate) struct LoadMeter {
    shard: usize,
    since: Time,
    busy: Duration,
    looked: Duration,
    /// Processor time of the thread at the start of the window.
    had: Duration,
}

impl LoadMeter {
    pub(crate) fn new(shard: usize) -> Self {
        Self {
            shard,
            since: Time::default(),
            busy: Duration::ZERO,
            looked: Duration::ZERO,
            had: Duration::ZERO,
        }
    }

    /// The shard looked for work for so long.
    pub(crate) fn on_looked(&mut self, time: Duration) {
        self.looked += time;
    }

    /// The shard was at work from `start` to `end`, and waited before. `processor_time` is what its
    /// thread had so far; it is only asked for when needed. At the end of a window returns how much of it
    /// the shard did not wait, with or without the core: whether it keeps up.
    pub(crate) fn on_turn(
        &mut self,
        start: Time,
        end: Time,
        board: &LoadBoard,
        processor_time: impl Fn() -> Duration,
    ) -> Option<Load> {
        if start.since(self.since) > POSTING_AGE_MAX {
            // It slept, and counted as asleep: what it does now is news.
            self.start_window(start, processor_time());
        }
        self.busy += end.since(start);
        let whole = end.since(self.since);
        if whole < WINDOW {
            return None;
        }
        let now_had = processor_time();
        let at_work = now_had.saturating_sub(self.had).saturating_sub(self.looked);
        let awake = self.busy.max(at_work);
        board.post(self.shard, end, Load::of(at_work, whole));
        self.start_window(end, now_had);
        Some(Load::of(awake, whole))
    }

    fn start_window(&mut self, at: Time, had: Duration) {
        (self.since, self.had) = (at, had);
        (self.busy, self.looked) = (Duration::ZERO, Duration::ZERO);
    }
}

/// Processor time that the calling thread had so far.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time(1_000_000_000 + ms * 1_000_000)
    }

    fn loads(board: &LoadBoard, now: Time) -> Vec<u16> {
        let mut loads = Vec::new();
        board.read(now, &mut loads);
        loads.iter().map(|load| load.as_permille()).collect()
    }

    /// A thread that has the core all the time.
    fn always(end: u64) -> impl Fn() -> Duration {
        move || Duration::from_millis(end)
    }

    #[test]
    fn a_window_of_turns_is_posted_as_one_load() {
        let board = LoadBoard::new(2);
        let mut meter = LoadMeter::new(1);
        for turn in 0..11 {
            assert_eq!(loads(&board, at(turn * 10)), [0, 0], "before the window is over");
            meter.on_turn(at(turn * 10), at(turn * 10 + 3), &board, always(turn * 10));
            meter.on_looked(Duration::from_millis(7));
        }
        assert_eq!(loads(&board, at(110)), [0, 291], "30 of 103 ms");
    }

    #[test]
    fn time_that_others_had_the_core_is_not_load() {
        let board = LoadBoard::new(1);
        let mut meter = LoadMeter::new(0);
        meter.on_turn(at(0), at(60), &board, always(7));
        let awake = meter.on_turn(at(60), at(100), &board, always(7 + 40));
        assert_eq!((loads(&board, at(100)), awake), (vec![400], Some(Load::FULL)));
    }

    #[test]
    fn what_the_kernel_does_while_the_shard_waits_is_load() {
        let board = LoadBoard::new(1);
        let mut meter = LoadMeter::new(0);
        meter.on_turn(at(0), at(30), &board, always(0));
        let awake = meter.on_turn(at(80), at(100), &board, always(90));
        assert_eq!((loads(&board, at(100)), awake), (vec![900], Some(Load::permille(900))));
    }

    #[test]
    fn a_shard_that_sleeps_is_not_busy() {
        let board = LoadBoard::new(1);
        let mut meter = LoadMeter::new(0);
        meter.on_turn(at(0), at(50), &board, always(0));
        meter.on_turn(at(50), at(150), &board, always(150));
        assert_eq!(loads(&board, at(200)), [1000]);
        assert_eq!(loads(&board, at(1000)), [0]);
    }

    #[test]
    fn what_follows_a_long_sleep_is_measured_by_itself() {
        let board = LoadBoard::new(1);
        let mut meter = LoadMeter::new(0);
        meter.on_turn(at(60_000), at(60_060), &board, always(0));
        meter.on_turn(at(60_060), at(60_120), &board, always(120));
        assert_eq!(loads(&board, at(60_120)), [1000]);
    }

    #[test]
    fn a_thread_knows_its_processor_time() {
        let before = processor_time();
        while processor_time() == before {
            std::hint::spin_loop();
        }
    }
}
