//! Direct gets of the last message of subjects, and whether they find what was put there.

use anyhow::{Context, Result, ensure};
use nats_proto::{HeaderView, Message};

use crate::jetstream::askers::Job;
use crate::jetstream::numbered::Numbered;
use crate::jetstream::pub_ack::confirm_responder;
use crate::jetstream::publishing::key;
use crate::jetstream::stored::Stored;
use crate::stamp::{self, Stamp};

/// The sequence number of what a get found.
const SEQUENCE: &str = "Nats-Sequence";

/// Asks for subjects in turns, and knows what each holds.
pub(super) struct Gets {
    requests: Vec<Numbered>,
    /// By subject: its name, and which message was put there last, with its sequence number.
    last: Vec<(String, Stamp, u64)>,
    payload_bytes: usize,
}

impl Gets {
    /// Of those of `subjects` that something was put to, in turns.
    pub(super) fn new(
        stream: &str,
        subjects: &[String],
        stored: &Stored,
        payload_bytes: usize,
    ) -> Result<Self> {
        let end = stored.last_number(0)? + 1;
        let put = end.min(subjects.len() as u64);
        let mut gets = Self { requests: Vec::new(), last: Vec::new(), payload_bytes };
        for number in end - put..end {
            let subject = &subjects[key(number, subjects.len())];
            let seq = stored.seq(0, number).context("a put without an answer")?;
            gets.requests.push(Numbered::new(&format!("$JS.API.DIRECT.GET.{stream}.{subject}"), 0, 0));
            gets.last.push((subject.clone(), Stamp { publisher: 0, seq: number }, seq));
        }
        Ok(gets)
    }

    fn index(&self, number: u64) -> usize {
        key(number, self.requests.len())
    }
}

impl Job for Gets {
    fn ask(&mut self, _: usize, number: u64, out: &mut Vec<u8>) {
        let index = self.index(number);
        self.requests[index].append(number, out);
    }

    fn on_answer(&mut self, _: usize, number: u64, answer: &Message<'_>) -> Result<()> {
        confirm_responder(answer)?;
        let (subject, put, seq) = &self.last[self.index(number)];
        let head = || format!("{subject}: {}", String::from_utf8_lossy(answer.headers()).trim_end());
        let headers = HeaderView::parse(answer.headers()).with_context(head)?;
        let found = headers.get(SEQUENCE).with_context(head)?;
        let found: u64 = std::str::from_utf8(found)?.parse().with_context(head)?;
        ensure!(found == *seq, "{subject} has {found} where {seq} was put last");
        let payload = answer.payload();
        ensure!(payload.len() == self.payload_bytes, "{subject} has {} bytes", payload.len());
        let stamp = stamp::read(payload, subject.as_bytes())?;
        ensure!(stamp == *put, "{subject} has {stamp:?} where {put:?} was put last");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nats_proto::HeaderLen;

    const KEYS: usize = 10_000;

    fn subject(key: usize) -> String {
        format!("$KV.bench.key-{key:05}")
    }

    /// What is wrong when the first get, of a bucket of two keys put twice, is answered with these.
    fn get(headers: &str, publisher_seq: u64, payload_bytes: usize) -> Result<()> {
        let mut stored = Stored::new(1);
        let puts = KEYS as u64 + 1;
        (0..puts).for_each(|number| stored.book(0, number, number + 1).unwrap());
        let subjects: Vec<String> = (0..KEYS).map(subject).collect();
        let mut gets = Gets::new("KV_bench", &subjects, &stored, 16)?;
        assert_eq!(gets.last.len(), KEYS);
        // The key that was put first was put again, and is the last of all.
        let number = (0..puts).find(|number| gets.index(*number) == KEYS - 1).unwrap();
        let mut out = Vec::new();
        gets.ask(0, number, &mut out);
        assert!(out.starts_with(b"PUB $JS.API.DIRECT.GET.KV_bench.$KV.bench.key-00000 _INBOX.bench.0."));
        let mut payload = vec![0; payload_bytes];
        let checksum = stamp::subject_checksum(subject(0).as_bytes());
        stamp::write(&mut payload, 0, publisher_seq, checksum);
        let body = [headers.as_bytes(), &payload].concat();
        let header = Some(HeaderLen { bytes: headers.len(), text: b"" });
        gets.on_answer(0, number, &Message { subject: b"i", sid: b"1", reply: None, header, body: &body })
    }

    #[test]
    fn a_get_finds_what_was_put_last() {
        get("NATS/1.0\r\nNats-Stream: KV_bench\r\nNats-Sequence: 10001\r\n\r\n", 10_000, 16).unwrap();
    }

    #[test]
    fn a_get_that_finds_something_else_fails() {
        let head = "NATS/1.0\r\nNats-Sequence: 10001\r\n\r\n";
        for (headers, seq, bytes, words) in [
            ("NATS/1.0 404 Message Not Found\r\n\r\n", 10_000, 16, "404 Message Not Found"),
            ("NATS/1.0 503\r\n\r\n", 10_000, 16, "nobody answers"),
            ("NATS/1.0\r\nNats-Sequence: 1\r\n\r\n", 10_000, 16, "has 1 where 10001 was put last"),
            (head, 0, 16, "was put last"),
            (head, 10_000, 20, "has 20 bytes"),
        ] {
            let error = format!("{:#}", get(headers, seq, bytes).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }
}
