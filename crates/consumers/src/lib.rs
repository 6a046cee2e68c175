//! One consumer of a stream as a machine.
//!
//! [`Consumer`] decides what is delivered to whom, what is acknowledged, and what is delivered again. It is told what
//! happens, with the time and a random number ([`Now`]), and looks at the stream through its index
//! ([`stream_index::StreamIndex`]); what is to be done about it comes out as [`Effect`]s, in order. It reads no message
//! and waits for nothing.
//!
//! # How one is driven
//!
//! 1. [`Consumer::new`] of a settled configuration; then [`settle`](Consumer::settle) with some steps, turn after turn,
//!    until it says that it is. Only then CREATE is answered, with [`info`](Consumer::info). One that pushes is told who
//!    listens by [`on_interest`](Consumer::on_interest), at first and whenever that changes.
//! 2. Something is said to it: [`on_request`](Consumer::on_request), [`on_ack`](Consumer::on_ack),
//!    [`on_flow_answer`](Consumer::on_flow_answer), [`on_removed`](Consumer::on_removed) or
//!    [`on_purged`](Consumer::on_purged) (until it says that this is all) right when that is applied to the stream, [`on_deadline`](Consumer::on_deadline)
//!    when [`next_deadline`](Consumer::next_deadline) has come, [`update`](Consumer::update),
//!    [`reset`](Consumer::reset).
//! 3. After each of these, what is [`next`](Consumer::next) is asked, with steps that all consumers of a turn share:
//!    - [`Next::Message`]: the record at the row's place is read. If it is there, [`deliver`](Consumer::deliver) with its
//!      sizes, and ask again. If it has to be fetched, ask again when it came. If it is lost,
//!      [`on_lost`](Consumer::on_lost), and ask again.
//!    - [`Next::Again`]: in another turn. [`Next::Idle`]: when something is said again. [`Next::End`]: that, or when the
//!      stream has a new message. So who waits for messages is a list of consumers a stream, and all others cost nothing
//!      when one comes in.
//! 4. After each call the effects are done in order. [`Effect::Deliver`] only comes of `deliver`: publish the record to
//!    `to`, shown under its own subject, with the reply that [`AckReply`](js_proto::AckReply) writes of the metadata, or
//!    with what [`headers_only`] makes of it. If nobody took it after all,
//!    [`on_undelivered`](Consumer::on_undelivered). Statuses, answers and events have no message.
//!    Who is [past](Consumer::lowest) a message need not hear that it goes. Where what is not delivered any more is
//!    [kept elsewhere](Consumer::dead_letters), the [letters](Consumer::next_letter) are sent along with what is next.
//! 5. At the end of the batch, or somewhat later, [`take_saved`](Consumer::take_saved) gives one record, or none. [`Effect::Answer`]s leave
//!    when that record is on disk, or the one before it if there is none: so a confirmed acknowledgement is never
//!    forgotten. Everything else may leave at once: after a crash a delivery may come again.
//! 6. At a start [`Consumer::following`], [`load`](Consumer::load) of the last state, [`apply`](Consumer::apply) of the
//!    deltas behind it, [`lead`](Consumer::lead), and on with 1. Who stops leading [follows](Consumer::follow): requests
//!    and whatever else is not stored are forgotten.
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | where it begins, and how much is before it | `start.rs`, `lasts.rs`, `backlog.rs` |
//! | what is delivered next, and to whom | `next.rs`, `deliver.rs`, `requests.rs`, `request.rs`, `due.rs`, `ask.rs`, `groups.rs`, `priority.rs`, `push.rs`, `flow.rs`, `pace.rs` |
//! | messages parted by key among the members of a group | `in_lanes.rs`, `lanes.rs`, `members.rs` |
//! | what waits to be acknowledged, and comes again | `ack.rs`, `unacked.rs`, `pending.rs`, `waits.rs`, `redeliveries.rs` |
//! | messages that are not delivered any more, and are kept elsewhere | `dead_letters.rs` |
//! | messages that go, and what time does | `removal.rs`, `deadlines.rs`, `life.rs` |
//! | why nothing is delivered, and where a message is | `explain.rs` |
//! | what is stored | `saved.rs`, `changes.rs`, docs/formats/consumers.md; where it stands for other servers, `standing.rs` |
//!
//! # Always true
//!
//! - What waits to be acknowledged was delivered, lies above the floor, and is in the stream.
//! - There are `max_ack_pending` of them at most, and `max_waiting` requests; what comes then is refused in the peer's
//!   words. What grows besides: messages that were delivered as often as may be, which are in the stream; and the
//!   list of last messages, a number for each subject.
//! - No call takes longer the more messages the stream has: walks take steps.
//! - One that nobody uses has no deadline, and takes less than 1 KiB.
//!
//! # Where it departs from the peer
//!
//! - That somebody did not use a consumer for long enough is seen on time, not up to a second later.
//! - A message that is put off comes again after that long, whatever backoff says.
//! - Where acknowledgements are for all before, one that was delivered before the last one acknowledged counts also if it
//!   lies behind it in the stream.
//! - Deleting a message acknowledges that one only, also where acknowledgements are for all before.
//! - A request that does not wait is not ended by another one's time while as many messages wait to be acknowledged as
//!   may.
//! - A message that is larger than what a rate lets through at once is delivered in the end.
//! - The list of last messages survives a restart.
//! - Nobody is pinned who then gets no message.
#![forbid(unsafe_code)]

mod ack;
mod ask;
mod backlog;
mod changes;
mod codec;
mod consumer;
mod dead_letters;
mod deadlines;
mod deliver;
mod due;
mod effect;
mod event;
mod explain;
mod flow;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod groups;
mod headers_only;
mod in_lanes;
mod info;
mod lanes;
mod lasts;
mod lead;
mod life;
mod members;
mod next;
mod now;
mod pace;
mod pending;
mod pinned_header;
mod priority;
mod push;
mod redeliveries;
mod removal;
mod request;
mod requests;
mod saved;
mod settings;
mod standing;
mod start;
mod unacked;
mod update;
mod waits;

pub use codec::{BadState, VERSION};
pub use consumer::{Consumer, OfStream, Position, Spec};
pub use dead_letters::{DeadLetter, DeadLettersInfo, Death};
pub use deliver::Sizes;
pub use effect::{Effect, Effects, Handout};
pub use event::{Delivered, Event, EventHead};
pub use explain::{Fate, Reason};
pub use headers_only::headers_only;
pub use in_lanes::{MEMBERS_MAX, MemberInfo};
pub use next::{Listens, Next};
pub use now::Now;
pub use pinned_header::with_pin;
pub use saved::Saved;
pub use standing::{Standing, Unacked};
pub use update::Updated;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
