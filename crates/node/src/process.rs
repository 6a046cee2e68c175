//! What the operating system says of this process.

use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{env, fs};

use monitor::Process;
use rustix::param::page_size;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// A share of the processor is measured over at least this long: nats-server's is, too.
const WINDOW_MIN: Duration = Duration::from_secs(1);

/// Measures how busy the process is.
#[derive(Debug)]
pub(crate) struct Usage {
    measured: Mutex<Measured>,
}

#[derive(Debug, Clone, Copy)]
struct Measured {
    at: Instant,
    cpu: Duration,
    percent: f64,
}

impl Usage {
    pub(crate) fn new() -> Self {
        Self { measured: Mutex::new(Measured { at: Instant::now(), cpu: processor_time(), percent: 0.0 }) }
    }

    /// The share of a processor that the process had between the last two looks that were long enough
    /// apart, in percent.
    pub(crate) fn percent(&self) -> f64 {
        let mut measured = self.measured.lock().expect("nothing panics while it has this");
        let elapsed = measured.at.elapsed();
        if elapsed >= WINDOW_MIN {
            let cpu = processor_time();
            let percent = (cpu - measured.cpu).as_secs_f64() / elapsed.as_secs_f64() * 100.0;
            *measured = Measured { at: Instant::now(), cpu, percent };
        }
        measured.percent
    }
}

/// EXPVARZ: what Go's runtime would say of memory, as far as there is something to say, and the command line.
#[derive(Debug, Serialize)]
pub(crate) struct Expvarz {
    memstats: MemStats,
    cmdline: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MemStats {
    alloc: u64,
    sys: u64,
}

impl Expvarz {
    pub(crate) fn now() -> Self {
        let bytes = resident_bytes();
        let args = env::args_os().map(|arg| arg.to_string_lossy().into_owned());
        Self { memstats: MemStats { alloc: bytes, sys: bytes }, cmdline: without_secrets(args) }
    }
}

/// Flags whose value is a secret.
const SECRET_FLAGS: [&str; 2] = ["pass", "auth"];

/// Arguments, with stars for secrets.
fn without_secrets(args: impl Iterator<Item = String>) -> Vec<String> {
    let mut is_secret = false;
    let shown = args.map(|arg| {
        let flag = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'));
        let (name, value) = flag.map_or(("", None), |flag| match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag, None),
        });
        let was_secret = std::mem::replace(&mut is_secret, SECRET_FLAGS.contains(&name) && value.is_none());
        match value {
            _ if was_secret => "***".to_owned(),
            Some(value) if SECRET_FLAGS.contains(&name) => format!("{}***", &arg[..arg.len() - value.len()]),
            _ => arg,
        }
    });
    shown.collect()
}

/// What there is to say now.
pub(crate) fn process() -> Process {
    Process { cpu: processor_time(), resident_bytes: resident_bytes(), open_files: open_files() }
}

pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// 0 where there is no `/proc`.
pub(crate) fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * page_size() as u64
}

/// 0 where there is no `/proc`.
fn open_files() -> u64 {
    fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_told_without_secrets() {
        let args = ["server", "-p", "4222", "--pass", "secret", "-auth=secret", "--user", "me", "--pass=x=y"];
        let shown = without_secrets(args.into_iter().map(str::to_owned));
        let expected = ["server", "-p", "4222", "--pass", "***", "-auth=***", "--user", "me", "--pass=***"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_process_has_memory_files_and_time() {
        let before = processor_time();
        while processor_time() == before {
            std::hint::spin_loop();
        }
        let process = process();
        assert!(process.resident_bytes > 1 << 20 && process.open_files > 2 && process.cpu > before);
        assert!(Usage::new().percent() < f64::EPSILON, "there was no time to measure it");
    }
}
