//! A snapshot of a stream that is being sent: an archive in parts, each of which is acknowledged by whoever takes it.
//!
//! What it has in memory does not grow with the stream: a block of messages, a part that is not full yet, and its consumers,
//! which were captured when it began.

use std::time::Duration;

use conns::Time;
use foreign_store::{BlockWriter, Message as Stored, Part, RecordHash, meta_sum};
use js_proto::{Status, StreamSnapshotRequest, Timestamp};
use s2_stream::PIECE_BYTES_MAX;
use stream_index::Walk;
use streams::{Found, Viewed};

use crate::archive::Archive;
use crate::captured::Captured;
use crate::disk::Disk;
use crate::post::Message;
use crate::request::Asker;
use crate::slot::Slot;
use crate::turn::Turn;

/// Subjects to which parts are acknowledged begin like that.
const ACK_PREFIX: &str = "$JS.SNAPSHOT.ACK.";

/// Bytes of a block of messages: one message more than that at most.
const BLOCK_BYTES: usize = 1 << 20;

/// Bytes of a part if nothing is said of it, at least and at most.
const CHUNK_BYTES: i64 = 128 << 10;
const CHUNK_BYTES_MIN: i64 = 1 << 10;
const CHUNK_BYTES_MAX: i64 = 1 << 20;

/// The same of what is under way and not acknowledged.
const WINDOW_BYTES: i64 = 8 << 20;
const WINDOW_BYTES_MIN: i64 = 1 << 10;
const WINDOW_BYTES_MAX: i64 = 32 << 20;

/// How long somebody may take to listen, and how long to acknowledge a part.
const INTEREST_WAIT: Duration = Duration::from_secs(2);
const ACK_WAIT: Duration = Duration::from_secs(5);

/// How soon it is looked again whether somebody listens.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What it costs to read a message, and to pack so many bytes as one step is for.
const MESSAGE_STEPS: u64 = 16;
const BYTES_PER_STEP: usize = 16;

/// A snapshot.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) account: usize,
    pub(crate) from: Asker,
    pub(crate) started: Timestamp,
    stream: String,
    /// Where its parts go.
    deliver: Box<[u8]>,
    /// The front of the subjects to which they are acknowledged.
    ack_front: String,
    chunk_bytes: usize,
    in_flight_max: usize,
    in_flight: usize,
    /// Parts that were sent whole.
    chunks: u64,
    archive: Archive,
    stage: Stage,
    block: BlockWriter,
    blocks: u32,
    /// Captured, and not written yet: the first one comes last.
    consumers: Vec<Captured>,
    /// The last sequence and its time, if the last message is not that one.
    last: (u64, i64),
    told: u64,
    /// Whether all messages are in the archive or in the block.
    is_told: bool,
    /// Whether messages that cannot be read make all of it fail, and how many there were.
    is_checked: bool,
    lost: u64,
    /// When whoever takes it is given up.
    deadline: Time,
    /// When it is looked again whether somebody listens.
    look_at: Time,
    /// The disk has to be read first.
    waits_for_disk: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Somebody has to listen.
    Interest,
    /// Messages go into a block.
    Fill,
    /// The block goes into the archive, from that byte on.
    Block(usize),
    Consumers,
    /// All is in the archive.
    Sent,
}

/// How it went on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Went {
    On,
    /// Something has to be waited for.
    Waits,
    /// All was sent, or it was said that no more will be: with the reason.
    Over(Option<String>),
}

