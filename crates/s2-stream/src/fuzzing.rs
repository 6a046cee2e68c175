//! The body of the fuzz target: what must hold for any bytes at all.

use crate::{BLOCK_BYTES_MAX, Damage, Reader, Step, Strength, Writer};

/// Reads `data` as a stream, and as bytes to be written as one.
pub fn stream_bytes(data: &[u8]) {
    let whole = read(data, data.len().max(1), usize::MAX);
    for (cut, most) in [(1, 1), (3, usize::MAX), (64, 100)] {
        // A reader that meets damage has handed out what is before it, however it came.
        assert_eq!(read(data, cut, most), whole, "cut every {cut} bytes, in steps of {most}");
    }
    for strength in [Strength::Stored, Strength::Packed] {
        let mut stream = Vec::new();
        let mut writer = Writer::new(strength);
        data.chunks(100).for_each(|piece| writer.write(piece, &mut stream));
        writer.write(data, &mut stream);
        let twice = [data, data].concat();
        assert_eq!(read(&stream, stream.len(), usize::MAX), Ok((twice, true)));
    }
}

/// What a stream comes to that arrives in such pieces, read in such steps; and whether it may end where it does.
pub(crate) fn read(stream: &[u8], cut: usize, most: usize) -> Result<(Vec<u8>, bool), Damage> {
    let (mut reader, mut plain) = (Reader::new(), Vec::new());
    for piece in stream.chunks(cut) {
        reader.feed(piece);
        loop {
            match reader.step(most)? {
                Step::Plain(bytes) => {
                    assert!(bytes.len() <= BLOCK_BYTES_MAX);
                    plain.extend_from_slice(bytes);
                }
                Step::NotYet => {}
                Step::NeedMore => break,
            }
        }
    }
    Ok((plain, reader.is_between_chunks()))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::chunk::{Kind, NAME, write_front};

    /// Pieces of packed bytes, so that random strings of them often come close to real ones.
    const PIECES: &[&[u8]] =
        &[b"\x00a", b"\x08abc", b"\x01\x01", b"\x01\x00", b"\x15\x00\x02", b"\x0a\x02\x00", b"\x3c"];

    proptest! {
        #[test]
        fn anything_at_all_keeps_the_invariants(data in vec(any::<u8>(), 0..200)) {
            stream_bytes(&data);
            stream_bytes(&[&NAME[..], &data].concat());
        }

        #[test]
        fn nearly_right_chunks_keep_the_invariants(pieces in vec(select(PIECES), 0..12), len in 0..60_u8) {
            let body = [&[len][..], &pieces.concat()].concat();
            let mut stream = NAME.to_vec();
            write_front(Kind::Packed, body.len(), 0, &mut stream);
            stream.extend_from_slice(&body);
            stream_bytes(&stream);
        }

        #[test]
        fn what_is_written_is_read(words in vec(select(&["PING\r\n", "RMSG A foo 2\r\nhi\r\n", "\0\0\0\0", "x"][..]), 0..200)) {
            stream_bytes(words.concat().as_bytes());
        }

        #[test]
        fn a_flipped_bit_never_goes_unseen(words in vec(select(&["PING\r\n", "RMSG A foo 2\r\nhi\r\n"][..]), 1..60), at in any::<prop::sample::Index>(), bit in 0..8) {
            let plain = words.concat().into_bytes();
            let mut stream = Vec::new();
            Writer::new(Strength::Packed).write(&plain, &mut stream);
            let at = at.index(stream.len());
            stream[at] ^= 1_u8 << bit;
            // What comes out whole is what went in, or nothing, or there is an error.
            if let Ok((read, is_whole)) = read(&stream, stream.len(), usize::MAX) {
                prop_assert!(read.is_empty() || read == plain, "{is_whole}");
            }
        }
    }
}
