//! The index: filters in, subscriptions of a subject out.
//!
//! A literal filter is one entry of a hash table, a filter with wildcards a path in a trie. A
//! match is therefore one probe, and a walk only if there are wildcard filters at all. A subject
//! that was published with a wildcard token or an empty one cannot equal a literal filter, so the
//! probe needs no check of the subject.

use std::hash::Hash;
use std::ops::ControlFlow;

use crate::change_stamps::ChangeStamps;
use crate::filter::valid_filter_matches;
use crate::filter_key::{FilterKey, Whereabouts};
use crate::grammar::{FilterKind, SubjectError, classify, classify_counted};
use crate::hashing::{ShortHash, SubjectHash, SubjectHasher};
use crate::literal_table::LiteralTable;
use crate::matches::Matches;
use crate::members::Wanted;
use crate::stem::Stem;
use crate::subscribers::Subscribers;
use crate::wildcard_trie::{Relation, WildcardTrie, split};

/// Subscriptions by filter and queue group. `T` is whatever the owner needs to find one again.
///
/// The same value may be inserted any number of times, under one filter or several: each insert
/// is a subscription of its own and takes a remove of its own.
///
/// Hash tables inside are seeded at random per trie, so that chosen filters cannot be made to
/// collide. The seed never shows: what is found, and in which order, follows from the operations.
pub struct SubjectTrie<T> {
    hasher: SubjectHasher,
    literals: LiteralTable<T>,
    wildcards: WildcardTrie<T>,
    changes: ChangeStamps,
    len: usize,
    /// See [`SubjectTrie::take_nodes`].
    nodes: u64,
}

/// So many nodes a usual change comes to.
const FEW_NODES: u64 = 16;

/// So many nodes stay in the caches of a processor, with the table that finds them.
const NEAR_NODES: usize = 1 << 14;

/// What it takes to come to one of more nodes: it waits for memory, and so do its part of the table and its row there.
const FAR_NODE_WEIGHT: u64 = 16;

/// Up to this length a subject takes no longer than a usual one.
const USUAL_SUBJECT_BYTES: u64 = 128;

/// Beyond that, so many bytes take as long as a node: each second one may be a token, to be hashed.
const BYTES_PER_NODE: u64 = 4;

impl<T> Default for SubjectTrie<T> {
    fn default() -> Self {
        Self {
            hasher: SubjectHasher::default(),
            literals: LiteralTable::default(),
            wildcards: WildcardTrie::default(),
            changes: ChangeStamps::new(),
            len: 0,
            nodes: 0,
        }
    }
}

impl<T: Copy + Eq + Hash> SubjectTrie<T> {
    /// An empty trie, which owns no memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one subscription; returns a key for its filter.
    ///
    /// # Errors
    /// If `filter` is not a valid filter; nothing has changed then.
    pub fn insert(
        &mut self,
        filter: &[u8],
        queue: Option<&[u8]>,
        value: T,
    ) -> Result<FilterKey, SubjectError> {
        let (kind, tokens) = classify_counted(filter)?;
        let whereabouts = match kind {
            FilterKind::Literal => {
                let hash = self.hasher.short(filter);
                let at = self.literals.insert(hash, filter, queue, value);
                self.changes.on_literal_change(hash);
                Whereabouts::Literal { at }
            }
            FilterKind::Wildcard => {
                let (node, has_tail) = self.wildcards.insert(&self.hasher, filter, queue, value);
                self.changes.on_wildcard_change(&self.hasher, filter);
                self.note_nodes(tokens);
                Whereabouts::Wildcard { node, has_tail }
            }
        };
        self.len += 1;
        Ok(FilterKey::of(whereabouts))
    }

    /// Removes one subscription equal to the given one; false if there is none.
    pub fn remove(&mut self, filter: &[u8], queue: Option<&[u8]>, value: &T) -> bool {
        self.remove_wanted(filter, queue, Wanted::Equal(value)).is_some()
    }

    /// Removes one subscription with this filter and queue that `pred` picks. If it picks
    /// several, any of them goes. The time grows with the subscriptions that share both.
    pub fn remove_by(
        &mut self,
        filter: &[u8],
        queue: Option<&[u8]>,
        mut pred: impl FnMut(&T) -> bool,
    ) -> Option<T> {
        self.remove_wanted(filter, queue, Wanted::Picked(&mut pred))
    }

    /// [`remove`](Self::remove) by the key of the filter, which must be one that is stored.
    pub fn remove_at(&mut self, filter: FilterKey, queue: Option<&[u8]>, value: &T) -> bool {
        let wanted = Wanted::Equal(value);
        match filter.whereabouts() {
            Whereabouts::Literal { at } => {
                let removed = self.literals.remove_at(&self.hasher, at, queue, wanted);
                let Some((_, hash)) = removed else { return false };
                self.changes.on_literal_change(hash);
            }
            Whereabouts::Wildcard { node, has_tail } => {
                let mut filter = Vec::new();
                let nodes = self.wildcards.filter_of(node, has_tail, &mut filter);
                if self.wildcards.remove_at(node, has_tail, queue, wanted).is_none() {
                    return false;
                }
                self.changes.on_wildcard_change(&self.hasher, &filter);
                self.note_nodes(nodes);
            }
        }
        self.len -= 1;
        true
    }

