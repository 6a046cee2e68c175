//! Random operations on the trie and on a list of subscriptions, compared after every step.
//!
//! The alphabet is tiny, so that filters collide, nest, share prefixes and come and go many
//! times. Two caches look on throughout: a tiny one that is always full, and one with room.

use std::collections::BTreeMap;

use proptest::prelude::*;
use subject_trie::{
    FilterKey, MatchCache, Matches, SubjectTrie, filter_contains, filter_matches, filters_overlap,
    has_wildcard, is_valid_filter, is_valid_literal,
};

type Value = u8;
type Subscription = (String, Option<&'static str>, Value);

const QUEUES: [&str; 3] = ["q", "r", "a group with a name too long to be kept inline"];

/// Looked up after every step, so that the caches have something to get wrong.
const HOT_SUBJECTS: [&str; 8] = ["a", "a.b", "b.a", "a.b.a", "a*.b", "a.*", ">", "a..b"];

#[derive(Clone, Debug)]
enum Op {
    Insert(Subscription),
    Remove(Subscription),
    /// The same by the key of the filter, if that is there.
    RemoveAt(Subscription),
    /// Removes some subscription that is there, by its index modulo their number.
    RemoveOne(usize),
    /// Removes the first even value.
    RemoveEven(String, Option<&'static str>),
}

fn text() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        6 => Just("a"), 4 => Just("b"), 3 => Just("*"), 2 => Just(">"),
        1 => Just("a*"), 1 => Just(">a"), 1 => Just("ab"), 1 => Just(""),
    ];
    prop::collection::vec(token, 1..5).prop_map(|tokens| tokens.join("."))
}

fn queue() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![3 => Just(None), 2 => prop::sample::select(&QUEUES[..]).prop_map(Some)]
}

fn op() -> impl Strategy<Value = Op> {
    let subscription = || (text(), queue(), 0..4u8);
    prop_oneof![
        5 => subscription().prop_map(Op::Insert),
        1 => subscription().prop_map(Op::Remove),
        2 => subscription().prop_map(Op::RemoveAt),
        3 => any::<usize>().prop_map(Op::RemoveOne),
        1 => (text(), queue()).prop_map(|(filter, queue)| Op::RemoveEven(filter, queue)),
    ]
}

/// The rule in its plainest form.
fn matches(filter: &[&str], subject: &[&str]) -> bool {
    match (filter, subject) {
        ([], []) => true,
        ([">"], [_, ..]) => true,
        (["*", filter @ ..], [_, subject @ ..]) => matches(filter, subject),
        ([token, filter @ ..], [same, subject @ ..]) => token == same && matches(filter, subject),
        _ => false,
    }
}

fn is_subject(text: &str) -> bool {
    text.split('.').all(|token| !token.is_empty())
}

fn is_filter(text: &str) -> bool {
    let tokens: Vec<_> = text.split('.').collect();
    let tail = tokens.iter().position(|token| *token == ">");
    is_subject(text) && tail.is_none_or(|at| at == tokens.len() - 1)
}

fn model_matches(filter: &str, subject: &str) -> bool {
    let (filter, tokens): (Vec<_>, Vec<_>) = (filter.split('.').collect(), subject.split('.').collect());
    is_subject(subject) && matches(&filter, &tokens)
}

