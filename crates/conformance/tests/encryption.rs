//! Streams whose files are encrypted, as an operator has them: the way of docs/encryption.md.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use test_kit::{RawClient, Server, ServerBinary, ServerError, ServerOptions, Setup, on_every_setup};

on_every_setup!(
    nothing_of_a_stream_is_to_be_read_on_the_disk,
    a_key_is_changed_and_given_up,
    a_store_is_not_served_without_its_key,
);

const PATIENCE: Duration = Duration::from_secs(30);

fn config(store: &Path, keys: &str) -> String {
    format!("jetstream {{ store_dir: \"{}\"\n {keys} }}\n", store.display())
}

fn serve(setup: Setup, store: &Path, keys: &str) -> (Server, RawClient) {
    let server = Server::configured(setup, &config(store, keys));
    let mut client = server.connect();
    client.subscribe("answers.*", 1);
    (server, client)
}

fn done(client: &mut RawClient, what: &str, body: &str) -> String {
    let said = client.ask(&format!("$JS.API.{what}"), body);
    assert!(!said.contains("\"error\""), "{what}: {said}");
    said
}

/// Words that a stream is made of: its name, its subject, a payload, a header, a consumer, and metadata.
const WORDS: [&str; 6] =
    ["SALARIES", "salaries", "a-lot-of-money", "Confidential", "accountant", "the-owner"];

fn fill(client: &mut RawClient) {
    let config = r#"{"name":"SALARIES","subjects":["salaries.>"],"metadata":{"of":"the-owner"}}"#;
    done(client, "STREAM.CREATE.SALARIES", config);
    let consumer =
        r#"{"stream_name":"SALARIES","config":{"durable_name":"accountant","ack_policy":"explicit"}}"#;
    done(client, "CONSUMER.CREATE.SALARIES.accountant", consumer);
    for number in 1..=20 {
        let head = format!("NATS/1.0\r\nConfidential: {number}\r\n\r\n");
        let body = format!("{number} of a-lot-of-money");
        let (size, total) = (head.len(), head.len() + body.len());
        client.send(format!("HPUB salaries.{number} answers.2 {size} {total}\r\n{head}{body}\r\n"));
        client.next_message();
    }
}

