//! A client's end of a WebSocket: what it says becomes frames, and frames what it hears.
//!
//! How frames are cut, what is compressed and where pings stand in between are choices of the seed. What comes is held
//! against the protocol: whole frames, nothing behind a close, the answer to the last ping.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use ws_frame::{Agreed, Frame, Opcode, Reader, Step};

use crate::random::Random;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n";
const COMPRESSION: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
const BROWSER: &str = "User-Agent: Mozilla/5.0\r\n";

/// What a compressed message ends with, which is not sent.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Bytes of one message, so that a compressed one does not come to more than a message may.
const MESSAGE_BYTES_MAX: usize = 512 << 10;

/// Bytes that a compressed message may come to here: the server compresses no more at once.
const INFLATED_BYTES_MAX: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct WebClient {
    random: Random,
    asks_for_compression: bool,
    is_browser: bool,
    /// Its request was granted.
    is_open: bool,
    /// What it has to say once that is so.
    waiting: Vec<u8>,
    /// What it received and has not read.
    received: Vec<u8>,
    reader: Reader,
    /// A compressed message that is not over.
    pressed: Vec<u8>,
    pings: u64,
    /// The last one that was answered.
    answered: u64,
    is_closed: bool,
}

impl WebClient {
    pub(crate) fn new(mut random: Random) -> Self {
        let asks_for_compression = random.chance(50);
        Self {
            is_browser: random.chance(30),
            random,
            asks_for_compression,
            is_open: false,
            waiting: Vec::new(),
            received: Vec::new(),
            // What servers send has no mask.
            reader: Reader::new(Agreed { compression: asks_for_compression, no_masking: true }),
            pressed: Vec::new(),
            pings: 0,
            answered: 0,
            is_closed: false,
        }
    }

    /// What it sends first.
    pub(crate) fn request(&self) -> String {
        let compression = if self.asks_for_compression { COMPRESSION } else { "" };
        let browser = if self.is_browser { BROWSER } else { "" };
        format!("{REQUEST}{compression}{browser}\r\n")
    }

    /// What the server still owes it an answer to.
    pub(crate) fn unanswered(&self) -> Option<String> {
        match self.is_open {
            false => Some("its request".to_owned()),
            true => {
                (self.answered < self.pings).then(|| format!("ping {} behind {}", self.pings, self.answered))
            }
        }
    }

    /// Whether it was told why the connection ends.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Says this when it can: returns what goes to the socket now.
    pub(crate) fn say(&mut self, text: Vec<u8>) -> Vec<u8> {
        self.waiting.extend(text);
        let mut bytes = Vec::new();
        if self.is_open {
            let text = std::mem::take(&mut self.waiting);
            let mut rest = &text[..];
            while !rest.is_empty() {
                // Ops are cut anywhere, too.
                let most = rest.len().min(MESSAGE_BYTES_MAX);
                let len = if self.random.chance(60) { most } else { self.random.size(1, most) };
                let (message, later) = rest.split_at(len);
                self.push_message(message, &mut bytes);
                rest = later;
            }
        }
        bytes
    }

    fn push_message(&mut self, text: &[u8], into: &mut Vec<u8>) {
        let is_compressed = self.asks_for_compression && self.random.chance(50);
        let message = if is_compressed { deflated(text) } else { text.to_vec() };
        let frames = if self.random.chance(70) { 1 } else { self.random.size(2, 5) };
        let mut rest = &message[..];
        for number in 1..=frames {
            let is_final = number == frames;
            let len = if is_final { rest.len() } else { self.random.size(0, rest.len()) };
            let (payload, later) = rest.split_at(len);
            let opcode = match number {
                1 => *self.random.one_of(&[Opcode::Binary, Opcode::Text]),
                _ => Opcode::Continuation,
            };
            let is_compressed = is_compressed && number == 1;
            self.push_frame(Frame { opcode, is_final, is_compressed }, payload, into);
            rest = later;
            if self.random.chance(5) {
                self.pings += 1;
                let number = self.pings.to_string();
                self.push_frame(Frame::whole(Opcode::Ping), number.as_bytes(), into);
            }
        }
    }

