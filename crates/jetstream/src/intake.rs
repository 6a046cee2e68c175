//! A snapshot as it comes in: packed, an archive of files, blocks of messages.
//!
//! It is looked at a little at a time. What it has in memory is bounded, whatever comes: two packed parts, a message, and the
//! small files beside the messages.

use std::collections::BTreeMap;
use std::ops::Range;

use foreign_store::{
    BlockStep, ConsumerState, Damage, Item, Kind, Part, RecordHash, Runs, STATE_BYTES_MAX, StateReader,
    TarReader,
};
use s2_stream::{Reader, Step};
use streams::Restored;

/// Bytes of what is not messages: the configuration, consumers and their names. More than a snapshot of ours comes to, which
/// has so much of its consumers at most: see `CAPTURED_BYTES_MAX`.
const SMALL_BYTES_MAX: usize = 128 << 20;

/// What a small file takes beside its bytes and its name.
const SMALL_FILE_BYTES: usize = 64;

/// Runs of sequences that are gone. More are told by no file.
const GONE_MAX: usize = 4 << 20;
const TOO_MANY_GONE: &str = "too many messages are gone";

/// Bytes that are unpacked at a time.
const UNPACKED_AT_ONCE: usize = 64 << 10;

/// Blocks that end too early or are damaged, and messages that are left out, are told of that often.
const DAMAGED_TOLD_MAX: usize = 16;

/// What is known of the stream so far.
#[derive(Debug)]
pub(crate) struct Intake {
    stream: String,
    packed: Reader,
    archive: TarReader,
    /// What is unpacked, and was looked at up to there.
    plain: Vec<u8>,
    at: usize,
    /// The file that is being read, as far as that is kept.
    file: Option<(Part, Vec<u8>)>,
    small_bytes: usize,
    block: Block,
    ready: Option<Ready>,
    pub(crate) meta: Option<Vec<u8>>,
    state: Option<StateReader>,
    pub(crate) consumers: BTreeMap<String, FoundConsumer>,
    gone: Runs,
    /// The greatest sequence that was seen, and when that was.
    last: (u64, i64),
    /// The last block, and the checksum that it ends with.
    last_block: (u32, [u8; 8]),
    /// What was wrong with blocks, of which the rest was passed over, and with messages.
    pub(crate) damaged: Vec<String>,
    is_ended: bool,
}

/// A consumer of a snapshot.
#[derive(Debug, Default)]
pub(crate) struct FoundConsumer {
    pub(crate) meta: Option<Vec<u8>>,
    pub(crate) state: Option<Vec<u8>>,
}

/// A block that is being read.
#[derive(Debug)]
struct Block {
    hash: RecordHash,
    number: u32,
    bytes: Vec<u8>,
    at: usize,
    /// The rest of it cannot be read.
    is_bad: bool,
    is_over: bool,
}

/// A message that is to be stored, in the bytes of its block.
#[derive(Debug)]
struct Ready {
    used: usize,
    seq: u64,
    time: i64,
    subject: Range<usize>,
    header: Range<usize>,
    payload: Range<usize>,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Took {
    /// More has to come.
    NeedsMore,
    /// There is more to look at, after so many bytes.
    Some(usize),
    /// A message is there.
    Message,
}

/// What a snapshot came to, when all of it is there.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Sequences without messages.
    pub(crate) gone: Vec<Runs>,
    /// What was said of some, and does not count.
    pub(crate) disbelieved: Option<Runs>,
    /// The last sequence that was given out, and when.
    pub(crate) last: (u64, i64),
}

impl Intake {
    /// Of a stream of that name.
    pub(crate) fn new(stream: &str) -> Self {
        let hash = RecordHash::of_block(stream, 0);
        let block = Block { hash, number: 0, bytes: Vec::new(), at: 0, is_bad: false, is_over: true };
        Self {
            stream: stream.to_owned(),
            packed: Reader::new(),
            archive: TarReader::new(),
            plain: Vec::new(),
            at: 0,
            file: None,
            small_bytes: 0,
            block,
            ready: None,
            meta: None,
            state: None,
            consumers: BTreeMap::new(),
            gone: Runs::default(),
            last: (0, 0),
            last_block: (0, [0; 8]),
            damaged: Vec::new(),
            is_ended: false,
        }
    }

    /// Takes what comes next. To be fed once it needs more.
    pub(crate) fn feed(&mut self, part: &[u8]) {
        self.packed.feed(part);
    }

