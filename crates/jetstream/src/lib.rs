//! JetStream on a shard: streams, their consumers and the API to both, as a service of the broker.
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | the machine, and what it is given | [`JetStream`], [`Config`] |
//! | whose a subject is | `role.rs`, `claims.rs`, `names.rs`, `ack_form.rs` |
//! | which streams there are, and where | `registrar.rs`, `stream_directory.rs`, `letters.rs` |
//! | whether a stream goes with others | `kin.rs`, `kinship.rs` |
//! | the streams of one log | `home.rs` |
//! | requests and their answers | `api.rs` and below |
//! | what is published | `post.rs`, `audit.rs` |
//! | messages in batches | `batches.rs`, `fast_batches.rs` |
//! | what schedules of a stream publish | `schedules.rs` |
//! | what streams take from others | `relay.rs`, `link.rs`, `link_request.rs`, `link_table.rs`, `link_tags.rs`, `relaying.rs`, `relayed.rs` |
//! | messages that are kept elsewhere once nobody is to have them any more | `dead_letters.rs` |
//! | messages that come too fast | `flood.rs` |
//! | what monitoring shows | `look.rs` |
//! | why a consumer delivers nothing, and where a message is | `explain.rs` |
//! | what takes several turns, and what waits for it | `work.rs`, `tasks.rs`, `ending.rs`, `details.rs`, `search.rs`; `held.rs`, `parking.rs` |
//! | an account that may have streams no more, or again | `reconfigure.rs`, `resting.rs` |
//! | who hears of what goes, and who wants what | `hearers.rs`, `interest.rs` |
//! | what consumers are remembered by | `saving.rs` |
//! | snapshots of streams, and streams made of them | `snapshots.rs`, `snapshot.rs`; `restores.rs`, `restoring.rs`, `intake.rs`, `restore_ends.rs` |
//!
//! # Always true
//!
//! - Whoever is told that a stream or a consumer was made or is gone finds every shard aware of it.
//! - Requests to a stream are answered in the order in which they came, but for those that wait until all shards are aware.
//! - One thing at a time is done to a name: it is made, changed or deleted, and whoever wants something of it meanwhile waits.
//! - No client is there before all shards know what was found on all of them.
//! - What waits is bounded: by account where it is requests, by bytes where it is to be published.
#![forbid(unsafe_code)]

mod account_purge;
mod ack_form;
mod allowance;
mod api;
mod archive;
mod audit;
mod batches;
mod captured;
mod claims;
mod command;
mod commands;
mod config;
mod consumer_meta;
mod consumer_set;
mod copies;
mod dead_letters;
mod deadlines;
mod deliveries;
mod details;
mod disk;
mod dropped;
mod effects;
mod ending;
mod endings;
mod explain;
mod farewell;
mod fast_batches;
mod flood;
mod gathering;
mod gets;
mod getter;
mod hearers;
mod held;
mod holding_back;
mod home;
mod homes;
mod intake;
mod interest;
mod inventory;
mod jet_stream;
mod keeping;
mod kin;
mod kinship;
mod lane_news;
mod ledger;
mod letters;
mod link;
mod link_request;
mod link_table;
mod link_tags;
mod look;
mod lost_mail;
mod mail;
mod medium;
mod metas;
mod names;
mod nuid;
mod parking;
mod post;
mod publishes;
mod ram;
mod reconfigure;
mod registrar;
mod relay;
mod relayed;
mod relaying;
mod replay;
mod reports;
mod request;
mod requests;
mod resting;
mod restore;
mod restore_ends;
mod restored_consumers;
mod restores;
mod restoring;
mod retention;
mod role;
mod room;
mod saving;
mod schedules;
mod scrub;
mod search;
mod sender;
mod slot;
mod slots;
mod snapshot;
mod snapshots;
mod step;
mod stream_directory;
mod surroundings;
mod taken;
mod task;
mod tasks;
mod tenant;
mod tombs;
mod traced;
mod turn;
mod unopened;
mod unsaved;
mod waiter;
mod words;
mod work;

pub use config::{
    BatchLimits, Buffer, Config, Files, ScrubInterval, ServerLimits, ServiceOptions, UNLIMITED,
};
pub use explain::ConsumerExplained;
pub use inventory::{Inventory, Stock, StreamFound};
pub use jet_stream::JetStream;
pub use ledger::Ledger;
pub use look::{Cursor, Detail, StreamDetail, Wanted};
