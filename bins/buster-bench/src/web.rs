//! A WebSocket as a client, cheap enough not to be what is measured: heads of frames are taken out where they were
//! received, and what is sent is masked into a buffer of its own, one frame a write.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::outgoing::send_rest;

/// Bytes that are put into one frame at most.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// The server takes any; this one changes every byte.
const MASK: [u8; 4] = [0xa5, 0x5a, 0xc3, 0x3c];

const BINARY: u8 = 0x82;
const OPCODE: u8 = 0x0f;
const CONTROL: u8 = 0x08;
const CLOSE: u8 = 0x08;
const LENGTH: u8 = 0x7f;
const SHORT_MAX: usize = 125;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;
const MASKED: u8 = 0x80;

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

const ANSWER_BYTES_MAX: usize = 16 << 10;

#[derive(Debug, Default)]
pub(crate) struct Framing {
    /// The beginning of a frame's head.
    head: Vec<u8>,
    /// What is to come of the frame's payload.
    left: u64,
    /// It is a control frame's, and nobody's business.
    is_control: bool,
    is_closed: bool,
    outgoing: Vec<u8>,
    sent: usize,
}

impl Framing {
    /// Asks for it on a blocking socket.
    pub(crate) fn ask(socket: &mut TcpStream) -> io::Result<Self> {
        socket.write_all(ASK)?;
        let mut answer = Vec::new();
        // Byte by byte: what comes behind the head is the first frame.
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte)?;
            answer.push(byte[0]);
            if answer.len() > ANSWER_BYTES_MAX {
                return Err(io::Error::other("the answer to the upgrade has no end"));
            }
        }
        if !answer.starts_with(b"HTTP/1.1 101 ") {
            let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
            return Err(io::Error::other(format!("the server answered {}", String::from_utf8_lossy(line))));
        }
        Ok(Self::default())
    }

    /// Reads payload: how many bytes; 0 is the end.
    pub(crate) fn read(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = socket.read(buffer)?;
            let payload = self.strip(&mut buffer[..count]);
            if payload > 0 || count == 0 || self.is_closed {
                return Ok(payload);
            }
        }
    }

    /// Moves the payload to the front: how long it is.
    fn strip(&mut self, input: &mut [u8]) -> usize {
        let (mut from, mut to) = (0, 0);
        while from < input.len() {
            if self.left == 0 {
                self.head.push(input[from]);
                from += 1;
                self.on_head();
                continue;
            }
            let rest = input.len() - from;
            let count = usize::try_from(self.left).map_or(rest, |left| left.min(rest));
            if !self.is_control {
                input.copy_within(from..from + count, to);
                to += count;
            }
            from += count;
            self.left -= count as u64;
        }
        to
    }

    /// One more byte of a head is there.
    fn on_head(&mut self) {
        let [first, length, more @ ..] = self.head.as_slice() else {
            return;
        };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        self.left = match length & LENGTH {
            LENGTH_16 if more.len() < 2 => return,
            LENGTH_64 if more.len() < 8 => return,
            LENGTH_16 | LENGTH_64 => number(more),
            short => u64::from(short),
        };
        self.is_control = first & CONTROL != 0;
        self.is_closed |= first & OPCODE == CLOSE;
        self.head.clear();
    }

    /// Frames and sends: how many bytes were taken. What the socket does not take of them goes first the next time.
    pub(crate) fn write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
        self.flush(socket)?;
        let payload = &bytes[..bytes.len().min(WRITE_BYTES_MAX)];
        self.frame(payload);
        match self.flush(socket) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(payload.len()),
        }
    }

    fn frame(&mut self, payload: &[u8]) {
        self.outgoing.push(BINARY);
        match u16::try_from(payload.len()) {
            Ok(short) if payload.len() <= SHORT_MAX => self.outgoing.push(MASKED | short as u8),
            Ok(length) => {
                self.outgoing.push(MASKED | LENGTH_16);
                self.outgoing.extend_from_slice(&length.to_be_bytes());
            }
            Err(_) => {
                self.outgoing.push(MASKED | LENGTH_64);
                self.outgoing.extend_from_slice(&(payload.len() as u64).to_be_bytes());
            }
        }
        self.outgoing.extend_from_slice(&MASK);
        let start = self.outgoing.len();
        self.outgoing.extend_from_slice(payload);
        for piece in self.outgoing[start..].chunks_mut(MASK.len()) {
            piece.iter_mut().zip(MASK).for_each(|(byte, mask)| *byte ^= mask);
        }
    }

    pub(crate) fn flush(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        send_rest(socket, &mut self.outgoing, &mut self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_taken_out_wherever_the_input_is_cut() {
        let long = vec![b'x'; 70_000];
        let mut input =
            [&[0x82, 2, b'a', b'b', 0x89, 1, b'p', 0x82, 0, 0x82, 126, 0, 200][..], &long[..200]].concat();
        input.extend([0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
        input.extend(&long);
        let expected = [&b"ab"[..], &long[..200], &long].concat();
        for size in [1, 3, 1_000, input.len()] {
            let mut framing = Framing::default();
            let mut payload = Vec::new();
            for piece in input.clone().chunks_mut(size) {
                let count = framing.strip(piece);
                payload.extend_from_slice(&piece[..count]);
            }
            assert!(payload == expected, "{size}");
            assert!(!framing.is_closed);
        }
    }

    #[test]
    fn what_is_sent_is_masked_and_has_its_length() {
        for (length, head) in [
            (3, vec![0x82, 0x83]),
            (126, vec![0x82, 0xfe, 0, 126]),
            (65_536, vec![0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut framing = Framing::default();
            framing.frame(&vec![0; length]);
            assert_eq!(framing.outgoing[..head.len()], head);
            assert_eq!(framing.outgoing.len(), head.len() + 4 + length);
            assert_eq!(framing.outgoing[head.len() + 4..][..3], MASK[..3]);
        }
    }
}
