//! A process that the kernel refuses io_uring, as containers do.

use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::{env, io, thread};

use rustix::io::Errno;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// `io_uring_setup` on x86-64, aarch64 and riscv64.
const IO_URING_SETUP: i64 = 425;

/// Starts the command with a filter that lets `io_uring_setup` fail with EPERM.
///
/// A filter belongs to a thread, and a process inherits that of the thread that starts it. So a
/// thread of its own takes the filter, and the tests go on without.
pub(crate) fn spawn_without_io_uring(command: &mut Command) -> io::Result<Child> {
    let filtered = || {
        apply_filter(&filter()?).map_err(io::Error::other)?;
        command.spawn()
    };
    thread::scope(|scope| scope.spawn(filtered).join()).expect("nothing panics there")
}

fn filter() -> io::Result<BpfProgram> {
    // A rule list that is empty matches every call.
    let rules = BTreeMap::from([(IO_URING_SETUP, Vec::new())]);
    let refusal = SeccompAction::Errno(Errno::PERM.raw_os_error().cast_unsigned());
    let arch = env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch).map_err(io::Error::other)?;
    filter.try_into().map_err(io::Error::other)
}
