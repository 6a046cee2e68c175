//! Looking.

use std::collections::BTreeMap;
use std::path::Path;

use jetstream::{Inventory, Stock, StreamFound};
use log_crypt::Keychain;
use shard_runtime::{Inspection, StoreError};
use stream_log::{Lost, Report};
use thiserror::Error;

use crate::findings::{Damage, Findings, LogFindings};

/// Why nothing can be said of a store.
#[derive(Debug, Error)]
pub enum CheckError {
    /// It cannot be read, is in use, or is none of this server's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is something in a log that this server cannot act on.
    #[error("log {log}: {why}")]
    Log {
        /// Which log.
        log: usize,
        /// What it is.
        why: String,
    },
}

/// Looks at the store below a directory, which is what `store_dir` says, with the keys that it may be encrypted with.
///
/// # Errors
/// Nothing can be said of it: a start would fail in the same words.
pub fn check(store_dir: &Path, keys: &Keychain) -> Result<Findings, CheckError> {
    let store = Inspection::open(store_dir, keys)?;
    let logs = (0..store.node().logs as usize).map(|log| check_log(&store, log));
    Ok(Findings {
        folder: store.folder().to_owned(),
        node: store.node().clone(),
        logs: logs.collect::<Result<_, _>>()?,
    })
}

fn check_log(store: &Inspection, log: usize) -> Result<LogFindings, CheckError> {
    let mut inventory = Inventory::new();
    let report = store.log(log, &mut |item| inventory.take(item))?;
    let Stock { streams, consumers } = inventory.finish().map_err(|why| CheckError::Log { log, why })?;
    let damage = report.lost.iter().map(|lost| damage(lost, &streams, &consumers)).collect();
    let Report {
        records,
        lost_count,
        torn,
        bad_footers,
        old_footers,
        bad_pages,
        segments,
        needless,
        missing,
        ..
    } = report;
    let streams = streams.into_values().collect();
    Ok(LogFindings {
        segments,
        needless,
        records,
        streams,
        torn,
        damage,
        damage_count: lost_count,
        bad_footers,
        old_footers,
        bad_pages,
        missing,
    })
}

/// Whose the bytes were that rotted.
fn damage(lost: &Lost, streams: &BTreeMap<u32, StreamFound>, consumers: &BTreeMap<u32, u32>) -> Damage {
    let name = |group: u32| {
        let stream = streams.get(consumers.get(&group).unwrap_or(&group))?;
        Some(format!("{} > {}", stream.account, stream.name))
    };
    Damage {
        place: lost.place,
        len: lost.len,
        record: lost.head.map(|head| (head.kind, head.seq)),
        stream: lost.head.and_then(|head| name(head.group)),
    }
}
