//! Tables for very many rows whose every step is short: nothing in them grows or shrinks all at once.
//!
//! They are what [`SubjectTrie`](crate::SubjectTrie) is made of, and for whoever keeps as many rows beside it.

mod rows;
mod table;

pub use rows::SteadyRows;
pub use table::{Entry, SteadyTable, Vacant};
