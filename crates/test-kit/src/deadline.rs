//! How long a wait may last before it counts as a failure.
//!
//! No test measures these: each is far longer than a healthy server needs, also on a loaded
//! two-core machine.

use std::time::Duration;

/// From spawning the process to its ready line, and from a stop signal to its exit.
pub const START_DEADLINE: Duration = Duration::from_secs(30);

/// From sending something to the bytes that answer it.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
