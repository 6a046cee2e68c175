//! One record.
//!
//! ```text
//! len u32 | sum u32 | group u32 | check u16 | subject_len u16 | seq u64 | time i64 | header_len u32 | kind u8 | flags u8
//! [ttl i64] [message id 16 B] | subject | header | payload
//! ```
//!
//! Integers are little endian. `len` is the whole record's. `sum` is CRC32C over all from `seq` on, and the subject's
//! length, under the segment's salt: it says nothing of where the record lies or which number its group has here, so
//! it travels with the record to other segments, nodes and backups. `check` says that of the first 38 bytes.

use thiserror::Error;

use crate::kind::Kind;
use crate::salt::Salt;

/// Bytes before what differs in length.
pub const RECORD_HEAD_BYTES: usize = 38;

/// Bytes of a record: what the largest payload that a server takes (64 MiB) needs, with a header beside it.
pub const RECORD_BYTES_MAX: usize = 65 << 20;

const HAS_TTL: u8 = 1;
const HAS_MESSAGE_ID: u8 = 2;

const SUM_AT: usize = 4;
const GROUP_AT: usize = 8;
const CHECK_AT: usize = 12;
const SUBJECT_LEN_AT: usize = 14;
const SEQ_AT: usize = 16;
const TIME_AT: usize = 24;
const HEADER_LEN_AT: usize = 32;
const KIND_AT: usize = 36;
const FLAGS_AT: usize = 37;

/// A record and what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it is.
    pub kind: Kind,
    /// Whose it is, by a number that means something in this store only.
    pub group: u32,
    /// Its place among those of its group.
    pub seq: u64,
    /// When, in nanoseconds since 1970.
    pub time: i64,
    /// How long it is to be kept, in seconds; what negative ones mean is the stream's affair.
    pub ttl: Option<i64>,
    /// What stands for the message's id.
    pub message_id: Option<[u8; 16]>,
    /// The subject as it is stored.
    pub subject: &'a [u8],
    /// The header as it came, with its first line.
    pub header: &'a [u8],
    /// What was sent.
    pub payload: &'a [u8],
}

/// The checksum of a record's content, without a salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sum(pub u32);

/// A record that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TooLarge {
    /// Subjects have a length of 16 bits.
    #[error("subject of {0} bytes, limit {max}", max = u16::MAX)]
    Subject(usize),
    /// All of it together.
    #[error("record of {0} bytes, limit {RECORD_BYTES_MAX}")]
    Record(usize),
}

/// Bytes that are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Damage {
    /// Less than a record's head says, or no head at all.
    #[error("cut off")]
    Short,
    /// The head is not what was written: nobody knows how long the record is.
    #[error("head checksum differs")]
    Head,
    /// The head is right, and something behind it is not.
    #[error("content checksum differs, {len} bytes")]
    Content {
        /// Bytes of the whole record.
        len: usize,
    },
}

impl<'a> Record<'a> {
    /// Bytes it takes.
    pub fn written_len(&self) -> usize {
        let extras = self.ttl.map_or(0, |_| 8) + self.message_id.map_or(0, |_| 16);
        RECORD_HEAD_BYTES + extras + self.subject.len() + self.header.len() + self.payload.len()
    }