fn bytes(queue: Option<&'static str>) -> Option<&'static [u8]> {
    queue.map(str::as_bytes)
}

#[derive(Default)]
struct Model {
    subscriptions: Vec<Subscription>,
}

impl Model {
    fn remove(&mut self, picked: impl FnMut(&Subscription) -> bool) -> Option<Subscription> {
        let index = self.subscriptions.iter().position(picked)?;
        Some(self.subscriptions.swap_remove(index))
    }

    fn stores(&self, filter: &str) -> bool {
        self.subscriptions.iter().any(|(stored, ..)| stored == filter)
    }

    fn filters(&self) -> usize {
        let mut filters: Vec<_> = self.subscriptions.iter().map(|(filter, ..)| filter).collect();
        filters.sort();
        filters.dedup();
        filters.len()
    }

    /// Queue and value of every match, sorted.
    fn collect(&self, subject: &str) -> Vec<(Option<Vec<u8>>, Value)> {
        let matching = self.subscriptions.iter().filter(|(filter, ..)| model_matches(filter, subject));
        let mut found: Vec<_> =
            matching.map(|&(_, queue, value)| (queue.map(|name| name.as_bytes().to_vec()), value)).collect();
        found.sort();
        found
    }

    fn filtered_by(&self, picks: impl Fn(&[u8]) -> bool) -> Vec<Subscription> {
        let mut found: Vec<_> =
            self.subscriptions.iter().filter(|(filter, ..)| picks(filter.as_bytes())).cloned().collect();
        found.sort();
        found
    }
}

/// Queue and value of every match, sorted; checks the shape of the answer on the way.
fn flatten(found: &Matches<Value>) -> Vec<(Option<Vec<u8>>, Value)> {
    let mut names: Vec<_> = found.queues.iter().map(|queue| queue.name.as_ref().to_vec()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), found.queues.len(), "a group is listed once");
    assert!(found.queues.iter().all(|queue| !queue.members.is_empty()), "a group has members");
    let plain = found.plain.iter().map(|&value| (None, value));
    let members = found.queues.iter().flat_map(|queue| {
        let name = queue.name.as_ref().to_vec();
        queue.members.iter().map(move |&value| (Some(name.clone()), value))
    });
    let mut all: Vec<_> = plain.chain(members).collect();
    assert_eq!((all.len(), all.is_empty()), (found.len(), found.is_empty()));
    all.sort();
    all
}

struct Pair {
    trie: SubjectTrie<Value>,
    model: Model,
    /// Of every filter that was ever stored, the last one.
    keys: BTreeMap<String, FilterKey>,
    tight: MatchCache<Value>,
    roomy: MatchCache<Value>,
    /// It remembers no answer, and so what the stem of the last subject leads to.
    forgetful: MatchCache<Value>,
    matches: Matches<Value>,
}

impl Pair {
    fn new() -> Self {
        Self {
            trie: SubjectTrie::new(),
            model: Model::default(),
            keys: BTreeMap::new(),
            tight: MatchCache::new(3),
            roomy: MatchCache::new(100),
            forgetful: MatchCache::new(0),
            matches: Matches::default(),
        }
    }

    /// Applies one operation to both and says whether it changed anything.
    fn apply(&mut self, op: Op) -> bool {
        match op {
            Op::Insert(subscription) => self.insert(subscription),
            Op::Remove(subscription) => self.remove(&subscription),
            Op::RemoveAt(subscription) => self.remove_at(&subscription),
            Op::RemoveOne(at) if !self.model.subscriptions.is_empty() => {
                let subscription = self.model.subscriptions[at % self.model.subscriptions.len()].clone();
                assert!(self.remove(&subscription));
                true
            }
            Op::RemoveOne(_) => false,
            Op::RemoveEven(filter, queue) => self.remove_even(&filter, queue),
        }
    }

    fn insert(&mut self, subscription: Subscription) -> bool {
        let (filter, queue, value) = &subscription;
        let valid = is_filter(filter);
        let inserted = self.trie.insert(filter.as_bytes(), bytes(*queue), *value);
        assert_eq!(inserted.is_ok(), valid, "{filter}");
        if let Ok(key) = inserted {
            let before = self.keys.insert(filter.clone(), key);
            assert!(!self.model.stores(filter) || before == Some(key), "a stored filter keeps its key");
            self.model.subscriptions.push(subscription);
        }
        valid
    }

    fn remove(&mut self, subscription: &Subscription) -> bool {
        let (filter, queue, value) = subscription;
        let removed = self.trie.remove(filter.as_bytes(), bytes(*queue), value);
        assert_eq!(removed, self.model.remove(|other| other == subscription).is_some());
        removed
    }

    fn remove_at(&mut self, subscription: &Subscription) -> bool {
        let (filter, queue, value) = subscription;
        if !self.model.stores(filter) {
            return false;
        }
        let removed = self.trie.remove_at(self.keys[filter], bytes(*queue), value);
        assert_eq!(removed, self.model.remove(|other| other == subscription).is_some());
        removed
    }

    fn remove_even(&mut self, filter: &str, queue: Option<&'static str>) -> bool {
        let removed = self.trie.remove_by(filter.as_bytes(), bytes(queue), |value| value % 2 == 0);
        let Some(removed) = removed else {
            let left = self.model.remove(|other| (&*other.0, other.1, other.2 % 2) == (filter, queue, 0));
            assert_eq!(left, None);
            return false;
        };
        assert_eq!(removed % 2, 0);
        let same = self.model.remove(|other| (&*other.0, other.1, other.2) == (filter, queue, removed));
        assert!(same.is_some());
        true
    }

