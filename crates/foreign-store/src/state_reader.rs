//! `index.db` as it comes in: it may have 64 MiB, and is read a little at a time.

use crate::record_hash::HashSoFar;
use crate::sequence_set::SetHead;
use crate::stream_state::{MAGIC, VERSIONS};
use crate::varint::Reader;
use crate::{Damage, RecordHash, StreamState, sequence_set};

const WHAT: &str = "the index of a stream";
const SUM_BYTES: usize = 8;

/// What is read at a time, in bytes and what they come to: some tens of microseconds.
const WORK_AT_ONCE: usize = 16 << 10;

/// What a run of sequences counts beside its bytes.
const RUN_WORK: usize = 64;

/// Bytes that were read and are kept until there are so many.
const READ_BYTES_MAX: usize = 64 << 10;

/// Reads the index of a stream.
#[derive(Debug)]
pub struct StateReader {
    hash: HashSoFar,
    /// Bytes that are not read yet; behind what is hashed there are at most those of the sum.
    bytes: Vec<u8>,
    at: usize,
    hashed: usize,
    stage: Stage,
    version: u8,
    /// The last sequence of the blocks so far.
    end: u64,
    state: StreamState,
    damage: Option<Damage>,
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Head,
    /// So many subjects, then blocks.
    Subjects(u64),
    Blocks(u64),
    /// What is gone of a block: so many nodes, then so many blocks.
    Nodes(SetHead, u64),
    Tail,
    Over,
}

impl StateReader {
    /// Of the stream of that name.
    pub fn new(stream: &str) -> Self {
        Self {
            hash: RecordHash::of_name(stream).begin(),
            bytes: Vec::new(),
            at: 0,
            hashed: 0,
            stage: Stage::Head,
            version: 0,
            end: 0,
            state: StreamState::default(),
            damage: None,
        }
    }

    /// Takes what comes next.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let end = self.bytes.len().saturating_sub(SUM_BYTES);
        self.hash.add(&self.bytes[self.hashed.min(end)..end]);
        self.hashed = self.hashed.max(end);
    }

    /// Reads some of what came. Says how much that was, in bytes of about the same work; `None` if more has to come.
    pub fn step(&mut self) -> Option<usize> {
        let mut work = 0;
        while work < WORK_AT_ONCE && self.damage.is_none() && !matches!(self.stage, Stage::Over) {
            let (before, runs) = (self.at, self.state.gone.len());
            match self.read_next() {
                Ok(()) => {
                    let more = self.state.gone.len().abs_diff(runs);
                    work += self.at - before + 1 + RUN_WORK * more;
                }
                Err(Damage::CutOff(_)) => break,
                Err(damage) => self.damage = Some(damage),
            }
        }
        if self.damage.is_some() || matches!(self.stage, Stage::Over) {
            self.at = self.hashed;
        }
        if self.at > READ_BYTES_MAX {
            self.bytes.drain(..self.at);
            (self.hashed, self.at) = (self.hashed - self.at, 0);
        }
        (work > 0).then_some(work)
    }

    /// What it says, once all came and was read.
    ///
    /// # Errors
    /// It is damaged, of a version that is not known, or of another stream, or tells of too many runs.
    pub fn finish(mut self) -> Result<StreamState, Damage> {
        while self.step().is_some() {}
        let sum = self.bytes.get(self.hashed..).filter(|sum| sum.len() == SUM_BYTES);
        if self.hash.sum()[..] != *sum.ok_or(Damage::CutOff(WHAT))? {
            return Err(Damage::Checksum(WHAT));
        }
        match (self.damage, self.stage) {
            (Some(damage), _) => Err(damage),
            (None, Stage::Over) => Ok(self.state),
            (None, _) => Err(Damage::CutOff(WHAT)),
        }
    }

    fn read_next(&mut self) -> Result<(), Damage> {
        let mut reader = Reader::new(&self.bytes[self.at..self.hashed.max(self.at)], WHAT);
        let Self { state, end, version, .. } = self;
        self.stage = match self.stage {
            Stage::Head => {
                *version = read_version(&mut reader)?;
                read_head(&mut reader, state)?;
                Stage::Subjects(reader.number()?)
            }
            Stage::Subjects(0) => Stage::Blocks(reader.number()?),
            Stage::Subjects(left) => {
                skip_subject(&mut reader, *version)?;
                Stage::Subjects(left - 1)
            }
            Stage::Blocks(0) => Stage::Tail,
            Stage::Blocks(left) => match read_block(&mut reader, *version, end, state)? {
                Some(set) => Stage::Nodes(set, left - 1),
                None => Stage::Blocks(left - 1),
            },
            Stage::Nodes(SetHead { nodes: 0, .. }, left) => Stage::Blocks(left),
            Stage::Nodes(set, left) => {
                sequence_set::read_node(&mut reader, set, &mut state.gone)?;
                Stage::Nodes(SetHead { nodes: set.nodes - 1, ..set }, left)
            }
            Stage::Tail | Stage::Over => {
                let last_block = u32::try_from(reader.number()?).map_err(|_| Damage::Malformed(WHAT))?;
                state.last_sum = reader.take(SUM_BYTES)?.try_into().expect("eight bytes");
                state.last_block = last_block;
                Stage::Over
            }
        };
        self.at = self.hashed.max(self.at) - reader.rest().len();
        Ok(())
    }
}

