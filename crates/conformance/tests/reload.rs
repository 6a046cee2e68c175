//! A configuration that changes while the server runs: HUP, on one shard and on several.
//!
//! What becomes of connections was asked of nats-server 2.14.5; all of this holds for it too
//! (`BUSTER_SERVER_BIN=nats-server BUSTER_PEER=1`).

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use test_kit::{RawClient, Server, ServerBinary, ServerOp, Setup, on_every_setup};

on_every_setup!(
    a_lower_limit_on_messages_holds_for_connections_that_are_there,
    connections_beyond_a_lower_maximum_are_closed,
    a_refused_change_changes_nothing,
    a_mistake_in_the_file_changes_nothing,
);

/// Clients enough to be on every shard.
fn clients(server: &Server) -> Vec<RawClient> {
    (0..4).map(|_| server.connect()).collect()
}

fn end(mut client: RawClient) -> String {
    String::from_utf8(client.read_to_close()).expect("what servers say is text")
}

fn a_lower_limit_on_messages_holds_for_connections_that_are_there(setup: Setup) {
    let server = Server::configured(setup, "max_payload: 20\n");
    let clients = clients(&server);
    let log = server.reloaded("max_payload: 10\nmax_control_line: 512\nping_max: 7\n");
    for line in ["max_payload = 10", "max_control_line = 512", "ping_max = 7"] {
        assert!(log.contains(&format!("[INF] Reloaded: {line}\n")), "{log}");
    }
    for mut client in clients {
        client.publish("a", "0123456789");
        client.flush();
        client.send("PUB a 11\r\n");
        assert_eq!(end(client), "-ERR 'Maximum Payload Violation'\r\n");
    }
    let ServerOp::Info(info) = RawClient::dial(server.addr()).next_op() else { panic!("INFO comes first") };
    assert!(info.contains("\"max_payload\":10,"), "{info}");
}

fn connections_beyond_a_lower_maximum_are_closed(setup: Setup) {
    let server = Server::configured(setup, "max_connections: 100\n");
    let clients = clients(&server);
    let log = server.reloaded("max_connections: 1\n");
    assert!(log.contains("[INF] Closed 3 connections to fall within max_connections\n"), "{log}");
    assert!(log.contains("[INF] Reloaded: max_connections = 1\n"), "{log}");
    let stayed = clients.into_iter().filter_map(|mut client| {
        let _ = client.try_send("PING\r\n");
        let stays = loop {
            match client.next_op() {
                ServerOp::Pong => break true,
                ServerOp::Err(text) if text == "maximum connections exceeded" => break false,
                ServerOp::Info(_) => {}
                other => panic!("{other:?}"),
            }
        };
        stays.then_some(client)
    });
    assert_eq!(stayed.count(), 1);
}

fn a_refused_change_changes_nothing(setup: Setup) {
    let server = Server::configured(setup, "max_payload: 20\n");
    let mut client = server.connect();
    let line = server.reload("max_payload: 5\nmax_pending: 10MB\n").expect("it answers");
    let refusal = "config reload not supported for MaxPending: old=67108864, new=10485760";
    assert!(line.ends_with(&format!("[ERR] Failed to reload server configuration: {refusal}")), "{line}");
    client.publish("a", "0123456789");
    client.flush();
    assert!(!server.log().contains("Reloaded"));
    server.reloaded("max_payload: 5\n");
    client.send("PUB a 6\r\n");
    assert_eq!(end(client), "-ERR 'Maximum Payload Violation'\r\n");
}

fn a_mistake_in_the_file_changes_nothing(setup: Setup) {
    let server = Server::configured(setup, "max_payload: 20\n");
    let mut client = server.connect();
    for (config, mistake) in [
        ("max_payload: 5\nbogus: 1\n", "server.conf:2:1: unknown field \"bogus\""),
        ("max_payload: [\n", "Parse error on line 2: "),
        ("max_payload: \"x\"\n", "server.conf:1:0: "),
    ] {
        let line = server.reload(config).expect("it answers");
        assert!(line.contains("[ERR] Failed to reload server configuration: "), "{line}");
        assert!(line.contains(mistake), "{line}");
        client.publish("a", "0123456789");
        client.flush();
    }
}

#[test]
fn the_log_changes_its_level_and_its_place() {
    let server = Server::configured(Setup::default(), "debug: false\n");
    let _client = server.connect();
    assert!(!server.log().contains("[DBG]"));
    let log = server.reloaded("debug: true\n");
    assert!(log.contains("[INF] Reloaded: debug = true\n"), "{log}");
    drop(server.connect());
    assert!(server.log().wait_for("[DBG]", test_kit::ANSWER_DEADLINE).is_some());

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("s.log");
    let config = |path: &std::path::Path| format!("log_file: \"{}\"\n", path.display());
    if !ServerBinary::locate().expect("the server builds").is_peer {
        // nats-server ends if it cannot open its log.
        let line = server.reload(&config(&dir.path().join("none/s.log"))).expect("it answers");
        let place = format!("{}:1:0", server.config_file().display());
        let failed = format!("Failed to reload server configuration: {place}: error opening log file");
        assert!(line.contains(&failed), "{line}");
    }
    // Which log the answer goes to is told by the file.
    let _ = fs::write(&path, "");
    move_log(&server, &config(&path), &path);
    let text = fs::read_to_string(&path).expect("there is a log");
    assert!(text.contains("Reloaded server configuration"), "{text}");
}

