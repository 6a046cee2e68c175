//! What every command brings along.

/// The time, twice, and a random number. A consumer has neither a clock nor dice of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds on a clock that never goes back, since a start of the caller's choosing. Deadlines are on it.
    pub mono: i64,
    /// Nanoseconds since 1970. It is shown and stored, and may jump.
    pub wall: i64,
    /// Another one each time.
    pub random: u64,
}

/// When nothing is due.
pub(crate) const NEVER: i64 = i64::MAX;

/// Adds a length of time without passing [`NEVER`].
pub(crate) fn later(time: i64, by: i64) -> i64 {
    time.saturating_add(by)
}
