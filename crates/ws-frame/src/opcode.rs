//! What a frame is, and the bits of its first two bytes (RFC 6455, section 5.2; RFC 7692, section 6).

pub(crate) const FINAL: u8 = 0x80;
/// RSV1: the message is compressed. Set in its first frame only.
pub(crate) const COMPRESSED: u8 = 0x40;
/// RSV2 and RSV3: nothing that anybody agreed on.
pub(crate) const RESERVED: u8 = 0x30;
pub(crate) const MASKED: u8 = 0x80;
/// The length is in the next two bytes.
pub(crate) const LEN_16: u8 = 126;
/// The length is in the next eight bytes.
pub(crate) const LEN_64: u8 = 127;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message that began before.
    Continuation = 0,
    /// A message of text. NATS makes no difference between it and the next.
    Text = 1,
    /// A message of bytes.
    Binary = 2,
    /// The last frame of its sender.
    Close = 8,
    /// To be answered with a pong of the same payload.
    Ping = 9,
    /// The answer to a ping, or a sign of life.
    Pong = 10,
}

impl Opcode {
    pub(crate) fn of(first_byte: u8) -> Option<Self> {
        [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong]
            .into_iter()
            .find(|opcode| *opcode as u8 == first_byte & 0x0f)
    }

    /// Whether it may stand between the frames of a message, and is short and whole.
    pub fn is_control(self) -> bool {
        self as u8 >= Self::Close as u8
    }
}