    /// How many nodes of the trie changes have come to since this was asked last, beyond the first few of each: a
    /// measure of the time that filters took which have wildcards and very many tokens.
    #[inline]
    pub fn take_nodes(&mut self) -> u64 {
        std::mem::take(&mut self.nodes)
    }

    fn note_nodes(&mut self, nodes: u64) {
        self.nodes += nodes.saturating_sub(FEW_NODES);
    }

    /// Replaces `out` by the filter of a key, which must be one that is stored.
    pub fn filter(&self, key: FilterKey, out: &mut Vec<u8>) {
        match key.whereabouts() {
            Whereabouts::Literal { at } => {
                out.clear();
                out.extend_from_slice(self.literals.filter_at(at));
            }
            Whereabouts::Wildcard { node, has_tail } => {
                self.wildcards.filter_of(node, has_tail, out);
            }
        }
    }

    /// How many subscriptions a stored filter has with this queue, or without any.
    pub fn members(&self, filter: FilterKey, queue: Option<&[u8]>) -> usize {
        let subscribers = match filter.whereabouts() {
            Whereabouts::Literal { at } => self.literals.subscribers_at(at),
            Whereabouts::Wildcard { node, has_tail } => self.wildcards.subscribers_at(node, has_tail),
        };
        subscribers.count(queue)
    }

    fn remove_wanted(&mut self, filter: &[u8], queue: Option<&[u8]>, wanted: Wanted<'_, T>) -> Option<T> {
        let (kind, tokens) = classify_counted(filter).ok()?;
        let removed = match kind {
            FilterKind::Literal => {
                let hash = self.hasher.short(filter);
                let removed = self.literals.remove(hash, filter, queue, wanted)?;
                self.changes.on_literal_change(hash);
                removed
            }
            FilterKind::Wildcard => {
                let removed = self.wildcards.remove(&self.hasher, filter, queue, wanted)?;
                self.changes.on_wildcard_change(&self.hasher, filter);
                self.note_nodes(tokens);
                removed
            }
        };
        self.len -= 1;
        Some(removed)
    }

    /// Replaces `out` by every subscription that a message published to `subject` reaches.
    ///
    /// The subject is taken as plain tokens, whatever they are; with an empty token it matches
    /// nothing, not even `>`. Groups of one name are merged over all filters that match.
    pub fn collect(&self, subject: &[u8], out: &mut Matches<T>) {
        self.collect_hashed(self.hash(subject), subject, out);
    }

    /// Reads what [`collect`](Self::collect) will read for these subjects, so that the processor waits
    /// for the memory of all of them together. Appends to `values` those of their literal filters
    /// that seem to have just one, for the caller to do likewise with what is behind them.
    ///
    /// Pays if the filters are too many for the processor's caches; wildcards are not looked at.
    pub fn read_ahead(&self, subjects: &[SubjectHash], values: &mut Vec<T>) {
        self.literals.read_ahead(subjects, values);
    }

    /// Whether [`collect`](Self::collect) would find anything.
    pub fn has_interest(&self, subject: &[u8]) -> bool {
        self.has_interest_counted(subject).0
    }

    /// The same, and how many nodes of the trie that took. A subject that is very long counts as more of them.
    pub fn has_interest_counted(&self, subject: &[u8]) -> (bool, u64) {
        if self.literals.find(self.hasher.short(subject), subject).is_some() {
            return (true, 0);
        }
        let mut nodes = nodes_of_length(subject);
        let has_any = self.wildcards_matching(subject, &mut nodes, stop_at_the_first).is_break();
        (has_any, nodes)
    }

    /// The hash by which this trie and its caches know a subject. The seed is the trie's own.
    #[inline]
    pub fn hash(&self, subject: &[u8]) -> SubjectHash {
        self.hasher.hash(subject)
    }

    /// Number of subscriptions.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no subscription.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of different filters with at least one subscription.
    pub fn filters(&self) -> usize {
        self.literals.len() + self.wildcards.len()
    }

    /// Counts the changes so far: it differs whenever an answer of this trie may differ.
    pub fn generation(&self) -> u64 {
        self.changes.generation()
    }

    /// Visits every subscription, as filter, queue and value, in no meaningful order.
    pub fn for_each(&self, visit: impl FnMut(&[u8], Option<&[u8]>, &T)) {
        self.contained_by(b">", visit);
    }

    /// Visits every subscription whose filter could match a subject that `filter` matches too,
    /// as filter, queue and value, in no meaningful order. None, if `filter` is not valid.
    ///
    /// With a literal `filter` this costs as much as a match. With a wildcard one it looks at
    /// every literal filter there is: meant for permissions, not for messages.
    ///
    /// ```
    /// # let mut trie = subject_trie::SubjectTrie::new();
    /// trie.insert(b"orders.*", None, 1)?;
    /// trie.insert(b"stock.eu", None, 2)?;
    /// let mut found = vec![];
    /// trie.overlapping(b"*.eu", |filter, _queue, &value| found.push((filter.to_vec(), value)));
    /// found.sort();
    /// assert_eq!(found, [(b"orders.*".to_vec(), 1), (b"stock.eu".to_vec(), 2)]);
    /// # Ok::<(), subject_trie::SubjectError>(())
    /// ```
    pub fn overlapping(&self, filter: &[u8], visit: impl FnMut(&[u8], Option<&[u8]>, &T)) {
        self.reverse(filter, Relation::Overlapping, visit);
    }

