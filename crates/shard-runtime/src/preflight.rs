//! Whether this machine can run shards, asked before any is started.

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::error::RuntimeError;
use crate::sys::Ring;

/// Locked memory that a glommio executor insists on, in bytes.
const MEMLOCK_BYTES_MIN: u64 = 512 << 10;

/// Checks for what every shard needs, with an error that says what to do.
///
/// # Errors
/// io_uring is refused or too old, or the limit on locked memory is too small.
pub fn preflight() -> Result<(), RuntimeError> {
    if let Some(limit) = getrlimit(Resource::Memlock).current
        && limit < MEMLOCK_BYTES_MIN
    {
        return Err(RuntimeError::MemlockTooSmall { limit, needed: MEMLOCK_BYTES_MIN });
    }
    match Ring::new() {
        Ok(_) => Ok(()),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => {
            Err(RuntimeError::RingTooOld(error))
        }
        Err(error) => Err(RuntimeError::RingRefused(error)),
    }
}

/// The cores this process may run on.
pub fn available_cpus() -> Vec<usize> {
    let allowed = rustix::thread::sched_getaffinity(None).ok();
    let cpus = (0..rustix::thread::CpuSet::MAX_CPU)
        .filter(|cpu| allowed.as_ref().is_some_and(|set| set.is_set(*cpu)))
        .collect::<Vec<_>>();
    if cpus.is_empty() { vec![0] } else { cpus }
}