    /// The message that is to be stored before anything else.
    pub(crate) fn message(&self) -> Option<Restored<'_>> {
        let Ready { seq, time, subject, header, payload, .. } = self.ready.as_ref()?;
        let bytes = |range: &Range<usize>| &self.block.bytes[range.clone()];
        let (subject, header, payload) = (bytes(subject), bytes(header), bytes(payload));
        Some(Restored { seq: *seq, time: *time, subject, header, payload })
    }

    /// It is stored, or is not to be.
    pub(crate) fn pass(&mut self) {
        if let Some(ready) = self.ready.take() {
            self.block.at += ready.used;
        }
    }

    /// No stream has such a message: that is told of.
    pub(crate) fn leave_out(&mut self) {
        if let Some(ready) = &self.ready
            && self.damaged.len() < DAMAGED_TOLD_MAX
        {
            self.damaged.push(format!("message {} is left out: no stream has such a one here", ready.seq));
        }
        self.pass();
    }

    /// Looks on, until there is a message or so much was done that others should have their turn.
    ///
    /// # Errors
    /// This is no snapshot of the stream.
    pub(crate) fn step(&mut self) -> Result<Took, String> {
        if self.ready.is_some() || self.next_record()? {
            return Ok(Took::Message);
        }
        if let Some(work) = self.state.as_mut().and_then(StateReader::step) {
            return Ok(Took::Some(work));
        }
        if self.at < self.plain.len() {
            return self.look();
        }
        match self.packed.step(UNPACKED_AT_ONCE).map_err(|damage| packed_words(damage).to_owned())? {
            Step::NeedMore => Ok(Took::NeedsMore),
            Step::NotYet => Ok(Took::Some(UNPACKED_AT_ONCE)),
            Step::Plain(bytes) => {
                self.plain.clear();
                self.plain.extend_from_slice(bytes);
                self.at = 0;
                Ok(Took::Some(bytes.len()))
            }
        }
    }

    /// Looks at what is unpacked: at a piece of a file, or at what stands between two.
    fn look(&mut self) -> Result<Took, String> {
        let end = self.plain.len().min(self.at + UNPACKED_AT_ONCE);
        let (used, item) = self
            .archive
            .step(&self.plain[self.at..end])
            .map_err(|damage| archive_words(damage).to_owned())?;
        let begun = match item {
            Item::NeedMore => None,
            Item::End => {
                self.is_ended = true;
                None
            }
            Item::File { path, len } => Some((Part::of(&path), len)),
            Item::Bytes(bytes) => {
                match &mut self.file {
                    Some((Part::Block(_), _)) => self.block.take(bytes),
                    Some((Part::State, _)) => {
                        if let Some(state) = &mut self.state {
                            state.feed(bytes);
                        }
                    }
                    Some((Part::Other, _)) | None => {}
                    Some((_, kept)) => kept.extend_from_slice(bytes),
                }
                None
            }
            Item::FileEnd => {
                self.at += used;
                self.end_file()?;
                return Ok(Took::Some(used));
            }
        };
        self.at += used;
        if let Some((part, len)) = begun {
            self.begin_file(part, len)?;
        }
        Ok(Took::Some(used))
    }

    fn begin_file(&mut self, part: Part, len: u64) -> Result<(), String> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let part = match part {
            Part::Block(number) => {
                self.block.begin(&self.stream, number);
                self.last_block = self.last_block.max((number, [0; 8]));
                Part::Block(number)
            }
            // As good as none.
            Part::State if len > STATE_BYTES_MAX => Part::Other,
            Part::State => {
                self.state = Some(StateReader::new(&self.stream));
                part
            }
            Part::Other => part,
            small => {
                let name = match &small {
                    Part::ConsumerMeta(name) | Part::ConsumerState(name) => name.len(),
                    _ => 0,
                };
                self.small_bytes =
                    self.small_bytes.saturating_add(len).saturating_add(name + SMALL_FILE_BYTES);
                if self.small_bytes > SMALL_BYTES_MAX {
                    return Err("consumers take too much memory".to_owned());
                }
                small
            }
        };
        self.file = Some((part, Vec::new()));
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), String> {
        let Some((part, bytes)) = self.file.take() else { return Ok(()) };
        match part {
            Part::Block(_) => self.block.is_over = true,
            Part::Meta => self.meta = Some(bytes),
            Part::ConsumerMeta(name) => self.consumers.entry(name).or_default().meta = Some(bytes),
            Part::ConsumerState(name) => self.consumers.entry(name).or_default().state = Some(bytes),
            Part::Errors => {
                return Err(format!("the snapshot is not whole: {}", String::from_utf8_lossy(&bytes)));
            }
            Part::State | Part::Other => {}
        }
        Ok(())
    }

    /// Reads the next record of the block. Says whether it is a message that is to be stored.
    fn next_record(&mut self) -> Result<bool, String> {
        while !self.block.is_bad {
            let rest = &self.block.bytes[self.block.at..];
            match self.block.hash.step(rest) {
                Ok(BlockStep::Record { used, record }) => {
                    let sum = rest[used - 8..used].try_into().expect("a record ends with a checksum");
                    if self.block.number == self.last_block.0 {
                        self.last_block.1 = sum;
                    }
                    if record.seq >= self.last.0 {
                        self.last = (record.seq, record.time);
                    }
                    if record.kind == Kind::Message {
                        let place = |part: &[u8], at: usize| at..at + part.len();
                        let payload = self.block.at + used - 8 - record.payload.len();
                        let subject = place(record.subject, self.block.at + 22);
                        let header = place(record.header, payload - record.header.len());
                        let (seq, time) = (record.seq, record.time);
                        let payload = place(record.payload, payload);
                        self.ready = Some(Ready { used, seq, time, subject, header, payload });
                        return Ok(true);
                    }
                    let (kind, seq) = (record.kind, record.seq);
                    self.block.at += used;
                    if kind == Kind::Tombstone {
                        self.note_gone(seq)?;
                    }
                }
                Ok(BlockStep::NeedMore { .. }) => {
                    if self.block.is_over && !rest.is_empty() {
                        self.note_damaged(Damage::CutOff("a block"));
                    }
                    break;
                }
                Err(damage) => self.note_damaged(damage),
            }
        }
        self.block.let_go();
        Ok(false)
    }

    fn note_damaged(&mut self, damage: Damage) {
        self.block.is_bad = true;
        if self.damaged.len() < DAMAGED_TOLD_MAX {
            let (number, at) = (self.block.number, self.block.at);
            let rest = self.block.bytes.len() - at;
            self.damaged.push(format!("block {number}, {rest} bytes or more from its end: {damage}"));
        }
    }

    fn note_gone(&mut self, seq: u64) -> Result<(), String> {
        self.gone.add(seq..=seq);
        if self.gone.len() > GONE_MAX { Err(TOO_MANY_GONE.to_owned()) } else { Ok(()) }
    }

    /// There is no more. Says what it came to.
    ///
    /// # Errors
    /// Something is missing.
    pub(crate) fn finish(&mut self) -> Result<Outcome, String> {
        let is_whole = self.is_ended || self.archive.is_at_end();
        if !is_whole || !self.packed.is_between_chunks() {
            return Err("unexpected EOF".to_owned());
        }
        if self.meta.is_none() {
            return Err("the snapshot says nothing of the stream".to_owned());
        }
        let gone = vec![std::mem::take(&mut self.gone)];
        let mut outcome = Outcome { gone, disbelieved: None, last: self.last };
        let state = self.state.take().map(StateReader::finish);
        if let Some(Err(Damage::TooLarge(_))) = state {
            return Err(TOO_MANY_GONE.to_owned());
        }
        if let Some(Ok(state)) = state {
            if (state.last_block, state.last_sum) == self.last_block {
                let mut before_first = Runs::default();
                (state.first_seq > 1).then(|| before_first.add(1..=state.first_seq - 1));
                outcome.gone.extend([before_first, state.gone]);
            } else {
                outcome.disbelieved = Some(state.gone);
            }
            outcome.last = outcome.last.max((state.last_seq, state.last_time));
        }
        Ok(outcome)
    }

    /// Where a consumer stands; none if nothing is said of that.
    ///
    /// # Errors
    /// What is said cannot be read.
    pub(crate) fn state_of(found: &FoundConsumer) -> Result<Option<ConsumerState>, String> {
        let state = found.state.as_ref().filter(|state| !state.is_empty());
        state.map(|state| ConsumerState::read(state).map_err(|damage| damage.to_string())).transpose()
    }
}

