//! Some thousand rows in order, packed as a footer has them.
//!
//! They take a few bytes each, and those of a footer are not looked at one by one to be added. All of them live: before one goes, or lies
//! elsewhere, they are [opened](Packed::opened).

use std::ops::Range;

use log_format::{Columns, Place, Stretch};

use crate::links::Links;
use crate::open::Open;
use crate::{Row, RowFlags, SizeRule, SubjectId};

#[derive(Debug)]
pub(crate) struct Packed {
    columns: Columns,
    /// The first sequence.
    base: u64,
    /// Which rows of the columns.
    start: usize,
    len: usize,
    segment: u32,
    size: SizeRule,
    subjects: Of,
    links: Links,
}

/// The subjects of rows.
#[derive(Debug)]
pub(crate) enum Of {
    /// All have that one.
    One(u32),
    Each(Box<[u32]>),
}

impl Packed {
    pub(crate) fn new(messages: &Stretch, size: SizeRule, subjects: Of) -> Self {
        let rows = messages.rows();
        Self {
            columns: messages.columns().without_subjects(),
            base: messages.first_seq(),
            start: rows.start,
            len: rows.len(),
            segment: messages.segment(),
            size,
            subjects,
            links: Links::default(),
        }
    }

    /// All rows of the columns, whose records are as long as the messages count.
    pub(crate) fn of(columns: Columns, segment: u32, subjects: Of, links: Links) -> Self {
        let size = SizeRule { without_header: 0, with_header: 0 };
        Self { base: columns.seq(0), start: 0, len: columns.rows(), columns, segment, size, subjects, links }
    }

    /// The same as rows that can be changed.
    pub(crate) fn opened(&self) -> Open {
        let mut open = Open::from(self.base());
        (0..self.len).for_each(|at| open.push(&self.row(at)));
        open.with_links(self.links.clone())
    }

    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.columns.is_whole()
    }

    pub(crate) fn seq(&self, at: usize) -> u64 {
        self.columns.seq(self.start + at)
    }

    pub(crate) fn time(&self, at: usize) -> i64 {
        self.columns.time(self.start + at)
    }

    pub(crate) fn subject(&self, at: usize) -> u32 {
        match &self.subjects {
            Of::One(subject) => *subject,
            Of::Each(subjects) => subjects[at],
        }
    }

    /// The first of these rows whose subject will do.
    pub(crate) fn first_of(&self, rows: Range<usize>, mut will_do: impl FnMut(u32) -> bool) -> Option<usize> {
        match &self.subjects {
            Of::One(subject) => (!rows.is_empty() && will_do(*subject)).then_some(rows.start),
            Of::Each(subjects) => {
                let at = subjects[rows.clone()].iter().position(|subject| will_do(*subject))?;
                Some(rows.start + at)
            }
        }
    }

    /// The last one.
    pub(crate) fn last_of(&self, rows: Range<usize>, mut will_do: impl FnMut(u32) -> bool) -> Option<usize> {
        match &self.subjects {
            Of::One(subject) => (!rows.is_empty() && will_do(*subject)).then(|| rows.end - 1),
            Of::Each(subjects) => {
                let at = subjects[rows.clone()].iter().rposition(|subject| will_do(*subject))?;
                Some(rows.start + at)
            }
        }
    }

    /// How many there are.
    pub(crate) fn count_of(&self, rows: Range<usize>, mut will_do: impl FnMut(u32) -> bool) -> usize {
        match &self.subjects {
            Of::One(subject) => {
                if will_do(*subject) {
                    rows.len()
                } else {
                    0
                }
            }
            Of::Each(subjects) => subjects[rows].iter().filter(|subject| will_do(**subject)).count(),
        }
    }

    /// The first row with that sequence or a later one; perhaps there is none.
    pub(crate) fn lower(&self, seq: u64) -> usize {
        self.columns.lower_seq(seq, self.start..self.start + self.len) - self.start
    }

    pub(crate) fn row(&self, at: usize) -> Row {
        let row = self.columns.row(self.start + at);
        Row {
            seq: row.seq,
            time: row.time,
            size: self.size.of(row.len, row.has_header),
            subject: SubjectId(self.subject(at)),
            place: Place { segment: self.segment, offset: row.offset },
            flags: RowFlags::NONE,
        }
    }

    pub(crate) fn link(&self, at: usize) -> Option<u32> {
        self.links.of(at)
    }

    pub(crate) fn set_link(&mut self, at: usize, next_seq: u64) {
        self.links.set(self.len, at, next_seq - self.seq(at));
    }
}
