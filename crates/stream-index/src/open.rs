//! Some thousand rows in order, as columns that can be changed.
//!
//! A row that goes is marked, and swept out once as many are gone as are left. Sequences cost nothing while there is
//! no gap, and links only where the next message of a subject is far away.

use log_format::{Columns, Place};

use crate::links::Links;
use crate::packed::{Of, Packed};
use crate::{Row, RowFlags, SubjectId};

/// Rows of a chunk: some 100 KiB, which to move takes some 10 µs.
/// Tests have smaller ones, to see many.
pub(crate) const ROWS_MAX: usize = if cfg!(test) { 64 } else { 4096 };

/// Rows that a stream without messages keeps memory for: less than 2 KiB.
const SPARE_ROWS_MAX: usize = 64;

/// Fewer dead ones than this are not worth a sweep.
const DEAD_MIN: usize = if cfg!(test) { 4 } else { 32 };

/// In the place of a subject: the row is dead.
const DEAD: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(crate) struct Open {
    /// The sequence that gaps are counted from.
    base: u64,
    /// Sequences, less the base. Empty if row after row has the next one.
    offsets: Vec<u32>,
    times: Vec<i64>,
    /// Sizes and flags.
    words: Vec<u32>,
    subjects: Vec<u32>,
    places: Vec<Place>,
    links: Links,
    live: usize,
    /// The first row that lives, if one does.
    start: usize,
}

impl Open {
    /// The same memory without rows, for rows from that sequence on.
    pub(crate) fn emptied(mut self, base: u64) -> Self {
        self.offsets.clear();
        self.times.clear();
        self.words.clear();
        self.subjects.clear();
        self.places.clear();
        self.links.clear();
        Self { base, live: 0, start: 0, ..self }
    }

    /// Whether it is worth keeping without rows.
    pub(crate) fn is_small(&self) -> bool {
        self.times.capacity() <= SPARE_ROWS_MAX
    }

    /// No row is before it.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// Rows, dead ones as well.
    pub(crate) fn len(&self) -> usize {
        self.subjects.len()
    }

    /// Rows that live.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// No rows, for some from that sequence on.
    pub(crate) fn from(base: u64) -> Self {
        Self { base, ..Self::default() }
    }

    /// Whether each sequence from the first to the last has its row.
    pub(crate) fn is_whole(&self) -> bool {
        self.offsets.is_empty() && self.live == self.len()
    }

    /// Whether a row of that sequence fits behind the others.
    pub(crate) fn has_room_for(&self, seq: u64) -> bool {
        self.len() < ROWS_MAX && seq - self.base < u64::from(u32::MAX)
    }

    pub(crate) fn seq(&self, at: usize) -> u64 {
        self.base + if self.offsets.is_empty() { at as u64 } else { u64::from(self.offsets[at]) }
    }

    pub(crate) fn time(&self, at: usize) -> i64 {
        self.times[at]
    }

    /// The subjects of the rows, with dead ones among them.
    pub(crate) fn subjects(&self) -> &[u32] {
        &self.subjects
    }

    /// The first row with that sequence or a later one; perhaps it is dead, or there is none.
    pub(crate) fn lower(&self, seq: u64) -> usize {
        let offset = seq.saturating_sub(self.base);
        if self.offsets.is_empty() {
            return usize::try_from(offset).map_or(self.len(), |offset| offset.min(self.len()));
        }
        self.offsets.partition_point(|other| u64::from(*other) < offset)
    }

    pub(crate) fn lives(&self, at: usize) -> bool {
        is_live(self.subjects[at])
    }

    /// The first live row from that one on.
    pub(crate) fn next_live(&self, from: usize) -> Option<usize> {
        let from = from.max(self.start);
        Some(from + self.subjects.get(from..)?.iter().position(|subject| is_live(*subject))?)
    }

