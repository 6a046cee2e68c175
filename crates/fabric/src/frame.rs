//! What shards tell each other, as bytes in one buffer.
//!
//! Frames never leave the process, so the layout is private and may change with any build: a kind
//! byte, fixed fields in little-endian order, then the variable parts. They are bytes rather than
//! values so that a message costs one copy into a warm buffer and no allocation.

use nats_proto::{HeaderLen, Publish};

use crate::shard::ShardId;

const MESSAGE: u8 = 1;
const INTEREST: u8 = 2;
const OFFER_REPLY: u8 = 3;
const STALL: u8 = 4;
const MOVE: u8 = 5;
/// A message that differs from the one before in its payload only.
const NEXT_MESSAGE: u8 = 6;
const PILED: u8 = 7;
/// A message follows.
const LETTER: u8 = 8;

/// One frame read from a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Deliver this message.
    Message(MeshMessage<'a>),
    /// The sender's interest in one filter is now this.
    Interest(Interest<'a>),
    /// What became of an offered message.
    OfferReply(OfferReply<'a>),
    /// A reader of the sender falls behind this publisher of the receiver: slow it down.
    Stall {
        /// The publisher, as its own shard named it in [`MeshMessage::origin`].
        origin: u64,
    },
    /// The readers on the sender's shard take nothing of what this publisher of the receiver sends.
    Piled {
        /// The publisher, as its own shard named it in [`MeshMessage::origin`].
        origin: u64,
        /// Deliveries since this was told last.
        deliveries: u64,
    },
    /// Connections change shards.
    Move(MoveStep),
    /// A service gets this message, whatever its subject.
    Letter(Letter<'a>),
}

/// A message for a service of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter<'a> {
    /// The service, by its number: the same on every shard.
    pub service: u16,
    /// By which of its subscriptions the service gets it, as it named that.
    pub tag: u32,
    /// The message.
    pub message: MeshMessage<'a>,
}

/// A published message on its way to another shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeshMessage<'a> {
    /// The account, by its index: the same on every shard.
    pub account: u32,
    /// The publishing connection, opaque to the receiver.
    pub origin: u64,
    /// When not zero the sender waits to hear, under this number, who took the message.
    pub ticket: u64,
    /// Whether to deliver to plain subscriptions.
    pub plain: bool,
    /// The subject that selects who gets it, if it is another than the one they are shown.
    pub other_subject: Option<&'a [u8]>,
    /// The message as its publisher sent it.
    pub publish: Publish<'a>,
    /// The queue groups the receiver must serve, one member each.
    pub groups: Names<'a>,
}

/// A change of a shard's interest in one filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest<'a> {
    /// The account, by its index.
    pub account: u32,
    /// The subject filter.
    pub filter: &'a [u8],
    /// The queue group, if this is about queue subscriptions.
    pub queue: Option<&'a [u8]>,
    /// What the shard said before.
    pub before: Told,
    /// What it says now.
    pub now: Told,
}

/// What a shard says of the members behind an interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// How many members the shard has; 0 is no interest. Plain interest is 0 or 1.
    pub weight: u32,
    /// Whether a message sent on this interest is sure to be taken. It is not when every
    /// subscription behind it is about to run out (UNSUB with a maximum).
    pub firm: bool,
}

/// The answer to a message with a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferReply<'a> {
    /// The ticket of the message.
    pub ticket: u64,
    /// Whether anyone took the message.
    pub taken: bool,
    /// The groups that no longer had a member to take it.
    pub refused: Names<'a>,
}

/// What shards tell each other to let connections change shards: the first shard lets one shard at a
/// time do so, and stops all others meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveStep {
    /// To the first shard: the sender has connections that should live on another shard.
    Ask {
        /// Where they should live.
        to: ShardId,
    },
    /// From the first shard: act on nothing that clients send, and tell the two shards when they
    /// have all your messages ([`crate::Batch::quiet`]).
    Pause {
        /// Counts the pauses, from 1.
        epoch: u64,
        /// Where the connections live.
        from: ShardId,
        /// Where they are to live.
        to: ShardId,
    },
    /// To the first shard: all shards know of the sender's interest without the connections that
    /// left it, or with those that came.
    Done,
    /// From the first shard: go on.
    Resume,
}

