//! When did an answer last become doubtful? Coarse, small, and never wrong in the dangerous way.
//!
//! Every change of the trie takes the next generation. A change of a literal filter can only
//! alter the answer for that very subject; a wildcard filter whose first token is a literal only
//! answers for subjects that start with that token; any other wildcard filter may alter every
//! answer. The first two kinds stamp one of a few hundred stripes, picked by hash, the last
//! stamps them all. An answer is good while no stamp that concerns it is newer than the answer:
//! two subjects on one stripe cost a needless match now and then, never a stale answer.

use crate::grammar::tokens;
use crate::hashing::{ShortHash, SubjectHasher};

/// 2 KiB per trie. One change in 256 spoils the answer for a subject it has nothing to do with.
const STRIPES: usize = 256;

pub(crate) struct ChangeStamps {
    generation: u64,
    all_at: u64,
    /// Empty until the first change that needs it.
    stripes: Vec<u64>,
}

impl ChangeStamps {
    pub(crate) fn new() -> Self {
        Self { generation: 0, all_at: 0, stripes: Vec::new() }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn on_literal_change(&mut self, hash: ShortHash) {
        self.generation += 1;
        self.stripes.resize(STRIPES, 0);
        self.stripes[stripe(hash)] = self.generation;
    }

    pub(crate) fn on_wildcard_change(&mut self, hasher: &SubjectHasher, filter: &[u8]) {
        let first_token = first_token(filter);
        if matches!(first_token, b"*" | b">") {
            self.generation += 1;
            self.all_at = self.generation;
        } else {
            self.on_literal_change(hasher.short(first_token));
        }
    }

    /// The generation of the last change that may have altered the answer for a subject with
    /// this hash, and this hash of its first token.
    pub(crate) fn changed_at(&self, subject: ShortHash, first_token: ShortHash) -> u64 {
        let at = |hash| self.stripes.get(stripe(hash)).copied().unwrap_or(0);
        self.all_at.max(at(subject)).max(at(first_token))
    }
}

pub(crate) fn first_token(subject: &[u8]) -> &[u8] {
    tokens(subject).next().unwrap_or(subject)
}

fn stripe(hash: ShortHash) -> usize {
    hash.0 as usize % STRIPES
}
