//! The last message of all subjects that a filter means: what a publisher may say it expects.
//!
//! With many subjects that takes a walk, which goes in slices. Until it is over the message is decided
//! [later](crate::Decision::Later), and all behind it.

use stream_index::{Filter, Steps, StreamIndex, Walk};

use crate::Stream;
use crate::publish::Stop;

/// What is looked at in one turn, in steps.
pub const LOOKUP_STEPS: u32 = 4_096;

/// Rows from the end on among which the message is likely to be.
const RECENT_STEPS: u32 = 512;

/// How far a walk is.
#[derive(Debug)]
pub(crate) struct Lookup {
    filter: Box<[u8]>,
    /// The last sequence when it began.
    up_to: u64,
    after: Option<Box<[u8]>>,
    /// The last message of those subjects that were looked at.
    last: u64,
}

impl Lookup {
    fn new(filter: &[u8], index: &StreamIndex) -> Box<Self> {
        Box::new(Self { filter: filter.into(), up_to: index.last_seq(), after: None, last: 0 })
    }
}

impl<W> Stream<W> {
    /// Whether [`decide`](Self::decide) said *later* for nothing but want of time: it may be asked again in the next turn.
    pub fn is_looking(&self) -> bool {
        self.lookup.is_some()
    }

    /// The last committed message of what a filter means.
    pub(crate) fn last_committed(&mut self, filter: &Filter, text: &[u8]) -> Result<Option<u64>, Stop> {
        if filter.literal().is_some() {
            let last = self.last_of_committed(text);
            return Ok((last > 0).then_some(last));
        }
        // What was stored since may be the one.
        let last_seq = self.index.last_seq();
        let lookup = self.lookup.take();
        let mut lookup = match lookup.filter(|lookup| *lookup.filter == *text && lookup.up_to == last_seq) {
            Some(lookup) => lookup,
            None => match self.index.last(filter, last_seq, &mut Steps::new(RECENT_STEPS)) {
                Walk::Found(row) => return Ok(Some(row.seq)),
                Walk::End => return Ok(None),
                Walk::More(_) => Lookup::new(text, &self.index),
            },
        };
        let (index, mut last) = (&self.index, lookup.last);
        let mut steps = Steps::new(LOOKUP_STEPS);
        let more = index.subjects(filter, lookup.after.as_deref(), &mut steps, |id| {
            last = last.max(index.tally(id).last);
        });
        if let Some(after) = more {
            (lookup.after, lookup.last) = (Some(after.into()), last);
            self.lookup = Some(lookup);
            return Err(Stop::Later);
        }
        if last > 0 && index.get(last).is_none() {
            // It went meanwhile: then another one is the last.
            self.lookup = Some(Lookup::new(text, &self.index));
            return Err(Stop::Later);
        }
        Ok((last > 0).then_some(last))
    }
}
