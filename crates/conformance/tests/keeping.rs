//! Servers that keep streams: what they say at their start, what keeps them from it, and what becomes of limits in a
//! reload.
//!
//! All of this holds for nats-server 2.14.5 too (`BUSTER_SERVER_BIN=nats-server BUSTER_PEER=1`), but for two servers on one
//! store and files that are gone.

mod kept;

use std::path::Path;

use kept::{ACCOUNTS, Client, Kept, WORDS, config};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_kit::{START_DEADLINE, Server, ServerError, ServerOptions, Setup, on_every_setup};

on_every_setup!(
    limits_follow_the_configuration,
    what_was_found_again_is_said,
    a_reload_takes_jetstream_away_and_gives_it_back,
);

fn limits_follow_the_configuration(setup: Setup) {
    let kept = Kept::with_streams(setup);
    let mut client = Client::connect(&kept.server, "a");
    let promised = || {
        let jsz = kept.json("/jsz?acc=A");
        let account = &jsz["account_details"][0];
        (account["reserved_memory"].as_u64(), account["reserved_storage"].as_u64())
    };
    // Less than there is: nothing more is taken.
    kept.reloads(&ACCOUNTS.replace("max_file: 100M", "max_file: 100"));
    assert_eq!(promised(), (Some(10_000_000), Some(100)));
    assert_eq!(client.asks("o.1", "hello")["error"]["err_code"], 10002);
    // More than the server has: it stays as it was.
    let log = kept.reloads(&ACCOUNTS.replace("max_file: 100M", "max_file: 2G"));
    let line = "[ERR] Error enabling jetstream on configured accounts: insufficient storage resources available (10047)\n";
    assert!(log.contains(line), "{log}");
    assert_eq!(promised(), (Some(10_000_000), Some(100)));
    kept.reloads(&ACCOUNTS.replace("max_mem: 10M", "max_mem: 20M"));
    assert_eq!(promised(), (Some(20_000_000), Some(100_000_000)));
    assert_eq!(client.asks("o.1", "hello")["seq"], 6);
    let info = client.makes("INFO", &Value::Null);
    assert_eq!(
        (&info["limits"]["max_memory"], &info["limits"]["max_streams"]),
        (&20_000_000.into(), &10.into())
    );
    let new = "D { users: [ { user: d, password: x } ], jetstream { max_mem: 1M, max_file: 1M } }";
    kept.reloads(&format!("{ACCOUNTS} {new}"));
    let mut fresh = Client::connect(&kept.server, "d");
    fresh.makes("STREAM.CREATE.DS", &json!({ "name": "DS", "subjects": ["d"], "storage": "memory" }));
    assert_eq!(kept.json("/jsz")["total"], 3);
}

fn a_reload_takes_jetstream_away_and_gives_it_back(setup: Setup) {
    let kept = Kept::with_streams(setup);
    let mut client = Client::connect(&kept.server, "a");
    let without = ACCOUNTS.replace(", jetstream { max_mem: 10M, max_file: 100M, max_streams: 10 }", "");
    assert_ne!(without, ACCOUNTS);
    for _ in 0..2 {
        kept.reloads(&without);
        for request in ["INFO", "STREAM.INFO.ORDERS", "STREAM.NAMES"] {
            let said = client.asks(&format!("$JS.API.{request}"), "");
            assert_eq!(said["error"]["err_code"], 10039, "{request}");
        }
        let (status, ill) = kept.get("/healthz");
        assert_eq!(status, 503);
        assert!(ill.contains("JetStream stream 'A \\u003e ORDERS' could not be recovered"), "{ill}");
        assert_eq!(kept.json("/jsz")["streams"], 1, "that of B");
        kept.reloads(ACCOUNTS);
        let words = "[INF]   Recovering 2 consumers for stream - 'A > ORDERS'";
        kept.server.log().wait_for(words, START_DEADLINE).expect("it is said");
        let info = client.makes("STREAM.INFO.ORDERS", &Value::Null);
        assert_eq!((&info["state"]["messages"], &info["state"]["consumer_count"]), (&5.into(), &2.into()));
        let gone = client.asks("$JS.API.STREAM.INFO.MEM", "");
        assert_eq!(gone["error"]["err_code"], 10059, "it was in memory");
        assert_eq!(kept.json("/jsz")["consumers"], 2);
    }
    assert_eq!(client.asks("o.1", "hello")["seq"], 6);
}

/// As nats-server says it, but for how long each took: all are found at once.
fn what_was_found_again_is_said(setup: Setup) {
    let mut kept = Kept::with_streams(setup);
    kept.server.signal(Signal::TERM).expect("it runs");
    kept.server.wait().expect("it ends");
    kept.server.restart().expect("it starts");
    for words in [
        "[INF]   Restored 5 messages for stream 'A > ORDERS'",
        "[INF]   Restored 0 messages for stream 'B > BS'",
        "[INF]   Recovering 2 consumers for stream - 'A > ORDERS'",
        "to start JetStream",
    ] {
        kept.server.log().wait_for(words, START_DEADLINE).unwrap_or_else(|| panic!("{words}"));
    }
}

