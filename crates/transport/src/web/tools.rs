//! What all connections of a shard share to be WebSockets: room to work in, and what compresses.
//!
//! Messages are compressed one by one, nothing is taken over from one to the next. So one compressor serves all.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::asked::Asked;
use super::pressed::Pressed;
use super::run::Run;

/// What a compressed message ends with, which is not sent (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The same, and then a block that says that it is the last.
const TAIL_AND_END: [u8; 9] = [0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff];

/// Room for what comes out of a compressed message at once.
const PIECE_BYTES: usize = 32 << 10;

/// What all connections of a shard share to be WebSockets.
#[derive(Debug, Default)]
pub struct Tools {
    /// Seconds since 1970, as the caller has them.
    pub now: i64,
    /// Room for requests under way.
    pub(crate) asked: Asked,
    compress: Option<Compress>,
    pressed: Pressed,
    decompress: Option<Decompress>,
    /// Room for what comes out of compressed messages,
    room: Vec<u8>,
    /// and for bytes that may not be changed where they are.
    copied: Vec<u8>,
    /// Payloads of the read in hand, between reads none.
    pub(super) run: Run,
}

/// Why a compressed message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InflateError {
    /// It would come to more than a message may.
    #[error("maximum payload exceeded")]
    TooLarge,
    /// It is not compressed as was agreed.
    #[error("flate: corrupt input")]
    Corrupt,
    /// It ends in the middle.
    #[error("unexpected EOF")]
    Unfinished,
}

impl Tools {
    /// Whether [`Self::has_more_room`] has something to tell.
    pub fn may_have_more_room(&self) -> bool {
        self.asked.may_have_shrunk()
    }

    /// Whether those who wait for room ([`Transport::is_waiting`](crate::Transport::is_waiting)) are to be looked at:
    /// somebody left some since that was last asked.
    pub fn has_more_room(&mut self) -> bool {
        self.asked.has_shrunk()
    }

    /// Takes room for a copy, to be [put back](Self::put_back).
    pub(super) fn take_copied(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.copied)
    }

    pub(super) fn put_back(&mut self, mut copied: Vec<u8>) {
        copied.clear();
        self.copied = copied;
    }

    /// Takes the cuts back that [`Transport::receive_in_place`](crate::Transport::receive_in_place) gave: there is room
    /// for others.
    pub fn put_back_cuts(&mut self, cuts: Vec<usize>) {
        self.run.put_back(cuts);
    }

    /// Pieces of so many bytes, compressed as one message.
    pub(super) fn deflate<'a>(
        &mut self,
        len: usize,
        pieces: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> &[u8] {
        let Self { compress, pressed, .. } = self;
        pressed.of(len, pieces, |plain, into| {
            let compress = compress.get_or_insert_with(|| Compress::new(Compression::fast(), false));
            compress.reset();
            deflate(compress, plain, into);
        })
    }

    /// Hands out what a compressed message comes to, in pieces, `bytes_max` at most: up to where it is wrong, if it is.
    pub(super) fn inflate(
        &mut self,
        message: &[u8],
        bytes_max: usize,
        mut hand_out: impl FnMut(&[u8]),
    ) -> Result<(), InflateError> {
        if message.is_empty() {
            // Even nothing is a byte long when it is compressed.
            return Err(InflateError::Corrupt);
        }
        let decompress = self.decompress.get_or_insert_with(|| Decompress::new(false));
        decompress.reset(false);
        self.room.resize(PIECE_BYTES, 0);
        let mut left = bytes_max;
        for mut input in [message, &TAIL_AND_END] {
            loop {
                let (was_in, was_out) = (decompress.total_in(), decompress.total_out());
                let outcome = decompress.decompress(input, &mut self.room, FlushDecompress::Sync);
                let took = (decompress.total_in() - was_in) as usize;
                let gave = (decompress.total_out() - was_out) as usize;
                input = &input[took..];
                let fits = gave.min(left);
                if fits > 0 {
                    hand_out(&self.room[..fits]);
                }
                left -= fits;
                match outcome {
                    _ if gave > fits => return Err(InflateError::TooLarge),
                    Err(_) => return Err(InflateError::Corrupt),
                    Ok(Status::StreamEnd) => return Ok(()),
                    Ok(_) if gave == self.room.len() => {}
                    Ok(_) if input.is_empty() => break,
                    Ok(_) if took == 0 && gave == 0 => return Err(InflateError::Corrupt),
                    Ok(_) => {}
                }
            }
        }
        Err(InflateError::Unfinished)
    }
}

