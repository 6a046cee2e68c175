//! What follows from an event.

use js_proto::StreamConfig;
use stream_index::{Filter, Place, Row};

use crate::Answer;

/// Something to be done, or to be known, after an event was applied. Order matters.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect<W> {
    /// A message was stored: consumers want to know.
    Stored(Row),
    /// A message is gone: its bytes are the account's again, and consumers that wait for it need not.
    Removed {
        /// What it was. Its subject can be asked for until the next commit.
        row: Row,
        /// Why.
        why: Removal,
    },
    /// Nobody needs the record at that place any more, here or after a restart: of a message or of anything else that was
    /// appended. Each is told once, and whoever keeps the bytes goes by this alone. Of a file stream it comes long after
    /// a message is gone, when a state was written that knows of it.
    Bury(Place),
    /// Many messages are gone at once. Consumers whose filter lies within this one go on
    /// from the first sequence that is left; those with a wider one look what they have lost.
    Purged {
        /// Of which subjects.
        filter: Filter,
        /// How many.
        messages: u64,
        /// What they counted for.
        bytes: u64,
        /// The first sequence of these subjects that is left, or the next sequence of the stream.
        first_seq: u64,
    },
    /// A message is to be published again, as it lies there.
    Republish {
        /// Its sequence and where it is.
        row: Row,
        /// Where to.
        subject: Box<[u8]>,
        /// The sequence of the message of the same subject before it; zero if there is none.
        last_seq: u64,
        /// Whether what it says is left out.
        is_headers_only: bool,
    },
    /// The stream has another configuration. If messages are kept only while somebody wants them from here on, the
    /// caller goes through them and releases those that nobody does.
    Updated {
        /// The one it had.
        before: Box<StreamConfig>,
    },
    /// Somebody is to be told.
    Answer {
        /// Who.
        to: W,
        /// What.
        answer: Answer,
    },
}

/// Why a message is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// A limit in number or bytes.
    Limit,
    /// Its age, or its own time to live.
    Age,
    /// A message took its place.
    Rollup,
    /// A request. Its bytes are to be overwritten if it says so.
    Deleted {
        /// Whether they are.
        erase: bool,
    },
    /// All who wanted it are done with it.
    Acknowledged,
}
