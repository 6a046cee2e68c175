//! Some thousand rows in order: as they came, or as a footer has them.

use std::ops::Range;

use log_format::Place;

use crate::Row;
use crate::open::{Open, is_live};
use crate::packed::Packed;

#[derive(Debug)]
pub(crate) enum Chunk {
    Open(Open),
    Packed(Packed),
}

impl Chunk {
    /// The same with rows that can be changed.
    pub(crate) fn open(&mut self) -> &mut Open {
        if let Self::Packed(packed) = self {
            *self = Self::Open(packed.opened());
        }
        match self {
            Self::Open(open) => open,
            Self::Packed(_) => unreachable!("it was just opened"),
        }
    }

    pub(crate) fn as_open(&self) -> Option<&Open> {
        match self {
            Self::Open(open) => Some(open),
            Self::Packed(_) => None,
        }
    }

    /// An open one to be kept without rows, if it is small.
    pub(crate) fn into_spare(self) -> Option<Open> {
        match self {
            Self::Open(open) if open.is_small() => Some(open),
            _ => None,
        }
    }

    /// No row is before it.
    pub(crate) fn base(&self) -> u64 {
        match self {
            Self::Open(open) => open.base(),
            Self::Packed(packed) => packed.base(),
        }
    }

    /// Rows, dead ones as well.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Open(open) => open.len(),
            Self::Packed(packed) => packed.len(),
        }
    }

    /// Rows that live.
    pub(crate) fn live(&self) -> usize {
        match self {
            Self::Open(open) => open.live(),
            Self::Packed(packed) => packed.len(),
        }
    }

    /// Whether each sequence from the first to the last has its row.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::Open(open) => open.is_whole(),
            Self::Packed(packed) => packed.is_whole(),
        }
    }

    /// Whether a row of that sequence fits behind the others.
    pub(crate) fn has_room_for(&self, seq: u64) -> bool {
        self.as_open().is_some_and(|open| open.has_room_for(seq))
    }

    pub(crate) fn seq(&self, at: usize) -> u64 {
        match self {
            Self::Open(open) => open.seq(at),
            Self::Packed(packed) => packed.seq(at),
        }
    }

    pub(crate) fn time(&self, at: usize) -> i64 {
        match self {
            Self::Open(open) => open.time(at),
            Self::Packed(packed) => packed.time(at),
        }
    }

    /// The subject of a row; of a dead one it is none of any.
    pub(crate) fn subject(&self, at: usize) -> u32 {
        match self {
            Self::Open(open) => open.subjects()[at],
            Self::Packed(packed) => packed.subject(at),
        }
    }

    /// The first of these rows that lives and whose subject will do.
    pub(crate) fn first_of(&self, rows: Range<usize>, mut will_do: impl FnMut(u32) -> bool) -> Option<usize> {
        match self {
            Self::Open(open) => {
                let subjects = &open.subjects()[rows.clone()];
                let at = subjects.iter().position(|subject| is_live(*subject) && will_do(*subject))?;
                Some(rows.start + at)
            }
            Self::Packed(packed) => packed.first_of(rows, will_do),
        }
    }

    /// The last one.
    pub(crate) fn last_of(&self, rows: Range<usize>, mut will_do: impl FnMut(u32) -> bool) -> Option<usize> {
        match self {
            Self::Open(open) => {
                let subjects = &open.subjects()[rows.clone()];
                let at = subjects.iter().rposition(|subject| is_live(*subject) && will_do(*subject))?;
                Some(rows.start + at)
            }
            Self::Packed(packed) => packed.last_of(rows, will_do),
        }
    }

    /// How many there are.
    pub(crate) fn count_of(&self, rows: Range<usize>, mut will_do: impl FnMut(u32) -> bool) -> usize {
        match self {
            Self::Open(open) => {
                let subjects = open.subjects()[rows].iter();
                subjects.filter(|subject| is_live(**subject) && will_do(**subject)).count()
            }
            Self::Packed(packed) => packed.count_of(rows, will_do),
        }
    }

    /// The first row with that sequence or a later one; perhaps it is dead, or there is none.
    pub(crate) fn lower(&self, seq: u64) -> usize {
        match self {
            Self::Open(open) => open.lower(seq),
            Self::Packed(packed) => packed.lower(seq),
        }
    }

    /// The live row of that sequence.
    pub(crate) fn find(&self, seq: u64) -> Option<usize> {
        let at = self.lower(seq);
        (at < self.len() && self.seq(at) == seq && self.lives(at)).then_some(at)
    }

    fn lives(&self, at: usize) -> bool {
        self.as_open().is_none_or(|open| open.lives(at))
    }

    /// The first live row from that one on.
    pub(crate) fn next_live(&self, from: usize) -> Option<usize> {
        match self {
            Self::Open(open) => open.next_live(from),
            Self::Packed(packed) => (from < packed.len()).then_some(from),
        }
    }

    pub(crate) fn row(&self, at: usize) -> Row {
        match self {
            Self::Open(open) => open.row(at),
            Self::Packed(packed) => packed.row(at),
        }
    }

    pub(crate) fn move_to(&mut self, at: usize, place: Place) {
        self.open().move_to(at, place);
    }

    /// How many sequences further the next row of the subject is, as far as is known.
    pub(crate) fn link(&self, at: usize) -> Option<u32> {
        match self {
            Self::Open(open) => open.link(at),
            Self::Packed(packed) => packed.link(at),
        }
    }

    /// Notes where the next row of the subject is, if that helps.
    pub(crate) fn set_link(&mut self, at: usize, next_seq: u64) {
        match self {
            Self::Open(open) => open.set_link(at, next_seq),
            Self::Packed(packed) => packed.set_link(at, next_seq),
        }
    }
}
