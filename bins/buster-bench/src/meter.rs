//! Takes the figures around a phase of a load: time passed, processor time used, memory held.

use std::ops::Add;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::process::{self, CpuTime, Memory, Switches};
use crate::server::Server;

pub(crate) struct Meter {
    /// The server's processes; none when it is not known.
    pids: Vec<u32>,
    server_cpu: Vec<CpuTime>,
    switches: Switches,
    generator_cpu: CpuTime,
    machine_cpu: Duration,
    memory: Option<Memory>,
    start: Instant,
}

/// What one phase took.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    pub(crate) elapsed: Duration,
    pub(crate) server_cpu: Option<Duration>,
    pub(crate) generator_cpu: Duration,
    /// What else the machine did, in the processor time of others; the server's is among it when its
    /// process is not known.
    pub(crate) others_cpu: Duration,
    pub(crate) switches: Option<Switches>,
    /// At the end of the phase; the peak is that of the server's whole life.
    pub(crate) memory: Option<Memory>,
    /// How much the resident memory grew during the phase.
    pub(crate) memory_grown: Option<u64>,
}

impl Meter {
    pub(crate) fn start(server: &Server) -> Result<Self> {
        Self::start_with(server.pids())
    }

    /// Where there is no server.
    pub(crate) fn start_alone() -> Result<Self> {
        Self::start_with(Vec::new())
    }

    fn start_with(pids: Vec<u32>) -> Result<Self> {
        Ok(Self {
            server_cpu: each(&pids, process::cpu_time)?,
            switches: sum(&pids, process::switches)?.unwrap_or_default(),
            generator_cpu: process::own_cpu_time()?,
            machine_cpu: process::machine_time()?,
            memory: sum(&pids, process::memory)?,
            pids,
            start: Instant::now(),
        })
    }

    /// From here on for a server that was started since: all its time counts.
    pub(crate) fn of_a_new(self, server: &Server) -> Self {
        let pids = server.pids();
        Self { server_cpu: vec![CpuTime::NONE; pids.len()], pids, memory: None, ..self }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn stop(&self) -> Result<Usage> {
        let elapsed = self.start.elapsed();
        let server_cpu = each(&self.pids, process::cpu_time)?;
        let switches = sum(&self.pids, process::switches)?;
        let memory = sum(&self.pids, process::memory)?;
        let used = server_cpu.iter().zip(&self.server_cpu).map(|(after, before)| after.since(before));
        let server_cpu = (!self.pids.is_empty()).then(|| used.sum::<Duration>());
        let generator_cpu = process::own_cpu_time()?.since(&self.generator_cpu);
        let machine_cpu = process::machine_time()?.saturating_sub(self.machine_cpu);
        let grown = |after: Memory| self.memory.map(|before| after.now.saturating_sub(before.now));
        Ok(Usage {
            elapsed,
            server_cpu,
            generator_cpu,
            others_cpu: machine_cpu.saturating_sub(server_cpu.unwrap_or_default() + generator_cpu),
            switches: switches.map(|after| after.since(&self.switches)),
            memory,
            memory_grown: memory.and_then(grown),
        })
    }
}

/// What is found of each process.
fn each<T>(pids: &[u32], find: impl Fn(u32) -> Result<T>) -> Result<Vec<T>> {
    pids.iter().copied().map(find).collect()
}

/// The same of all together; `None` of none.
fn sum<T: Add<Output = T>>(pids: &[u32], find: impl Fn(u32) -> Result<T>) -> Result<Option<T>> {
    Ok(each(pids, find)?.into_iter().reduce(T::add))
}
