//! Names the machine, so that a figure is never quoted without it.

use std::fs;
use std::thread;

/// For instance `AMD EPYC 9B45, 2 cores, Linux 6.18.5, TCP cubic`. The last is how clients control congestion: with
/// BBR, timers that pace what a client on the same machine sends run on the server's core.
pub(crate) fn describe() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let congestion = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{}, {cores} core{}, Linux {}, TCP {}",
        cpu_model(&cpuinfo).unwrap_or("unknown processor"),
        if cores == 1 { "" } else { "s" },
        release.trim(),
        congestion.trim(),
    )
}

/// Arm kernels print no model name.
fn cpu_model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    let (_, model) = line.split_once(':')?;
    Some(model.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_what_follows_the_colon() {
        let cpuinfo = "processor\t: 0\nmodel\t\t: 2\nmodel name\t: AMD EPYC: 9B45\n";
        assert_eq!(cpu_model(cpuinfo), Some("AMD EPYC: 9B45"));
        assert_eq!(cpu_model("processor\t: 0\n"), None);
    }
}
