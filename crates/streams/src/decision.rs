//! What a command comes to.

use js_proto::ApiError;
use log_format::Record;

use crate::FastWord;

/// What is to be done about a command.
#[derive(Debug)]
pub enum Decision<'a> {
    /// Log this, and call `on_appended`. Its group is the caller's to set.
    Append(Record<'a>),
    /// Say so; nothing happens.
    Answer(Answer),
    /// Say so once all that was decided before is committed.
    AnswerBehind(Answer),
    /// It depends on what is not committed or not done yet. Ask again once some of that is.
    Later,
    /// It is one of a batch: ask [`decide_batch`](crate::Stream::decide_batch).
    OfBatch,
}

/// What whoever gave a command is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The message was stored under that sequence, or counted without being stored as nobody wanted it.
    Stored {
        /// Its sequence.
        seq: u64,
    },
    /// The same of a message that adds to a counter.
    Counted {
        /// Its sequence.
        seq: u64,
        /// What the counter has come to, in decimal digits.
        sum: Box<str>,
    },
    /// The message waits for the rest of its batch.
    Held,
    /// A batch of so many messages was stored.
    Batch {
        /// The sequence of its last one.
        seq: u64,
        /// What its publisher calls it.
        id: Box<[u8]>,
        /// How many.
        count: u64,
    },
    /// What there is to be said of a fast batch, in that order, each by itself.
    Fast(Vec<FastWord>),
    /// The message is there already.
    Duplicate {
        /// Its sequence.
        seq: u64,
    },
    /// So many messages were purged.
    Purged {
        /// How many.
        messages: u64,
    },
    /// The message was deleted.
    Deleted,
    /// The stream has its new configuration.
    Updated,
    /// No.
    Refused(ApiError),
}
