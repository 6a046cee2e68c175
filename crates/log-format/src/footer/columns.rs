//! Some thousand messages of a run, column by column.
//!
//! ```text
//! sequence | time | offset | len | has a header | subject
//! ```
//!
//! Each is a [`column`](super::column). They stay packed in memory: a row is had in some nanoseconds, and all of them
//! take a few bytes each.

use std::ops::Range;
use std::sync::Arc;

use super::column::{Column, write_even, write_rising};

/// Rows that are packed together: the last ones of a run may be fewer.
pub const ROWS_PER_CHUNK: usize = 4_096;

/// What a footer says of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its place among those of its group.
    pub seq: u64,
    /// When, in nanoseconds since 1970.
    pub time: i64,
    /// Where its record lies, in bytes from the start of the file.
    pub offset: u32,
    /// Bytes of the record.
    pub len: u32,
    /// Whether it has a header.
    pub has_header: bool,
    /// Its subject: which one of the run's.
    pub subject: u32,
}

/// Rows as they are packed. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Columns {
    bytes: Arc<[u8]>,
    rows: u32,
    seq: Column,
    time: Column,
    offset: Column,
    len: Column,
    has_header: Column,
    subject: Column,
    /// Where the subjects begin.
    subjects_at: u32,
}

impl Columns {
    /// Appends the columns of these rows, of which there is at least one.
    pub(super) fn write(rows: &[Row], out: &mut Vec<u8>) {
        write_rising(rows.iter().map(|row| row.seq), out);
        write_rising(rows.iter().map(|row| row.time.cast_unsigned()), out);
        write_rising(rows.iter().map(|row| u64::from(row.offset)), out);
        write_even(rows.iter().map(|row| u64::from(row.len)), out);
        write_even(rows.iter().map(|row| u64::from(row.has_header)), out);
        write_even(rows.iter().map(|row| u64::from(row.subject)), out);
    }

    /// Reads so many rows. `None` if the bytes are none of that length. What the rows say is not looked at.
    pub(super) fn read(bytes: &[u8], rows: usize) -> Option<Self> {
        if !(1..=ROWS_PER_CHUNK).contains(&rows) {
            return None;
        }
        let (seq, at) = Column::read(bytes, 0, rows)?;
        let (time, at) = Column::read(bytes, at, rows)?;
        let (offset, at) = Column::read(bytes, at, rows)?;
        let (len, at) = Column::read(bytes, at, rows)?;
        let (has_header, subjects_at) = Column::read(bytes, at, rows)?;
        let (subject, end) = Column::read(bytes, subjects_at, rows)?;
        let subjects_at = u32::try_from(subjects_at).ok()?;
        let (rows, is_all) = (rows as u32, end == bytes.len());
        let read =
            Self { bytes: bytes.into(), rows, seq, time, offset, len, has_header, subject, subjects_at };
        is_all.then_some(read)
    }

    /// Columns of these rows. `None`: there are none, or too many.
    pub fn of(rows: &[Row]) -> Option<Self> {
        let mut bytes = Vec::new();
        if rows.is_empty() || rows.len() > ROWS_PER_CHUNK {
            return None;
        }
        Self::write(rows, &mut bytes);
        Self::read(&bytes, rows.len())
    }

