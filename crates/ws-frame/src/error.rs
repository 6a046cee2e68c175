//! What is wrong with a frame, in nats-server's words.

use thiserror::Error;

use crate::reader::CONTROL_BYTES_MAX;

/// The other side does not keep to the protocol. It is told so in a close frame with
/// [`Status::PROTOCOL_ERROR`](crate::Status::PROTOCOL_ERROR) and this text, and nothing more is read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Bits are set that nobody agreed on.
    #[error("RSV2 and RSV3 must be clear")]
    ReservedBits,
    /// It is compressed, and nobody agreed on that.
    #[error("compressed frame received without negotiated permessage-deflate")]
    CompressionNotAgreed,
    /// Clients have to mask what they send.
    #[error("mask bit missing")]
    NotMasked,
    /// A ping, pong or close that is too long.
    #[error("control frame length bigger than maximum allowed of {CONTROL_BYTES_MAX} bytes")]
    ControlTooLong,
    /// A ping, pong or close in pieces.
    #[error("control frame does not have final bit set")]
    ControlNotFinal,
    /// A ping, pong or close that is compressed.
    #[error("control frame must not be compressed")]
    ControlCompressed,
    /// A message within another one.
    #[error("new message started before final frame for previous message was received")]
    MessageInMessage,
    /// More of a message that is over, or that says in the middle that it is compressed.
    #[error("invalid continuation frame")]
    Continuation,
    /// A frame of no known kind.
    #[error("unknown opcode {0}")]
    Opcode(u8),
    /// A length with its highest bit set.
    #[error("invalid 64-bit payload length")]
    Length,
    /// A close has a status, two bytes long, or nothing.
    #[error("close frame payload cannot be 1 byte")]
    CloseOfOneByte,
    /// A status that nobody may send.
    #[error("invalid close status code {0}")]
    CloseStatus(u16),
}
