//! A key-value bucket as the clients make one: puts are publishes, gets are direct.

use anyhow::{Context, Result, ensure};
use nats_proto::{HeaderView, Message};
use serde_json::json;

use crate::jetstream::api::Api;
use crate::jetstream::askers::{Askers, Job};
use crate::jetstream::numbered::Numbered;
use crate::jetstream::pub_ack::confirm_responder;
use crate::jetstream::publishing::{Publishing, key};
use crate::jetstream::setup::Setup;
use crate::jetstream::stored::Stored;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::stamp::{self, Stamp};

const BUCKET: &str = "KV_bench";

const KEYS: usize = 10_000;

/// The sequence number of what a get found.
const SEQUENCE: &str = "Nats-Sequence";

/// One report for puts and one for gets.
pub(crate) fn run(server: &Server, title: &str, window: u32, settings: &Settings) -> Result<Vec<Report>> {
    let setup = Setup::of(settings)?;
    let mut api = Api::open(server)?;
    let config = json!({
        "subjects": ["$KV.bench.>"],
        "max_msgs_per_subject": 1,
        "discard": "new",
        "allow_rollup_hdrs": true,
        "deny_delete": true,
        "allow_direct": true,
    });
    api.create_stream(BUCKET, config)?;
    let subjects: Vec<String> = (0..KEYS).map(subject).collect();
    let mut puts = Publishing::by_key(BUCKET, &subjects, setup.payload_bytes);
    let put = measure(server, &format!("{title}, put"), "puts", window, &setup, settings, &mut puts)?;
    let held = api.held(BUCKET)?;
    let keys = puts.stored.count().min(KEYS as u64);
    ensure!(held.messages == keys, "the bucket has {} keys where {keys} were put", held.messages);
    let mut gets = Gets::new(&puts.stored, setup.payload_bytes)?;
    let got = measure(server, &format!("{title}, get"), "gets", window, &setup, settings, &mut gets)?;
    api.delete_stream(BUCKET)?;
    Ok(vec![put, got])
}

fn measure(
    server: &Server,
    title: &str,
    what: &'static str,
    window: u32,
    setup: &Setup,
    settings: &Settings,
    job: &mut impl Job,
) -> Result<Report> {
    let mut askers = Askers::open(server, 1, window, Progress::new(title, what))?;
    let meter = Meter::start(server)?;
    let count = askers.play(setup.plan(settings), job)?;
    let report = Report::new(title, what, count, meter.stop()?);
    Ok(Report { payload_bytes: setup.payload_bytes, latency: Some(askers.latency()), ..report })
}

fn subject(key: usize) -> String {
    format!("$KV.bench.key-{key:05}")
}

/// Asks for the keys in turns, and knows what each holds.
struct Gets {
    requests: Vec<Numbered>,
    /// By key: its subject, and which message was put there last, with its sequence number.
    last: Vec<(String, Stamp, u64)>,
    payload_bytes: usize,
}

impl Gets {
    /// Of the keys that were put.
    fn new(stored: &Stored, payload_bytes: usize) -> Result<Self> {
        let end = stored.last_number(0)? + 1;
        let keys = end.min(KEYS as u64);
        let mut gets = Self { requests: Vec::new(), last: Vec::new(), payload_bytes };
        for number in end - keys..end {
            let subject = subject(key(number, KEYS));
            let seq = stored.seq(0, number).context("a put without an answer")?;
            gets.requests.push(Numbered::new(&format!("$JS.API.DIRECT.GET.{BUCKET}.{subject}"), 0, 0));
            gets.last.push((subject, Stamp { publisher: 0, seq: number }, seq));
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

    /// What is wrong when the first get, of a bucket of two keys put twice, is answered with these.
    fn get(headers: &str, publisher_seq: u64, payload_bytes: usize) -> Result<()> {
        let mut stored = Stored::new(1);
        let puts = KEYS as u64 + 1;
        (0..puts).for_each(|number| stored.book(0, number, number + 1).unwrap());
        let mut gets = Gets::new(&stored, 16)?;
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
