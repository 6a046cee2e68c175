//! What the kernel says of a process: processor time used, memory held, files it may open.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Resource, getrlimit, setrlimit};

/// `/proc` counts in hundredths of a second on every Linux (USER_HZ), whatever the kernel's own
/// tick: see proc_pid_stat(5).
const TICK: Duration = Duration::from_millis(10);

/// Resident memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

/// User and system time of all threads of `pid` so far.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = read(pid, "stat")?;
    parse_cpu_time(&stat).with_context(|| format!("/proc/{pid}/stat has another form"))
}

/// Our own user and system time so far.
pub(crate) fn own_cpu_time() -> Result<Duration> {
    cpu_time(std::process::id())
}

pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let status = read(pid, "status")?;
    parse_memory(&status).with_context(|| format!("/proc/{pid}/status has another form"))
}

/// As many open files as the system lets us have; servers we start inherit it. Failing is no harm
/// here: the load that needs more says so when it opens a connection.
pub(crate) fn raise_open_files_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

fn read(pid: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).with_context(|| format!("{path} (has the server gone?)"))
}

/// The second field is the program's name in brackets and may hold anything, so count from the
/// last bracket: the 12th and 13th words behind it are user and system ticks.
fn parse_cpu_time(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_ascii_whitespace().skip(11);
    let user: u32 = ticks.next()?.parse().ok()?;
    let system: u32 = ticks.next()?.parse().ok()?;
    Some(TICK * user + TICK * system)
}

fn parse_memory(status: &str) -> Option<Memory> {
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let number = line.trim().strip_suffix("kB")?.trim();
        number.parse::<u64>().ok()
    };
    Some(Memory { now: kilobytes("VmRSS:")? * 1024, peak: kilobytes("VmHWM:")? * 1024 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_read_behind_a_name_with_brackets_and_blanks() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 10 0 0 0 150 25 0 0 20 0 4 0 99";
        assert_eq!(parse_cpu_time(stat), Some(Duration::from_millis(1750)));
        assert_eq!(parse_cpu_time("42 (a) S 1"), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t     300 kB\nVmRSS:\t     200 kB\n";
        let expected = Memory { now: 200 * 1024, peak: 300 * 1024 };
        assert_eq!(parse_memory(status), Some(expected));
        assert_eq!(parse_memory("Name:\tx\n"), None);
    }

    #[test]
    fn our_own_figures_can_be_read() {
        own_cpu_time().unwrap();
        let memory = memory(std::process::id()).unwrap();
        assert!(0 < memory.now && memory.now <= memory.peak);
    }
}
