//! The NATS client protocol as plain functions over byte slices.

#![forbid(unsafe_code)]

mod client_decoder;
mod connect_options;
mod delivery;
pub mod encode;
mod error;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod go_json;
mod header_view;
mod limits;
mod line;
mod marks;
mod op;
mod server_decoder;
mod server_info;
mod tokens;
mod verb;

pub use client_decoder::ClientDecoder;
pub use connect_options::{ConnectError, ConnectOptions, SubjectPermission};
pub use delivery::Delivery;
pub use error::ProtoError;
pub use header_view::{HeaderError, HeaderFields, HeaderView};
pub use limits::{CONTROL_LINE_BYTES_MAX, Limits, PAYLOAD_BYTES_MAX, Step};
pub use op::{ClientOp, HeaderLen, Message, Publish, ServerOp, Subscribe, Unsubscribe};
pub use server_decoder::ServerDecoder;
pub use server_info::{InfoError, ServerInfo};
pub use tokens::SIZE_DIGITS_MAX;
