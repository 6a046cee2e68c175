//! The checks can fail: without the rule that holds the promises, they do.

use broker::ForgedServices;
use fabric::ShardId;
use shard_core::Forged;
use sim::{Ending, Plan, Profile, run};

/// Enough for each kind of violation.
const SEEDS: u64 = 60;

/// Runs of which one has to show what is wrong with it, where that shows seldom.
const FORGED_SEEDS_MAX: u64 = 4000;

/// The same where one shard of three sends what may be lost.
const SERVED_SEEDS: u64 = 80;

/// The same where each run has many shards.
const FEW_SEEDS: u64 = 12;

/// The rule (docs/decisions/0001-interest-fence.md) is that a connection waits until every shard
/// confirmed its change of interest. Here the confirmations come before the shards know.
#[test]
fn without_confirmations_that_mean_it_the_promises_break() {
    let mut violations = Vec::new();
    for seed in 0..SEEDS {
        let plan = Plan::of(seed, Profile::Usual);
        violations.extend(run(&Plan { shards: 3, forge_confirmations: true, ..plan }).violations);
    }
    // A subscription misses messages, a queue group loses them, a request is lost without a 503.
    for kind in ["is missing; seen at", "group", "neither taken nor got a 503"] {
        assert!(
            violations.iter().any(|violation| violation.contains(kind)),
            "no {kind:?} in {violations:#?}"
        );
    }
}

/// The same runs with the rule in place are as they should be.
#[test]
fn with_the_rule_the_same_runs_are_good() {
    for seed in 0..SEEDS {
        let plan = Plan { shards: 3, ..Plan::of(seed, Profile::Usual) };
        assert_eq!(run(&plan).violations, Vec::<String>::new(), "seed {seed}");
    }
}

/// Connections change shards only when no message is under way to either shard
/// (docs/decisions/0006-connections-that-move.md). Here they do not wait for that.
#[test]
fn without_the_pause_connections_that_move_lose_messages_or_get_them_twice() {
    let mut violations = Vec::new();
    for seed in 0..4 * SEEDS {
        violations.extend(run(&Plan { forge_quiet: Some(ShardId(2)), ..moving(seed) }).violations);
    }
    for kind in ["is missing; seen at", " after ", "group"] {
        assert!(
            violations.iter().any(|violation| violation.contains(kind)),
            "no {kind:?} in {violations:#?}"
        );
    }
}

/// The same runs with the pause in place are as they should be.
#[test]
fn with_the_pause_connections_that_move_notice_nothing() {
    for seed in 0..SEEDS {
        assert_eq!(run(&moving(seed)).violations, Vec::<String>::new(), "seed {seed}");
    }
}

/// Nor does a service publish during that pause. Here nobody waits for what the service of a shard without
/// connections has sent.
#[test]
fn without_the_pause_what_services_publish_is_lost_or_out_of_order() {
    let mut violations = Vec::new();
    for seed in 0..SERVED_SEEDS {
        violations
            .extend(run(&Plan { forge_quiet: Some(ShardId(2)), ..moving_beside_a_service(seed) }).violations);
    }
    for kind in ["is missing; seen at", " after "] {
        assert!(
            violations.iter().any(|violation| violation.contains(kind)),
            "no {kind:?} in {violations:#?}"
        );
    }
}

/// Here services publish in spite of it.
#[test]
fn with_services_that_heed_no_pause_messages_are_lost_or_come_twice() {
    let mut violations = Vec::new();
    for seed in 0..SERVED_SEEDS / 4 {
        violations.extend(
            run(&Plan {
                forge_services: ForgedServices { pause: true, ..ForgedServices::default() },
                ..moving_beside_a_service(seed)
            })
            .violations,
        );
    }
    for kind in ["is missing; seen at", " after "] {
        assert!(
            violations.iter().any(|violation| violation.contains(kind)),
            "no {kind:?} in {violations:#?}"
        );
    }
}

