//! What leaf nodes and hubs are told that this server wants of one account, and who of it wants that.
//!
//! Each of them is told something else: not what it wants itself, nor what its cluster does, and a hub nothing that
//! comes by routes. So a row has who wants how much, and what one is told follows from it.
//!
//! As with routes ([`Ledger`](crate::Ledger)) changes are gathered until [`LeafLedger::next_change`] is asked, and only
//! the last state of each counts; who came is told what there was from its place in [`Reading`].

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::interest::Interest;
use crate::ledger::Reading;
use crate::passing::{Side, is_told};

/// A cluster of leaf nodes, or a hub's, by a number that stands for its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterNumber(pub u32);

impl ClusterNumber {
    /// No cluster of leaf nodes: what clients and other servers of the own cluster want.
    pub const NONE: Self = Self(0);
}

/// Who wants something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Teller {
    /// For which cluster of leaf nodes.
    pub cluster: ClusterNumber,
    /// Where it was learned from.
    pub side: Side,
}

impl Teller {
    /// Clients and services of this server.
    pub const HERE: Self = Self { cluster: ClusterNumber::NONE, side: Side::Client };
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ear {
    /// What it is to this server.
    pub side: Side,
    /// Its cluster.
    pub cluster: ClusterNumber,
    /// It does not hear what other leaf nodes want.
    pub is_isolated: bool,
}

/// How many want something, by who they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// By side.
    sums: [u32; Side::COUNT],
    /// What is wanted on behalf of a cluster, in order.
    of_clusters: Vec<(Teller, u32)>,
}

/// What changed, for those who read so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafChange {
    /// What it is that is wanted.
    pub interest: Interest,
    before: Wanted,
    now: Wanted,
}

/// What is wanted of one account, and what of it was told.
#[derive(Debug, Default)]
pub struct LeafLedger {
    rows: BTreeMap<Interest, Row>,
    /// What changed since it was told, each once, in the order in which it first did.
    changed: VecDeque<Interest>,
}

#[derive(Debug, Default)]
struct Row {
    wanted: Wanted,
    told: Wanted,
    /// It is among what changed.
    is_changed: bool,
}

impl Ear {
    fn hears(&self, teller: Teller) -> bool {
        let is_leaf_node = matches!(teller.side, Side::Leaf | Side::Hub);
        is_told(teller.side, self.side) && !(self.is_isolated && is_leaf_node)
    }
}

impl Wanted {
    fn is_nothing(&self) -> bool {
        self.sums == [0; Side::COUNT]
    }

    fn add(&mut self, teller: Teller, count: u32) {
        self.change(teller, |count_before| count_before.saturating_add(count));
    }

    fn take(&mut self, teller: Teller, count: u32) {
        self.change(teller, |before| before.checked_sub(count).expect("only what was added is taken away"));
    }

    fn change(&mut self, teller: Teller, to: impl Fn(u32) -> u32) {
        let sum = &mut self.sums[teller.side as usize];
        *sum = to(*sum);
        if teller.cluster == ClusterNumber::NONE {
            return;
        }
        match self.of_clusters.binary_search_by_key(&teller, |(of, _)| *of) {
            Ok(at) => {
                let count = &mut self.of_clusters[at].1;
                *count = to(*count);
                if *count == 0 {
                    self.of_clusters.remove(at);
                }
            }
            Err(at) => self.of_clusters.insert(at, (teller, to(0))),
        }
    }

    /// How many of those want it of whom somebody hears.
    fn heard_by(&self, ear: &Ear) -> u32 {
        let sides = Side::ALL.into_iter().filter(|side| ear.hears(Teller { side: *side, ..Teller::HERE }));
        let all: u32 = sides.map(|side| self.sums[side as usize]).sum();
        let from = self.of_clusters.partition_point(|(of, _)| of.cluster < ear.cluster);
        let own = self.of_clusters[from..].iter().take_while(|(of, _)| of.cluster == ear.cluster);
        all - own.filter(|(of, _)| ear.hears(*of)).map(|(_, count)| count).sum::<u32>()
    }
}

