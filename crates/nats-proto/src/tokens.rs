//! Splitting a line's arguments, and reading sizes.

use crate::ProtoError;
use crate::limits::Limits;
use crate::op::HeaderLen;
use crate::verb::Verb;

/// Sizes have at most this many digits; nats-server's parser refuses more.
pub const SIZE_DIGITS_MAX: usize = 9;

/// Up to `N` arguments of a line.
pub(crate) struct Tokens<'a, const N: usize> {
    slots: [&'a [u8]; N],
    /// How many there were, which may be more than fit.
    seen: usize,
}

impl<'a, const N: usize> Tokens<'a, N> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self { slots: [&[]; N], seen: 0 }
    }

    /// Takes what lies between two blanks; in a run of blanks that is nothing.
    #[inline(always)]
    pub(crate) fn push(&mut self, token: &'a [u8]) {
        if token.is_empty() {
            return;
        }
        if let Some(slot) = self.slots.get_mut(self.seen) {
            *slot = token;
        }
        self.seen += 1;
    }

    /// The arguments in order, or nothing at all if there were too many: no line is right then.
    #[inline(always)]
    pub(crate) fn as_slice(&self) -> &[&'a [u8]] {
        self.slots.get(..self.seen).unwrap_or_default()
    }
}

pub(crate) fn bad_arguments(verb: Verb) -> ProtoError {
    ProtoError::BadArguments { op: verb.word() }
}

/// One to nine digits, else `None`.
#[inline]
pub(crate) fn parse_size(text: &[u8]) -> Option<usize> {
    if text.is_empty() || text.len() > SIZE_DIGITS_MAX {
        return None;
    }
    text.iter().try_fold(0, |sum: usize, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| sum * 10 + usize::from(digit))
    })
}

/// The header length and the total size of a message. The order of the checks is nats-server's:
/// both numbers, their relation, then the limit.
#[inline]
pub(crate) fn sizes<'a>(
    verb: Verb,
    header_text: Option<&'a [u8]>,
    size_text: &[u8],
    limits: &Limits,
) -> Result<(Option<HeaderLen<'a>>, usize), ProtoError> {
    let bad = || ProtoError::BadSize { op: verb.word() };
    let size = parse_size(size_text).ok_or_else(bad)?;
    let header = match header_text {
        None => None,
        Some(text) => {
            let bytes = parse_size(text).filter(|&bytes| bytes <= size).ok_or_else(bad)?;
            Some(HeaderLen { bytes, text })
        }
    };
    let max = limits.payload_bytes_max;
    if size > max {
        return Err(ProtoError::PayloadTooLarge { size, max });
    }
    Ok((header, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_one_to_nine_digits() {
        assert_eq!(parse_size(b"0"), Some(0));
        assert_eq!(parse_size(b"0002"), Some(2));
        assert_eq!(parse_size(b"999999999"), Some(999_999_999));
        for bad in [&b""[..], b"1000000000", b"-1", b"+1", b"1x", b"0x10", b" 1", b"1\r"] {
            assert_eq!(parse_size(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn too_many_tokens_are_none() {
        let mut tokens = Tokens::<2>::new();
        for token in [&b"a"[..], b"", b"b"] {
            tokens.push(token);
        }
        assert_eq!(tokens.as_slice(), [b"a", b"b"]);
        tokens.push(b"c");
        assert!(tokens.as_slice().is_empty());
    }
}
