//! What is stored of a consumer: all of it, or what changed. The bytes are in docs/formats/consumers.md.

use std::ops::RangeInclusive;

use crate::changes::Changes;
use crate::codec::{BadState, Reader, VERSION, Writer};
use crate::consumer::{Consumer, Position};
use crate::lasts::Lasts;
use crate::now::{NEVER, Now};
use crate::pending::Entry;

/// No consumer comes so far. Where it begins in the stream may be anywhere.
const COUNT_MAX: u64 = u64::MAX / 4;

/// A record of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// All of it. Nothing before is needed any more.
    State(Vec<u8>),
    /// What changed since the one before.
    Delta(Vec<u8>),
}

impl Consumer {
    /// Whether there is something to store.
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty() && self.is_started()
    }

    /// What is to be stored of what happened since this was last asked: once a batch, not once a message. Nothing
    /// while it is not [settled](Self::settle).
    pub fn take_saved(&mut self, at: &Now) -> Option<Saved> {
        if !self.has_changes() {
            return None;
        }
        if self.changes.is_whole() {
            return Some(Saved::State(self.take_state(at)));
        }
        let changed = self.changes.take();
        let (mut gone, mut pending, mut exceeded) = (Vec::new(), Vec::new(), Vec::new());
        for seq in changed {
            if let Some(entry) = self.pending.get_mut(seq) {
                entry.is_dirty = false;
                pending.push(*entry);
            } else if self.exceeded.contains(&seq) {
                exceeded.push(seq);
            } else {
                gone.push(seq);
            }
        }
        let mut out = self.front();
        write_ranges(&mut out, &gone);
        write_entries(&mut out, &pending, self.shift(at));
        write_seqs(&mut out, exceeded.len(), exceeded.into_iter());
        Some(Saved::Delta(out.0))
    }

    /// All that is stored of it, as if nothing of it had been. What [`take_saved`](Self::take_saved) gave before
    /// comes before it.
    pub fn take_state(&mut self, at: &Now) -> Vec<u8> {
        self.changes = Changes::default();
        self.pending.iter_mut().for_each(|entry| entry.is_dirty = false);
        let pending: Vec<Entry> = self.pending.iter().copied().collect();
        let mut out = self.front();
        write_entries(&mut out, &pending, self.shift(at));
        write_seqs(&mut out, self.exceeded.len(), self.exceeded.iter().copied());
        out.0
    }

    /// Takes over a state that was stored.
    ///
    /// # Errors
    ///
    /// These are not the bytes of one. The consumer is not to be used then.
    pub fn load(&mut self, state: &[u8]) -> Result<(), BadState> {
        let mut reader = Reader(state);
        self.read_front(&mut reader)?;
        self.pending.clear();
        self.exceeded.clear();
        self.read_entries(&mut reader)?;
        self.read_exceeded(&mut reader)?;
        reader.end()
    }

    /// Takes over what changed.
    ///
    /// # Errors
    ///
    /// These are not the bytes of that. The consumer is not to be used then.
    pub fn apply(&mut self, delta: &[u8]) -> Result<(), BadState> {
        let mut reader = Reader(delta);
        let before = self.delivered;
        self.read_front(&mut reader)?;
        if self.delivered.stream < before.stream || self.delivered.consumer < before.consumer {
            // What waits would not have been delivered.
            return Err(BadState::Damaged);
        }
        self.pending.take_through(self.floor.stream, drop);
        let mut last = 0;
        for _ in 0..reader.number()? {
            let range = read_range(&mut reader, last)?;
            last = *range.end();
            self.remove_range(&range);
        }
        self.read_entries(&mut reader)?;
        self.read_exceeded(&mut reader)?;
        reader.end()
    }

    fn remove_range(&mut self, range: &RangeInclusive<u64>) {
        while let Some(seq) = self.pending.next_after(range.start() - 1).map(|entry| entry.seq) {
            if seq > *range.end() {
                break;
            }
            self.pending.remove(seq);
        }
        while let Some(seq) = self.exceeded.range(range.clone()).next().copied() {
            self.exceeded.remove(&seq);
        }
    }

    /// What stands in front of both.
    fn front(&self) -> Writer {
        let mut out = Writer(vec![VERSION]);
        let Self { delivered, floor, lasts, .. } = self;
        for number in [delivered.consumer, delivered.stream, floor.consumer, floor.stream] {
            out.number(number);
        }
        out.number(lasts.as_ref().map_or(0, |lasts| lasts.resume() + 1));
        out
    }

    fn read_front(&mut self, reader: &mut Reader<'_>) -> Result<(), BadState> {
        match reader.byte()? {
            VERSION => {}
            version => return Err(BadState::Version(version)),
        }
        self.delivered = Position { consumer: reader.number()?, stream: reader.number()? };
        self.floor = Position { consumer: reader.number()?, stream: reader.number()? };
        let resume = reader.number()?.checked_sub(1);
        let Self { delivered, floor, .. } = self;
        let is_sound = floor.consumer <= delivered.consumer
            && floor.stream <= delivered.stream
            && delivered.consumer <= COUNT_MAX
            && delivered.stream.max(resume.unwrap_or(0)) < u64::MAX;
        if !is_sound {
            return Err(BadState::Damaged);
        }
        let next = delivered.stream + 1;
        // The list itself is made again by who leads.
        self.lasts = resume.map(|resume| Box::new(Lasts::new(next, resume)));
        self.cursor = resume.map_or(next, |resume| resume + 1);
        Ok(())
    }

    fn read_entries(&mut self, reader: &mut Reader<'_>) -> Result<(), BadState> {
        let mut last = Entry::new(0, 0, 0);
        for _ in 0..reader.number()? {
            let is_forever;
            (last, is_forever) = read_entry(reader, &last)?;
            let is_delivered = last.seq <= self.delivered.stream && last.first <= self.delivered.consumer;
            if !is_delivered || last.seq <= self.floor.stream {
                return Err(BadState::Damaged);
            }
            self.exceeded.remove(&last.seq);
            let due = if is_forever { NEVER } else { last.due };
            self.pending.insert(Entry { due, ..last });
        }
        Ok(())
    }

    fn read_exceeded(&mut self, reader: &mut Reader<'_>) -> Result<(), BadState> {
        let mut last = 0;
        for _ in 0..reader.number()? {
            last = reader.beyond(last)?;
            self.pending.remove(last);
            self.exceeded.insert(last);
        }
        Ok(())
    }

    /// What is added to times to have them on the clock that all share.
    fn shift(&self, at: &Now) -> i64 {
        if self.is_leading { at.wall.saturating_sub(at.mono) } else { 0 }
    }
}

