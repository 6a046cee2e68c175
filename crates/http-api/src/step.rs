//! What is to be done with a NATS server before a request can be answered.

use std::fmt;
use std::time::Duration;

use http::HeaderMap;

use crate::answer::Answer;
use crate::batch::Batch;
use crate::events::Format;
use crate::message::{Received, Shape};
use crate::problem::{Kind, Problem};

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Nothing any more.
    Answer(Answer),
    /// Something is asked, and its outcome says what follows.
    Ask(Ask),
    /// Messages are told as they come.
    Follow(Follow),
    /// Many messages are published, and each has a line in the answer.
    Batch(Batch),
    /// Who asks gets a word that stands for his credentials, once and for that path.
    Ticket(String),
}

/// What follows an outcome.
pub type Then = Box<dyn FnOnce(Result<Vec<Received>, Failure>) -> Step>;

/// A message that is published, and what is waited for.
pub struct Ask {
    /// The message. Its reply is filled in if a reply is wanted.
    pub message: Outgoing,
    /// What is waited for.
    pub wants: Wants,
    /// For how long.
    pub timeout: Duration,
    /// How long what is said may serve who asks the same again.
    pub keep: Duration,
    /// What follows.
    pub then: Then,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, wants, timeout, keep, then: _ } = self;
        f.debug_struct("Ask")
            .field("message", message)
            .field("wants", wants)
            .field("timeout", timeout)
            .field("keep", keep)
            .finish_non_exhaustive()
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// That the server is there: nothing is published.
    Pong,
    /// That the server has taken it.
    Fence,
    /// One reply.
    Reply,
    /// As many as come: up to `max`, or until none has come for `stall` since the first.
    Replies {
        /// Of them.
        max: usize,
        /// How long none may come.
        stall: Duration,
    },
    /// Messages that were asked for: up to `max`, or until one says that there are no more.
    Pulled {
        /// Of them.
        max: usize,
    },
}

/// A message to be published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to. It is one.
    pub subject: String,
    /// Where an answer shall go.
    pub reply: Option<String>,
    /// The header block; empty if there is none.
    pub headers: Vec<u8>,
    /// What follows the headers.
    pub payload: Vec<u8>,
}

impl Outgoing {
    /// One without headers.
    pub(crate) fn new(subject: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self { subject: subject.into(), payload: payload.into(), ..Self::default() }
    }

    /// Bytes that count as its size.
    pub fn bytes(&self) -> usize {
        self.headers.len() + self.payload.len()
    }
}

/// Messages that are told as they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    /// What is subscribed to.
    pub subject: String,
    /// In which queue group.
    pub queue: Option<String>,
    /// What is asked once that is done, before anything is told.
    pub begin: Option<Outgoing>,
    /// What comes, and what is told of it.
    pub source: Source,
    /// What is said before all of it, beside what goes with the form.
    pub head: HeaderMap,
    /// How they are told.
    pub format: Format,
    /// What each looks like.
    pub shape: Shape,
    /// It ends after so many.
    pub limit: Option<usize>,
    /// It ends once all has been told that was there at the beginning.
    pub ends_at_last: bool,
    /// How many are told a second at most. Of others it is told how many they were.
    pub sample: Option<u32>,
    /// It ends then.
    pub timeout: Option<Duration>,
    /// How long nothing may be said.
    pub idle_heartbeat: Duration,
}

/// What comes, and what is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Messages of a subject.
    Subject,
    /// Messages of a stream: their sequences are told, and what is not a message is not.
    Stream,
    /// Values of a bucket, and what became of them.
    Values,
    /// Keys of a bucket that have a value.
    Keys,
    /// What is told of the objects of a bucket.
    Objects,
}

/// Why nothing came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nobody listens.
    NoResponders,
    /// Nobody answered in time.
    TimedOut,
    /// The server said no: who asks may not.
    Denied(String),
    /// The server does not know who asks.
    Unauthorized(String),
    /// The message is larger than the server takes.
    TooLarge(usize),
    /// The connection to the server is gone, or there are too many of them.
    Unavailable(String),
    /// More came than can be kept.
    TooMany(String),
}

impl Failure {
    /// What is told of it.
    pub fn problem(&self, subject: &str) -> Problem {
        let problem = match self {
            Self::NoResponders => Problem::new(Kind::NoResponders, format!("nobody listens to {subject:?}")),
            Self::TimedOut => Problem::new(Kind::TimedOut, format!("nobody answered to {subject:?} in time")),
            Self::Denied(words) => Problem::new(Kind::Forbidden, words.as_str()),
            Self::Unauthorized(words) => Problem::new(Kind::Unauthorized, words.as_str()),
            Self::TooLarge(max) => {
                Problem::new(Kind::TooLarge, format!("messages have {max} bytes at most, headers included"))
            }
            Self::Unavailable(words) => Problem::new(Kind::Unavailable, words.as_str()),
            Self::TooMany(words) => Problem::new(Kind::TooMany, words.as_str()),
        };
        if subject.is_empty() { problem } else { problem.about(subject) }
    }
}

impl From<Problem> for Step {
    fn from(problem: Problem) -> Self {
        Self::Answer(problem.answer())
    }
}

/// One question with one reply.
pub(crate) fn ask_one(
    message: Outgoing,
    timeout: Duration,
    then: impl FnOnce(Received) -> Step + 'static,
) -> Step {
    let subject = message.subject.clone();
    let then = move |outcome: Result<Vec<Received>, Failure>| match outcome {
        Ok(mut replies) if !replies.is_empty() => then(replies.swap_remove(0)),
        Ok(_) => Failure::TimedOut.problem(&subject).into(),
        Err(failure) => failure.problem(&subject).into(),
    };
    Step::Ask(Ask { message, wants: Wants::Reply, timeout, keep: Duration::ZERO, then: Box::new(then) })
}
