//! Splitting a line's arguments, and reading sizes.

use crate::ProtoError;
use crate::limits::Limits;
use crate::op::HeaderLen;
use crate::verb::Verb;

/// Sizes have at most this many digits; nats-server's parser refuses more.
pub const SIZE_DIGITS_MAX: usize = 9;

/// Up to `N` arguments, as many as the line had.
pub(crate) struct Tokens<'a, const N: usize> {
    slots: [&'a [u8]; N],
    len: usize,
}

impl<'a, const N: usize> Tokens<'a, N> {
    /// Splits at runs of whatever `is_blank` says. More than `N` arguments are an error.
    #[inline(always)]
    pub(crate) fn split(
        verb: Verb,
        args: &'a [u8],
        is_blank: impl Fn(u8) -> bool,
    ) -> Result<Self, ProtoError> {
        let mut tokens = Self { slots: [&[]; N], len: 0 };
        let mut start = None;
        for (at, &byte) in args.iter().enumerate() {
            match (is_blank(byte), start) {
                (true, Some(from)) => {
                    tokens.push(verb, &args[from..at])?;
                    start = None;
                }
                (false, None) => start = Some(at),
                _ => {}
            }
        }
        if let Some(from) = start {
            tokens.push(verb, &args[from..])?;
        }
        Ok(tokens)
    }

    #[inline(always)]
    fn push(&mut self, verb: Verb, token: &'a [u8]) -> Result<(), ProtoError> {
        let slot = self.slots.get_mut(self.len).ok_or_else(|| bad_arguments(verb))?;
        *slot = token;
        self.len += 1;
        Ok(())
    }

    /// The arguments found, in order.
    #[inline(always)]
    pub(crate) fn as_slice(&self) -> &[&'a [u8]] {
        &self.slots[..self.len]
    }
}

/// What separates the arguments of messages.
#[inline(always)]
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// What separates the arguments of SUB and UNSUB: nats-server splits those at line-end bytes too.
#[inline(always)]
pub(crate) fn is_blank_or_line_end(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
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
    fn runs_of_blanks_separate_once() {
        let tokens = Tokens::<3>::split(Verb::Pub, b"a \t b\t", is_blank);
        assert_eq!(tokens.map(|t| t.as_slice().to_vec()).unwrap(), [b"a", b"b"]);
        let tokens = Tokens::<1>::split(Verb::Pub, b"a b", is_blank);
        assert_eq!(tokens.map(|_| ()), Err(ProtoError::BadArguments { op: "PUB" }));
    }
}
