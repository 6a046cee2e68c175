//! A process that the kernel lets do less than others, as containers do.

use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::{env, io, thread};

use rustix::io::Errno;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter, compile_from_json};

/// `io_uring_setup` on x86-64, aarch64 and riscv64.
const IO_URING_SETUP: i64 = 425;

/// `clone3` on the same.
const CLONE3: i64 = 435;

/// What the kernel lets a server do.
#[derive(Clone, Debug, Default)]
pub enum Sandbox {
    /// All that this process may.
    #[default]
    None,
    /// `io_uring_setup` fails with EPERM.
    NoIoUring,
    /// All calls but these fail with EPERM, and `clone3` as if there were none.
    Only(Vec<String>),
}

impl Sandbox {
    /// Starts the command in the sandbox.
    ///
    /// A filter belongs to a thread, and a process inherits that of the thread that starts it. So a
    /// thread of its own takes the filters, and the tests go on without.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let filters = self.filters()?;
        let filtered = || {
            for filter in &filters {
                apply_filter(filter).map_err(io::Error::other)?;
            }
            command.spawn()
        };
        thread::scope(|scope| scope.spawn(filtered).join()).expect("nothing panics there")
    }

    /// The strictest answer of all filters counts.
    fn filters(&self) -> io::Result<Vec<BpfProgram>> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::NoIoUring => Ok(vec![refusal(IO_URING_SETUP, Errno::PERM)?]),
            Self::Only(calls) => Ok(vec![refusal(CLONE3, Errno::NOSYS)?, only(calls)?]),
        }
    }
}

fn refusal(call: i64, error: Errno) -> io::Result<BpfProgram> {
    // A rule list that is empty matches every call.
    let rules = BTreeMap::from([(call, Vec::new())]);
    let refusal = SeccompAction::Errno(error.raw_os_error().cast_unsigned());
    let filter =
        SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch()?).map_err(io::Error::other)?;
    filter.try_into().map_err(io::Error::other)
}

fn only(calls: &[String]) -> io::Result<BpfProgram> {
    // Of two refusals the latest filter's counts, so this one leaves `clone3` to the other.
    let calls = calls.iter().map(String::as_str).chain(["clone3"]);
    let calls: Vec<_> = calls.map(|call| serde_json::json!({ "syscall": call })).collect();
    let refusal = serde_json::json!({ "errno": Errno::PERM.raw_os_error() });
    let filter = serde_json::json!({
        "process": { "mismatch_action": refusal, "match_action": "allow", "filter": calls }
    });
    let mut filters = compile_from_json(filter.to_string().as_bytes(), arch()?).map_err(io::Error::other)?;
    filters.remove("process").ok_or_else(|| io::Error::other("the filter has another name"))
}

fn arch() -> io::Result<TargetArch> {
    env::consts::ARCH.try_into().map_err(io::Error::other)
}
