//! What the JetStreams of shards write to each other: requests that another shard is to answer, which streams there are,
//! and what lists are made of.
//!
//! A request travels as the message it was, so that nothing of it is written twice; what is said beside it stands before
//! its body. All numbers are little endian; a text has its length before it.

use broker::FarConn;
use conns::ConnId;
use fabric::ShardId;
use js_proto::{ApiError, StreamInfo};
use nats_proto::Publish;
use nats_proto::go_json::{compact, read_into};

use crate::allowance::Reserved;
use crate::kin::Kin;
use crate::request::Asker;
use crate::sender::Sender;

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word<'a> {
    /// A request that came to that shard, to be answered.
    Request { via: ShardId, from: Asker, ordered: Option<Verdict>, body: &'a [u8] },
    /// What was answered to a request of that connection, to be told to those who listen to such.
    Audit { conn: ConnId, body: &'a [u8], answer: &'a [u8] },
    /// What has become of the stream that the letter is about.
    Stream { at: ShardId, state: NameState },
    /// That shard has told everybody what it found when it began.
    Ready,
    /// The log of that shard takes nothing any more.
    Failed { at: ShardId },
    /// What of these streams is to be told, each with its number.
    Tell { ticket: u32, streams: Vec<(u32, String)> },
    /// That is, as far as they are there.
    Told { ticket: u32, infos: Vec<(u32, StreamInfo)> },
    /// A message that died, to be kept in the stream that the letter is about. Its headers are the letter's.
    DeadLetter { sender: Sender, subject: &'a [u8], body: &'a [u8] },
    /// What became of that of a consumer of the stream that the letter is about: it is safe, or why it is not kept.
    LetterKept { consumer: &'a [u8], seq: u64, refused: Option<ApiError> },
    /// The stream that the one takes messages from which the letter is about: it is gone, or there.
    Origin { name: &'a [u8], is_there: bool },
}

/// What the shard with the directory thinks of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// There is no room for it.
    pub(crate) room: Option<ApiError>,
    /// Another stream takes one of its subjects.
    pub(crate) overlaps: bool,
    /// What it is to be does not go with other streams.
    pub(crate) unfit: Option<ApiError>,
    /// Whether messages of the stream that it is a copy of can be got directly, if that is known.
    pub(crate) mirror_direct: Option<bool>,
}

/// What is to be known of a name, once something was done to its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NameState {
    /// It is there, and so.
    There(Extent),
    Gone,
    /// Nobody knows: the log takes nothing any more, and what was done to it may be found undone at the next start.
    AsBefore,
}

/// What a stream takes of what all streams share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) subjects: Vec<String>,
    pub(crate) reserved: Reserved,
    pub(crate) kin: Kin,
}

impl Verdict {
    pub(crate) fn is_good(&self) -> bool {
        self.room.is_none() && !self.overlaps && self.unfit.is_none()
    }
}

impl Verdict {
    fn write(&self, out: &mut Vec<u8>) {
        let direct = self.mirror_direct.map_or(2, u8::from);
        out.extend([u8::from(self.overlaps), direct]);
        for error in [&self.room, &self.unfit] {
            put_text(out, &error.as_ref().map(compact).unwrap_or_default());
        }
    }

    fn read(rest: &mut Rest<'_>) -> Self {
        let (overlaps, direct) = (rest.byte() == 1, rest.byte());
        let (room, unfit) = (rest.error(), rest.error());
        Self { room, overlaps, unfit, mirror_direct: (direct < 2).then_some(direct == 1) }
    }
}

