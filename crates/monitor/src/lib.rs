//! Monitoring: what the shards say of themselves, and what becomes of it: nats-server's JSON or
//! Prometheus text. Gathering the numbers and speaking HTTP is left to others.
//!
//! `snapshot` is what shards say. [`Request`] is what is asked for, parameters and all; there is a file
//! for each endpoint that makes an [`Answer`] of what was gathered for it.
#![forbid(unsafe_code)]

mod absent;
mod accounts;
mod answer;
mod clock;
mod cluster;
mod connz;
mod connz_query;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod healthz;
mod history;
mod jetstream;
mod jsz;
mod leafz;
mod log_totals;
mod metrics;
mod moment;
mod parameters;
mod paths;
mod request;
mod root;
mod routez;
mod shown_sharing;
mod snapshot;
mod subsz;
mod trace_step;
mod varz;
mod websocket;

pub use absent::{gatewayz, ip_queuesz, raftz};
pub use accounts::{
    AccountDetail, AccountStat, Accounts, AccstatzQuery, MappedTo, ShownMappings, accountz, accountz_of,
    accstatz, no_such_account,
};
pub use answer::Answer;
pub use clock::Clock;
pub use cluster::{ClusterFacts, RouteTotals};
pub use connz::{Connz, Selection, Shown};
pub use connz_query::{ConnzQuery, Sort, State, Subs};
pub use healthz::{AilingStream, Ailment, Health, HealthStatus, HealthzQuery, StreamHealth};
pub use history::{HISTORY_SECONDS_MAX, History, Reading, Watched};
pub use jetstream::{
    JetStreamConfigFacts, JetStreamFacts, JetStreamLimitFacts, JetStreamText, JetStreamTotals,
};
pub use jsz::{
    JetStreamAccountRow, JetStreamAccountText, Jsz, JszQuery, StreamSums, jsz_disabled, jsz_not_leader,
};
pub use leafz::{LeafFacts, LeafRow, LeafzQuery, leafz};
pub use log_totals::{LogTotals, SYNC_BOUNDS};
pub use metrics::{
    ACCOUNT_SERIES_MAX, CONSUMER_SERIES_MAX, ConsumerSeries, JetStreamMetrics, Metrics, Process,
    ROUTE_SERIES_MAX, STREAM_SERIES_MAX, StreamSeries,
};
pub use moment::Moment;
pub use nats_proto::go_json::{compact, compact_within};
pub use request::Request;
pub use root::root;
pub use routez::{RouteRow, Routez, RoutezQuery};
pub use shown_sharing::{ShownExport, ShownImport, ShownLatency, ShownResponse, ShownSharing};
pub use snapshot::{
    AccountRow, ClosedRow, ConnectionFilter, ConnectionRow, Lookups, PeerCert, ShardTotals, Subjects,
    SubscriptionFilter, SubscriptionRow, TURN_BOUNDS, Tally, TlsFacts, Turns,
};
pub use subsz::{Subsz, SubszQuery};
pub use trace_step::{TRACED_CLIENT, TRACED_LEAF, TRACED_ROUTE, TraceStep};
pub use varz::{ConfigFacts, Facts, ServerFacts, ServerProtocol, TimeFacts, Varz};
pub use websocket::WebSocketFacts;

/// The account of clients that name none. Its name is left out where there is nothing to tell apart.
pub const GLOBAL_ACCOUNT: &str = "$G";
