//! What a stream holds, without its payloads.
//!
//! [`StreamIndex`] knows of each message its sequence, time, size, subject, place in the log and a few flags, and of
//! each subject how many messages it has, the first and the last. It is what consumers walk and what limits are
//! counted on. It says nothing about what may be stored and what has to go: that is who pushes and removes.
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | a message by its sequence, the counters | [`StreamIndex::get`], [`StreamIndex::state`] |
//! | the next or the last one of some subjects, how many there are | [`StreamIndex::next`], [`StreamIndex::last`], [`StreamIndex::count`] |
//! | subjects in order, and what each has | [`StreamIndex::subjects`], [`StreamIndex::tally`] |
//! | how long one may walk | [`Steps`], [`Walk`] |
//! | messages as a footer of the log tells of them | [`StreamIndex::append`] |
//!
//! # Always true
//!
//! - Sequences and times of rows rise, times not strictly.
//! - `messages`, `bytes` and `subjects` are what a count of the rows gives.
//! - A subject's `first` and `last` are rows of that subject, and there is none before or behind.
//! - Memory is bounded by the number of messages and subjects: what is removed is swept out once as much is gone as
//!   is left. Nothing is ever moved as a whole, so no single step takes longer with more messages.
#![forbid(unsafe_code)]

mod arena;
mod chunk;
mod filter;
mod index;
mod links;
mod matcher;
mod open;
mod ordered;
mod packed;
mod row;
mod rows;
mod steps;
mod subjects;
#[cfg(test)]
mod tests;
mod walks;

pub use filter::Filter;
pub use index::StreamIndex;
pub use log_format::{Place, Stretch};
pub use row::{Count, Row, RowFlags, SIZE_MAX, SizeRule, State, SubjectId, Tally};
pub use steps::{Steps, Walk};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