/// A list of queue group names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Names<'a> {
    bytes: &'a [u8],
}

impl<'a> Names<'a> {
    /// Whether the list is empty.
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The names in order.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut reader = Reader { rest: self.bytes };
        std::iter::from_fn(move || reader.bytes().ok())
    }
}

/// A frame that does not read: a defect of ours, never a peer's doing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// The buffer ends inside a frame.
    #[error("mesh frame cut short")]
    Truncated,
    /// The kind byte is none of ours.
    #[error("unknown mesh frame kind {0}")]
    UnknownKind(u8),
    /// A frame that leans on a message before it, and there is none.
    #[error("mesh frame without the message it goes on from")]
    NoMessageBefore,
}

impl MeshMessage<'_> {
    /// The subject that selects who gets it.
    #[inline]
    pub fn selects(&self) -> &[u8] {
        self.other_subject.unwrap_or(self.publish.subject)
    }

    /// Whether there is nothing to it but a subject and a payload, for plain subscriptions or none.
    pub fn is_bare(&self) -> bool {
        self.ticket == 0
            && self.other_subject.is_none()
            && self.publish.reply.is_none()
            && self.publish.header.is_none()
            && self.groups.is_empty()
    }
}

/// Bytes of a message frame before its variable parts. The subject comes first of them in the frame of
/// a message with nothing else to it.
pub(crate) const MESSAGE_HEAD_BYTES: usize = 28;

// Flags of a message frame.
const PLAIN: u8 = 1;
const HAS_REPLY: u8 = 1 << 1;
const HAS_HEADER: u8 = 1 << 2;
const HAS_TICKET: u8 = 1 << 3;
const HAS_GROUPS: u8 = 1 << 4;
const HAS_OTHER_SUBJECT: u8 = 1 << 5;

// Flags of an interest frame.
const HAS_QUEUE: u8 = 1;
const WAS_FIRM: u8 = 1 << 1;
const IS_FIRM: u8 = 1 << 2;

// Kinds of a move frame.
const MOVE_ASK: u8 = 1;
const MOVE_PAUSE: u8 = 2;
const MOVE_DONE: u8 = 3;
const MOVE_RESUME: u8 = 4;

pub(crate) fn put_message<'g>(
    out: &mut Vec<u8>,
    message: &MeshMessage<'_>,
    groups: impl Iterator<Item = &'g [u8]> + Clone,
) {
    let publish = &message.publish;
    let reply = publish.reply.unwrap_or_default();
    let header_text = publish.header.map_or(&[][..], |header| header.text);
    let groups_len: usize = groups.clone().map(|name| 4 + name.len()).sum();
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };

    let mut head = [0; MESSAGE_HEAD_BYTES];
    head[0] = MESSAGE;
    head[1] = flag(message.plain, PLAIN)
        | flag(publish.reply.is_some(), HAS_REPLY)
        | flag(publish.header.is_some(), HAS_HEADER)
        | flag(message.ticket != 0, HAS_TICKET)
        | flag(groups_len > 0, HAS_GROUPS)
        | flag(message.other_subject.is_some(), HAS_OTHER_SUBJECT);
    // The decoder takes sizes of at most nine digits, so their texts fit a byte.
    head[2] = header_text.len() as u8;
    head[3] = publish.size_text.len() as u8;
    head[4..8].copy_from_slice(&message.account.to_le_bytes());
    head[8..16].copy_from_slice(&message.origin.to_le_bytes());
    head[16..20].copy_from_slice(&(publish.subject.len() as u32).to_le_bytes());
    head[20..24].copy_from_slice(&(reply.len() as u32).to_le_bytes());
    head[24..28].copy_from_slice(&(publish.body.len() as u32).to_le_bytes());

    let variable = publish.subject.len() + reply.len() + header_text.len() + publish.size_text.len();
    out.reserve(MESSAGE_HEAD_BYTES + 16 + groups_len + variable + publish.body.len());
    out.extend_from_slice(&head);
    if message.ticket != 0 {
        put_u64(out, message.ticket);
    }
    if let Some(header) = publish.header {
        put_u32(out, header.bytes as u32);
    }
    if groups_len > 0 {
        put_u32(out, groups_len as u32);
        for name in groups {
            put_bytes(out, name);
        }
    }
    if let Some(subject) = message.other_subject {
        put_bytes(out, subject);
    }
    out.extend_from_slice(publish.subject);
    out.extend_from_slice(reply);
    out.extend_from_slice(header_text);
    out.extend_from_slice(publish.size_text);
    out.extend_from_slice(publish.body);
}

