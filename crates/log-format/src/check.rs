//! Looking a segment through piece by piece: whether all of it is what was written.
//!
//! It finds what a [`Scan`](crate::Scan) finds, without the segment as a whole: a record that is longer than a piece is summed
//! up as its bytes come. So what is looked at in one go is bounded, however long a record or a batch is.
//!
//! Always true: what is said to be rotten comes in order and does not overlap. Only in a batch that is longer than a piece may
//! more be said to be rotten than is: behind a damaged head the next record is looked for in that piece alone.

use crate::batch::{BATCH_ALIGN, BATCH_HEAD_BYTES, BatchHead};
use crate::record::{ContentSum, Head, Record};
use crate::salt::Salt;

/// Bytes that are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rot {
    /// Where they begin, in bytes from the start of the file.
    pub at: u32,
    /// How many there are.
    pub len: u32,
    /// What the record's head says it was, if that is whole.
    pub head: Option<Head>,
}

/// Goes through the batches of a segment.
#[derive(Debug)]
pub struct Check {
    salt: Salt,
    /// What comes next, in bytes from the start of the file.
    at: u32,
    /// Where the batches end.
    end: u32,
    place: Place,
}

/// What is at [`Check::at`].
#[derive(Debug, Clone, Copy)]
enum Place {
    /// A batch, or bytes in its place that begin there. `None`: of those it was told already.
    Between(Option<u32>),
    /// A record of the batch that ends there, and how many are to come.
    In(Batch),
    /// The middle of a record that began there.
    Within(Batch, u32, Head, ContentSum),
}

#[derive(Debug, Clone, Copy)]
struct Batch {
    end: u32,
    left: u32,
}

impl Check {
    /// Begins with the first batch, which lies there. The batches end at `end`.
    pub fn new(salt: Salt, first: u32, end: u32) -> Self {
        Self { salt, at: first, end, place: Place::Between(Some(first)) }
    }

    /// The next byte to be looked at. There is none if it is where the batches end.
    pub fn at(&self) -> u32 {
        self.at
    }

    /// Looks at the next bytes: those from [`Self::at`] on, as many as a batch usually has or more, unless the batches end
    /// before. Those behind the new place of that are to come again.
    pub fn take(&mut self, bytes: &[u8], rotten: &mut Vec<Rot>) {
        let start = self.at;
        loop {
            let before = self.at;
            let left = (self.end - before) as usize;
            let here = bytes.get((before - start) as usize..).unwrap_or_default();
            if let Place::In(batch) = self.place
                && (batch.left == 0 || before >= batch.end)
            {
                self.leave(batch);
            } else {
                self.step(&here[..here.len().min(left)], before == start, rotten);
                if self.at == before {
                    return;
                }
            }
            if self.at >= self.end {
                return self.finish(rotten);
            }
        }
    }

    /// The next bytes cannot be had, and whoever wants to know that was told. So is what is left of the batch behind them.
    pub fn skip(&mut self, bytes: u32) {
        let next = self.at.saturating_add(bytes.max(1)).next_multiple_of(BATCH_ALIGN as u32);
        (self.at, self.place) = (next.min(self.end), Place::Between(None));
    }

    fn finish(&mut self, rotten: &mut Vec<Rot>) {
        self.at = self.end;
        if let Place::Between(Some(since)) = self.place {
            self.note_gap(since, rotten);
        }
        self.place = Place::Between(None);
    }

    /// From there on should have been a batch.
    fn note_gap(&self, since: u32, rotten: &mut Vec<Rot>) {
        if since < self.at {
            rotten.push(Rot { at: since, len: self.at - since, head: None });
        }
    }

    /// Goes on by a head or a record, or stays where it is, if more bytes are needed. `is_first`: there will not be more at
    /// a time.
    fn step(&mut self, here: &[u8], is_first: bool, rotten: &mut Vec<Rot>) {
        match self.place {
            Place::Between(since) => self.look_for_batch(here, since, rotten),
            Place::In(batch) => self.check_record(here, batch, is_first, rotten),
            Place::Within(batch, start, head, sum) => {
                self.sum_up(here, (batch, start, head, sum), rotten);
            }
        }
    }

    /// The batch has no more records.
    fn leave(&mut self, batch: Batch) {
        self.at = batch.end.next_multiple_of(BATCH_ALIGN as u32).min(self.end);
        self.place = Place::Between(Some(self.at));
    }

