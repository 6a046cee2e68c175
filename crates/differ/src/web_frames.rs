//! Frames of WebSocket, both ways: the protocol in them, and what else they are.
//!
//! Independent of the server's own crate on purpose, as [`crate::server_ops`] is. How text is spread over frames and
//! what is compressed is nobody's business, so it is put together again here.

use flate2::{Decompress, FlushDecompress};

const FINAL: u8 = 0x80;
const COMPRESSED: u8 = 0x40;
const RESERVED: u8 = 0x30;
const MASKED: u8 = 0x80;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What a compressed message ends with, which is not sent.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Bytes that one compressed message may come to here.
const INFLATED_BYTES_MAX: usize = 4 << 20;

/// A whole message, or another frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Some of the protocol.
    Text(Vec<u8>),
    /// A frame that is not data, in words.
    Control(String),
    /// What cannot be read, nor anything behind it.
    Broken,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub struct Frames {
    /// Not yet a whole frame.
    rest: Vec<u8>,
    /// A compressed message that is not over.
    pressed: Vec<u8>,
    is_compressed: bool,
    is_in_message: bool,
    /// A close, or what cannot be read, has come.
    is_over: bool,
}

impl Frames {
    /// More of it: what it comes to.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Part> {
        self.rest.extend_from_slice(bytes);
        let mut parts = Vec::new();
        while !self.is_over
            && let Some((used, first, payload)) = whole_frame(&self.rest)
        {
            self.rest.drain(..used);
            parts.extend(self.on_frame(first, payload));
        }
        parts
    }

    /// Whether a message could begin now.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        self.rest.is_empty() && !self.is_in_message && !self.is_over
    }

    fn on_frame(&mut self, first: u8, payload: Vec<u8>) -> Option<Part> {
        let (opcode, is_final, is_compressed) = (first & 0x0f, first & FINAL != 0, first & COMPRESSED != 0);
        let is_data = matches!(opcode, 0..=2);
        let is_out_of_place = is_data && (opcode == 0) != self.is_in_message;
        let is_odd = !is_data
            && (!is_final || is_compressed || payload.len() > 125 || !(CLOSE..=PONG).contains(&opcode));
        if first & RESERVED != 0 || is_out_of_place || is_odd {
            self.is_over = true;
            return Some(Part::Broken);
        }
        if !is_data {
            self.is_over |= opcode == CLOSE;
            return Some(Part::Control(control(opcode, &payload)));
        }
        self.is_in_message = !is_final;
        if opcode != 0 {
            self.is_compressed = is_compressed;
        }
        if !self.is_compressed {
            return Some(Part::Text(payload));
        }
        self.pressed.extend(payload);
        if !is_final {
            return None;
        }
        let text = inflated(&std::mem::take(&mut self.pressed));
        self.is_over |= text.is_none();
        Some(text.map_or(Part::Broken, Part::Text))
    }
}

/// The frame at the front, if it is whole: its length, its first byte, and its payload without its mask.
fn whole_frame(bytes: &[u8]) -> Option<(usize, u8, Vec<u8>)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (at, len) = match second & !MASKED {
        126 => (4, u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        len => (2, u64::from(len)),
    };
    let (key, at) =
        if second & MASKED == 0 { ([0; 4], at) } else { (*bytes.get(at..)?.first_chunk()?, at + 4) };
    let end = at.checked_add(usize::try_from(len).ok()?)?;
    let payload = bytes.get(at..end)?.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
    Some((end, first, payload.collect()))
}

fn control(opcode: u8, payload: &[u8]) -> String {
    match (opcode, payload) {
        (CLOSE, [high, low, reason @ ..]) => {
            format!("close {} {}", u16::from_be_bytes([*high, *low]), reason.escape_ascii())
        }
        (CLOSE, _) => "close".to_owned(),
        (PING, _) => format!("ping {}", payload.escape_ascii()),
        _ => format!("pong {}", payload.escape_ascii()),
    }
}

fn inflated(message: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(INFLATED_BYTES_MAX);
    let mut decompress = Decompress::new(false);
    for input in [message, &TAIL] {
        decompress.decompress_vec(input, &mut text, FlushDecompress::Sync).ok()?;
    }
    Some(text)
}

/// A client's frame. Its key is zeros, so that scripts can be read.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(MASKED | len as u8),
        len @ 126..0x1_0000 => {
            bytes.push(MASKED | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        len => {
            bytes.push(MASKED | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_however_they_were_cut() {
        let text = |text: &str| Part::Text(text.into());
        let bytes = [
            frame(0x82, b"PING\r\n"),
            frame(0x01, b"PI"),
            frame(0x89, b"?"),
            frame(0x80, b"NG\r\n"),
            frame(0x82, &[b'x'; 300]),
            frame(0x88, b"\x03\xe8bye"),
            frame(0x82, b"never read"),
        ]
        .concat();
        let expected = [
            text("PING\r\n"),
            text("PI"),
            Part::Control("ping ?".into()),
            text("NG\r\n"),
            text(&"x".repeat(300)),
            Part::Control("close 1000 bye".into()),
        ];
        for size in [1, 7, 1000] {
            let mut frames = Frames::default();
            let parts: Vec<Part> = bytes.chunks(size).flat_map(|piece| frames.take(piece)).collect();
            assert_eq!(parts, expected);
            assert!(!frames.is_between_messages());
        }
    }

    #[test]
    fn what_cannot_be_read_ends_it() {
        for bad in
            [frame(0xa2, b""), frame(0x83, b""), frame(0x80, b""), frame(0x09, b""), frame(0xc2, b"\xff")]
        {
            let mut frames = Frames::default();
            assert_eq!(frames.take(&bad), [Part::Broken], "{bad:?}");
            assert!(!frames.is_between_messages() && frames.take(&frame(0x82, b"x")).is_empty());
        }
    }
}
