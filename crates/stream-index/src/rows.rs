//! All rows of a stream, chunk after chunk.

use std::cell::Cell;
use std::collections::VecDeque;

use log_format::Place;

use crate::chunk::Chunk;
use crate::open::Open;
use crate::packed::Packed;
use crate::{Count, Row, Steps, Walk};

/// Chunks that are dropped in one step, some of ten microseconds.
const CHUNKS_DROPPED_AT_ONCE: usize = 2;

#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Each has a live row.
    chunks: VecDeque<Chunk>,
    /// A small one that lost its last row, for streams that are empty every now and then.
    spare: Option<Open>,
    live: u64,
    /// A chunk that was looked for: whoever reads on looks for the same one.
    near: Cell<usize>,
}

/// A row that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    chunk: usize,
    row: usize,
}

/// Where links lead.
enum Linked {
    /// To the next row of the subject.
    To(u64),
    /// Nowhere, but there is no row of the subject before that sequence.
    UpTo(u64),
}

impl Rows {
    pub(crate) fn live(&self) -> u64 {
        self.live
    }

    pub(crate) fn row(&self, at: At) -> Row {
        self.chunks[at.chunk].row(at.row)
    }

    pub(crate) fn find(&self, seq: u64) -> Option<At> {
        let chunk = self.chunk_of(seq)?;
        Some(At { chunk, row: self.chunks[chunk].find(seq)? })
    }

    pub(crate) fn first(&self) -> Option<At> {
        let row = self.chunks.front()?.next_live(0)?;
        Some(At { chunk: 0, row })
    }

    /// The first live row with that time or a later one.
    pub(crate) fn at_time(&self, time: i64) -> Option<At> {
        let is_before = |chunk: &Chunk| chunk.time(chunk.len() - 1) < time;
        let number = self.chunks.partition_point(is_before);
        let chunk = self.chunks.get(number)?;
        let (mut low, mut high) = (0, chunk.len());
        while low < high {
            let middle = low.midpoint(high);
            if chunk.time(middle) < time { low = middle + 1 } else { high = middle }
        }
        self.live_from(At { chunk: number, row: low })
    }

    /// Adds a row behind all others.
    pub(crate) fn push(&mut self, row: &Row) {
        if self.chunks.back().is_none_or(|chunk| !chunk.has_room_for(row.seq)) {
            self.pack_one();
            let spare = self.spare.take().unwrap_or_default();
            self.chunks.push_back(Chunk::Open(spare.emptied(row.seq)));
        }
        self.chunks.back_mut().expect("there is one now").open().push(row);
        self.live += 1;
    }

    /// A chunk is full: the one before it is hardly changed any more, but as a whole. As long as nothing is gone of it, it is
    /// packed, which takes some 100 microseconds, and a few bytes of memory a row from then on.
    fn pack_one(&mut self) {
        let Some(number) = self.chunks.len().checked_sub(2) else { return };
        if let Some(packed) = self.open_at(number).and_then(Open::packed) {
            self.chunks[number] = Chunk::Packed(packed);
        }
    }

    #[cfg(test)]
    pub(crate) fn packed(&self) -> usize {
        self.chunks.iter().filter(|chunk| chunk.as_open().is_none()).count()
    }

    /// Adds rows behind all others.
    pub(crate) fn append(&mut self, rows: Packed) {
        self.live += rows.len() as u64;
        self.chunks.push_back(Chunk::Packed(rows));
    }

    pub(crate) fn move_to(&mut self, at: At, place: Place) {
        self.chunks[at.chunk].move_to(at.row, place);
    }

    pub(crate) fn set_link(&mut self, seq: u64, next_seq: u64) {
        if let Some(at) = self.find(seq) {
            self.chunks[at.chunk].set_link(at.row, next_seq);
        }
    }

    /// Takes a row out.
    pub(crate) fn remove(&mut self, at: At) {
        self.live -= 1;
        let is_sweep_due = self.chunks[at.chunk].open().kill(at.row);
        if self.chunks[at.chunk].live() == 0 {
            self.spare = self.chunks.remove(at.chunk).and_then(Chunk::into_spare);
        } else if is_sweep_due {
            self.chunks[at.chunk].open().sweep();
            self.unite(at.chunk);
        }
    }

