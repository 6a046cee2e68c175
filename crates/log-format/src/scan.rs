//! Going through a segment, whatever became of it.
//!
//! A scan finds every record that is whole, and says where something is damaged. It does not judge: whether damage is
//! a batch that never reached the disk or one that rotted there depends on what all batches say is synced.
//!
//! Always true: what a scan yields is in order and does not overlap, and damage in one record costs no other record.

use crate::batch::{BATCH_ALIGN, BATCH_HEAD_BYTES, BatchHead};
use crate::record::{Damage, Head, Record};
use crate::salt::Salt;

/// What a scan comes across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// A batch begins.
    Batch {
        /// Where in the scanned bytes.
        at: usize,
        /// What it says.
        head: BatchHead,
    },
    /// A record of the batch before.
    Record {
        /// Where in the scanned bytes.
        at: usize,
        /// It is whole.
        record: Record<'a>,
    },
    /// Bytes that should have been records, or a batch.
    Damaged {
        /// Where they begin in the scanned bytes.
        at: usize,
        /// How many there are.
        len: usize,
        /// What the record's head says it was, if that is whole.
        head: Option<Head>,
    },
}

/// Goes through the batches of a segment.
#[derive(Debug)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    salt: Salt,
    at: usize,
    /// Where the records of this batch end, and how many are to come.
    batch: Option<(usize, u32)>,
}

impl<'a> Scan<'a> {
    /// Begins with the first batch. `bytes` is the segment without its first page, or as much of it as there is.
    pub fn new(bytes: &'a [u8], salt: Salt) -> Self {
        Self { bytes, salt, at: 0, batch: None }
    }

    /// The next batch, or where there should have been one before it. `None` if nothing follows that was ever one of
    /// this segment's.
    fn next_batch(&mut self) -> Option<Found<'a>> {
        let start = self.at;
        let mut at = start;
        while at + BATCH_HEAD_BYTES <= self.bytes.len() {
            let Ok(head) = BatchHead::read(&self.bytes[at..], self.salt) else {
                at += BATCH_ALIGN;
                continue;
            };
            if at > start {
                self.at = at;
                return Some(Found::Damaged { at: start, len: at - start, head: None });
            }
            let end = (at + head.len as usize).min(self.bytes.len());
            self.batch = Some((end, head.records));
            self.at = at + BATCH_HEAD_BYTES;
            return Some(Found::Batch { at, head });
        }
        None
    }

    /// The next record of the batch, or where there should have been one.
    fn next_record(&mut self, end: usize, left: u32) -> Found<'a> {
        let start = self.at;
        let batch = &self.bytes[..end];
        match Record::read(&batch[start..], self.salt) {
            Ok((record, _)) => {
                self.at = start + record.written_len();
                self.batch = Some((end, left - 1));
                Found::Record { at: start, record }
            }
            // Its head says where the next one begins.
            Err(Damage::Content { len }) => {
                self.batch = Some((end, left - 1));
                let head = Head::read(&batch[start..], self.salt).ok();
                self.damaged(start + len, head)
            }
            Err(Damage::Head | Damage::Short) => {
                // It may have been several: whoever counts on how many are to come would pass over whole ones.
                self.batch = Some((end, u32::MAX));
                let next = (start + 1..end).find(|at| Record::read(&batch[*at..], self.salt).is_ok());
                self.damaged(next.unwrap_or(end), None)
            }
        }
    }

    fn damaged(&mut self, next: usize, head: Option<Head>) -> Found<'a> {
        let at = std::mem::replace(&mut self.at, next);
        Found::Damaged { at, len: next - at, head }
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        if let Some((end, left)) = self.batch {
            if left > 0 && self.at < end {
                return Some(self.next_record(end, left));
            }
            self.batch = None;
            self.at = end.next_multiple_of(BATCH_ALIGN);
        }
        self.next_batch()
    }
}

#[cfg(test)]
mod tests;
