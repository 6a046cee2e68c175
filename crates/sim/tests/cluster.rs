//! Several servers, over a fixed handful of seeds. `SIM_SEEDS=n` (with `SIM_FIRST_SEED=s`) runs many.

use sim::{ClusterPlan, run_cluster};

/// Runs every time.
const SEEDS: u64 = 50;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn servers_keep_what_they_promise_whatever_breaks_between_them() {
    check(ClusterPlan::new);
}

#[test]
fn so_they_do_with_a_leaf_node_beside_them() {
    check(ClusterPlan::with_leaf);
}

fn check(plan: impl Fn(u64) -> ClusterPlan) {
    let first = number("SIM_FIRST_SEED").unwrap_or(0);
    let count = number("SIM_SEEDS").unwrap_or(SEEDS);
    let (mut broken, mut published, mut received, mut cuts) = (Vec::new(), 0, 0, 0);
    for seed in first..first + count {
        let outcome = run_cluster(&plan(seed));
        if let Some(violation) = outcome.violations.first() {
            broken.push(format!("seed {seed}: {violation}"));
        }
        published += outcome.published;
        received += outcome.received;
        cuts += outcome.cuts;
    }
    assert!(broken.is_empty(), "{} of {count} seeds: {broken:#?}", broken.len());
    // A simulation that never gets anywhere proves nothing.
    assert!(received as u64 > published && cuts > count as usize, "{published} {received} {cuts}");
}
