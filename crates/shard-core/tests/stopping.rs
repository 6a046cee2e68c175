//! How a shard stops: what it acted on crosses, then it says its last word, then its clients have what is theirs.

mod script;

use shard_core::Order;

use self::script::{Did, MANY, Parcel, Shard};

/// More turns than it takes to stop.
const TURNS_MAX: usize = 20;

/// Takes turns until the shard has stopped.
fn runs_out(shard: &mut Shard) {
    assert!((0..TURNS_MAX).any(|_| shard.turn()), "it stops: {:?}", shard.shell.did);
}

/// Those in line were served on, and what they published had left nobody to take it.
#[test]
fn nothing_is_published_behind_the_last_word() {
    let mut shard = Shard::new();
    let client = shard.client("");
    shard.is_wanted_elsewhere("far");
    shard.says(client, &"PUB far 1\r\nx\r\n".repeat(6 * MANY));
    shard.turn();
    assert!(shard.core().has_work_left(), "it is too much for a turn");
    shard.shell.orders.push_back(Order::Stop);
    shard.turn();
    assert_eq!(shard.shell.did.last(), Some(&Did::Last));
    shard.shell.did.clear();
    for _ in 0..TURNS_MAX {
        shard.turn();
    }
    assert_eq!(shard.shell.did, [], "it waits for the other shard");
    assert!(!shard.core().has_work_left());
    shard.shell.inbound.push_back(Parcel::Last);
    runs_out(&mut shard);
    assert_eq!(shard.shell.did, [Did::Closed(client)]);
}

#[test]
fn what_others_sent_before_their_last_word_is_delivered() {
    let mut shard = Shard::new();
    let client = shard.client("SUB s 1\r\n");
    shard.shell.orders.push_back(Order::Stop);
    shard.turn();
    assert_eq!(shard.shell.did.last(), Some(&Did::Last));
    shard.shell.did.clear();
    shard.comes("s", MANY);
    shard.shell.inbound.push_back(Parcel::Last);
    runs_out(&mut shard);
    assert_eq!(shard.sent(client), "MSG s 1 1\r\nx\r\n".repeat(MANY));
    assert_eq!(shard.shell.did, [Did::Closed(client)]);
}

/// Output waited for room in the queue to a shard that had ended, until patience did.
#[test]
fn once_all_is_said_output_waits_for_no_other_shard() {
    let mut shard = Shard::new();
    let client = shard.client("SUB s 1\r\n");
    shard.shell.orders.push_back(Order::Stop);
    shard.turn();
    shard.shell.is_full = true;
    shard.comes("s", 1);
    shard.shell.inbound.push_back(Parcel::Last);
    runs_out(&mut shard);
    assert_eq!(shard.sent(client), "MSG s 1 1\r\nx\r\n");
}

#[test]
fn a_shard_that_stops_accepts_nobody() {
    let mut shard = Shard::new();
    shard.shell.orders.push_back(Order::Stop);
    shard.turn();
    assert!(shard.shell.did.contains(&Did::StoppedAccepting));
    let before = shard.shell.adopted.len();
    shard.shell.batches.push_back(vec![shard_core::Event::Accepted((), nats_auth::ConnectionType::Standard)]);
    shard.turn();
    assert_eq!((shard.shell.adopted.len(), shard.core().broker().connections()), (before, 0));
}