impl LeafChange {
    /// The weight that somebody is to be told, 1 for what has no group and 0 if it ends; `None` if nothing changed for it.
    pub fn weight_for(&self, ear: &Ear) -> Option<u32> {
        let [before, now] = [&self.before, &self.now].map(|wanted| weight(&self.interest, wanted, ear));
        (before != now).then_some(now)
    }
}

impl LeafLedger {
    /// So many more want it.
    pub fn add(&mut self, interest: &Interest, teller: Teller, count: u32) {
        self.change(interest, |wanted| wanted.add(teller, count));
    }

    /// So many less want it.
    ///
    /// # Panics
    ///
    /// They were not added.
    pub fn take(&mut self, interest: &Interest, teller: Teller, count: u32) {
        self.change(interest, |wanted| wanted.take(teller, count));
    }

    fn change(&mut self, interest: &Interest, change: impl FnOnce(&mut Wanted)) {
        if !self.rows.contains_key(interest) {
            self.rows.insert(interest.clone(), Row::default());
        }
        let row = self.rows.get_mut(interest).expect("it was put in if it was missing");
        change(&mut row.wanted);
        if !std::mem::replace(&mut row.is_changed, true) {
            self.changed.push_back(interest.clone());
        }
    }

    /// The next change, until there is none. It is to be told before anything else is sent, to everybody whose
    /// [`Reading::takes_up_to`] says so.
    pub fn next_change(&mut self) -> Option<LeafChange> {
        while let Some(interest) = self.changed.pop_front() {
            let row = self.rows.get_mut(&interest).expect("what changed has a row");
            row.is_changed = false;
            let now = row.wanted.clone();
            let before = std::mem::replace(&mut row.told, now.clone());
            if now.is_nothing() {
                self.rows.remove(&interest);
            }
            if before != now {
                return Some(LeafChange { interest, before, now });
            }
        }
        None
    }

    /// The next that somebody who came is to be told, with its weight; `None` once there is no more, or for this time: no
    /// more than `looks` rows are looked at.
    pub fn read(&self, reading: &mut Reading, ear: &Ear, looks: usize) -> Option<(&Interest, u32)> {
        let from = match reading {
            Reading::Begun => Bound::Unbounded,
            Reading::After(last) => Bound::Excluded(&*last),
            Reading::Ended => return None,
        };
        let mut last = None;
        for (interest, row) in self.rows.range((from, Bound::Unbounded)).take(looks) {
            let weight = weight(interest, &row.told, ear);
            last = Some(interest);
            if weight > 0 {
                *reading = Reading::After(interest.clone());
                return Some((interest, weight));
            }
        }
        *reading = last.map_or(Reading::Ended, |last| Reading::After(last.clone()));
        None
    }

    /// Whether there is something to be told.
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }
}

/// A group's members are told, of anything else that it is wanted.
fn weight(interest: &Interest, wanted: &Wanted, ear: &Ear) -> u32 {
    let heard = wanted.heard_by(ear);
    if interest.has_group() { heard } else { heard.min(1) }
}

#[cfg(test)]
mod tests {
    use nats_proto::InterestKey;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn interest(subject: &str, queue: Option<&str>) -> Interest {
        let queue = queue.map(str::as_bytes);
        Interest::of(&InterestKey { origin: None, account: None, subject: subject.as_bytes(), queue })
    }

    fn ear(side: Side, cluster: u32, is_isolated: bool) -> Ear {
        Ear { side, cluster: ClusterNumber(cluster), is_isolated }
    }

    #[test]
    fn each_is_told_what_others_want() {
        let (mut ledger, foo) = (LeafLedger::default(), interest("foo", Some("q")));
        let teller = |side, cluster| Teller { side, cluster: ClusterNumber(cluster) };
        ledger.add(&foo, Teller::HERE, 1);
        ledger.add(&foo, teller(Side::Route, 0), 2);
        ledger.add(&foo, teller(Side::Leaf, 1), 4);
        ledger.add(&foo, teller(Side::Leaf, 2), 8);
        ledger.add(&foo, teller(Side::Hub, 3), 16);
        ledger.add(&foo, teller(Side::Route, 2), 32);
        let change = ledger.next_change().unwrap();
        for (ear, weight) in [
            (ear(Side::Leaf, 1, false), 1 + 2 + 8 + 16 + 32),
            // What another server says on behalf of its own cluster comes from there.
            (ear(Side::Leaf, 2, false), 1 + 2 + 4 + 16),
            (ear(Side::Leaf, 9, false), 63),
            (ear(Side::Leaf, 1, true), 1 + 2 + 32),
            (ear(Side::Hub, 3, false), 1 + 4 + 8),
            (ear(Side::Hub, 4, false), 1 + 4 + 8 + 16),
        ] {
            assert_eq!(change.weight_for(&ear), Some(weight), "{ear:?}");
        }
        ledger.take(&foo, teller(Side::Route, 2), 32);
        let change = ledger.next_change().unwrap();
        assert_eq!(change.weight_for(&ear(Side::Leaf, 2, false)), None);
        assert_eq!(change.weight_for(&ear(Side::Leaf, 1, false)), Some(1 + 2 + 8 + 16));
    }

