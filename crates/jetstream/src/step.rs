//! What becomes of a request: an answer, now or later, or something that is still being done.

use js_proto::{ApiAnswer, ApiError, ApiPage, ConsumerInfo};
use serde::Serialize;

use crate::api::uniqueness::Uniqueness;
use crate::captured::Capture;
use crate::command::Command;
use crate::consumer_set::ConsumerKey;
use crate::details::Details;
use crate::letters::Verdict;
use crate::tenant::StreamId;
use crate::turn::Told;

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) json: Vec<u8>,
    pub(crate) is_error: bool,
    /// Whether it is told of and counted. What is read of a stream is not.
    pub(crate) is_told: bool,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Step {
    /// There is nothing to say.
    Silence,
    Answer(Answer),
    /// The answer, once all shards know what was done.
    AnswerAfter(Told, Answer),
    /// A stream is to do this, and answers.
    Command(StreamId, Command),
    /// There was no time to do all of it.
    GoesOn,
    /// The disk has to be read first.
    Reads,
    /// The log does not take it yet.
    Later,
}

/// How far a request is that takes several turns.
#[derive(Debug, Default)]
pub(crate) enum Job {
    #[default]
    Fresh,
    /// The shard with the directory had it done, and thinks this of it.
    Ordered(Verdict),
    /// A stream is told of, and what stands in the answer is gathered yet.
    Details(Box<Details>),
    /// A consumer is to be made or changed, and it is still being looked whether others want the same.
    Checking(Uniqueness),
    /// A consumer was made, or is told of, and counts yet what is before it.
    Settling(ConsumerKey, Told, Sweeps),
    /// A stream is gone, or a consumer of it: what follows from that is not all done.
    Ended(StreamId, Told),
    /// A message is looked for, from that sequence on or down from it.
    Finding(u64),
    /// A list of consumers is made.
    Consumers(Box<ConsumersSoFar>),
    /// Consumers are captured for a snapshot.
    Capturing(Box<Capture>),
    /// A consumer went back to that sequence, and counts yet what is before it.
    Reset(u64, Sweeps),
}

/// Whether messages are to be looked for that a consumer does not need any more, once it knows where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sweeps {
    Yes,
    No,
}

/// How far a list of consumers is.
#[derive(Debug)]
pub(crate) struct ConsumersSoFar {
    pub(crate) page: ApiPage,
    /// Those that are left.
    pub(crate) names: std::vec::IntoIter<String>,
    pub(crate) infos: Vec<ConsumerInfo>,
}

impl Answer {
    /// The text of an answer, which is told of.
    pub(crate) fn of<A: ApiAnswer + Serialize>(answer: Result<A, ApiError>) -> Self {
        let is_error = answer.is_err();
        let json = answer.unwrap_or_else(A::failed).to_json();
        Self { json, is_error, is_told: true }
    }
}
