//! Where a shard encrypts what it is about to send.

/// What one record carries at most. Fewer and fuller records cost less.
pub(crate) const RECORD_BYTES_MAX: usize = 16 << 10;

/// What a record takes beside that, at most: header, nonce, content type, tag.
const OVERHEAD_BYTES_MAX: usize = 64;

/// Records in one go: what is sent with one call, and what a session keeps at most if the socket is full.
const RECORDS_MAX: usize = 4;

/// Encrypted bytes that are sent at once. One of these serves all sessions of a shard.
#[derive(Debug, Default)]
pub struct Sealed {
    /// Made when it is first needed.
    room: Vec<u8>,
    len: usize,
    /// Pieces that are too small for a record of their own.
    gathered: Vec<u8>,
}

impl Sealed {
    /// What is to be sent.
    pub fn bytes(&self) -> &[u8] {
        &self.room[..self.len]
    }

    /// Takes in as much of the pieces as there is room for, in place of what was there.
    pub(crate) fn fill<'a, E>(
        &mut self,
        pieces: impl Iterator<Item = &'a [u8]>,
        mut encrypt: impl FnMut(&[u8], &mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        self.room.resize(RECORDS_MAX * (RECORD_BYTES_MAX + OVERHEAD_BYTES_MAX), 0);
        self.len = 0;
        self.gathered.clear();
        let mut taken = 0;
        let mut pieces = pieces.peekable();
        let mut records = 0;
        while let Some(mut piece) = pieces.next() {
            while !piece.is_empty() && records < RECORDS_MAX {
                let count = piece.len().min(RECORD_BYTES_MAX - self.gathered.len());
                let (now, later) = piece.split_at(count);
                let is_alone = self.gathered.is_empty();
                if !is_alone {
                    self.gathered.extend_from_slice(now);
                }
                let is_full = count == RECORD_BYTES_MAX || self.gathered.len() == RECORD_BYTES_MAX;
                let is_last = later.is_empty() && pieces.peek().is_none();
                if is_full || is_last {
                    let plain = if is_alone { now } else { &self.gathered };
                    self.len += encrypt(plain, &mut self.room[self.len..])?;
                    self.gathered.clear();
                    records += 1;
                } else if is_alone {
                    self.gathered.extend_from_slice(now);
                }
                taken += count;
                piece = later;
            }
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NO_ERROR: Result<(), ()> = Ok(());

    /// Fills with what stands for encryption: a length in front.
    fn fill(sealed: &mut Sealed, pieces: &[&[u8]]) -> (usize, Vec<Vec<u8>>) {
        let mut records = Vec::new();
        let taken = sealed.fill(pieces.iter().copied(), |plain, room| {
            records.push(plain.to_vec());
            room[..plain.len()].copy_from_slice(plain);
            NO_ERROR.map(|()| plain.len())
        });
        assert_eq!(sealed.bytes(), records.concat());
        (taken.unwrap(), records)
    }

    #[test]
    fn small_pieces_share_a_record() {
        let (taken, records) = fill(&mut Sealed::default(), &[b"PING\r\n", b"PONG\r\n"]);
        assert_eq!((taken, records), (12, vec![b"PING\r\nPONG\r\n".to_vec()]));
    }

    #[test]
    fn what_there_is_no_room_for_is_left() {
        let much = vec![7; RECORDS_MAX * RECORD_BYTES_MAX + 1];
        for pieces in [&[&much[..]][..], &[&much[..5], &much[5..]]] {
            let (taken, records) = fill(&mut Sealed::default(), pieces);
            assert_eq!((taken, records.len()), (much.len() - 1, RECORDS_MAX));
        }
    }

    proptest! {
        #[test]
        fn the_cuts_do_not_matter(lens in prop::collection::vec(1..40_000_usize, 0..8)) {
            let whole: Vec<u8> = (0..lens.iter().sum()).map(|i: usize| (i % 251) as u8).collect();
            let mut rest = &whole[..];
            let pieces: Vec<&[u8]> = lens.iter().map(|len| rest.split_off(..*len).unwrap()).collect();
            let (taken, records) = fill(&mut Sealed::default(), &pieces);
            prop_assert_eq!(taken, whole.len().min(RECORDS_MAX * RECORD_BYTES_MAX));
            prop_assert_eq!(records.concat(), &whole[..taken]);
            prop_assert!(records.iter().rev().skip(1).all(|record| record.len() == RECORD_BYTES_MAX));
        }
    }
}
