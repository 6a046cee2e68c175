//! Counters: what an increment adds to, and what its message says instead of nothing.
//!
//! The last message of a subject says what its counter has come to, and how much of that came from where. It is read where
//! it lies, in the tail as well, so nothing of a counter is kept in memory. While the disk has to be asked for it the
//! increment waits, and what comes behind it.

use js_proto::{PublishHeaders, errors};
use stream_index::Place;

use crate::counter::{Adding, Counted, Counter, CounterDiff, FoundCounters};
use crate::publish::{Stop, refuse_if};
use crate::{Around, Found, Shelf, Stream};

impl<W> Stream<W> {
    /// Whether a message may say what it adds to a counter, if it does say that.
    pub(crate) fn check_counter(&self, asks: &PublishHeaders<'_>, payload: &[u8]) -> Result<(), Stop> {
        let Some(increment) = asks.incr else { return Ok(()) };
        refuse_if(increment.is_err(), &errors::MESSAGE_INCR_INVALID)?;
        refuse_if(!self.meta.config.allow_msg_counter, &errors::MESSAGE_INCR_DISABLED)?;
        refuse_if(!payload.is_empty(), &errors::MESSAGE_INCR_PAYLOAD)?;
        let clashes = asks.rollup.is_some()
            || asks.expected_stream.is_some()
            || asks.expected_last_msg_id.is_some()
            || asks.expected_last_subject.is_some()
            || asks.expected_last_seq.is_some()
            || asks.expected_last_subject_seq.is_some();
        refuse_if(clashes, &errors::MESSAGE_INCR_INVALID)
    }

    /// What becomes of a message if the stream counts.
    pub(crate) fn count(
        &mut self,
        adding: &Adding<'_>,
        around: &mut Around<'_>,
    ) -> Result<Option<Box<Counted>>, Stop> {
        if !self.meta.config.allow_msg_counter {
            return Ok(None);
        }
        let increment = adding.increment()?;
        let before = self.last_of_counter(adding.subject)?;
        let before = before.map_or(Ok(Counter::default()), |(_, place)| said_at(place, around.shelf))?;
        Ok(Some(before.counted(adding, increment, around.payload_bytes_max)?))
    }

    /// The same of a message of a batch, in which other messages may have added to it before.
    pub(crate) fn count_member(
        &mut self,
        diff: &mut CounterDiff,
        found: &mut FoundCounters,
        adding: &Adding<'_>,
        around: &mut Around<'_>,
    ) -> Result<Option<Box<Counted>>, Stop> {
        if !self.meta.config.allow_msg_counter {
            return Ok(None);
        }
        let increment = adding.increment()?;
        let before = match diff.get(adding.subject) {
            Some(counter) => counter.clone(),
            None => self.counter_for_batch(found, adding.subject, around.shelf)?,
        };
        let max = usize::try_from(self.meta.config.max_msg_size).unwrap_or(usize::MAX);
        let counted = before.counted(adding, increment, max.min(around.payload_bytes_max))?;
        diff.insert(adding.subject.into(), counted.counter.clone());
        Ok(Some(counted))
    }

    /// What a counter has come to before a batch. It is kept with the batch: one of many counters could not have all of
    /// them read at once.
    fn counter_for_batch(
        &mut self,
        found: &mut FoundCounters,
        subject: &[u8],
        shelf: &mut dyn Shelf,
    ) -> Result<Counter, Stop> {
        let Some((seq, place)) = self.last_of_counter(subject)? else { return Ok(Counter::default()) };
        if let Some((then, counter)) = found.get(subject)
            && *then == seq
        {
            return Ok(counter.clone());
        }
        let counter = said_at(place, shelf)?;
        found.insert(subject.into(), (seq, counter.clone()));
        Ok(counter)
    }

    /// The last message of a subject that there will be once the tail is committed, and where it lies.
    fn last_of_counter(&mut self, subject: &[u8]) -> Result<Option<(u64, Place)>, Stop> {
        if self.tail.is_opaque() {
            return Err(Stop::Later);
        }
        let in_tail = if self.tail.is_empty() { None } else { self.tail.subject(subject) };
        let is_in_tail = in_tail.is_some();
        let committed = |seq: u64| self.index.get(seq).map(|row| (seq, row.place));
        let last = match in_tail {
            Some(tail) => Some((tail.last, tail.place)),
            None => committed(self.last_of_committed(subject)),
        };
        match last {
            Some((seq, _)) if !self.will_stay(seq, is_in_tail) => Err(Stop::Later),
            last => Ok(last),
        }
    }

    /// Whether a message will not have given way to limits once the tail is committed, as far as that can be told: a stream
    /// that is full has no other tail than one in which the oldest go.
    fn will_stay(&self, seq: u64, is_in_tail: bool) -> bool {
        if self.tail.is_empty() || !self.would_exceed(0, 0) {
            return true;
        }
        let bytes = self.tail.bytes + if is_in_tail { 0 } else { self.index.bytes() };
        self.rules.max_bytes.is_none_or(|max| bytes <= max)
            && self.rules.max_messages.is_none_or(|max| self.ahead.last_seq - seq < max)
    }
}

/// What the message at a place says of its counter.
fn said_at(place: Place, shelf: &mut dyn Shelf) -> Result<Counter, Stop> {
    let broken = || Stop::from(&errors::MESSAGE_COUNTER_BROKEN);
    match shelf.read(place) {
        Found::Said(said) => Counter::read(said).ok_or_else(broken),
        Found::Wait => Err(Stop::Later),
        // To begin anew would be to say a sum that is none.
        Found::Lost => Err(broken()),
    }
}
