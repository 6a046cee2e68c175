//! Frames that come in.
//!
//! Payloads are unmasked where they were received and handed on as they come, whole or in part: of a message
//! nothing is kept. What cannot be read in part (a header, a control frame) stays with the caller until there is
//! more, at most [`WAITING_BYTES_MAX`].
//!
//! Always true: cutting the input anywhere changes neither the bytes that are handed on, nor the error.

use crate::close::Close;
use crate::error::FrameError;
use crate::mask::Mask;
use crate::opcode::{COMPRESSED, FINAL, LEN_16, LEN_64, MASKED, Opcode, RESERVED};

/// Bytes of a control frame's payload (RFC 6455, section 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// Bytes that may have to wait for more: a control frame but for its last.
pub const WAITING_BYTES_MAX: usize = 2 + 4 + CONTROL_BYTES_MAX - 1;

/// What two sides agreed on when the connection was upgraded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Messages may be compressed (`permessage-deflate`).
    pub compression: bool,
    /// What comes in is not masked (`Nats-No-Masking`): then no frame has a key, whatever its header says.
    pub no_masking: bool,
}

/// Where in the frames of one connection the next byte stands.
#[derive(Debug)]
pub struct Reader {
    agreed: Agreed,
    /// Bytes of a data frame that are to come; [`BETWEEN`] frames there is none.
    left: u64,
    mask: Mask,
    is_in_message: bool,
    is_compressed: bool,
}

/// No frame has so much to come: its length has 63 bits.
const BETWEEN: u64 = u64::MAX;

/// What the next bytes are.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Some bytes of a message. They may be none.
    Data {
        /// Bytes of the input that this was.
        used: usize,
        /// What was sent, without its mask.
        payload: &'a mut [u8],
        /// The message is compressed.
        is_compressed: bool,
        /// The message ends with them.
        is_last: bool,
    },
    /// Is to be answered with a pong that has the same payload.
    Ping {
        /// Bytes of the input that this was.
        used: usize,
        /// At most [`CONTROL_BYTES_MAX`].
        payload: &'a [u8],
    },
    /// Nothing to do.
    Pong {
        /// Bytes of the input that this was.
        used: usize,
    },
    /// The other side is done. What follows is not read.
    Close {
        /// What to answer, behind all that is still to be sent.
        answer: Close,
    },
    /// Nothing can be done with these bytes alone.
    NeedMore {
        /// Bytes there have to be from the start of the input.
        at_least: usize,
    },
}

/// The header of a frame.
struct Header {
    opcode: Opcode,
    is_final: bool,
    is_compressed: bool,
    /// Bytes of the header itself.
    used: usize,
    payload_len: u64,
    mask: Mask,
}

/// What there is of a header, and what is missing.
enum Read {
    Whole(Header),
    NeedMore { at_least: usize },
}

impl Reader {
    /// The start of a connection's frames.
    pub fn new(agreed: Agreed) -> Self {
        Self { agreed, left: BETWEEN, mask: Mask::default(), is_in_message: false, is_compressed: false }
    }

    /// What was agreed on.
    pub fn agreed(&self) -> Agreed {
        self.agreed
    }

