//! `buster-server backup`, `restore` and `import-store`, as somebody at a terminal has them.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use test_kit::{RawClient, Server, ServerBinary, Setup, on_every_setup};

on_every_setup!(
    streams_are_backed_up_and_brought_back,
    streams_of_a_nats_server_are_imported,
    copies_go_in_and_out_of_stores_that_are_encrypted,
);

/// A server with streams, and a client of it.
fn serve(setup: Setup, store: &Path, more: &str) -> (Server, RawClient) {
    serve_keyed(setup, store, "", more)
}

/// The same, with keys.
fn serve_keyed(setup: Setup, store: &Path, keys: &str, more: &str) -> (Server, RawClient) {
    let config = format!("jetstream {{ store_dir: \"{}\"\n {keys} }}\n{more}", store.display());
    let server = Server::configured(setup, &config);
    let mut client = server.connect();
    client.subscribe("answers.*", 1);
    (server, client)
}

fn done(client: &mut RawClient, what: &str, body: &str) -> String {
    let said = client.ask(&format!("$JS.API.{what}"), body);
    assert!(!said.contains("\"error\""), "{what}: {said}");
    said
}

/// Exit code, and what is printed.
fn copy(server: &Server, word: &str, folder: &Path, more: &[&str]) -> (i32, String) {
    let (folder, url) = (folder.to_str().expect("a path"), server.url());
    ServerBinary::run_to_end([&[word, folder, "--server", &url][..], more].concat())
}