impl Block {
    fn begin(&mut self, stream: &str, number: u32) {
        self.hash = RecordHash::of_block(stream, number);
        (self.number, self.at) = (number, 0);
        self.bytes.clear();
        (self.is_bad, self.is_over) = (false, false);
    }

    fn take(&mut self, bytes: &[u8]) {
        if !self.is_bad {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Gives back what was read.
    fn let_go(&mut self) {
        if self.is_bad {
            self.bytes.clear();
        } else {
            self.bytes.drain(..self.at);
        }
        self.at = 0;
    }
}

/// nats-server's words.
fn packed_words(damage: s2_stream::Damage) -> &'static str {
    use s2_stream::Damage;

    match damage {
        Damage::Checksum => "s2: corrupt input, crc mismatch",
        Damage::TooLarge => "s2: decoded block is too large",
        Damage::UnknownChunk(_) => "s2: unsupported input",
        Damage::Malformed | Damage::NotNamed => "s2: corrupt input",
    }
}

fn archive_words(damage: Damage) -> &'static str {
    match damage {
        Damage::Malformed(_) => "unexpected content",
        _ => "archive/tar: invalid tar header",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_consumers_count_for_what_they_take() {
        let mut intake = Intake::new("S");
        let empty = |number: usize| {
            intake.begin_file(Part::ConsumerState(format!("{number:060000}")), 0)?;
            intake.end_file()
        };
        let taken = (0..=SMALL_BYTES_MAX / 60_000).map(empty).collect::<Result<Vec<()>, String>>();
        assert_eq!(taken, Err("consumers take too much memory".to_owned()));
    }
}