    /// Visits every subscription whose filter matches no subject that `filter` does not match,
    /// as filter, queue and value. Order and cost as for [`overlapping`](Self::overlapping).
    ///
    /// ```
    /// # let mut trie = subject_trie::SubjectTrie::new();
    /// trie.insert(b"orders.*", None, 1)?;
    /// trie.insert(b"orders.>", None, 2)?;
    /// let mut found = vec![];
    /// trie.contained_by(b"*.*", |filter, _queue, &value| found.push((filter.to_vec(), value)));
    /// assert_eq!(found, [(b"orders.*".to_vec(), 1)]);
    /// # Ok::<(), subject_trie::SubjectError>(())
    /// ```
    pub fn contained_by(&self, filter: &[u8], visit: impl FnMut(&[u8], Option<&[u8]>, &T)) {
        self.reverse(filter, Relation::ContainedBy, visit);
    }

    fn reverse(&self, filter: &[u8], relation: Relation, mut visit: impl FnMut(&[u8], Option<&[u8]>, &T)) {
        let mut visit_all = |stored: &[u8], subscribers: &Subscribers<T>| {
            subscribers.for_each(|queue, value| visit(stored, queue, value));
        };
        match classify(filter) {
            Err(_) => return,
            Ok(FilterKind::Literal) => {
                if let Some(subscribers) = self.literals.find(self.hasher.short(filter), filter) {
                    visit_all(filter, subscribers);
                }
            }
            Ok(FilterKind::Wildcard) => {
                let literals =
                    self.literals.iter().filter(|(stored, _)| valid_filter_matches(filter, stored));
                literals.for_each(|(stored, subscribers)| visit_all(stored, subscribers));
            }
        }
        self.wildcards.reverse(&self.hasher, filter, relation, visit_all);
    }

    /// Returns how many nodes it came to. A subject that is very long counts as more of them.
    pub(crate) fn collect_hashed(&self, hash: SubjectHash, subject: &[u8], out: &mut Matches<T>) -> u64 {
        let mut nodes = nodes_of_length(subject);
        out.clear();
        if let Some(subscribers) = self.literals.find(hash.short(), subject) {
            subscribers.append_to(out);
        }
        let _ = self.wildcards_matching(subject, &mut nodes, |subscribers| {
            subscribers.append_to(out);
            ControlFlow::Continue(())
        });
        nodes
    }

    /// The same, for whom the last stem is remembered.
    pub(crate) fn collect_by_stem(
        &self,
        hash: SubjectHash,
        subject: &[u8],
        stem: &mut Stem,
        out: &mut Matches<T>,
    ) -> u64 {
        let mut nodes = nodes_of_length(subject);
        out.clear();
        if let Some(subscribers) = self.literals.find(hash.short(), subject) {
            subscribers.append_to(out);
        }
        let stem = (stem, self.generation());
        let visit = |subscribers: &Subscribers<T>| subscribers.append_to(out);
        self.wildcards.matching_by_stem(&self.hasher, subject, stem, &mut nodes, visit);
        nodes
    }

    fn wildcards_matching(
        &self,
        subject: &[u8],
        nodes: &mut u64,
        visit: impl FnMut(&Subscribers<T>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.wildcards.is_empty() {
            return ControlFlow::Continue(());
        }
        match split(subject) {
            Some(tokens) => self.wildcards.matching(&self.hasher, &tokens, nodes, visit),
            None => ControlFlow::Continue(()),
        }
    }

    /// What a node takes, beside one that is at hand.
    pub(crate) fn node_weight(&self) -> u64 {
        if self.wildcards.nodes() > NEAR_NODES { FAR_NODE_WEIGHT } else { 1 }
    }

    pub(crate) fn short_hash(&self, bytes: &[u8]) -> ShortHash {
        self.hasher.short(bytes)
    }

    pub(crate) fn changes(&self) -> &ChangeStamps {
        &self.changes
    }

    pub(crate) fn identity(&self) -> u64 {
        self.hasher.identity()
    }
}

impl<T: Copy + Eq + Hash> std::fmt::Debug for SubjectTrie<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubjectTrie")
            .field("len", &self.len())
            .field("filters", &self.filters())
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

/// What it takes to cut a subject into its tokens, in nodes.
fn nodes_of_length(subject: &[u8]) -> u64 {
    (subject.len() as u64).saturating_sub(USUAL_SUBJECT_BYTES) / BYTES_PER_NODE
}

fn stop_at_the_first<T: Copy + Eq + Hash>(subscribers: &Subscribers<T>) -> ControlFlow<()> {
    match subscribers.is_empty() {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    }
}

#[cfg(test)]
mod tests;
