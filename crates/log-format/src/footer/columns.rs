//! Rows of a run, column by column.
//!
//! ```text
//! sequence | time | offset | len | subject | what
//! column: first u64 | least u64 | width u8 | numbers of so many bits
//! ```
//!
//! Of sequences, times and offsets the differences to the row before are kept, less the least of them: sequences
//! without gaps take no bits at all. Of the others the numbers are, less the least of them, and `first` is 0. `what` is
//! the kind, and from bit 8 on whether there is a TTL, a message's id, a header.

use crate::batch::Fields;
use crate::kind::Kind;

use super::Row;
use super::bits::{pack, packed_len, unpack};

/// Rows that are packed together. So many can be had without reading others.
pub const ROWS_PER_CHUNK: usize = 4_096;

const HAS_TTL: u64 = 1 << 8;
const HAS_MESSAGE_ID: u64 = 1 << 9;
const HAS_HEADER: u64 = 1 << 10;

/// Appends the columns of these rows, of which there is at least one.
pub(super) fn write(rows: &[Row], out: &mut Vec<u8>) {
    write_steps(rows, |row| row.seq, out);
    write_steps(rows, |row| row.time.cast_unsigned(), out);
    write_steps(rows, |row| u64::from(row.offset), out);
    write_plain(rows, |row| u64::from(row.len), out);
    write_plain(rows, |row| u64::from(row.subject), out);
    write_plain(rows, what, out);
}

fn what(row: &Row) -> u64 {
    let bit = |is_set, bit| if is_set { bit } else { 0 };
    u64::from(row.kind.0)
        | bit(row.has_ttl, HAS_TTL)
        | bit(row.has_message_id, HAS_MESSAGE_ID)
        | bit(row.has_header, HAS_HEADER)
}

fn write_steps(rows: &[Row], value: impl Fn(&Row) -> u64 + Copy, out: &mut Vec<u8>) {
    let step = |pair: &[Row]| value(&pair[1]).wrapping_sub(value(&pair[0])).cast_signed();
    let steps = || rows.windows(2).map(step);
    let least = steps().min().unwrap_or(0);
    let above = steps().map(|step| step.wrapping_sub(least).cast_unsigned());
    write_column(value(&rows[0]), least.cast_unsigned(), above, out);
}

fn write_plain(rows: &[Row], value: impl Fn(&Row) -> u64 + Copy, out: &mut Vec<u8>) {
    let least = rows.iter().map(value).min().expect("there is a row");
    write_column(0, least, rows.iter().map(|row| value(row) - least), out);
}

fn write_column(first: u64, least: u64, above: impl Iterator<Item = u64> + Clone, out: &mut Vec<u8>) {
    let width = 64 - above.clone().fold(0, |bits, number| bits | number).leading_zeros();
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&least.to_le_bytes());
    out.push(width as u8);
    pack(above, width, out);
}

/// Appends the rows that were written as `bytes`. `None` if they are none.
pub(super) fn read(bytes: &[u8], rows: usize, into: &mut Vec<Row>) -> Option<()> {
    if !(1..=ROWS_PER_CHUNK).contains(&rows) {
        return None;
    }
    let mut columns = Columns { rest: bytes, rows };
    let sequences = columns.steps()?;
    let times = columns.steps()?;
    let offsets = columns.steps()?;
    let lens = columns.plain()?;
    let subjects = columns.plain()?;
    let whats = columns.plain()?;
    if !columns.rest.is_empty() {
        return None;
    }
    for row in 0..rows {
        into.push(Row {
            offset: u32::try_from(offsets[row]).ok()?,
            len: u32::try_from(lens[row]).ok()?,
            seq: sequences[row],
            time: times[row].cast_signed(),
            subject: u32::try_from(subjects[row]).ok()?,
            kind: Kind(whats[row] as u8),
            has_ttl: whats[row] & HAS_TTL != 0,
            has_message_id: whats[row] & HAS_MESSAGE_ID != 0,
            has_header: whats[row] & HAS_HEADER != 0,
        });
    }
    Some(())
}

struct Columns<'a> {
    rest: &'a [u8],
    rows: usize,
}

impl Columns<'_> {
    fn steps(&mut self) -> Option<Vec<u64>> {
        let mut value = 0;
        let (first, least, above) = self.column(self.rows - 1)?;
        let steps = above.map(|above| {
            value = u64::wrapping_add(value, least).wrapping_add(above);
            value
        });
        let from_zero: Vec<u64> = steps.collect();
        Some(std::iter::once(0).chain(from_zero).map(|value| first.wrapping_add(value)).collect())
    }

    fn plain(&mut self) -> Option<Vec<u64>> {
        let (_, least, above) = self.column(self.rows)?;
        Some(above.map(|above| least.wrapping_add(above)).collect())
    }

    fn column(&mut self, count: usize) -> Option<(u64, u64, impl Iterator<Item = u64> + use<>)> {
        let (head, rest) = self.rest.split_first_chunk::<17>()?;
        let mut fields = Fields(head);
        let (first, least, [width]) = (fields.u64(), fields.u64(), fields.bytes());
        let width = Some(u32::from(width)).filter(|width| *width <= 64)?;
        let (packed, rest) = rest.split_at_checked(packed_len(count, width))?;
        self.rest = rest;
        let numbers: Vec<u64> = unpack(packed, count, width).collect();
        Some((first, least, numbers.into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(seq: u64) -> Row {
        Row {
            offset: 4_144 + 170 * seq as u32,
            len: 170,
            seq,
            time: 1_000 * seq.cast_signed(),
            subject: 0,
            kind: Kind::MESSAGE,
            has_ttl: false,
            has_message_id: false,
            has_header: false,
        }
    }

    #[test]
    fn what_is_regular_takes_no_room() {
        let rows: Vec<Row> = (0..4_096).map(row).collect();
        let mut bytes = Vec::new();
        write(&rows, &mut bytes);
        assert_eq!(bytes.len(), 6 * 17);
        let mut read_back = Vec::new();
        assert_eq!(read(&bytes, rows.len(), &mut read_back), Some(()));
        assert_eq!(read_back, rows);
    }

    prop_compose! {
        fn any_row()(
            offset: u32, len: u32, seq: u64, time: i64, subject: u32, kind: u8, bits: (bool, bool, bool),
        ) -> Row {
            let (has_ttl, has_message_id, has_header) = bits;
            Row { offset, len, seq, time, subject, kind: Kind(kind), has_ttl, has_message_id, has_header }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in proptest::collection::vec(any_row(), 1..40)) {
            let mut bytes = Vec::new();
            write(&rows, &mut bytes);
            let mut read_back = Vec::new();
            prop_assert_eq!(read(&bytes, rows.len(), &mut read_back), Some(()));
            prop_assert_eq!(read_back, rows);
        }

        #[test]
        fn whatever_the_bytes_are_they_are_read(
            bytes in proptest::collection::vec(any::<u8>(), 0..300), rows in 0_usize..50,
        ) {
            let _ = read(&bytes, rows, &mut Vec::new());
        }
    }
}
