//! An atomic batch to publish: prebuilt, its numbers written anew each time.
//!
//! Only its last message asks for an answer, which goes to `_INBOX.bench.<publisher>.<number>`, `number` being the batch's.

use crate::frames;
use crate::jetstream::numbered::{DIGITS, write_digits};
use crate::stamp;

#[derive(Debug)]
pub(super) struct Batched {
    frame: Vec<u8>,
    messages: Vec<Place>,
    /// Where the digits of the answer's number are.
    answer_at: usize,
    payload_bytes: usize,
    checksum: u32,
    /// Whom the stamps name.
    publisher: u32,
}

/// Where things of a message are in the frame.
#[derive(Debug)]
struct Place {
    /// The digits of the batch's id.
    id: usize,
    payload: usize,
}

impl Batched {
    /// A batch of so many messages. `publisher` is who asks, `stamped_as` whom the stamps name.
    pub(super) fn new(
        subject: &str,
        (publisher, stamped_as): (u32, u32),
        messages: u32,
        payload_bytes: usize,
    ) -> Self {
        let mut frame = Vec::new();
        let mut places = Vec::new();
        let answer_to = format!("_INBOX.bench.{publisher}.{:0DIGITS$}", 0);
        let mut answer_at = 0;
        for seq in 1..=messages {
            let is_last = seq == messages;
            let id = format!("NATS/1.0\r\nNats-Batch-Id: {publisher}-{:0DIGITS$}", 0);
            let commit = if is_last { "Nats-Batch-Commit: 1\r\n" } else { "" };
            let header = format!("{id}\r\nNats-Batch-Sequence: {seq}\r\n{commit}\r\n");
            let reply = if is_last { Some(&*answer_to) } else { None };
            let head = frames::publish_head(subject, reply, header.len(), payload_bytes);
            answer_at = frame.len() + "HPUB ".len() + subject.len() + " ".len() + answer_to.len() - DIGITS;
            let (begins, header_at) = (frame.len() + head.len(), id.len() - DIGITS);
            places.push(Place { id: begins + header_at, payload: begins + header.len() });
            frame.extend_from_slice(head.as_bytes());
            frame.extend_from_slice(header.as_bytes());
            frame.resize(frame.len() + payload_bytes, b'x');
            frame.extend_from_slice(b"\r\n");
        }
        let checksum = stamp::subject_checksum(subject.as_bytes());
        Self { frame, messages: places, answer_at, payload_bytes, checksum, publisher: stamped_as }
    }

    /// Appends the batch of that number.
    pub(super) fn append(&mut self, number: u64, out: &mut Vec<u8>) {
        let first = number * self.messages.len() as u64;
        for (seq, place) in (first..).zip(&self.messages) {
            write_digits(number, &mut self.frame[place.id..place.id + DIGITS]);
            let payload = &mut self.frame[place.payload..place.payload + self.payload_bytes];
            stamp::write(payload, self.publisher, seq, self.checksum);
        }
        write_digits(number, &mut self.frame[self.answer_at..self.answer_at + DIGITS]);
        out.extend_from_slice(&self.frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::Stamp;

    #[test]
    fn a_batch_has_one_id_and_ends_with_what_asks_for_an_answer() {
        let mut batched = Batched::new("bench.3", (3, 1), 2, 20);
        let mut out = Vec::new();
        batched.append(0, &mut out);
        out.clear();
        batched.append(7, &mut out);
        let header = "NATS/1.0\r\nNats-Batch-Id: 3-0000000007\r\nNats-Batch-Sequence: 1\r\n\r\n";
        let head = format!("HPUB bench.3 {} {}\r\n{header}", header.len(), header.len() + 20);
        let rest = out.strip_prefix(head.as_bytes()).expect("the first message");
        assert_eq!(stamp::read(&rest[..20], b"bench.3").unwrap(), Stamp { publisher: 1, seq: 14 });
        let header = "NATS/1.0\r\nNats-Batch-Id: 3-0000000007\r\nNats-Batch-Sequence: 2\r\nNats-Batch-Commit: 1\r\n\r\n";
        let reply = "_INBOX.bench.3.0000000007";
        let head = format!("\r\nHPUB bench.3 {reply} {} {}\r\n{header}", header.len(), header.len() + 20);
        let rest = rest[20..].strip_prefix(head.as_bytes()).expect("the last message");
        assert_eq!(stamp::read(&rest[..20], b"bench.3").unwrap(), Stamp { publisher: 1, seq: 15 });
        assert_eq!(&rest[20..], b"\r\n");
    }
}
