//! The program itself: what it says when it starts, and when it refuses to.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use test_kit::{Io, Sandbox, Server, ServerBinary, ServerError, ServerOptions, Setup};

/// Runs the server to its end. Only for starts that are refused or end by themselves.
fn run(args: &[&str]) -> Output {
    let binary = ServerBinary::locate().expect("the server builds");
    Command::new(binary.path).args(args).output().expect("the server runs")
}

fn refusal(args: &[&str]) -> String {
    let output = run(args);
    assert!(!output.status.success(), "{args:?} must not count as success");
    String::from_utf8(output.stderr).expect("errors are text")
}

#[test]
fn an_unknown_flag_is_named_in_the_peers_words() {
    assert_eq!(refusal(&["-zz"]), "flag provided but not defined: -zz\n");
}

#[test]
fn a_flag_that_is_not_supported_yet_is_named_with_what_is_missing() {
    let missing = "there is no profile to ask for over HTTP";
    let wanted = format!("buster-server: flag -profile is not supported yet: {missing}\n");
    assert_eq!(refusal(&["-profile", "6060"]), wanted);
}

#[test]
fn a_configuration_file_is_checked_without_starting() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("nats.conf");
    let path = file.to_str().expect("a plain path");
    fs::write(&file, "port: 4222\n").expect("a file");
    let output = run(&["-t", "-c", path]);
    // nats-server 2.14.5 has the same digest.
    let digest = "sha256:797533ebd0dfba7d34a0f9337ecf147e442871f48ddfd07ed751575a5737267e";
    let wanted = format!("buster-server: configuration file {path} is valid ({digest})\n");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), wanted);

    fs::write(&file, "port: 4222\nbogus: 1\nping_interval: 5\n").expect("a file");
    let wanted = format!(
        "buster-server: {path}:3:1: invalid use of field \"ping_interval\": ping_interval should be converted \
         to a duration\n{path}:2:1: unknown field \"bogus\"\n"
    );
    for flags in [&["-t", "-c", path][..], &["-c", path]] {
        assert_eq!(refusal(flags), wanted);
    }
}

#[test]
fn a_port_in_use_is_a_fatal_line_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let said = refusal(&["-a", "127.0.0.1", "-p", &port]);
    let fatal = format!(
        "[FTL] Error listening on port: 127.0.0.1:{port}, \"listen tcp 127.0.0.1:{port}: bind: address already in use\""
    );
    assert!(said.lines().last().is_some_and(|line| line.contains(&fatal)), "{said}");
}

/// As nats-server 2.14.5 says it, and as soon.
#[test]
fn a_host_that_can_be_none_is_refused_without_asking_for_it() {
    for host in ["999.999.999.999", "1.2.3", "127.1", "a b"] {
        let clients = refusal(&["-a", host, "-p", "4333"]);
        let fatal = format!(
            "[FTL] Error listening on port: {host}:4333, \"listen tcp: lookup {host}: no such host\""
        );
        assert!(clients.lines().last().is_some_and(|line| line.ends_with(&fatal)), "{clients}");
        let monitoring = refusal(&["-a", host, "-p", "4333", "-m", "8333"]);
        let fatal = format!(
            "[FTL] Can't start monitoring: can't listen to the monitor port: listen tcp: lookup {host}: no such host"
        );
        assert!(monitoring.lines().last().is_some_and(|line| line.ends_with(&fatal)), "{monitoring}");
    }
}

/// The text of each line of a log behind its level; numbers that the system chose are blanked.
fn texts(log: &str) -> Vec<String> {
    let text = |line: &str| {
        let text = line.find("[INF] ").or(line.find("[WRN] ")).map_or(line, |at| &line[at..]);
        let text = text.split_once(" (sha256:").map_or(text, |(before, _)| before);
        text.trim_end_matches(|character: char| character.is_ascii_digit()).to_owned()
    };
    log.lines().map(text).collect()
}