    /// Gives some memory back, of rows that nobody asks for any more. Says whether there is more.
    pub(crate) fn drop_some(&mut self) -> bool {
        self.chunks.truncate(self.chunks.len().saturating_sub(CHUNKS_DROPPED_AT_ONCE));
        !self.chunks.is_empty()
    }

    /// The next live row of a subject behind a row of it that is still there. `from` is where a walk that was begun
    /// before goes on.
    pub(crate) fn next_of(&self, subject: u32, seq: u64, from: Option<u64>, steps: &mut Steps) -> Walk<u64> {
        // No row of the subject is before the place to which links lead.
        let linked = from.map_or_else(|| self.follow(subject, seq, steps), Linked::UpTo);
        let from = match linked {
            Linked::To(seq) => return Walk::Found(seq),
            Linked::UpTo(from) => from.max(seq + 1),
        };
        self.seq_of(self.walk(from, steps, |other| other == subject))
    }

    /// The same, if links alone lead there.
    pub(crate) fn linked_from(&self, seq: u64, subject: u32, steps: &mut Steps) -> Option<u64> {
        match self.follow(subject, seq, steps) {
            Linked::To(seq) => Some(seq),
            Linked::UpTo(_) => None,
        }
    }

    /// Goes from link to link, over rows that are dead but not yet swept out.
    fn follow(&self, subject: u32, seq: u64, steps: &mut Steps) -> Linked {
        let mut from = seq;
        while let Some(chunk) = self.chunk_of(from).map(|number| &self.chunks[number]) {
            let at = chunk.lower(from);
            if at == chunk.len() || chunk.seq(at) != from {
                break;
            }
            if from != seq && chunk.subject(at) == subject {
                return Linked::To(from);
            }
            if from != seq && !steps.take() {
                break;
            }
            match chunk.link(at) {
                Some(link) => from += u64::from(link),
                None => break,
            }
        }
        Linked::UpTo(from)
    }

    /// The last live row of a subject up to that sequence.
    pub(crate) fn last_of(&self, subject: u32, up_to: u64, steps: &mut Steps) -> Walk<u64> {
        self.seq_of(self.walk_down(up_to, steps, |other| other == subject))
    }

    fn seq_of(&self, found: Walk<At>) -> Walk<u64> {
        match found {
            Walk::Found(at) => Walk::Found(self.row(at).seq),
            Walk::End => Walk::End,
            Walk::More(seq) => Walk::More(seq),
        }
    }

    /// The first live row from a sequence on whose subject will do.
    pub(crate) fn walk(
        &self,
        from: u64,
        steps: &mut Steps,
        mut will_do: impl FnMut(u32) -> bool,
    ) -> Walk<At> {
        let Some(start) = self.lower(from) else { return Walk::End };
        let mut row = start.row;
        for (number, chunk) in self.chunks.iter().enumerate().skip(start.chunk) {
            let seen = (chunk.len() - row).min(steps.left() as usize);
            if let Some(at) = chunk.first_of(row..row + seen, &mut will_do) {
                steps.spend(at - row + 1);
                return Walk::Found(At { chunk: number, row: at });
            }
            steps.spend(seen);
            if row + seen < chunk.len() {
                return Walk::More(chunk.seq(row + seen));
            }
            row = 0;
        }
        Walk::End
    }

    /// The last live row up to a sequence whose subject will do.
    pub(crate) fn walk_down(
        &self,
        up_to: u64,
        steps: &mut Steps,
        mut will_do: impl FnMut(u32) -> bool,
    ) -> Walk<At> {
        let Some(last) = self.chunk_of(up_to) else { return Walk::End };
        let mut end = self.chunks[last].lower(up_to.saturating_add(1));
        for number in (0..=last).rev() {
            let chunk = &self.chunks[number];
            let seen = end.min(steps.left() as usize);
            if let Some(at) = chunk.last_of(end - seen..end, &mut will_do) {
                steps.spend(end - at);
                return Walk::Found(At { chunk: number, row: at });
            }
            steps.spend(seen);
            if seen < end {
                return Walk::More(chunk.seq(end - seen - 1));
            }
            end = number.checked_sub(1).map_or(0, |before| self.chunks[before].len());
        }
        Walk::End
    }

