//! Headers of messages that leave a stream by another way than a consumer: got directly, or published again.

use crate::{Timestamp, headers};

/// What a message that is copied out of a stream says of itself, beside the headers it was stored with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedHeaders<'a> {
    /// The stream.
    pub stream: &'a str,
    /// The subject it was stored under.
    pub subject: &'a str,
    /// Its sequence.
    pub seq: u64,
    /// When it came in.
    pub time: Timestamp,
    /// How many are still to come, if several were asked for.
    pub num_pending: Option<u64>,
    /// The sequence before it: of those that were asked for, or of its subject if it is published again.
    pub last_seq: Option<u64>,
    /// How large it is, if it comes without what it says.
    pub msg_size: Option<u64>,
}

impl CopiedHeaders<'_> {
    /// Appends the header block: what was stored, and behind it this.
    pub fn write(&self, out: &mut Vec<u8>, stored: &[u8]) {
        match stored.strip_suffix(b"\r\n") {
            Some(stored) => out.extend_from_slice(stored),
            None => out.extend_from_slice(b"NATS/1.0\r\n"),
        }
        headers::write_text(out, headers::STREAM, self.stream.as_bytes());
        headers::write_text(out, headers::SUBJECT, self.subject.as_bytes());
        headers::write_number(out, headers::SEQUENCE, self.seq);
        headers::write_time(out, headers::TIME_STAMP, self.time);
        for (name, number) in [
            (headers::NUM_PENDING, self.num_pending),
            (headers::LAST_SEQUENCE, self.last_seq),
            (headers::MSG_SIZE, self.msg_size),
        ] {
            if let Some(number) = number {
                headers::write_number(out, name, number);
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line of the file is a header block that nats-server 2.14.5 sent, CR LF as `|`.
    #[test]
    fn recorded_blocks_come_back() {
        for line in include_str!("../testdata/copied_headers.txt").lines() {
            let block = line.replace('|', "\r\n");
            let (stored, _) = block.split_once("Nats-Stream: ").unwrap();
            let stored = if stored == "NATS/1.0\r\n" { String::new() } else { format!("{stored}\r\n") };
            let find = |name: &str| {
                let (_, value) =
                    headers::fields(block.as_bytes()).find(|(found, _)| *found == name.as_bytes())?;
                str::from_utf8(value).ok()
            };
            let number = |name| find(name).map(|value| value.parse().unwrap());
            let copied = CopiedHeaders {
                stream: find(headers::STREAM).unwrap(),
                subject: find(headers::SUBJECT).unwrap(),
                seq: number(headers::SEQUENCE).unwrap(),
                time: Timestamp::parse(find(headers::TIME_STAMP).unwrap()).unwrap(),
                num_pending: number(headers::NUM_PENDING),
                last_seq: number(headers::LAST_SEQUENCE),
                msg_size: number(headers::MSG_SIZE),
            };
            let mut out = Vec::new();
            copied.write(&mut out, stored.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), block);
        }
    }
}
