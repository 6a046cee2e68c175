//! The promises, over a fixed handful of seeds. `SIM_SEEDS=n` (with `SIM_FIRST_SEED=s`) runs many:
//! `SIM_SEEDS=10000 cargo test -p sim --release --test seeds`.

use sim::{Plan, Profile, Stats, run};

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
    assert!(all.cut_off > 0 && all.blocked > 0 && all.held > 0, "{all:?}");
    assert!(all.changed_shards > 0 && all.slices > 3_000, "{all:?}");
    assert!(all.link_bytes > LINK_BYTES_MAX, "{all:?}");
    assert!(all.rounds > 0 && all.aside > 1000 && all.waited > 100, "{all:?}");
}

#[test]
fn a_seed_always_gives_the_same_run() {
    for plan in [Plan::of(1, Profile::Usual), Plan::of(2, Profile::SlowReaders)] {
        let (once, again) = (run(&plan), run(&plan));
        assert_eq!(format!("{:?}", once.history), format!("{:?}", again.history));
        assert_eq!(once.stats, again.stats);
    }
}
