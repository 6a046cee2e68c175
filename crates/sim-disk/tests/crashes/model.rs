//! What ought to be in a log, kept naively.

use std::collections::{BTreeMap, BTreeSet};

use log_format::{Item, Kind, Lsn, Place, Record};

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
    pub(crate) subject: Vec<u8>,
    pub(crate) time: i64,
    pub(crate) len: usize,
    /// Its payload is known.
    pub(crate) is_whole: bool,
}

impl FoundRecord {
    fn new(place: Place, record: &Record<'_>, len: usize) -> Self {
        Self {
            place,
            kind: record.kind,
            key: (record.group, record.seq),
            payload: record.payload.to_vec(),
            subject: record.subject.to_vec(),
            time: record.time,
            len,
            is_whole: len == record.written_len(),
        }
    }

    pub(crate) fn take(item: Item<'_>, found: &mut Vec<Self>) {
        match item {
            Item::Record { place, record, len } => found.push(Self::new(place, record, len)),
            Item::Messages(messages) => {
                found.extend(messages.each().map(|(place, record, len)| Self::new(place, &record, len)));
            }
        }
    }
}

/// What footers tell is what the batches say: of each group in the same order, and what is no message in that order among
/// all groups. If something rotted, it may be told by a footer all the same.
pub(crate) fn check_same(found: &[FoundRecord], told: &[FoundRecord], nothing_rotted: bool) {
    let of = |one: &FoundRecord| (one.place, one.kind, one.key, one.subject.clone(), one.time, one.len);
    let groups: BTreeSet<u32> = found.iter().map(|one| one.key.0).collect();
    for group in groups {
        let of_group =
            |all: &[FoundRecord]| -> Vec<_> { all.iter().filter(|one| one.key.0 == group).map(of).collect() };
        let (found, mut told) = (of_group(found), of_group(told));
        if !nothing_rotted {
            told.retain(|one| found.contains(one));
        }
        assert_eq!(told, found);
    }
    let others = |all: &[FoundRecord]| -> Vec<_> {
        all.iter().filter(|one| one.kind != Kind::MESSAGE).map(of).collect()
    };
    assert!(!nothing_rotted || others(told) == others(found));
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