    /// Appends it as a segment with this salt holds it.
    ///
    /// # Errors
    /// It is too large, and nothing was appended.
    pub fn append_to(&self, salt: Salt, out: &mut Vec<u8>) -> Result<Sum, TooLarge> {
        let (len, subject_len) = self.lengths()?;
        let start = out.len();
        out.reserve(self.written_len());
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.group.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&subject_len.to_le_bytes());
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.time.to_le_bytes());
        // Less than the whole, of which the length fits.
        out.extend_from_slice(&(self.header.len() as u32).to_le_bytes());
        out.extend_from_slice(&[self.kind.0, self.flags()]);
        if let Some(ttl) = self.ttl {
            out.extend_from_slice(&ttl.to_le_bytes());
        }
        if let Some(id) = &self.message_id {
            out.extend_from_slice(id);
        }
        out.extend_from_slice(self.subject);
        out.extend_from_slice(self.header);
        out.extend_from_slice(self.payload);

        let bytes = &mut out[start..];
        let sum = sum_of(bytes);
        bytes[SUM_AT..GROUP_AT].copy_from_slice(&salt.over(sum.0).to_le_bytes());
        let check = check_of(bytes, salt);
        bytes[CHECK_AT..SUBJECT_LEN_AT].copy_from_slice(&check.to_le_bytes());
        Ok(sum)
    }

    fn lengths(&self) -> Result<(u32, u16), TooLarge> {
        let subject = self.subject.len();
        let subject_len = u16::try_from(subject).map_err(|_| TooLarge::Subject(subject))?;
        let len = self.written_len();
        match u32::try_from(len) {
            Ok(short) if len <= RECORD_BYTES_MAX => Ok((short, subject_len)),
            _ => Err(TooLarge::Record(len)),
        }
    }

    fn flags(&self) -> u8 {
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        bit(self.ttl.is_some(), HAS_TTL) | bit(self.message_id.is_some(), HAS_MESSAGE_ID)
    }

    /// Reads the record at the front of `bytes`, and checks all of it.
    ///
    /// # Errors
    /// There is none, or not as it was written.
    pub fn read(bytes: &'a [u8], salt: Salt) -> Result<(Self, Sum), Damage> {
        let head = Head::read(bytes, salt)?;
        let bytes = bytes.get(..head.len).ok_or(Damage::Short)?;
        if sum_of(bytes) != head.sum {
            return Err(Damage::Content { len: head.len });
        }
        Ok((Self::parts(&head, bytes)?, head.sum))
    }

    /// Reads the record at the front of `bytes`, which never left this process or was [read](Self::read) since it came
    /// back: nothing is checked but that its parts fit into it.
    ///
    /// # Errors
    /// They do not.
    pub fn read_known(bytes: &'a [u8]) -> Result<Self, Damage> {
        let head = Head::parts(bytes.first_chunk().ok_or(Damage::Short)?);
        if head.len < RECORD_HEAD_BYTES {
            return Err(Damage::Head);
        }
        Self::parts(&head, bytes.get(..head.len).ok_or(Damage::Short)?)
    }

    /// Takes a record apart that is as long as its head says.
    fn parts(head: &Head, bytes: &'a [u8]) -> Result<Self, Damage> {
        let damaged = Damage::Content { len: head.len };
        let mut rest = &bytes[RECORD_HEAD_BYTES..];
        let mut take = |len: usize| {
            let (taken, left) = rest.split_at_checked(len).ok_or(damaged)?;
            rest = left;
            Ok(taken)
        };
        let ttl = if head.flags & HAS_TTL != 0 { Some(i64::from_le_bytes(array(take(8)?))) } else { None };
        let message_id = if head.flags & HAS_MESSAGE_ID != 0 { Some(array(take(16)?)) } else { None };
        let subject = take(head.subject_len)?;
        let header = take(head.header_len)?;
        let Head { kind, group, seq, time, .. } = *head;
        Ok(Self { kind, group, seq, time, ttl, message_id, subject, header, payload: rest })
    }
}

/// What a record's first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the whole record.
    pub len: usize,
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub group: u32,
    /// Its place among those of its group.
    pub seq: u64,
    /// When, in nanoseconds since 1970.
    pub time: i64,
    /// The checksum of its content.
    pub sum: Sum,
    flags: u8,
    subject_len: usize,
    header_len: usize,
}

impl Head {
    /// Reads a head and checks it. What is behind it may be damaged, or missing.
    ///
    /// # Errors
    /// There is no head.
    pub fn read(bytes: &[u8], salt: Salt) -> Result<Self, Damage> {
        let head: &[u8; RECORD_HEAD_BYTES] = bytes.first_chunk().ok_or(Damage::Short)?;
        let check = u16::from_le_bytes(array(&head[CHECK_AT..SUBJECT_LEN_AT]));
        let parts = Self::parts(head);
        if check != check_of(head, salt) || !(RECORD_HEAD_BYTES..=RECORD_BYTES_MAX).contains(&parts.len) {
            return Err(Damage::Head);
        }
        Ok(Self { sum: Sum(salt.over(parts.sum.0)), ..parts })
    }

    /// What stands there, under the salt, whether it is right or not.
    fn parts(head: &[u8; RECORD_HEAD_BYTES]) -> Self {
        Self {
            len: u32::from_le_bytes(array(&head[..SUM_AT])) as usize,
            kind: Kind(head[KIND_AT]),
            group: u32::from_le_bytes(array(&head[GROUP_AT..CHECK_AT])),
            seq: u64::from_le_bytes(array(&head[SEQ_AT..TIME_AT])),
            time: i64::from_le_bytes(array(&head[TIME_AT..HEADER_LEN_AT])),
            sum: Sum(u32::from_le_bytes(array(&head[SUM_AT..GROUP_AT]))),
            flags: head[FLAGS_AT],
            subject_len: usize::from(u16::from_le_bytes(array(&head[SUBJECT_LEN_AT..SEQ_AT]))),
            header_len: u32::from_le_bytes(array(&head[HEADER_LEN_AT..KIND_AT])) as usize,
        }
    }
}

/// The sum of a record's content, as its bytes come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContentSum(u32);

impl ContentSum {
    /// Of the first bytes of a record, its whole head among them.
    pub(crate) fn of_front(bytes: &[u8]) -> Self {
        Self(sum_of(bytes).0)
    }

    /// Adds those that follow.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0 = crc32c::crc32c_append(self.0, bytes);
    }

    pub(crate) fn sum(self) -> Sum {
        Sum(self.0)
    }
}

/// Of all that is the same wherever the record lies.
fn sum_of(record: &[u8]) -> Sum {
    let content = crc32c::crc32c(&record[SUBJECT_LEN_AT..]);
    Sum(content)
}

