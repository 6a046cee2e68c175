//! Which events are logged.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};

/// Crates whose information, debug and trace events are logged, as they stand in event targets. A test
/// holds this against the workspace.
const OWN_CRATES: &[&str] = &[
    "broker",
    "buster",
    "buster_server",
    "cluster",
    "fabric",
    "http_gateway",
    "jetstream",
    "monitor",
    "monitor_http",
    "nats_auth",
    "nats_conf",
    "nats_proto",
    "node",
    "queue_group",
    "replication",
    "server_log",
    "server_options",
    "shard_core",
    "shard_runtime",
    "stream_log",
    "subject_trie",
    "tls_session",
    "transport",
    "ws_frame",
];

/// Which levels are switched on. `tracing` remembers the answers for each place in the code, so it has to
/// be told when a switch changes.
#[derive(Debug)]
pub(crate) struct Filter {
    debug: AtomicBool,
    trace: AtomicBool,
}

impl Filter {
    pub(crate) fn new(debug: bool, trace: bool) -> Self {
        Self { debug: debug.into(), trace: trace.into() }
    }

    /// Switches debug and trace on or off.
    pub(crate) fn switch(&self, debug: bool, trace: bool) {
        self.debug.store(debug, Ordering::Relaxed);
        self.trace.store(trace, Ordering::Relaxed);
    }

    /// Whether an event is logged; also the answer to `tracing::enabled!`.
    pub(crate) fn allows(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() {
            return false;
        }
        let switched_on = match *metadata.level() {
            Level::ERROR | Level::WARN => return true,
            Level::INFO => true,
            Level::DEBUG => self.debug.load(Ordering::Relaxed),
            Level::TRACE => self.trace.load(Ordering::Relaxed),
        };
        switched_on && is_own(metadata.target())
    }

    /// The most talkative level that can be logged at all.
    pub(crate) fn most_verbose(&self) -> LevelFilter {
        if self.trace.load(Ordering::Relaxed) {
            LevelFilter::TRACE
        } else if self.debug.load(Ordering::Relaxed) {
            LevelFilter::DEBUG
        } else {
            LevelFilter::INFO
        }
    }
}

fn is_own(target: &str) -> bool {
    let crate_name = target.split("::").next().unwrap_or(target);
    OWN_CRATES.contains(&crate_name)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_crate_is_own_by_its_whole_name() {
        assert!(is_own("broker"));
        assert!(is_own("broker::conn"));
        assert!(!is_own("brokers"));
        assert!(!is_own("broker_x::conn"));
        assert!(!is_own("glommio::broker"));
        assert!(!is_own(""));
    }

    /// Names of the packages under `dir` that use `tracing`, as they stand in targets.
    fn tracing_users(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).ok()?;
                let uses = manifest.lines().any(|line| {
                    line.strip_prefix("tracing").is_some_and(|rest| rest.starts_with([' ', '=', '.']))
                });
                uses.then(|| entry.file_name().to_string_lossy().replace('-', "_"))
            })
            .collect()
    }

    #[test]
    fn every_workspace_crate_that_logs_is_an_own_crate() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut users = tracing_users(&root.join("crates"));
        assert!(users.contains(&"server_log".to_owned()), "the search finds nothing: {users:?}");
        users.extend(tracing_users(&root.join("bins")));
        for user in users {
            assert!(OWN_CRATES.contains(&user.as_str()), "{user} logs and is not in OWN_CRATES");
        }
    }
}
