//! Reads frames from a buffer.

use nats_proto::{HeaderLen, Publish};

use crate::shard::ShardId;

use super::layout::{
    HAS_GROUPS, HAS_HEADER, HAS_OTHER_SUBJECT, HAS_QUEUE, HAS_REPLY, HAS_TICKET, INTEREST, IS_FAR, IS_FIRM,
    LETTER, MESSAGE, MOVE, MOVE_ASK, MOVE_DONE, MOVE_PAUSE, MOVE_RESUME, NEXT_MESSAGE, OFFER_REPLY, PILED,
    PLAIN, SERVED, STALL, WAS_FAR, WAS_FIRM,
};
use super::reader::{MeshFrameError, Reader};
use super::{Interest, Letter, MeshFrame, MeshMessage, MoveStep, Names, OfferReply, Served, Told};

/// The frames of a batch, in the order they were sent.
#[derive(Debug, Clone)]
pub struct MeshFrames<'a> {
    reader: Reader<'a>,
    len: usize,
    /// The last bare message that came in full, and where it began.
    bare: Option<MeshMessage<'a>>,
    bare_at: usize,
}

/// A place between two frames of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FramePosition {
    /// Bytes before it.
    offset: usize,
    /// Where the last bare message before it begins that came in full.
    bare_at: Option<usize>,
}

impl FramePosition {
    /// What is behind it.
    pub(crate) fn rest(self, frames: &[u8]) -> &[u8] {
        &frames[self.offset..]
    }

    /// So many bytes further, where no bare message is in between.
    pub(crate) fn behind(self, len: usize) -> Self {
        Self { offset: self.offset + len, ..self }
    }
}

/// The letter at the front of `bytes`, and how many bytes it is. A mailbox has nothing else, so it takes no more than that.
#[inline]
pub(crate) fn first_letter(bytes: &[u8]) -> Result<(Letter<'_>, usize), MeshFrameError> {
    let mut reader = Reader { rest: bytes };
    match reader.u8()? {
        LETTER => {
            let letter = reader.letter()?;
            Ok((letter, bytes.len() - reader.rest.len()))
        }
        kind => Err(MeshFrameError::UnknownKind(kind)),
    }
}

impl<'a> MeshFrames<'a> {
    /// The frames of a batch from a position on.
    pub(crate) fn at(bytes: &'a [u8], position: FramePosition) -> Self {
        let mut frames = Self { reader: Reader { rest: &[] }, len: bytes.len(), bare: None, bare_at: 0 };
        if let Some(bare_at) = position.bare_at {
            frames.reader.rest = &bytes[bare_at..];
            frames.full_frame().expect("it was read before");
        }
        frames.reader.rest = &bytes[position.offset..];
        frames
    }

    /// Where the next frame is.
    pub fn position(&self) -> FramePosition {
        FramePosition { offset: self.offset(), bare_at: self.bare.map(|_| self.bare_at) }
    }

    /// Whether there are no more.
    pub fn is_empty(&self) -> bool {
        self.reader.rest.is_empty()
    }

    fn offset(&self) -> usize {
        self.len - self.reader.rest.len()
    }
}

impl<'a> MeshFrames<'a> {
    /// Takes the next frame if it is a message that differs from the last bare one
    /// ([`MeshMessage::is_bare`]) in its payload only; returns its size text and its body. Saves the rest
    /// of the message a way through memory.
    pub fn next_payload(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let [NEXT_MESSAGE, rest @ ..] = self.reader.rest else { return None };
        let mut reader = Reader { rest };
        let size_text_len = reader.u8().ok()?;
        let body_len = reader.u32().ok()?;
        let size_text = reader.take(size_text_len.into()).ok()?;
        let body = reader.take(body_len as usize).ok()?;
        self.reader = reader;
        Some((size_text, body))
    }

    fn next_message(&mut self) -> Result<MeshFrame<'a>, MeshFrameError> {
        let before = self.bare.ok_or(MeshFrameError::NoMessageBefore)?;
        let (size_text, body) = self.next_payload().ok_or(MeshFrameError::Truncated)?;
        Ok(MeshFrame::Message(MeshMessage {
            publish: Publish { size_text, body, ..before.publish },
            ..before
        }))
    }

    // In line: what it returns is too large to be copied out of calls.
    #[inline(always)]
    fn full_frame(&mut self) -> Result<MeshFrame<'a>, MeshFrameError> {
        let at = self.offset();
        let frame = self.reader.frame();
        match &frame {
            Ok(MeshFrame::Message(message)) if message.is_bare() => {
                (self.bare, self.bare_at) = (Some(*message), at);
            }
            Ok(_) => {}
            Err(_) => self.reader.rest = &[],
        }
        frame
    }
}

