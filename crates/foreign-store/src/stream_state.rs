//! `index.db`: what a stream comes to, and which messages of its blocks are gone.
//!
//! It is believed only if it is the last word about the blocks: the last one of them ends with the checksum that it names.

use std::ops::RangeInclusive;

use crate::sequence_set::RANGES_MAX;
use crate::varint::Reader;
use crate::{Damage, RecordHash};

const MAGIC: u8 = 11;
const VERSIONS: RangeInclusive<u8> = 1..=4;
const SUM_BYTES: usize = 8;

/// Bytes of a state that is read. One that is larger is as good as none: nats-server, too, then goes by the blocks.
pub const STATE_BYTES_MAX: usize = 64 << 20;

/// What is known of a stream beside its blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    /// How many messages there are.
    pub messages: u64,
    /// What they count for.
    pub bytes: u64,
    /// The first sequence.
    pub first_seq: u64,
    /// The last one that was given out.
    pub last_seq: u64,
    /// When that was, in nanoseconds since 1970; zero if never.
    pub last_time: i64,
    /// Sequences between the first one and the last one that a block has and that are gone, in ascending order.
    pub gone: Vec<RangeInclusive<u64>>,
    /// Which block was the last one.
    pub last_block: u32,
    /// The checksum of the record that it ended with.
    pub last_sum: [u8; 8],
}

impl StreamState {
    /// Reads what the file says of the stream of that name.
    ///
    /// # Errors
    /// It is damaged, of a version that is not known, or of another stream, or tells of too many runs.
    pub fn read(stream: &str, file: &[u8]) -> Result<Self, Damage> {
        const WHAT: &str = "the index of a stream";
        let at = file.len().checked_sub(SUM_BYTES).ok_or(Damage::CutOff(WHAT))?;
        let (bytes, sum) = file.split_at(at);
        if RecordHash::of_name(stream).sum(&[bytes]) != sum {
            return Err(Damage::Checksum(WHAT));
        }
        let mut reader = Reader::new(bytes, WHAT);
        let version = match reader.take(2)? {
            [MAGIC, version] if VERSIONS.contains(version) => *version,
            [MAGIC, _] => return Err(Damage::Version(WHAT)),
            _ => return Err(Damage::Malformed(WHAT)),
        };
        let mut state = Self {
            messages: reader.number()?,
            bytes: reader.number()?,
            first_seq: reader.number()?,
            ..Self::default()
        };
        let _first_time = reader.signed()?;
        state.last_seq = reader.number()?;
        state.last_time = reader.signed()?;
        skip_subjects(&mut reader, version)?;
        let mut end = 0;
        for _ in 0..reader.number()? {
            state.read_block(&mut reader, version, &mut end)?;
        }
        state.gone.sort_unstable_by_key(|range| *range.start());
        state.last_block = u32::try_from(reader.number()?).map_err(|_| Damage::Malformed(WHAT))?;
        state.last_sum = reader.take(SUM_BYTES)?.try_into().expect("eight bytes");
        Ok(state)
    }

    /// Reads what is said of a block. The last sequence of those before it is `end`.
    fn read_block(&mut self, reader: &mut Reader<'_>, version: u8, end: &mut u64) -> Result<(), Damage> {
        let (_block, _bytes) = (reader.number()?, reader.number()?);
        let (first, _first_time) = (reader.number()?, reader.signed()?);
        let (last, _last_time) = (reader.number()?, reader.signed()?);
        let deleted = reader.number()?;
        for _ in 0..version.min(3) - 1 {
            // Messages with a life of their own, and schedules.
            reader.number()?;
        }
        if first > end.saturating_add(1) {
            // They may still lie in front of the first one.
            self.gone.push(*end + 1..=first - 1);
        }
        *end = last.max(*end);
        if deleted > 0 {
            crate::sequence_set::read(reader, &mut self.gone)?;
        }
        if self.gone.len() > RANGES_MAX {
            return Err(Damage::TooLarge("the index of a stream"));
        }
        Ok(())
    }

    /// Whether the message of that sequence is there, if a block has it.
    pub fn has(&self, seq: u64) -> bool {
        let is_within = (self.first_seq..=self.last_seq).contains(&seq);
        let at = self.gone.partition_point(|range| *range.end() < seq);
        is_within && !self.gone.get(at).is_some_and(|range| range.contains(&seq))
    }
}

fn skip_subjects(reader: &mut Reader<'_>, version: u8) -> Result<(), Damage> {
    for _ in 0..reader.number()? {
        if reader.text()?.is_empty() {
            continue;
        }
        let total = reader.number()?;
        let _first_block = reader.number()?;
        if total > 1 || version >= 4 {
            let _last_block = reader.number()?;
        }
    }
    Ok(())
}
