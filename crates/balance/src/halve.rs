//! Which connections take half of a shard's work with them.

use std::collections::BTreeMap;

use crate::traffic::Pair;

/// A part that holds most of the work is only split if this many listen in it: whatever two of
/// them exchange afterwards costs half as much again.
const SPLIT_RECEIVERS_MIN: usize = 8;

/// Parts of a shard's connections: all that talk to each other are in one.
struct Parts {
    parent: Vec<usize>,
}

impl Parts {
    fn root(&mut self, mut node: usize) -> usize {
        while self.parent[node] != node {
            self.parent[node] = self.parent[self.parent[node]];
            node = self.parent[node];
        }
        node
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}

/// Picks connections that do about half of the work that was seen, and leaves apart nobody who
/// talks to each other: whole parts, the largest that fit first. A part of more than half is split by
/// its receivers if there are many, and stays whole otherwise. At most `connections_max` are picked.
pub fn halve(pairs: &[Pair], connections_max: usize) -> Vec<u64> {
    let mut numbers: BTreeMap<u64, usize> = BTreeMap::new();
    for end in pairs.iter().flat_map(|pair| [pair.from, pair.to]) {
        let next = numbers.len();
        numbers.entry(end).or_insert(next);
    }
    let mut parts = Parts { parent: (0..numbers.len()).collect() };
    for pair in pairs {
        parts.join(numbers[&pair.from], numbers[&pair.to]);
    }
    let mut weights: BTreeMap<usize, usize> = BTreeMap::new();
    for pair in pairs {
        *weights.entry(parts.root(numbers[&pair.from])).or_default() += 1;
    }
    let mut members: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for (connection, number) in &numbers {
        members.entry(parts.root(*number)).or_default().push(*connection);
    }

    let half = pairs.len() / 2;
    let mut by_weight: Vec<(usize, usize)> = weights.iter().map(|(root, weight)| (*weight, *root)).collect();
    by_weight.sort_unstable_by(|a, b| b.cmp(a));
    let mut picked = Vec::new();
    let mut taken = 0;
    for (weight, root) in &by_weight {
        let part = &members[root];
        if taken + weight <= half && picked.len() + part.len() <= connections_max {
            taken += weight;
            picked.extend(part);
        }
    }
    match by_weight.first() {
        Some((weight, root)) if *weight > half => {
            let in_part =
                |pair: &&Pair| numbers.get(&pair.from).is_some_and(|from| parts.root(*from) == *root);
            let part: Vec<Pair> = pairs.iter().filter(in_part).copied().collect();
            picked.extend(receivers_of(&part, half - taken, connections_max - picked.len()));
        }
        _ => {}
    }
    picked
}

/// Receivers of the part that take no more than `weight` of its work, the busiest first.
fn receivers_of(part: &[Pair], weight: usize, connections_max: usize) -> Vec<u64> {
    let mut received: BTreeMap<u64, usize> = BTreeMap::new();
    for pair in part {
        *received.entry(pair.to).or_default() += 1;
    }
    if received.len() < SPLIT_RECEIVERS_MIN {
        return Vec::new();
    }
    let mut receivers: Vec<(usize, u64)> = received.into_iter().map(|(to, weight)| (weight, to)).collect();
    receivers.sort_unstable_by(|a, b| b.cmp(a));
    let mut left = weight;
    let fits = receivers.into_iter().filter(|(weight, _)| match left.checked_sub(*weight) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    fits.map(|(_, to)| to).take(connections_max).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(of: &[(u64, u64)], times: usize) -> Vec<Pair> {
        of.iter().flat_map(|(from, to)| vec![Pair { from: *from, to: *to }; times]).collect()
    }

    #[test]
    fn of_many_pairs_half_go_whole() {
        let talk: Vec<(u64, u64)> = (0..10).map(|pair| (pair, 100 + pair)).collect();
        let picked = halve(&pairs(&talk, 7), 256);
        assert_eq!(picked.len(), 10);
        for (a, b) in talk {
            assert_eq!(picked.contains(&a), picked.contains(&b), "{a} and {b} were parted");
        }
    }

    #[test]
    fn one_pair_is_never_parted() {
        assert_eq!(halve(&pairs(&[(1, 2)], 50), 256), []);
        let few: Vec<(u64, u64)> = (0..7).map(|to| (50, to)).collect();
        assert_eq!(halve(&pairs(&few, 50), 256), []);
    }

    #[test]
    fn a_part_with_many_receivers_is_split_by_them() {
        let fan: Vec<(u64, u64)> = (0..10).map(|to| (50, to)).collect();
        let picked = halve(&pairs(&fan, 20), 256);
        assert_eq!(picked.len(), 5);
        assert!(!picked.contains(&50), "the publisher stays");
    }

    #[test]
    fn a_busy_pair_stays_and_the_rest_goes() {
        let mut all = pairs(&[(1, 2)], 60);
        all.extend(pairs(&[(3, 4), (5, 6)], 20));
        let mut picked = halve(&all, 256);
        picked.sort_unstable();
        assert_eq!(picked, [3, 4, 5, 6]);
    }

    proptest! {
        #[test]
        fn no_more_than_half_goes_and_nobody_twice(
            talk in prop::collection::vec((0_u64..40, 0_u64..40), 0..300),
            most in 0_usize..60,
        ) {
            let all = pairs(&talk, 1);
            let mut picked = halve(&all, most);
            prop_assert!(picked.len() <= most);
            picked.sort_unstable();
            let count = picked.len();
            picked.dedup();
            prop_assert_eq!(picked.len(), count);
            let goes = |end| picked.binary_search(&end).is_ok();
            let gone = all.iter().filter(|pair| goes(pair.from) && goes(pair.to)).count();
            prop_assert!(gone <= all.len() / 2);
        }

        #[test]
        fn small_circles_are_never_parted(circles in prop::collection::vec(1_u64..6, 1..40)) {
            let mut all = Vec::new();
            for (circle, size) in circles.iter().enumerate() {
                let first = circle as u64 * 10;
                all.extend((1..=*size).map(|other| Pair { from: first, to: first + other }));
            }
            let picked = halve(&all, 256);
            for pair in &all {
                prop_assert_eq!(picked.contains(&pair.from), picked.contains(&pair.to));
            }
        }
    }
}