#[test]
fn what_the_server_has_is_said_at_its_start() {
    let kept = Kept::start(Setup::default());
    let dir = kept.folder.path().join("jetstream");
    let log = kept.server.log().text();
    for line in [
        "[INF] Starting JetStream".to_owned(),
        "[INF] ---------------- JETSTREAM ----------------".to_owned(),
        "[INF]   Strict:          true".to_owned(),
        "[INF]   Max Memory:      61.04 MB".to_owned(),
        "[INF]   Max Storage:     953.67 MB".to_owned(),
        format!("[INF]   Store Directory: \"{}\"", dir.display()),
        "[INF]   Domain:          hub".to_owned(),
        "[INF]   API Level:       4".to_owned(),
        "[INF] -------------------------------------------".to_owned(),
    ] {
        assert!(log.lines().any(|there| there.ends_with(&line)), "{line} in {log}");
    }
}

/// The last line of the log of a server that does not start with this configuration.
fn refusal(config: &str) -> String {
    let options = ServerOptions { config: Some(config.to_owned()), ..ServerOptions::default() };
    match Server::start(options) {
        Err(ServerError::EndedEarly { log, .. }) => log.lines().last().unwrap_or_default().to_owned(),
        other => panic!("it is to end: {other:?}"),
    }
}

#[test]
fn a_server_without_a_place_for_streams_does_not_start() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("it can be written");
    let refused = |place: &Path| refusal(&config(place, "", ACCOUNTS));
    let line = "[FTL] Can't start JetStream: storage directory is not a directory";
    assert!(refused(&file).ends_with(line), "{}", refused(&file));
    let line = "[FTL] Can't start JetStream: could not create storage directory - mkdir /proc/none: no such file or directory";
    let nowhere = refused(Path::new("/proc/none/streams"));
    assert!(nowhere.ends_with(line), "{nowhere}");
    let greedy = refusal(&config(folder.path(), "", &ACCOUNTS.replace("max_mem: 10M", "max_mem: 65M")));
    let line = "[FTL] Can't start JetStream: Error enabling jetstream on configured accounts: \
                insufficient memory resources available (10028)";
    assert!(greedy.ends_with(line), "{greedy}");
}

/// Ours alone: nats-server lets two servers write the same files.
#[test]
fn a_second_server_keeps_off_the_store_of_the_first() {
    if std::env::var_os("BUSTER_PEER").is_some() {
        return;
    }
    let kept = Kept::start(Setup::default());
    let dir = kept.folder.path();
    let refused = refusal(&config(dir, "", ACCOUNTS));
    let words = format!("store directory {} is in use by another server", dir.join("jetstream").display());
    assert!(refused.ends_with(&format!("[FTL] Can't start JetStream: {words}")), "{refused}");
}

/// Ours alone: nats-server begins anew where nothing is.
#[test]
fn a_server_whose_files_are_gone_does_not_start_until_they_are_back() {
    if std::env::var_os("BUSTER_PEER").is_some() {
        return;
    }
    let Kept { mut server, folder, .. } = Kept::with_streams(Setup::default());
    server.stop().expect("it ends");
    let config = config(folder.path(), WORDS, ACCOUNTS);
    let (logs, aside) = (folder.path().join("jetstream/logs"), folder.path().join("aside"));
    std::fs::rename(&logs, &aside).expect("they are there");
    // A second time as well: whoever starts servers does so again.
    for _ in 0..2 {
        let refused = refusal(&config);
        assert!(
            refused.contains("[FTL] Can't start JetStream: ") && refused.contains("is missing"),
            "{refused}"
        );
    }
    std::fs::rename(&aside, &logs).expect("they are there");
    server.restart().expect("it starts");
    let mut client = Client::connect(&server, "a");
    assert_eq!(client.makes("STREAM.INFO.ORDERS", &Value::Null)["state"]["messages"], 5);
}

#[test]
fn a_reload_gives_the_server_more_but_not_less() {
    let kept = Kept::start(Setup::default());
    let text = config(kept.folder.path(), WORDS, ACCOUNTS);
    let log = kept
        .server
        .reloaded(&text.replace("max_mem: 64M", "max_mem: 128M").replace("max_file: 1G", "max_file: 2G"));
    for line in ["JetStream max_mem_store = 122.07 MB", "JetStream max_file_store = 1.86 GB"] {
        assert!(log.contains(&format!("[INF] Reloaded: {line}\n")), "{log}");
    }
    let jsz = kept.json("/jsz");
    assert_eq!(jsz["config"]["max_memory"], 128_000_000);
    for (change, words) in [
        (text.clone(), "decreasing jetstream max memory and store"),
        (text.replace("domain: hub", "domain: other"), "decreasing jetstream max memory and store"),
        (text.replace("max_mem: 64M, max_file: 1G,", ""), "jetstream max memory and max store"),
    ] {
        let said = kept.server.reload(&change).expect("it answers");
        assert!(said.ends_with(&format!("config reload not supported for {words}")), "{said}");
    }
}
