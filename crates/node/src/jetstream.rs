//! What the options come to for streams.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jetstream::{Config, Files, UNLIMITED};
use js_proto::{API_LEVEL, JetStreamLimits};
use monitor::{JetStreamConfigFacts, JetStreamFacts, JetStreamLimitFacts};
use nats_auth::{Directory, GLOBAL_ACCOUNT};
use nats_proto::{GoDuration, ServerInfo, friendly_bytes};
use server_options::{LONG_ACKS, Options};
use shard_runtime::{Store, StoreError};
use stream_log::SyncWhen;

use crate::error::NodeError;
use crate::jetstream_limits::Reservations;
use crate::machine::memory;

/// What streams in memory may have if nothing is said of it: so much of the machine's memory, in quarters. The same of
/// the disk for streams in files.
const QUARTERS: i64 = 3;

/// What streams in files may have if the disk does not say how large it is.
const STORAGE_DEFAULT: i64 = 1 << 40;

/// How often nats-server syncs, which it also shows where it syncs at once.
const SYNC_INTERVAL: Duration = Duration::from_secs(120);

/// What streams are subject to, and where they are kept. No other server opens the store before it is dropped.
pub(crate) struct Streams {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Arc<Store>,
}

/// Makes ready what there is to be of streams, on so many shards; `None` if there are to be none.
///
/// # Errors
/// There is no place for them, or accounts may have more than there is.
pub(crate) fn prepare(
    options: &Options,
    info: &ServerInfo,
    directory: &Directory,
    shards: usize,
) -> Result<Option<Streams>, NodeError> {
    if !options.jetstream.is_on {
        return Ok(None);
    }
    tracing::info!("Starting JetStream");
    if options.store_dir.is_none() {
        tracing::warn!("Temporary storage directory used, data could be lost on system reboot");
    }
    let store = open(options, shards)?;
    let config = config(options, info, directory);
    introduce(options, &config);
    let mut reservations = Reservations::new(&config);
    let fit = config.accounts.values().try_for_each(|limits| reservations.add(limits));
    fit.map_err(NodeError::Accounts)?;
    Ok(Some(Streams { config: Arc::new(config), store: Arc::new(store) }))
}

fn open(options: &Options, shards: usize) -> Result<Store, StoreError> {
    Store::open_with(&store_dir(options), shards, sync_when(options), &options.jetstream.keys)
}

/// Whoever asks for less than what an acknowledgement promises is told what that means.
fn sync_when(options: &Options) -> SyncWhen {
    let Some(interval) = options.jetstream.service.sync_interval else { return SyncWhen::Always };
    tracing::warn!(
        "JetStream acknowledges before it syncs: a power cut may take what was acknowledged in the last {} \
         (sync_interval)",
        GoDuration::of(interval)
    );
    SyncWhen::WhenAsked
}

/// What streams are subject to.
pub(crate) fn config(options: &Options, info: &ServerInfo, directory: &Directory) -> Config {
    let asked = &options.jetstream;
    Config {
        server_name: info.server_name.clone(),
        server_id: info.server_id.clone(),
        version: info.version.clone(),
        is_off: !asked.is_on,
        options: asked.service.clone(),
        max_memory: said(asked.max_memory).unwrap_or_else(|| three_quarters(memory()).unwrap_or(i64::MAX)),
        max_storage: said(asked.max_storage)
            .unwrap_or_else(|| disk_room(&files(options)).unwrap_or(STORAGE_DEFAULT)),
        has_long_acks: options.feature_flags.get(LONG_ACKS).is_some_and(|on| *on),
        accounts: accounts(options, directory),
        files: Files::Kept,
        ledger: Arc::default(),
    }
}

/// Which accounts may have streams: none without JetStream.
fn accounts(options: &Options, directory: &Directory) -> BTreeMap<String, JetStreamLimits> {
    if !options.jetstream.is_on {
        return BTreeMap::new();
    }
    let mut accounts = options.jetstream.accounts.clone();
    let mut users = directory.accounts().iter().filter(|account| !account.is_system() && !account.is_gone());
    if users.all(|account| **account.name() == *GLOBAL_ACCOUNT) {
        accounts.insert(GLOBAL_ACCOUNT.to_owned(), UNLIMITED);
    }
    accounts
}

/// A size below zero leaves it to the server, as nothing does; zero is none at all.
fn said(bytes: Option<i64>) -> Option<i64> {
    bytes.filter(|bytes| *bytes >= 0)
}

fn three_quarters(bytes: u64) -> Option<i64> {
    Some(i64::try_from(bytes / 4).ok()?.saturating_mul(QUARTERS))
}

/// What nats-server takes of a disk.
fn disk_room(folder: &Path) -> Option<i64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    three_quarters(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What monitoring shows of it.
pub(crate) fn facts(options: &Options, config: &Config) -> JetStreamFacts {
    JetStreamFacts {
        config: JetStreamConfigFacts {
            max_memory: config.max_memory,
            max_storage: config.max_storage,
            store_dir: files(options).display().to_string(),
            sync_interval: options.jetstream.service.sync_interval.unwrap_or(SYNC_INTERVAL),
            sync_always: options.jetstream.service.sync_interval.is_none(),
            domain: config.domain.clone(),
            compress_ok: true,
            strict: !options.jetstream.service.is_lenient(),
        },
        limits: JetStreamLimitFacts {
            max_request_batch: config.limits.max_request_batch,
            max_ack_pending: config.limits.max_ack_pending,
            max_duplicate_window: config.limits.duplicate_window.0,
            max_batch_inflight_per_stream: config.limits.batch.max_inflight_per_stream,
            max_batch_inflight_total: config.limits.batch.max_inflight_total,
            max_batch_size: config.limits.batch.max_msgs,
            max_batch_timeout: config.limits.batch.timeout.0,
        },
        api_level: API_LEVEL,
        scrub_interval: config.scrub_interval.0,
    }
}

fn store_dir(options: &Options) -> PathBuf {
    options.store_dir.clone().unwrap_or_else(|| std::env::temp_dir().join("nats"))
}

/// Where files are.
fn files(options: &Options) -> PathBuf {
    store_dir(options).join("jetstream")
}

/// The lines of the log that say what there is, in nats-server's words.
fn introduce(options: &Options, config: &Config) {
    tracing::info!("---------------- JETSTREAM ----------------");
    if !options.jetstream.service.is_lenient() {
        tracing::info!("  Strict:          true");
    }
    tracing::info!("  Max Memory:      {}", friendly_bytes(config.max_memory));
    tracing::info!("  Max Storage:     {}", friendly_bytes(config.max_storage));
    tracing::info!("  Store Directory: \"{}\"", files(options).display());
    if !config.domain.is_empty() {
        tracing::info!("  Domain:          {}", config.domain);
    }
    if options.jetstream.keys.current.is_some() {
        tracing::info!("  Encryption:      {}", options.jetstream.keys.cipher);
    }
    tracing::info!("  API Level:       {API_LEVEL}");
    tracing::info!("-------------------------------------------");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_below_zero_is_left_to_the_server() {
        let sizes = [None, Some(-1), Some(0), Some(7)];
        assert_eq!(sizes.map(said), [None, None, Some(0), Some(7)]);
    }
}