/// In the words of a start that fails on them.
#[test]
fn what_cannot_be_made_ready_is_named_with_its_place() {
    let server = Server::configured(Setup::default(), "debug: false\n");
    for (config, said) in [
        (
            "debug: true\ntls { cert_file: \"/none/c\", key_file: \"/none/k\" }\n",
            "2:1: error parsing X509 certificate/key pair: open /none/c: ",
        ),
        (
            "debug: true\nmax_payload: 65MB\n",
            "2:1: max_payload (68157440) cannot be higher than max_pending ",
        ),
        ("shards: 100\n", "1:0: invalid value 100 for shards: must be between 1 and 64"),
    ] {
        let line = server.reload(config).expect("it answers");
        let place = server.config_file();
        let failed = format!("Failed to reload server configuration: {}:{said}", place.display());
        assert!(line.contains(&failed), "{line}");
    }
}

/// Reloads so that the log goes to a file, and waits until it says so there.
fn move_log(server: &Server, config: &str, path: &std::path::Path) {
    fs::write(server.config_file(), config).expect("the file can be written");
    server.signal(Signal::HUP).expect("it runs");
    while !fs::read_to_string(path).is_ok_and(|text| text.contains("server configuration")) {
        std::thread::yield_now();
    }
}

#[test]
fn what_time_lame_duck_mode_takes_is_settled_at_the_start() {
    let config = |duration, grace| {
        format!("lame_duck_duration: \"{duration}\"\nlame_duck_grace_period: \"{grace}\"\n")
    };
    let server = Server::configured(Setup::default(), &config("60s", "5s"));
    for (duration, grace, refusal) in [
        ("70s", "5s", "LameDuckDuration: old=1m0s, new=1m10s"),
        ("60s", "6s", "LameDuckGracePeriod: old=5s, new=6s"),
    ] {
        let line = server.reload(&config(duration, grace)).expect("it answers");
        let refusal = format!("config reload not supported for {refusal}");
        assert!(line.ends_with(&format!("Failed to reload server configuration: {refusal}")), "{line}");
    }
}

/// At the start there are warnings about each of these.
#[test]
fn what_is_only_odd_is_reloaded_without_a_warning() {
    let server = Server::configured(Setup::default(), "debug: false\n");
    for (config, line) in [
        ("ping_interval: 5\n", "ping_interval = 5s"),
        ("", "ping_interval = 2m0s"),
        ("authorization { users: [ {user: a, password: x} ] }\n", "authorization users"),
    ] {
        let log = server.reloaded(config);
        assert!(log.contains(&format!("[INF] Reloaded: {line}\n")), "{log}");
        assert!(log.lines().all(|line| line.contains("[INF]")), "{log}");
    }
}

#[test]
fn without_a_file_there_is_nothing_to_reload() {
    let server = Server::with(Setup::default());
    server.signal(Signal::HUP).expect("it runs");
    let wanted = "Failed to reload server configuration: \
                  can only reload config when a file is provided using -c or --config";
    assert!(server.log().wait_for(wanted, test_kit::ANSWER_DEADLINE).is_some());
}

/// The kit's servers have their port from a flag; this one has it from its file.
#[test]
fn a_change_of_port_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("x.conf");
    fs::write(&config, "listen: \"127.0.0.1:-1\"\n").expect("the file can be written");
    let binary = ServerBinary::locate().expect("the server builds");
    let mut command = Command::new(binary.path);
    let mut server: Child = command.arg("-c").arg(&config).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(server.stderr.take().expect("it is piped")).lines();
    let mut line_with = |text: &str| {
        let mut lines = lines.by_ref().map(|line| line.expect("the log is text"));
        lines.find(|line| line.contains(text)).expect("the line comes")
    };
    let listening = line_with("Listening for client connections on ");
    let port = listening.rsplit(':').next().expect("a port is named").to_owned();
    line_with("Server is ready");
    for (listen, answer) in [
        ("127.0.0.1:-1".to_owned(), "[INF] Reloaded server configuration".to_owned()),
        ("127.0.0.1:1".to_owned(), format!("config reload not supported for Port: old={port}, new=1")),
        (
            "0.0.0.0:-1".to_owned(),
            "config reload not supported for Host: old=127.0.0.1, new=0.0.0.0".to_owned(),
        ),
    ] {
        fs::write(&config, format!("listen: \"{listen}\"\n")).expect("the file can be written");
        kill_process(Pid::from_child(&server), Signal::HUP).expect("it runs");
        let line = line_with("server configuration");
        assert!(line.contains(&answer), "{line}");
    }
    server.kill().expect("it runs");
    server.wait().expect("it ends");
}