    /// The same for somebody who knows the subjects: those are 0 from here on, and take no memory.
    pub fn without_subjects(&self) -> Self {
        let subject = Column::nothing();
        if self.subject.only().is_some() {
            return Self { subject, ..self.clone() };
        }
        Self { bytes: self.bytes[..self.subjects_at as usize].into(), subject, ..self.clone() }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows as usize
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// A row.
    pub fn row(&self, at: usize) -> Row {
        Row {
            seq: self.seq(at),
            time: self.time(at),
            offset: self.offset(at),
            len: self.len(at),
            has_header: self.has_header(at),
            subject: self.subject(at),
        }
    }

    /// Its sequence.
    pub fn seq(&self, at: usize) -> u64 {
        self.seq.at(&self.bytes, at)
    }

    /// Its time.
    pub fn time(&self, at: usize) -> i64 {
        self.time.at(&self.bytes, at).cast_signed()
    }

    /// Where its record lies.
    pub fn offset(&self, at: usize) -> u32 {
        self.offset.at(&self.bytes, at) as u32
    }

    /// Bytes of its record.
    pub fn len(&self, at: usize) -> u32 {
        self.len.at(&self.bytes, at) as u32
    }

    /// Whether it has a header.
    pub fn has_header(&self, at: usize) -> bool {
        self.has_header.at(&self.bytes, at) != 0
    }

    /// Its subject.
    pub fn subject(&self, at: usize) -> u32 {
        self.subject.at(&self.bytes, at) as u32
    }

    /// The subject of all rows, if they have the same.
    pub fn only_subject(&self) -> Option<u32> {
        self.subject.only().map(|subject| subject as u32)
    }

    /// Bytes of all records together in a range of rows, and how many of them have headers.
    pub fn sums(&self, rows: Range<usize>) -> (u64, u64) {
        let count = rows.len() as u64;
        let lens = match self.len.only() {
            Some(len) => len * count,
            None => rows.clone().map(|at| u64::from(self.len(at))).sum(),
        };
        let headers = match self.has_header.only() {
            Some(has_header) => has_header.min(1) * count,
            None => rows.filter(|at| self.has_header(*at)).count() as u64,
        };
        (lens, headers)
    }

    /// Whether each row has the next sequence.
    pub fn is_whole(&self) -> bool {
        self.seq.counted_from().is_some()
    }

    /// The first one with that sequence or a later one, of rows whose sequences rise.
    pub fn lower_seq(&self, seq: u64, rows: Range<usize>) -> usize {
        match self.seq.counted_from() {
            Some(first) => {
                let at = usize::try_from(seq.saturating_sub(first)).unwrap_or(usize::MAX);
                at.clamp(rows.start, rows.end)
            }
            None => partition_point(rows, |at| self.seq(at) < seq),
        }
    }

    /// The first row that lies there or behind.
    pub(super) fn lower_offset(&self, offset: u32) -> usize {
        partition_point(0..self.rows(), |at| self.offset(at) < offset)
    }
}

fn partition_point(rows: Range<usize>, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (rows.start, rows.end);
    while low < high {
        let middle = low.midpoint(high);
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(seq: u64) -> Row {
        let (offset, time) = (4_144 + 170 * seq as u32, 1_000 * seq.cast_signed());
        Row { seq, time, offset, len: 170, has_header: false, subject: 0 }
    }

    fn rows_of(columns: &Columns) -> Vec<Row> {
        (0..columns.rows()).map(|at| columns.row(at)).collect()
    }

    #[test]
    fn what_is_regular_takes_no_room() {
        let rows: Vec<Row> = (3..4_099).map(row).collect();
        let columns = Columns::of(&rows).expect("there are not too many");
        assert_eq!(columns.bytes(), 6 * 17);
        assert_eq!(rows_of(&columns), rows);
        assert!(columns.is_whole());
        assert_eq!(
            [0, 3, 4, 4_098, 5_000].map(|seq| columns.lower_seq(seq, 0..4_096)),
            [0, 0, 1, 4_095, 4_096]
        );
        assert_eq!(columns.lower_offset(rows[7].offset), 7);
        assert_eq!(columns.lower_offset(rows[7].offset + 1), 8);
        assert_eq!(columns.sums(1..11), (1_700, 0));
    }

    #[test]
    fn subjects_can_be_left_out() {
        let rows: Vec<Row> = (0..100).map(|seq| Row { subject: seq as u32 % 7, ..row(2 * seq) }).collect();
        let columns = Columns::of(&rows).expect("there are not too many");
        assert_eq!((columns.only_subject(), columns.is_whole()), (None, false));
        let without = columns.without_subjects();
        assert!(without.bytes() < columns.bytes());
        let expected: Vec<Row> = rows.iter().map(|row| Row { subject: 0, ..*row }).collect();
        assert_eq!(rows_of(&without), expected);
        assert_eq!([without.lower_seq(0, 3..9), without.lower_seq(90, 3..9)], [3, 9]);
        assert_eq!([8, 9, 10].map(|seq| without.lower_seq(seq, 0..100)), [4, 5, 5]);
    }

    prop_compose! {
        fn any_row()(offset: u32, len: u32, seq: u64, time: i64, subject: u32, has_header: bool) -> Row {
            Row { seq, time, offset, len, has_header, subject }
        }
    }

    proptest! {
        /// Most take the same step, so there are pieces; and whatever row was asked for before, the next one is right.
        #[test]
        fn rows_in_pieces_are_had_in_any_order(
            steps in proptest::collection::vec(prop_oneof![9 => Just(170_u32), 1 => 0_u32..5_000], 300..600),
            order in proptest::collection::vec(0_usize..600, 1..200),
        ) {
            let mut offset = 0;
            let rows: Vec<Row> = (0..).zip(&steps).map(|(seq, step)| {
                offset += step;
                Row { offset, ..row(seq) }
            }).collect();
            let columns = Columns::of(&rows).expect("there are not too many");
            for at in order.into_iter().flat_map(|at| [at, at + 1]).map(|at| at % rows.len()) {
                prop_assert_eq!(columns.row(at), rows[at]);
            }
        }

        #[test]
        fn what_is_written_is_read(rows in proptest::collection::vec(any_row(), 1..40)) {
            let columns = Columns::of(&rows).expect("there are not too many");
            prop_assert_eq!(rows_of(&columns), rows.clone());
            let lens: u64 = rows.iter().map(|row| u64::from(row.len)).sum();
            let headers = rows.iter().filter(|row| row.has_header).count() as u64;
            prop_assert_eq!(columns.sums(0..rows.len()), (lens, headers));
        }

        #[test]
        fn whatever_the_bytes_are_they_are_read(
            bytes in proptest::collection::vec(any::<u8>(), 0..300), rows in 0_usize..50,
        ) {
            if let Some(columns) = Columns::read(&bytes, rows) {
                rows_of(&columns);
                columns.lower_seq(9, 0..rows);
            }
        }
    }
}
