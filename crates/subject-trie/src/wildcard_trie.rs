//! Filters with wildcards: a trie of tokens.
//!
//! Nodes stand in numbered rows and name each other by number. The child of a node under a literal
//! token is found through one hash table for the whole trie, keyed by parent and token; the child
//! under `*` and the subscriptions behind `>` are fields of the node. Children are also chained
//! as siblings, so that a reverse match can visit them all.
//!
//! Always true: every node but the root leads to some subscription.

use std::hash::Hash;
use std::ops::ControlFlow;

use smallvec::{SmallVec, smallvec};

use crate::grammar::tokens;
use crate::hashing::{ShortHash, SubjectHasher};
use crate::members::Wanted;
use crate::name::Name;
use crate::steady::{SteadyRows, SteadyTable};
use crate::stem::{Stem, StemStep, split_last};
use crate::subscribers::Subscribers;

type NodeId = u32;
const ROOT: NodeId = 0;
/// The root is nobody's child, so its id says "no such node".
const NONE: NodeId = ROOT;

/// Tokens of a subject are kept on the stack up to this many.
const TOKENS_INLINE: usize = 16;

/// Hashed only where they are asked for: most subjects leave the trie after a token or two.
pub(crate) type Tokens<'a> = SmallVec<[&'a [u8]; TOKENS_INLINE]>;

/// The tokens of a published subject; `None` if one is empty.
pub(crate) fn split(subject: &[u8]) -> Option<Tokens<'_>> {
    let mut split = Tokens::new();
    for token in tokens(subject) {
        if token.is_empty() {
            return None;
        }
        split.push(token);
    }
    Some(split)
}

/// Which stored filters a reverse match is after.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Relation {
    Overlapping,
    ContainedBy,
}

pub(crate) struct WildcardTrie<T> {
    nodes: SteadyRows<Node<T>>,
    /// Every node that is the child of another under a literal token.
    children: SteadyTable<Child>,
    filters: usize,
}

/// The hash stands beside the node, so that neither growing nor a wrong candidate reads nodes.
#[derive(Clone, Copy)]
struct Child {
    hash: ShortHash,
    id: NodeId,
}

impl Child {
    fn table_hash(&self) -> u64 {
        self.hash.spread()
    }
}

struct Node<T> {
    parent: NodeId,
    star: NodeId,
    first_child: NodeId,
    next_sibling: NodeId,
    previous_sibling: NodeId,
    /// Hash of `token` under `parent`.
    hash: ShortHash,
    /// The last token on the way here.
    token: Name,
    /// Subscriptions to the filter that ends here.
    here: Subscribers<T>,
    /// Subscriptions to the filter that ends here with one more token, `>`.
    tail: Subscribers<T>,
}

impl<T> Node<T> {
    fn new(parent: NodeId, hash: ShortHash, token: &[u8]) -> Self {
        Self {
            parent,
            star: NONE,
            first_child: NONE,
            next_sibling: NONE,
            previous_sibling: NONE,
            hash,
            token: token.into(),
            here: Subscribers::None,
            tail: Subscribers::None,
        }
    }

    fn is_star(&self) -> bool {
        self.token[..] == *b"*"
    }
}

impl<T: Copy + Eq + Hash> Node<T> {
    fn leads_nowhere(&self) -> bool {
        self.star == NONE && self.first_child == NONE && self.here.is_empty() && self.tail.is_empty()
    }
}

impl<T> Default for WildcardTrie<T> {
    fn default() -> Self {
        Self { nodes: SteadyRows::new(), children: SteadyTable::new(), filters: 0 }
    }
}

impl<T: Copy + Eq + Hash> WildcardTrie<T> {
    /// Number of filters.
    pub(crate) fn len(&self) -> usize {
        self.filters
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.filters == 0
    }

