//! Monitoring: what the shards say of themselves, and what becomes of it: nats-server's JSON or
//! Prometheus text. Gathering the numbers and speaking HTTP is left to others.
#![forbid(unsafe_code)]

mod snapshot;

pub use snapshot::{
    AccountRow, ClosedRow, ConnectionFilter, ConnectionRow, Lookups, PeerCert, ShardTotals,
    SubscriptionFilter, SubscriptionRow, TURN_BOUNDS, Tally, TlsFacts, Turns,
};
