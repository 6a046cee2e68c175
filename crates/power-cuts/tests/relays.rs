//! Streams that take messages from others lose power with them: what was acknowledged at the origin is in the copy, under its
//! sequence; in the stream that has it as a source, once; and of a work queue it is in one of both, and in the end in the one
//! that took it, once.
//!
//! `CUT_LIVES=n` (with `CUT_FIRST_SEED=s`) makes it many lives of five cuts each.

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use brittle_disk::{BrittleDisk, Dice, DiskOptions, mount_or_say};
use data_encoding::BASE64;
use power_cuts::{Answer, Gone, Requests};
use serde_json::{Value, json};
use test_kit::{SETUPS, Server, ServerOptions, Setup};

/// Cuts of a life.
const CUTS: u64 = 5;

/// Messages without an answer at a time.
const WINDOW: usize = 200;

/// How long streams take at most to have what there is. A work queue hears of it a second later.
const CAUGHT_UP_MAX: Duration = Duration::from_secs(60);

/// The one that has copies, and the work queue.
const ORIGINS: [&str; 2] = ["A", "W"];

/// Acknowledged messages of an origin by sequence.
type Acked = BTreeMap<u64, String>;

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn configs() -> [Value; 5] {
    [
        json!({ "name": "A", "subjects": ["a.*"] }),
        json!({ "name": "W", "subjects": ["w.*"], "retention": "workqueue" }),
        json!({ "name": "MIRROR", "mirror": { "name": "A" } }),
        json!({ "name": "SOURCED", "sources": [{ "name": "A" }] }),
        json!({ "name": "TAKEN", "sources": [{ "name": "W" }] }),
    ]
}

fn started(disk: &BrittleDisk, setup: Setup) -> Server {
    let store = disk.path().join("store");
    let config = format!("jetstream {{ store_dir: \"{}\"\n sync_interval: always }}\n", store.display());
    let options = ServerOptions { setup, config: Some(config), ..ServerOptions::default() };
    let server = Server::start(options).expect("it starts");
    let mut requests = Requests::connect(server.addr(), "create");
    for config in configs() {
        let name = config["name"].as_str().expect("a name");
        let made = requests.ask(&format!("$JS.API.STREAM.CREATE.{name}"), &config.to_string());
        assert!(matches!(made, Answer::Body(_)), "{made:?}");
    }
    server
}

/// Publishes to an origin until the server is gone. What had no answer may be there or not.
fn publish(addr: SocketAddr, origin: &str, round: &str, acked: &mut Acked) {
    let mut requests = Requests::connect(addr, &format!("{round}.{origin}"));
    let mut waiting = BTreeMap::new();
    let mut publish = || -> Result<(), Gone> {
        let mut next = 0;
        loop {
            while waiting.len() < WINDOW {
                let (reply, payload) = (requests.fresh_inbox(), format!("{round} {next}"));
                let subject = format!("{}.{}", origin.to_lowercase(), next % 7);
                requests.publish(&subject, &reply, "", payload.as_bytes())?;
                waiting.insert(reply, payload);
                next += 1;
            }
            let message = requests.next_message()?;
            let ack: Value = serde_json::from_slice(&message.payload).expect("it is JSON");
            let seq = ack["seq"].as_u64().expect("a sequence");
            acked.insert(seq, waiting.remove(&message.subject).expect("it was asked for"));
        }
    };
    let Err(Gone) = publish() else { unreachable!("it goes on until the server is gone") };
}

struct Looker(Requests);

impl Looker {
    fn info(&mut self, stream: &str) -> Value {
        match self.0.ask(&format!("$JS.API.STREAM.INFO.{stream}"), "") {
            Answer::Body(info) => info,
            other => panic!("{stream} answers {other:?}"),
        }
    }

    fn state(&mut self, stream: &str, of: &str) -> u64 {
        self.info(stream)["state"][of].as_u64().expect("a number")
    }

    /// All messages: what they say, and where they were taken from.
    fn contents(&mut self, stream: &str) -> BTreeMap<u64, (String, Option<u64>)> {
        let last = self.state(stream, "last_seq");
        let bodies: Vec<String> = (1..=last).map(|seq| format!("{{\"seq\":{seq}}}")).collect();
        let subject = format!("$JS.API.STREAM.MSG.GET.{stream}");
        let answers = self.0.ask_all(&subject, &bodies).expect("the server is there");
        let there = (1..).zip(answers).filter_map(|(seq, answer)| match answer {
            Answer::Body(body) => Some((seq, said(&body["message"]))),
            _ => None,
        });
        there.collect()
    }

