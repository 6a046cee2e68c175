//! Looks at a store of streams that no server uses, and changes nothing.
//!
//! It goes through the very code that a start goes through, so what it says a start would do is what a start does. That is
//! also all the repair there is: a torn end is cut off, damaged pages and footers are made anew from what they tell of,
//! and of what rotted nothing is left to be put back.
#![forbid(unsafe_code)]

mod check;
mod findings;

pub use check::{CheckError, check};
pub use findings::{Damage, Findings, LogFindings};