    fn compare(&mut self, probe: &str) {
        assert_eq!(self.trie.len(), self.model.subscriptions.len());
        assert_eq!(self.trie.is_empty(), self.model.subscriptions.is_empty());
        assert_eq!(self.trie.filters(), self.model.filters());
        for subject in HOT_SUBJECTS.into_iter().chain([probe]) {
            self.compare_match(subject);
        }
        assert!(self.tight.len() <= 3);
        self.compare_keys();
        self.compare_reverse(probe);
    }

    fn compare_keys(&self) {
        let mut text = vec![];
        for (filter, ..) in &self.model.subscriptions {
            let key = self.keys[filter];
            self.trie.filter(key, &mut text);
            assert_eq!(text, filter.as_bytes());
            for queue in QUEUES.into_iter().map(Some).chain([None]) {
                let same = |other: &&Subscription| (&other.0, other.1) == (filter, queue);
                let expected = self.model.subscriptions.iter().filter(same).count();
                assert_eq!(self.trie.members(key, bytes(queue)), expected);
            }
        }
    }

    fn compare_match(&mut self, subject: &str) {
        let expected = self.model.collect(subject);
        let subject = subject.as_bytes();
        self.trie.collect(subject, &mut self.matches);
        assert_eq!(flatten(&self.matches), expected);
        assert_eq!(self.trie.has_interest(subject), !expected.is_empty());
        assert_eq!(flatten(self.tight.lookup(&self.trie, subject)), expected);
        assert_eq!(flatten(self.roomy.lookup(&self.trie, subject)), expected);
        for last in [&b"a"[..], b"b", b"x", b""] {
            let sibling = [subject, b".", last].concat();
            self.compare_order(&sibling);
        }
        self.compare_order(subject);
    }

    /// The same is found, and in the same order, whatever stem is remembered.
    fn compare_order(&mut self, subject: &[u8]) {
        self.trie.collect(subject, &mut self.matches);
        let found = self.forgetful.lookup(&self.trie, subject);
        assert_eq!(found.plain, self.matches.plain);
        assert_eq!(flatten(found), flatten(&self.matches));
    }

    fn compare_reverse(&self, filter: &str) {
        let filter = filter.as_bytes();
        let overlapping = self.model.filtered_by(|stored| filters_overlap(filter, stored));
        assert_eq!(visited(|visit| self.trie.overlapping(filter, visit)), overlapping);
        let contained = self.model.filtered_by(|stored| filter_contains(filter, stored));
        assert_eq!(visited(|visit| self.trie.contained_by(filter, visit)), contained);
        let all = self.model.filtered_by(|_| true);
        assert_eq!(visited(|visit| self.trie.for_each(visit)), all);
    }
}

/// What a reverse match visits, sorted.
fn visited(walk: impl FnOnce(&mut dyn FnMut(&[u8], Option<&[u8]>, &Value))) -> Vec<Subscription> {
    let mut found = vec![];
    walk(&mut |filter, queue, &value| {
        let filter = String::from_utf8(filter.to_vec()).expect("filters here are ASCII");
        let known =
            |name: &[u8]| QUEUES.into_iter().find(|queue| queue.as_bytes() == name).expect("a known queue");
        found.push((filter, queue.map(known), value));
    });
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_trie_does_what_a_list_of_subscriptions_does(steps in prop::collection::vec((op(), text()), 1..60)) {
        let mut pair = Pair::new();
        for (op, probe) in steps {
            let generation = pair.trie.generation();
            let changed = pair.apply(op);
            prop_assert_eq!(pair.trie.generation() > generation, changed);
            pair.compare(&probe);
        }
    }

    #[test]
    fn the_grammar_agrees_with_its_plainest_form(filter in text(), subject in text()) {
        prop_assert_eq!(is_valid_filter(filter.as_bytes()), is_filter(&filter));
        let wildcard = filter.split('.').any(|token| token == "*" || token == ">");
        prop_assert_eq!(has_wildcard(filter.as_bytes()), wildcard);
        prop_assert_eq!(is_valid_literal(filter.as_bytes()), is_subject(&filter) && !wildcard);
        let expected = is_filter(&filter) && model_matches(&filter, &subject);
        prop_assert_eq!(filter_matches(filter.as_bytes(), subject.as_bytes()), expected);
    }
}