/// A stream with three messages, and a consumer that is done with the first.
fn fill(client: &mut RawClient, name: &str) {
    let subject = name.to_lowercase();
    let config = format!(r#"{{"name":"{name}","subjects":["{subject}"]}}"#);
    done(client, &format!("STREAM.CREATE.{name}"), &config);
    for number in 1..=3 {
        client.ask(&subject, &format!("message {number}"));
    }
    let config = r#""config":{"durable_name":"C","name":"C","ack_policy":"explicit"}"#;
    let body = format!(r#"{{"stream_name":"{name}",{config}}}"#);
    done(client, &format!("CONSUMER.CREATE.{name}.C"), &body);
    client.send(format!("PUB $JS.API.CONSUMER.MSG.NEXT.{name}.C answers.2 1\r\n1\r\n"));
    let reply = client.next_message().reply.expect("it can be acknowledged");
    assert_eq!(client.ask(&reply, "+ACK"), "");
}

fn streams_are_backed_up_and_brought_back(setup: Setup) {
    let (store, copies) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let folder = copies.path().join("backup");
    let (server, mut client) = serve(setup, store.path(), "");
    for name in ["A", "B"] {
        fill(&mut client, name);
    }
    let (code, said) = copy(&server, "backup", &folder, &[]);
    let line = |name: &str| format!("{name}: 3 messages of 120 bytes, sequences 1 to 3, 1 consumers\n");
    assert_eq!((code, &*said), (0, &*(line("A") + &line("B"))));
    let (code, said) = copy(&server, "restore", &folder, &[]);
    assert!(code == 1 && said.contains("A: NOT COPIED: ") && said.contains("B: NOT COPIED: "), "{said}");
    done(&mut client, "STREAM.DELETE.A", "");
    let (code, said) = copy(&server, "restore", &folder, &[]);
    assert!(code == 1 && said.starts_with(&line("A")) && said.contains("B: NOT COPIED: "), "{said}");
    done(&mut client, "STREAM.DELETE.A", "");
    done(&mut client, "STREAM.DELETE.B", "");
    let (code, said) = copy(&server, "restore", &folder, &[]);
    assert_eq!((code, &*said), (0, &*(line("A") + &line("B"))));
    let info = done(&mut client, "CONSUMER.INFO.A.C", "");
    assert!(info.contains(r#""ack_floor":{"consumer_seq":1,"stream_seq":1"#), "{info}");
    assert!(info.contains(r#""num_pending":2"#), "{info}");
    assert_eq!(client.ask("b", "one more"), r#"{"stream":"B","seq":4}"#);
    // What is there is not written over.
    let (code, said) = copy(&server, "backup", &folder, &[]);
    assert!(code == 1 && said.contains("A: NOT COPIED: ") && said.contains("exists"), "{code}: {said}");
    let (code, said) = copy(&server, "restore", copies.path(), &[]);
    assert!(code == 1 && said.contains("there is no backup of a stream in it"), "{code}: {said}");
}

/// The files of a stream as nats-server 2.14.5 left them: crates/foreign-store has more to say about them.
fn old_stream(store: &Path, name: &str, consumer_meta: &str) {
    let written = Path::new(env!("CARGO_MANIFEST_DIR")).join("../foreign-store/testdata");
    let folder = store.join("jetstream/$G/streams").join(name);
    fs::create_dir_all(folder.join("msgs")).expect("a folder");
    fs::create_dir_all(folder.join("obs/C")).expect("a folder");
    let write = |path: &str, bytes: &[u8]| fs::write(folder.join(path), bytes).expect("a file");
    let config = format!(r#"{{"name":"{name}","subjects":["{name}.>"],"storage":"file","num_replicas":1"#);
    write("meta.inf", format!(r#"{config},"Created":"2026-01-01T00:00:00Z"}}"#).as_bytes());
    write("obs/C/meta.inf", consumer_meta.as_bytes());
    for (file, path) in [("plain.blk", "msgs/1.blk"), ("index.db", "msgs/index.db"), ("o.dat", "obs/C/o.dat")]
    {
        write(path, &fs::read(written.join(file)).expect("a file"));
    }
}

fn streams_of_a_nats_server_are_imported(setup: Setup) {
    let (store, old) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let meta = r#"{"Created":"2026-01-01T00:00:00Z","Name":"C","durable_name":"C","ack_policy":"explicit","max_ack_pending":1000,"ack_wait":30000000000,"deliver_policy":"all","replay_policy":"instant"}"#;
    old_stream(old.path(), "S", meta);
    // One that cannot be read to its end, and one that cannot be read at all.
    old_stream(old.path(), "T", "no JSON");
    old_stream(old.path(), "U", meta);
    fs::write(old.path().join("jetstream/$G/streams/U/meta.key"), b"key").expect("a file");
    // It takes the archive in parts of one kilobyte.
    let (server, mut client) = serve(setup, store.path(), "max_payload: 1024\n");
    let (code, said) = copy(&server, "import-store", old.path(), &[]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((code, lines.len()), (1, 3), "{said}");
    assert!(lines[0].starts_with("S: 32 messages of "), "{said}");
    assert!(lines[0].ends_with(", sequences 2 to 40, 1 consumers"), "{said}");
    assert!(lines[1].starts_with("T: NOT COPIED: ") && lines[1].contains("obs/C/meta.inf"), "{said}");
    assert!(lines[2].starts_with("U: NOT COPIED: ") && lines[2].contains("encrypted"), "{said}");
    let info = done(&mut client, "CONSUMER.INFO.S.C", "");
    assert!(info.contains(r#""num_ack_pending":5"#), "{info}");
    // Nothing is left of the other one, and its name is free at once.
    done(&mut client, "STREAM.CREATE.T", r#"{"name":"T"}"#);
    let (code, said) = copy(&server, "import-store", old.path(), &["--account", "NONE"]);
    assert!(code == 1 && said.contains("No such file"), "{code}: {said}");
}

/// Whether some file below the folder has these bytes.
fn is_readable(folder: &Path, what: &[u8]) -> bool {
    fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("it is there").path();
        if path.is_dir() {
            return is_readable(&path, what);
        }
        fs::read(&path).expect("it can be read").windows(what.len()).any(|window| window == what)
    })
}

/// A backup has no key: it leaves one store and comes to another, under another key or none.
fn copies_go_in_and_out_of_stores_that_are_encrypted(setup: Setup) {
    let (stores, copies) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let folder = copies.path().join("backup");
    let first = stores.path().join("first");
    let (server, mut client) = serve_keyed(setup, &first, "key: one, cipher: aes", "");
    fill(&mut client, "A");
    let (code, said) = copy(&server, "backup", &folder, &[]);
    let line = "A: 3 messages of 120 bytes, sequences 1 to 3, 1 consumers\n";
    assert_eq!((code, &*said), (0, line));
    let old = TempDir::new().expect("a folder");
    let meta = r#"{"Created":"2026-01-01T00:00:00Z","Name":"C","durable_name":"C","ack_policy":"explicit","max_ack_pending":1000,"ack_wait":30000000000,"deliver_policy":"all","replay_policy":"instant"}"#;
    old_stream(old.path(), "S", meta);
    for (number, keys) in ["key: another", "key: \"a third\", cipher: aes", ""].into_iter().enumerate() {
        let store = stores.path().join(format!("store{number}"));
        let (mut server, mut client) = serve_keyed(setup, &store, keys, "");
        let (code, said) = copy(&server, "restore", &folder, &[]);
        assert_eq!((code, &*said), (0, line), "{keys}");
        let (code, said) = copy(&server, "import-store", old.path(), &[]);
        assert!(code == 0 && said.starts_with("S: 32 messages of "), "{keys}: {code}: {said}");
        assert_eq!(is_readable(&store, b"message 2"), keys.is_empty(), "{keys}");
        drop(client);
        server.stop().expect("it stops");
        assert_eq!(is_readable(&store, b"message 2"), keys.is_empty(), "{keys}, with what a stop writes");
        server.restart().expect("it starts");
        client = server.connect();
        client.subscribe("answers.*", 1);
        let info = done(&mut client, "CONSUMER.INFO.A.C", "");
        assert!(info.contains(r#""ack_floor":{"consumer_seq":1,"stream_seq":1"#), "{keys}: {info}");
        let got = done(&mut client, "STREAM.MSG.GET.A", r#"{"seq":2}"#);
        assert!(got.contains(r#""data":"bWVzc2FnZSAy""#), "{keys}: {got}");
        let info = done(&mut client, "CONSUMER.INFO.S.C", "");
        assert!(info.contains(r#""num_ack_pending":5"#), "{keys}: {info}");
    }
}

#[test]
fn a_backup_says_which_messages_it_lacks() {
    let (store, copies) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store-check/testdata/store-v1/jetstream");
    let copied = Command::new("cp").arg("-r").arg(golden).arg(store.path()).status();
    assert!(copied.expect("cp runs").success());
    // What is rotten at the start is not counted any more: this rots afterwards.
    let (server, mut client) = serve(Setup { shards: 1, ..Setup::default() }, store.path(), "");
    let segment = store.path().join("jetstream/logs/0/1.seg");
    let bytes = fs::read(&segment).expect("it is there");
    let what = b"order number 2";
    let at = bytes.windows(what.len()).position(|window| window == what).expect("it is in there");
    let file = OpenOptions::new().write(true).open(&segment).expect("it opens");
    file.write_all_at(b"O", at as u64).expect("it can be written");
    let folder = copies.path().join("backup");
    let (code, said) = copy(&server, "backup", &folder, &[]);
    let line = said.lines().find(|line| line.starts_with("ORDERS: ")).unwrap_or_default();
    assert!(
        code == 1 && line.ends_with("NOT ALL COPIED: NATS/1.0 500 snapshot check detected 1 bad messages"),
        "{said}"
    );
    // What can be read is there all the same.
    done(&mut client, "STREAM.DELETE.ORDERS", "");
    let (_, said) = copy(&server, "restore", &folder, &[]);
    assert!(said.contains("ORDERS: 3 messages of "), "{said}");
}
