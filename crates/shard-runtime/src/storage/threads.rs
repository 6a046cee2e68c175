//! Threads beside the shards.

use std::{io, thread};

use rustix::thread::{CpuSet, sched_setaffinity};

/// Starts one that may use these cores: a shard that starts it has one of them only.
pub(super) fn spawn(
    name: &'static str,
    cpus: Option<CpuSet>,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let start = move || {
        // Without it things work as well, at the cost of a shard.
        if let Some(cpus) = &cpus {
            let _ = sched_setaffinity(None, cpus);
        }
        run();
    };
    thread::Builder::new().name(name.to_owned()).spawn(start).map(drop)
}
