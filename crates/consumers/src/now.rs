//! What every command brings along.

/// The time, twice, and a random number. A consumer has neither a clock nor dice of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Nanoseconds on a clock that never goes back, since a start of the caller's choosing. Deadlines are on it.
    pub mono: i64,
    /// Nanoseconds since 1970. It is shown and stored, and may jump.
    pub wall: i64,
    /// Another one each time.
    pub random: u64,
}

/// When nothing is due.
pub(crate) const NEVER: i64 = i64::MAX;

/// Ten years: waits that are longer never end, so that none of those that do passes the end of time on any clock.
const WAIT_MAX: i64 = 10 * 365 * 86_400 * 1_000_000_000;

/// When a wait is over that begins now.
pub(crate) fn due_after(now: i64, wait: i64) -> i64 {
    if wait > WAIT_MAX { NEVER } else { later(now, wait) }
}

/// Adds a length of time without passing [`NEVER`].
pub(crate) fn later(time: i64, by: i64) -> i64 {
    time.saturating_add(by)
}
