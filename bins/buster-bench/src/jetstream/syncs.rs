//! How often a server synced its files, as its metrics have it.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use crate::monitor;
use crate::server::Server;

/// One line a log: how many syncs it had. nats-server has no such metric.
const METRIC: &str = "buster_log_sync_seconds_count";

pub(crate) struct Syncs {
    monitor: SocketAddr,
    before: u64,
}

impl Syncs {
    /// Looks before something is measured, if the server is monitored and counts its syncs.
    pub(crate) fn before(server: &Server) -> Result<Option<Self>> {
        let Some(monitor) = server.monitor() else { return Ok(None) };
        // Who has no metrics has no such page.
        let page = monitor::get(monitor, "/metrics").ok();
        Ok(page.and_then(|page| count(&page)).map(|before| Self { monitor, before }))
    }

    /// How many there were since, for each of `operations`.
    pub(crate) fn each_of(&self, operations: u64) -> Result<f64> {
        let page = monitor::get(self.monitor, "/metrics")?;
        let now = count(&page).context("the server counts its syncs no more")?;
        Ok(now.saturating_sub(self.before) as f64 / operations as f64)
    }
}

/// Of all logs together.
fn count(page: &str) -> Option<u64> {
    let mut counts = page.lines().filter(|line| line.starts_with(METRIC)).map(|line| {
        let (_, number) = line.rsplit_once(' ')?;
        number.parse::<u64>().ok()
    });
    let first = counts.next()??;
    counts.try_fold(first, |sum, count| Some(sum + count?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_of_all_logs_count() {
        let page = "# TYPE buster_log_sync_seconds histogram\n\
                    buster_log_sync_seconds_sum{log=\"0\"} 0.5\n\
                    buster_log_sync_seconds_count{log=\"0\"} 12\nbuster_log_sync_seconds_count{log=\"1\"} 3\n";
        assert_eq!(count(page), Some(15));
        assert_eq!(count("nats_connections 1\n"), None);
        assert_eq!(count("buster_log_sync_seconds_count x\n"), None);
    }
}
