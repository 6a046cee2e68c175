//! What the kernel says of a process: processor time used, memory held, files it may open.

use std::fs;
use std::ops::Add;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// `/proc` counts in hundredths of a second on every Linux (USER_HZ), whatever the kernel's own
/// tick: see proc_pid_stat(5).
const TICK: Duration = Duration::from_millis(10);

/// Resident memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

impl Add for Memory {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { now: self.now + other.now, peak: self.peak + other.peak }
    }
}

/// User and system time of a process so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CpuTime {
    /// Of all threads it ever had, in steps of a tick.
    whole: Duration,
    /// Of the threads it has now, to the nanosecond; `None` if the kernel does not say.
    threads: Option<Duration>,
    thread_count: usize,
}

impl CpuTime {
    /// That of a process before it is there.
    pub(crate) const NONE: Self =
        Self { whole: Duration::ZERO, threads: Some(Duration::ZERO), thread_count: 0 };

    /// What was used since `before`. Exact, unless threads have ended in between: then to a tick.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        match (before.threads, self.threads) {
            (Some(before_threads), Some(threads)) if self.thread_count >= before.thread_count => {
                threads.saturating_sub(before_threads)
            }
            _ => self.whole.saturating_sub(before.whole),
        }
    }
}

pub(crate) fn cpu_time(pid: u32) -> Result<CpuTime> {
    let stat = read(pid, "stat")?;
    let whole = parse_cpu_time(&stat).with_context(|| format!("/proc/{pid}/stat has another form"))?;
    let mut threads = Some(Duration::ZERO);
    let mut thread_count = 0;
    for_each_thread(pid, "schedstat", |schedstat| {
        thread_count += 1;
        threads = threads.zip(parse_run_time(schedstat)).map(|(sum, time)| sum + time);
    })?;
    Ok(CpuTime { whole, threads: threads.filter(|_| thread_count > 0), thread_count })
}

/// How often a process was switched out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Switches {
    /// It waited for something.
    pub(crate) voluntary: u64,
    /// Its time was up.
    pub(crate) involuntary: u64,
}

impl Switches {
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            voluntary: self.voluntary.saturating_sub(before.voluntary),
            involuntary: self.involuntary.saturating_sub(before.involuntary),
        }
    }
}

impl Add for Switches {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            voluntary: self.voluntary + other.voluntary,
            involuntary: self.involuntary + other.involuntary,
        }
    }
}

/// Of all threads the process has now.
pub(crate) fn switches(pid: u32) -> Result<Switches> {
    let mut sum = Switches::default();
    for_each_thread(pid, "status", |status| {
        sum.voluntary += number_of(status, "voluntary_ctxt_switches:").unwrap_or(0);
        sum.involuntary += number_of(status, "nonvoluntary_ctxt_switches:").unwrap_or(0);
    })?;
    Ok(sum)
}

/// Calls `on` with `file` of each thread; one that ends in the meantime is left out.
fn for_each_thread(pid: u32, file: &str, mut on: impl FnMut(&str)) -> Result<()> {
    let dir = format!("/proc/{pid}/task");
    for entry in fs::read_dir(&dir).with_context(|| format!("{dir} (has the server gone?)"))? {
        if let Ok(text) = fs::read_to_string(entry?.path().join(file)) {
            on(&text);
        }
    }
    Ok(())
}

/// Our own user and system time so far.
pub(crate) fn own_cpu_time() -> Result<CpuTime> {
    cpu_time(std::process::id())
}

pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let status = read(pid, "status")?;
    parse_memory(&status).with_context(|| format!("/proc/{pid}/status has another form"))
}

/// What all processors together have worked since the machine started.
pub(crate) fn machine_time() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat").context("/proc/stat")?;
    parse_machine_time(&stat).context("/proc/stat has another form")
}

/// As many open files as the system lets us have; servers we start inherit it. Failing is no harm
/// here: the load that needs more says so when it opens a connection.
pub(crate) fn raise_open_files_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    let most = fs::read_to_string("/proc/sys/fs/nr_open").ok().and_then(|text| text.trim().parse().ok());
    // Only root may go beyond the maximum, and then up to what the kernel allows.
    if most.is_some() && setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).is_ok() {
        return;
    }
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

/// The first line sums up all processors, in ticks: user, nice, system, idle, waiting for disks,
/// interrupts of two kinds, stolen.
fn parse_machine_time(stat: &str) -> Option<Duration> {
    let numbers = stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace();
    let ticks: Vec<u64> = numbers.map(str::parse).collect::<Result<_, _>>().ok()?;
    let busy = [0, 1, 2, 5, 6, 7].iter().map(|index| ticks.get(*index)).sum::<Option<u64>>()?;
    Some(Duration::from_millis(busy * TICK.as_millis() as u64))
}

/// The first number is the time on a processor, in nanoseconds.
fn parse_run_time(schedstat: &str) -> Option<Duration> {
    let nanos = schedstat.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

fn parse_memory(status: &str) -> Option<Memory> {
    let kilobytes = |name| number_of(status, name);
    Some(Memory { now: kilobytes("VmRSS:")? * 1024, peak: kilobytes("VmHWM:")? * 1024 })
}

/// The number behind `name` at the start of a line.
fn number_of(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
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
    fn time_since_is_exact_until_a_thread_ends() {
        let time = |whole, threads: u64, thread_count| CpuTime {
            whole: Duration::from_millis(whole),
            threads: Some(Duration::from_micros(threads)),
            thread_count,
        };
        let before = time(100, 99_800, 3);
        assert_eq!(time(110, 100_100, 4).since(&before), Duration::from_micros(300));
        assert_eq!(time(110, 100_100, 4).since(&CpuTime::NONE), Duration::from_micros(100_100));
        assert_eq!(time(110, 50_000, 2).since(&before), Duration::from_millis(10));
        assert_eq!(parse_run_time("1500 7 2\n"), Some(Duration::from_nanos(1500)));
    }

    #[test]
    fn idle_time_is_no_work() {
        let stat = "cpu  100 10 20 90000 500 3 2 5 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(parse_machine_time(stat), Some(Duration::from_millis(1400)));
        assert_eq!(parse_machine_time("intr 1"), None);
        assert!(machine_time().unwrap() > Duration::ZERO);
    }

    #[test]
    fn switches_are_told_apart() {
        let status = "voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t7\n";
        assert_eq!(number_of(status, "voluntary_ctxt_switches:"), Some(150));
        assert_eq!(number_of(status, "nonvoluntary_ctxt_switches:"), Some(7));
        switches(std::process::id()).unwrap();
    }

    #[test]
    fn our_own_figures_can_be_read() {
        own_cpu_time().unwrap();
        let memory = memory(std::process::id()).unwrap();
        assert!(0 < memory.now && memory.now <= memory.peak);
    }
}
