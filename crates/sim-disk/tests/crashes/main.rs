//! What a log promises when power is cut, over a fixed handful of seeds. `LOG_SEEDS=n` (with `LOG_FIRST_SEED=s`) runs
//! many: `LOG_SEEDS=10000 cargo test -p sim-disk --release --test crashes`.
//!
//! A seed's run appends, removes, reads and cleans on a disk that fails now and then, cuts power or kills the server
//! several times, and holds what is found against what was acknowledged.

mod erasing;
mod model;
mod rot;
mod world;

use world::{Stats, World};

/// Runs every time.
const SEEDS: u64 = 80;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn seeds() -> std::ops::Range<u64> {
    let first = number("LOG_FIRST_SEED").unwrap_or(0);
    first..first + number("LOG_SEEDS").unwrap_or(SEEDS)
}

#[test]
fn what_was_acknowledged_is_found_after_every_crash() {
    let mut all = Stats::default();
    for seed in seeds() {
        let outcome = std::panic::catch_unwind(|| World::new(seed).run());
        match outcome {
            Ok(stats) => all += stats,
            Err(_) => panic!("LOG_FIRST_SEED={seed} LOG_SEEDS=1"),
        }
    }
    println!("{all:?}");
    let Stats { crashes, torn, failures, retired, moved, full, recycled, .. } = all;
    // A run that never gets anywhere proves nothing.
    assert!(crashes > 100 && torn > 5 && failures > 1, "{all:?}");
    assert!(retired > 50 && moved > 1_000 && full > 5 && recycled > 10, "{all:?}");
    assert!(all.unacknowledged_found > 10 && all.unacknowledged_lost > 100, "{all:?}");
    assert!(all.units > 100 && all.read_from_disk > 100 && all.erased > 50, "{all:?}");
    assert!(all.told > 1_000 && all.rekeyed > 5 && all.scrubbed > 1_000_000, "{all:?}");
}

#[test]
fn what_rots_costs_its_record_and_is_told() {
    let mut all = rot::Stats::default();
    for seed in seeds() {
        let outcome = std::panic::catch_unwind(|| rot::run(seed));
        match outcome {
            Ok(stats) => all += stats,
            Err(_) => panic!("LOG_FIRST_SEED={seed} LOG_SEEDS=1"),
        }
    }
    println!("{all:?}");
    assert!(
        all.lost_records > 5
            && all.nothing_lost > 20
            && all.bad_footers > 1
            && all.bad_pages > 1
            && all.scrubbed > 5,
        "{all:?}"
    );
}
