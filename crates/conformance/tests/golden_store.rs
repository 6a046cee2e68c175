//! The store of each version of the format is served as it was left, and `fsck` says what it says of it.
//!
//! `GOLDEN_STORE=FOLDER cargo test -p conformance --test golden_store -- --ignored` makes one, at a new version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use test_kit::{RawClient, Server, ServerBinary, Setup, on_every_setup};

/// With footers of either version.
const STORES: [&str; 2] = ["store-v1", "store-v1-footer-v2"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../store-check/testdata").join(name)
}

fn copied(name: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let copied = Command::new("cp").arg("-r").arg(golden(name).join("jetstream")).arg(folder.path()).status();
    assert!(copied.expect("cp runs").success());
    folder
}

fn serve(store: &Path, setup: Setup) -> (Server, RawClient) {
    let server = Server::configured(setup, &format!("jetstream {{ store_dir: \"{}\" }}\n", store.display()));
    let mut client = server.connect();
    client.subscribe("answers.*", 1);
    (server, client)
}

fn api(client: &mut RawClient, what: &str, body: &str) -> String {
    client.ask(&format!("$JS.API.{what}"), body)
}

fn a_store_of_version_1_is_served(setup: Setup) {
    for name in STORES {
        is_served(name, setup);
    }
}

fn is_served(name: &str, setup: Setup) {
    let store = copied(name);
    let (_server, mut client) = serve(store.path(), setup);
    let names = api(&mut client, "STREAM.NAMES", "");
    assert!(names.contains(r#""streams":["KV_settings","ORDERS","WORK"]"#), "{names}");
    let info = api(&mut client, "STREAM.INFO.ORDERS", r#"{"deleted_details":true}"#);
    assert!(info.contains(r#""messages":4"#) && info.contains(r#""deleted":[3]"#), "{info}");
    let got = api(&mut client, "STREAM.MSG.GET.ORDERS", r#"{"seq":2}"#);
    // What it says is "order number 2".
    assert!(got.contains(r#""data":"b3JkZXIgbnVtYmVyIDI=""#) && got.contains(r#""hdrs":"#), "{got}");
    let got = api(&mut client, "STREAM.MSG.GET.KV_settings", r#"{"last_by_subj":"$KV.settings.color"}"#);
    assert!(got.contains(r#""data":"Ymx1ZQ==""#) && got.contains(r#""seq":3"#), "{got}");
    let shop = api(&mut client, "CONSUMER.INFO.ORDERS.shop", "");
    assert!(shop.contains(r#""ack_floor":{"consumer_seq":1,"stream_seq":1"#), "{shop}");
    assert!(shop.contains(r#""num_pending":2"#), "{shop}");
    let work = api(&mut client, "STREAM.INFO.WORK", "");
    assert!(work.contains(r#""messages":1"#) && work.contains(r#""first_seq":2"#), "{work}");
    assert_eq!(client.ask("orders.new", "one more"), r#"{"stream":"ORDERS","seq":6}"#);
}

on_every_setup!(a_store_of_version_1_is_served);

/// Exit code, and what is printed.
fn fsck(args: &[&str]) -> (i32, String) {
    ServerBinary::run_to_end([&["fsck"][..], args].concat())
}

#[test]
fn fsck_says_how_a_store_is() {
    let store = copied(STORES[1]);
    let folder = store.path().to_str().expect("a path");
    let (code, said) = fsck(&[folder]);
    assert!(
        code == 0 && said.contains("stream '$G > ORDERS'") && said.ends_with("sound\n"),
        "{code}: {said}"
    );
    let segment = store.path().join("jetstream/logs/0/1.seg");
    let mut bytes = fs::read(&segment).expect("it is there");
    let what = b"order number 2";
    let at = bytes.windows(what.len()).position(|window| window == what).expect("it is in there");
    bytes[at] ^= 1;
    fs::write(&segment, bytes).expect("it can be written");
    let (code, said) = fsck(&[folder]);
    assert!(code == 2 && said.contains(", message 2 of $G > ORDERS"), "{code}: {said}");
    let (code, said) = fsck(&["/nowhere"]);
    assert!(
        code == 1 && said.starts_with("buster-server: /nowhere/jetstream: No such file"),
        "{code}: {said}"
    );
    for args in [&[][..], &[folder, folder]] {
        let (code, said) = fsck(args);
        let expected =
            "buster-server: fsck takes one directory, which is what store_dir says, and --config\n";
        assert_eq!((code, &*said), (1, expected));
    }
    let (code, said) = fsck(&["--help"]);
    assert!(
        code == 0 && said.contains("Usage: buster-server fsck <dir> [--config <file>]"),
        "{code}: {said}"
    );
}

#[test]
fn a_store_in_use_is_not_looked_at() {
    let store = copied(STORES[1]);
    let (_server, _client) = serve(store.path(), Setup::default());
    let (code, said) = fsck(&[store.path().to_str().expect("a path")]);
    assert!(code == 1 && said.contains("in use by another server"), "{code}: {said}");
}

#[test]
#[ignore = "makes the store of a new version"]
fn make_a_golden_store() {
    let folder = PathBuf::from(std::env::var_os("GOLDEN_STORE").expect("GOLDEN_STORE says where"));
    let (mut server, mut client) = serve(&folder, Setup { shards: 1, ..Setup::default() });
    let mut ask = |subject: &str, body: &str| {
        let said = client.ask(subject, body);
        assert!(!said.contains("error"), "{said}");
    };
    let mut create = |name: &str, more: &str| {
        ask(&format!("$JS.API.STREAM.CREATE.{name}"), &format!(r#"{{"name":"{name}",{more}}}"#));
    };
    create("ORDERS", r#""subjects":["orders.>"],"max_msgs":100"#);
    create(
        "KV_settings",
        r#""subjects":["$KV.settings.>"],"max_msgs_per_subject":1,"allow_rollup_hdrs":true"#,
    );
    create("WORK", r#""subjects":["work"],"retention":"workqueue""#);
    create("GONE", r#""subjects":["gone"]"#);
    ask("gone", "nothing is left of it");
    ask("$JS.API.STREAM.DELETE.GONE", "");
    for (stream, name) in [("ORDERS", "shop"), ("WORK", "worker")] {
        let config =
            format!(r#""config":{{"durable_name":"{name}","name":"{name}","ack_policy":"explicit"}}"#);
        let subject = format!("$JS.API.CONSUMER.CREATE.{stream}.{name}");
        ask(&subject, &format!(r#"{{"stream_name":"{stream}",{config}}}"#));
    }
    for (subject, body) in [("color", "red"), ("size", "large"), ("color", "blue")] {
        ask(&format!("$KV.settings.{subject}"), body);
    }
    ask("work", "done");
    ask("work", "to be done");
    for number in 1..=5 {
        let header = format!("NATS/1.0\r\nNats-Msg-Id: id {number}\r\n\r\n");
        let body = format!("order number {number}");
        let lengths = (header.len(), header.len() + body.len());
        client.send(format!("HPUB orders.new answers.1 {} {}\r\n{header}{body}\r\n", lengths.0, lengths.1));
        client.next_message();
    }
    api(&mut client, "STREAM.MSG.DELETE.ORDERS", r#"{"seq":3}"#);
    for (consumer, count) in [("ORDERS.shop", 2), ("WORK.worker", 1)] {
        client.send(format!("PUB $JS.API.CONSUMER.MSG.NEXT.{consumer} answers.1 1\r\n{count}\r\n"));
        let first = client.next_message();
        (1..count).for_each(|_| drop(client.next_message()));
        ask_reply(&mut client, &first.reply.expect("it can be acknowledged"));
    }
    server.stop().expect("it comes to a clean stop");
    // A file that stands ready says nothing.
    let spares = fs::read_dir(folder.join("jetstream/logs/0")).expect("it is there");
    for spare in spares.flatten().filter(|entry| entry.file_name() != "1.seg") {
        fs::remove_file(spare.path()).expect("it can be taken away");
    }
}

fn ask_reply(client: &mut RawClient, to: &str) {
    client.ask(to, "+ACK");
}
