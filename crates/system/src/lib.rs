//! What nats-server answers itself when a client asks by a message: who it is and what it may do, from every account,
//! and how the server is, from the system account.
//!
//! [`System`] is a service of the broker ([`broker::Claims`]), one on each shard: it owns the subjects of the table in
//! `request`, reads what is asked (`asked`, `options`) and answers. What takes all shards to know it leaves as an
//! [`Inquiry`] for the caller, and comes back as a [`Reply`]. The files with the names of answers (`user_info`,
//! `statsz`, `healthz`) say what they are made of, `envelope` what is around them.
#![forbid(unsafe_code)]

mod accounts;
mod asked;
mod by_account;
mod claims;
mod client_event;
mod client_options;
mod conns;
mod connz;
mod encoding;
mod envelope;
mod event_id;
mod explain;
mod healthz;
mod idle;
mod inquiry;
mod jsz;
mod leafz;
mod msg_trace;
mod options;
mod others;
mod own_options;
mod profilez;
mod request;
mod server_identity;
mod service_latency;
mod statsz;
mod subscribers;
mod subsz;
mod system;
mod user_info;

pub use by_account::ByAccount;
pub use explain::{Explanation, Reach};
pub use inquiry::{INQUIRIES_MAX, Inquiry, InquiryKind, Reply};
pub use profilez::ProfilezText;
pub use server_identity::{Sequence, ServerIdentity};
pub use statsz::Statsz;
pub use subscribers::SubscribersQuery;
pub use system::{System, SystemEvent};