    fn look_for_batch(&mut self, here: &[u8], since: Option<u32>, rotten: &mut Vec<Rot>) {
        let is_last = here.len() == (self.end - self.at) as usize;
        match BatchHead::read(here, self.salt) {
            Ok(head) => {
                since.into_iter().for_each(|since| self.note_gap(since, rotten));
                let end = self.at.saturating_add(head.len).min(self.end);
                self.place = Place::In(Batch { end, left: head.records });
                self.at += BATCH_HEAD_BYTES as u32;
            }
            Err(_) if here.len() < BATCH_ALIGN && !is_last => {}
            Err(_) => self.at += BATCH_ALIGN.min(here.len()) as u32,
        }
    }

    fn check_record(&mut self, here: &[u8], batch: Batch, is_first: bool, rotten: &mut Vec<Rot>) {
        let rest = (batch.end - self.at) as usize;
        let here = &here[..here.len().min(rest)];
        match Head::read(here, self.salt) {
            Ok(head) if head.len <= here.len() => {
                if Record::read(here, self.salt).is_err() {
                    rotten.push(Rot { at: self.at, len: head.len as u32, head: Some(head) });
                }
                self.pass(batch, head.len);
            }
            Ok(head) if head.len <= rest => {
                let sum = ContentSum::of_front(here);
                self.place = Place::Within(batch, self.at, head, sum);
                self.at += here.len() as u32;
            }
            // What follows may tell more of it, and comes once this is the front.
            _ if here.len() < rest && !is_first => {}
            _ => self.pass_over(here, rest, batch, rotten),
        }
    }

    /// Nobody knows how long the record is: goes on with the next one that is whole.
    fn pass_over(&mut self, here: &[u8], rest: usize, batch: Batch, rotten: &mut Vec<Rot>) {
        let next = (1..here.len()).find(|at| Record::read(&here[*at..], self.salt).is_ok());
        let len = next.unwrap_or(rest);
        rotten.push(Rot { at: self.at, len: len as u32, head: None });
        self.at += len as u32;
        // It may have been several: whoever counts on how many are to come would pass over whole ones.
        self.place = Place::In(Batch { left: u32::MAX, ..batch });
    }

    fn sum_up(
        &mut self,
        here: &[u8],
        (batch, start, head, mut sum): (Batch, u32, Head, ContentSum),
        rotten: &mut Vec<Rot>,
    ) {
        let left = head.len - (self.at - start) as usize;
        let piece = &here[..here.len().min(left)];
        sum.add(piece);
        self.at += piece.len() as u32;
        if piece.len() < left {
            self.place = Place::Within(batch, start, head, sum);
            return;
        }
        if sum.sum() != head.sum {
            rotten.push(Rot { at: start, len: head.len as u32, head: Some(head) });
        }
        self.pass(batch, 0);
    }

