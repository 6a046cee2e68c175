//! The server's log, collected while it runs.
//!
//! One thread reads the process's stderr to its end, so the server never blocks on a full pipe.
//! The log ends exactly when the process does, which is also how its end is awaited.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

/// Lines kept; a server that traces under load drops its oldest ones.
const LOG_LINES_MAX: usize = 50_000;

/// What a server has logged so far; clones share it.
#[derive(Clone, Debug)]
pub struct ServerLog {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    ended: bool,
}

impl ServerLog {
    /// Starts collecting lines from `source` until it ends.
    pub(crate) fn collect(source: impl Read + Send + 'static) -> Self {
        let log = Self { shared: Arc::default() };
        let shared = Arc::clone(&log.shared);
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while matches!(source.read_until(b'\n', &mut line), Ok(len) if len > 0) {
                shared.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
            shared.state().ended = true;
            shared.changed.notify_all();
        });
        log
    }

    /// Waits for a line that contains `text`, old lines included. `None` when the log ended
    /// without one or `within` ran out.
    #[must_use]
    pub fn wait_for(&self, text: &str, within: Duration) -> Option<String> {
        self.wait_for_nth(text, 0, within)
    }

    /// As [`Self::wait_for`], for a line with `skipped` others like it before it.
    #[must_use]
    pub fn wait_for_nth(&self, text: &str, skipped: usize, within: Duration) -> Option<String> {
        let mut found = None;
        self.wait(within, |state| {
            found = state.lines.iter().filter(|line| line.contains(text)).nth(skipped).cloned();
            found.is_some()
        });
        found
    }

    /// As [`Self::wait_for`], for a line that is as `wanted` says.
    #[must_use]
    pub fn wait_for_line(&self, wanted: impl Fn(&str) -> bool, within: Duration) -> Option<String> {
        let mut found = None;
        self.wait(within, |state| {
            found = state.lines.iter().find(|line| wanted(line)).cloned();
            found.is_some()
        });
        found
    }

    /// How many lines so far contain `text`.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        self.shared.state().lines.iter().filter(|line| line.contains(text)).count()
    }

    /// Whether some line so far contains `text`.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        self.shared.state().lines.iter().any(|line| line.contains(text))
    }

    /// All lines so far, for a failure's report.
    #[must_use]
    pub fn text(&self) -> String {
        self.shared.state().lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Waits until the process has closed its log; false when `within` ran out first.
    pub(crate) fn wait_for_end(&self, within: Duration) -> bool {
        self.wait(within, |_| false);
        self.shared.state().ended
    }

    /// Waits until `done` holds, the log has ended or `within` has run out.
    fn wait(&self, within: Duration, mut done: impl FnMut(&State) -> bool) {
        let deadline = Instant::now() + within;
        let mut state = self.shared.state();
        while !done(&state) && !state.ended {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return;
            };
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.expect("the reader thread never panics holding the lock").0;
        }
    }
}

impl Shared {
    fn push(&self, line: String) {
        let mut state = self.state();
        if state.lines.len() == LOG_LINES_MAX {
            state.lines.pop_front();
        }
        state.lines.push_back(line);
        drop(state);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the reader thread never panics holding the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ANSWER_DEADLINE;

    #[test]
    fn a_line_is_found_whether_it_came_before_or_comes_later() {
        let (source, mut sink) = std::io::pipe().expect("a pipe");
        let log = ServerLog::collect(source);
        std::io::Write::write_all(&mut sink, b"[1] early\n[1] late").expect("the pipe is open");
        assert_eq!(log.wait_for("early", ANSWER_DEADLINE).as_deref(), Some("[1] early"));
        drop(sink);
        assert_eq!(log.wait_for("late", ANSWER_DEADLINE).as_deref(), Some("[1] late"));
        assert_eq!(log.count("[1]"), 2);
        let late = log.wait_for_line(|line| line.ends_with("late"), ANSWER_DEADLINE);
        assert_eq!(late.as_deref(), Some("[1] late"));
        assert_eq!(log.wait_for_nth("[1]", 1, ANSWER_DEADLINE).as_deref(), Some("[1] late"));
    }

    #[test]
    fn the_end_of_the_log_ends_the_wait() {
        let log = ServerLog::collect(&b"one\ntwo\n"[..]);
        assert!(log.wait_for_end(ANSWER_DEADLINE));
        assert_eq!(log.wait_for("three", ANSWER_DEADLINE), None);
        assert_eq!(log.text(), "one\ntwo\n");
    }
}
