//! WebSocket over byte slices, as nats-server speaks it.
//!
//! Nothing here waits, allocates per message, or knows what is in the messages. Frames are read where they were
//! received:
//!
//! ```
//! use ws_frame::{Agreed, Frame, Opcode, Reader, Step};
//!
//! // "PING\r\n" from a client, masked with zeros to be readable.
//! let mut input = *b"\x82\x86\0\0\0\0PING\r\n";
//! let mut reader = Reader::new(Agreed::default());
//! let Step::Data { used, payload, is_last, .. } = reader.step(&mut input)? else { panic!("it is data") };
//! assert_eq!((used, &*payload, is_last), (12, &b"PING\r\n"[..], true));
//!
//! // What goes before an answer.
//! assert_eq!(Frame::whole(Opcode::Binary).header(b"PONG\r\n".len()).as_ref(), b"\x82\x06");
//! # Ok::<(), ws_frame::FrameError>(())
//! ```

#![forbid(unsafe_code)]

mod address;
mod close;
mod cookies;
mod error;
mod header;
mod mask;
mod opcode;
mod origin;
mod reader;
mod upgrade;

pub use close::{Close, Status};
pub use cookies::{CookieNames, Cookies};
pub use error::FrameError;
pub use header::{Frame, HEADER_BYTES_MAX, Header};
pub use opcode::Opcode;
pub use origin::{AllowedError, Origin, OriginError};
pub use reader::{Agreed, CONTROL_BYTES_MAX, Reader, Step, WAITING_BYTES_MAX};
pub use upgrade::{Endpoint, Refusal, Request, Taste, Upgrade, UpgradePolicy};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
