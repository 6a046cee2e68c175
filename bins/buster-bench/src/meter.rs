//! Takes the figures around a phase of a load: time passed, processor time used, memory held.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::process::{self, CpuTime, Memory, Switches};
use crate::server::Server;

pub(crate) struct Meter {
    /// `None` when the server's process is not known.
    pid: Option<u32>,
    server_cpu: CpuTime,
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
        Self::start_with(server.pid())
    }

    /// Where there is no server.
    pub(crate) fn start_alone() -> Result<Self> {
        Self::start_with(None)
    }

    fn start_with(pid: Option<u32>) -> Result<Self> {
        Ok(Self {
            pid,
            server_cpu: pid.map(process::cpu_time).transpose()?.unwrap_or_default(),
            switches: pid.map(process::switches).transpose()?.unwrap_or_default(),
            generator_cpu: process::own_cpu_time()?,
            machine_cpu: process::machine_time()?,
            memory: pid.map(process::memory).transpose()?,
            start: Instant::now(),
        })
    }

    /// From here on for a server that was started since: all its time counts.
    pub(crate) fn of_a_new(self, server: &Server) -> Self {
        Self { pid: server.pid(), server_cpu: CpuTime::NONE, memory: None, ..self }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn stop(&self) -> Result<Usage> {
        let elapsed = self.start.elapsed();
        let server_cpu = self.pid.map(process::cpu_time).transpose()?;
        let switches = self.pid.map(process::switches).transpose()?;
        let memory = self.pid.map(process::memory).transpose()?;
        let server_cpu = server_cpu.map(|after| after.since(&self.server_cpu));
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
