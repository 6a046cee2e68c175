//! Kinds, flags and sizes of frames.

pub(super) const MESSAGE: u8 = 1;
pub(super) const INTEREST: u8 = 2;
pub(super) const OFFER_REPLY: u8 = 3;
pub(super) const STALL: u8 = 4;
pub(super) const MOVE: u8 = 5;
/// A message that differs from the one before in its payload only.
pub(super) const NEXT_MESSAGE: u8 = 6;
pub(super) const PILED: u8 = 7;
/// A message follows.
pub(super) const LETTER: u8 = 8;
pub(super) const SERVED: u8 = 9;

/// Bytes of a message frame before its variable parts. The subject comes first of them in the frame of
/// a message with nothing else to it.
pub(crate) const MESSAGE_HEAD_BYTES: usize = 28;

// Flags of a message frame.
pub(super) const PLAIN: u8 = 1;
pub(super) const HAS_REPLY: u8 = 1 << 1;
pub(super) const HAS_HEADER: u8 = 1 << 2;
pub(super) const HAS_TICKET: u8 = 1 << 3;
pub(super) const HAS_GROUPS: u8 = 1 << 4;
pub(super) const HAS_OTHER_SUBJECT: u8 = 1 << 5;

// Flags of an interest frame.
pub(super) const HAS_QUEUE: u8 = 1;
pub(super) const WAS_FIRM: u8 = 1 << 1;
pub(super) const IS_FIRM: u8 = 1 << 2;
pub(super) const WAS_FAR: u8 = 1 << 3;
pub(super) const IS_FAR: u8 = 1 << 4;

// Kinds of a move frame.
pub(super) const MOVE_ASK: u8 = 1;
pub(super) const MOVE_PAUSE: u8 = 2;
pub(super) const MOVE_DONE: u8 = 3;
pub(super) const MOVE_RESUME: u8 = 4;
