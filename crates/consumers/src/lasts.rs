//! The last messages of all subjects, which a consumer delivers first that begins at the last one of each.
//!
//! The list is made in slices, in the order of subjects, of what is there then; each slice is a sorted run, and what
//! is next is the least of what stands in front of them. A subject that gets a newer message before its turn is
//! left to it: that one is behind the list. One that is on the list stays there as long as it is in the stream.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use stream_index::{Filter, Steps, StreamIndex};

/// What is left of a slice, the least in front.
#[derive(Debug)]
struct Run {
    seqs: Box<[u64]>,
    taken: usize,
}

impl Run {
    fn rest(&self) -> &[u64] {
        &self.seqs[self.taken..]
    }
}

#[derive(Debug)]
pub(crate) struct Lasts {
    /// The last sequence when the list was begun. From there on all messages are delivered.
    resume: u64,
    /// Nothing before is on the list.
    from: u64,
    runs: Vec<Run>,
    /// What stands in front of which run.
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    left: u64,
}

impl Lasts {
    pub(crate) fn new(from: u64, resume: u64) -> Self {
        Self { resume, from, runs: Vec::new(), heads: BinaryHeap::new(), left: 0 }
    }

    pub(crate) fn resume(&self) -> u64 {
        self.resume
    }

    /// How many are on the list and in the stream.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Looks at subjects behind that one. Says behind which to go on, if those were not all.
    pub(crate) fn gather(
        &mut self,
        index: &StreamIndex,
        filter: &Filter,
        after: Option<&[u8]>,
        steps: &mut Steps,
    ) -> Option<Box<[u8]>> {
        let mut seqs = Vec::new();
        let more = index.subjects(filter, after, steps, |id| {
            let last = index.tally(id).last;
            if (self.from..=self.resume).contains(&last) {
                seqs.push(last);
            }
        });
        let more = more.map(Box::from);
        seqs.sort_unstable();
        if let Some(first) = seqs.first() {
            self.heads.push(Reverse((*first, self.runs.len())));
            self.left += seqs.len() as u64;
            self.runs.push(Run { seqs: seqs.into(), taken: 0 });
        }
        more
    }

    /// The next one. It stays there.
    pub(crate) fn front(&self) -> Option<u64> {
        self.heads.peek().map(|Reverse((seq, _))| *seq)
    }

    /// Takes the next one off the list: it was delivered, or it is gone and that was [said](Self::remove).
    pub(crate) fn pop(&mut self, was_there: bool) {
        let Some(Reverse((_, at))) = self.heads.pop() else { return };
        self.left -= u64::from(was_there);
        let run = &mut self.runs[at];
        run.taken += 1;
        if let Some(next) = run.rest().first() {
            self.heads.push(Reverse((*next, at)));
        }
    }

    /// A message is gone from the stream.
    pub(crate) fn remove(&mut self, seq: u64) {
        self.left -= u64::from(self.contains(seq));
    }

    pub(crate) fn contains(&self, seq: u64) -> bool {
        self.runs.iter().any(|run| run.rest().binary_search(&seq).is_ok())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let runs = self.runs.capacity() * size_of::<Run>();
        let seqs: usize = self.runs.iter().map(|run| run.seqs.len()).sum();
        size_of::<Self>() + runs + seqs * size_of::<u64>()
    }
}