    /// Waits until nothing is under way between streams.
    fn wait_until_caught_up(&mut self) {
        let deadline = Instant::now() + CAUGHT_UP_MAX;
        loop {
            let last = self.state("A", "last_seq");
            let copies = [self.state("MIRROR", "last_seq"), self.state("W", "messages")];
            let taken = self.contents("SOURCED").into_values().filter_map(|(_, from)| from).max();
            if copies == [last, 0] && taken.unwrap_or(0) == last {
                return;
            }
            let infos = ["A", "W", "MIRROR", "SOURCED", "TAKEN"]
                .map(|stream| self.info(stream))
                .map(|info| format!("{} {} {}", info["state"], info["mirror"], info["sources"]));
            assert!(Instant::now() < deadline, "they do not catch up: {infos:#?}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn said(message: &Value) -> (String, Option<u64>) {
    let decoded = |field: &str| {
        let bytes = BASE64.decode(message[field].as_str().unwrap_or_default().as_bytes());
        String::from_utf8(bytes.expect("base 64")).expect("text")
    };
    let header = decoded("hdrs");
    let source = header.lines().find_map(|line| line.strip_prefix("Nats-Stream-Source: "));
    let seq = source.and_then(|source| source.split(' ').nth(1)?.parse().ok());
    (decoded("data"), seq)
}

/// What is wrong with what was taken, by origin's sequence.
fn faults(acked: &Acked, taken: &BTreeMap<u64, (String, Option<u64>)>, stream: &str) -> Vec<String> {
    let mut by_origin: BTreeMap<u64, &str> = BTreeMap::new();
    let mut faults = Vec::new();
    for (seq, (payload, from)) in taken {
        let from = from.expect("it was taken");
        if let Some(other) = by_origin.insert(from, payload) {
            faults.push(format!("{stream}: {from} is there twice, as {other} and as {seq} {payload}"));
        }
    }
    if !taken.values().map(|(_, from)| from).is_sorted() {
        faults.push(format!("{stream}: they are not in their order"));
    }
    for (seq, payload) in acked {
        if by_origin.get(seq) != Some(&payload.as_str()) {
            faults.push(format!(
                "{stream}: {seq} was acknowledged as {payload} and is {:?}",
                by_origin.get(seq)
            ));
        }
    }
    faults
}

fn check(addr: SocketAddr, round: &str, acked: &[Acked; 2]) -> Vec<String> {
    let mut looker = Looker(Requests::connect(addr, &format!("{round}.check")));
    looker.wait_until_caught_up();
    let origin = looker.contents("A");
    let mut found = faults(&acked[0], &looker.contents("SOURCED"), "SOURCED");
    found.extend(faults(&acked[1], &looker.contents("TAKEN"), "TAKEN"));
    if looker.contents("MIRROR") != origin {
        found.push("MIRROR: it differs from its origin".to_owned());
    }
    for (seq, payload) in &acked[0] {
        if origin.get(seq).map(|(payload, _)| payload) != Some(payload) {
            found.push(format!("A: {seq} was acknowledged as {payload} and is {:?}", origin.get(seq)));
        }
    }
    found
}

/// One disk, and power that goes again and again. None where no disk can be mounted.
fn live(seed: u64) -> Option<(Vec<String>, usize)> {
    let mut dice = Dice::new(seed);
    let mut disk = mount_or_say("that streams lose nothing of others", DiskOptions::default())?;
    disk.set_sync_delay(Duration::from_micros(dice.choose(&[0, 200, 1000])));
    let setup = SETUPS[(seed % SETUPS.len() as u64) as usize];
    let mut server = started(&disk, setup);
    let mut acked = [Acked::new(), Acked::new()];
    for round in 0..CUTS {
        let (name, addr) = (format!("s{seed}r{round}"), server.addr());
        thread::scope(|scope| {
            for (origin, acked) in ORIGINS.into_iter().zip(&mut acked) {
                let name = &name;
                scope.spawn(move || publish(addr, origin, name, acked));
            }
            thread::sleep(Duration::from_millis(300 + dice.below(1_500)));
            server.kill().expect("a child can be killed");
        });
        disk.cut(dice.roll()).expect("the server was killed");
        let shards = dice.choose(&[1, 2, 3, 4]);
        server.restart_on(Setup { shards, ..setup }).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let faults = check(server.addr(), &name, &acked);
        if !faults.is_empty() {
            return Some((faults, 0));
        }
    }
    Some((Vec::new(), acked.iter().map(Acked::len).sum()))
}

#[test]
fn what_was_acknowledged_is_where_it_was_taken_to() {
    let first = number("CUT_FIRST_SEED", 1);
    for seed in first..first + number("CUT_LIVES", 1) {
        let Some((faults, acks)) = live(seed) else { return };
        assert!(faults.is_empty(), "seed {seed}: {:#?}", &faults[..faults.len().min(10)]);
        assert!(acks > 100, "seed {seed}: {acks} acknowledgements");
    }
}
