//! A stream of chunks, unpacked as it comes.

use crate::Damage;
use crate::block::Block;
use crate::chunk::{self, HEAD_BYTES, Head, Kind, SUM_BYTES};

/// Chunks that are passed over in one step: a stream may be made of nothing else.
const PASSED_AT_ONCE: usize = 1 << 10;

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// What was in a chunk, whole, with a checksum that is right. May be empty.
    Plain(&'a [u8]),
    /// There was no time to unpack all of a chunk, or to pass over all that there is to be passed over.
    NotYet,
    /// All that was fed is unpacked, but for a chunk that is not all there.
    NeedMore,
}

/// A stream that is being read.
///
/// It keeps what was fed until it is unpacked: a chunk is held whole, and so is what it unpacks to. That is some
/// 9 MiB at most, or 2 MiB with what nats-server writes; vectors that grew may have room for twice as much.
#[derive(Debug, Default)]
pub struct Reader {
    /// What was fed, the chunk at `at` and what follows it.
    input: Vec<u8>,
    at: usize,
    /// Bytes of a chunk to be passed over that did not come yet.
    skip: usize,
    /// What a chunk may unpack to; set once the stream said what it is.
    block_max: Option<usize>,
    /// The packed chunk at the front that is being unpacked.
    under_way: Option<UnderWay>,
    out: Vec<u8>,
}

/// What comes next in a stream.
enum Next {
    /// A chunk of bytes that is all there.
    Chunk(Head),
    NeedMore,
    NotYet,
}

/// A chunk that is not all unpacked.
#[derive(Debug)]
struct UnderWay {
    block: Block,
    /// Of what is unpacked.
    sum: u32,
    body_len: usize,
}

impl Reader {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what comes next. It is to be called when [`Reader::step`] asks for more: what is fed before is kept, and
    /// who feeds bounds it.
    pub fn feed(&mut self, bytes: &[u8]) {
        let passed = self.skip.min(bytes.len());
        self.skip -= passed;
        self.input.drain(..std::mem::take(&mut self.at));
        self.input.extend_from_slice(&bytes[passed..]);
    }

    /// Bytes that were fed and are not unpacked.
    pub fn waiting(&self) -> usize {
        self.input.len() - self.at
    }

    /// Whether the stream may end here.
    pub fn is_between_chunks(&self) -> bool {
        self.waiting() == 0 && self.skip == 0
    }

