//! How idle the shards' cores are, by the kernel's account.
//!
//! A shard sees its own load. Whether another shard's core has time to spare it cannot see: clients
//! on the same machine may keep it busy.

use std::fs::File;
use std::os::unix::fs::FileExt;

use balance::Load;

/// What is read of the file: the lines of some 700 cores. Cores beyond count as not known.
const STAT_BYTES_MAX: usize = 64 << 10;

/// Time that one core spent, in the kernel's ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ticks {
    idle: u64,
    all: u64,
}

/// Watches the cores from one moment on.
#[derive(Debug)]
pub(crate) struct Cores {
    /// By shard.
    cpus: Vec<usize>,
    /// What each shard's core had spent when the watch began; `None` when there is none.
    since: Option<Vec<Option<Ticks>>>,
    idle: Vec<Option<Load>>,
}

impl Cores {
    pub(crate) fn new(cpus: Vec<usize>) -> Self {
        Self { cpus, since: None, idle: Vec::new() }
    }

    /// How much of the time since the first call each shard's core was idle, as far as is known.
    pub(crate) fn idle(&mut self) -> &[Option<Load>] {
        let stat = read_stat().unwrap_or_default();
        let now: Vec<Option<Ticks>> = self.cpus.iter().map(|cpu| ticks(&stat, *cpu)).collect();
        let since = self.since.get_or_insert_with(|| now.clone());
        let share = |since: &Ticks, now: &Ticks| {
            let all = now.all.saturating_sub(since.all);
            let idle = now.idle.saturating_sub(since.idle) * 1000;
            idle.checked_div(all).map(|permille| Load::permille(permille.min(1000) as u16))
        };
        let both = since.iter().zip(&now);
        self.idle = both.map(|(since, now)| share(since.as_ref()?, now.as_ref()?)).collect();
        &self.idle
    }

    /// Ends the watch. Nothing is known any more.
    pub(crate) fn forget(&mut self) -> &[Option<Load>] {
        self.since = None;
        &[]
    }
}

/// `None` where there is no such file, or it is not for us: then nothing is known.
fn read_stat() -> Option<String> {
    let mut bytes = vec![0; STAT_BYTES_MAX];
    let count = File::open("/proc/stat").ok()?.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(count);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The line of one core: `cpu3 user nice system idle iowait irq softirq steal …`, the rest being
/// part of user already.
fn ticks(stat: &str, cpu: usize) -> Option<Ticks> {
    let line = stat.lines().find_map(|line| line.strip_prefix(&format!("cpu{cpu} ")))?;
    let fields: Vec<u64> = line.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
    let idle = fields.get(3)? + fields.get(4)?;
    Some(Ticks { idle, all: fields.iter().sum() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  1 2 3 4 5 6 7 8 9 10\n\
        cpu0 10 20 30 400 50 6 7 8 9 10\n\
        cpu1 1 1 1 1 1 1 1 1 0 0\n\
        intr 77 0\n";

    #[test]
    fn a_cores_line_is_told_from_the_others() {
        assert_eq!(ticks(STAT, 0), Some(Ticks { idle: 450, all: 531 }));
        assert_eq!(ticks(STAT, 1), Some(Ticks { idle: 2, all: 8 }));
        assert_eq!(ticks(STAT, 2), None);
        assert_eq!(ticks("cpu2 1 2 3", 2), None, "cut short");
    }

    #[test]
    fn this_machine_has_cores() {
        assert!(ticks(&read_stat().unwrap(), crate::available_cpus()[0]).is_some());
    }
}
