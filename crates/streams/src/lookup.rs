//! The last message of all subjects that a filter means: what a publisher may say it expects.
//!
//! With many subjects that takes a walk, which goes in slices.

use stream_index::{Filter, Steps, StreamIndex, Walk};

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

/// What a walk came to.
#[derive(Debug)]
pub(crate) enum Looked {
    /// The message, if there is one.
    At(Option<u64>),
    /// There was no time for all of it.
    NotYet(Box<Lookup>),
}

impl Lookup {
    fn new(filter: &[u8], index: &StreamIndex) -> Box<Self> {
        Box::new(Self { filter: filter.into(), up_to: index.last_seq(), after: None, last: 0 })
    }

    /// Goes on with a walk, if it is the same, or begins one.
    pub(crate) fn go_on(
        before: Option<Box<Self>>,
        index: &StreamIndex,
        filter: &Filter,
        text: &[u8],
    ) -> Looked {
        let last_seq = index.last_seq();
        // What was stored since may be the one.
        let lookup = before.filter(|lookup| *lookup.filter == *text && lookup.up_to == last_seq);
        match lookup {
            Some(lookup) => lookup.walk(index, filter),
            None => match index.last(filter, last_seq, &mut Steps::new(RECENT_STEPS)) {
                Walk::Found(row) => Looked::At(Some(row.seq)),
                Walk::End => Looked::At(None),
                Walk::More(_) => Self::new(text, index).walk(index, filter),
            },
        }
    }

    fn walk(mut self: Box<Self>, index: &StreamIndex, filter: &Filter) -> Looked {
        let mut last = self.last;
        let mut steps = Steps::new(LOOKUP_STEPS);
        let more = index.subjects(filter, self.after.as_deref(), &mut steps, |id| {
            last = last.max(index.tally(id).last);
        });
        if let Some(after) = more {
            (self.after, self.last) = (Some(after.into()), last);
            return Looked::NotYet(self);
        }
        if last > 0 && index.get(last).is_none() {
            // It went meanwhile: then another one is the last.
            return Looked::NotYet(Self::new(&self.filter, index));
        }
        Looked::At((last > 0).then_some(last))
    }
}
