//! Very many streams and consumers that nobody uses, and very many who wait for messages: what they take of memory and of
//! the processor.
//!
//! With all of them, and figures:
//! `cargo test --release -p conformance --test many_streams -- --ignored --nocapture`, with a server that was built with
//! `cargo build --release` before. With a hundredth of each it is a test of CI.

use std::fs;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use test_kit::{RawClient, Server, Setup};

/// What one may take, in a server of whatever profile.
const STREAM_BYTES_MAX: u64 = 12 << 10;
const CONSUMER_BYTES_MAX: u64 = 4 << 10;
const WAITING_BYTES_MAX: u64 = 2 << 10;

/// Requests that are under way at a time: fewer than an account may have waiting.
const UNDER_WAY: usize = 500;

const CONSUMERS_EACH: usize = 10;

/// Ticks of the kernel's clock a second.
const TICKS: u64 = 100;

struct Crowd {
    server: Server,
    client: RawClient,
    _folder: TempDir,
}

impl Crowd {
    fn new() -> Self {
        let folder = TempDir::new().expect("there is room");
        let config = format!("jetstream {{ store_dir: {:?}, max_file_store: 1G }}\n", folder.path());
        let server = Server::configured(Setup::default(), &config);
        let mut client = server.connect();
        client.subscribe("r", 1);
        client.subscribe("m.>", 2);
        client.flush();
        Self { server, client, _folder: folder }
    }

    /// Asks for all, and sees to it that each is answered well.
    fn ask_all(&mut self, many: usize, request: impl Fn(usize) -> (String, String)) {
        for first in (0..many).step_by(UNDER_WAY) {
            let some = first..many.min(first + UNDER_WAY);
            let awaited = some.len();
            for number in some {
                let (subject, body) = request(number);
                self.client.send(format!("PUB $JS.API.{subject} r {}\r\n{body}\r\n", body.len()));
            }
            for _ in 0..awaited {
                let answer = String::from_utf8_lossy(&self.client.next_message().payload).into_owned();
                assert!(!answer.contains(r#""error""#), "{answer}");
            }
        }
    }

    fn resident(&self) -> u64 {
        self.server.resident_bytes().expect("it runs")
    }

    /// Bytes that each of so many takes.
    fn bytes_each(&mut self, many: usize, make: impl FnOnce(&mut Self)) -> u64 {
        let before = self.resident();
        make(self);
        self.resident().saturating_sub(before) / many as u64
    }

    /// Microseconds of processor time that a second takes in which nothing happens.
    fn idle_micros(&self, seconds: u64) -> u64 {
        if seconds == 0 {
            return 0;
        }
        std::thread::sleep(Duration::from_secs(2));
        let before = self.ticks();
        std::thread::sleep(Duration::from_secs(seconds));
        (self.ticks() - before) * 1_000_000 / TICKS / seconds.max(1)
    }

    fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.server.pid())).expect("it runs");
        let fields = stat.rsplit_once(')').expect("Linux writes it so").1;
        let field = |at: usize| -> u64 { fields.split_whitespace().nth(at).unwrap().parse().unwrap() };
        field(11) + field(12)
    }
}

fn run(streams: usize, idle_seconds: u64) {
    let mut crowd = Crowd::new();
    crowd.ask_all(10, |n| {
        (format!("STREAM.CREATE.W{n}"), format!(r#"{{"name":"W{n}","subjects":["w.{n}"]}}"#))
    });
    let consumers = streams * CONSUMERS_EACH;
    let start = Instant::now();
    let stream_bytes = crowd.bytes_each(streams, |crowd| {
        let config = |n| format!(r#"{{"name":"S{n}","subjects":["s.{n}.>"]}}"#);
        crowd.ask_all(streams, |n| (format!("STREAM.CREATE.S{n}"), config(n)));
    });
    let consumer_bytes = crowd.bytes_each(consumers, |crowd| {
        crowd.ask_all(consumers, |n| {
            let (stream, name) = (n / CONSUMERS_EACH, n % CONSUMERS_EACH);
            let config = format!(
                r#"{{"stream_name":"S{stream}","config":{{"durable_name":"C{name}","name":"C{name}","ack_policy":"explicit"}}}}"#
            );
            (format!("CONSUMER.CREATE.S{stream}.C{name}"), config)
        });
    });
    println!("{streams} streams and {consumers} consumers were made in {:?}", start.elapsed());
    println!("a stream takes {stream_bytes} bytes, a consumer {consumer_bytes}");
    println!("an idle second takes {} us of processor time", crowd.idle_micros(idle_seconds));
    let waiting_bytes = crowd.bytes_each(consumers, |crowd| {
        for n in 0..consumers {
            let (stream, name) = (n / CONSUMERS_EACH, n % CONSUMERS_EACH);
            let body = r#"{"batch":1,"expires":3600000000000}"#;
            let len = body.len();
            crowd
                .client
                .send(format!("PUB $JS.API.CONSUMER.MSG.NEXT.S{stream}.C{name} m.{n} {len}\r\n{body}\r\n"));
        }
        crowd.client.flush();
        crowd.ask_all(1, |_| ("INFO".to_owned(), String::new()));
    });
    println!("one who waits takes {waiting_bytes} bytes");
    println!("an idle second takes {} us of processor time", crowd.idle_micros(idle_seconds));
    // All of them are there.
    let last = streams - 1;
    crowd.client.send(format!("PUB s.{last}.x 1\r\nx\r\n"));
    let mut delivered: Vec<String> =
        (0..CONSUMERS_EACH).map(|_| crowd.client.next_message().reply.unwrap_or_default()).collect();
    delivered.sort();
    for (number, reply) in delivered.iter().enumerate() {
        assert!(reply.starts_with(&format!("$JS.ACK.S{last}.C{number}.1.1.1.")), "{reply}");
    }
    let start = Instant::now();
    crowd.server.stop().expect("it ends");
    crowd.server.restart().expect("it starts");
    println!("stop and start took {:?}", start.elapsed());
    if idle_seconds == 0 {
        // Of so few what is made for all of them is a good part.
        return;
    }
    assert!(stream_bytes <= STREAM_BYTES_MAX, "{stream_bytes} bytes for a stream");
    assert!(consumer_bytes <= CONSUMER_BYTES_MAX, "{consumer_bytes} bytes for a consumer");
    assert!(waiting_bytes <= WAITING_BYTES_MAX, "{waiting_bytes} bytes for one who waits");
}

#[test]
fn a_hundred_streams_and_a_thousand_consumers() {
    run(100, 0);
}

#[test]
#[ignore = "takes some minutes; its figures are in docs/jetstream.md"]
fn ten_thousand_streams_and_a_hundred_thousand_consumers() {
    run(10_000, 10);
}
