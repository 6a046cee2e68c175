//! Groups by key with the programs of docs/groups, one in each language.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use conformance::foreign::ForeignClient;
use tempfile::TempDir;
use test_kit::{ANSWER_DEADLINE, RawClient, Server, ServerOptions, Setup, on_every_setup};

#[path = "../../../docs/groups/member.rs"]
mod member;

on_every_setup!(members_of_three_languages_share_a_stream);

const KEYS: usize = 12;

/// A program that is killed at the end.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn documented(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/groups").join(name)
}

/// All write their lines behind each other into one file.
fn appending(path: &Path) -> File {
    OpenOptions::new().append(true).create(true).open(path).expect("a file")
}

fn spawn(mut command: Command, server: &Server, name: &str, out: &Path) -> Program {
    command.args([&server.url(), name]).stdin(Stdio::null()).stdout(appending(out));
    Program(command.spawn().expect("it runs"))
}

fn publish(client: &mut RawClient, numbers: std::ops::RangeInclusive<usize>) {
    for number in numbers {
        for key in 0..KEYS {
            let said = client.ask(&format!("orders.{key}.new"), &number.to_string());
            assert!(said.contains("\"seq\""), "{said}");
        }
    }
}

/// Waits for so many lines. What each key's messages said, in their order, and how many each member had.
fn handled(out: &Path, count: usize) -> (BTreeMap<String, Vec<usize>>, BTreeMap<String, usize>) {
    let begun = Instant::now();
    loop {
        let text = fs::read_to_string(out).expect("a file");
        if text.ends_with('\n') && text.lines().count() >= count {
            let (mut keys, mut members) = (BTreeMap::<_, Vec<usize>>::new(), BTreeMap::new());
            for line in text.lines() {
                let words: Vec<&str> = line.split(' ').collect();
                *members.entry(words[0].to_owned()).or_default() += 1;
                keys.entry(words[1].to_owned()).or_default().push(words[2].parse().expect("a number"));
            }
            return (keys, members);
        }
        assert!(begun.elapsed() < ANSWER_DEADLINE, "{} of {count}:\n{text}", text.lines().count());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn members_of_three_languages_share_a_stream(setup: Setup) {
    let options = ServerOptions { setup, has_streams: true, ..ServerOptions::default() };
    let server = Server::start(options).expect("the server starts");
    let mut client = server.connect();
    client.subscribe("answers.*", 1);
    let said = client.ask("$JS.API.STREAM.CREATE.ORDERS", r#"{"name":"ORDERS","subjects":["orders.*.*"]}"#);
    assert!(said.contains("did_create"), "{said}");
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("handled");
    let python = ForeignClient::program(ForeignClient::Python, &documented("member.py"));
    let node = ForeignClient::program(ForeignClient::Node, &documented("member.cjs"));
    let python = spawn(python.unwrap_or_else(|error| panic!("{error}")), &server, "anna", &out);
    let _node = spawn(node.unwrap_or_else(|error| panic!("{error}")), &server, "bert", &out);
    let (url, file) = (server.url(), appending(&out));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // It ends with the server.
        let _ = runtime.block_on(member::member(&url, "carl", file));
    });
    let begun = Instant::now();
    while !is_shared(&mut client) {
        assert!(begun.elapsed() < ANSWER_DEADLINE, "not all three came");
        std::thread::sleep(Duration::from_millis(20));
    }
    publish(&mut client, 1..=5);
    let (keys, members) = handled(&out, 5 * KEYS);
    assert!(keys.values().all(|numbers| *numbers == [1, 2, 3, 4, 5]), "{keys:?}");
    assert_eq!(members.len(), 3, "{members:?}");
    // One goes without a word: what it had goes on with the others.
    drop(python);
    let said = client.ask("$JS.API.CONSUMER.DELETE.ORDERS.anna", "");
    assert!(said.contains("\"success\":true"), "{said}");
    publish(&mut client, 6..=10);
    let (keys, _) = handled(&out, 10 * KEYS);
    for (key, mut numbers) in keys {
        // What it had and did not acknowledge comes again.
        numbers.dedup();
        assert_eq!(numbers, (1..=10).collect::<Vec<_>>(), "{key}");
    }
    let said = client.ask("$BUSTER.EXPLAIN.CONSUMER.ORDERS.billing", "");
    assert!(said.contains(r#""is_stuck":false"#), "{said}");
}

/// Whether all three have lanes.
fn is_shared(client: &mut RawClient) -> bool {
    let said = client.ask("$JS.API.CONSUMER.INFO.ORDERS.billing", "");
    ["anna", "bert", "carl"].iter().all(|name| said.contains(&format!(r#""pinned_client_id":"{name}""#)))
}