/// The order is nats-server 2.14.5's; `Shards` and `I/O` are ours.
#[test]
fn the_first_lines_of_the_log_have_their_order() {
    let config = "max_payload: 8388609\nauthorization { user: a, password: b }\nhttp: \"127.0.0.1:-1\"\n";
    let options = ServerOptions {
        setup: Setup { shards: 1, io: Io::Epoll },
        config: Some(config.into()),
        args: vec!["-n".into(), "first".into()],
        ..ServerOptions::default()
    };
    let server = Server::start(options).expect("it starts");
    let lines = texts(&server.log().text());
    let rest: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.contains("  ID:  ")).collect();
    let begins = |at: usize, text: &str| assert!(rest[at].starts_with(text), "{at}: {rest:#?}");
    assert_eq!(rest[0], "[INF] Starting nats-server");
    begins(1, "[INF]   Version:  2.14.5 (buster-server ");
    assert_eq!(rest[2..4], ["[INF]   Name:     first", "[INF]   Shards:   "]);
    let rest = &rest[if rest[4].contains("Memory:") { 5 } else { 4 }..];
    assert_eq!(rest[0], "[WRN] Plaintext passwords detected, use nkeys or bcrypt");
    assert!(rest[1].starts_with("[INF] Using configuration file: "), "{rest:#?}");
    let end = [
        "[WRN] Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance",
        "[INF] Starting http monitor on 127.0.0.1:",
        "[INF]   I/O:      epoll",
        "[INF] Listening for client connections on 127.0.0.1:",
        "[INF] Server is ready",
    ];
    assert_eq!(rest[2..], end);
}

#[test]
fn what_is_not_unwise_is_not_warned_of() {
    let setup = Setup { shards: 1, io: Io::Epoll };
    for config in
        ["max_payload: 8MB", "max_payload: -1", "authorization { user: a }", "authorization { token: t }"]
    {
        let server = Server::configured(setup, config);
        assert!(!server.log().contains("[WRN]"), "{config}: {}", server.log().text());
    }
    for config in ["authorization { users: [ { user: a } ] }", "authorization { password: x }"] {
        let server = Server::configured(setup, config);
        assert!(server.log().contains("[WRN] Plaintext passwords detected, use nkeys or bcrypt"), "{config}");
    }
}

/// Names are shown as they were given, and what they stand for is an address that every client can reach.
#[test]
fn localhost_is_listened_on_by_ipv4() {
    let dir = tempfile::tempdir().expect("a directory");
    let notify = dir.path().join("notify");
    let manager = UnixDatagram::bind(&notify).expect("a socket");
    let log = dir.path().join("log");
    let mut child = Command::new(ServerBinary::locate().expect("the server builds").path)
        .args(["-a", "localhost", "-p", "-1", "-m", "-1", "--shards", "1", "--ports_file_dir"])
        .arg(dir.path())
        .arg("-l")
        .arg(&log)
        .env("NOTIFY_SOCKET", &notify)
        .stderr(Stdio::null())
        .spawn()
        .expect("the server runs");
    assert_eq!(manager.recv(&mut [0; 64]).expect("it is ready"), "READY=1\n".len());
    let ports = fs::read_to_string(dir.path().join(format!("buster-server_{}.ports", child.id())));
    let said = fs::read_to_string(&log).expect("there is a log");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let ports: serde_json::Value = serde_json::from_str(&ports.expect("there is a file")).expect("JSON");
    for (key, scheme, line) in [
        ("nats", "nats", "Listening for client connections on localhost:"),
        ("monitoring", "http", "Starting http monitor on localhost:"),
    ] {
        let url = ports[key][0].as_str().expect("a URL");
        let port = url.strip_prefix(&format!("{scheme}://127.0.0.1:")).expect(url);
        assert!(said.contains(&format!("{line}{port}\n")), "{said}");
    }
}

