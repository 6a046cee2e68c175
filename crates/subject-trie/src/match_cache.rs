//! Remembered answers.
//!
//! Each answer knows the generation at which it was last known to be right. While the trie has
//! not moved on, one comparison says it still is; after that, [`ChangeStamps`] says whether a
//! change since concerned this subject. Nobody hunts entries when a subscription comes or goes.
//!
//! When the cache is full, a subject is only let in when it is missed a second time, and then a
//! clock hand goes round the slots: a slot that was hit since the hand last came by is spared once,
//! the first one that was not is taken over, its memory included. A stream of subjects that are
//! published to once (replies, or more subjects than the cache can hold) therefore costs no more
//! than its matches and leaves alone what is used again and again.
//!
//! [`ChangeStamps`]: crate::change_stamps::ChangeStamps

use hashbrown::HashTable;
use std::hash::Hash;

use crate::change_stamps::first_token;
use crate::hashing::{ShortHash, SubjectHash};
use crate::matches::Matches;
use crate::stem::Stem;
use crate::trie::SubjectTrie;

/// An answer of more subscriptions than this is not kept. Delivering that many messages takes
/// far longer than one match, and a few hot wildcards times many subjects would fill the memory.
pub const RESULT_VALUES_MAX: usize = 1024;

/// The answer for a subject longer than this is not kept: nobody's hot subject is that long.
pub const SUBJECT_BYTES_MAX: usize = 512;

/// For an answer that was not kept.
const NO_SLOT: usize = usize::MAX;

/// A bounded memory of what subjects match in one [`SubjectTrie`].
///
/// Full, it takes over an entry that was not used lately. It holds at most `entries_max` answers
/// of at most [`RESULT_VALUES_MAX`] subscriptions for subjects of at most [`SUBJECT_BYTES_MAX`]
/// bytes; anything larger is matched afresh at each lookup.
pub struct MatchCache<T> {
    entries_max: usize,
    /// The trie that all answers come from.
    trie_identity: u64,
    slots: Vec<Slot<T>>,
    /// Every slot, by the hash of its subject.
    index: HashTable<u32>,
    hand: usize,
    /// By hash, a tag of the last subject missed while the cache was full.
    missed: Vec<u16>,
    /// The slot that the last answer came from, if it came from one: publishers tend to repeat their
    /// subject.
    last: usize,
    /// What was found on the way to the last answer that was not remembered.
    stem: Stem,
    /// Where a match is made: the answer then moves to a slot, or stays if it is not to be kept.
    scratch: Matches<T>,
    hits: u64,
    misses: u64,
    nodes: u64,
}

struct Slot<T> {
    hash: SubjectHash,
    first_token: ShortHash,
    subject: Vec<u8>,
    matches: Matches<T>,
    /// The generation of the trie at which `matches` was last known to be right.
    right_at: u64,
    /// Hit since the hand last came by.
    used: bool,
}

/// So many nodes a usual lookup comes to.
const FEW_NODES: u64 = 32;

impl<T: Copy + Eq + Hash> MatchCache<T> {
    /// A cache for at most `entries_max` subjects. Memory grows with use, not now.
    pub fn new(entries_max: usize) -> Self {
        Self {
            entries_max: entries_max.min(u32::MAX as usize),
            trie_identity: 0,
            slots: Vec::new(),
            index: HashTable::new(),
            hand: 0,
            missed: Vec::new(),
            last: NO_SLOT,
            stem: Stem::default(),
            scratch: Matches::default(),
            hits: 0,
            misses: 0,
            nodes: 0,
        }
    }