    /// Unpacks the next chunk, or about `most` bytes of it: one copy in it is not cut, and neither are bytes that are
    /// stored as they are.
    ///
    /// # Errors
    ///
    /// This is no such stream, or it is damaged: it is not to be asked again.
    pub fn step(&mut self, most: usize) -> Result<Step<'_>, Damage> {
        if self.under_way.is_none() {
            let (kind, len) = match self.next_chunk()? {
                Next::Chunk(head) => head,
                Next::NeedMore => return Ok(Step::NeedMore),
                Next::NotYet => return Ok(Step::NotYet),
            };
            if kind == Kind::Stored {
                return self.stored(len);
            }
            self.out.clear();
            self.under_way = Some(self.begin(len)?);
        }
        self.go_on(most)
    }

    /// Goes to the next chunk of bytes that is all there.
    fn next_chunk(&mut self) -> Result<Next, Damage> {
        for _ in 0..PASSED_AT_ONCE {
            let rest = &self.input[self.at..];
            let Some(head) = rest.first_chunk::<HEAD_BYTES>() else { return Ok(Next::NeedMore) };
            let (kind, len) = chunk::head(*head, self.block_max.is_some())?;
            let there = rest.len() - HEAD_BYTES;
            match kind {
                Kind::Skipped => {
                    self.skip = len.saturating_sub(there);
                    self.at += HEAD_BYTES + len.min(there);
                }
                _ if there < len => return Ok(Next::NeedMore),
                Kind::Name => {
                    self.block_max = Some(chunk::block_bytes_max(&rest[HEAD_BYTES..HEAD_BYTES + len])?);
                    self.at += HEAD_BYTES + len;
                }
                Kind::Packed | Kind::Stored => return Ok(Next::Chunk((kind, len))),
            }
        }
        Ok(Next::NotYet)
    }

    /// The checksum and the rest of the body of the chunk at the front.
    fn body(&self, len: usize) -> (u32, &[u8]) {
        let body = &self.input[self.at + HEAD_BYTES..][..len];
        let (sum, body) = body.split_first_chunk::<SUM_BYTES>().expect("no shorter chunk is taken");
        (u32::from_le_bytes(*sum), body)
    }

    fn block_max(&self) -> usize {
        self.block_max.expect("a stream says what it is before there is a chunk")
    }

    fn begin(&self, body_len: usize) -> Result<UnderWay, Damage> {
        let block = Block::begin(self.body(body_len).1, self.block_max())?;
        Ok(UnderWay { block, sum: 0, body_len })
    }

    fn go_on(&mut self, most: usize) -> Result<Step<'_>, Damage> {
        let UnderWay { block, sum, body_len } = self.under_way.as_mut().expect("a chunk is under way");
        let (body_len, from) = (*body_len, self.out.len());
        let packed = &self.input[self.at + HEAD_BYTES..][SUM_BYTES..body_len];
        let is_all = block.go_on(packed, &mut self.out, most)?;
        *sum = crc32c::crc32c_append(*sum, &self.out[from..]);
        if !is_all {
            return Ok(Step::NotYet);
        }
        let sum = *sum;
        self.under_way = None;
        self.end(sum, body_len)
    }

    /// What is stored as it is, is handed out where it lies.
    fn stored(&mut self, body_len: usize) -> Result<Step<'_>, Damage> {
        let (sum, body) = self.body(body_len);
        if body.len() > self.block_max() {
            return Err(Damage::TooLarge);
        }
        if chunk::masked(crc32c::crc32c(body)) != sum {
            return Err(Damage::Checksum);
        }
        let end = self.at + HEAD_BYTES + body_len;
        let start = std::mem::replace(&mut self.at, end) + HEAD_BYTES + SUM_BYTES;
        Ok(Step::Plain(&self.input[start..end]))
    }

    /// All of the chunk at the front is unpacked.
    fn end(&mut self, sum: u32, body_len: usize) -> Result<Step<'_>, Damage> {
        if chunk::masked(sum) != self.body(body_len).0 {
            return Err(Damage::Checksum);
        }
        self.at += HEAD_BYTES + body_len;
        Ok(Step::Plain(&self.out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::NAME;

    fn read(stream: &[u8]) -> Result<Vec<u8>, Damage> {
        crate::fuzzing::read(stream, stream.len().max(1), usize::MAX).map(|(plain, _)| plain)
    }

    fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, body.len() as u8, (body.len() >> 8) as u8, 0][..], body].concat()
    }

    /// "hi" as it is.
    fn hi() -> Vec<u8> {
        let sum = chunk::masked(crc32c::crc32c(b"hi")).to_le_bytes();
        chunk(1, &[&sum[..], b"hi"].concat())
    }

    #[test]
    fn what_need_not_be_known_is_passed_over_and_not_kept() {
        let padding = chunk(0xfe, &[0; 300]);
        let stream = [&NAME[..], &padding, &hi(), &chunk(0x80, b""), NAME, &hi()].concat();
        assert_eq!(read(&stream).as_deref(), Ok(&b"hihi"[..]));
        let mut reader = Reader::new();
        reader.feed(NAME);
        reader.feed(&[0xfe, 255, 255, 255]);
        for _ in 0..16 {
            assert_eq!(reader.step(1), Ok(Step::NeedMore));
            reader.feed(&[0; 1 << 20]);
            assert!(reader.waiting() <= 1, "{} bytes kept", reader.waiting());
        }
    }

    #[test]
    fn very_many_chunks_that_need_not_be_known_are_passed_over_in_steps() {
        let mut reader = Reader::new();
        reader.feed(NAME);
        reader.feed(&chunk(0xfe, b"").repeat(3 * PASSED_AT_ONCE));
        let mut steps = 0;
        while reader.step(1) == Ok(Step::NotYet) {
            steps += 1;
        }
        assert_eq!((steps, reader.is_between_chunks()), (3, true));
    }

    #[test]
    fn what_is_none_is_refused() {
        assert_eq!(read(b"garb"), Err(Damage::NotNamed));
        assert_eq!(read(&[0, 1, 0, 0, 0]), Err(Damage::NotNamed), "it does not say what it is");
        assert_eq!(read(b"\xff\x06\x00\x00sNaPpZ"), Err(Damage::NotNamed));
        assert_eq!(read(b"\xff\x05\x00\x00"), Err(Damage::NotNamed));
        let named = |rest: &[u8]| read(&[&NAME[..], rest].concat());
        assert_eq!(named(&[2, 0, 0, 0]), Err(Damage::UnknownChunk(2)));
        assert_eq!(named(&[0, 3, 0, 0]), Err(Damage::Malformed));
        assert_eq!(named(&[1, 0, 0, 0x60]), Err(Damage::TooLarge), "before it came in");
        assert_eq!(named(&chunk(0, &[0, 0, 0, 0, 255, 255, 255, 127])), Err(Damage::TooLarge));
        let mut wrong = hi();
        wrong[HEAD_BYTES] ^= 1;
        assert_eq!(named(&wrong), Err(Damage::Checksum));
    }

    #[test]
    fn blocks_of_snappy_are_smaller() {
        let plain = vec![0; crate::SNAPPY_BLOCK_BYTES_MAX + 1];
        let sum = chunk::masked(crc32c::crc32c(&plain)).to_le_bytes();
        let len = (SUM_BYTES + plain.len()) as u32;
        let head = len.to_le_bytes();
        let stored = [&[1, head[0], head[1], head[2]][..], &sum, &plain].concat();
        assert_eq!(read(&[b"\xff\x06\x00\x00sNaPpY", &stored[..]].concat()), Err(Damage::TooLarge));
        assert_eq!(read(&[&NAME[..], &stored].concat()).map(|read| read == plain), Ok(true));
    }
}
