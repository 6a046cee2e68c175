//! What follows for consumers from what was done to their stream, and is to be done yet: see `tasks.rs`.

use std::collections::VecDeque;

use consumers::Consumer;
use streams::Answer;

use crate::consumer_set::ConsumerId;
use crate::waiter::Waiter;

/// Consumers that are asked whether they need a message for one step.
pub(crate) const ASKED_PER_STEP: u64 = 4;

/// Messages that one record takes out.
pub(crate) const RELEASED_AT_ONCE: usize = 2_000;

/// Something that is to be done yet.
#[derive(Debug)]
pub(crate) enum Task {
    /// Consumers behind that one are to learn that messages of a subject are gone, or all. How far the next one got, and
    /// whether it knows all of it and looks anew for where it is.
    Purged { subject: Option<Box<[u8]>>, after: Option<ConsumerId>, from: u64, is_told: bool },
    /// Messages from a sequence on, up to another, go that nobody needs any more: if a consumer is named, of those that it
    /// needed.
    Sweep { from: u64, up_to: u64, of: Option<Box<Consumer>> },
    /// All before it is done.
    Tell { to: Waiter, answer: Answer },
}

/// All of a stream, in their order.
pub(crate) type Tasks = VecDeque<Task>;
