//! The reply subject of a request that crossed a border: `_R_.` and two words that say which shard knows where the
//! response goes.
//!
//! Whoever may publish in the service's account can publish to it. The row and the number beside it are not to be guessed
//! by others; who got the request knows them, and may respond.

use fabric::ShardId;

const PREFIX: &[u8] = b"_R_.";

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: u64 = DIGITS.len() as u64;

/// Digits of the parts, and of the number: four before the dot, and the rest at the end.
const SHARD_DIGITS: usize = 2;
const ROW_DIGITS: usize = 6;
const NUMBER_DIGITS: usize = 10;
const NUMBER_DIGITS_BEHIND: usize = 6;

/// As many as there are of that number's digits.
const NUMBERS: u64 = BASE.pow(NUMBER_DIGITS as u32);

/// Where the dot stands between the two words.
const DOT: usize = PREFIX.len() + SHARD_DIGITS + NUMBER_DIGITS - NUMBER_DIGITS_BEHIND;

pub(crate) const TOKEN_BYTES: usize = DOT + 1 + ROW_DIGITS + NUMBER_DIGITS_BEHIND;

/// A row of a shard's table of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) shard: ShardId,
    pub(crate) row: u32,
    pub(crate) number: u64,
}

/// A token as a subject.
pub(crate) type TokenText = [u8; TOKEN_BYTES];

/// Whether a subject may be that of a response.
#[inline]
pub(crate) fn may_be_response(subject: &[u8]) -> bool {
    subject.starts_with(PREFIX)
}

impl Token {
    /// The number of a row, of any random one.
    pub(crate) fn number_of(random: u64) -> u64 {
        random % NUMBERS
    }

    pub(crate) fn to_text(self) -> TokenText {
        let mut text = [b'.'; TOKEN_BYTES];
        let behind = BASE.pow(NUMBER_DIGITS_BEHIND as u32);
        text[..PREFIX.len()].copy_from_slice(PREFIX);
        let (head, tail) = text[PREFIX.len()..].split_at_mut(DOT - PREFIX.len());
        let (shard, number) = head.split_at_mut(SHARD_DIGITS);
        put(shard, u64::from(self.shard.0));
        put(number, self.number / behind);
        let (row, number) = tail[1..].split_at_mut(ROW_DIGITS);
        put(row, u64::from(self.row));
        put(number, self.number % behind);
        text
    }

    /// The token that a subject is, if it is one.
    pub(crate) fn read(subject: &[u8]) -> Option<Self> {
        let text: &TokenText = subject.try_into().ok()?;
        if !may_be_response(text) || text[DOT] != b'.' {
            return None;
        }
        let (head, tail) = text[PREFIX.len()..].split_at(DOT - PREFIX.len());
        let (shard, upper) = head.split_at(SHARD_DIGITS);
        let (row, lower) = tail[1..].split_at(ROW_DIGITS);
        let number = take(upper)? * BASE.pow(NUMBER_DIGITS_BEHIND as u32) + take(lower)?;
        let (shard, row) = (u8::try_from(take(shard)?).ok()?, u32::try_from(take(row)?).ok()?);
        Some(Self { shard: ShardId(shard), row, number })
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
    fn a_token_is_a_subject_of_three_words() {
        for (shard, row, number) in [(0, 0, 0), (63, u32::MAX, NUMBERS - 1), (7, 1234, 56_789)] {
            let token = Token { shard: ShardId(shard), row, number };
            let text = token.to_text();
            assert_eq!(Token::read(&text), Some(token));
            assert_eq!(text.split(|byte| *byte == b'.').count(), 3);
            assert!(may_be_response(&text) && text.len() == TOKEN_BYTES);
        }
    }

    #[test]
    fn other_subjects_are_none() {
        let text = Token { shard: ShardId(1), row: 2, number: 3 }.to_text();
        for at in 0..TOKEN_BYTES {
            let mut other = text;
            other[at] = b'-';
            assert_eq!(Token::read(&other), None, "{at}");
        }
        let mut far = text;
        far[PREFIX.len()..PREFIX.len() + SHARD_DIGITS].copy_from_slice(b"zz");
        assert_eq!(Token::read(&far), None, "no server has so many shards");
        assert_eq!(Token::read(b"_R_."), None);
        assert_eq!(Token::read(&text[1..]), None);
    }
}