impl<'a> Word<'a> {
    /// Writes what stands in the letter's body.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Request { via, from, ordered, body } => {
                out.extend([b'Q', via.0]);
                match from {
                    Asker::Nobody => out.push(0),
                    Asker::Conn(FarConn { shard, conn }) => {
                        out.extend([1, shard.0]);
                        out.extend_from_slice(&conn.to_bits().to_le_bytes());
                    }
                }
                out.push(u8::from(ordered.is_some()));
                if let Some(verdict) = ordered {
                    verdict.write(out);
                }
                out.extend_from_slice(body);
            }
            Self::Audit { conn, body, answer } => {
                out.push(b'A');
                out.extend_from_slice(&conn.to_bits().to_le_bytes());
                put_text(out, body);
                out.extend_from_slice(answer);
            }
            Self::Stream { at, state } => {
                let kind = match state {
                    NameState::There(_) => b't',
                    NameState::Gone => b'g',
                    NameState::AsBefore => b'b',
                };
                out.extend([b'S', at.0, kind]);
                if let NameState::There(Extent { subjects, reserved, kin }) = state {
                    out.extend_from_slice(&reserved.memory.to_le_bytes());
                    out.extend_from_slice(&reserved.files.to_le_bytes());
                    put_text(out, &kin.write());
                    subjects.iter().for_each(|subject| put_text(out, subject.as_bytes()));
                }
            }
            Self::Origin { name, is_there } => {
                out.extend([b'O', u8::from(*is_there)]);
                out.extend_from_slice(name);
            }
            Self::DeadLetter { sender: Sender { shard, stream, consumer, seq }, subject, body } => {
                out.extend([b'D', shard.0]);
                out.extend_from_slice(&seq.to_le_bytes());
                [&**stream, consumer, subject].into_iter().for_each(|text| put_text(out, text));
                out.extend_from_slice(body);
            }
            Self::LetterKept { consumer, seq, refused } => {
                out.push(b'K');
                out.extend_from_slice(&seq.to_le_bytes());
                put_text(out, &refused.as_ref().map(compact).unwrap_or_default());
                out.extend_from_slice(consumer);
            }
            Self::Ready => out.push(b'R'),
            Self::Failed { at } => out.extend([b'F', at.0]),
            Self::Tell { ticket, streams } => {
                out.push(b'T');
                out.extend_from_slice(&ticket.to_le_bytes());
                for (number, stream) in streams {
                    out.extend_from_slice(&number.to_le_bytes());
                    put_text(out, stream.as_bytes());
                }
            }
            Self::Told { ticket, infos } => {
                out.push(b'I');
                out.extend_from_slice(&ticket.to_le_bytes());
                for (number, info) in infos {
                    out.extend_from_slice(&number.to_le_bytes());
                    put_text(out, &compact(info));
                }
            }
        }
    }

    /// Reads it again.
    ///
    /// # Panics
    /// It is none: only other shards of the same server write them.
    pub(crate) fn read(letter: &Publish<'a>) -> Self {
        let mut rest = Rest(letter.payload());
        match rest.byte() {
            b'Q' => {
                let via = ShardId(rest.byte());
                let from = match rest.byte() {
                    0 => Asker::Nobody,
                    _ => Asker::Conn(FarConn { shard: ShardId(rest.byte()), conn: rest.conn() }),
                };
                let ordered = (rest.byte() == 1).then(|| Verdict::read(&mut rest));
                Self::Request { via, from, ordered, body: rest.0 }
            }
            b'A' => Self::Audit { conn: rest.conn(), body: rest.text(), answer: rest.0 },
            b'S' => {
                let at = ShardId(rest.byte());
                let state = match rest.byte() {
                    b't' => {
                        let reserved = Reserved { memory: rest.long(), files: rest.long() };
                        let kin = Kin::read(rest.text());
                        NameState::There(Extent { reserved, kin, subjects: rest.all(Rest::string) })
                    }
                    b'g' => NameState::Gone,
                    _ => NameState::AsBefore,
                };
                Self::Stream { at, state }
            }
            b'O' => Self::Origin { is_there: rest.byte() == 1, name: rest.0 },
            b'D' => {
                let (shard, seq) = (ShardId(rest.byte()), rest.long() as u64);
                let (stream, consumer) = (rest.text().into(), rest.text().into());
                let sender = Sender { shard, stream, consumer, seq };
                Self::DeadLetter { sender, subject: rest.text(), body: rest.0 }
            }
            b'K' => {
                let (seq, refused) = (rest.long() as u64, rest.error());
                Self::LetterKept { consumer: rest.0, seq, refused }
            }
            b'R' => Self::Ready,
            b'F' => Self::Failed { at: ShardId(rest.byte()) },
            b'T' => {
                let ticket = rest.number();
                Self::Tell { ticket, streams: rest.all(|rest| (rest.number(), rest.string())) }
            }
            b'I' => {
                let ticket = rest.number();
                let infos = rest.all(|rest| {
                    let (number, mut info) = (rest.number(), StreamInfo::default());
                    read_into(rest.text(), &mut info).expect(OWN);
                    (number, info)
                });
                Self::Told { ticket, infos }
            }
            other => panic!("a letter of another shard, not {other}"),
        }
    }
}