/// Of the head alone, but for the check itself.
fn check_of(record: &[u8], salt: Salt) -> u16 {
    // In one piece: each call takes longer than what it sums up here.
    let mut head = [0; CHECK_AT + RECORD_HEAD_BYTES - SUBJECT_LEN_AT];
    head[..CHECK_AT].copy_from_slice(&record[..CHECK_AT]);
    head[CHECK_AT..].copy_from_slice(&record[SUBJECT_LEN_AT..RECORD_HEAD_BYTES]);
    let sum = salt.over(crc32c::crc32c(&head));
    (sum ^ (sum >> 16)) as u16
}

/// So many bytes as an array. They are exactly that many.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("a slice of just that length was taken")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SALT: Salt = Salt::of_segment(&[7; 16], 9);

    fn record<'a>() -> Record<'a> {
        Record {
            kind: Kind::MESSAGE,
            group: 3,
            seq: 41,
            time: 1_700_000_000_123_456_789,
            ttl: Some(60),
            message_id: Some(*b"sixteen bytes it"),
            subject: b"orders.new",
            header: b"NATS/1.0\r\nA: b\r\n\r\n",
            payload: b"hello",
        }
    }

    fn written(record: &Record<'_>, salt: Salt) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.append_to(salt, &mut bytes).expect("it is small");
        bytes
    }

    /// The bytes of version 1 are these for good.
    #[test]
    fn the_layout_is_what_it_was() {
        let record = Record { ttl: None, message_id: None, header: b"", ..record() };
        let bytes = written(&record, SALT);
        let expected = [
            &[53, 0, 0, 0][..],
            &bytes[4..8],
            &[3, 0, 0, 0],
            &bytes[12..14],
            &[10, 0],
            &41_u64.to_le_bytes(),
            &1_700_000_000_123_456_789_i64.to_le_bytes(),
            &[0, 0, 0, 0, 1, 0],
            b"orders.newhello",
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(bytes.len(), RECORD_HEAD_BYTES + 15);
    }

    #[test]
    fn the_sum_is_the_same_in_every_segment_and_group() {
        let moved = Record { group: 77, ..record() };
        let (here, there) = (written(&record(), SALT), written(&moved, Salt::of_segment(&[7; 16], 10)));
        let (_, sum) = Record::read(&here, SALT).expect("it is whole");
        let (read, moved_sum) = Record::read(&there, Salt::of_segment(&[7; 16], 10)).expect("it is whole");
        assert_eq!((read, moved_sum), (moved, sum));
        let sent = Record { payload: b"hellp", ..record() };
        assert_ne!(sum, Record::read(&written(&sent, SALT), SALT).expect("it is whole").1);
    }

    #[test]
    fn what_is_left_of_an_earlier_life_is_no_record() {
        let bytes = written(&record(), SALT);
        assert_eq!(Record::read(&bytes, Salt::of_segment(&[7; 16], 10)), Err(Damage::Head));
    }

    #[test]
    fn what_is_too_large_is_not_written() {
        let mut out = vec![1];
        let subject = vec![b'a'; 65_536];
        let record_with = |subject, payload| Record { subject, payload, ..record() };
        let refused = record_with(&subject, b"").append_to(SALT, &mut out);
        assert_eq!(refused, Err(TooLarge::Subject(65_536)));
        let payload = vec![0; RECORD_BYTES_MAX];
        let refused = record_with(b"a", &payload).append_to(SALT, &mut out);
        assert!(matches!(refused, Err(TooLarge::Record(_))));
        assert_eq!(out, [1]);
    }

    /// The promise that all others stand on.
    #[test]
    fn every_flipped_bit_is_found() {
        let good = written(&record(), SALT);
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let damage = Record::read(&bytes, SALT).expect_err("a bit differs");
            let is_of_head = bit / 8 < RECORD_HEAD_BYTES;
            assert_eq!(damage == Damage::Head, is_of_head, "bit {bit}: {damage}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            kind: u8, group: u32, seq: u64, time: i64, ttl: Option<i64>, message_id: Option<[u8; 16]>, number: u64,
            subject in proptest::collection::vec(any::<u8>(), 0..80),
            header in proptest::collection::vec(any::<u8>(), 0..200),
            payload in proptest::collection::vec(any::<u8>(), 0..2_000),
        ) {
            let (subject, header, payload) = (&subject[..], &header[..], &payload[..]);
            let record = Record { kind: Kind(kind), group, seq, time, ttl, message_id, subject, header, payload };
            let salt = Salt::of_segment(&[7; 16], number);
            let mut bytes = vec![0xaa; 3];
            let sum = record.append_to(salt, &mut bytes).expect("it is small");
            prop_assert_eq!(bytes.len() - 3, record.written_len());
            bytes.push(0xaa);
            prop_assert_eq!(Record::read(&bytes[3..], salt), Ok((record, sum)));
            prop_assert_eq!(Record::read_known(&bytes[3..]), Ok(record));
        }

        #[test]
        fn whatever_the_bytes_are_they_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (Record::read(&bytes, SALT), Record::read_known(&bytes));
        }
    }
}
