//! Messages of one account that another imports: the last step, from a shadow to the subscription it stands for.
//!
//! On its way through shards, queue groups and tries such a message is one of the account that it was published in.
//! Only here it becomes one of the account that imports it: its subject changes.

mod deliver;

use nats_proto::Delivery;

use crate::cursor::MessageNumber;

/// What a message looks like to those who get it.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// The frame for clients with header support: made on first need.
    pub(crate) whole: Delivery,
    /// The message that `whole` was made for, or a later one with the same frame.
    pub(crate) whole_of: MessageNumber,
    /// The frame for clients without: made on first need.
    pub(crate) stripped: Delivery,
    pub(crate) stripped_of: MessageNumber,
}

impl Frames {
    /// They are of no message.
    pub(crate) fn forget(&mut self) {
        (self.whole_of, self.stripped_of) = (MessageNumber::default(), MessageNumber::default());
    }
}

/// What the message in hand looks like to an account that imports it.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    pub(crate) frames: Frames,
    /// The subject that the account is shown,
    subject: Vec<u8>,
    /// by the import at this address,
    import: usize,
    /// of this message.
    of: MessageNumber,
}
