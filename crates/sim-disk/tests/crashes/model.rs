//! What ought to be in a log, kept naively.

use std::collections::BTreeMap;

use log_format::{Kind, Lsn, Place, Record};

/// A group and a sequence.
pub(crate) type Key = (u32, u64);

/// A message that was appended.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) place: Place,
    pub(crate) lsn: Lsn,
    /// It was acknowledged before the last crash.
    pub(crate) was_told: bool,
    pub(crate) payload: Vec<u8>,
    /// When what removes it is safe, if it was removed.
    pub(crate) removed: Option<Lsn>,
    /// The unit it is in, if any.
    pub(crate) unit: Option<u64>,
}

/// A record that says that a message is gone. It has to stay as long as the message may be found.
#[derive(Debug, Clone)]
pub(crate) struct Tombstone {
    pub(crate) place: Place,
    pub(crate) key: Key,
    pub(crate) lsn: Lsn,
    /// Segments where the message may be found.
    pub(crate) segments: Vec<u32>,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) messages: BTreeMap<Key, Message>,
    pub(crate) tombstones: Vec<Tombstone>,
    /// By group.
    pub(crate) next_seq: BTreeMap<u32, u64>,
}

/// A record that was found.
#[derive(Debug, Clone)]
pub(crate) struct FoundRecord {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    pub(crate) key: Key,
    pub(crate) payload: Vec<u8>,
}

impl FoundRecord {
    pub(crate) fn new(place: Place, record: &Record<'_>) -> Self {
        let key = (record.group, record.seq);
        Self { place, kind: record.kind, key, payload: record.payload.to_vec() }
    }
}

pub(crate) fn record<'a>(kind: Kind, key: Key, subject: &'a [u8], payload: &'a [u8]) -> Record<'a> {
    Record {
        kind,
        group: key.0,
        seq: key.1,
        time: 1_700_000_000_000_000_000 + key.1.cast_signed(),
        ttl: None,
        message_id: None,
        subject,
        header: b"",
        payload,
    }
}

/// Records in the order they were found in: each message once, in the order of its group, and before what removes it.
pub(crate) fn check_order(found: &[FoundRecord]) {
    let mut last: BTreeMap<u32, u64> = BTreeMap::new();
    let mut gone: Vec<Key> = Vec::new();
    for record in found {
        if record.kind == Kind::REMOVE {
            gone.push(record.key);
            continue;
        }
        assert!(!gone.contains(&record.key), "{:?} is found behind what removes it", record.key);
        let last = last.entry(record.key.0).or_default();
        assert!(*last < record.key.1, "{:?} is found behind {last}", record.key);
        *last = record.key.1;
    }
}
