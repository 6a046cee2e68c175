//! One column: numbers about a line, or pieces of lines.
//!
//! ```text
//! first u64 | slope i64 | width u8 | numbers of so many bits
//! 0 u64 | slope i64 | 255 u8 | pieces u16 | first row of each, u16 | value there of each, u64
//! ```
//!
//! Row `n` is `first + (slope * n >> 12) + number`, modulo 2^64: what rises evenly takes hardly any room. Or it is what its
//! piece begins with, plus `slope` for each row from there on: so is what rises by the same step nearly always, and jumps
//! now and then. Either way a row is had without those before it.

use std::cell::Cell;

use crate::batch::Fields;

use super::bits;

/// Bits of the slope behind the point.
const SLOPE_BITS: u32 = 12;

/// Bytes before the numbers.
pub(super) const HEAD_BYTES: usize = 17;

/// In the place of a width: there are pieces.
const PIECES: u8 = 255;

/// Bytes of a piece.
const PIECE_BYTES: usize = 10;

/// Where a column's numbers are, and what they stand upon.
#[derive(Debug, Clone)]
pub(super) struct Column {
    first: u64,
    slope: i64,
    width: u8,
    /// How many, if there are.
    pieces: u16,
    /// Where the numbers or pieces begin in the bytes of all columns.
    at: u32,
    /// The piece that was asked for last, if it is one of the first: whoever reads on finds the next row there. A byte, as
    /// there is room for one.
    near: Cell<u8>,
}

impl Column {
    /// Reads the one that begins at `at`, and says where it ends. `None` if there is none.
    pub(super) fn read(bytes: &[u8], at: usize, rows: usize) -> Option<(Self, usize)> {
        let head: &[u8; HEAD_BYTES] = bytes.get(at..)?.first_chunk()?;
        let mut fields = Fields(head);
        let (first, slope, [width]) = (fields.u64(), fields.u64().cast_signed(), fields.bytes());
        let start = at + HEAD_BYTES;
        let (start, pieces, end) = if width == PIECES {
            let pieces = u16::from_le_bytes(*bytes.get(start..)?.first_chunk()?);
            (start + 2, pieces, start + 2 + usize::from(pieces) * PIECE_BYTES)
        } else {
            (start, 0, start + bits::packed_len(rows, u32::from(width)))
        };
        let is_usual = if width == PIECES { pieces > 0 } else { width <= 64 };
        let (at, near) = (u32::try_from(start).ok()?, Cell::new(0));
        let read = Self { first, slope, width, pieces, at, near };
        (is_usual && end <= bytes.len()).then_some((read, end))
    }

    /// A column of zeros, which takes no bytes.
    pub(super) fn nothing() -> Self {
        Self { first: 0, slope: 0, width: 0, pieces: 0, at: 0, near: Cell::new(0) }
    }

    #[inline]
    pub(super) fn at(&self, bytes: &[u8], row: usize) -> u64 {
        match self.width {
            0 => on_line(self.first, self.slope, row),
            PIECES => self.in_piece(&bytes[self.at as usize..], row),
            width => {
                let number = bits::at(&bytes[self.at as usize..], row, u32::from(width));
                on_line(self.first, self.slope, row).wrapping_add(number)
            }
        }
    }

    fn in_piece(&self, bytes: &[u8], row: usize) -> u64 {
        let pieces = usize::from(self.pieces);
        let (rows, values) = bytes.split_at(2 * pieces);
        let row_of = |piece: usize| usize::from(u16::from_le_bytes([rows[2 * piece], rows[2 * piece + 1]]));
        let near = usize::from(self.near.get());
        let ends = |piece: usize| if piece + 1 < pieces { row_of(piece + 1) } else { usize::MAX };
        let is_near = row_of(near) <= row && row < ends(near);
        let piece = if is_near { near } else { last_up_to(pieces, |piece| row_of(piece) <= row) };
        self.near.set(u8::try_from(piece).unwrap_or(0));
        let value = Fields(&values[8 * piece..8 * piece + 8]).u64();
        let further = row.saturating_sub(row_of(piece)) as u64;
        value.wrapping_add(self.slope.cast_unsigned().wrapping_mul(further))
    }