fn assert_there(client: &mut RawClient) {
    let info = done(client, "STREAM.INFO.SALARIES", "");
    assert!(info.contains(r#""messages":20"#) && info.contains(r#""of":"the-owner""#), "{info}");
    done(client, "CONSUMER.INFO.SALARIES.accountant", "");
    for number in 1..=20 {
        let got = done(client, "STREAM.MSG.GET.SALARIES", &format!(r#"{{"seq":{number}}}"#));
        assert!(got.contains(&format!(r#""subject":"salaries.{number}""#)), "{got}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("it is there").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files(folder).into_iter().map(|path| (path.clone(), fs::read(path).expect("it is there"))).collect()
}

/// The logs that have files.
fn logs(store: &Path) -> Vec<String> {
    let folders = fs::read_dir(store.join("jetstream/logs"))
        .expect("there are logs")
        .map(|log| log.expect("it is there"));
    let used = folders.filter(|log| !files(&log.path()).is_empty());
    used.map(|log| log.file_name().into_string().expect("a number")).collect()
}

/// Which of the words are in some file.
fn readable(folder: &Path) -> Vec<&'static str> {
    let there = contents(folder);
    // Most of a file is zeros that wait to be written over.
    let pieces: Vec<&[u8]> = there.iter().flat_map(|(_, bytes)| bytes.split(|byte| *byte == 0)).collect();
    let has = |word: &&&str| {
        let has = |piece: &&[u8]| piece.windows(word.len()).any(|window| window == word.as_bytes());
        pieces.iter().any(has)
    };
    WORDS.iter().filter(has).copied().collect()
}

fn nothing_of_a_stream_is_to_be_read_on_the_disk(setup: Setup) {
    let store = TempDir::new().expect("a folder");
    for (cipher, name) in [("aes", "AES-GCM"), ("chachapoly", "ChaCha20-Poly1305")] {
        let folder = store.path().join(cipher);
        let keys = format!("key: s3cr3t, cipher: {cipher}");
        let (mut server, mut client) = serve(setup, &folder, &keys);
        assert!(server.log().contains(&format!("  Encryption:      {name}")), "{}", server.log().text());
        fill(&mut client);
        assert_eq!(readable(&folder), [""; 0], "while it runs");
        server.stop().expect("it stops");
        assert_eq!(readable(&folder), [""; 0], "with what a clean stop writes");
        server.restart().expect("it starts");
        let mut client = server.connect();
        client.subscribe("answers.*", 1);
        assert_there(&mut client);
        server.kill().expect("it is there");
        let config = folder.join("server.conf");
        fs::write(&config, self::config(&folder, &keys)).expect("it can be written");
        let (folder, config) = (folder.to_str().expect("a path"), config.to_str().expect("a path"));
        let (code, said) = ServerBinary::run_to_end(["fsck", folder, "--config", config]);
        assert!(code == 0 && said.contains("stream '$G > SALARIES': 20 messages"), "{code}: {said}");
        let (code, said) = ServerBinary::run_to_end(["fsck", folder]);
        assert!(code == 1 && said.contains("encryption not enabled: "), "{code}: {said}");
    }
    let plain = store.path().join("plain");
    let (server, mut client) = serve(setup, &plain, "");
    assert!(!server.log().contains("Encryption"));
    fill(&mut client);
    assert_eq!(readable(&plain), WORDS, "a test that finds nothing proves nothing");
}

fn a_store_is_not_served_without_its_key(setup: Setup) {
    let store = TempDir::new().expect("a folder");
    let (mut server, mut client) = serve(setup, store.path(), "STORE_KEY: s3cr3t, ek: $STORE_KEY");
    fill(&mut client);
    server.kill().expect("it is there");
    let before = contents(store.path());
    for (keys, expected) in [
        ("", "encryption not enabled: "),
        ("key: another, prev_key: \"and another\"", "unable to recover keys: "),
    ] {
        let options =
            ServerOptions { setup, config: Some(config(store.path(), keys)), ..ServerOptions::default() };
        match Server::start(options) {
            Err(ServerError::EndedEarly { log, .. }) => assert!(log.contains(expected), "{log}"),
            other => panic!("it must not start: {other:?}"),
        }
        assert!(contents(store.path()) == before, "nothing is changed");
    }
    let (_server, mut client) = serve(setup, store.path(), "encryption_key: s3cr3t");
    assert_there(&mut client);
}

/// A plain store, a key, another one, and a plain store again: each time what was there is written anew while it serves.
fn a_key_is_changed_and_given_up(setup: Setup) {
    let store = TempDir::new().expect("a folder");
    let (mut server, mut client) = serve(setup, store.path(), "");
    fill(&mut client);
    server.stop().expect("it stops");
    for (keys, alone, is_plain) in [
        ("key: one", "key: one", false),
        ("key: two, prev_encryption_key: one, cipher: aes", "key: two, cipher: aes", false),
        ("prev_ek: two", "", true),
    ] {
        let (mut server, mut client) = serve(setup, store.path(), keys);
        assert_there(&mut client);
        for log in logs(store.path()) {
            let said = match is_plain {
                true => format!("JetStream has no encrypted file in log {log} any more"),
                false => format!("JetStream has encrypted all files of log {log} with its key"),
            };
            assert!(server.log().wait_for(&said, PATIENCE).is_some(), "{}", server.log().text());
        }
        server.stop().expect("it stops");
        assert_eq!(readable(store.path()).is_empty(), !is_plain, "{keys}");
        let (mut server, mut client) = serve(setup, store.path(), alone);
        assert_there(&mut client);
        server.stop().expect("it stops");
    }
}
