//! The promises, over a fixed handful of seeds. `SIM_SEEDS=n` (with `SIM_FIRST_SEED=s`) runs many:
//! `SIM_SEEDS=10000 cargo test -p sim --release --test seeds`.

use std::collections::BTreeSet;

use sim::{Ending, Plan, Profile, Received, ServiceStats, Stats, SubRecord, run};

/// Runs every time: ten heavy ones and twenty with slow readers among them.
const SEEDS: u64 = 160;

/// What a link may hold before it counts as congested.
const LINK_BYTES_MAX: usize = 4 << 20;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn the_promises_hold_for_every_seed() {
    let first = number("SIM_FIRST_SEED").unwrap_or(0);
    let count = number("SIM_SEEDS").unwrap_or(SEEDS);
    let mut all = Stats::default();
    let mut broken = Vec::new();
    for seed in first..first + count {
        let outcome = run(&Plan::new(seed));
        all += outcome.stats;
        if let Some(violation) = outcome.violations.first() {
            broken.push(format!("seed {seed}: {violation}"));
        }
    }
    assert!(broken.is_empty(), "{} of {count} seeds: {broken:#?}", broken.len());
    // A simulation that never gets anywhere proves nothing.
    assert!(all.received > all.published && all.unanswered > 0 && all.exhausted > 0, "{all:?}");
    assert!(all.responses > 20, "{all:?}");
    assert!(all.cut_off > 0 && all.blocked > 0 && all.held > 0, "{all:?}");
    assert!(all.changed_shards > 0 && all.slices > 3_000, "{all:?}");
    assert!(all.link_bytes > LINK_BYTES_MAX, "{all:?}");
    assert!(all.rounds > 0 && all.aside > 1000 && all.waited > 100, "{all:?}");
    assert!(all.stopped_shards > 0 && all.let_go > 0 && all.warned > 0, "{all:?}");
    assert!(all.webs > 100 && all.closed_webs > 10 && all.web_reads_at_once > 10, "{all:?}");
    let ServiceStats { owned, subscribed, published, .. } = all.services;
    assert!(owned > 100 && subscribed > 100 && published > 100, "{all:?}");
    let ServiceStats { waited_for_link, waited_for_pause, waited_for_offer, .. } = all.services;
    assert!(waited_for_link > 0 && waited_for_pause > 0 && waited_for_offer > 0, "{all:?}");
    let ServiceStats { waited_for_mail, lost, .. } = all.services;
    assert!(waited_for_mail > 0 && lost > 0, "{all:?}");
}

/// In so many seeds: enough for each kind of run, and few enough to be run with every change.
#[test]
fn servers_with_many_shards_are_among_the_seeds() {
    const SOME: u64 = 512;
    let shards: Vec<usize> = (0..SOME).map(|seed| Plan::new(seed).shards).collect();
    let with = |count: usize| shards.iter().filter(|shards| **shards == count).count();
    assert_eq!((with(16), with(64)), (8, 2));
    assert!((1..=4).all(|count| with(count) > 50));
    for plan in (0..SEEDS).map(Plan::new).filter(|plan| plan.shards > 4 && plan.ending == Ending::GoesOn) {
        let (seed, outcome) = (plan.seed, run(&plan));
        let history = &outcome.history;
        let crosses = |sub: &SubRecord| {
            let shard = |client: usize| history.clients[client].shard;
            let publisher = |received: &Received| shard(history.messages[received.message].client);
            sub.received.iter().any(|received| publisher(received) != shard(sub.client))
        };
        let across = history.subs.iter().filter(|sub| crosses(sub));
        let there: BTreeSet<u8> = across.map(|sub| history.clients[sub.client].shard).collect();
        assert!(there.len() > 8, "seed {seed}: others' messages came to {there:?}");
    }
}

#[test]
fn a_seed_always_gives_the_same_run() {
    for plan in [Plan::of(1, Profile::Usual), Plan::of(2, Profile::SlowReaders)] {
        let (once, again) = (run(&plan), run(&plan));
        assert_eq!(format!("{:?}", once.history), format!("{:?}", again.history));
        assert_eq!(once.stats, again.stats);
    }
}
