//! Messages that follow each other in a run.

use std::ops::Range;
use std::sync::Arc;

use crate::kind::Kind;
use crate::place::Place;
use crate::record::Record;

use super::columns::Columns;

/// A header that says nothing.
const EMPTY_HEADER: &[u8] = b"NATS/1.0\r\n\r\n";

/// What is known of a segment's records, in order.
#[derive(Debug, Clone)]
pub enum Item<'a> {
    /// A record. Of a message that only a footer tells of there is no payload, and of its header only what a server acts
    /// on.
    Record {
        /// Where it lies.
        place: Place,
        /// What it says.
        record: &'a Record<'a>,
        /// Bytes that it takes, with all that is not told here.
        len: usize,
    },
    /// Messages of a group.
    Messages(Stretch),
}

/// Messages of a group that follow each other in a segment, none with a lifetime, an id, or something in its header that a
/// server acts on. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Stretch {
    group: u32,
    segment: u32,
    columns: Columns,
    rows: Range<usize>,
    subjects: Arc<Subjects>,
}

/// The subjects of a run.
#[derive(Debug, Default)]
pub struct Subjects {
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Stretch {
    /// These rows of the columns, of which there is at least one.
    pub fn new(
        group: u32,
        segment: u32,
        columns: Columns,
        rows: Range<usize>,
        subjects: Arc<Subjects>,
    ) -> Self {
        debug_assert!(!rows.is_empty() && rows.end <= columns.rows());
        Self { group, segment, columns, rows, subjects }
    }

    /// Whose they are.
    pub fn group(&self) -> u32 {
        self.group
    }

    /// The segment that they are in.
    pub fn segment(&self) -> u32 {
        self.segment
    }

    /// All rows that are packed with them.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Which of the rows they are.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Where the record of a row lies.
    pub fn place(&self, at: usize) -> Place {
        Place { segment: self.segment, offset: self.columns.offset(at) }
    }

    /// The subject of that number.
    pub fn subject(&self, number: u32) -> &[u8] {
        self.subjects.get(number)
    }

    /// The subjects of the whole run.
    pub fn subjects(&self) -> &Arc<Subjects> {
        &self.subjects
    }

    /// Each of them as far as it is known: where it lies, what it is, and bytes of its record.
    pub fn each(&self) -> impl Iterator<Item = (Place, Record<'_>, usize)> {
        self.rows().map(|at| {
            let row = self.columns.row(at);
            let record = Record {
                kind: Kind::MESSAGE,
                group: self.group,
                seq: row.seq,
                time: row.time,
                ttl: None,
                message_id: None,
                subject: self.subject(row.subject),
                header: if row.has_header { EMPTY_HEADER } else { b"" },
                payload: b"",
            };
            (Place { segment: self.segment, offset: row.offset }, record, row.len as usize)
        })
    }

    /// The sequence of the first one.
    pub fn first_seq(&self) -> u64 {
        self.columns.seq(self.rows.start)
    }

    /// The sequence of the last one.
    pub fn last_seq(&self) -> u64 {
        self.columns.seq(self.rows.end - 1)
    }

    /// When the first one came.
    pub fn first_time(&self) -> i64 {
        self.columns.time(self.rows.start)
    }

    /// When the last one came.
    pub fn last_time(&self) -> i64 {
        self.columns.time(self.rows.end - 1)
    }
}

impl Subjects {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One by its number; nothing if there is none.
    pub fn get(&self, number: u32) -> &[u8] {
        let Some(end) = self.ends.get(number as usize) else { return &[] };
        let start = (number as usize).checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..*end as usize]
    }
}

impl<'a> FromIterator<&'a [u8]> for Subjects {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(subjects: I) -> Self {
        let mut all = Self::default();
        for subject in subjects {
            all.text.extend_from_slice(subject);
            all.ends.push(all.text.len() as u32);
        }
        all
    }
}
