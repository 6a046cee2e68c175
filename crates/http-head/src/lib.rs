//! Heads of HTTP requests, as Go's `net/http` reads them.
//!
//! A server that takes the place of one written in Go has clients that know what that one takes. [`HeadReader`]
//! reads heads line by line and refuses what Go refuses, in its words; [`Target`] takes apart what is asked for, and
//! [`clean`] finds the path that Go's `ServeMux` sends clients to.
#![forbid(unsafe_code)]

mod blanks;
mod clean;
mod escapes;
mod head;
mod lines;
mod reader;
mod refusal;
mod target;

pub use clean::{clean, location, redirect_page};
pub use escapes::{escape_path, unescape};
pub use head::{Head, TARGET_BYTES_MAX};
pub use lines::LINE_BYTES_MAX;
pub use reader::{HEAD_BYTES_MAX, HeadReader, Read};
pub use refusal::Refusal;
pub use target::Target;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
