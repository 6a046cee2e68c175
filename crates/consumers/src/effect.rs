//! What comes of a command, for the caller to do, in order.

use std::sync::Arc;

use js_proto::{MsgMetadata, Status};

use crate::event::Event;

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Publish the message that was read, to whom it is for, under the subject it was stored with.
    Deliver(Handout),
    /// Publish a header block and nothing else.
    Status {
        /// To whom.
        to: Arc<[u8]>,
        /// The block.
        block: Vec<u8>,
        /// Where an answer to it goes.
        reply: Option<String>,
    },
    /// Publish an empty message: an acknowledgement was taken note of. It leaves once all that
    /// [`take_saved`](crate::Consumer::take_saved) gave and is going to give of this moment is on disk.
    Answer {
        /// To whom.
        to: Vec<u8>,
    },
    /// These are needed no longer: ask each consumer of a stream that keeps by acknowledgements or interest.
    Acked {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Publish an event.
    Event(Event),
    /// A member of the group was silent for too long, and is none any more: delete its consumer, if that is not to outlive
    /// those who use it.
    Silent {
        /// Its name.
        member: String,
    },
    /// Delete the consumer: nobody used it for as long as it may be unused.
    Unused,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handout {
    /// Where it is published to.
    pub to: Arc<[u8]>,
    /// What its reply subject says.
    pub metadata: MsgMetadata,
    /// Whether what it says stays behind: see [`headers_only`](crate::headers_only).
    pub headers_only: bool,
    /// As whom it is served alone: see [`with_pin`](crate::with_pin).
    pub pin: Option<Arc<str>>,
}

/// Things to be done.
pub type Effects = Vec<Effect>;

/// Adds a status.
pub(crate) fn push_status(out: &mut Effects, to: &Arc<[u8]>, status: &Status<'_>) {
    let mut block = Vec::new();
    status.write(&mut block);
    out.push(Effect::Status { to: to.clone(), block, reply: None });
}
