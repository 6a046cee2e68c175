//! Who sent a payload and when, written into it so that a reader can tell whether it is whole.
//!
//! The first 16 bytes are publisher (4), a checksum of the subject (4) and sequence number (8), little
//! endian. What follows is a piece of fixed noise chosen by publisher and number, line ends included,
//! so that a byte that is cut, moved or swapped shows.

use std::sync::LazyLock;

use anyhow::{Result, ensure};

use crate::random::SplitMix;

/// The shortest payload that can be told from others.
pub(crate) const PAYLOAD_BYTES_MIN: usize = 16;

/// A prime, so that neighbours in the stream start far from each other.
const NOISE_STEP: u64 = 7919;

const NOISE_BYTES: usize = 64 * 1024;

static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = SplitMix::new(0xb0b);
    let words = (0..NOISE_BYTES / 8).flat_map(|_| random.next().to_le_bytes());
    // Now and then a line end, which a server must not take for its own.
    words.enumerate().map(|(at, byte)| if at % 97 < 2 { b"\r\n"[at % 97] } else { byte }).collect()
});

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stamp {
    pub(crate) publisher: u32,
    pub(crate) seq: u64,
}

/// FNV-1a, which is short and good enough to tell subjects apart.
pub(crate) fn subject_checksum(subject: &[u8]) -> u32 {
    subject.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Fills `payload`, which has `PAYLOAD_BYTES_MIN` bytes or more.
pub(crate) fn write(payload: &mut [u8], publisher: u32, seq: u64, subject_checksum: u32) {
    let (head, mut rest) = payload.split_at_mut(PAYLOAD_BYTES_MIN);
    head[..4].copy_from_slice(&publisher.to_le_bytes());
    head[4..8].copy_from_slice(&subject_checksum.to_le_bytes());
    head[8..].copy_from_slice(&seq.to_le_bytes());
    let mut start = noise_start(publisher, seq);
    while !rest.is_empty() {
        let length = rest.len().min(NOISE_BYTES - start);
        let (now, later) = rest.split_at_mut(length);
        now.copy_from_slice(&NOISE[start..start + length]);
        (rest, start) = (later, 0);
    }
}

/// Reads the stamp of a payload that came on `subject`; an error says what is wrong with it.
pub(crate) fn read(payload: &[u8], subject: &[u8]) -> Result<Stamp> {
    ensure!(payload.len() >= PAYLOAD_BYTES_MIN, "a payload of {} bytes", payload.len());
    let (head, mut rest) = payload.split_at(PAYLOAD_BYTES_MIN);
    let publisher = u32::from_le_bytes(head[..4].try_into()?);
    let checksum = u32::from_le_bytes(head[4..8].try_into()?);
    let seq = u64::from_le_bytes(head[8..].try_into()?);
    let name = String::from_utf8_lossy(subject);
    ensure!(checksum == subject_checksum(subject), "publisher {publisher}'s {seq} is not of {name}");
    let mut start = noise_start(publisher, seq);
    while !rest.is_empty() {
        let length = rest.len().min(NOISE_BYTES - start);
        let (now, later) = rest.split_at(length);
        ensure!(now == &NOISE[start..start + length], "publisher {publisher}'s {seq} on {name} is damaged");
        (rest, start) = (later, 0);
    }
    Ok(Stamp { publisher, seq })
}

fn noise_start(publisher: u32, seq: u64) -> usize {
    let place = seq.wrapping_mul(NOISE_STEP).wrapping_add(u64::from(publisher) * 31);
    (place % NOISE_BYTES as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(bytes: usize) -> Vec<u8> {
        let mut payload = vec![0; bytes];
        write(&mut payload, 3, 40_000, subject_checksum(b"a.b"));
        payload
    }

    #[test]
    fn what_is_written_is_read_at_any_length() {
        for bytes in [16, 17, 128, 65_536, 1 << 20] {
            let stamp = read(&stamped(bytes), b"a.b").unwrap();
            assert_eq!(stamp, Stamp { publisher: 3, seq: 40_000 });
        }
    }

    #[test]
    fn a_changed_byte_anywhere_shows_but_in_the_number_itself() {
        let whole = stamped(200);
        for at in 16..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(read(&damaged, b"a.b").is_err(), "byte {at}");
        }
        assert!(read(&whole, b"a.c").is_err());
        assert!(read(&whole[..15], b"a.b").is_err());
        // The number chooses the noise, so another number does not fit what follows.
        let mut renumbered = whole.clone();
        renumbered[8] ^= 1;
        assert!(read(&renumbered, b"a.b").is_err());
    }

    #[test]
    fn the_noise_holds_line_ends() {
        assert!(NOISE.windows(2).any(|pair| pair == b"\r\n"));
    }
}
