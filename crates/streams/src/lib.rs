//! One stream of JetStream as a machine that decides and applies.
//!
//! # How one stream is driven
//!
//! 1. A message comes: `stream.decide(&publish, &mut around)`. Nothing of the stream changes by that.
//! 2. [`Decision::Answer`]: refused, or a duplicate. Say so now. [`Decision::AnswerBehind`]: a duplicate of what is not
//!    committed yet; `stream.defer(waiter, answer)`, and it comes out in its turn. [`Decision::Later`]: hold the
//!    command, and all behind it, until something of this stream was committed, or for the next turn if the stream [is
//!    looking](Stream::is_looking) for something.
//! 3. [`Decision::Append`]: write the record to the log, under the stream's group there. If that works,
//!    `stream.on_appended(place, Some(waiter))`: the event stands in the *tail* now, and what is decided next knows of
//!    it. If the log is full, forget the decision; nothing happened.
//! 4. The log tells that more is committed: for each record of this stream, in order, `stream.commit(&mut effects)`.
//!    That applies it, and only now readers see it. A memory stream does so at once.
//! 5. Carry out the effects in their order: answers to waiters, messages for consumers, messages that are gone,
//!    what is to be published again. [`StreamIndex`] tells subjects of ids in them until the next commit.
//! 6. `while stream.is_busy()`: a purge or an update reaches more messages than a turn may. Call
//!    `stream.work(&mut steps, &mut effects)` once a turn; until it is done nobody may read this stream, and commands to
//!    it wait. (Whoever forgets that loses time, not truth: the next commit does what is left.)
//! 7. At `stream.next_deadline()`, and again after each commit while it is past: `while let Some(record) =
//!    stream.expire(now)`, append it and `on_appended(place, None)`; then the same with [`stream.fire`](Stream::fire).
//!    A stream that is deleted gives its memory back by [`Stream::discard_some`].
//! 8. The log failed: `stream.drop_tail(0)` gives everybody who waits; tell them 10077. Nothing else changes.
//! 9. A start: [`Rebuild`] takes the meta record and each record of the group in the order of the log, and makes the
//!    stream.
//! 10. Whoever keeps the records buries what [`Effect::Bury`] names, and nothing else. A cleaner asks
//!     [`Stream::is_live`] and tells [`Stream::on_moved`].
//!
//! Deletes ([`Stream::decide_delete`]), purges ([`Stream::decide_purge`]) and updates ([`Stream::decide_update`]) go the
//! same way. Messages that consumers are done with are taken out by [`Stream::release`] when the consumer's own
//! record is committed; that is no event of the stream, so records of consumers outlive
//! [`Stream::has_unsaved_releases`].
//!
//! # What makes replicas alike
//!
//! An event is a [`log_format::Record`] and holds all that applying it takes. [`Stream::commit`] and
//! [`Stream::replay`] read no clock and draw no random number, and [`Stream::digest`] tells whether two are alike. Limits in
//! number follow from storing and are not logged; limits in time are events, since somebody has to look at a clock.
//!
//! Messages of an atomic batch come by [`Stream::decide_batch`]: they wait in memory until the batch is whole, and then
//! its records are appended as a unit of the log. That is one event of the stream, which is applied without anybody seeing
//! a part of it; to who replays the log each record is an event.
//!
//! Messages of a fast batch come by [`Stream::decide_fast`], and go the way of others, each by itself: what differs is what
//! their publisher is told, and when.
//!
//! What a counter comes to stands in the last message of its subject, in the payload, which nobody here keeps: a decision on
//! an increment reads it from the [`Shelf`], and is a [`Decision::Later`] while that takes time.
//!
//! What schedules publish comes by [`Stream::fire`], with nobody waiting, at the deadline like what time takes out.
//!
//! What a stream is at a moment can be told row by row while it goes on: [`Stream::begin_view`]. And one can be made of what
//! was told: [`Stream::decide_restored`] for each message, in the end [`Stream::decide_whole`].
//!
//! What is taken from other streams comes by [`Stream::take`], in the order in which it is there, and goes the same way.
//! How far a stream is with each of them is known of its own messages ([`Stream::position_of`]); a mirror is as far as its
//! [last sequence](Stream::last_seq_ahead), and [passes over](Stream::decide_skip) those without a message.
#![forbid(unsafe_code)]

mod apply;
mod atomic;
mod batch_checks;
mod bytes;
mod calendar;
mod changes;
mod command;
mod counter;
mod counters;
mod decision;
mod dedup;
mod digest;
mod effect;
mod event;
mod expiry;
mod fast_batch;
mod fast_batches;
mod fast_publish;
mod firing;
mod found_last;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod graves;
mod header_edit;
mod limits;
mod lookup;
mod meta;
mod open_batches;
mod positions;
mod publish;
mod rebuild;
mod restored;
mod rewritten;
mod rules;
mod saved;
mod schedules;
mod shelf;
mod sizes;
mod staged_fast;
mod staged_unit;
mod stream;
mod tail;
mod taking;
#[cfg(test)]
mod tests;
mod timetable;
mod view;
mod viewing;
mod work;

pub use atomic::{BatchDecision, Unit};
pub use command::{Around, Incoming, Purge, SEQUENCE_MAX};
pub use decision::{Answer, Decision};
pub use dedup::MESSAGE_IDS_MAX;
pub use effect::{Effect, Removal};
pub use fast_batch::FastWord;
pub use fast_batches::FastRoom;
pub use fast_publish::FastDecision;
pub use firing::Fired;
pub use header_edit::{add as add_header, keep as keep_header};
pub use lookup::LOOKUP_STEPS;
pub use meta::{BEHAVIOUR_LEVEL, BadRecord, FORMAT_VERSION, StreamMeta};
pub use open_batches::{Abandoned, BATCH_BYTES_MAX, BatchLimits, BatchRoom};
pub use rebuild::Rebuild;
pub use restored::Restored;
pub use shelf::{Found, NoShelf, Said, Shelf};
pub use stream::Stream;
pub use stream_index::{self, StreamIndex};
pub use taking::{Origin, Taken};
pub use view::Viewed;
