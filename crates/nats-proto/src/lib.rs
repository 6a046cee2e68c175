//! The NATS client protocol as plain functions over byte slices.

#![forbid(unsafe_code)]

mod client_decoder;
mod error;
mod frame;
mod limits;
mod line;
mod op;
mod server_decoder;
mod tokens;
mod verb;

pub use client_decoder::ClientDecoder;
pub use error::ProtoError;
pub use limits::{CONTROL_LINE_BYTES_MAX, Limits, PAYLOAD_BYTES_MAX, Step};
pub use op::{ClientOp, HeaderLen, Message, Publish, ServerOp, Subscribe, Unsubscribe};
pub use server_decoder::ServerDecoder;
pub use tokens::SIZE_DIGITS_MAX;
