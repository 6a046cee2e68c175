//! Frames, both ways.

use std::ops::Range;

use ws_frame::{Agreed, Close, Frame, FrameError, Opcode, Reader, Status, Step, Taste, WAITING_BYTES_MAX};

use crate::ended::{Ended, Hangup};
use crate::news::News;

use super::outgoing::Outgoing;
use super::tools::{InflateError, Tools};

/// Payloads up to this size that follow each other are moved together in what was received, so that the protocol
/// hears of them at once: that costs less than to tell it of each.
const MOVED_BYTES_MAX: usize = 2 << 10;

/// Bytes of one frame for a browser, as nats-server has it.
const BROWSER_FRAME_BYTES: usize = 4096;

/// Output that is copied for a browser at once.
const BROWSER_BYTES_AT_ONCE: usize = 16 * BROWSER_FRAME_BYTES;

/// Output below this is not compressed: what that takes is not worth what it saves.
const COMPRESSED_BYTES_MIN: usize = 512;

/// Output that becomes one compressed message: it takes a millisecond.
const COMPRESSED_BYTES_AT_ONCE: usize = 64 << 10;

/// Pongs that wait for a frame to be finished. Those who send more pings get the latest answers.
const PONGS_BYTES_MAX: usize = 1 << 10;

/// What a compressed message may have beyond what it may come to: compressing never adds more.
const COMPRESSED_EXCESS: usize = 1 << 10;

/// A connection that is a WebSocket.
#[derive(Debug)]
pub(super) struct Talk {
    reader: Reader,
    /// The start of a header or of a control frame.
    waiting: Vec<u8>,
    /// How many bytes are missing for that to be read.
    missing: usize,
    /// A compressed message that is not over.
    pressed: Vec<u8>,
    compresses: bool,
    taste: Taste,
    /// Pongs that are to be sent between two frames.
    pongs: Vec<u8>,
    /// What the last frame is to say because of what came in: nothing more is read.
    close: Option<Close>,
}

impl Talk {
    pub(super) fn new(agreed: Agreed, taste: Taste) -> Self {
        Self {
            reader: Reader::new(agreed),
            waiting: Vec::new(),
            missing: 0,
            pressed: Vec::new(),
            compresses: agreed.compression,
            taste,
            pongs: Vec::new(),
            close: None,
        }
    }

    pub(super) fn has_pongs(&self) -> bool {
        !self.pongs.is_empty()
    }