    /// What [`SubjectTrie::collect`] would find now, from memory if possible.
    ///
    /// A cache belongs to one trie; handed another, it starts over.
    #[inline]
    pub fn lookup<'a>(&'a mut self, trie: &SubjectTrie<T>, subject: &[u8]) -> &'a Matches<T> {
        self.lookup_with_hash(trie, subject).1
    }

    /// [`lookup`](Self::lookup), and the [`hash`](SubjectTrie::hash) of the subject, which is mostly
    /// known anyway.
    #[inline]
    pub fn lookup_with_hash<'a>(
        &'a mut self,
        trie: &SubjectTrie<T>,
        subject: &[u8],
    ) -> (SubjectHash, &'a Matches<T>) {
        if self.is_repeated(trie, subject) {
            self.hits += 1;
            let slot = &mut self.slots[self.last];
            slot.used = true;
            return (slot.hash, &slot.matches);
        }
        self.search(trie, subject)
    }

    /// Whether the answer to the last lookup, in that trie, is known to be right still: [`Self::last`].
    #[inline]
    pub fn knows_last(&self, trie: &SubjectTrie<T>) -> bool {
        let slot = self.slots.get(self.last);
        self.trie_identity == trie.identity() && slot.is_some_and(|slot| slot.right_at == trie.generation())
    }

    /// Whether the answer to the last lookup was kept.
    #[inline]
    pub fn remembers_last(&self) -> bool {
        self.last != NO_SLOT
    }

    /// The answer to the last lookup again, for who knows that it was of this subject, which is neither
    /// hashed nor compared.
    ///
    /// # Panics
    /// When the answer was not kept. [`Self::knows_last`] says whether it was.
    #[inline]
    pub fn last(&mut self, subject: &[u8]) -> &Matches<T> {
        self.hits += 1;
        let slot = &mut self.slots[self.last];
        debug_assert_eq!(slot.subject, subject, "the last lookup was of another subject");
        slot.used = true;
        &slot.matches
    }

    #[inline(never)]
    fn search(&mut self, trie: &SubjectTrie<T>, subject: &[u8]) -> (SubjectHash, &Matches<T>) {
        if self.trie_identity != trie.identity() {
            self.clear();
            self.trie_identity = trie.identity();
        }
        let hash = trie.hash(subject);
        let found = self.find(hash, subject);
        if let Some(index) = found
            && self.is_right(index, trie)
        {
            self.hits += 1;
            self.slots[index].used = true;
            self.last = index;
            return (hash, &self.slots[index].matches);
        }
        self.misses += 1;
        self.last = NO_SLOT;
        let nodes = trie.collect_by_stem(hash, subject, &mut self.stem, &mut self.scratch);
        self.nodes += nodes.saturating_sub(FEW_NODES) * trie.node_weight();
        if !self.is_worth_keeping(subject) || (found.is_none() && !self.lets_in(hash)) {
            return (hash, &self.scratch);
        }
        let index = found.unwrap_or_else(|| self.claim_slot(trie, hash, subject));
        self.last = index;
        (hash, self.fill(index, trie.generation()))
    }

    /// How many nodes of the trie lookups have come to since this was asked last, beyond the first few of each: a
    /// measure of the time that subjects took which are not remembered, and are costly.
    pub fn take_nodes(&mut self) -> u64 {
        std::mem::take(&mut self.nodes)
    }

    /// Number of subjects remembered, those with outdated answers included.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Lookups answered from memory.
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// Lookups that took a match.
    pub fn misses(&self) -> u64 {
        self.misses
    }

    /// Of each subject remembered, how many subscribers and queue groups it has.
    pub fn fanouts(&self) -> impl Iterator<Item = usize> {
        self.slots.iter().map(|slot| slot.matches.plain.len() + slot.matches.queues.len())
    }

    /// Forgets every answer and gives the memory back.
    pub fn clear(&mut self) {
        self.slots = Vec::new();
        self.last = NO_SLOT;
        self.index = HashTable::new();
        self.hand = 0;
        self.missed = Vec::new();
        self.stem = Stem::default();
        self.scratch = Matches::default();
    }

    /// Whether the last hit answers this subject too, with no need to hash it.
    #[inline(always)]
    fn is_repeated(&self, trie: &SubjectTrie<T>, subject: &[u8]) -> bool {
        self.knows_last(trie) && is_same(&self.slots[self.last].subject, subject)
    }

    fn find(&self, hash: SubjectHash, subject: &[u8]) -> Option<usize> {
        let is_same = |&index: &u32| {
            let slot = &self.slots[index as usize];
            slot.hash == hash && slot.subject == subject
        };
        self.index.find(hash.bits(), is_same).map(|&index| index as usize)
    }

    fn is_right(&mut self, index: usize, trie: &SubjectTrie<T>) -> bool {
        let slot = &mut self.slots[index];
        if slot.right_at == trie.generation() {
            return true;
        }
        if slot.right_at < trie.changes().changed_at(slot.hash.short(), slot.first_token) {
            return false;
        }
        slot.right_at = trie.generation();
        true
    }

    fn is_worth_keeping(&self, subject: &[u8]) -> bool {
        self.entries_max > 0 && subject.len() <= SUBJECT_BYTES_MAX && self.scratch.len() <= RESULT_VALUES_MAX
    }

    /// Whether a subject that has no slot is to get one: while there is room, or when it was the last
    /// of its kind to be missed, too.
    fn lets_in(&mut self, hash: SubjectHash) -> bool {
        if self.slots.len() < self.entries_max {
            return true;
        }
        self.missed.resize(self.entries_max, 0);
        let kind = hash.bits() as usize % self.entries_max;
        // Never the tag of a fresh row.
        let tag = (hash.bits() >> 48) as u16 | 1;
        std::mem::replace(&mut self.missed[kind], tag) == tag
    }

    /// A slot for a subject that has none: a new one, or the one the hand stops at.
    fn claim_slot(&mut self, trie: &SubjectTrie<T>, hash: SubjectHash, subject: &[u8]) -> usize {
        let index = if self.slots.len() < self.entries_max {
            self.slots.push(Slot::new(hash));
            self.slots.len() - 1
        } else {
            self.evict()
        };
        let slot = &mut self.slots[index];
        slot.hash = hash;
        slot.first_token = trie.short_hash(first_token(subject));
        slot.subject.clear();
        slot.subject.extend_from_slice(subject);
        slot.used = false;
        let slots = &self.slots;
        self.index.insert_unique(hash.bits(), index as u32, |&index| slots[index as usize].hash.bits());
        index
    }

    fn evict(&mut self) -> usize {
        while std::mem::take(&mut self.slots[self.hand].used) {
            self.advance_hand();
        }
        let index = self.hand;
        self.advance_hand();
        let hash = self.slots[index].hash.bits();
        let found = self.index.find_entry(hash, |&other| other as usize == index);
        found.expect("every slot is in the index").remove();
        index
    }

    fn advance_hand(&mut self) {
        self.hand = (self.hand + 1) % self.slots.len();
    }

    fn fill(&mut self, index: usize, generation: u64) -> &Matches<T> {
        if self.scratch.capacity() > RESULT_VALUES_MAX {
            self.scratch.shrink_to_fit();
        }
        let slot = &mut self.slots[index];
        slot.right_at = generation;
        std::mem::swap(&mut slot.matches, &mut self.scratch);
        &slot.matches
    }
}

