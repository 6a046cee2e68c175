//! Frames, both ways.

use ws_frame::{Agreed, Close, Frame, FrameError, Opcode, Reader, Status, Step, Taste, WAITING_BYTES_MAX};

use crate::ended::{Ended, Hangup};
use crate::news::News;

use super::InPlace;
use super::outgoing::Outgoing;
use super::run::Run;
use super::tools::{InflateError, Tools};

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
    taste: Taste,
    /// `max_payload`, in bytes: what a compressed message may come to, too. Four gigabytes at most.
    payload_bytes_max: u32,
    /// Only while there is any: most connections have none, most of the time.
    unfinished: Option<Box<Unfinished>>,
}

/// What is kept from one read to the next, and what it has to be answered.
#[derive(Debug, Default)]
struct Unfinished {
    /// The start of a header or of a control frame.
    start: Vec<u8>,
    /// How many bytes are missing for that to be read.
    missing: usize,
    /// A compressed message that is not over.
    pressed: Vec<u8>,
    /// Pongs that are to be sent between two frames.
    pongs: Vec<u8>,
    /// What the last frame is to say because of what came in: nothing more is read.
    close: Option<Close>,
}

impl Talk {
    pub(super) fn new(agreed: Agreed, taste: Taste, payload_bytes_max: usize) -> Self {
        let payload_bytes_max = u32::try_from(payload_bytes_max).unwrap_or(u32::MAX);
        Self { reader: Reader::new(agreed), taste, payload_bytes_max, unfinished: None }
    }

    pub(super) fn has_pongs(&self) -> bool {
        self.unfinished.as_ref().is_some_and(|unfinished| !unfinished.pongs.is_empty())
    }

    fn unfinished(&mut self) -> &mut Unfinished {
        self.unfinished.get_or_insert_default()
    }

    fn take_pongs(&mut self) -> Vec<u8> {
        self.unfinished.as_mut().map(|unfinished| std::mem::take(&mut unfinished.pongs)).unwrap_or_default()
    }

    /// Whether payload can stay where it was received.
    pub(super) fn stays_in_place(&self) -> bool {
        !self.reader.agreed().compression
    }

    /// Takes bytes. Payload is moved together where they are: says where that is, and where it is cut into frames.
    pub(super) fn receive_in_place(&mut self, input: &mut [u8], tools: &mut Tools) -> InPlace {
        let len = input.len();
        tools.run.stays = true;
        let mut read = 0;
        let outcome = self.receive_from(input, &mut read, tools, &mut |_| unreachable!("nobody is told"));
        let (range, cuts) = tools.run.take();
        debug_assert!(range.end + read <= len, "it lies in what was received");
        InPlace { payload: range.start + read..range.end + read, cuts, outcome }
    }

