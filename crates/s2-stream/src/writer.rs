//! Bytes as chunks of a stream.

use std::fmt;

use snap::raw::{Encoder, max_compress_len};

use crate::chunk::{HEAD_BYTES, Kind, NAME, SNAPPY_NAME, write_front};

/// Bytes that go into a chunk at most. Snappy finds nothing that is further back, so larger ones would gain nothing.
pub const PIECE_BYTES_MAX: usize = 64 << 10;

/// Shorter pieces are stored as they are: they would not shrink by what packing costs.
const PACKED_BYTES_MIN: usize = 64;

/// What becomes of bytes that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// They are stored as they are, with a checksum: at the speed of copying.
    Stored,
    /// They are packed where that makes them smaller by an eighth.
    Packed,
}

/// A stream that is being written.
pub struct Writer {
    strength: Strength,
    /// What the stream is called, until that has been written.
    name: Option<&'static [u8; HEAD_BYTES + 6]>,
    encoder: Encoder,
    packed: Vec<u8>,
}

impl Writer {
    /// At the beginning of a stream.
    pub fn new(strength: Strength) -> Self {
        Self { strength, name: Some(NAME), encoder: Encoder::new(), packed: Vec::new() }
    }

    /// The same of a stream that those read, too, who know Snappy and not S2.
    pub fn snappy() -> Self {
        Self { name: Some(SNAPPY_NAME), ..Self::new(Strength::Packed) }
    }

    /// From the next write on it is as strong as that.
    pub fn set_strength(&mut self, strength: Strength) {
        self.strength = strength;
    }

    /// Adds the bytes to `out`, as whole chunks: what was written can be read. Each chunk has eight bytes more than
    /// what is in it, and is best filled: up to [`PIECE_BYTES_MAX`].
    pub fn write(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(self.name.take().map_or(&[][..], |name| name));
        plain.chunks(PIECE_BYTES_MAX).for_each(|piece| self.write_piece(piece, out));
    }

    fn write_piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let sum = crc32c::crc32c(piece);
        let (kind, body) = match self.pack(piece) {
            Some(packed) => (Kind::Packed, packed),
            None => (Kind::Stored, piece),
        };
        write_front(kind, body.len(), sum, out);
        out.extend_from_slice(body);
    }

    /// The piece, packed, if that is worth it.
    fn pack(&mut self, piece: &[u8]) -> Option<&[u8]> {
        if self.strength == Strength::Stored || piece.len() < PACKED_BYTES_MIN {
            return None;
        }
        let room = max_compress_len(piece.len());
        if self.packed.len() < room {
            self.packed.resize(room, 0);
        }
        let packed = self.encoder.compress(piece, &mut self.packed);
        let len = packed.expect("there is room for whatever a piece comes to");
        (len < piece.len() - piece.len() / 8).then(|| &self.packed[..len])
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("strength", &self.strength)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_says_once_what_it_is() {
        let (mut writer, mut stream) = (Writer::new(Strength::Packed), Vec::new());
        writer.write(b"PING\r\n", &mut stream);
        assert_eq!(stream, b"\xff\x06\x00\x00S2sTwO\x01\x0a\x00\x00\xab\x90\xcc\x24PING\r\n");
        let first = stream.len();
        writer.write(b"PING\r\n", &mut stream);
        assert_eq!(stream[first..], stream[NAME.len()..first]);
        writer.write(b"", &mut stream);
        assert_eq!(stream.len(), 2 * first - NAME.len());
    }

    #[test]
    fn bytes_are_packed_where_it_helps() {
        let mut stream = Vec::new();
        let mut writer = Writer::new(Strength::Packed);
        writer.write(&[7; PIECE_BYTES_MAX + 1000], &mut stream);
        assert!(stream.len() < 4000, "{}", stream.len());
        let mut random = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        })
        .take(5000)
        .collect();
        stream.clear();
        writer.write(&noise, &mut stream);
        assert_eq!(stream.len(), 8 + noise.len());
        stream.clear();
        writer.set_strength(Strength::Stored);
        writer.write(&[7; 5000], &mut stream);
        assert_eq!(stream.len(), 8 + 5000);
    }
}
