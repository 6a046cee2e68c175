//! Messages of batches between their checks and the log.

use log_format::{Kind, Record};

use crate::Incoming;
use crate::event::Facts;
use crate::open_batches::Held;

/// A batch that passed all checks.
#[derive(Debug)]
pub(crate) struct StagedUnit {
    pub(crate) id: Box<[u8]>,
    pub(crate) first_seq: u64,
    pub(crate) time: i64,
    /// The message that came last, unless it only said that the batch ends.
    pub(crate) last: Option<Held>,
    pub(crate) checked: Vec<Checked>,
}

/// What a message becomes: what differs from how it came, and what is known of it.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) subject: Option<Box<[u8]>>,
    pub(crate) header: Option<Vec<u8>>,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) facts: Facts,
    pub(crate) is_wanted: bool,
    pub(crate) id_hash: Option<[u8; 16]>,
    pub(crate) ttl: Option<i64>,
    /// Bytes it counts for.
    pub(crate) size: u64,
}

impl Checked {
    /// The record of the message that was checked. Its group is the caller's to set.
    pub(crate) fn record<'a>(&'a self, message: &Incoming<'a>, seq: u64, time: i64) -> Record<'a> {
        Record {
            kind: if self.is_wanted { Kind::MESSAGE } else { Kind::SKIP },
            group: 0,
            seq,
            time,
            ttl: self.ttl.filter(|_| self.is_wanted),
            message_id: self.id_hash,
            subject: self.subject.as_deref().unwrap_or(message.subject),
            header: self.header.as_deref().unwrap_or(message.header),
            payload: match &self.payload {
                Some(payload) => payload,
                None if self.is_wanted => message.payload,
                None => &[],
            },
        }
    }
}
