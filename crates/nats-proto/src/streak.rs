//! A publisher that goes on with the subject it just published to.
//!
//! Streams of messages repeat the front of their line byte for byte. Holding the next line against
//! it takes one compare, where reading the line takes a search for each of its words.

use crate::limits::Limits;
use crate::op::Publish;
use crate::tokens::SIZE_DIGITS_MAX;

/// The front of a publisher's line, to recognise the next message by.
///
/// ```
/// # use nats_proto::{ClientDecoder, ClientOp, Limits, PublishStreak, Step};
/// let (input, limits) = (b"PUB a.b 2\r\nhi\r\nPUB a.b 4\r\nthey\r\n", Limits::default());
/// let first = ClientDecoder::default().step(input, &limits).unwrap();
/// let Step::Op { used, op: ClientOp::Publish(publish) } = first else { panic!() };
/// let streak = PublishStreak::of(input, &publish).unwrap();
/// let (_, publish) = streak.next(&input[used..], &limits).unwrap();
/// assert_eq!(publish.body, b"they");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct PublishStreak<'a> {
    /// Verb, subject and a blank after each, as they were written.
    front: &'a [u8],
    subject: &'a [u8],
}

impl<'a> PublishStreak<'a> {
    /// The streak that `publish` may begin. `input` is what a decoder read it from the front of.
    ///
    /// `None` for messages with a reply subject or headers, and for lines with blanks to spare:
    /// those are rarely repeated.
    #[inline]
    pub fn of(input: &'a [u8], publish: &Publish<'a>) -> Option<Self> {
        if publish.reply.is_some() || publish.header.is_some() {
            return None;
        }
        let front = input.get(..b"PUB ".len() + publish.subject.len() + b" ".len())?;
        let subject = &front[b"PUB ".len()..front.len() - 1];
        let size = &input[front.len()..];
        let is_tight = std::ptr::eq(subject.as_ptr(), publish.subject.as_ptr())
            && std::ptr::eq(size.as_ptr(), publish.size_text.as_ptr());
        is_tight.then_some(Self { front, subject })
    }

    /// The message at the front of `input` and the bytes it takes, if it continues the streak and is
    /// all there. It is then what a decoder would read, without an error to report.
    ///
    /// `None` says nothing about `input`: ask a decoder.
    #[inline(always)]
    pub fn next<'b>(&self, input: &'b [u8], limits: &Limits) -> Option<(usize, Publish<'b>)>
    where
        'a: 'b,
    {
        let (front, rest) = input.split_at_checked(self.front.len())?;
        if !is_same(front, self.front) {
            return None;
        }
        let (mut size, mut digits) = (0_usize, 0);
        loop {
            match rest.get(digits)? {
                digit @ b'0'..=b'9' if digits < SIZE_DIGITS_MAX => {
                    size = size * 10 + usize::from(digit - b'0')
                }
                b'\r' if digits > 0 => break,
                _ => return None,
            }
            digits += 1;
        }
        let args = self.subject.len() + 1 + digits;
        if size > limits.payload_bytes_max || args > limits.control_line_bytes_max {
            return None;
        }
        let (size_text, rest) = rest.split_at(digits);
        let framed = rest.strip_prefix(b"\r\n")?.get(..size + 2)?;
        let body = framed.strip_suffix(b"\r\n")?;
        let used = self.front.len() + digits + b"\r\n".len() + framed.len();
        Some((used, Publish { subject: self.subject, reply: None, header: None, size_text, body }))
    }
}