impl<T> Slot<T> {
    fn new(hash: SubjectHash) -> Self {
        Self {
            hash,
            first_token: hash.short(),
            subject: Vec::new(),
            matches: Matches::default(),
            right_at: 0,
            used: false,
        }
    }
}

/// Equality of two slices that are mostly as long as a subject: up to 32 bytes it takes four loads in line
/// where comparing any length is a call.
#[inline(always)]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        8..=16 => a.first_chunk::<8>() == b.first_chunk::<8>() && a.last_chunk::<8>() == b.last_chunk::<8>(),
        17..=32 => {
            a.first_chunk::<16>() == b.first_chunk::<16>() && a.last_chunk::<16>() == b.last_chunk::<16>()
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CACHE_ENTRIES: usize = 8;

    fn filled_trie() -> SubjectTrie<u32> {
        let mut trie = SubjectTrie::new();
        trie.insert(b"hot", None, 1).expect("valid");
        trie.insert(b"cold.>", None, 2).expect("valid");
        trie
    }

    #[test]
    fn slices_are_compared_to_the_last_byte() {
        for len in 0..40 {
            let one: Vec<u8> = (0..len).collect();
            assert!(is_same(&one, &one.clone()));
            assert!(!is_same(&one, &[&one[..], b"x"].concat()));
            for at in 0..one.len() {
                let mut other = one.clone();
                other[at] ^= 1;
                assert!(!is_same(&one, &other), "byte {at} of {len}");
            }
        }
    }

    #[test]
    fn the_last_answer_is_known_until_the_trie_changes() {
        let mut trie = filled_trie();
        let mut cache = MatchCache::new(CACHE_ENTRIES);
        assert!(!cache.knows_last(&trie), "there was none");
        cache.lookup(&trie, b"hot");
        cache.lookup(&trie, b"cold.1");
        for _ in 0..2 {
            assert!(cache.knows_last(&trie));
            assert_eq!(cache.last(b"cold.1").plain, [2]);
        }
        assert_eq!((cache.hits(), cache.misses()), (2, 2));
        assert!(!cache.knows_last(&filled_trie()), "that is another trie");
        trie.insert(b"other", None, 3).expect("valid");
        assert!(!cache.knows_last(&trie));
    }

    #[test]
    fn an_answer_that_was_not_kept_is_not_the_last_known() {
        let trie = filled_trie();
        let mut cache = MatchCache::new(CACHE_ENTRIES);
        cache.lookup(&trie, b"hot");
        let long = [b"cold.", &[b'x'; SUBJECT_BYTES_MAX][..]].concat();
        assert!(cache.remembers_last());
        assert_eq!(cache.lookup(&trie, &long).plain, [2]);
        assert!(!cache.knows_last(&trie) && !cache.remembers_last());
        cache.clear();
        assert!(!cache.knows_last(&trie));
    }

    #[test]
    fn a_hot_subject_outlives_a_stream_of_subjects_used_once() {
        let trie = filled_trie();
        let mut cache = MatchCache::new(CACHE_ENTRIES);
        for round in 0..1000 {
            assert_eq!(cache.lookup(&trie, b"hot").plain, [1]);
            assert_eq!(cache.lookup(&trie, format!("cold.{round}").as_bytes()).plain, [2]);
        }
        assert_eq!(cache.len(), CACHE_ENTRIES);
        assert_eq!((cache.hits(), cache.misses()), (999, 1001));
    }

    #[test]
    fn a_full_cache_lets_in_what_is_missed_twice() {
        let trie = filled_trie();
        let mut cache = MatchCache::new(CACHE_ENTRIES);
        for round in 0..CACHE_ENTRIES {
            cache.lookup(&trie, format!("cold.{round}").as_bytes());
        }
        for hits in [0, 0, 1, 2] {
            assert_eq!(cache.lookup(&trie, b"hot").plain, [1]);
            assert_eq!(cache.hits(), hits);
        }
    }

    #[test]
    fn when_all_are_hot_one_still_makes_room() {
        let trie = filled_trie();
        let mut cache = MatchCache::new(CACHE_ENTRIES);
        for round in 0..100 {
            for subject in 0..=CACHE_ENTRIES + round % 3 {
                let subject = format!("cold.{subject}");
                for _ in 0..3 {
                    assert_eq!(cache.lookup(&trie, subject.as_bytes()).plain, [2]);
                }
            }
        }
        assert_eq!((cache.len(), cache.index.len()), (CACHE_ENTRIES, CACHE_ENTRIES));
        assert!(cache.hits() * 2 >= cache.misses(), "each third lookup is a hit");
    }

    #[test]
    fn other_subjects_coming_and_going_leave_an_answer_alone() {
        let mut trie = filled_trie();
        let mut cache = MatchCache::new(CACHE_ENTRIES);
        cache.lookup(&trie, b"hot");
        for round in 0..200 {
            let filter = format!("_INBOX.{round}");
            trie.insert(filter.as_bytes(), None, round).expect("valid");
            trie.insert(format!("client{round}.*").as_bytes(), None, round).expect("valid");
            cache.lookup(&trie, b"hot");
            assert!(trie.remove(filter.as_bytes(), None, &round));
        }
        // Three stamps a round, one in 256 on a stripe of "hot": about two or three in all.
        assert!(cache.misses() < 50, "{} misses", cache.misses());
    }

    #[test]
    fn what_is_too_large_is_answered_and_not_kept() {
        let mut trie = filled_trie();
        let mut cache = MatchCache::new(CACHE_ENTRIES);
        let long = format!("cold.{}", "x".repeat(SUBJECT_BYTES_MAX));
        assert_eq!(cache.lookup(&trie, long.as_bytes()).plain, [2]);
        for value in 0..RESULT_VALUES_MAX as u32 {
            trie.insert(b"crowd", value.is_multiple_of(2).then_some(b"q"), value).expect("valid");
        }
        assert_eq!(cache.lookup(&trie, b"crowd").len(), RESULT_VALUES_MAX);
        assert_eq!(cache.len(), 1);
        trie.insert(b"crowd", None, 0).expect("valid");
        assert_eq!(cache.lookup(&trie, b"crowd").len(), RESULT_VALUES_MAX + 1);
        assert_eq!(cache.lookup(&trie, b"crowd").len(), RESULT_VALUES_MAX + 1);
        assert_eq!((cache.hits(), cache.misses()), (0, 4));
        assert_eq!(MatchCache::new(0).lookup(&trie, b"hot").plain, [1]);
    }

    #[test]
    fn a_small_answer_does_not_keep_the_memory_of_a_large_one() {
        let mut trie = filled_trie();
        let mut cache = MatchCache::new(CACHE_ENTRIES);
        for value in 0..100_000_u32 {
            trie.insert(b"crowd", value.is_multiple_of(2).then_some(b"q"), value).expect("valid");
        }
        cache.lookup(&trie, b"crowd");
        cache.lookup(&trie, b"hot");
        let held: usize = cache.slots.iter().map(|slot| slot.matches.capacity()).sum();
        assert!(held <= CACHE_ENTRIES * RESULT_VALUES_MAX, "{held}");
    }

    #[test]
    fn another_trie_at_the_same_generation_is_not_mistaken_for_the_first() {
        let first = filled_trie();
        let mut second = SubjectTrie::new();
        second.insert(b"hot", None, 3).expect("valid");
        second.insert(b"cold.>", None, 4).expect("valid");
        assert_eq!(first.generation(), second.generation());
        let mut cache = MatchCache::new(CACHE_ENTRIES);
        assert_eq!(cache.lookup(&first, b"hot").plain, [1]);
        assert_eq!(cache.lookup(&second, b"hot").plain, [3]);
        assert_eq!(cache.len(), 1, "what came from the first trie is gone");
    }
}
