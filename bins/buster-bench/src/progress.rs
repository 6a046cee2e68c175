//! How far a load is, on stderr, for who watches: only on a terminal, and a few times a second.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::units;

const SHOW_EVERY: Duration = Duration::from_millis(250);

/// Looking at the clock costs more than a short turn of a load, so not every turn does.
const TURNS_PER_LOOK: u32 = 16;

pub(crate) struct Progress {
    title: String,
    what: &'static str,
    is_shown: bool,
    turns: u32,
    shown_at: Instant,
    shown_count: u64,
    has_line: bool,
}

impl Progress {
    pub(crate) fn new(title: &str, what: &'static str) -> Self {
        Self {
            title: title.to_owned(),
            what,
            is_shown: io::stderr().is_terminal(),
            turns: 0,
            shown_at: Instant::now(),
            shown_count: 0,
            has_line: false,
        }
    }

    /// Asks `count` what is done so far, if it is time to show it.
    pub(crate) fn show(&mut self, count: impl FnOnce() -> u64) {
        self.turns = (self.turns + 1) % TURNS_PER_LOOK;
        if !self.is_shown || self.turns != 0 {
            return;
        }
        let since = self.shown_at.elapsed();
        if since >= SHOW_EVERY {
            let count = count();
            let line = self.line(count, since);
            // A terminal that went away is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[K{line}");
            (self.shown_at, self.shown_count, self.has_line) = (Instant::now(), count, true);
        }
    }

    fn line(&self, count: u64, since: Duration) -> String {
        let rate = count.saturating_sub(self.shown_count) as f64 / since.as_secs_f64();
        format!("{}: {} {}, {}/s", self.title, units::count(count as f64), self.what, units::count(rate))
    }
}

impl Drop for Progress {
    /// What is printed next starts on a clean line.
    fn drop(&mut self) {
        if self.has_line {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_and_how_fast() {
        let mut progress = Progress::new("fan-out", "deliveries");
        progress.shown_count = 1_000_000;
        let line = progress.line(2_000_000, Duration::from_millis(500));
        assert_eq!(line, "fan-out: 2.00 M deliveries, 2.00 M/s");
    }
}