impl Snapshot {
    /// Of a stream whose view was begun.
    pub(crate) fn new(
        turn: &mut Turn<'_>,
        slot: &Slot,
        asked: &StreamSnapshotRequest,
        consumers: Vec<Captured>,
        from: Asker,
    ) -> Self {
        let or = |asked: i64, default: i64| if asked == 0 { default } else { asked };
        let chunk = or(asked.chunk_size, CHUNK_BYTES).clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
        let window = or(asked.window_size, WINDOW_BYTES).clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX);
        let config = slot.config();
        let name = &config.name;
        let seconds = u64::try_from(turn.clocks.wall.0 / 1_000_000_000).unwrap_or(0);
        let mut archive = Archive::new(seconds);
        let created = Timestamp::from_unix_nanos(slot.stream.meta().created);
        let meta = crate::captured::stream_meta(created, config);
        archive.file(&Part::Meta.path(), &meta);
        archive.file("meta.sum", meta_sum(name, &meta).as_bytes());
        let index = slot.index();
        Self {
            account: slot.account(),
            from,
            started: turn.clocks.timestamp(),
            stream: name.clone(),
            deliver: asked.deliver_subject.as_bytes().into(),
            ack_front: format!("{ACK_PREFIX}{name}.{}.", turn.nuid.next()),
            chunk_bytes: chunk as usize,
            in_flight_max: (window.max(chunk) / chunk) as usize,
            in_flight: 0,
            chunks: 0,
            archive,
            stage: Stage::Interest,
            block: BlockWriter::new(RecordHash::of_block(name, 1)),
            blocks: 1,
            consumers: consumers.into_iter().rev().collect(),
            last: (index.last_seq(), index.last_time().unwrap_or(0)),
            told: 0,
            is_told: false,
            is_checked: asked.jsck,
            lost: 0,
            deadline: turn.clocks.now + INTEREST_WAIT,
            look_at: turn.clocks.now,
            waits_for_disk: false,
        }
    }

    /// What its parts are acknowledged to.
    pub(crate) fn ack_filter(&self) -> String {
        format!("{}>", self.ack_front)
    }

    /// A part was acknowledged, if the subject says so.
    pub(crate) fn on_ack(&mut self, subject: &[u8]) {
        if subject.starts_with(self.ack_front.as_bytes()) {
            self.in_flight = self.in_flight.saturating_sub(1);
        }
    }

    /// Whether somebody listened.
    pub(crate) fn is_begun(&self) -> bool {
        self.stage != Stage::Interest
    }

    /// The disk was read.
    pub(crate) fn on_read(&mut self) {
        self.waits_for_disk = false;
    }

    /// Whether it may go on by itself.
    pub(crate) fn may_go_on(&self, now: Time) -> bool {
        match self.stage {
            _ if self.deadline <= now => true,
            Stage::Interest => self.look_at <= now,
            _ => !self.waits_for_disk && self.in_flight < self.in_flight_max,
        }
    }

    /// When to look again in any case.
    pub(crate) fn next_deadline(&self) -> Time {
        if self.stage == Stage::Interest { self.look_at } else { self.deadline }
    }

    /// Goes on a little.
    pub(crate) fn go_on(&mut self, slot: &mut Slot, disk: &mut Option<Disk>, turn: &mut Turn<'_>) -> Went {
        let is_late = self.deadline <= turn.clocks.now;
        let is_heard = turn.is_heard(self.account, &self.deliver);
        if self.stage == Stage::Interest {
            if !is_heard && !is_late {
                self.look_at = (turn.clocks.now + LOOK_AGAIN).min(self.deadline);
                return Went::Waits;
            }
            // nats-server then begins in any case.
            self.stage = Stage::Fill;
            self.deadline = turn.clocks.now + ACK_WAIT;
            return Went::On;
        }
        if !is_heard {
            return self.give_up(turn, &Status::NoInterest, "no interest");
        }
        if slot.stream.is_view_torn() {
            return self.fail(turn, "too many messages went before they could be sent");
        }
        if self.in_flight >= self.in_flight_max {
            return if is_late {
                self.give_up(turn, &Status::NoFlowResponse, "no flow response")
            } else {
                Went::Waits
            };
        }
        if self.archive.ready() >= self.chunk_bytes {
            self.send_chunk(turn);
            return Went::On;
        }
        self.produce(slot, disk, turn)
    }

    /// Has more in the archive.
    fn produce(&mut self, slot: &mut Slot, disk: &mut Option<Disk>, turn: &mut Turn<'_>) -> Went {
        match self.stage {
            Stage::Interest => {}
            Stage::Fill => return self.fill(slot, disk, turn),
            Stage::Block(at) => self.write_block(at, turn),
            Stage::Consumers => self.write_consumer(turn),
            Stage::Sent => return self.end(turn),
        }
        Went::On
    }

    /// Puts the next messages into the block.
    fn fill(&mut self, slot: &mut Slot, disk: &mut Option<Disk>, turn: &mut Turn<'_>) -> Went {
        let mut steps = turn.take_steps();
        let before = steps.left();
        let next = slot.stream.next_viewed(&mut steps);
        turn.spend(u64::from(before - steps.left()) + MESSAGE_STEPS);
        match next {
            Walk::More(_) => {}
            Walk::End => {
                if self.told < self.last.0 {
                    self.block.erased(self.last.0, self.last.1);
                }
                (self.is_told, self.stage) = (true, Stage::Block(0));
            }
            Walk::Found(row) => match slot.medium.read(disk, row.place) {
                Found::Wait => {
                    self.waits_for_disk = true;
                    return Went::Waits;
                }
                Found::Said(said) => {
                    let Viewed { seq, time, ref subject, .. } = row;
                    let (header, payload) = (said.header, said.payload);
                    self.block.message(&Stored { seq, time, subject, header, payload });
                    turn.spend(((header.len() + payload.len()) / BYTES_PER_STEP / 4) as u64);
                    self.told = seq;
                    slot.stream.pass_viewed(seq);
                }
                Found::Lost => {
                    // The archive does not have it: if it is the last one, it says so.
                    self.lost += 1;
                    slot.stream.pass_viewed(row.seq);
                }
            },
        }
        if self.block.bytes().len() >= BLOCK_BYTES {
            self.stage = Stage::Block(0);
        }
        Went::On
    }

    /// Puts some of the block into the archive.
    fn write_block(&mut self, at: usize, turn: &mut Turn<'_>) {
        let bytes = self.block.bytes();
        let len = bytes.len();
        if at == 0 && len > 0 {
            self.archive.begin_file(&Part::Block(self.blocks).path(), len);
        }
        let end = len.min(at + PIECE_BYTES_MAX);
        self.archive.write(&bytes[at..end]);
        turn.spend(((end - at) / BYTES_PER_STEP) as u64 + 1);
        self.stage = Stage::Block(end);
        if end < len {
            return;
        }
        self.archive.end_file(len);
        self.stage = if self.is_told { Stage::Consumers } else { Stage::Fill };
        self.blocks += 1;
        self.block.begin(RecordHash::of_block(&self.stream, self.blocks));
    }

    fn write_consumer(&mut self, turn: &mut Turn<'_>) {
        let Some(Captured { name, meta, state }) = self.consumers.pop() else {
            self.archive.end();
            self.stage = Stage::Sent;
            return;
        };
        turn.spend(((meta.len() + state.len()) / BYTES_PER_STEP) as u64 + MESSAGE_STEPS);
        let sum = meta_sum(&format!("{}/{name}", self.stream), &meta);
        let path = Part::ConsumerMeta(name.clone()).path();
        self.archive.file(&path, &meta);
        self.archive.file(&path.replace("meta.inf", "meta.sum"), sum.as_bytes());
        self.archive.file(&Part::ConsumerState(name).path(), &state);
    }

    /// A part that is to be acknowledged.
    fn send_chunk(&mut self, turn: &mut Turn<'_>) {
        let chunk = self.archive.take(self.chunk_bytes);
        self.chunks += 1;
        self.in_flight += 1;
        let reply = format!("{}{}.{}", self.ack_front, chunk.len(), self.chunks);
        let message = Message::new(self.account, &self.deliver, &chunk);
        turn.publish(&Message { reply: Some(reply.as_bytes()), ..message });
        turn.spend((chunk.len() / BYTES_PER_STEP / 8) as u64);
        self.deadline = turn.clocks.now + ACK_WAIT;
    }

    /// What is left, which nobody acknowledges, and that this was all. If it is all there is nats-server has no word for that.
    fn end(&mut self, turn: &mut Turn<'_>) -> Went {
        if self.is_checked && self.lost > 0 {
            let why = format!("snapshot check detected {} bad messages", self.lost);
            return self.fail(turn, &why);
        }
        let rest = self.archive.take(usize::MAX);
        if !rest.is_empty() {
            turn.publish(&Message::new(self.account, &self.deliver, &rest));
        }
        if self.chunks > 0 {
            turn.publish_status(self.account, &self.deliver, &Status::EndOfSnapshot);
        } else {
            turn.publish(&Message::new(self.account, &self.deliver, b""));
        }
        Went::Over(None)
    }

    fn give_up(&self, turn: &mut Turn<'_>, status: &Status<'_>, why: &str) -> Went {
        turn.publish_status(self.account, &self.deliver, status);
        Went::Over(Some(why.to_owned()))
    }

    /// Says that there will be no more, and why.
    pub(crate) fn fail(&self, turn: &mut Turn<'_>, why: &str) -> Went {
        let header = format!("NATS/1.0 500 {why}\r\n\r\n");
        let message = Message::new(self.account, &self.deliver, b"");
        turn.publish(&Message { header: header.as_bytes(), ..message });
        Went::Over(Some(why.to_owned()))
    }

    /// Messages that could not be read.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}
