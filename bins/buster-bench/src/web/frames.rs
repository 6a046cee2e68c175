//! Where in a server's frames the next byte stands.

use std::ops::Range;

const FINAL: u8 = 0x80;
const COMPRESSED: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const CONTINUATION: u8 = 0;
const CONTROL: u8 = 0x08;
const CLOSE: u8 = 0x08;
const LENGTH: u8 = 0x7f;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The beginning of a frame's head.
    head: Vec<u8>,
    /// What is to come of the frame's payload.
    left: u64,
    /// It is a control frame's, and nobody's business.
    is_control: bool,
    /// The message ends with it.
    is_final: bool,
    /// The message is compressed.
    is_compressed: bool,
    /// Nothing of the message has come yet.
    is_fresh: bool,
    is_closed: bool,
    /// Room to note what is to be moved.
    pieces: Vec<Range<usize>>,
}

/// Some payload of a message. It may be none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) range: Range<usize>,
    pub(super) is_compressed: bool,
    /// The message begins with it.
    pub(super) is_first: bool,
    /// The message ends with it.
    pub(super) is_last: bool,
}

impl Frames {
    /// Whether the server has said that it is done.
    pub(super) fn are_over(&self) -> bool {
        self.is_closed
    }

    /// What is to come of a message's frame that is under way.
    pub(super) fn payload_to_come(&self) -> u64 {
        if self.is_control { 0 } else { self.left }
    }

    /// Some of that came, and nobody saw it.
    pub(super) fn on_payload_dropped(&mut self, count: usize) {
        self.left -= count as u64;
    }

    /// Tells where in the input payload is.
    pub(super) fn walk(&mut self, input: &[u8], mut tell: impl FnMut(Piece)) {
        let mut at = 0;
        while at < input.len() {
            if self.left == 0 {
                self.head.push(input[at]);
                at += 1;
                if !self.on_head() {
                    continue;
                }
            }
            let rest = input.len() - at;
            let count = usize::try_from(self.left).map_or(rest, |left| left.min(rest));
            self.left -= count as u64;
            if !self.is_control {
                tell(Piece {
                    range: at..at + count,
                    is_compressed: self.is_compressed,
                    is_first: std::mem::take(&mut self.is_fresh),
                    is_last: self.left == 0 && self.is_final,
                });
            }
            at += count;
        }
    }

    /// Moves the payload to the front: how long it is.
    pub(super) fn strip(&mut self, input: &mut [u8]) -> usize {
        let mut pieces = std::mem::take(&mut self.pieces);
        self.walk(input, |piece| pieces.push(piece.range));
        let mut to = 0;
        for piece in pieces.drain(..) {
            let count = piece.len();
            input.copy_within(piece, to);
            to += count;
        }
        self.pieces = pieces;
        to
    }

    /// One more byte of a head is there. Returns whether it is whole.
    fn on_head(&mut self) -> bool {
        let [first, length, more @ ..] = self.head.as_slice() else {
            return false;
        };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        self.left = match length & LENGTH {
            LENGTH_16 if more.len() < 2 => return false,
            LENGTH_64 if more.len() < 8 => return false,
            LENGTH_16 | LENGTH_64 => number(more),
            short => u64::from(short),
        };
        self.is_control = first & CONTROL != 0;
        self.is_closed |= first & OPCODE == CLOSE;
        if !self.is_control {
            self.is_final = first & FINAL != 0;
            if first & OPCODE != CONTINUATION {
                (self.is_compressed, self.is_fresh) = (first & COMPRESSED != 0, true);
            }
        }
        self.head.clear();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_taken_out_wherever_the_input_is_cut() {
        let long = vec![b'x'; 70_000];
        let mut input =
            [&[0x82, 2, b'a', b'b', 0x89, 1, b'p', 0x82, 0, 0x82, 126, 0, 200][..], &long[..200]].concat();
        input.extend([0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
        input.extend(&long);
        let expected = [&b"ab"[..], &long[..200], &long].concat();
        for size in [1, 3, 1_000, input.len()] {
            let mut frames = Frames::default();
            let mut payload = Vec::new();
            for piece in input.clone().chunks_mut(size) {
                let count = frames.strip(piece);
                payload.extend_from_slice(&piece[..count]);
            }
            assert!(payload == expected, "{size}");
            assert!(!frames.are_over() && frames.payload_to_come() == 0);
        }
    }

    /// A compressed message in two frames with a ping between, one that is empty in the end, and a plain one.
    #[test]
    fn messages_begin_and_end_with_their_frames() {
        let input = b"\x42\x02ab\x89\x01p\x80\x01c\x42\x01d\x80\x00\x82\x01e\x88\x00";
        for size in [1, 2, 5, input.len()] {
            let mut frames = Frames::default();
            let (mut messages, mut message) = (Vec::new(), None);
            for input in input.chunks(size) {
                frames.walk(input, |piece| {
                    assert_eq!(piece.is_first, message.is_none());
                    let (bytes, is_compressed) = message.get_or_insert((Vec::new(), piece.is_compressed));
                    assert_eq!(*is_compressed, piece.is_compressed);
                    bytes.extend_from_slice(&input[piece.range]);
                    if piece.is_last {
                        messages.extend(message.take());
                    }
                });
            }
            let expected = [(b"abc".to_vec(), true), (b"d".to_vec(), true), (b"e".to_vec(), false)];
            assert_eq!((messages, frames.are_over()), (expected.to_vec(), true), "{size}");
        }
    }
}