    /// Takes bytes, which are garbage afterwards.
    pub(super) fn receive(
        &mut self,
        input: &mut [u8],
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<(), Ended> {
        self.receive_from(input, &mut 0, tools, tell)
    }

    /// The same, and how many bytes went to what had begun before.
    fn receive_from(
        &mut self,
        mut input: &mut [u8],
        before: &mut usize,
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<(), Ended> {
        while let Some(unfinished) = &mut self.unfinished
            && !input.is_empty()
        {
            if unfinished.close.is_some() {
                return Ok(());
            }
            if unfinished.start.is_empty() {
                break;
            }
            let (now, later) = input.split_at_mut(unfinished.missing.min(input.len()));
            input = later;
            *before += now.len();
            let mut start = std::mem::take(&mut unfinished.start);
            start.extend_from_slice(now);
            let used = self.read(&mut start, tools, tell)?;
            if used < start.len() {
                start.drain(..used);
                self.unfinished().start = start;
            }
        }
        let used = self.read(input, tools, tell)?;
        if used < input.len() {
            debug_assert!(input.len() - used <= WAITING_BYTES_MAX, "only the start of a header waits");
            self.unfinished().start.extend_from_slice(&input[used..]);
        }
        self.forget_if_finished();
        Ok(())
    }

    fn forget_if_finished(&mut self) {
        let is_finished = |unfinished: &Unfinished| {
            let Unfinished { start, pressed, pongs, close, missing: _ } = unfinished;
            start.is_empty() && pressed.is_empty() && pongs.is_empty() && close.is_none()
        };
        self.unfinished.take_if(|unfinished| is_finished(unfinished));
    }

    /// Reads frames, and returns how many bytes were used: the rest is the start of one.
    fn read(
        &mut self,
        bytes: &mut [u8],
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<usize, Ended> {
        let mut run = std::mem::take(&mut tools.run);
        let outcome = self.read_into(&mut run, bytes, tools, tell);
        tools.run = run;
        outcome
    }

    fn read_into(
        &mut self,
        run: &mut Run,
        bytes: &mut [u8],
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<usize, Ended> {
        let mut at = 0;
        while at < bytes.len() {
            match self.reader.step(&mut bytes[at..]) {
                Ok(Step::Data { used, payload, is_compressed: false, .. }) => {
                    let start = at + used - payload.len();
                    at += used;
                    run.gather(bytes, start..at, tell);
                }
                Ok(Step::Data { used, payload, is_last, .. }) => {
                    let len = payload.len();
                    at += used;
                    run.tell(bytes, tell);
                    self.on_pressed(&bytes[at - len..at], is_last, tools, tell)?;
                }
                Ok(Step::Ping { used, payload }) => {
                    // By the field: the payload is the reader's.
                    pong(&mut self.unfinished.get_or_insert_default().pongs, payload);
                    at += used;
                }
                Ok(Step::Pong { used }) => at += used,
                Ok(Step::Close { answer }) => {
                    run.tell(bytes, tell);
                    self.unfinished().close = Some(answer);
                    return Err(Ended::Hangup(Hangup::Closed));
                }
                Ok(Step::NeedMore { at_least }) => {
                    self.unfinished().missing = at_least - (bytes.len() - at);
                    break;
                }
                Err(error) => {
                    run.tell(bytes, tell);
                    return Err(self.refuse(error));
                }
            }
        }
        run.tell(bytes, tell);
        Ok(at)
    }

    fn refuse(&mut self, error: FrameError) -> Ended {
        let words = error.to_string();
        self.unfinished().close = Some(Close::new(Status::PROTOCOL_ERROR, &words));
        Ended::Unreadable(words)
    }

    /// Some of a compressed message came in.
    fn on_pressed(
        &mut self,
        bytes: &[u8],
        is_last: bool,
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<(), Ended> {
        let payload_bytes_max = self.payload_bytes_max as usize;
        let bytes_max = payload_bytes_max.saturating_add(payload_bytes_max / 16 + COMPRESSED_EXCESS);
        let before = self.unfinished.as_ref().map_or(0, |unfinished| unfinished.pressed.len());
        let outcome = if before + bytes.len() > bytes_max {
            Err(InflateError::TooLarge)
        } else if is_last && before == 0 {
            tools.inflate(bytes, payload_bytes_max, |piece| tell(News::Said(piece)))
        } else {
            let pressed = &mut self.unfinished().pressed;
            pressed.extend_from_slice(bytes);
            if is_last {
                let message = std::mem::take(pressed);
                tools.inflate(&message, payload_bytes_max, |piece| tell(News::Said(piece)))
            } else {
                Ok(())
            }
        };
        outcome.map_err(|error| {
            let words = error.to_string();
            let status = match error {
                InflateError::TooLarge => Status::TOO_BIG,
                InflateError::Corrupt | InflateError::Unfinished => Status::INVALID_PAYLOAD,
            };
            self.unfinished().close = Some(Close::new(status, &words));
            Ended::Unreadable(words)
        })
    }

    /// Makes the next frame of what waits, if the last one is finished, or if nothing has to come between the two.
    pub(super) fn prepare<'a>(
        &mut self,
        len: usize,
        pieces: impl Iterator<Item = &'a [u8]> + Clone,
        out: &mut Outgoing,
        tools: &mut Tools,
    ) {
        let is_browser = self.taste != Taste::Any;
        let compresses = self.reader.agreed().compression;
        if !out.is_between_frames() {
            if !is_browser && !compresses && !self.has_pongs() {
                out.begin_next_frame(len);
            }
            return;
        }
        out.push(&self.take_pongs());
        self.forget_if_finished();
        if compresses && len >= COMPRESSED_BYTES_MIN {
            let count = len.min(COMPRESSED_BYTES_AT_ONCE);
            let message = tools.deflate(count, first(count, pieces));
            let frame_bytes = if self.taste == Taste::Browser { BROWSER_FRAME_BYTES } else { usize::MAX };
            out.push_in_place_of(count, |into| push_in_frames(message, frame_bytes, into));
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
        let own = self.unfinished.as_mut().and_then(|unfinished| unfinished.close.take());
        let Some(close) = own.or(close) else { return false };
        let mut bytes = self.take_pongs();
        push_frame(Frame::whole(Opcode::Close), &close.payload(), &mut bytes);
        out.push(&bytes);
        true
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
fn first<'a>(
    mut count: usize,
    pieces: impl Iterator<Item = &'a [u8]> + Clone,
) -> impl Iterator<Item = &'a [u8]> + Clone {
    pieces.map_while(move |piece| {
        let now = count.min(piece.len());
        count -= now;
        (now > 0).then_some(&piece[..now])
    })
}