    /// What all rows have, if that is the same.
    pub(super) fn only(&self) -> Option<u64> {
        (self.width == 0 && self.slope == 0).then_some(self.first)
    }

    /// The first row, if each of them has one more than the one before.
    pub(super) fn counted_from(&self) -> Option<u64> {
        (self.width == 0 && self.slope == 1 << SLOPE_BITS).then_some(self.first)
    }
}

/// The last one of so many for which that is so, as it is for all before it; the first one if it is so for none.
fn last_up_to(many: usize, is_so: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, many);
    while low < high {
        let middle = low.midpoint(high);
        if is_so(middle) { low = middle + 1 } else { high = middle }
    }
    low.saturating_sub(1)
}

#[inline]
fn on_line(first: u64, slope: i64, row: usize) -> u64 {
    if slope == 0 {
        return first;
    }
    first.wrapping_add(((i128::from(slope) * row as i128) >> SLOPE_BITS) as u64)
}

/// Appends a column of what rises from row to row, more or less evenly. There is at least one row.
pub(super) fn write_rising(values: impl Iterator<Item = u64> + Clone, out: &mut Vec<u8>) {
    let (mut all, rows) = (values.clone(), values.clone().count());
    let first = all.next().unwrap_or(0);
    let last = all.last().unwrap_or(first);
    let rise = i128::from(last.wrapping_sub(first).cast_signed()) << SLOPE_BITS;
    let slope = i64::try_from(rise / (rows as i128 - 1).max(1)).unwrap_or(0);
    let start = out.len();
    write(first, slope, values.clone(), out);
    let bytes = out.len() - start - HEAD_BYTES;
    let step = usual_step(values.clone());
    let jumps = || jumps(values.clone(), step);
    let pieces = jumps().count();
    if 2 + pieces * PIECE_BYTES < bytes {
        out.truncate(start);
        out.extend_from_slice(&0_u64.to_le_bytes());
        out.extend_from_slice(&step.to_le_bytes());
        out.push(PIECES);
        // No more than rows, of which there are a few thousand.
        out.extend_from_slice(&(pieces as u16).to_le_bytes());
        out.extend(jumps().flat_map(|(row, _)| (row as u16).to_le_bytes()));
        out.extend(jumps().flat_map(|(_, value)| value.to_le_bytes()));
    }
}

/// The step that most rows take, if most take the same.
fn usual_step(values: impl Iterator<Item = u64> + Clone) -> u64 {
    let next = values.clone().skip(1);
    let (mut usual, mut votes) = (0, 0_u32);
    for (value, next) in values.zip(next) {
        let step = next.wrapping_sub(value);
        match votes {
            0 => (usual, votes) = (step, 1),
            _ if step == usual => votes += 1,
            _ => votes -= 1,
        }
    }
    usual
}

/// The rows that are not a step further than the row before, and what they have. The first one is none.
fn jumps(values: impl Iterator<Item = u64>, step: u64) -> impl Iterator<Item = (usize, u64)> {
    let mut expected = None;
    values.enumerate().filter(move |(_, value)| {
        let is_jump = expected != Some(*value);
        expected = Some(value.wrapping_add(step));
        is_jump
    })
}

/// Appends a column of what is about the same in all rows.
pub(super) fn write_even(values: impl Iterator<Item = u64> + Clone, out: &mut Vec<u8>) {
    write(values.clone().min().unwrap_or(0), 0, values, out);
}