/// The same runs with the pause in place are as they should be.
#[test]
fn with_the_pause_nothing_that_services_publish_is_lost() {
    for seed in 0..SERVED_SEEDS {
        assert_eq!(run(&moving_beside_a_service(seed)).violations, Vec::<String>::new(), "seed {seed}");
    }
}

/// Two clients that keep changing places, while all that the third shard has is its service.
fn moving_beside_a_service(seed: u64) -> Plan {
    Plan { clients: 2, services: true, steps: 120, hangups: 0, ..moving(seed) }
}

fn moving(seed: u64) -> Plan {
    Plan { shards: 3, moves: 200, ..Plan::of(seed, Profile::Usual) }
}

/// A shard without connections need not be told at once what others want, unless its service subscribes or
/// publishes. Here it is not told even then.
#[test]
fn without_being_told_services_on_shards_without_connections_lose_messages() {
    let mut violations = Vec::new();
    for seed in 0..FEW_SEEDS {
        violations.extend(run(&Plan { forge_vacancy: true, ..inhabited(seed) }).violations);
    }
    assert!(
        violations.iter().any(|violation| violation.contains("is missing; seen at")),
        "nothing is missing in {violations:#?}"
    );
}

/// The same runs with the rule in place are as they should be.
#[test]
fn with_being_told_the_same_services_lose_nothing() {
    for seed in 0..FEW_SEEDS {
        assert_eq!(run(&inhabited(seed)).violations, Vec::<String>::new(), "seed {seed}");
    }
}

/// More shards than clients, and a service on each.
fn inhabited(seed: u64) -> Plan {
    Plan { shards: 8, clients: 3, services: true, moves: 0, ..Plan::of(seed, Profile::Usual) }
}

/// A connection has one message under offer at most, and waits for the answer. So does a service, or nothing would
/// bound them. Here it does not wait.
#[test]
fn with_services_that_wait_for_no_answer_nothing_bounds_offers() {
    let forge_services = ForgedServices { offers: true, ..ForgedServices::default() };
    let mut violations = Vec::new();
    for seed in 0..SERVED_SEEDS {
        violations.extend(run(&Plan { forge_services, ..offering(seed) }).violations);
    }
    assert!(
        violations.iter().any(|violation| violation.contains("has two messages under offer")),
        "they are bounded in {violations:#?}"
    );
}

/// The same runs with the rule in place are as they should be.
#[test]
fn with_services_that_wait_for_answers_offers_are_bounded() {
    let mut waited = 0;
    for seed in 0..SERVED_SEEDS {
        let outcome = run(&offering(seed));
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
        waited += outcome.stats.services.waited_for_offer;
    }
    assert!(waited > 0, "some had to");
}

/// Clients whose subscriptions run out, and services that publish to them.
fn offering(seed: u64) -> Plan {
    Plan { shards: 3, services: true, limits: true, steps: 120, hangups: 0, ..Plan::of(seed, Profile::Usual) }
}

/// What a shard that stops has acted on has left before its last word, behind which others end. Here it has not.
#[test]
fn without_batches_before_the_last_word_messages_are_lost() {
    let forge_turn = Forged { last_word_first: true, ..Forged::default() };
    let is_missing = |violation: &String| violation.contains("is missing; seen at");
    // Few runs stop in the moment in which it shows.
    let shows = |seed| run(&Plan { forge_turn, ..stopping(seed) }).violations.iter().any(is_missing);
    assert!((0..FORGED_SEEDS_MAX).any(shows), "nothing is missing");
}

/// The same runs with the rule in place are as they should be.
#[test]
fn a_server_that_stops_loses_nothing_that_somebody_knows_of() {
    for seed in 0..SEEDS {
        let outcome = run(&stopping(seed));
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
        assert_eq!(outcome.stats.stopped_shards, 3);
    }
}

