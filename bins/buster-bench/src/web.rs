//! A WebSocket as a client, cheap enough not to be what is measured: heads of frames are taken out where they were
//! received, and what is sent is masked into a buffer of its own, one frame a write.

mod frames;
mod pressing;

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use rustix::net::{RecvFlags, recv};

use crate::outgoing::send_rest;

use self::frames::{Frames, Piece};
use self::pressing::{GRANT, OFFER, Pressing};

/// Bytes that are put into one frame at most.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// The server takes any; this one changes every byte.
const MASK: [u8; 4] = [0xa5, 0x5a, 0xc3, 0x3c];

const BINARY: u8 = 0x82;
const COMPRESSED: u8 = 0x40;
const SHORT_MAX: usize = 125;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;
const MASKED: u8 = 0x80;

const ASK: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

const ANSWER_BYTES_MAX: usize = 16 << 10;

/// What a reader that forgets takes in to look for heads. Of a frame that goes on behind it the kernel drops the rest.
const LOOK_BYTES: usize = 16 << 10;

/// Compressed bytes that are read at once: they come to some times as many.
const PRESSED_BYTES_AT_ONCE: usize = 64 << 10;

#[derive(Debug, Default)]
pub(crate) struct Framing {
    frames: Frames,
    outgoing: Vec<u8>,
    sent: usize,
    /// Messages are compressed.
    pressing: Option<Box<Pressing>>,
    /// Room to compress in.
    pressed: Vec<u8>,
}

impl Framing {
    /// Asks for it on a blocking socket, and perhaps for messages to be compressed.
    pub(crate) fn ask(socket: &mut TcpStream, compresses: bool) -> io::Result<Self> {
        let offer = if compresses { OFFER } else { "" };
        socket.write_all(format!("{ASK}{offer}\r\n").as_bytes())?;
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
        let answer = String::from_utf8_lossy(&answer);
        if !answer.starts_with("HTTP/1.1 101 ") {
            let line = answer.lines().next().unwrap_or_default();
            return Err(io::Error::other(format!("the server answered {line}")));
        }
        if compresses && !answer.contains(GRANT) {
            return Err(io::Error::other("the server does not compress"));
        }
        Ok(Self { pressing: compresses.then(Box::default), ..Self::default() })
    }

    /// Reads payload: how many bytes; 0 is the end.
    pub(crate) fn read(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        if self.pressing.is_some() {
            return self.read_pressed(socket, |pressing| pressing.read(buffer));
        }
        loop {
            let count = socket.read(buffer)?;
            let payload = self.frames.strip(&mut buffer[..count]);
            if payload > 0 || count == 0 || self.frames.are_over() {
                return Ok(payload);
            }
        }
    }

    /// Reads payload and forgets it: how many bytes; 0 is the end. Of frames that are long the kernel drops most, as
    /// it drops all for a reader without frames. What is compressed has to be looked at.
    pub(crate) fn discard(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        if self.pressing.is_some() {
            return self.read_pressed(socket, Pressing::discard);
        }
        let mut payload = 0;
        loop {
            let has_more = match self.discard_some(socket, buffer, &mut payload) {
                Err(error) if error.kind() == ErrorKind::WouldBlock && payload > 0 => false,
                outcome => outcome?,
            };
            if !has_more || self.frames.are_over() || payload >= buffer.len() {
                return Ok(payload);
            }
        }
    }

    /// Adds how much payload that was. Returns whether there may be more now.
    fn discard_some(
        &mut self,
        socket: &mut TcpStream,
        buffer: &mut [u8],
        payload: &mut usize,
    ) -> io::Result<bool> {
        let to_come = self.frames.payload_to_come();
        if to_come < LOOK_BYTES as u64 {
            let room = buffer.len().min(LOOK_BYTES);
            let count = socket.read(&mut buffer[..room])?;
            self.frames.walk(&buffer[..count], |piece| *payload += piece.range.len());
            return Ok(count == room || (count > 0 && *payload == 0));
        }
        let room = usize::try_from(to_come).map_or(buffer.len(), |to_come| to_come.min(buffer.len()));
        let (_, count) = recv(&*socket, &mut buffer[..room], RecvFlags::TRUNC | RecvFlags::DONTWAIT)?;
        self.frames.on_payload_dropped(count);
        *payload += count;
        Ok(count == room)
    }

    /// Reads until `take` finds something in what came out.
    fn read_pressed(
        &mut self,
        socket: &mut TcpStream,
        mut take: impl FnMut(&mut Pressing) -> usize,
    ) -> io::Result<usize> {
        let pressing = self.pressing.as_mut().expect("messages are compressed");
        loop {
            let payload = take(pressing);
            if payload > 0 || self.frames.are_over() {
                return Ok(payload);
            }
            self.pressed.resize(PRESSED_BYTES_AT_ONCE, 0);
            let count = socket.read(&mut self.pressed)?;
            if count == 0 {
                return Ok(0);
            }
            let input = &self.pressed[..count];
            let mut outcome = Ok(());
            self.frames.walk(input, |Piece { range, is_compressed, is_first, is_last }| {
                if outcome.is_ok() {
                    let bytes = &input[range];
                    match is_compressed {
                        true => outcome = pressing.inflate(bytes, is_first, is_last),
                        false => pressing.take(bytes),
                    }
                }
            });
            outcome?;
        }
    }

