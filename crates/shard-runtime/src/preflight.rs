//! Whether this machine can run shards, asked before any is started.

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::error::RuntimeError;
use crate::sys::probe;

/// Locked memory that a glommio executor insists on, in bytes.
const MEMLOCK_BYTES_MIN: u64 = 512 << 10;

/// Checks for what every shard needs, with an error that says what to do.
///
/// # Errors
/// io_uring is refused, too old or exhausted, or the limit on locked memory is too small.
pub fn preflight(shards: usize) -> Result<(), RuntimeError> {
    let limit = memlock_limit();
    if limit < MEMLOCK_BYTES_MIN {
        return Err(RuntimeError::MemlockTooSmall { limit, needed: MEMLOCK_BYTES_MIN });
    }
    let Err(error) = probe() else { return Ok(()) };
    Err(match Errno::from_io_error(&error) {
        Some(Errno::PERM | Errno::ACCESS | Errno::NOSYS) => RuntimeError::RingRefused(error),
        Some(Errno::INVAL) => RuntimeError::RingTooOld(error),
        Some(Errno::NOMEM) => RuntimeError::MemlockExhausted { shards, limit },
        _ => RuntimeError::RingFailed(error),
    })
}

/// The soft limit on locked memory, in bytes.
pub(crate) fn memlock_limit() -> u64 {
    getrlimit(Resource::Memlock).current.unwrap_or(u64::MAX)
}