/// Each as the distance from the one before.
fn write_seqs(out: &mut Writer, len: usize, seqs: impl Iterator<Item = u64>) {
    out.number(len as u64);
    let mut last = 0;
    for seq in seqs {
        out.number(seq - last);
        last = seq;
    }
}

/// Runs of them: how far behind the one before, and how many more follow.
fn write_ranges(out: &mut Writer, seqs: &[u64]) {
    let ranges: Vec<&[u64]> = seqs.chunk_by(|a, b| a + 1 == *b).collect();
    out.number(ranges.len() as u64);
    let mut last = 0;
    for range in ranges {
        out.number(range[0] - last);
        out.number(range.len() as u64 - 1);
        last = range[range.len() - 1];
    }
}

fn read_range(reader: &mut Reader<'_>, last: u64) -> Result<RangeInclusive<u64>, BadState> {
    let first = reader.beyond(last)?;
    if first == 0 {
        return Err(BadState::Damaged);
    }
    Ok(first..=reader.beyond(first)?)
}

fn write_entries(out: &mut Writer, entries: &[Entry], shift: i64) {
    out.number(entries.len() as u64);
    let mut last = Entry::new(0, 0, 0);
    for entry in entries {
        let is_forever = entry.due == NEVER;
        let due = if is_forever { last.due } else { entry.due.saturating_add(shift) };
        out.number(entry.seq - last.seq);
        out.signed(entry.first.wrapping_sub(last.first) as i64);
        out.number(u64::from(entry.deliveries) << 1 | u64::from(is_forever));
        if !is_forever {
            out.signed(due.wrapping_sub(last.due));
        }
        last = Entry { due, ..*entry };
    }
}

/// The next entry, and whether it never comes again. If so its time is not written, and the entry has that of the one
/// before, from which the time of the next one is counted.
fn read_entry(reader: &mut Reader<'_>, last: &Entry) -> Result<(Entry, bool), BadState> {
    let seq = reader.beyond(last.seq)?;
    let first = last.first.wrapping_add(reader.signed()? as u64);
    let word = reader.number()?;
    let deliveries = u32::try_from(word >> 1).map_err(|_| BadState::Damaged)?;
    let is_forever = word & 1 == 1;
    let due = if is_forever { last.due } else { last.due.wrapping_add(reader.signed()?) };
    if first == 0 || seq == 0 {
        return Err(BadState::Damaged);
    }
    Ok((Entry { deliveries, ..Entry::new(seq, first, due) }, is_forever))
}
