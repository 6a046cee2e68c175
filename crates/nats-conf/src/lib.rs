//! nats-server's configuration language: text to a value tree with file, line and column.
//!
//! ```
//! let text = "
//! port: 4222
//! max_payload 1MB            # blanks will do
//! authorization = {
//!     timeout = 0.5
//!     PASS: $2a$11$not.a.variable
//!     users [ { user: alice, password: $PASS, bogus: 1 } ]
//! }";
//! let config = nats_conf::parse(text)?;
//! assert_eq!(config.get("MAX_PAYLOAD").unwrap().as_integer(), Ok(1 << 20));
//!
//! let mut fields = config.get("authorization").unwrap().as_map()?.fields();
//! assert_eq!(fields.take(&["timeout"]).unwrap().value.as_number(), Ok(0.5));
//! let users = fields.take(&["users"]).unwrap().value.as_array()?;
//! assert_eq!(fields.unknown().count(), 0, "PASS is used as a variable");
//!
//! let mut user = users[0].as_map()?.fields();
//! assert!(user.take(&["user", "username"]).is_some() && user.take(&["pass", "password"]).is_some());
//! let unknown = user.unknown().next().unwrap();
//! assert_eq!(unknown.unknown_field().to_string(), ":7:45: unknown field \"bogus\"");
//! # Ok::<(), nats_conf::ConfError>(())
//! ```
#![forbid(unsafe_code)]

mod cursor;
mod date;
mod error;
mod json;
mod map;
mod parser;
mod position;
mod scalar;
mod sources;
mod value;

pub use date::Date;
pub use error::ConfError;
pub use map::{Entry, Fields, Map};
pub use parser::{COPIES_MAX, DEPTH_MAX, INCLUDES_MAX, parse, parse_file, parse_text};
pub use position::Position;
pub use sources::Sources;
pub use value::{Data, Value};

/// Runs the README's example with the other doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
