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
//!
//! # The language
//!
//! - Keys and values with `:`, `=` or a blank between them; entries end with their line, `,` or `;`.
//!   Brackets around the whole text may be there, so that JSON is a configuration.
//! - `# ..` and `// ..` are remarks, but not within bare words: `a#b` and `nats://host` are whole.
//! - Maps `{ .. }` and arrays `[ .. ]`, whose elements end with `,` or their line.
//! - Strings: bare words (with escapes), `'as it is'`, `"with \n, \t, \r, \", \\ and \x41"`, and blocks from `(` to
//!   a `)` with a line of its own.
//! - Whole numbers with units (`k` is 1000; `kb`, `ki`, `kib` are 1024; then m, g, t, p, e), numbers with a
//!   point, `true yes on false no off` in any case, dates `2016-05-04T18:53:41Z`.
//! - `$NAME` is the value of that key in the nearest enclosing map, if it stands before, else the
//!   environment's text, read as a value. What begins with `$2a$` is a password's hash.
//! - `include path` takes the entries of another file, whose path is relative to this one's folder. That
//!   file does not see the variables of this one; this one sees those of that file.
//! - Of a key that is given twice, the last value counts.
//!
//! # Where it departs from nats-server 2.14
//!
//! It is held to nats-server's trees (by their digest), errors and places. The departures:
//! - Errors name file, line and column always; nats-server often only the line, and the line after, if
//!   it stumbles over a line's end. The end of the text is shown as `EOF`, not as a NUL.
//! - `[1,2]` is an array of numbers; nats-server wants a blank before the `]`.
//! - Refused, where nats-server reads something else than was meant: numbers that overflow with their
//!   unit, `1kbb`, a map's key without value before `}`, a quote without end at the end of the text.
//! - A block string may end with the text, without a last line feed.
//! - Files and strings are UTF-8. NUL is refused everywhere.
//! - A file that includes itself is refused. Depth, includes and copies are bounded: [`DEPTH_MAX`],
//!   [`INCLUDES_MAX`], [`COPIES_MAX`].
#![forbid(unsafe_code)]

mod cursor;
mod date;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
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
