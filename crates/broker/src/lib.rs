//! Core NATS on one shard: connections, accounts, subscriptions, delivery and limits, as a machine
//! that is fed events and the time and leaves bytes, messages to other shards and a next deadline.
//!
//! [`Broker`] is the machine. What its files are about:
//!
//! - What clients say: `input` makes ops of bytes, `session` does what they ask for, with `auth` (who it is),
//!   `subscribe` and `publish`, `web` (who came over a WebSocket); `complaint` is what they are told when they may not.
//!   `turn` and `serving` are whose input comes next, and how much of it.
//! - Who gets a message: `dispatch` looks it up in the account's `subject_space`, holds it against `party` (who hears
//!   whom), and hands it to clients of this shard (`egress`), to `services` (parts of this server that subscribe and
//!   publish without a socket) and to other shards (`mesh`). `ahead` has memory read for several lookups at once.
//! - How shards stay one server: `exchange` is what they tell each other, `members` what of their subscriptions,
//!   `literal_interest` what is kept of that; `fence` and `offers` keep causes before effects.
//! - Other servers: `peers`, what they want and what they are told; `told_urls`, what clients are told of them.
//! - Who is slow: `flush` and `lateness` (readers), `pacing` (publishers to readers that take nothing).
//! - How connections end: `ending`, `remains` (their subscriptions), `shed` (many at once). How they change shards:
//!   `moves`, `moved`, and `sampling`, which says which ones should.
//! - What the operator decides: `options`, and with what else may change while the server runs, `settings`; `renewal`
//!   is what becomes of connections then. What is too long for one turn of any of it: `chores`.
//! - What is told: `counters`, `record`, `inspect` and `closed_ring` (monitoring), `trace` and `seldom` (the log),
//!   `client_news` (who came and went), `journey` (what becomes of a message, where `trace_request` finds it asked for),
//!   `latency` (how long services take).
//!
//! Where such a file has both what the machine holds and methods of the machine, the methods stand in the folder
//! of its name: nobody imports those, so the files that others import need not import the machine.
#![forbid(unsafe_code)]

mod ahead;
mod auth;
mod awaited;
mod border;
mod broker;
mod chores;
mod client;
mod client_news;
mod closed_ring;
mod complaint;
mod config;
mod counters;
mod cursor;
mod dispatch;
mod egress;
mod ending;
mod envelope;
mod exchange;
mod fence;
mod flush;
mod guard;
mod imported;
mod input;
mod inspect;
mod journey;
mod latency;
mod lateness;
mod letterbox;
mod literal_interest;
mod members;
mod mesh;
mod moved;
mod moves;
mod offers;
mod options;
mod pacing;
mod page;
mod party;
mod peers;
mod placement;
mod publish;
mod random;
mod record;
mod remains;
mod renewal;
mod responses;
mod sampling;
mod security;
mod seldom;
mod served;
mod service_news;
mod services;
mod serving;
mod session;
mod settings;
mod shadows;
mod shed;
mod sid;
mod single_out;
mod steady_queue;
mod subject_space;
mod subscribe;
mod subscription;
mod told_urls;
mod trace;
mod trace_request;
mod turn;
mod web;
mod who;

pub use broker::Broker;
pub use client_news::{ClientDeed, ClientNews};
pub use closed_ring::ClosedConnections;
pub use config::Config;
pub use journey::{ToldTrace, TraceTicket};
pub use latency::ServiceLatency;
pub use moved::Moved;
pub use moves::MOVED_CONNECTIONS_MAX;
pub use options::{BrokerOptions, WriteTimeout};
pub use page::Page;
pub use party::{FarConn, Party, PeerId, ServiceId};
pub use peers::Advertised;
pub use placement::Placed;
pub use security::{Greeting, Security};
pub use seldom::SeldomLines;
pub use services::{
    CLAIMED, Claims, ForgedServices, Owner, PublishOutcome, Round, SIBLING, ServiceSubscription, Wait,
};
pub use settings::{Settings, WebSocketSettings};
pub use shed::{SHED_AT_ONCE_MAX, Sweep};
pub use told_urls::ToldUrls;
pub use turn::{SHARE_BYTES_MAX, SHARE_STEPS_MAX, STRETCH_STEPS_MAX, Share, ShareMax};
pub use web::{Cookies, Upgraded};
pub use who::ConnectedUser;