    /// What one was told, line by line.
    #[derive(Debug)]
    struct Told {
        ear: Ear,
        reading: Reading,
        rows: BTreeMap<Interest, u32>,
    }

    impl Told {
        fn hear(&mut self, interest: &Interest, weight: u32) {
            let before = self.rows.insert(interest.clone(), weight).unwrap_or(0);
            assert_ne!(before, weight, "nothing is told twice");
            if weight == 0 {
                self.rows.remove(interest);
            }
        }
    }

    proptest! {
        #[test]
        fn whoever_came_when_knows_what_is_true(
            steps in vec((0..6_u8, 0..4_usize, 0..4_usize, 0..3_u32), 1..200),
        ) {
            let rows = [interest("a", None), interest("a", Some("q")), interest("b", None), interest("b.>", None)];
            let sides = [Side::Client, Side::Route, Side::Leaf, Side::Hub];
            let mut truth: BTreeMap<(usize, Teller), u32> = BTreeMap::new();
            let (mut ledger, mut told) = (LeafLedger::default(), Vec::<Told>::new());
            for (what, row, side, cluster) in steps {
                let side = sides[side];
                let cluster = if side == Side::Client { 0 } else { cluster };
                let teller = Teller { side, cluster: ClusterNumber(cluster) };
                let count = truth.entry((row, teller)).or_default();
                match what {
                    0 | 1 => {
                        *count += 1;
                        ledger.add(&rows[row], teller, 1);
                    }
                    2 if *count > 0 => {
                        *count -= 1;
                        ledger.take(&rows[row], teller, 1);
                    }
                    3 => told.push(Told {
                        ear: ear(if row < 2 { Side::Leaf } else { Side::Hub }, cluster, row == 0),
                        reading: Reading::Begun,
                        rows: BTreeMap::new(),
                    }),
                    4 => for one in &mut told {
                        if let Some((interest, weight)) = ledger.read(&mut one.reading, &one.ear, 1 + row) {
                            let interest = interest.clone();
                            one.hear(&interest, weight);
                        }
                    },
                    _ => tell(&mut ledger, &mut told),
                }
            }
            tell(&mut ledger, &mut told);
            for mut one in told {
                while one.reading != Reading::Ended {
                    if let Some((interest, weight)) = ledger.read(&mut one.reading, &one.ear, 2) {
                        let interest = interest.clone();
                        one.hear(&interest, weight);
                    }
                }
                for (at, row) in rows.iter().enumerate() {
                    let heard = truth.iter().filter(|((of, teller), _)| {
                        let is_own = teller.cluster != ClusterNumber::NONE && teller.cluster == one.ear.cluster;
                        *of == at && one.ear.hears(*teller) && !is_own
                    });
                    let sum: u32 = heard.map(|(_, count)| count).sum();
                    let expected = if row.has_group() { sum } else { sum.min(1) };
                    prop_assert_eq!(one.rows.get(row).copied().unwrap_or(0), expected, "{:?} {:?}", one.ear, row);
                }
            }
        }
    }

    fn tell(ledger: &mut LeafLedger, told: &mut [Told]) {
        while let Some(change) = ledger.next_change() {
            for one in told.iter_mut().filter(|one| one.reading.takes_up_to(&change.interest)) {
                if let Some(weight) = change.weight_for(&one.ear) {
                    one.hear(&change.interest, weight);
                }
            }
        }
    }
}