fn write(first: u64, slope: i64, values: impl Iterator<Item = u64> + Clone, out: &mut Vec<u8>) {
    let above = |first: u64| {
        let values = values.clone().enumerate();
        values.map(move |(row, value)| value.wrapping_sub(on_line(first, slope, row)))
    };
    let least = above(first).map(u64::cast_signed).min().unwrap_or(0);
    let first = first.wrapping_add(least.cast_unsigned());
    let width = 64 - above(first).fold(0, |bits, number| bits | number).leading_zeros();
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&slope.to_le_bytes());
    out.push(width as u8);
    bits::pack(above(first), width, out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_back(bytes: &[u8], rows: usize) -> Vec<u64> {
        let (column, end) = Column::read(bytes, 0, rows).expect("it was just written");
        assert_eq!(end, bytes.len());
        (0..rows).map(|row| column.at(bytes, row)).collect()
    }

    #[test]
    fn what_is_even_takes_no_room() {
        let mut bytes = Vec::new();
        write_rising((0..4_096).map(|row| 7 + row), &mut bytes);
        assert_eq!(bytes.len(), HEAD_BYTES);
        let (column, _) = Column::read(&bytes, 0, 4_096).expect("it was just written");
        assert_eq!((column.counted_from(), column.only()), (Some(7), None));
        bytes.clear();
        write_even([9; 100].into_iter(), &mut bytes);
        let (column, _) = Column::read(&bytes, 0, 100).expect("it was just written");
        assert_eq!((bytes.len(), column.only()), (HEAD_BYTES, Some(9)));
    }

    #[test]
    fn what_is_about_even_takes_little() {
        let mut bytes = Vec::new();
        let times = (0..4_096).map(|row| 1_000_000 * row + row * row % 997);
        write_rising(times.clone(), &mut bytes);
        assert!(bytes.len() < 4_096 * 13 / 8, "{} bytes", bytes.len());
        assert!(read_back(&bytes, 4_096).into_iter().eq(times));
    }

    #[test]
    fn what_jumps_now_and_then_takes_hardly_any() {
        let mut bytes = Vec::new();
        // Records of 170 bytes, and 300 more between two batches.
        let offsets = (0..4_096).map(|row| 4_148 + 170 * row + row / 500 * 300);
        write_rising(offsets.clone(), &mut bytes);
        assert_eq!(bytes.len(), HEAD_BYTES + 2 + 9 * PIECE_BYTES);
        assert!(read_back(&bytes, 4_096).into_iter().eq(offsets));
        bytes.clear();
        // Those of a turn have one time.
        let times = (0..4_096).map(|row| row / 300 * 123_457);
        write_rising(times.clone(), &mut bytes);
        assert_eq!(bytes.len(), HEAD_BYTES + 2 + 14 * PIECE_BYTES);
        assert!(read_back(&bytes, 4_096).into_iter().eq(times));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in proptest::collection::vec(any::<u64>(), 1..40), is_rising: bool) {
            let mut bytes = Vec::new();
            match is_rising {
                true => write_rising(values.iter().copied(), &mut bytes),
                false => write_even(values.iter().copied(), &mut bytes),
            }
            prop_assert_eq!(read_back(&bytes, values.len()), values);
        }

        #[test]
        fn what_rises_by_steps_is_read(
            steps in proptest::collection::vec((prop_oneof![9 => Just(170_u64), 1 => any::<u64>()], 1_usize..30), 1..20),
        ) {
            let steps = steps.iter().flat_map(|(step, many)| std::iter::repeat_n(*step, *many));
            let values: Vec<u64> = steps.scan(0_u64, |value, step| {
                *value = value.wrapping_add(step);
                Some(*value)
            }).collect();
            let mut bytes = Vec::new();
            write_rising(values.iter().copied(), &mut bytes);
            prop_assert_eq!(read_back(&bytes, values.len()), values);
        }

        #[test]
        fn whatever_the_bytes_are_they_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..80), rows in 1_usize..40) {
            if let Some((column, _)) = Column::read(&bytes, 0, rows) {
                (0..rows).for_each(|row| _ = column.at(&bytes, row));
            }
        }
    }
}