pub(crate) fn put_letter(out: &mut Vec<u8>, letter: &Letter<'_>) {
    out.push(LETTER);
    out.extend_from_slice(&letter.service.to_le_bytes());
    put_u32(out, letter.tag);
    put_message(out, &letter.message, std::iter::empty());
}

/// Puts a bare message that differs from the last bare one in its payload only.
pub(crate) fn put_next_message(out: &mut Vec<u8>, publish: &Publish<'_>) {
    let mut head = [NEXT_MESSAGE, publish.size_text.len() as u8, 0, 0, 0, 0];
    head[2..].copy_from_slice(&(publish.body.len() as u32).to_le_bytes());
    out.reserve(head.len() + publish.size_text.len() + publish.body.len());
    out.extend_from_slice(&head);
    out.extend_from_slice(publish.size_text);
    out.extend_from_slice(publish.body);
}

pub(crate) fn put_interest(out: &mut Vec<u8>, interest: &Interest<'_>) {
    out.push(INTEREST);
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.push(
        flag(interest.queue.is_some(), HAS_QUEUE)
            | flag(interest.before.firm, WAS_FIRM)
            | flag(interest.now.firm, IS_FIRM),
    );
    put_u32(out, interest.account);
    put_u32(out, interest.before.weight);
    put_u32(out, interest.now.weight);
    put_bytes(out, interest.filter);
    if let Some(queue) = interest.queue {
        put_bytes(out, queue);
    }
}

pub(crate) fn put_offer_reply<'g>(
    out: &mut Vec<u8>,
    ticket: u64,
    taken: bool,
    refused: impl Iterator<Item = &'g [u8]> + Clone,
) {
    out.push(OFFER_REPLY);
    out.push(u8::from(taken));
    put_u64(out, ticket);
    put_u32(out, refused.clone().map(|name| 4 + name.len()).sum::<usize>() as u32);
    for name in refused {
        put_bytes(out, name);
    }
}

pub(crate) fn put_stall(out: &mut Vec<u8>, origin: u64) {
    out.push(STALL);
    put_u64(out, origin);
}

pub(crate) fn put_piled(out: &mut Vec<u8>, origin: u64, deliveries: u64) {
    out.push(PILED);
    put_u64(out, origin);
    put_u64(out, deliveries);
}

pub(crate) fn put_move(out: &mut Vec<u8>, step: MoveStep) {
    let (kind, epoch, from, to) = match step {
        MoveStep::Ask { to } => (MOVE_ASK, 0, ShardId(0), to),
        MoveStep::Pause { epoch, from, to } => (MOVE_PAUSE, epoch, from, to),
        MoveStep::Done => (MOVE_DONE, 0, ShardId(0), ShardId(0)),
        MoveStep::Resume => (MOVE_RESUME, 0, ShardId(0), ShardId(0)),
    };
    out.extend_from_slice(&[MOVE, kind, from.0, to.0]);
    put_u64(out, epoch);
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}

/// The frames of a batch, in the order they were sent.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    reader: Reader<'a>,
    len: usize,
    /// The last bare message that came in full, and where it began.
    bare: Option<MeshMessage<'a>>,
    bare_at: usize,
}

/// A place between two frames of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it.
    offset: usize,
    /// Where the last bare message before it begins that came in full.
    bare_at: Option<usize>,
}