const OWN: &str = "shards of one build understand each other";

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}

/// What has yet to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(len).expect(OWN);
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn number(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().expect("four bytes"))
    }

    fn long(&mut self) -> i64 {
        i64::from_le_bytes(self.take(8).try_into().expect("eight bytes"))
    }

    fn conn(&mut self) -> ConnId {
        ConnId::from_bits(self.long() as u64)
    }

    fn text(&mut self) -> &'a [u8] {
        let len = self.number();
        self.take(len as usize)
    }

    /// An error, or nothing where it would be.
    fn error(&mut self) -> Option<ApiError> {
        let text = Some(self.text()).filter(|text| !text.is_empty())?;
        let mut error = ApiError::default();
        read_into(text, &mut error).expect(OWN);
        Some(error)
    }

    fn string(&mut self) -> String {
        String::from_utf8_lossy(self.text()).into_owned()
    }

    /// All that is left.
    fn all<T>(&mut self, mut next: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut all = Vec::new();
        while !self.0.is_empty() {
            all.push(next(self));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use js_proto::errors;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let subjects = vec!["a.>".to_owned(), "b".to_owned()];
        let reserved = Reserved { memory: -1, files: 1 << 40 };
        let kin = Kin { is_direct: true, max_msg_size: -1, ..Kin::default() };
        let room = Some(errors::STORAGE_RESOURCES_EXCEEDED.error());
        let info = StreamInfo { domain: "hub".into(), ..StreamInfo::default() };
        let (stream, consumer) = (b"S"[..].into(), b"C"[..].into());
        let sender = Sender { shard: ShardId(9), stream, consumer, seq: u64::MAX };
        let conn = ConnId::from_parts(7, 1 << 30);
        let from = Asker::Conn(FarConn { shard: ShardId(200), conn });
        for word in [
            Word::Request { via: ShardId(3), from: Asker::Nobody, ordered: None, body: b"{}" },
            Word::Request { via: ShardId(0), from, ordered: Some(Verdict::default()), body: b"" },
            Word::Request {
                via: ShardId(0),
                from,
                ordered: Some(Verdict {
                    room: room.clone(),
                    overlaps: true,
                    unfit: None,
                    mirror_direct: Some(false),
                }),
                body: b"x",
            },
            Word::Request {
                via: ShardId(0),
                from,
                ordered: Some(Verdict { unfit: room.clone(), ..Verdict::default() }),
                body: b"",
            },
            Word::DeadLetter { sender, subject: b"a.b", body: b"x" },
            Word::LetterKept { consumer: b"C", seq: 1, refused: None },
            Word::LetterKept { consumer: b"C", seq: 2, refused: room },
            Word::Origin { name: b"O", is_there: false },
            Word::Audit { conn, body: b"{}", answer: b"{\"type\":\"x\"}" },
            Word::Stream { at: ShardId(2), state: NameState::There(Extent { subjects, reserved, kin }) },
            Word::Stream { at: ShardId(2), state: NameState::There(Extent::default()) },
            Word::Stream { at: ShardId(1), state: NameState::Gone },
            Word::Stream { at: ShardId(1), state: NameState::AsBefore },
            Word::Ready,
            Word::Failed { at: ShardId(5) },
            Word::Tell { ticket: 7, streams: vec![(1, "S".into()), (2, "T".into())] },
            Word::Told { ticket: 7, infos: vec![(1, info)] },
        ] {
            let mut body = Vec::new();
            word.write(&mut body);
            let letter = Publish { subject: b"S", reply: None, header: None, size_text: b"", body: &body };
            assert_eq!(Word::read(&letter), word);
        }
    }
}
