//! What shards tell each other, as bytes in one buffer.
//!
//! Frames never leave the process, so the layout is private and may change with any build: a kind
//! byte, fixed fields in little-endian order, then the variable parts. They are bytes rather than
//! values so that a message costs one copy into a warm buffer and no allocation.

mod decode;
mod encode;
mod layout;
mod reader;

use nats_proto::Publish;

use crate::shard::ShardId;

pub(crate) use self::decode::first_letter;
pub use self::decode::{FramePosition, MeshFrames};
pub(crate) use self::encode::{
    put_interest, put_letter, put_message, put_move, put_next_message, put_offer_reply, put_piled,
    put_served, put_stall,
};
pub(crate) use self::layout::MESSAGE_HEAD_BYTES;
pub use self::reader::MeshFrameError;
use self::reader::Reader;

/// One frame read from a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeshFrame<'a> {
    /// Deliver this message.
    Message(MeshMessage<'a>),
    /// The sender's interest in one filter is now this.
    Interest(Interest<'a>),
    /// What became of an offered message.
    OfferReply(OfferReply<'a>),
    /// A reader of the sender falls behind this publisher of the receiver: slow it down.
    Stall {
        /// The publisher, as its own shard named it in [`MeshMessage::origin`].
        origin: u64,
    },
    /// The readers on the sender's shard take nothing of what this publisher of the receiver sends.
    Piled {
        /// The publisher, as its own shard named it in [`MeshMessage::origin`].
        origin: u64,
        /// Deliveries since this was told last.
        deliveries: u64,
    },
    /// Connections change shards.
    Move(MoveStep),
    /// A service gets this message, whatever its subject.
    Letter(Letter<'a>),
    /// A service of the sender subscribes, or does not any more.
    Served(Served<'a>),
}

/// A service of the sender begins or ends a subscription. [`Interest`] tells of it too, as of any other. This frame adds
/// that it is a service which gets the messages, so that the receiver makes whoever publishes to the filter wait while a
/// mailbox of the sender is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served<'a> {
    /// The account, by its index.
    pub account: u32,
    /// The subject filter.
    pub filter: &'a [u8],
    /// Whether it begins; else it ends.
    pub begins: bool,
}

/// A message for a service of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter<'a> {
    /// The service, by its number: the same on every shard.
    pub service: u16,
    /// By which of its subscriptions the service gets it, as it named that.
    pub tag: u32,
    /// The message.
    pub message: MeshMessage<'a>,
}

/// A published message on its way to another shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeshMessage<'a> {
    /// The account, by its index: the same on every shard.
    pub account: u32,
    /// The publishing connection, opaque to the receiver.
    pub origin: u64,
    /// When not zero the sender waits to hear, under this number, who took the message.
    pub ticket: u64,
    /// Whether to deliver to plain subscriptions.
    pub plain: bool,
    /// The subject that selects who gets it, if it is another than the one they are shown.
    pub other_subject: Option<&'a [u8]>,
    /// The message as its publisher sent it.
    pub publish: Publish<'a>,
    /// The queue groups the receiver must serve, one member each.
    pub groups: Names<'a>,
}

/// A change of a shard's interest in one filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest<'a> {
    /// The account, by its index.
    pub account: u32,
    /// The subject filter.
    pub filter: &'a [u8],
    /// The queue group, if this is about queue subscriptions.
    pub queue: Option<&'a [u8]>,
    /// What the shard said before.
    pub before: Told,
    /// What it says now.
    pub now: Told,
}

/// What a shard says of the members behind an interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// How many members the shard has; 0 is no interest. Plain interest is 0 or 1.
    pub weight: u32,
    /// Whether a message sent on this interest is sure to be taken. It is not when every
    /// subscription behind it is about to run out (UNSUB with a maximum).
    pub firm: bool,
    /// All of them are behind leaf nodes or hubs: a queue group's message goes there if there is no other member.
    pub far: bool,
}

/// The answer to a message with a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferReply<'a> {
    /// The ticket of the message.
    pub ticket: u64,
    /// Whether anyone took the message.
    pub taken: bool,
    /// The groups that no longer had a member to take it.
    pub refused: Names<'a>,
}

/// What shards tell each other to let connections change shards: the first shard lets one shard at a
/// time do so, and stops all others meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveStep {
    /// To the first shard: the sender has connections that should live on another shard.
    Ask {
        /// Where they should live.
        to: ShardId,
    },
    /// From the first shard: act on nothing that clients send, and tell the two shards when they
    /// have all your messages ([`crate::Batch::quiet`]).
    Pause {
        /// Counts the pauses, from 1.
        epoch: u64,
        /// Where the connections live.
        from: ShardId,
        /// Where they are to live.
        to: ShardId,
    },
    /// To the first shard: all shards know of the sender's interest without the connections that
    /// left it, or with those that came.
    Done,
    /// From the first shard: go on.
    Resume,
}

/// A list of queue group names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Names<'a> {
    bytes: &'a [u8],
}

impl<'a> Names<'a> {
    /// Whether the list is empty.
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The names in order.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut reader = Reader { rest: self.bytes };
        std::iter::from_fn(move || reader.bytes().ok())
    }
}

impl MeshMessage<'_> {
    /// The subject that selects who gets it.
    #[inline]
    pub fn selects(&self) -> &[u8] {
        self.other_subject.unwrap_or(self.publish.subject)
    }

    /// Whether there is nothing to it but a subject and a payload, for plain subscriptions or none.
    pub fn is_bare(&self) -> bool {
        self.ticket == 0
            && self.other_subject.is_none()
            && self.publish.reply.is_none()
            && self.publish.header.is_none()
            && self.groups.is_empty()
    }
}

#[cfg(test)]
mod tests;