impl<'a> Frames<'a> {
    /// The frames of a batch from a position on.
    pub(crate) fn at(bytes: &'a [u8], position: Position) -> Self {
        let mut frames = Self { reader: Reader { rest: &[] }, len: bytes.len(), bare: None, bare_at: 0 };
        if let Some(bare_at) = position.bare_at {
            frames.reader.rest = &bytes[bare_at..];
            frames.full_frame().expect("it was read before");
        }
        frames.reader.rest = &bytes[position.offset..];
        frames
    }

    /// Where the next frame is.
    pub fn position(&self) -> Position {
        Position { offset: self.offset(), bare_at: self.bare.map(|_| self.bare_at) }
    }

    /// Whether there are no more.
    pub fn is_empty(&self) -> bool {
        self.reader.rest.is_empty()
    }

    fn offset(&self) -> usize {
        self.len - self.reader.rest.len()
    }
}

impl<'a> Frames<'a> {
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

    fn next_message(&mut self) -> Result<Frame<'a>, FrameError> {
        let before = self.bare.ok_or(FrameError::NoMessageBefore)?;
        let (size_text, body) = self.next_payload().ok_or(FrameError::Truncated)?;
        Ok(Frame::Message(MeshMessage { publish: Publish { size_text, body, ..before.publish }, ..before }))
    }

    // In line: what it returns is too large to be copied out of calls.
    #[inline(always)]
    fn full_frame(&mut self) -> Result<Frame<'a>, FrameError> {
        let at = self.offset();
        let frame = self.reader.frame();
        match &frame {
            Ok(Frame::Message(message)) if message.is_bare() => {
                (self.bare, self.bare_at) = (Some(*message), at);
            }
            Ok(_) => {}
            Err(_) => self.reader.rest = &[],
        }
        frame
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, FrameError>;

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