    fn push_frame(&mut self, frame: Frame, payload: &[u8], into: &mut Vec<u8>) {
        let key = (self.random.next() as u32).to_be_bytes();
        into.extend_from_slice(frame.masked_header(payload.len(), key).as_ref());
        into.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }

    /// Bytes came from the server: what it says in them.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        self.received.extend_from_slice(bytes);
        let mut received = std::mem::take(&mut self.received);
        let mut used = 0;
        if !self.is_open {
            let Some(end) = received.windows(4).position(|end| end == b"\r\n\r\n") else {
                self.received = received;
                return Ok(Vec::new());
            };
            let head = &received[..end];
            if !head.starts_with(b"HTTP/1.1 101 ") {
                return Err(format!("its request was refused: {}", head.escape_ascii()));
            }
            (self.is_open, used) = (true, end + 4);
        }
        let mut said = Vec::new();
        used += self.read(&mut received[used..], &mut said)?;
        received.drain(..used);
        self.received = received;
        Ok(said)
    }

    /// Reads frames. Returns how many bytes those were.
    fn read(&mut self, bytes: &mut [u8], said: &mut Vec<u8>) -> Result<usize, String> {
        let mut at = 0;
        while at < bytes.len() {
            if self.is_closed {
                return Err("something comes behind a close".into());
            }
            match self.reader.step(&mut bytes[at..]).map_err(|error| format!("an odd frame: {error}"))? {
                Step::Data { used, payload, is_compressed: false, .. } => {
                    at += used;
                    said.extend_from_slice(payload);
                }
                Step::Data { used, payload, is_last, .. } => {
                    at += used;
                    self.pressed.extend_from_slice(payload);
                    if is_last {
                        said.extend(inflated(&std::mem::take(&mut self.pressed))?);
                    }
                }
                Step::Pong { used } => {
                    at += used;
                    // A pong of the server is short and whole, and has no mask.
                    self.on_pong(&bytes[at - used + 2..at])?;
                }
                Step::Ping { .. } => return Err("the server pings".into()),
                Step::Close { .. } => {
                    self.is_closed = true;
                    at += 2 + usize::from(bytes[at + 1]);
                }
                Step::NeedMore { .. } => break,
            }
        }
        Ok(at)
    }

    fn on_pong(&mut self, payload: &[u8]) -> Result<(), String> {
        let number = std::str::from_utf8(payload).ok().and_then(|text| text.parse().ok());
        match number {
            Some(number) if number > self.answered && number <= self.pings => {
                self.answered = number;
                Ok(())
            }
            _ => Err(format!("a pong out of turn: {}", payload.escape_ascii())),
        }
    }
}

fn deflated(text: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::fast(), false);
    let mut message = Vec::with_capacity(text.len() + text.len() / 8 + 64);
    compress.compress_vec(text, &mut message, FlushCompress::Sync).expect("anything can be compressed");
    assert!(
        compress.total_in() == text.len() as u64 && message.ends_with(&TAIL),
        "there is room for all of it"
    );
    message.truncate(message.len() - TAIL.len());
    message
}

fn inflated(message: &[u8]) -> Result<Vec<u8>, String> {
    let mut decompress = Decompress::new(false);
    let mut text = Vec::with_capacity(INFLATED_BYTES_MAX + 1);
    let input = [message, &TAIL].concat();
    let outcome = decompress.decompress_vec(&input, &mut text, FlushDecompress::Sync);
    if outcome.is_err() || decompress.total_in() != input.len() as u64 || text.len() > INFLATED_BYTES_MAX {
        return Err(format!("a compressed message cannot be read: {outcome:?}"));
    }
    Ok(text)
}
