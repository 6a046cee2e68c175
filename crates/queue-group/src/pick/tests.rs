//! The distribution, by chi-squared over fixed seeds, and who may be picked at all.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const ROUNDS: u64 = 200_000;

/// Seeds far apart in no simple pattern, the same in every run.
fn seeds() -> impl Iterator<Item = u64> {
    (0..ROUNDS).map(|round| round.wrapping_mul(0xD134_2543_DE82_EF95) ^ 0x5EED)
}

type Counts = BTreeMap<Result<usize, char>, u64>;

fn count(
    seeds: impl Iterator<Item = u64>,
    local: usize,
    can_take: impl Fn(usize) -> bool,
    remotes: &[Remote<char>],
    locality: Locality,
) -> Counts {
    let mut counts = BTreeMap::new();
    for seed in seeds {
        let key = match pick(seed, local, &can_take, remotes, locality).expect("somebody can take it") {
            Pick::Local(member) => Ok(member),
            Pick::Remote(at) => Err(at),
        };
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// Asserts that `counts` follow `weights`: exactly these outcomes, and a chi-squared statistic
/// below the value that chance exceeds once in about a thousand tries (Wilson and Hilferty's
/// approximation, 3.09 standard deviations out).
#[track_caller]
fn assert_follows(counts: &Counts, weights: &[(Result<usize, char>, u32)]) {
    let total_weight: f64 = weights.iter().map(|(_, weight)| f64::from(*weight)).sum();
    let outcomes: Vec<_> = weights.iter().map(|(outcome, _)| *outcome).collect();
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), outcomes);
    let total: u64 = counts.values().sum();
    let statistic: f64 = weights
        .iter()
        .map(|(outcome, weight)| {
            let expected = total as f64 * f64::from(*weight) / total_weight;
            (counts[outcome] as f64 - expected).powi(2) / expected
        })
        .sum();
    let freedom = (weights.len() - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    let limit = freedom * (1.0 - spread + 3.09 * spread.sqrt()).powi(3);
    assert!(statistic < limit, "chi-squared {statistic:.1}, limit {limit:.1}: {counts:?}");
}

const REMOTES: [Remote<char>; 4] = [
    Remote { at: 'a', weight: 1 },
    Remote { at: 'b', weight: 5 },
    Remote { at: 'c', weight: 0 },
    Remote { at: 'd', weight: 14 },
];
const REMOTE_WEIGHTS: [(Result<usize, char>, u32); 3] = [(Err('a'), 1), (Err('b'), 5), (Err('d'), 14)];

#[test]
fn local_members_are_equally_likely() {
    for local in [2, 3, 10, 64] {
        let weights: Vec<_> = (0..local).map(|member| (Ok(member), 1)).collect();
        for locality in [Locality::Even, Locality::LocalFirst] {
            assert_follows(&count(seeds(), local, |_| true, &[], locality), &weights);
        }
    }
}

#[test]
fn a_plain_counter_is_random_enough() {
    let weights: Vec<_> = (0..10).map(|member| (Ok(member), 1)).collect();
    assert_follows(&count(0..ROUNDS, 10, |_| true, &[], Locality::Even), &weights);
}

#[test]
fn the_share_of_a_skipped_member_is_spread_over_all_others() {
    let able = |member: usize| !matches!(member, 3 | 4 | 7);
    let weights: Vec<_> = (0..10).filter(|&member| able(member)).map(|member| (Ok(member), 1)).collect();
    assert_follows(&count(seeds(), 10, able, &[], Locality::Even), &weights);
}

#[test]
fn the_few_that_can_among_many_that_cannot_are_equally_likely() {
    let able = |member: usize| matches!(member, 0 | 500 | 501 | 999);
    let weights = [0, 500, 501, 999].map(|member| (Ok(member), 1));
    let some = || seeds().take(20_000);
    assert_follows(&count(some(), 1000, able, &[], Locality::LocalFirst), &weights);
    assert_follows(&count(some(), 1000, able, &[], Locality::Even), &weights);
}

#[test]
fn remote_places_are_picked_by_weight() {
    for locality in [Locality::Even, Locality::LocalFirst] {
        assert_follows(&count(seeds(), 0, |_| true, &REMOTES, locality), &REMOTE_WEIGHTS);
    }
}

#[test]
fn even_weighs_members_the_same_wherever_they_are() {
    let mut weights: Vec<_> = (0..5).map(|member| (Ok(member), 1)).collect();
    weights.extend(REMOTE_WEIGHTS);
    assert_follows(&count(seeds(), 5, |_| true, &REMOTES, Locality::Even), &weights);
}

#[test]
fn even_spreads_a_skipped_share_over_here_and_elsewhere() {
    let mut weights = vec![(Ok(1), 1), (Ok(4), 1)];
    weights.extend(REMOTE_WEIGHTS);
    let able = |member: usize| matches!(member, 1 | 4);
    assert_follows(&count(seeds(), 200, able, &REMOTES, Locality::Even), &weights);
}

#[test]
fn local_first_goes_elsewhere_only_if_nobody_here_can() {
    let weights = [(Ok(0), 1), (Ok(2), 1)];
    assert_follows(&count(seeds(), 3, |member| member != 1, &REMOTES, Locality::LocalFirst), &weights);
    assert_follows(&count(seeds(), 3, |_| false, &REMOTES, Locality::LocalFirst), &REMOTE_WEIGHTS);
}

#[test]
fn huge_weights_do_not_overflow() {
    let remotes = [Remote { at: 'x', weight: u32::MAX }; 3];
    for seed in [0, 1, u64::MAX] {
        assert_eq!(pick(seed, 0, |_| false, &remotes, Locality::Even), Some(Pick::Remote('x')));
    }
}

fn locality() -> impl Strategy<Value = Locality> {
    prop_oneof![Just(Locality::Even), Just(Locality::LocalFirst)]
}

proptest! {
    #[test]
    fn the_pick_can_take_it_and_none_means_nobody_can(
        random: u64,
        able in prop::collection::vec(prop::bool::weighted(0.2), 0..40),
        weights in prop::collection::vec(0..3u32, 0..4),
        locality in locality(),
    ) {
        let remotes: Vec<_> = weights.iter().enumerate().map(|(at, &weight)| Remote { at, weight }).collect();
        let mut asked = 0;
        let can_take = |member: usize| { asked += 1; able[member] };
        let picked = pick(random, able.len(), can_take, &remotes, locality);
        prop_assert!(asked <= BLIND_DRAWS_MAX + 2 * able.len());
        let some_here = able.contains(&true);
        let some_elsewhere = weights.iter().any(|&weight| weight > 0);
        match picked {
            Some(Pick::Local(member)) => prop_assert!(able[member]),
            Some(Pick::Remote(at)) => {
                prop_assert!(weights[at] > 0);
                prop_assert!(locality == Locality::Even || !some_here);
            }
            None => prop_assert!(!some_here && !some_elsewhere),
        }
    }

    #[test]
    fn a_member_that_changes_its_mind_does_no_harm(random: u64, answers: u64, local in 0..20usize) {
        let mut answers = answers;
        let fickle = |_: usize| { answers = answers.rotate_left(1); answers & 1 == 1 };
        if let Some(Pick::Local(member)) = pick::<()>(random, local, fickle, &[], Locality::Even) {
            prop_assert!(member < local);
        }
    }
}

#[test]
fn a_draw_is_what_pick_draws_first() {
    let remotes = [Remote { at: 'x', weight: 2 }, Remote { at: 'y', weight: 1 }];
    for random in 0..1000 {
        let drawn = draw(random, 3, &remotes);
        assert_eq!(drawn, pick(random, 3, |_| true, &remotes, Locality::Even));
    }
    assert_eq!(draw(7, 0, &[] as &[Remote<()>]), None);
}