#[derive(Debug, Clone)]
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline(always)]
    fn frame(&mut self) -> Result<Frame<'a>, FrameError> {
        match self.u8()? {
            MESSAGE => self.message().map(Frame::Message),
            INTEREST => self.interest().map(Frame::Interest),
            OFFER_REPLY => self.offer_reply().map(Frame::OfferReply),
            STALL => Ok(Frame::Stall { origin: self.u64()? }),
            PILED => Ok(Frame::Piled { origin: self.u64()?, deliveries: self.u64()? }),
            MOVE => self.move_step().map(Frame::Move),
            LETTER => self.letter().map(Frame::Letter),
            kind => Err(FrameError::UnknownKind(kind)),
        }
    }

    fn message(&mut self) -> Result<MeshMessage<'a>, FrameError> {
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

    fn letter(&mut self) -> Result<Letter<'a>, FrameError> {
        let service = u16::from_le_bytes(self.array()?);
        let tag = self.u32()?;
        match self.u8()? {
            MESSAGE => Ok(Letter { service, tag, message: self.message()? }),
            kind => Err(FrameError::UnknownKind(kind)),
        }
    }

    fn interest(&mut self) -> Result<Interest<'a>, FrameError> {
        let flags = self.u8()?;
        let account = self.u32()?;
        let before = Told { weight: self.u32()?, firm: flags & WAS_FIRM != 0 };
        let now = Told { weight: self.u32()?, firm: flags & IS_FIRM != 0 };
        let filter = self.bytes()?;
        let queue = if flags & HAS_QUEUE != 0 { Some(self.bytes()?) } else { None };
        Ok(Interest { account, filter, queue, before, now })
    }

    fn offer_reply(&mut self) -> Result<OfferReply<'a>, FrameError> {
        let taken = self.u8()? != 0;
        let ticket = self.u64()?;
        Ok(OfferReply { ticket, taken, refused: Names { bytes: self.bytes()? } })
    }

    fn move_step(&mut self) -> Result<MoveStep, FrameError> {
        let [kind, from, to] = self.array()?;
        let (from, to, epoch) = (ShardId(from), ShardId(to), self.u64()?);
        match kind {
            MOVE_ASK => Ok(MoveStep::Ask { to }),
            MOVE_PAUSE => Ok(MoveStep::Pause { epoch, from, to }),
            MOVE_DONE => Ok(MoveStep::Done),
            MOVE_RESUME => Ok(MoveStep::Resume),
            kind => Err(FrameError::UnknownKind(kind)),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], FrameError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(FrameError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(FrameError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    fn u8(&mut self) -> Result<u8, FrameError> {
        self.array::<1>().map(|bytes| bytes[0])
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], FrameError> {
        let len = self.u32()? as usize;
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish() -> Publish<'static> {
        Publish {
            subject: b"a.b",
            reply: Some(b"_INBOX.1"),
            header: Some(HeaderLen { bytes: 12, text: b"012" }),
            size_text: b"0014",
            body: b"NATS/1.0\r\n\r\nhi",
        }
    }

    #[test]
    fn frames_come_back_as_they_were_put() {
        let message = MeshMessage {
            account: 7,
            origin: 42,
            ticket: 3,
            plain: true,
            other_subject: Some(b"selects.it"),
            publish: publish(),
            groups: Names::default(),
        };
        let before = Told { weight: 8, firm: true };
        let now = Told { weight: 9, firm: false };
        let interest = Interest { account: 1, filter: b"x.*", queue: Some(b"q"), before, now };
        let plain = Interest { queue: None, ..interest };
        let mut out = Vec::new();
        put_message(&mut out, &message, [&b"g1"[..], b"", b"g3"].into_iter());
        put_interest(&mut out, &interest);
        put_interest(&mut out, &plain);
        put_offer_reply(&mut out, 5, true, [&b"q"[..]].into_iter());
        put_stall(&mut out, 11);
        put_piled(&mut out, 12, 1 << 33);
        let letter = Letter { service: 300, tag: 1 << 20, message };
        put_letter(&mut out, &letter);
        let steps = [
            MoveStep::Ask { to: ShardId(3) },
            MoveStep::Pause { epoch: 1 << 40, from: ShardId(1), to: ShardId(2) },
            MoveStep::Done,
            MoveStep::Resume,
        ];
        for step in steps {
            put_move(&mut out, step);
        }

        let frames: Vec<_> = Frames::at(&out, Position::default()).collect::<Result<_, _>>().unwrap();
        let Frame::Message(read) = frames[0] else { panic!("a message first") };
        assert_eq!(read.groups.iter().collect::<Vec<_>>(), [&b"g1"[..], b"", b"g3"]);
        assert_eq!(MeshMessage { groups: Names::default(), ..read }, message);
        assert_eq!(frames[1], Frame::Interest(interest));
        assert_eq!(frames[2], Frame::Interest(plain));
        let Frame::OfferReply(reply) = frames[3] else { panic!("an offer reply fourth") };
        assert_eq!((reply.ticket, reply.taken), (5, true));
        assert_eq!(reply.refused.iter().collect::<Vec<_>>(), [b"q"]);
        assert_eq!(frames[4], Frame::Stall { origin: 11 });
        assert_eq!(frames[5], Frame::Piled { origin: 12, deliveries: 1 << 33 });
        assert_eq!(frames[6], Frame::Letter(letter));
        assert_eq!(frames[7..], steps.map(Frame::Move));
    }

    #[test]
    fn an_absent_reply_differs_from_an_empty_one() {
        for (reply, header) in [(None, None), (Some(&b""[..]), None)] {
            let publish = Publish { reply, header, ..publish() };
            let message = MeshMessage {
                account: 0,
                origin: 0,
                ticket: 0,
                plain: false,
                other_subject: None,
                publish,
                groups: Names::default(),
            };
            let mut out = Vec::new();
            put_message(&mut out, &message, std::iter::empty());
            assert_eq!(Frames::at(&out, Position::default()).next(), Some(Ok(Frame::Message(message))));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_read_without_a_panic(bytes in proptest::collection::vec(0_u8..9, 0..200)) {
            let _ = Frames::at(&bytes, Position::default()).count();
        }
    }
}