    /// How many live rows from a sequence on have a subject that will do.
    pub(crate) fn count(&self, from: u64, steps: &mut Steps, mut will_do: impl FnMut(u32) -> bool) -> Count {
        let mut messages = 0;
        let start = self.lower(from).unwrap_or(At { chunk: self.chunks.len(), row: 0 });
        let mut row = start.row;
        for chunk in self.chunks.iter().skip(start.chunk) {
            let seen = (chunk.len() - row).min(steps.left() as usize);
            messages += chunk.count_of(row..row + seen, &mut will_do) as u64;
            steps.spend(seen);
            if row + seen < chunk.len() {
                return Count { messages, more: Some(chunk.seq(row + seen)) };
            }
            row = 0;
        }
        Count { messages, more: None }
    }

    /// How many live rows there are from a sequence on.
    pub(crate) fn rank(&self, from: u64) -> u64 {
        let Some(start) = self.lower(from) else { return 0 };
        let chunk = &self.chunks[start.chunk];
        let here = if chunk.live() == chunk.len() {
            chunk.len() - start.row
        } else {
            chunk.count_of(start.row..chunk.len(), |_| true)
        };
        let behind: usize = self.chunks.iter().skip(start.chunk + 1).map(Chunk::live).sum();
        (here + behind) as u64
    }

    /// The first sequence from that one on that has no live row, and the first one behind that has one. The end says that
    /// all rows up to the last one follow each other.
    pub(crate) fn next_gap(&self, from: u64, steps: &mut Steps) -> Walk<(u64, u64)> {
        let mut expected = from;
        let mut at = self.lower(from).and_then(|at| self.live_from(at));
        while let Some(found) = at {
            let chunk = &self.chunks[found.chunk];
            let seq = chunk.seq(found.row);
            if seq != expected {
                return Walk::Found((expected, seq));
            }
            if !steps.take() {
                return Walk::More(expected);
            }
            let rows = if chunk.is_whole() { chunk.len() - found.row } else { 1 };
            expected += rows as u64;
            at = self.live_from(At { row: found.row + rows, ..found });
        }
        Walk::End
    }

    /// The chunk that a sequence is in, or would be: the last one that begins at or before it.
    fn chunk_of(&self, seq: u64) -> Option<usize> {
        let last = self.chunks.len().checked_sub(1)?;
        if self.chunks[last].base() <= seq {
            return Some(last);
        }
        let near = self.near.get();
        if near < last && self.chunks[near].base() <= seq && seq < self.chunks[near + 1].base() {
            return Some(near);
        }
        let found = self.chunks.partition_point(|chunk| chunk.base() <= seq).checked_sub(1)?;
        self.near.set(found);
        Some(found)
    }

    /// The first row with that sequence or a later one; perhaps it is dead.
    fn lower(&self, seq: u64) -> Option<At> {
        let Some(chunk) = self.chunk_of(seq) else {
            return (!self.chunks.is_empty()).then_some(At { chunk: 0, row: 0 });
        };
        let row = self.chunks[chunk].lower(seq);
        if row < self.chunks[chunk].len() {
            return Some(At { chunk, row });
        }
        (chunk + 1 < self.chunks.len()).then_some(At { chunk: chunk + 1, row: 0 })
    }

    /// The first live row from that one on.
    fn live_from(&self, at: At) -> Option<At> {
        let chunk = self.chunks.get(at.chunk)?;
        if let Some(row) = chunk.next_live(at.row) {
            return Some(At { row, ..at });
        }
        let row = self.chunks.get(at.chunk + 1)?.next_live(0)?;
        Some(At { chunk: at.chunk + 1, row })
    }

    /// Puts small neighbours together, so that chunks do not outnumber what is in them.
    fn unite(&mut self, number: usize) {
        for number in [Some(number), number.checked_sub(1)].into_iter().flatten() {
            let (one, next) = (self.open_at(number), self.open_at(number + 1));
            if one.zip(next).is_some_and(|(one, next)| one.can_take(next)) {
                let mut next = self.chunks.remove(number + 1).expect("it was just looked at");
                self.chunks[number].open().take_live(next.open());
            }
        }
    }

    fn open_at(&self, number: usize) -> Option<&Open> {
        self.chunks.get(number)?.as_open()
    }
}
