//! What the options come to for streams.

use std::path::PathBuf;
use std::sync::Arc;

use jetstream::{Config, Files, UNLIMITED};
use js_proto::UnknownFields;
use nats_auth::{Directory, GLOBAL_ACCOUNT};
use nats_proto::ServerInfo;
use server_options::Options;
use shard_runtime::{Store, StoreError};
use stream_log::SyncWhen;

use crate::machine::memory;

/// What streams in memory may have if nothing is said of it: so much of the machine's memory, in quarters.
const MEMORY_QUARTERS: i64 = 3;

/// What streams in files may have if nothing is said of it.
const STORAGE_DEFAULT: i64 = 1 << 40;

/// What streams are subject to; `None` if there are to be none.
pub(crate) fn config(options: &Options, info: &ServerInfo, directory: &Directory) -> Option<Arc<Config>> {
    let asked = &options.jetstream;
    if !asked.is_on {
        return None;
    }
    let mut accounts = asked.accounts.clone();
    let mut users = directory.accounts().iter().filter(|account| !account.is_system());
    if users.all(|account| **account.name() == *GLOBAL_ACCOUNT) {
        accounts.insert(GLOBAL_ACCOUNT.to_owned(), UNLIMITED);
    }
    Some(Arc::new(Config {
        server_name: info.server_name.clone(),
        version: info.version.clone(),
        domain: asked.domain.clone(),
        max_memory: asked
            .max_memory
            .unwrap_or_else(|| i64::try_from(memory() / 4).unwrap_or(i64::MAX / 4) * MEMORY_QUARTERS),
        max_storage: asked.max_storage.unwrap_or(STORAGE_DEFAULT),
        limits: asked.limits,
        unknown_fields: if asked.is_lenient { UnknownFields::Ignored } else { UnknownFields::Refused },
        accounts,
        files: Files::Kept,
        ledger: Arc::default(),
    }))
}

/// Where streams are kept, on so many shards; `None` if there are to be none. No other server opens it before it is dropped.
pub(crate) fn store(options: &Options, shards: usize) -> Result<Option<Arc<Store>>, StoreError> {
    if !options.jetstream.is_on {
        return Ok(None);
    }
    let folder = options.store_dir.clone().unwrap_or_else(temporary);
    let store = Store::open(&folder, shards, SyncWhen::Always)?;
    tracing::info!("JetStream keeps its files in {}", folder.join("jetstream").display());
    Ok(Some(Arc::new(store)))
}

fn temporary() -> PathBuf {
    let folder = std::env::temp_dir().join("nats");
    tracing::warn!("Temporary storage directory used, data could be lost on system reboot");
    folder
}
