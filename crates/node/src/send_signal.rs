//! `--signal`: telling a server that runs what to do.

use nats_proto::error_words;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use server_options::{SignalCall, SignalCommand};

/// Where the kernel tells of processes.
const PROCESSES: &str = "/proc";

/// Names of servers that may be meant when no process is named, as they stand in `comm`, which the
/// kernel cuts after 15 bytes.
const SERVERS: [&str; 2] = ["nats-server", "buster-server"];

/// Why nobody, or not everybody, was sent a signal. In the words of nats-server.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// Neither a number nor a file with one.
    #[error("invalid pid: {0}")]
    InvalidPid(String),
    /// Several servers run, and none was named.
    #[error("multiple {program} processes running:{}", listed(pids))]
    Several {
        /// What they are called.
        program: String,
        /// Their process ids.
        pids: Vec<i32>,
    },
    /// No server runs, or none whose process id begins so.
    #[error("no {0} processes running")]
    None(String),
    /// The system did not deliver.
    #[error("{}", .0.iter().map(|failure| format!("\n{failure}")).collect::<String>())]
    NotSent(Vec<String>),
}

fn listed(pids: &[i32]) -> String {
    pids.iter().map(|pid| format!("\n{pid}")).collect()
}

/// Sends the signal that stands for the command to the process that is named, by its id or by a file
/// that holds it; or to all whose id begins so, if it ends in `*`; or, if none is named, to the one
/// server that runs under our own name or nats-server's. `program` is what errors call it.
///
/// # Errors
/// What kept it from arriving everywhere.
pub fn send_signal(call: &SignalCall, program: &str) -> Result<(), SignalError> {
    let pids = targets(call, program, Path::new(PROCESSES))?;
    let signal = signal(call.command);
    let failures: Vec<String> = pids
        .into_iter()
        .filter_map(|pid| {
            let error = kill_process(Pid::from_raw(pid)?, signal).err()?;
            Some(format!("signal {:?} {pid}: {}", call.command.word(), error_words(&error.into())))
        })
        .collect();
    if failures.is_empty() { Ok(()) } else { Err(SignalError::NotSent(failures)) }
}

fn signal(command: SignalCommand) -> Signal {
    match command {
        SignalCommand::Stop => Signal::KILL,
        SignalCommand::Quit => Signal::INT,
        SignalCommand::Term => Signal::TERM,
        SignalCommand::Reopen => Signal::USR1,
        SignalCommand::Reload => Signal::HUP,
        SignalCommand::LameDuck => Signal::USR2,
    }
}

fn targets(call: &SignalCall, program: &str, processes: &Path) -> Result<Vec<i32>, SignalError> {
    let named = call.process.as_ref().map(|process| {
        // The file's end may be a line's.
        let text = fs::read_to_string(process);
        text.map_or_else(|_| process.to_string_lossy().into_owned(), |text| text.trim_end().to_owned())
    });
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        let mut running = running(processes);
        return match running.len() {
            0 => Err(SignalError::None(program.to_owned())),
            1 => Ok(running),
            _ => {
                running.sort_unstable();
                Err(SignalError::Several { program: program.to_owned(), pids: running })
            }
        };
    };
    let beginning = named.strip_suffix('*');
    let digits = beginning.unwrap_or(&named);
    let pid = digits.parse().ok().filter(|pid| *pid > 0);
    match (beginning, pid) {
        (None, Some(pid)) => Ok(vec![pid]),
        (Some(""), _) => Ok(running(processes)),
        (Some(digits), Some(_)) => {
            let mut running = running(processes);
            running.retain(|pid| pid.to_string().starts_with(digits));
            Ok(running)
        }
        (_, None) => Err(SignalError::InvalidPid(digits.to_owned())),
    }
}

/// The servers that run here, without this process.
fn running(processes: &Path) -> Vec<i32> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir(processes).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| *name != own)?;
            let comm = fs::read_to_string(entry.path().join("comm")).ok()?;
            SERVERS.contains(&comm.trim_end()).then(|| name.parse().ok())?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn call(process: Option<&str>) -> SignalCall {
        SignalCall { command: SignalCommand::Reload, process: process.map(OsString::from) }
    }

    /// A machine with these processes.
    fn machine(processes: &[(i32, &str)]) -> tempfile::TempDir {
        let machine = tempfile::tempdir().unwrap();
        for (pid, name) in processes {
            let directory = machine.path().join(pid.to_string());
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("comm"), format!("{name}\n")).unwrap();
        }
        machine
    }

    fn found(process: Option<&str>, processes: &[(i32, &str)]) -> Result<Vec<i32>, String> {
        let machine = machine(processes);
        let mut pids =
            targets(&call(process), "nats-server", machine.path()).map_err(|error| error.to_string())?;
        pids.sort_unstable();
        Ok(pids)
    }

    #[test]
    fn without_a_process_the_one_server_is_meant() {
        assert_eq!(found(None, &[(7, "nats-server"), (8, "bash")]), Ok(vec![7]));
        assert_eq!(found(None, &[(8, "buster-server")]), Ok(vec![8]));
        assert_eq!(found(Some(""), &[(8, "buster-server")]), Ok(vec![8]));
        assert_eq!(found(None, &[(8, "bash")]), Err("no nats-server processes running".into()));
        let two = found(None, &[(9, "buster-server"), (7, "nats-server")]);
        assert_eq!(two, Err("multiple nats-server processes running:\n7\n9".into()));
    }

    #[test]
    fn a_process_is_named_by_its_id_or_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        for text in ["4711", "4711\n"] {
            fs::write(path, text).unwrap();
            assert_eq!(found(Some(path), &[]), Ok(vec![4711]));
        }
        assert_eq!(found(Some("12"), &[]), Ok(vec![12]));
        for bad in ["abc", "/no/such/file", "-1", "0", "1x"] {
            assert_eq!(found(Some(bad), &[]), Err(format!("invalid pid: {bad}")));
        }
    }

    #[test]
    fn a_star_means_all_that_begin_so() {
        let processes = [(12, "nats-server"), (123, "nats-server"), (124, "bash"), (3, "buster-server")];
        assert_eq!(found(Some("12*"), &processes), Ok(vec![12, 123]));
        assert_eq!(found(Some("*"), &processes), Ok(vec![3, 12, 123]));
        assert_eq!(found(Some("9*"), &processes), Ok(vec![]));
        assert_eq!(found(Some("x*"), &processes), Err("invalid pid: x".into()));
    }

    #[test]
    fn a_process_that_is_gone_is_told_in_the_peers_words() {
        let pid_max: i32 = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap().trim().parse().unwrap();
        let error = send_signal(&call(Some(&(pid_max + 1).to_string())), "nats-server").unwrap_err();
        assert_eq!(error.to_string(), format!("\nsignal \"reload\" {}: no such process", pid_max + 1));
    }
}
