//! The NATS protocol, of clients both directions and between servers, as functions over byte slices.
//!
//! Nothing here waits, reads a clock or owns a socket: bytes go in, ops that borrow from them come
//! out, and encoders append to a buffer the caller owns. No op costs an allocation.
//!
//! The decoders are as tolerant and as strict as nats-server 2.14, down to which mistakes it answers
//! with which `-ERR` text and which with a closed connection ([`ProtoError::wire_text`]), and what it
//! logs of them ([`ProtoError::log_words`]).
//!
//! # A server reading a client
//!
//! ```
//! use nats_proto::{ClientDecoder, ClientOp, Delivery, Limits, Step};
//!
//! let mut input: &[u8] = b"SUB greet.* 1\r\nPUB greet.joe 5\r\nhello\r\nPUB greet.sue 2\r\nh";
//! let (mut decoder, limits) = (ClientDecoder::default(), Limits::default());
//! let (mut delivery, mut outbox) = (Delivery::default(), Vec::new());
//!
//! let at_least = loop {
//!     match decoder.step(input, &limits)? {
//!         Step::Op { used, op } => {
//!             if let ClientOp::Publish(publish) = op {
//!                 delivery.prepare(publish.subject, publish.reply, None, publish.size_text);
//!                 delivery.append(&mut outbox, b"1", publish.body);
//!             }
//!             input = &input[used..];
//!         }
//!         Step::NeedMore { at_least } => break at_least,
//!     }
//! };
//! assert_eq!(outbox, b"MSG greet.joe 1 5\r\nhello\r\n");
//! // What is left must stay at the front of the next input, which ends the op at this length.
//! assert_eq!((input.len(), at_least), (18, 21));
//! # Ok::<(), nats_proto::ProtoError>(())
//! ```
//!
//! # A client reading a server
//!
//! ```
//! use nats_proto::{ConnectOptions, HeaderView, Limits, ServerDecoder, ServerOp, Step, encode};
//!
//! let mut request = Vec::new();
//! let options = ConnectOptions { verbose: false, headers: true, ..ConnectOptions::default() };
//! encode::connect(&mut request, &options);
//! encode::subscribe(&mut request, b"inbox.1", None, b"9");
//! encode::publish(&mut request, b"nobody", Some(b"inbox.1"), b"hi");
//!
//! let answer = b"HMSG inbox.1 9 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n\r\n";
//! let step = ServerDecoder::default().step(answer, &Limits::default())?;
//! let Step::Op { op: ServerOp::Message(message), .. } = step else { panic!("not a message") };
//! let headers = HeaderView::parse(message.headers())?;
//! assert_eq!(headers.status(), Some(503));
//! assert_eq!(headers.get("Nats-Subject"), Some(&b"nobody"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A server reading another server
//!
//! Routes and leaf nodes; not gateways.
//!
//! ```
//! use nats_proto::{InterestKey, Limits, PeerDecoder, PeerKind, PeerOp, Step, encode};
//!
//! let (kind, mut outbox) = (PeerKind::ROUTE, Vec::new());
//! let key = InterestKey { origin: None, account: Some(b"A"), subject: b"greet.*", queue: Some(b"q") };
//! encode::interest(&mut outbox, kind, &key, 2);
//! assert_eq!(outbox, b"RS+ A greet.* q 2\r\n");
//!
//! let input = b"RMSG A greet.joe + inbox.1 q z 5\r\nhello\r\n";
//! let step = PeerDecoder::new(kind).step(input, &Limits::default())?;
//! let Step::Op { op: PeerOp::Message(message), .. } = step else { panic!("not a message") };
//! assert_eq!((message.reply, message.payload()), (Some(&b"inbox.1"[..]), &b"hello"[..]));
//! assert!(message.groups.iter().eq([b"q", b"z"]));
//! # Ok::<(), nats_proto::ProtoError>(())
//! ```
//!
//! # Where it follows the peer, and where it does not
//!
//! Verbs match in any case, blanks are runs of spaces and tabs, a line may end in LF alone, and what
//! follows PING, PONG or +OK is skipped. A payload ends in exactly CR LF, sizes have at most nine
//! digits, and a wrong byte in a verb is refused before the line is complete.
//!
//! Two oddities of the peer are kept, since a server in its place must give the same answers: the
//! first byte of a line's arguments is never taken for its end (so a subject can begin with a line
//! feed, and only there can an argument hold one), and a CR anywhere in a line that ends in a bare LF
//! costs the line its last byte.
//!
//! It departs from the peer in three places with clients:
//! - Blanks between verb and arguments, and what follows PING, PONG and +OK, are held to the control
//!   line's limit as well. The peer lets them run on, as it need not keep them.
//! - A CR inside a line means the same wherever reads cut it; for the peer it depends.
//! - `HMSG` from a client is an unknown operation at its second byte. The peer reads the line first.
//!
//! And in two more where servers speak to each other: `PUB` and `HPUB` are unknown operations, which the peer reads
//! before it closes, and `LS-` with too many words is refused on leaf nodes as it is on routes, where the peer finds
//! no such interest and goes on.

#![forbid(unsafe_code)]

mod client_decoder;
mod compression;
mod connect_options;
mod delivery;
pub mod encode;
mod encode_peer;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod go_duration;
pub mod go_json;
mod go_text;
mod header_edit;
mod header_view;
mod info_of_client;
mod limits;
mod line;
mod log_words;
mod marks;
mod op;
mod peer_connect;
mod peer_decoder;
mod peer_info;
mod peer_op;
mod redact;
mod server_decoder;
mod server_info;
mod shape;
mod streak;
#[cfg(test)]
mod testing;
mod tokens;
mod verb;
mod words;

pub use client_decoder::ClientDecoder;
pub use compression::{AutoLevels, BadLevels, Compression, UnknownCompression};
pub use connect_options::{ConnectOptions, ServerPermission};
pub use delivery::Delivery;
pub use error::ProtoError;
pub use go_duration::{GoDuration, GoDurationError};
pub use go_json::BodyError;
pub use go_text::{error_words, friendly_bytes, push_on_one_line, quote, show};
pub use header_edit::put_with_field;
pub use header_view::{HeaderError, HeaderFields, HeaderView};
pub use info_of_client::check_info;
pub use limits::{CONTROL_LINE_BYTES_MAX, Limits, PAYLOAD_BYTES_MAX, Step};
pub use log_words::Refused;
pub use op::{ClientOp, HeaderLen, Message, Publish, ServerOp, Subscribe, Unsubscribe};
pub use peer_connect::{LeafConnect, RouteConnect};
pub use peer_decoder::PeerDecoder;
pub use peer_info::PeerInfo;
pub use peer_op::{Groups, InterestKey, PeerKind, PeerMessage, PeerOp};
pub use redact::without_secrets;
pub use server_decoder::ServerDecoder;
pub use server_info::{InfoError, ServerInfo};
pub use streak::{PublishStreak, is_same};
pub use tokens::SIZE_DIGITS_MAX;

/// Runs the README's example with the other doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