/// Appends a message, compressed.
fn deflate(compress: &mut Compress, mut message: &[u8], into: &mut Vec<u8>) {
    loop {
        into.reserve(PIECE_BYTES.min(message.len() / 2 + 64));
        let before = compress.total_in();
        let outcome = compress.compress_vec(message, into, FlushCompress::Sync);
        outcome.expect("there is nothing that cannot be compressed");
        message = &message[(compress.total_in() - before) as usize..];
        if message.is_empty() && into.len() < into.capacity() {
            break;
        }
    }
    into.truncate(into.len() - TAIL.len());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inflated(tools: &mut Tools, message: &[u8], max: usize) -> (Vec<u8>, Result<(), InflateError>) {
        let mut out = Vec::new();
        let outcome = tools.inflate(message, max, |piece| out.extend_from_slice(piece));
        (out, outcome)
    }

    #[test]
    fn a_bomb_goes_off_at_its_bound() {
        let mut tools = Tools::default();
        let zeros = vec![0; 16 << 20];
        let bomb = tools.deflate(zeros.len(), zeros.chunks(1 << 20)).to_vec();
        assert!(bomb.len() < 200_000, "{}", bomb.len());
        let (out, outcome) = inflated(&mut tools, &bomb, 1 << 20);
        assert_eq!((out.len(), outcome), (1 << 20, Err(InflateError::TooLarge)));
        let (out, outcome) = inflated(&mut tools, &bomb, 16 << 20);
        assert_eq!((out.len(), outcome), (16 << 20, Ok(())));
    }

    #[test]
    fn what_is_not_compressed_is_refused() {
        let mut tools = Tools::default();
        for nonsense in [&b"PING\r\n"[..], b"\xff\xff\xff", b"\x07", b""] {
            assert_eq!(inflated(&mut tools, nonsense, 100).1, Err(InflateError::Corrupt), "{nonsense:?}");
        }
        assert_eq!(inflated(&mut tools, b"\0", 100), (Vec::new(), Ok(())), "nothing, compressed");
    }

    #[test]
    fn what_comes_before_a_fault_is_handed_out() {
        let mut tools = Tools::default();
        let text = b"PING\r\nPUB a 3\r\nabc\r\n".repeat(4000);
        let message = tools.deflate(text.len(), [&text[..]].into_iter()).to_vec();
        let broken = [&message[..], b"\0\0\xff\xff\xff\xff\xff"].concat();
        assert_eq!(inflated(&mut tools, &broken, 1 << 20), (text.clone(), Err(InflateError::Corrupt)));
        // What is cut off goes on into what is put behind it.
        let (cut, outcome) = inflated(&mut tools, &message[..message.len() / 2], 1 << 20);
        let same = cut.iter().zip(&text).take_while(|(one, other)| one == other).count();
        assert!(same > 1000 && same < text.len() && outcome.is_err(), "{same} {outcome:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_was_compressed_is_there_again(
            pieces in proptest::collection::vec(proptest::collection::vec(0_u8..4, 0..40_000), 0..4),
            noise in proptest::collection::vec(any::<u8>(), 0..2_000),
        ) {
            let mut tools = Tools::default();
            for _ in 0..2 {
                let whole = [pieces.concat(), noise.clone()].concat();
                let all = pieces.iter().chain([&noise]).map(|piece| &piece[..]);
                let message = tools.deflate(whole.len(), all).to_vec();
                let (out, outcome) = inflated(&mut tools, &message, whole.len());
                prop_assert!(outcome == Ok(()) && out == whole);
            }
        }
    }
}
