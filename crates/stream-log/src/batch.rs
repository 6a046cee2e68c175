//! A batch that is being filled.

use log_format::{BATCH_HEAD_BYTES, BatchHead, Copied, Kind, Lsn, Place, Record, Salt, TooLarge, padded};

/// Bytes of a batch that holds several records. A longer record, or a unit, has a batch of its own. Small ones, so that
/// what waits can be parted in two about anywhere; padding and head take one byte in a hundred.
pub const BATCH_BYTES_MAX: usize = 32 << 10;

/// The group of the log's own records.
pub(crate) const OWN_GROUP: u32 = 0;

#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) segment: u32,
    /// Where it begins, in bytes from the start of the file.
    pub(crate) offset: u32,
    pub(crate) first: Lsn,
    pub(crate) salt: Salt,
    pub(crate) copied: Option<Copied>,
    pub(crate) records: u32,
    /// Records to come that have to be in this batch.
    pub(crate) unit_left: u32,
    /// It is written though it has no records: to say what is safe.
    pub(crate) is_mark: bool,
    /// When its first record was made.
    time: i64,
    pub(crate) bytes: Vec<u8>,
}

impl Batch {
    /// `room` is how many bytes it will have, about.
    pub(crate) fn new(
        segment: u32,
        offset: u32,
        first: Lsn,
        salt: Salt,
        copied: Option<Copied>,
        room: usize,
    ) -> Self {
        let mut bytes = Vec::with_capacity(room);
        bytes.resize(BATCH_HEAD_BYTES, 0);
        Self {
            segment,
            offset,
            first,
            salt,
            copied,
            records: 0,
            unit_left: 0,
            is_mark: false,
            time: 0,
            bytes,
        }
    }

    /// Whether so many bytes more belong in this batch.
    pub(crate) fn takes(&self, len: usize, copied: Option<Copied>) -> bool {
        let is_short = self.records == 0 || self.bytes.len() + len <= BATCH_BYTES_MAX;
        self.copied == copied && (is_short || self.unit_left > 0)
    }

    /// Returns where the record lies, and the position behind it.
    pub(crate) fn append(&mut self, record: &Record<'_>) -> Result<(Place, Lsn), TooLarge> {
        let place = Place { segment: self.segment, offset: self.offset + self.bytes.len() as u32 };
        record.append_to(self.salt, &mut self.bytes)?;
        if self.records == 0 {
            self.time = record.time;
        }
        self.records += 1;
        self.unit_left = self.unit_left.saturating_sub(1);
        Ok((place, Lsn(self.first.0 + self.bytes.len() as u64)))
    }

    /// Where the next one begins.
    pub(crate) fn end(&self) -> u32 {
        self.offset + padded(self.bytes.len()) as u32
    }

    /// The bytes as they are to be written, when everything up to `synced` will be safe.
    pub(crate) fn finish(mut self, synced: Lsn) -> Vec<u8> {
        let len = self.bytes.len();
        let Self { first, time, records, copied, .. } = self;
        let head = BatchHead { len: len as u32, first, synced, time, records, copied };
        head.write(self.salt, &mut self.bytes);
        self.bytes.resize(padded(len), 0);
        self.bytes
    }
}

/// A record of the log's own.
pub(crate) fn own_record(kind: Kind, group: u32, seq: u64) -> Record<'static> {
    Record { kind, group, seq, time: 0, ttl: None, message_id: None, subject: b"", header: b"", payload: b"" }
}