    /// Number of nodes.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Adds a subscription to a valid filter; returns the node the filter ends at, and whether in its
    /// tail.
    pub(crate) fn insert(
        &mut self,
        hasher: &SubjectHasher,
        filter: &[u8],
        queue: Option<&[u8]>,
        value: T,
    ) -> (NodeId, bool) {
        let (path, has_tail) = split_tail(filter);
        if self.nodes.is_empty() {
            let root = self.add_node(Node::new(NONE, ShortHash(0), b""));
            debug_assert_eq!(root, ROOT, "the first row of all");
        }
        let (id, _) = path.fold((ROOT, false), |(at, is_new), token| {
            // Below one that was just made there is none.
            let child = if is_new { None } else { self.child(hasher, at, token) };
            child.map_or_else(|| (self.add_child(hasher, at, token), true), |child| (child, false))
        });
        let subscribers = self.subscribers_mut(id, has_tail);
        let is_new = subscribers.is_empty();
        subscribers.add(queue, value);
        self.filters += usize::from(is_new);
        (id, has_tail)
    }

    /// `filter` must be valid.
    pub(crate) fn remove(
        &mut self,
        hasher: &SubjectHasher,
        filter: &[u8],
        queue: Option<&[u8]>,
        wanted: Wanted<'_, T>,
    ) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let (mut path, has_tail) = split_tail(filter);
        let id = path.try_fold(ROOT, |at, token| self.child(hasher, at, token))?;
        self.remove_at(id, has_tail, queue, wanted)
    }

    /// Removes a subscription from the filter that ends at a node, or in its tail.
    pub(crate) fn remove_at(
        &mut self,
        id: NodeId,
        has_tail: bool,
        queue: Option<&[u8]>,
        wanted: Wanted<'_, T>,
    ) -> Option<T> {
        let subscribers = self.subscribers_mut(id, has_tail);
        let removed = subscribers.remove(queue, wanted)?;
        if subscribers.is_empty() {
            self.filters -= 1;
            self.prune(id);
        }
        Some(removed)
    }

    /// Visits the subscriptions of every filter that the subject matches, until told to stop. Counts the nodes that
    /// it comes to.
    pub(crate) fn matching(
        &self,
        hasher: &SubjectHasher,
        subject: &[&[u8]],
        nodes: &mut u64,
        mut visit: impl FnMut(&Subscribers<T>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut pending: SmallVec<[(NodeId, usize); TOKENS_INLINE]> = smallvec![(ROOT, 0)];
        while let Some((id, depth)) = pending.pop() {
            *nodes += 1;
            let node = self.node(id);
            let Some(token) = subject.get(depth) else {
                visit(&node.here)?;
                continue;
            };
            visit(&node.tail)?;
            pending.extend(self.next_nodes(hasher, node, id, token).map(|next| (next, depth + 1)));
        }
        ControlFlow::Continue(())
    }

    /// The same of a subject, for whom the last stem is remembered.
    pub(crate) fn matching_by_stem(
        &self,
        hasher: &SubjectHasher,
        subject: &[u8],
        (stem, generation): (&mut Stem, u64),
        nodes: &mut u64,
        visit: impl FnMut(&Subscribers<T>),
    ) {
        let (front, last) = split_last(subject);
        if self.is_empty() || last.is_empty() {
            return;
        }
        if let Some(steps) = stem.steps_of(front, generation) {
            return self.matching_behind(hasher, steps, last, nodes, visit);
        }
        let tokens = match front {
            [] => Some(Tokens::new()),
            [before @ .., _] => split(before),
        };
        let Some(tokens) = tokens else { return };
        let steps = self.steps_to(hasher, &tokens, nodes);
        stem.remember(front, generation, &steps);
        self.matching_behind(hasher, &steps, last, nodes, visit);
    }

    /// What a walk comes to before the last token of a subject.
    fn steps_to(&self, hasher: &SubjectHasher, tokens: &[&[u8]], nodes: &mut u64) -> SmallVec<[StemStep; 4]> {
        let mut steps = SmallVec::new();
        let mut pending: SmallVec<[(NodeId, usize); TOKENS_INLINE]> = smallvec![(ROOT, 0)];
        while let Some((id, depth)) = pending.pop() {
            *nodes += 1;
            let node = self.node(id);
            let Some(token) = tokens.get(depth) else {
                steps.push(StemStep::Last(id));
                continue;
            };
            if !node.tail.is_empty() {
                steps.push(StemStep::Tail(id));
            }
            pending.extend(self.next_nodes(hasher, node, id, token).map(|next| (next, depth + 1)));
        }
        steps
    }

    /// Where a token leads, the last one first.
    fn next_nodes(
        &self,
        hasher: &SubjectHasher,
        node: &Node<T>,
        id: NodeId,
        token: &[u8],
    ) -> impl Iterator<Item = NodeId> + use<T> {
        let star = (node.star != NONE).then_some(node.star);
        let has_children = node.first_child != NONE;
        let child = has_children.then(|| self.literal_child(id, hasher.short(token), token)).flatten();
        star.into_iter().chain(child)
    }

    fn matching_behind(
        &self,
        hasher: &SubjectHasher,
        steps: &[StemStep],
        last: &[u8],
        nodes: &mut u64,
        mut visit: impl FnMut(&Subscribers<T>),
    ) {
        for step in steps {
            *nodes += 1;
            let (StemStep::Tail(id) | StemStep::Last(id)) = *step;
            let node = self.node(id);
            visit(&node.tail);
            if matches!(step, StemStep::Tail(_)) {
                continue;
            }
            // Mostly it has none, and the token need not be hashed.
            if node.first_child != NONE
                && let Some(child) = self.literal_child(id, hasher.short(last), last)
            {
                visit(&self.node(child).here);
            }
            if node.star != NONE {
                visit(&self.node(node.star).here);
            }
        }
    }

    /// Visits every stored filter that stands in `relation` to the valid filter `given`.
    pub(crate) fn reverse(
        &self,
        hasher: &SubjectHasher,
        given: &[u8],
        relation: Relation,
        mut visit: impl FnMut(&[u8], &Subscribers<T>),
    ) {
        if self.is_empty() {
            return;
        }
        let given: SmallVec<[&[u8]; TOKENS_INLINE]> = tokens(given).collect();
        let mut path = Vec::new();
        let mut pending = vec![(ROOT, 0)];
        while let Some((id, depth)) = pending.pop() {
            let node = self.node(id);
            // Past the given `>` everything counts; past any other last token nothing does.
            let token = given.get(depth).copied();
            let in_tail = token.is_none() && given.last() == Some(&&b">"[..]);
            if token.is_none() && !node.here.is_empty() {
                self.filter_of(id, false, &mut path);
                visit(&path, &node.here);
            }
            let tail_counts =
                in_tail || token == Some(b">") || (token.is_some() && relation == Relation::Overlapping);
            if tail_counts && !node.tail.is_empty() {
                self.filter_of(id, true, &mut path);
                visit(&path, &node.tail);
            }
            let next = if in_tail { depth } else { depth + 1 };
            match token {
                None if !in_tail => {}
                None | Some(b"*" | b">") => {
                    pending.extend(self.all_children(id).map(|child| (child, next)));
                }
                Some(token) => {
                    let star = (relation == Relation::Overlapping && node.star != NONE).then_some(node.star);
                    let literal = self.literal_child(id, hasher.short(token), token);
                    pending.extend(star.into_iter().chain(literal).map(|child| (child, next)));
                }
            }
        }
    }

    pub(crate) fn subscribers_at(&self, id: NodeId, has_tail: bool) -> &Subscribers<T> {
        let node = self.node(id);
        if has_tail { &node.tail } else { &node.here }
    }

    fn subscribers_mut(&mut self, id: NodeId, has_tail: bool) -> &mut Subscribers<T> {
        let node = self.node_mut(id);
        if has_tail { &mut node.tail } else { &mut node.here }
    }

    fn child(&self, hasher: &SubjectHasher, parent: NodeId, token: &[u8]) -> Option<NodeId> {
        if token == b"*" {
            let star = self.node(parent).star;
            return (star != NONE).then_some(star);
        }
        self.literal_child(parent, hasher.short(token), token)
    }

    fn literal_child(&self, parent: NodeId, token_hash: ShortHash, token: &[u8]) -> Option<NodeId> {
        let hash = token_hash.under(parent);
        let is_same = |child: &Child| {
            child.hash == hash && {
                let node = self.node(child.id);
                node.parent == parent && node.token[..] == *token
            }
        };
        self.children.find(hash.spread(), is_same).map(|child| child.id)
    }

    fn all_children(&self, parent: NodeId) -> impl Iterator<Item = NodeId> {
        let node = self.node(parent);
        let present = |id: NodeId| (id != NONE).then_some(id);
        let siblings =
            std::iter::successors(present(node.first_child), move |&id| present(self.node(id).next_sibling));
        present(node.star).into_iter().chain(siblings)
    }

    /// Replaces `path` by the filter that ends at a node, climbed for from the leaf. Returns how many nodes that took.
    pub(crate) fn filter_of(&self, id: NodeId, has_tail: bool, path: &mut Vec<u8>) -> u64 {
        let mut ids: SmallVec<[NodeId; TOKENS_INLINE]> =
            std::iter::successors(Some(id), |&id| Some(self.node(id).parent))
                .take_while(|&id| id != ROOT)
                .collect();
        ids.reverse();
        let tokens = ids.iter().map(|&id| &self.node(id).token[..]);
        path.clear();
        for token in tokens.chain(has_tail.then_some(&b">"[..])) {
            if !path.is_empty() {
                path.push(b'.');
            }
            path.extend_from_slice(token);
        }
        ids.len() as u64
    }

    /// Adds a child that is not there.
    fn add_child(&mut self, hasher: &SubjectHasher, parent: NodeId, token: &[u8]) -> NodeId {
        if token == b"*" {
            let star = self.add_node(Node::new(parent, ShortHash(0), token));
            self.node_mut(parent).star = star;
            return star;
        }
        let hash = hasher.short(token).under(parent);
        let child = self.add_node(Node::new(parent, hash, token));
        self.link_sibling(parent, child);
        self.children.insert(hash.spread(), Child { hash, id: child }, Child::table_hash);
        child
    }

    fn add_node(&mut self, node: Node<T>) -> NodeId {
        NodeId::try_from(self.nodes.insert(node)).expect("memory ends long before node ids do")
    }

    fn node(&self, id: NodeId) -> &Node<T> {
        self.nodes.get(id as usize).expect(THERE)
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node<T> {
        self.nodes.get_mut(id as usize).expect(THERE)
    }

    fn link_sibling(&mut self, parent: NodeId, child: NodeId) {
        let next = std::mem::replace(&mut self.node_mut(parent).first_child, child);
        self.node_mut(child).next_sibling = next;
        if next != NONE {
            self.node_mut(next).previous_sibling = child;
        }
    }

    fn unlink_sibling(&mut self, child: NodeId) {
        let Node { parent, previous_sibling, next_sibling, .. } = *self.node(child);
        match previous_sibling {
            NONE => self.node_mut(parent).first_child = next_sibling,
            previous => self.node_mut(previous).next_sibling = next_sibling,
        }
        if next_sibling != NONE {
            self.node_mut(next_sibling).previous_sibling = previous_sibling;
        }
    }

    /// Frees the node and its ancestors as far up as they lead nowhere.
    fn prune(&mut self, mut id: NodeId) {
        if self.is_empty() {
            *self = Self::default();
            return;
        }
        while id != ROOT && self.node(id).leads_nowhere() {
            let parent = self.node(id).parent;
            if self.node(id).is_star() {
                self.node_mut(parent).star = NONE;
            } else {
                self.unlink_sibling(id);
                self.forget_child(id);
            }
            self.nodes.discard(id as usize);
            id = parent;
        }
    }

    fn forget_child(&mut self, id: NodeId) {
        let hash = self.node(id).hash.spread();
        let found = self.children.remove(hash, |other| other.id == id, Child::table_hash);
        debug_assert!(found.is_some(), "every literal child is in the table");
    }
}

const THERE: &str = "whoever names a node has one below it, or subscribed there";

/// A valid filter without its last token if that is `>`, and whether it was.
fn split_tail(filter: &[u8]) -> (impl Iterator<Item = &[u8]>, bool) {
    let has_tail = filter == b">" || filter.ends_with(b".>");
    (tokens(filter).filter(|token| *token != b">"), has_tail)
}

#[cfg(test)]
mod tests;