/// Whether two slices are equal that are mostly as long as a subject: up to 32 bytes it takes four loads in
/// line where comparing any length is a call.
#[inline(always)]
pub fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        8..=16 => a.first_chunk::<8>() == b.first_chunk::<8>() && a.last_chunk::<8>() == b.last_chunk::<8>(),
        17..=32 => {
            a.first_chunk::<16>() == b.first_chunk::<16>() && a.last_chunk::<16>() == b.last_chunk::<16>()
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ClientDecoder, ClientOp, ProtoError, Step};

    const LIMITS: Limits = Limits { control_line_bytes_max: 24, payload_bytes_max: 12 };

    fn decoded<'a>(input: &'a [u8]) -> Result<Step<ClientOp<'a>>, ProtoError> {
        ClientDecoder::default().step(input, &LIMITS)
    }

    fn streak<'a>(input: &'a [u8]) -> Option<(usize, PublishStreak<'a>)> {
        match decoded(input) {
            Ok(Step::Op { used, op: ClientOp::Publish(publish) }) => {
                PublishStreak::of(input, &publish).map(|streak| (used, streak))
            }
            _ => None,
        }
    }

    fn continues(first: &str, next: &str) -> bool {
        let input = format!("{first}{next}");
        let (used, streak) = streak(input.as_bytes()).expect("a streak begins");
        let found = streak.next(&input.as_bytes()[used..], &LIMITS);
        found.is_some_and(|(used, _)| used == next.len())
    }

    #[test]
    fn the_same_subject_continues_whatever_the_size() {
        assert!(continues("PUB a.b 2\r\nhi\r\n", "PUB a.b 2\r\nho\r\n"));
        assert!(continues("PUB a.b 2\r\nhi\r\n", "PUB a.b 012\r\nhello, hello\r\n"));
        assert!(continues("pub a 0\n\r\n", "pub a 0\r\n\r\n"));
        assert!(continues("PUB\ta 0\r\n\r\n", "PUB\ta 0\r\n\r\n"));
    }

    #[test]
    fn whatever_is_not_plain_is_left_to_the_decoder() {
        let first = "PUB a.b 2\r\nhi\r\n";
        for next in [
            "PUB a.c 2\r\nhi\r\n",
            "PUB a.b c 2\r\nhi\r\n",
            "PUB a.b  2\r\nhi\r\n",
            "PUB a.b 2 \r\nhi\r\n",
            "PUB a.b 2\nhi\r\n",
            "PUB a.b \r\nhi\r\n",
            "PUB a.b 13\r\n0123456789abc\r\n",
            "PUB a.b 0000000002\r\nhi\r\n",
            "PUB a.b 2\r\nhix\r\n",
            "PUB a.b 2\r\nhi\r",
            "PUB a.b 2",
            "PING\r\n",
            "",
        ] {
            assert!(!continues(first, next), "{next:?}");
        }
        for no_streak in ["PUB a b 2\r\nhi\r\n", "PUB  a 2\r\nhi\r\n", "PUB a  2\r\nhi\r\n", "PING\r\n"] {
            assert!(streak(no_streak.as_bytes()).is_none(), "{no_streak:?}");
        }
        assert!(streak(b"HPUB a 0 2\r\nhi\r\n").is_none());
    }

    #[test]
    fn a_line_at_the_limit_is_not_stretched() {
        let first = "PUB a.subject.of_22_bytes_ 1\r\nx\r\n";
        assert!(continues(first, "PUB a.subject.of_22_bytes_ 1\r\nx\r\n"));
        assert!(!continues(first, "PUB a.subject.of_22_bytes_ 01\r\nx\r\n"));
    }

    #[test]
    fn slices_are_compared_to_the_last_byte() {
        for len in 0..40 {
            let one: Vec<u8> = (0..len).collect();
            assert!(is_same(&one, &one.clone()));
            assert!(!is_same(&one, &[&one[..], b"x"].concat()));
            for at in 0..one.len() {
                let mut other = one.clone();
                other[at] ^= 1;
                assert!(!is_same(&one, &other), "byte {at} of {len}");
            }
        }
    }

    proptest! {
        /// Lines from a small alphabet, so that many of them nearly continue the first.
        #[test]
        fn a_streak_reads_what_the_decoder_reads(input in "(PUB [ab\n\r ]{1,3} {0,1}[0-3a]{1,3}\r?\n[x\r\n]{0,3}\r\n){2}") {
            if let Some((used, streak)) = streak(input.as_bytes()) {
                let rest = &input.as_bytes()[used..];
                if let Some((used, publish)) = streak.next(rest, &LIMITS) {
                    prop_assert_eq!(decoded(rest), Ok(Step::Op { used, op: ClientOp::Publish(publish) }));
                }
            }
        }
    }
}