/// Nor does one that lets its clients go first.
#[test]
fn in_lame_duck_mode_clients_are_warned_and_have_all_up_to_their_end() {
    let mut warned = 0;
    for seed in 0..SEEDS {
        let outcome = run(&Plan { ending: Ending::LameDuck, ..stopping(seed) });
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
        warned += outcome.stats.warned;
    }
    assert!(warned > 0, "nobody was");
}

/// Clients that are in the middle of everything when the server stops.
fn stopping(seed: u64) -> Plan {
    let plan =
        Plan { ending: Ending::Stop, steps: 300, hangups: 0, moves: 0, ..Plan::of(seed, Profile::Usual) };
    Plan { shards: 3, ..plan }
}

/// What a publisher's PONG says is so: its messages come before the answer to whatever is asked after it. Shards act
/// on what others sent before they act on what they received with it, and batches leave before output. Here shards
/// act on what they received first.
#[test]
fn without_batches_before_input_messages_come_behind_answers_to_what_was_asked_later() {
    breaks_causes(Forged { input_first: true, ..Forged::default() });
}

/// And here output leaves although a batch has found no room.
#[test]
fn without_batches_before_output_messages_come_behind_answers_to_what_was_asked_later() {
    breaks_causes(Forged { output_first: true, ..Forged::default() });
}

fn breaks_causes(forge_turn: Forged) {
    let mut violations = Vec::new();
    for seed in 0..SEEDS {
        violations.extend(run(&Plan { forge_turn, ..prompt(seed) }).violations);
    }
    assert!(
        violations.iter().any(|violation| violation.contains("came behind the answer")),
        "all is in order in {violations:#?}"
    );
}

/// What comes in the middle of a batch is acted on behind what other shards had sent by then, too. Here it is not.
#[test]
fn without_batches_before_newer_input_messages_come_behind_answers_to_what_was_asked_later() {
    breaks_causes(Forged { newer_first: true, ..Forged::default() });
}

/// The same runs with the order in place are as they should be.
#[test]
fn with_the_order_of_the_turn_the_same_runs_are_good() {
    for seed in 0..SEEDS {
        assert_eq!(run(&prompt(seed)).violations, Vec::<String>::new(), "seed {seed}");
    }
}

/// Nor is anything out of order because of a pause, in which what was received waits for its end.
#[test]
fn with_the_order_of_the_turn_runs_in_which_connections_move_are_good() {
    let mut moved = 0;
    for seed in 0..SEEDS {
        let outcome = run(&Plan { moves: 200, ..prompt(seed) });
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
        moved += outcome.stats.changed_shards;
    }
    assert!(moved > 1000, "{moved}");
}

/// Who has something to say waits for two shares of another at most. Here shares do not end.
#[test]
fn without_shares_that_end_some_wait_for_all_that_others_have_to_say() {
    let mut violations = Vec::new();
    for seed in 0..FEW_SEEDS {
        violations.extend(run(&Plan { forge_shares: true, ..talkative(seed) }).violations);
    }
    assert!(
        violations.iter().any(|violation| violation.contains("waits while")),
        "everybody has a turn in {violations:#?}"
    );
}

/// The same runs with shares that end are as they should be.
#[test]
fn with_shares_that_end_everybody_has_a_turn() {
    for seed in 0..FEW_SEEDS {
        assert_eq!(run(&talkative(seed)).violations, Vec::<String>::new(), "seed {seed}");
    }
}

/// Clients that say a lot at once, on one shard.
fn talkative(seed: u64) -> Plan {
    let plan = Plan { ballast: 1500, steps: 120, hangups: 0, ..Plan::of(seed, Profile::Usual) };
    Plan { shards: 1, clients: 6, ..plan }
}

/// Batches arrive when they are sent, few find room, and shards are late to take them: what is out of order then is
/// so because of the turn.
fn prompt(seed: u64) -> Plan {
    let plan = Plan { prompt_links: true, settles: true, limits: false, ..Plan::of(seed, Profile::Usual) };
    Plan { shards: 3, parcels_max: 2, turn_gap_max: 300_000, steps: 300, hangups: 0, moves: 0, ..plan }
}
