//! The HTTP API as plain code.
//!
//! [`plan`] finds out what a request asks for: an answer that is known at once, or a [`Step`] that has to be taken with a
//! NATS server, whose outcome leads to the next one. [`Session`] is the client of that server: bytes in, news out. Who has
//! the sockets and the clock drives both.
//!
//! Always true: what is said to the server on behalf of a request is exactly the commands that the steps name. No byte of a
//! request can end one and begin another, since subjects and headers are checked where they come in.
#![forbid(unsafe_code)]

mod answer;
mod batch;
mod bound;
mod call;
mod credentials;
mod entries;
mod events;
mod explain;
mod first_bytes;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod guard;
mod headers;
mod health;
mod js_ask;
mod js_messages;
mod js_problem;
mod js_pull;
mod js_read;
mod js_streams;
mod kv;
mod message;
mod objects;
mod open_api;
mod parameters;
mod plain;
mod problem;
mod router;
mod services;
mod session;
mod step;
mod subjects;
mod table;
mod tickets;

pub use answer::Answer;
pub use batch::{Batch, BatchItem};
pub use bound::BoundRoute;
pub use call::{Asked, Limits};
pub use credentials::{Credentials, ticket_of};
pub use entries::entry;
pub use events::{Format, Writer};
pub use first_bytes::{FirstBytes, HEAD_BYTES_MAX};
pub use guard::{Guard, Listed, Pass};
pub use js_messages::{OfStream, begun, of_stream};
pub use message::{Received, Shape};
pub use open_api::document;
pub use problem::{Kind, Problem};
pub use router::{asked_as, body_bytes_max, plan};
pub use session::{Session, Told};
pub use step::{Ask, Failure, Follow, Outgoing, Source, Step, Then, Wants};
pub use tickets::ticket_answer;