    fn pass(&mut self, batch: Batch, bytes: usize) {
        self.at += bytes as u32;
        self.place = Place::In(Batch { left: batch.left.saturating_sub(1), ..batch });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::batch::{Lsn, padded};
    use crate::kind::Kind;
    use crate::scan::{Found, Scan};

    const SALT: Salt = Salt::of_segment(&[7; 16], 9);
    const FIRST: u32 = 4_096;

    /// Batches with records that have so many bytes in them.
    fn segment(batches: &[Vec<usize>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, lens) in batches.iter().enumerate() {
            let start = bytes.len();
            bytes.resize(start + BATCH_HEAD_BYTES, 0);
            for (seq, len) in lens.iter().enumerate() {
                let payload: Vec<u8> = (0..*len).map(|at| (at * 7 + number + seq) as u8).collect();
                let seq = (number * 100 + seq) as u64;
                let record = Record {
                    kind: Kind::MESSAGE,
                    group: 1,
                    seq,
                    time: 5,
                    ttl: None,
                    message_id: None,
                    subject: b"a.b",
                    header: b"",
                    payload: &payload,
                };
                record.append_to(SALT, &mut bytes).expect("it is small");
            }
            let head = BatchHead {
                len: (bytes.len() - start) as u32,
                first: Lsn(start as u64),
                synced: Lsn(0),
                time: 0,
                records: lens.len() as u32,
                copied: None,
            };
            head.write(SALT, &mut bytes[start..]);
            bytes.resize(padded(bytes.len()), 0);
        }
        bytes
    }

    /// What is found with so many bytes at a time, and how often that took.
    fn checked(bytes: &[u8], piece: usize) -> (Vec<Rot>, usize) {
        let end = FIRST + bytes.len() as u32;
        let (mut check, mut rotten, mut pieces) = (Check::new(SALT, FIRST, end), Vec::new(), 0);
        while check.at() < end {
            let (from, before) = ((check.at() - FIRST) as usize, check.at());
            check.take(&bytes[from..bytes.len().min(from + piece)], &mut rotten);
            assert!(check.at() > before, "it stays at {before}");
            pieces += 1;
        }
        (rotten, pieces)
    }

    fn scanned(bytes: &[u8]) -> Vec<Rot> {
        let mut end = 0;
        let mut rotten: Vec<Rot> = Scan::new(bytes, SALT)
            .filter_map(|found| match found {
                Found::Damaged { at, len, head } => {
                    Some(Rot { at: FIRST + at as u32, len: len as u32, head })
                }
                Found::Batch { at, head } => {
                    end = (at + head.padded_len()).min(bytes.len());
                    None
                }
                Found::Record { .. } => None,
            })
            .collect();
        // A scan does not know where the batches end, and says nothing of what is behind the last one.
        if end < bytes.len() {
            rotten.push(Rot { at: FIRST + end as u32, len: (bytes.len() - end) as u32, head: None });
        }
        rotten
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_found_and_costs_that_record() {
        let bytes = segment(&[vec![20, 300, 0], vec![7]]);
        assert_eq!(checked(&bytes, 1 << 10).0, []);
        let records: Vec<(usize, usize)> = Scan::new(&bytes, SALT)
            .filter_map(|found| match found {
                Found::Record { at, record } => Some((at, record.written_len())),
                _ => None,
            })
            .collect();
        for (at, len) in records {
            for bit in 0..len * 8 {
                let mut bytes = bytes.clone();
                bytes[at + bit / 8] ^= 1 << (bit % 8);
                let rotten = checked(&bytes, 1 << 10).0;
                assert_eq!(rotten.len(), 1, "bit {bit} at {at}");
                assert_eq!(
                    (rotten[0].at, rotten[0].len),
                    (FIRST + at as u32, len as u32),
                    "bit {bit} at {at}"
                );
            }
        }
    }

    #[test]
    fn a_record_of_many_pieces_is_summed_up_as_they_come() {
        let mut bytes = segment(&[vec![5, 9_000, 5], vec![5]]);
        let (rotten, pieces) = checked(&bytes, 1 << 10);
        assert_eq!(rotten, []);
        assert!((9..14).contains(&pieces), "{pieces}");
        bytes[6_000] ^= 1;
        let rotten = checked(&bytes, 1 << 10).0;
        assert_eq!(rotten.iter().map(|rot| rot.head.map(|head| head.seq)).collect::<Vec<_>>(), [Some(1)]);
        assert_eq!(rotten, scanned(&bytes));
    }

    #[test]
    fn what_cannot_be_had_is_told_by_whoever_knows_it() {
        let mut bytes = segment(&[vec![5, 600], vec![5], vec![5]]);
        let third = bytes.len() - 512;
        bytes[third + 60] ^= 1;
        let (mut check, mut rotten) = (Check::new(SALT, FIRST, FIRST + bytes.len() as u32), Vec::new());
        check.skip(100);
        assert_eq!(check.at(), FIRST + 512);
        check.take(&bytes[512..], &mut rotten);
        assert_eq!(rotten.iter().map(|rot| rot.at).collect::<Vec<_>>(), [FIRST + third as u32 + 52]);
    }

    #[test]
    fn what_is_gone_at_the_end_is_missed() {
        let mut bytes = segment(&[vec![5], vec![5, 600]]);
        bytes[512..].fill(0);
        let len = bytes.len() as u32 - 512;
        assert_eq!(checked(&bytes, 1 << 10).0, [Rot { at: FIRST + 512, len, head: None }]);
    }

    proptest! {
        /// As a scan of all of it, whatever rots, and whatever is looked at in one go.
        #[test]
        fn pieces_find_what_a_scan_finds(
            batches in proptest::collection::vec(proptest::collection::vec(0_usize..200, 1..4), 1..5),
            flips in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 0..4),
            piece in 1_024_usize..5_000,
        ) {
            let mut bytes = segment(&batches);
            for (at, bit) in flips {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            prop_assert_eq!(checked(&bytes, piece).0, scanned(&bytes));
        }
    }
}
