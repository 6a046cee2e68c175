//! A stream of Snappy chunks, which every reader of S2 reads.

use snap::raw::{Encoder, max_compress_len};

use crate::s2_reader::masked;

/// Bytes that go into a chunk at most.
pub const PIECE_BYTES_MAX: usize = 64 << 10;

const NAME: &[u8] = b"\xff\x06\x00\x00sNaPpY";
const PACKED: u8 = 0;
const PLAIN: u8 = 1;
const SUM_BYTES: usize = 4;

/// A stream that is being packed.
#[derive(Debug)]
pub struct S2Writer {
    encoder: Encoder,
    is_named: bool,
    packed: Vec<u8>,
}

impl Default for S2Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl S2Writer {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self { encoder: Encoder::new(), is_named: false, packed: vec![0; max_compress_len(PIECE_BYTES_MAX)] }
    }

    /// Packs some bytes, and adds that to `out`. They are best cut as [`PIECE_BYTES_MAX`] says.
    pub fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_named, true) {
            out.extend_from_slice(NAME);
        }
        bytes.chunks(PIECE_BYTES_MAX).for_each(|piece| self.write_piece(piece, out));
    }

    fn write_piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let packed = self.encoder.compress(piece, &mut self.packed);
        let len = packed.expect("there is room for whatever a piece comes to");
        // As it is, if packing does not make it smaller.
        let (kind, body) = match len < piece.len() {
            true => (PACKED, &self.packed[..len]),
            false => (PLAIN, piece),
        };
        let [low, middle, high, _] = ((body.len() + SUM_BYTES) as u32).to_le_bytes();
        out.extend_from_slice(&[kind, low, middle, high]);
        out.extend_from_slice(&masked(crc32c::crc32c(piece)).to_le_bytes());
        out.extend_from_slice(body);
    }
}