impl<'a> Iterator for MeshFrames<'a> {
    type Item = Result<MeshFrame<'a>, MeshFrameError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.rest.is_empty() {
            return None;
        }
        // Each is written where it is returned: a frame is too large to be copied for nothing.
        match self.reader.rest[0] {
            NEXT_MESSAGE => Some(self.next_message().inspect_err(|_| self.reader.rest = &[])),
            _ => Some(self.full_frame()),
        }
    }
}

impl<'a> Reader<'a> {
    #[inline(always)]
    fn frame(&mut self) -> Result<MeshFrame<'a>, MeshFrameError> {
        match self.u8()? {
            MESSAGE => self.message().map(MeshFrame::Message),
            INTEREST => self.interest().map(MeshFrame::Interest),
            OFFER_REPLY => self.offer_reply().map(MeshFrame::OfferReply),
            STALL => Ok(MeshFrame::Stall { origin: self.u64()? }),
            PILED => Ok(MeshFrame::Piled { origin: self.u64()?, deliveries: self.u64()? }),
            MOVE => self.move_step().map(MeshFrame::Move),
            LETTER => self.letter().map(MeshFrame::Letter),
            SERVED => self.served().map(MeshFrame::Served),
            kind => Err(MeshFrameError::UnknownKind(kind)),
        }
    }

    fn message(&mut self) -> Result<MeshMessage<'a>, MeshFrameError> {
        // The kind is read already.
        let [flags, header_text_len, size_text_len] = self.array()?;
        let account = self.u32()?;
        let origin = self.u64()?;
        let [subject_len, reply_len, body_len] = [self.u32()?, self.u32()?, self.u32()?];
        let has = |flag| flags & flag != 0;
        let ticket = if has(HAS_TICKET) { self.u64()? } else { 0 };
        let header_bytes = if has(HAS_HEADER) { self.u32()? as usize } else { 0 };
        let groups = Names { bytes: if has(HAS_GROUPS) { self.bytes()? } else { &[] } };
        let other_subject = if has(HAS_OTHER_SUBJECT) { Some(self.bytes()?) } else { None };
        let subject = self.take(subject_len as usize)?;
        let reply = self.take(reply_len as usize)?;
        let header_text = self.take(header_text_len.into())?;
        let size_text = self.take(size_text_len.into())?;
        let body = self.take(body_len as usize)?;
        Ok(MeshMessage {
            account,
            origin,
            ticket,
            plain: has(PLAIN),
            other_subject,
            publish: Publish {
                subject,
                reply: has(HAS_REPLY).then_some(reply),
                header: has(HAS_HEADER).then_some(HeaderLen { bytes: header_bytes, text: header_text }),
                size_text,
                body,
            },
            groups,
        })
    }

    fn letter(&mut self) -> Result<Letter<'a>, MeshFrameError> {
        let service = u16::from_le_bytes(self.array()?);
        let tag = self.u32()?;
        match self.u8()? {
            MESSAGE => Ok(Letter { service, tag, message: self.message()? }),
            kind => Err(MeshFrameError::UnknownKind(kind)),
        }
    }

    fn interest(&mut self) -> Result<Interest<'a>, MeshFrameError> {
        let flags = self.u8()?;
        let account = self.u32()?;
        let before = Told { weight: self.u32()?, firm: flags & WAS_FIRM != 0, far: flags & WAS_FAR != 0 };
        let now = Told { weight: self.u32()?, firm: flags & IS_FIRM != 0, far: flags & IS_FAR != 0 };
        let filter = self.bytes()?;
        let queue = if flags & HAS_QUEUE != 0 { Some(self.bytes()?) } else { None };
        Ok(Interest { account, filter, queue, before, now })
    }

    fn served(&mut self) -> Result<Served<'a>, MeshFrameError> {
        let begins = self.u8()? != 0;
        Ok(Served { begins, account: self.u32()?, filter: self.bytes()? })
    }

    fn offer_reply(&mut self) -> Result<OfferReply<'a>, MeshFrameError> {
        let taken = self.u8()? != 0;
        let ticket = self.u64()?;
        Ok(OfferReply { ticket, taken, refused: Names { bytes: self.bytes()? } })
    }

    fn move_step(&mut self) -> Result<MoveStep, MeshFrameError> {
        let [kind, from, to] = self.array()?;
        let (from, to, epoch) = (ShardId(from), ShardId(to), self.u64()?);
        match kind {
            MOVE_ASK => Ok(MoveStep::Ask { to }),
            MOVE_PAUSE => Ok(MoveStep::Pause { epoch, from, to }),
            MOVE_DONE => Ok(MoveStep::Done),
            MOVE_RESUME => Ok(MoveStep::Resume),
            kind => Err(MeshFrameError::UnknownKind(kind)),
        }
    }
}