#[test]
fn too_little_locked_memory_is_one_line_that_says_what_to_do() {
    let setup = Setup { shards: 1, io: Io::Uring };
    let said = refused(ServerOptions { setup, locked_kib_max: Some(64), ..ServerOptions::default() });
    assert!(said.contains("[FTL] the limit on locked memory is 65536 bytes"), "{said}");
    assert!(said.contains("ulimit -l") && said.lines().count() == 1, "{said}");
}

#[test]
fn with_too_little_locked_memory_epoll_does_and_the_log_says_so() {
    let options = ServerOptions { locked_kib_max: Some(64), ..ServerOptions::default() };
    let server = Server::start(options).expect("it starts all the same");
    assert_works(&server);
    let log = server.log().text();
    assert!(log.contains("I/O:      epoll, since the limit on locked memory is 65536 bytes"), "{log}");
}

/// The C library promises each thread a heap of 64 MiB, and what is then left was too little for some shards
/// in the middle of their start: the process was aborted without a word.
#[test]
fn under_a_limit_on_addresses_shards_serve_or_say_why_not() {
    for megabytes in [100, 200, 300, 400, 700, 1000] {
        for (shards, io) in [(1, Io::Uring), (4, Io::Uring), (8, Io::Uring), (1, Io::Epoll), (8, Io::Epoll)] {
            let setup = Setup { shards, io };
            let address_kib_max = Some(megabytes * 1000);
            match Server::start(ServerOptions { setup, address_kib_max, ..ServerOptions::default() }) {
                Ok(mut server) => {
                    assert_works(&server);
                    server.signal(Signal::TERM).expect("it runs");
                    assert_eq!(server.wait().expect("it ends").code(), Some(0), "{megabytes} MB, {setup}");
                }
                Err(ServerError::EndedEarly { status, log }) => {
                    assert!(megabytes < 400, "{megabytes} MB are enough for {setup}: {log}");
                    assert_eq!(status.code(), Some(1), "{megabytes} MB, {setup}: {log}");
                    assert!(
                        log.lines().last().is_some_and(|line| line.contains("[FTL] no room for ")),
                        "{log}"
                    );
                }
                Err(error) => panic!("{megabytes} MB, {setup}: {error}"),
            }
        }
    }
}

#[test]
fn shards_without_room_are_one_line_that_says_what_to_do() {
    let setup = Setup { shards: 8, io: Io::Uring };
    let said = refused(ServerOptions { setup, address_kib_max: Some(64_000), ..ServerOptions::default() });
    assert!(said.contains("[FTL] no room for 8 shards: 72 MiB of addresses are not to be had"), "{said}");
    assert!(said.contains("ulimit -v") && said.lines().count() == 1, "{said}");
}

#[test]
fn where_io_uring_has_no_room_epoll_does_and_the_log_says_so() {
    let setup = Setup { shards: 32, io: Io::Auto };
    let options = ServerOptions { setup, address_kib_max: Some(210 << 10), ..ServerOptions::default() };
    let server = Server::start(options).expect("it starts all the same");
    assert_works(&server);
    let log = server.log().text();
    assert!(log.contains("I/O:      epoll, since no room for 32 shards: 216 MiB of addresses"), "{log}");
}

/// What a server says that must not start.
fn refused(options: ServerOptions) -> String {
    match Server::start(options) {
        Err(ServerError::EndedEarly { log, .. }) => log,
        other => panic!("it must not start: {other:?}"),
    }
}

/// One message from one client to another.
fn assert_works(server: &Server) {
    let (mut publisher, mut subscriber) = (server.connect(), server.connect());
    subscriber.subscribe("greet", 1);
    subscriber.flush();
    publisher.publish("greet", "hello");
    assert_eq!(subscriber.next_message().text(), "hello");
}

