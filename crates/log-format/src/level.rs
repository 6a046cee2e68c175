//! Which rules an event was written under.

/// Which rules an event is to be applied by: it is the first two bytes of the payload of every record that begins
/// something (a stream, a consumer, a replicated run, an entry of the directory). Nodes of several versions then make
/// the same of it.
///
/// A level above [`Level::CURRENT`] comes from a newer server: what it is in stays offline, and says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(pub u16);

impl Level {
    /// The newest one known here.
    pub const CURRENT: Self = Self(1);

    /// Writes it where a payload begins.
    pub fn append_to(self, payload: &mut Vec<u8>) {
        payload.extend_from_slice(&self.0.to_le_bytes());
    }

    /// Takes it from the front of a payload. `None` if that is too short.
    pub fn take(payload: &[u8]) -> Option<(Self, &[u8])> {
        let (level, rest) = payload.split_first_chunk()?;
        Some((Self(u16::from_le_bytes(*level)), rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_the_first_two_bytes() {
        let mut payload = Vec::new();
        Level(0x0201).append_to(&mut payload);
        payload.push(9);
        assert_eq!(payload, [1, 2, 9]);
        assert_eq!(Level::take(&payload), Some((Level(0x0201), &[9][..])));
        assert_eq!(Level::take(&[1]), None);
    }
}
