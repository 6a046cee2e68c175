//! The reply subject of a request that crossed a border: `_R_.` and two words. The first names the server, so that
//! others of its cluster send responses there; the second says which of its shards knows where the response goes. Where it
//! is to be told who responds the server's word and `T` stand behind these, as in nats-server.
//!
//! Whoever may publish in the service's account can publish to it. The row and the number beside it are not to be guessed
//! by others; who got the request knows them, and may respond.

use std::ops::Deref;

use fabric::ShardId;

const PREFIX: &[u8] = b"_R_.";

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: u64 = DIGITS.len() as u64;

/// Digits of the parts.
const SERVER_DIGITS: usize = 6;
const SHARD_DIGITS: usize = 2;
const ROW_DIGITS: usize = 6;
const NUMBER_DIGITS: usize = 10;

/// As many as there are of that number's digits.
const NUMBERS: u64 = BASE.pow(NUMBER_DIGITS as u32);

/// Where the dot stands between the two words.
const DOT: usize = PREFIX.len() + SERVER_DIGITS;

const TOKEN_BYTES: usize = DOT + 1 + SHARD_DIGITS + ROW_DIGITS + NUMBER_DIGITS;

/// What stands at the end of a response that is tracked.
const TRACKED: &[u8] = b".T";

const TRACKED_BYTES: usize = TOKEN_BYTES + 1 + SERVER_DIGITS + TRACKED.len();

/// The word of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerWord(u64);

/// A row of a shard's table of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) server: ServerWord,
    pub(crate) shard: ShardId,
    pub(crate) row: u32,
    pub(crate) number: u64,
    /// Whoever responds is to be told of.
    pub(crate) is_tracked: bool,
}

/// A token as a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenText {
    bytes: [u8; TRACKED_BYTES],
    len: usize,
}

impl Deref for TokenText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl TokenText {
    /// Whether whoever responds is to be told of.
    pub(crate) fn is_tracked(&self) -> bool {
        self.len == TRACKED_BYTES
    }
}

/// Whether a subject may be that of a response.
#[inline]
pub(crate) fn may_be_response(subject: &[u8]) -> bool {
    subject.starts_with(PREFIX)
}

impl ServerWord {
    /// That of the server with this id. Of two servers that have the same, one in fifty thousand million, each gets the
    /// other's responses as well, and knows none of their requests.
    pub(crate) fn of(server_id: &str) -> Self {
        // Fowler, Noll and Vo's hash.
        let hash = server_id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self(hash % BASE.pow(SERVER_DIGITS as u32))
    }

    /// What that server wants of others: all responses to it.
    pub(crate) fn filter(self) -> Vec<u8> {
        let mut filter = [PREFIX, &[b'.'; SERVER_DIGITS], b".>"].concat();
        put(&mut filter[PREFIX.len()..DOT], self.0);
        filter
    }
}

impl Token {
    /// The number of a row, of any random one.
    pub(crate) fn number_of(random: u64) -> u64 {
        random % NUMBERS
    }

    pub(crate) fn to_text(self) -> TokenText {
        let mut bytes = [b'.'; TRACKED_BYTES];
        let (text, behind) = bytes.split_at_mut(TOKEN_BYTES);
        text[..PREFIX.len()].copy_from_slice(PREFIX);
        put(&mut text[PREFIX.len()..DOT], self.server.0);
        let (shard, tail) = text[DOT + 1..].split_at_mut(SHARD_DIGITS);
        let (row, number) = tail.split_at_mut(ROW_DIGITS);
        put(shard, u64::from(self.shard.0));
        put(row, u64::from(self.row));
        put(number, self.number);
        put(&mut behind[1..=SERVER_DIGITS], self.server.0);
        behind[1 + SERVER_DIGITS..].copy_from_slice(TRACKED);
        TokenText { bytes, len: if self.is_tracked { TRACKED_BYTES } else { TOKEN_BYTES } }
    }

    /// The token that a subject is, if it is one.
    pub(crate) fn read(subject: &[u8]) -> Option<Self> {
        let (text, behind) = subject.split_at_checked(TOKEN_BYTES)?;
        if !may_be_response(text) || text[DOT] != b'.' {
            return None;
        }
        let is_tracked = match behind {
            [] => false,
            [b'.', word @ .., b'.', b'T'] if word == &text[PREFIX.len()..DOT] => true,
            _ => return None,
        };
        let (shard, tail) = text[DOT + 1..].split_at(SHARD_DIGITS);
        let (row, number) = tail.split_at(ROW_DIGITS);
        let server = ServerWord(take(&text[PREFIX.len()..DOT])?);
        let (shard, row) = (u8::try_from(take(shard)?).ok()?, u32::try_from(take(row)?).ok()?);
        Some(Self { server, shard: ShardId(shard), row, number: take(number)?, is_tracked })
    }
}

fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % BASE) as usize];
        number /= BASE;
    }
}

fn take(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            b'a'..=b'z' => digit - b'a' + 36,
            _ => return None,
        };
        Some(number * BASE + u64::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_subject_of_three_words_or_five() {
        for (shard, row, number) in [(0, 0, 0), (63, u32::MAX, NUMBERS - 1), (7, 1234, 56_789)] {
            for is_tracked in [false, true] {
                let server = ServerWord::of("NA");
                let token = Token { server, shard: ShardId(shard), row, number, is_tracked };
                let text = token.to_text();
                assert_eq!((Token::read(&text), text.is_tracked()), (Some(token), is_tracked));
                assert_eq!(text.split(|byte| *byte == b'.').count(), if is_tracked { 5 } else { 3 });
                assert!(may_be_response(&text) && subject_trie::filter_matches(&server.filter(), &text));
            }
        }
    }

    #[test]
    fn other_subjects_are_none() {
        let server = ServerWord::of("NA");
        let token = Token { server, shard: ShardId(1), row: 2, number: 3, is_tracked: true };
        let tracked = token.to_text().to_vec();
        for at in 0..TRACKED_BYTES {
            let mut other = tracked.clone();
            other[at] = b'-';
            assert_eq!(Token::read(&other), None, "{at}");
        }
        let text = Token { is_tracked: false, ..token }.to_text().to_vec();
        assert!(!subject_trie::filter_matches(&ServerWord::of("NB").filter(), &text));
        for at in 0..TOKEN_BYTES {
            let mut other = text.clone();
            other[at] = b'-';
            assert_eq!(Token::read(&other), None, "{at}");
        }
        let mut far = text.clone();
        far[DOT + 1..DOT + 1 + SHARD_DIGITS].copy_from_slice(b"zz");
        assert_eq!(Token::read(&far), None, "no server has so many shards");
        assert_eq!(Token::read(b"_R_."), None);
        assert_eq!(Token::read(&text[1..]), None);
    }
}