#[test]
fn where_a_container_refuses_io_uring_epoll_does_and_the_log_says_so() {
    for shards in [1, 2] {
        let setup = Setup { shards, io: Io::Auto };
        let options = ServerOptions { setup, sandbox: Sandbox::NoIoUring, ..ServerOptions::default() };
        let server = Server::start(options).expect("it starts all the same");
        assert_works(&server);
        let log = server.log().text();
        let said = log.lines().find(|line| line.contains("I/O:")).expect("the log names the backend");
        let why = "[INF]   I/O:      epoll, since io_uring is refused here (Operation not permitted";
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn io_uring_that_is_asked_for_and_refused_is_one_line_that_says_what_to_do() {
    let setup = Setup { shards: 1, io: Io::Uring };
    let options = ServerOptions { setup, sandbox: Sandbox::NoIoUring, ..ServerOptions::default() };
    let said = refused(options);
    assert!(said.contains("[FTL] io_uring is refused here (Operation not permitted"), "{said}");
    assert!(said.contains("seccomp=unconfined") && said.lines().count() == 1, "{said}");
}

#[test]
fn the_log_names_the_backend() {
    for (io, line) in [
        (Io::Auto, "[INF]   I/O:      io_uring\n"),
        (Io::Uring, "[INF]   I/O:      io_uring\n"),
        (Io::Epoll, "[INF]   I/O:      epoll\n"),
    ] {
        let server = Server::with(Setup { shards: 1, io });
        assert!(server.log().text().contains(line), "{}", server.log().text());
    }
}

#[test]
fn a_server_that_spins_before_it_sleeps_serves_and_stops() {
    for io in [Io::Uring, Io::Epoll] {
        let (setup, args) = (Setup { shards: 2, io }, vec!["--busy-poll".to_owned(), "20ms".to_owned()]);
        let mut server =
            Server::start(ServerOptions { setup, args, ..ServerOptions::default() }).expect("it starts");
        for _ in 0..10 {
            assert_works(&server);
        }
        assert!(server.stop().expect("it stops").success());
    }
}

#[test]
fn under_the_name_nats_server_the_version_is_the_line_that_clients_parse() {
    let directory = tempfile::tempdir().expect("a directory");
    let name = directory.path().join("nats-server");
    let binary = ServerBinary::locate().expect("the server builds");
    std::os::unix::fs::symlink(&binary.path, &name).expect("a symlink");
    let output = Command::new(name).arg("-v").output().expect("the server runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "nats-server: v2.14.5\n");
    let own = run(&["-v"]);
    assert!(output.status.success() && own.status.success());
    assert!(String::from_utf8_lossy(&own.stdout).starts_with("buster-server: v"));
}

#[test]
fn a_trace_shows_the_protocol_and_keeps_secrets() {
    let args = vec!["-DV".to_owned(), "-n".to_owned(), "traced".to_owned()];
    let server = Server::start(ServerOptions { args, ..ServerOptions::default() }).expect("it starts");
    let mut client = server.connect();
    client.send("CONNECT {\"verbose\":false,\"name\":\"spy\",\"pass\":\"hush\"}\r\nSUB a.b 7\r\nUNSUB 7\r\n");
    client.flush();
    for line in ["<<- [SUB a.b 7]", "<<- [UNSUB 7]", "[DBG] ", "Name:     traced"] {
        assert!(server.log().wait_for(line, Duration::from_secs(10)).is_some(), "no {line} in the log");
    }
    assert!(!server.log().text().contains("hush"));
}

/// The log file is a pipe here, so that reading it waits for the lines.
#[test]
fn a_log_file_gets_the_lines_instead_of_standard_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("log");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
    let mut child = Command::new(ServerBinary::locate().expect("the server builds").path)
        .args(["-a", "127.0.0.1", "-p", "-1", "--shards", "1", "-l"])
        .arg(&path)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server runs");
    let pid = child.id();
    let log = BufReader::new(File::open(&path).expect("the pipe opens"));
    let lines: Vec<String> = log
        .lines()
        .map(|line| line.expect("lines are text"))
        .take_while(|line| !line.contains("Server is ready"))
        .collect();
    child.kill().expect("it can be killed");
    let output = child.wait_with_output().expect("it ends");
    assert!(lines[0].starts_with(&format!("[{pid}] ")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("[INF] Listening for client connections on 127.0.0.1:")));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
