//! What a publisher sends: prebuilt frames of equal length, over and over.
//!
//! With stamps, every round of the block gets fresh ones, so that a reader can tell each message from
//! every other. Without, the block is never touched again.

use crate::frames;
use crate::random::SplitMix;
use crate::stamp;
use crate::text;

/// One write's worth.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Block {
    /// Whole frames.
    bytes: Vec<u8>,
    frame_bytes: usize,
    /// Where in `bytes` the next byte to send is.
    at: usize,
    stamps: Option<Stamps>,
}

#[derive(Debug)]
struct Stamps {
    publisher: u32,
    payload_bytes: usize,
    next_seq: u64,
    /// The current round has its stamps.
    is_done: bool,
}

impl Block {
    /// Publishes to `subjects` in turns, all of them equally long, until they fill `bytes_min`.
    pub(crate) fn cycling<'a>(
        subjects: impl Iterator<Item = &'a str> + Clone,
        payload_bytes: usize,
        bytes_min: usize,
    ) -> Self {
        let mut bytes = Vec::new();
        let mut frame_bytes = 0;
        while bytes.len() < bytes_min {
            for subject in subjects.clone() {
                let frame = frames::publish(subject, None, payload_bytes);
                assert!(frame_bytes == 0 || frame.len() == frame_bytes, "frames of one length");
                frame_bytes = frame.len();
                bytes.extend(frame);
            }
        }
        Self { bytes, frame_bytes, at: 0, stamps: None }
    }

    /// Writes text into every payload, each publisher another.
    pub(crate) fn with_text(mut self, publisher: u32, payload_bytes: usize) -> Self {
        let mut random = SplitMix::new(u64::from(publisher) + 1);
        for frame in self.bytes.chunks_exact_mut(self.frame_bytes) {
            text::write(frames::published_payload(frame, payload_bytes), &mut random);
        }
        self
    }

    /// Stamps every payload with `publisher` and its place in the stream.
    pub(crate) fn stamped(mut self, publisher: u32, payload_bytes: usize) -> Self {
        self.stamps = Some(Stamps { publisher, payload_bytes, next_seq: 0, is_done: false });
        self
    }

    pub(crate) fn frame_bytes(&self) -> u64 {
        self.frame_bytes as u64
    }

    /// The next bytes to send, at most `max` of them and never none.
    pub(crate) fn chunk(&mut self, max: usize) -> &[u8] {
        if let Some(stamps) = &mut self.stamps {
            stamps.put_all(&mut self.bytes, self.frame_bytes);
        }
        &self.bytes[self.at..self.bytes.len().min(self.at + max)]
    }

    /// `count` bytes of the last chunk were sent.
    pub(crate) fn advance(&mut self, count: usize) {
        self.at += count;
        if self.at == self.bytes.len() {
            self.at = 0;
            if let Some(stamps) = &mut self.stamps {
                stamps.is_done = false;
            }
        }
    }
}

impl Stamps {
    fn put_all(&mut self, block: &mut [u8], frame_bytes: usize) {
        if !self.is_done {
            block.chunks_exact_mut(frame_bytes).for_each(|frame| self.put(frame));
            self.is_done = true;
        }
    }

    fn put(&mut self, frame: &mut [u8]) {
        let subject = frames::published_subject(frame);
        let checksum = stamp::subject_checksum(subject);
        let payload = frames::published_payload(frame, self.payload_bytes);
        stamp::write(payload, self.publisher, self.next_seq, checksum);
        self.next_seq += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(block: &mut Block, count: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < count {
            let chunk = block.chunk(count - all.len());
            all.extend_from_slice(chunk);
            let length = chunk.len();
            block.advance(length);
        }
        all
    }

    #[test]
    fn a_block_is_whole_frames_over_and_over() {
        let mut block = Block::cycling(["a", "b"].into_iter(), 3, CHUNK_BYTES);
        assert_eq!(block.frame_bytes(), 14);
        assert!(block.chunk(usize::MAX).len() >= CHUNK_BYTES);
        let twice = 2 * block.chunk(usize::MAX).len();
        let all = sent(&mut block, twice);
        for pair in all.chunks_exact(28) {
            assert_eq!(pair, b"PUB a 3\r\nxxx\r\nPUB b 3\r\nxxx\r\n");
        }
    }

    #[test]
    fn every_message_has_a_text_of_its_own() {
        let mut block = Block::cycling(["a"].into_iter(), 100, 1000).with_text(3, 100);
        let bytes = block.chunk(usize::MAX);
        assert!(bytes.chunks_exact(113).all(|frame| frame.starts_with(b"PUB a 100\r\n{\"id\":")));
        assert_ne!(bytes[..113], bytes[113..226]);
    }

    #[test]
    fn stamps_count_on_through_rounds_and_writes_that_took_nothing() {
        let mut block = Block::cycling(["a"].into_iter(), 16, 1).stamped(7, 16);
        let frames = block.chunk(usize::MAX).len() / 28;
        block.advance(0);
        let all = sent(&mut block, 2 * frames * 28);
        for (number, frame) in all.chunks_exact(28).enumerate() {
            let stamp = stamp::read(&frame[10..26], b"a").unwrap();
            assert_eq!((stamp.publisher, stamp.seq), (7, number as u64));
        }
    }
}
