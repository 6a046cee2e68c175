//! Real clients and recorded transcripts against the server.
//!
//! The scenarios run through async-nats inside the tests, and through nats-py, nats.js (in a browser, too) and the
//! C client as programs of their own ([`foreign`] prepares them, [`driver`] runs them).
//! [`transcript`] is what the stock server answered and [`replay`] compares with it, byte for
//! byte; what we cannot do yet stands in [`known_gaps`] with the reason.
#![forbid(unsafe_code)]

pub mod driver;
pub mod foreign;
pub mod known_gaps;
pub mod peer_record;
pub mod peer_replay;
pub mod replay;
pub mod transcript;

/// What every client goes through; a program that leaves one out fails.
pub const SCENARIOS: [&str; 13] = [
    "pub_sub",
    "wildcards",
    "queue_spread",
    "request_reply",
    "many_replies",
    "no_responders",
    "headers",
    "drain",
    "auto_unsubscribe",
    "reconnect",
    "large_payload",
    "many_subscriptions",
    "slow_consumer",
];

/// What a client goes through on a server with JetStream.
pub const STREAMS: [&str; 8] = [
    "pulls",
    "pushes_to_a_group",
    "ordered",
    "acknowledged_is_kept",
    "keys",
    "keys_are_counted_up",
    "keys_expire",
    "objects",
];

/// What a client goes through on a server with users.
pub const SECURED: [&str; 4] = ["users_get_in", "others_do_not", "violations_are_told", "accounts_are_apart"];