    /// Reads on at the front of `input`, which is behind all that was used before.
    ///
    /// # Errors
    /// The frame is against the protocol. Nothing more is to be read.
    pub fn step<'a>(&mut self, input: &'a mut [u8]) -> Result<Step<'a>, FrameError> {
        if self.left != BETWEEN {
            return Ok(self.data(input, 0, self.left));
        }
        let header = match self.header(input)? {
            Read::Whole(header) => header,
            Read::NeedMore { at_least } => return Ok(Step::NeedMore { at_least }),
        };
        if header.opcode.is_control() {
            return control(&header, input);
        }
        self.is_in_message = !header.is_final;
        if header.opcode != Opcode::Continuation {
            self.is_compressed = header.is_compressed;
        }
        self.mask = header.mask;
        Ok(self.data(input, header.used, header.payload_len))
    }

    /// Hands on what there is of a data frame's payload, which begins `at` so many bytes.
    fn data<'a>(&mut self, input: &'a mut [u8], at: usize, left: u64) -> Step<'a> {
        let there = input.len() - at;
        let len = usize::try_from(left).map_or(there, |left| left.min(there));
        let payload = &mut input[at..at + len];
        self.mask.apply(payload);
        let left = left - len as u64;
        self.left = if left > 0 { left } else { BETWEEN };
        Step::Data {
            used: at + len,
            payload,
            is_compressed: self.is_compressed,
            is_last: left == 0 && !self.is_in_message,
        }
    }

    /// Reads a header. What is wrong with it is said as soon as it can be seen, in nats-server's order.
    fn header(&self, input: &[u8]) -> Result<Read, FrameError> {
        let need = |at_least| Ok(Read::NeedMore { at_least });
        let Some(first) = input.first() else { return need(2) };
        let (is_final, is_compressed) = (first & FINAL != 0, first & COMPRESSED != 0);
        if first & RESERVED != 0 {
            return Err(FrameError::ReservedBits);
        }
        if is_compressed && !self.agreed.compression {
            return Err(FrameError::CompressionNotAgreed);
        }
        let Some(second) = input.get(1) else { return need(2) };
        if second & MASKED == 0 && !self.agreed.no_masking {
            return Err(FrameError::NotMasked);
        }
        let short_len = second & !MASKED;
        let opcode = Opcode::of(*first).ok_or(FrameError::Opcode(first & 0x0f))?;
        self.check(opcode, is_final, is_compressed, short_len)?;

        let mut used = 2;
        let payload_len = match short_len {
            LEN_16 => {
                let Some(len) = bytes_at::<2>(input, &mut used) else { return need(used + 2) };
                u64::from(u16::from_be_bytes(len))
            }
            LEN_64 => {
                let Some(len) = bytes_at::<8>(input, &mut used) else { return need(used + 8) };
                u64::from_be_bytes(len)
            }
            len => u64::from(len),
        };
        if payload_len > u64::MAX >> 1 {
            return Err(FrameError::Length);
        }
        let mut mask = Mask::default();
        if !self.agreed.no_masking {
            let Some(key) = bytes_at::<4>(input, &mut used) else { return need(used + 4) };
            mask = Mask::new(key);
        }
        Ok(Read::Whole(Header { opcode, is_final, is_compressed, used, payload_len, mask }))
    }

    /// Whether such a frame may come now.
    fn check(
        &self,
        opcode: Opcode,
        is_final: bool,
        is_compressed: bool,
        short_len: u8,
    ) -> Result<(), FrameError> {
        match opcode {
            Opcode::Continuation if !self.is_in_message || is_compressed => Err(FrameError::Continuation),
            Opcode::Text | Opcode::Binary if self.is_in_message => Err(FrameError::MessageInMessage),
            Opcode::Continuation | Opcode::Text | Opcode::Binary => Ok(()),
            _ if usize::from(short_len) > CONTROL_BYTES_MAX => Err(FrameError::ControlTooLong),
            _ if !is_final => Err(FrameError::ControlNotFinal),
            _ if is_compressed => Err(FrameError::ControlCompressed),
            _ => Ok(()),
        }
    }
}

/// Reads a ping, pong or close, if it is whole.
fn control<'a>(header: &Header, input: &'a mut [u8]) -> Result<Step<'a>, FrameError> {
    // At most CONTROL_BYTES_MAX: it was checked.
    let used = header.used + header.payload_len as usize;
    if input.len() < used {
        return Ok(Step::NeedMore { at_least: used });
    }
    let payload = &mut input[header.used..used];
    let mut mask = header.mask;
    mask.apply(payload);
    Ok(match header.opcode {
        Opcode::Ping => Step::Ping { used, payload },
        Opcode::Close => Step::Close { answer: Close::answer_to(payload)? },
        _ => Step::Pong { used },
    })
}

/// The next so many bytes, if they are there.
fn bytes_at<const N: usize>(input: &[u8], at: &mut usize) -> Option<[u8; N]> {
    let bytes = input.get(*at..)?.first_chunk::<N>()?;
    *at += N;
    Some(*bytes)
}

#[cfg(test)]
mod tests;
