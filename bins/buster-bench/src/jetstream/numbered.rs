//! A message to publish that asks for an answer: prebuilt, its numbers written anew each time.
//!
//! The answer goes to `_INBOX.bench.<publisher>.<number>`, so that each tells by its subject what it answers.

use anyhow::{Context, Result};

use crate::frames;
use crate::stamp;

/// Beyond what any run sends.
pub(super) const DIGITS: usize = 10;

/// Writes a number over the digits of another one.
pub(super) fn write_digits(number: u64, digits: &mut [u8]) {
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

#[derive(Debug)]
pub(crate) struct Numbered {
    frame: Vec<u8>,
    /// Where the digits of the number are.
    digits_at: usize,
    /// 0 for a request that says nothing.
    payload_bytes: usize,
    checksum: u32,
    /// Whom the stamp names.
    publisher: u32,
}

/// What a publisher listens to.
pub(crate) fn answers(publisher: u32) -> String {
    format!("_INBOX.bench.{publisher}.*")
}

/// The number that an answer is to.
pub(crate) fn answered(subject: &[u8]) -> Result<u64> {
    let text = std::str::from_utf8(subject)?;
    let number = text.rsplit('.').next().unwrap_or_default();
    number.parse().with_context(|| format!("an answer on {text}"))
}

impl Numbered {
    pub(crate) fn new(subject: &str, publisher: u32, payload_bytes: usize) -> Self {
        let answer_to = format!("_INBOX.bench.{publisher}.{:0DIGITS$}", 0);
        let frame = frames::publish(subject, Some(&answer_to), payload_bytes);
        let digits_at = "PUB ".len() + subject.len() + " ".len() + answer_to.len() - DIGITS;
        let checksum = stamp::subject_checksum(subject.as_bytes());
        Self { frame, digits_at, payload_bytes, checksum, publisher }
    }

    /// The same, stamped as another one's.
    pub(crate) fn stamped_as(self, publisher: u32) -> Self {
        Self { publisher, ..self }
    }

    /// Appends the message of that number, with its stamp if there is a payload.
    pub(crate) fn append(&mut self, number: u64, out: &mut Vec<u8>) {
        write_digits(number, &mut self.frame[self.digits_at..self.digits_at + DIGITS]);
        if self.payload_bytes > 0 {
            let payload = frames::published_payload(&mut self.frame, self.payload_bytes);
            stamp::write(payload, self.publisher, number, self.checksum);
        }
        out.extend_from_slice(&self.frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::Stamp;

    #[test]
    fn each_message_says_where_its_answer_goes_and_who_sent_it() {
        let mut numbered = Numbered::new("bench.3", 3, 20);
        let mut out = Vec::new();
        numbered.append(0, &mut out);
        numbered.append(1_234_567_890, &mut out);
        let head = b"PUB bench.3 _INBOX.bench.3.0000000000 20\r\n";
        let second = &out[head.len() + 22..];
        assert!(out.starts_with(head) && second.starts_with(b"PUB bench.3 _INBOX.bench.3.1234567890 20\r\n"));
        let stamp = stamp::read(&second[head.len()..head.len() + 20], b"bench.3").unwrap();
        assert_eq!(stamp, Stamp { publisher: 3, seq: 1_234_567_890 });
        assert_eq!(answered(b"_INBOX.bench.3.1234567890").unwrap(), 1_234_567_890);
        assert!(answered(b"_INBOX.bench.x").is_err());
    }

    #[test]
    fn a_request_may_say_nothing() {
        let mut out = Vec::new();
        Numbered::new("a", 0, 0).append(7, &mut out);
        assert_eq!(out, b"PUB a _INBOX.bench.0.0000000007 0\r\n\r\n");
    }
}