    /// Frames and sends: how many bytes were taken. What the socket does not take of them goes first the next time.
    pub(crate) fn write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
        self.flush(socket)?;
        let payload = &bytes[..bytes.len().min(WRITE_BYTES_MAX)];
        match self.pressing.as_mut() {
            Some(pressing) => {
                self.pressed.clear();
                pressing.deflate(payload, &mut self.pressed)?;
                frame(BINARY | COMPRESSED, &self.pressed, &mut self.outgoing);
            }
            None => frame(BINARY, payload, &mut self.outgoing),
        }
        match self.flush(socket) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(payload.len()),
        }
    }

    pub(crate) fn flush(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        send_rest(socket, &mut self.outgoing, &mut self.sent)
    }
}

/// Appends a frame, masked.
fn frame(first: u8, payload: &[u8], into: &mut Vec<u8>) {
    into.push(first);
    match u16::try_from(payload.len()) {
        Ok(short) if payload.len() <= SHORT_MAX => into.push(MASKED | short as u8),
        Ok(length) => {
            into.push(MASKED | LENGTH_16);
            into.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => {
            into.push(MASKED | LENGTH_64);
            into.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    into.extend_from_slice(&MASK);
    let start = into.len();
    into.extend_from_slice(payload);
    mask(&mut into[start..]);
}

/// Eight bytes at a time: else this is what is measured.
fn mask(bytes: &mut [u8]) {
    let key: [u8; 8] = std::array::from_fn(|at| MASK[at % MASK.len()]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ u64::from_ne_bytes(key)).to_ne_bytes();
    }
    rest.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn what_is_sent_is_masked_and_has_its_length() {
        for (length, head) in [
            (3, vec![0x82, 0x83]),
            (126, vec![0x82, 0xfe, 0, 126]),
            (65_536, vec![0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut sent = Vec::new();
            frame(BINARY, &vec![0; length], &mut sent);
            assert_eq!(sent[..head.len()], head);
            assert_eq!(sent.len(), head.len() + 4 + length);
            let masked = sent[head.len() + 4..].iter().zip(MASK.into_iter().cycle());
            assert!(masked.into_iter().all(|(byte, mask)| *byte == mask));
        }
    }

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    /// Frames of a server: short ones, long ones, and a ping.
    fn sent_by_server() -> (Vec<u8>, usize) {
        let long = vec![b'x'; 200_000];
        let mut sent = vec![0x82, 2, b'a', b'b', 0x89, 1, b'p'];
        for _ in 0..3 {
            sent.extend([0x82, 127, 0, 0, 0, 0, 0, 3, 0x0d, 0x40]);
            sent.extend(&long);
            sent.extend([0x82, 126, 0, 200]);
            sent.extend(&long[..200]);
        }
        (sent, 2 + 3 * 200_200)
    }

    #[test]
    fn what_is_forgotten_is_counted_whether_or_not_anybody_saw_it() {
        let (mut near, mut far) = pair();
        let (sent, payload) = sent_by_server();
        let writer =
            std::thread::spawn(move || sent.chunks(70_001).for_each(|piece| far.write_all(piece).unwrap()));
        let (mut framing, mut count, mut buffer) = (Framing::default(), 0, vec![0; 1 << 20]);
        let mut discard = || loop {
            match framing.discard(&mut near, &mut buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                said => return said.unwrap(),
            }
        };
        while count < payload {
            count += discard();
        }
        writer.join().unwrap();
        assert_eq!(count, payload);
        assert_eq!(discard(), 0, "the end");
    }

    #[test]
    fn what_was_compressed_comes_out_whether_it_is_read_or_forgotten() {
        let text = b"PUB a 5\r\nhello\r\n".repeat(10_000);
        let compressing = || Framing { pressing: Some(Box::default()), ..Framing::default() };
        for forgets in [false, true] {
            let (mut near, mut far) = pair();
            let mut server = Vec::new();
            let mut pressing = Pressing::default();
            for message in text.chunks(50_000) {
                let mut pressed = Vec::new();
                pressing.deflate(message, &mut pressed).unwrap();
                // A server does not mask.
                server.extend([BINARY | COMPRESSED, LENGTH_16]);
                server.extend(u16::try_from(pressed.len()).unwrap().to_be_bytes());
                server.extend(pressed);
            }
            far.write_all(&server).unwrap();
            let (mut framing, mut read, mut buffer) = (compressing(), Vec::new(), vec![0; 3000]);
            let mut count = 0;
            while count < text.len() {
                let more = match forgets {
                    true => framing.discard(&mut near, &mut buffer).unwrap(),
                    false => framing.read(&mut near, &mut buffer).unwrap(),
                };
                read.extend_from_slice(&buffer[..more.min(buffer.len())]);
                count += more;
            }
            assert!(count == text.len() && (forgets || read == text));
        }
    }
}