    pub(crate) fn row(&self, at: usize) -> Row {
        let (size, flags) = Row::unpacked(self.words[at]);
        Row {
            seq: self.seq(at),
            time: self.times[at],
            size,
            subject: SubjectId(self.subjects[at]),
            place: self.places[at],
            flags,
        }
    }

    /// The same rows, with the links of rows that are the same.
    pub(crate) fn with_links(self, links: Links) -> Self {
        Self { links, ..self }
    }

    /// Adds a row that [has room](Self::has_room_for).
    pub(crate) fn push(&mut self, row: &Row) {
        let offset = (row.seq - self.base) as u32;
        if self.offsets.is_empty() && offset as usize != self.len() {
            self.offsets.extend(0..self.len() as u32);
            self.offsets.push(offset);
        } else if !self.offsets.is_empty() {
            self.offsets.push(offset);
        }
        self.times.push(row.time);
        self.words.push(Row::packed(row.size, row.flags));
        self.subjects.push(row.subject.0);
        self.places.push(row.place);
        self.links.grow();
        self.live += 1;
    }

    pub(crate) fn move_to(&mut self, at: usize, place: Place) {
        self.places[at] = place;
    }

    /// How many sequences further the next row of the subject is, as far as is known.
    pub(crate) fn link(&self, at: usize) -> Option<u32> {
        self.links.of(at)
    }

    /// Notes where the next row of the subject is, if that helps.
    pub(crate) fn set_link(&mut self, at: usize, next_seq: u64) {
        self.links.set(self.len(), at, next_seq - self.seq(at));
    }

    /// The same rows packed, if none is dead, all lie in one segment, and nothing but their columns is known of them.
    pub(crate) fn packed(&self) -> Option<Packed> {
        let segment = self.places.first()?.segment;
        let is_plain = self.live == self.len()
            && self.len() >= ROWS_MAX / 2
            && self.places.iter().all(|place| place.segment == segment)
            && self.words.iter().all(|word| Row::unpacked(*word).1 == RowFlags::NONE);
        if !is_plain {
            return None;
        }
        let row = |at: usize| log_format::Row {
            seq: self.seq(at),
            time: self.times[at],
            offset: self.places[at].offset,
            len: Row::unpacked(self.words[at]).0,
            has_header: false,
            subject: 0,
        };
        let rows: Vec<log_format::Row> = (0..self.len()).map(row).collect();
        let is_one = self.subjects.iter().all(|subject| *subject == self.subjects[0]);
        let subjects =
            if is_one { Of::One(self.subjects[0]) } else { Of::Each(self.subjects.as_slice().into()) };
        Some(Packed::of(Columns::of(&rows)?, segment, subjects, self.links.clone()))
    }

    /// Marks a live row as dead. Says whether a sweep is due.
    pub(crate) fn kill(&mut self, at: usize) -> bool {
        self.subjects[at] = DEAD;
        self.live -= 1;
        if at == self.start {
            self.start = self.next_live(at).unwrap_or(self.len());
        }
        self.len() - self.live > self.live.max(DEAD_MIN)
    }

    /// Moves the live rows together.
    pub(crate) fn sweep(&mut self) {
        let mut swept = Self::default();
        swept.take_live(self);
        *self = swept;
    }

    /// Whether the live rows of the next one would fit.
    pub(crate) fn can_take(&self, next: &Self) -> bool {
        self.live + next.live <= ROWS_MAX / 2 && next.seq(next.len() - 1) - self.base < u64::from(u32::MAX)
    }

    /// Appends the live rows of the one behind it.
    pub(crate) fn take_live(&mut self, next: &Self) {
        if self.len() == 0 {
            self.base = next.next_live(0).map_or(next.base, |at| next.seq(at));
        }
        for at in (next.start..next.len()).filter(|at| next.lives(*at)) {
            self.push(&next.row(at));
            if let Some(link) = next.link(at) {
                self.set_link(self.len() - 1, next.seq(at) + u64::from(link));
            }
        }
    }
}

pub(crate) fn is_live(subject: u32) -> bool {
    subject != DEAD
}