    /// Takes bytes, which are garbage afterwards.
    pub(super) fn receive(
        &mut self,
        mut input: &mut [u8],
        payload_bytes_max: usize,
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<(), Ended> {
        if self.close.is_some() {
            return Ok(());
        }
        while !self.waiting.is_empty() && !input.is_empty() {
            let (now, later) = input.split_at_mut(self.missing.min(input.len()));
            input = later;
            let mut waiting = std::mem::take(&mut self.waiting);
            waiting.extend_from_slice(now);
            let used = self.read(&mut waiting, payload_bytes_max, tools, tell)?;
            if used < waiting.len() {
                waiting.drain(..used);
                self.waiting = waiting;
            }
        }
        let used = self.read(input, payload_bytes_max, tools, tell)?;
        if used < input.len() {
            debug_assert!(input.len() - used <= WAITING_BYTES_MAX, "only the start of a header waits");
            self.waiting.extend_from_slice(&input[used..]);
        }
        Ok(())
    }

    /// Reads frames, and returns how many bytes were used: the rest is the start of one.
    fn read(
        &mut self,
        bytes: &mut [u8],
        payload_bytes_max: usize,
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<usize, Ended> {
        let mut at = 0;
        // Payloads that were not told of yet.
        let mut run = 0..0;
        while at < bytes.len() {
            match self.reader.step(&mut bytes[at..]) {
                Ok(Step::Data { used, payload, is_compressed: false, .. }) => {
                    let start = at + used - payload.len();
                    at += used;
                    run = gather(bytes, run, start..at, tell);
                }
                Ok(Step::Data { used, payload, is_last, .. }) => {
                    let len = payload.len();
                    at += used;
                    tell_of(bytes, std::mem::take(&mut run), tell);
                    self.on_pressed(&bytes[at - len..at], is_last, payload_bytes_max, tools, tell)?;
                }
                Ok(Step::Ping { used, payload }) => {
                    pong(&mut self.pongs, payload);
                    at += used;
                }
                Ok(Step::Pong { used }) => at += used,
                Ok(Step::Close { answer }) => {
                    tell_of(bytes, run, tell);
                    self.close = Some(answer);
                    return Err(Ended::Hangup(Hangup::Closed));
                }
                Ok(Step::NeedMore { at_least }) => {
                    self.missing = at_least - (bytes.len() - at);
                    break;
                }
                Err(error) => {
                    tell_of(bytes, run, tell);
                    return Err(self.refuse(error));
                }
            }
        }
        tell_of(bytes, run, tell);
        Ok(at)
    }

    fn refuse(&mut self, error: FrameError) -> Ended {
        let words = error.to_string();
        self.close = Some(Close::new(Status::PROTOCOL_ERROR, &words));
        Ended::Unreadable(words)
    }

    /// Some of a compressed message came in.
    fn on_pressed(
        &mut self,
        bytes: &[u8],
        is_last: bool,
        payload_bytes_max: usize,
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<(), Ended> {
        let bytes_max = payload_bytes_max.saturating_add(payload_bytes_max / 16 + COMPRESSED_EXCESS);
        let outcome = if self.pressed.len() + bytes.len() > bytes_max {
            Err(InflateError::TooLarge)
        } else if !is_last {
            self.pressed.extend_from_slice(bytes);
            Ok(())
        } else if self.pressed.is_empty() {
            tools.inflate(bytes, payload_bytes_max, |piece| tell(News::Said(piece)))
        } else {
            self.pressed.extend_from_slice(bytes);
            let message = std::mem::take(&mut self.pressed);
            tools.inflate(&message, payload_bytes_max, |piece| tell(News::Said(piece)))
        };
        outcome.map_err(|error| {
            let words = error.to_string();
            let status = match error {
                InflateError::TooLarge => Status::TOO_BIG,
                InflateError::Corrupt => Status::INVALID_PAYLOAD,
            };
            self.close = Some(Close::new(status, &words));
            Ended::Unreadable(words)
        })
    }

    /// Makes the next frame of what waits, if the last one is finished.
    pub(super) fn prepare<'a>(
        &mut self,
        len: usize,
        pieces: impl Iterator<Item = &'a [u8]>,
        out: &mut Outgoing,
        tools: &mut Tools,
    ) {
        if !out.is_between_frames() {
            return;
        }
        out.push(&std::mem::take(&mut self.pongs));
        let is_browser = self.taste != Taste::Any;
        if self.compresses && len >= COMPRESSED_BYTES_MIN {
            let count = len.min(COMPRESSED_BYTES_AT_ONCE);
            let mut message = Vec::new();
            tools.deflate(first(count, pieces), &mut message);
            let frame_bytes = if self.taste == Taste::Browser { BROWSER_FRAME_BYTES } else { usize::MAX };
            out.push_in_place_of(count, |into| push_in_frames(&message, frame_bytes, into));
        } else if is_browser && len > BROWSER_FRAME_BYTES {
            let count = len.min(BROWSER_BYTES_AT_ONCE);
            let mut copied = Vec::with_capacity(count);
            first(count, pieces).for_each(|piece| copied.extend_from_slice(piece));
            out.push_in_place_of(count, |into| {
                for frame in copied.chunks(BROWSER_FRAME_BYTES) {
                    push_frame(Frame::whole(Opcode::Binary), frame, into);
                }
            });
        } else if len > 0 {
            out.begin_frame(len);
        }
    }

    /// Makes the last frame: what is to be said because of what came in goes before `close`.
    pub(super) fn say_goodbye(&mut self, close: Option<Close>, out: &mut Outgoing) -> bool {
        let Some(close) = self.close.take().or(close) else { return false };
        let mut bytes = std::mem::take(&mut self.pongs);
        push_frame(Frame::whole(Opcode::Close), &close.payload(), &mut bytes);
        out.push(&bytes);
        true
    }
}

/// Puts a payload behind those before it, or tells of those.
fn gather(
    bytes: &mut [u8],
    run: Range<usize>,
    payload: Range<usize>,
    tell: &mut impl FnMut(News<'_>),
) -> Range<usize> {
    if run.is_empty() {
        return payload;
    }
    if payload.len() > MOVED_BYTES_MAX {
        tell_of(bytes, run, tell);
        return payload;
    }
    let end = run.end + payload.len();
    bytes.copy_within(payload, run.end);
    run.start..end
}

fn tell_of(bytes: &[u8], run: Range<usize>, tell: &mut impl FnMut(News<'_>)) {
    if !run.is_empty() {
        tell(News::Said(&bytes[run]));
    }
}

/// Appends a pong. Of many only the latest are answered, as they may be (RFC 6455, section 5.5.3).
fn pong(pongs: &mut Vec<u8>, payload: &[u8]) {
    if pongs.len() + payload.len() > PONGS_BYTES_MAX {
        pongs.clear();
    }
    push_frame(Frame::whole(Opcode::Pong), payload, pongs);
}

fn push_frame(frame: Frame, payload: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(frame.header(payload.len()).as_ref());
    into.extend_from_slice(payload);
}

/// Appends a compressed message in frames of at most so many bytes.
fn push_in_frames(message: &[u8], frame_bytes: usize, into: &mut Vec<u8>) {
    let mut frames = message.chunks(frame_bytes).peekable();
    let mut opcode = Opcode::Binary;
    while let Some(payload) = frames.next() {
        let is_compressed = opcode == Opcode::Binary;
        push_frame(Frame { opcode, is_final: frames.peek().is_none(), is_compressed }, payload, into);
        opcode = Opcode::Continuation;
    }
}

/// The first so many bytes of the pieces.
fn first<'a>(mut count: usize, pieces: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    pieces.map_while(move |piece| {
        let now = count.min(piece.len());
        count -= now;
        (now > 0).then_some(&piece[..now])
    })
}