fn read_version(reader: &mut Reader<'_>) -> Result<u8, Damage> {
    match reader.take(2)? {
        [MAGIC, version] if VERSIONS.contains(version) => Ok(*version),
        [MAGIC, _] => Err(Damage::Version(WHAT)),
        _ => Err(Damage::Malformed(WHAT)),
    }
}

fn read_head(reader: &mut Reader<'_>, state: &mut StreamState) -> Result<(), Damage> {
    (state.messages, state.bytes, state.first_seq) = (reader.number()?, reader.number()?, reader.number()?);
    let _first_time = reader.signed()?;
    (state.last_seq, state.last_time) = (reader.number()?, reader.signed()?);
    Ok(())
}

fn skip_subject(reader: &mut Reader<'_>, version: u8) -> Result<(), Damage> {
    if reader.text()?.is_empty() {
        return Ok(());
    }
    let total = reader.number()?;
    let _first_block = reader.number()?;
    if total > 1 || version >= 4 {
        let _last_block = reader.number()?;
    }
    Ok(())
}

/// Reads what is said of a block, up to what is gone of it. The last sequence of those before it is `end`.
fn read_block(
    reader: &mut Reader<'_>,
    version: u8,
    end: &mut u64,
    state: &mut StreamState,
) -> Result<Option<SetHead>, Damage> {
    let (_block, _bytes) = (reader.number()?, reader.number()?);
    let (first, _first_time) = (reader.number()?, reader.signed()?);
    let (last, _last_time) = (reader.number()?, reader.signed()?);
    let deleted = reader.number()?;
    for _ in 0..version.min(3) - 1 {
        // Messages with a life of their own, and schedules.
        reader.number()?;
    }
    let set = if deleted > 0 { Some(SetHead::read(reader)?) } else { None };
    if first > end.saturating_add(1) {
        // They may still lie in front of the first one.
        sequence_set::add(&mut state.gone, *end + 1..=first - 1)?;
    }
    *end = last.max(*end);
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::varint::{put, put_signed};

    /// An index of a stream `S` with so many subjects, and blocks of which every other message is gone.
    fn index(subjects: u64, blocks: u64) -> Vec<u8> {
        let mut file = vec![MAGIC, *VERSIONS.end()];
        for number in [5, 500, 1] {
            put(&mut file, number);
        }
        put_signed(&mut file, 7);
        put(&mut file, blocks * 2_048);
        put_signed(&mut file, 9);
        put(&mut file, subjects);
        for subject in 0..subjects {
            let text = format!("subject.{subject}");
            put(&mut file, text.len() as u64);
            file.extend_from_slice(text.as_bytes());
            [1, 1, 1].iter().for_each(|number| put(&mut file, *number));
        }
        put(&mut file, blocks);
        for block in 0..blocks {
            put(&mut file, block + 1);
            put(&mut file, 100);
            put(&mut file, block * 2_048 + 1);
            put_signed(&mut file, 0);
            put(&mut file, (block + 1) * 2_048);
            put_signed(&mut file, 0);
            put(&mut file, 1_024);
            [0, 0].iter().for_each(|number| put(&mut file, *number));
            file.extend_from_slice(&sequence_set::tests::every_other(block * 2_048));
        }
        put(&mut file, blocks);
        file.extend_from_slice(b"checksum");
        let sum = RecordHash::of_name("S").sum(&[&file]);
        file.extend_from_slice(&sum);
        file
    }

    #[test]
    fn pieces_come_to_the_same_and_each_step_is_short() {
        let file = index(20_000, 40);
        let whole = StreamState::read("S", &file).expect("it is whole");
        assert_eq!((whole.gone.len(), whole.last_block, whole.last_seq), (40 * 1_024, 40, 40 * 2_048));
        for piece in [1_000, 64 << 10] {
            let (mut reader, mut steps, mut longest) = (StateReader::new("S"), 0, 0);
            for bytes in file.chunks(piece) {
                reader.feed(bytes);
                while let Some(work) = reader.step() {
                    (steps, longest) = (steps + 1, longest.max(work));
                }
            }
            // A node has some two thousand sequences, of which every other one is a run.
            assert!(longest <= WORK_AT_ONCE + 2 * RUN_WORK * 2_048, "{longest}");
            assert!(steps >= 40, "{steps}: a node is as much as is read at once");
            assert_eq!(reader.finish(), Ok(whole.clone()));
        }
    }

    #[test]
    fn what_is_cut_off_or_changed_says_nothing() {
        let file = index(3, 2);
        for len in 0..file.len() {
            assert!(StreamState::read("S", &file[..len]).is_err(), "{len} bytes");
        }
        for at in 0..file.len() {
            let mut bad = file.clone();
            bad[at] ^= 1;
            assert_eq!(StreamState::read("S", &bad), Err(Damage::Checksum(WHAT)), "byte {at}");
        }
    }
}
