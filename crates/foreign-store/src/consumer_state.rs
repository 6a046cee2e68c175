//! `o.dat`: where a consumer stands.

use std::collections::BTreeMap;

use crate::Damage;
use crate::varint::{Reader, put, put_signed};

const WHAT: &str = "the state of a consumer";
const MAGIC: u8 = 22;
const VERSION: u8 = 2;
const SECOND: i64 = 1_000_000_000;

/// The highest bit of a sequence: none is that large.
const TOO_LARGE: u64 = 1 << 63;

/// Where a consumer stands. Sequences are a pair: of the consumer, and of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerState {
    /// What was delivered last.
    pub delivered: (u64, u64),
    /// All up to that is acknowledged.
    pub floor: (u64, u64),
    /// Messages that wait to be acknowledged, by their sequences in the stream.
    pub pending: BTreeMap<u64, Pending>,
    /// How often messages were delivered again, by their sequences in the stream.
    pub redelivered: BTreeMap<u64, u64>,
}

/// A message that waits to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its first sequence of the consumer; zero in states that are older than nats-server 2.2.
    pub consumer_seq: u64,
    /// When it was delivered last, in nanoseconds since 1970, to the second.
    pub time: i64,
}

impl ConsumerState {
    /// Reads a file.
    ///
    /// # Errors
    /// It is damaged, or of a version that is not known.
    pub fn read(file: &[u8]) -> Result<Self, Damage> {
        let mut reader = Reader::new(file, WHAT);
        let version = match reader.take(2)? {
            [MAGIC, version @ 1..=VERSION] => *version,
            [MAGIC, _] => return Err(Damage::Version(WHAT)),
            _ => return Err(Damage::Malformed(WHAT)),
        };
        let mut state = Self {
            floor: (reader.number()?, reader.number()?),
            delivered: (reader.number()?, reader.number()?),
            ..Self::default()
        };
        if version == 1 {
            // It says which one comes next.
            let back = |next: u64, floor: u64| next.saturating_add(floor.saturating_sub(1));
            state.delivered.0 = back(state.delivered.0, state.floor.0);
            state.delivered.1 = back(state.delivered.1, state.floor.1);
        }
        if (state.floor.1 | state.delivered.1) & TOO_LARGE != 0 {
            return Err(Damage::Malformed(WHAT));
        }
        state.read_pending(&mut reader, version)?;
        for _ in 0..reader.number()? {
            let (seq, count) = (reader.number()?, reader.number()?);
            if seq > 0 && count > 0 {
                state.redelivered.insert(above(state.floor.1, seq)?, count);
            }
        }
        Ok(state)
    }

    fn read_pending(&mut self, reader: &mut Reader<'_>, version: u8) -> Result<(), Damage> {
        let count = reader.number()?;
        let base = if count > 0 { reader.signed()? } else { 0 };
        for _ in 0..count {
            let seq = above(self.floor.1, reader.number()?)?;
            let consumer_seq = if version == 1 { 0 } else { above(self.floor.0, reader.number()?)? };
            let distance = reader.signed()?;
            let seconds = if version == 1 { base.checked_add(distance) } else { base.checked_sub(distance) };
            let time = seconds.and_then(|seconds| seconds.checked_mul(SECOND));
            if seq == 0 {
                return Err(Damage::Malformed(WHAT));
            }
            let time = time.ok_or(Damage::Malformed(WHAT))?;
            self.pending.insert(seq, Pending { consumer_seq, time });
        }
        Ok(())
    }

    /// The file that says that, as nats-server 2.2 and later read it.
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![MAGIC, VERSION];
        for number in [self.floor.0, self.floor.1, self.delivered.0, self.delivered.1] {
            put(&mut out, number);
        }
        put(&mut out, self.pending.len() as u64);
        if let Some(base) = self.pending.values().map(|pending| pending.time / SECOND).max() {
            put_signed(&mut out, base);
            for (seq, pending) in &self.pending {
                put(&mut out, seq.saturating_sub(self.floor.1));
                put(&mut out, pending.consumer_seq.saturating_sub(self.floor.0));
                put_signed(&mut out, base - pending.time / SECOND);
            }
        }
        put(&mut out, self.redelivered.len() as u64);
        for (seq, count) in &self.redelivered {
            put(&mut out, seq.saturating_sub(self.floor.1));
            put(&mut out, *count);
        }
        out
    }
}

fn above(floor: u64, distance: u64) -> Result<u64, Damage> {
    floor.checked_add(distance).filter(|seq| seq & TOO_LARGE == 0).ok_or(Damage::Malformed(WHAT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> ConsumerState {
        let time = 1_700_000_000 * SECOND;
        ConsumerState {
            delivered: (9, 120),
            floor: (4, 100),
            pending: [
                (101, Pending { consumer_seq: 5, time }),
                (120, Pending { consumer_seq: 9, time: time - 30 * SECOND }),
            ]
            .into(),
            redelivered: [(101, 3)].into(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for state in [state(), ConsumerState::default()] {
            let file = state.write();
            assert_eq!(ConsumerState::read(&file), Ok(state));
            for len in 0..file.len() {
                assert!(ConsumerState::read(&file[..len]).is_err(), "{len} bytes");
            }
        }
    }

    #[test]
    fn the_first_version_is_read() {
        // Written by hand: floor (3, 3), next to be delivered (2, 2), one pending since ten seconds behind the base.
        let file = [MAGIC, 1, 3, 3, 2, 2, 1, 200, 1, 1, 20, 0];
        let state = ConsumerState::read(&file).unwrap();
        assert_eq!((state.floor, state.delivered), ((3, 3), (4, 4)));
        assert_eq!(state.pending, [(4, Pending { consumer_seq: 0, time: 110 * SECOND })].into());
    }
}
