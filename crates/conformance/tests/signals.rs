//! What operators do to a server that runs: signals, `--signal`, and who else is told of its state.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;
use test_kit::{ANSWER_DEADLINE, RawClient, Server, ServerBinary, ServerOptions, Setup, on_every_setup};

on_every_setup!(
    a_killed_server_takes_no_more_connections,
    a_server_without_clients_leaves_lame_duck_mode_at_once,
    lame_duck_mode_tells_clients_and_waits,
    who_waits_for_messages_is_told_that_the_server_stops
);

/// Waits for a line of the log.
fn await_line(server: &Server, text: &str) {
    assert!(server.log().wait_for(text, ANSWER_DEADLINE).is_some(), "no {text} in\n{}", server.log().text());
}

/// The texts of the log from the first signal on.
fn lines_from_signal(server: &Server) -> Vec<String> {
    let text = server.log().text();
    let lines = text.lines().skip_while(|line| !line.contains("Trapped"));
    lines.map(|line| line[line.find("[INF]").unwrap_or(0)..].to_owned()).collect()
}

fn with_args(args: &[&str]) -> Server {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    Server::start(ServerOptions { args, ..ServerOptions::default() }).expect("the server starts")
}

fn run(args: &[&str]) -> Output {
    let binary = ServerBinary::locate().expect("the server builds");
    Command::new(binary.path).args(args).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn int_and_term_end_the_server_in_good_order() {
    for (signal, name) in [(Signal::INT, "interrupt"), (Signal::TERM, "terminated")] {
        let mut server = Server::with(Setup::default());
        let mut client = server.connect();
        client.flush();
        server.signal(signal).expect("it runs");
        assert_eq!(server.wait().expect("it ends").code(), Some(0));
        assert_eq!(client.read_to_close(), b"");
        let trapped = format!("[INF] Trapped {name:?} signal");
        let wanted = [&trapped, "[INF] Initiating Shutdown...", "[INF] Server Exiting.."];
        assert_eq!(lines_from_signal(&server), wanted);
    }
}

#[test]
fn quit_ends_the_server_at_once_with_the_peers_code() {
    let mut server = Server::with(Setup::default());
    server.signal(Signal::QUIT).expect("it runs");
    assert_eq!(server.wait().expect("it ends").code(), Some(2));
}

/// By number: those from 35 on have no names.
fn send(server: &Server, signal: i32) {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(server.pid().to_string()).status();
    assert!(sent.expect("kill runs").success(), "{signal}");
}

/// nats-server 2.14.5 was sent each of them: ALRM, VTALRM, PROF, XCPU, XFSZ, IO, PWR and those in real time
/// go by, all but the first of the latter.
#[test]
fn signals_that_go_takes_no_notice_of_are_ignored() {
    let mut server = Server::with(Setup::default());
    let mut client = server.connect();
    for signal in [14, 24, 25, 26, 27, 29, 30].into_iter().chain(35..=64) {
        send(&server, signal);
        client.flush();
    }
    assert!(!server.log().contains("Trapped"), "nothing is said of them");
    server.signal(Signal::TERM).expect("it runs");
    assert_eq!(server.wait().expect("it ends").code(), Some(0));
    let mut other = Server::with(Setup::default());
    send(&other, 34);
    assert_eq!(other.wait().expect("it ends").signal(), Some(34));
}

/// What is beyond the limit is lost, and nothing else.
#[test]
fn a_log_beyond_the_limit_on_files_does_not_end_the_server() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, notify) = (dir.path().join("log"), dir.path().join("notify"));
    let manager = UnixDatagram::bind(&notify).expect("a socket");
    let limit_bytes = 512;
    let mut child = Command::new("/bin/sh")
        .args(["-c", "ulimit -f 1 && exec \"$0\" \"$@\""])
        .arg(ServerBinary::locate().expect("the server builds").path)
        .args(["-a", "127.0.0.1", "-p", "-1", "--shards", "1", "-l", log.to_str().expect("text")])
        .env("NOTIFY_SOCKET", &notify)
        .stderr(Stdio::null())
        .spawn()
        .expect("the server runs");
    assert_eq!(next_state(&manager), "READY=1\n");
    assert!(run(&["--signal", &format!("term={}", child.id())]).status.success());
    assert_eq!(next_state(&manager), "STOPPING=1\n");
    assert!(child.wait().expect("it ends").success());
    let said = fs::metadata(&log).expect("it was opened").len();
    assert!(
        (1..=2 * limit_bytes).contains(&said),
        "{said} bytes: a block is 512 or 1,024, as the shell has it"
    );
}

/// The kernel closed the listener some time after the process had ended: a client got through to nobody
/// instead of turning to the next server.
fn a_killed_server_takes_no_more_connections(setup: Setup) {
    let mut server = Server::with(setup);
    server.connect().flush();
    server.kill().expect("it runs");
    let refused = TcpStream::connect(server.addr()).map(drop).map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::ConnectionRefused));
}

/// nats.py's ordered consumers, for one, only then begin anew at once.
fn who_waits_for_messages_is_told_that_the_server_stops(setup: Setup) {
    let store = tempfile::tempdir().expect("there is room for files");
    let args = vec!["-js".into(), "-sd".into(), store.path().display().to_string()];
    let mut server =
        Server::start(ServerOptions { setup, args, ..ServerOptions::default() }).expect("it starts");
    // As many clients as make sure that there are some on every shard.
    let mut clients: Vec<RawClient> = (0..8).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.subscribe("answer.*", 1);
    }
    let maker = &mut clients[0];
    for (what, body) in [
        ("STREAM.CREATE.S", r#"{"name":"S","subjects":["s"]}"#),
        ("CONSUMER.CREATE.S.C", r#"{"stream_name":"S","config":{"name":"C","ack_policy":"explicit"}}"#),
    ] {
        maker.send(format!("PUB $JS.API.{what} answer.made {}\r\n{body}\r\n", body.len()));
        assert!(String::from_utf8_lossy(&maker.next_message().payload).contains("created"));
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.flush();
        client.subscribe(&format!("wait.{number}"), 2);
        client.send(format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.C wait.{number} 12\r\n{{\"batch\": 7}}\r\n"));
        client.flush();
    }
    // The consumer may be on another shard than a client.
    let asker = &mut clients[0];
    loop {
        asker.send("PUB $JS.API.CONSUMER.INFO.S.C answer.info 0\r\n\r\n");
        if String::from_utf8_lossy(&asker.next_message().payload).contains("\"num_waiting\":8") {
            break;
        }
    }
    server.signal(Signal::TERM).expect("it runs");
    for client in &mut clients {
        let said = String::from_utf8_lossy(&client.read_to_close()).into_owned();
        let told =
            "NATS/1.0 409 Server Shutdown\r\nNats-Pending-Messages: 7\r\nNats-Pending-Bytes: 0\r\n\r\n";
        assert!(said.contains(told), "{said}");
    }
    assert_eq!(server.wait().expect("it ends").code(), Some(0));
}

fn a_server_without_clients_leaves_lame_duck_mode_at_once(setup: Setup) {
    let mut server = Server::with(setup);
    server.signal(Signal::USR2).expect("it runs");
    assert_eq!(server.wait().expect("it ends").code(), Some(0));
    let wanted = [
        "[INF] Trapped \"user defined signal 2\" signal",
        "[INF] Entering lame duck mode, stop accepting new clients",
        "[INF] Initiating Shutdown...",
        "[INF] Server Exiting..",
    ];
    assert_eq!(lines_from_signal(&server), wanted);
}

/// A client that may get an INFO at any time.
fn informed(server: &Server) -> RawClient {
    let mut client = RawClient::dial(server.addr());
    client.send("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n");
    client.read_to_pong();
    client.flush(); // The INFO behind the first PONG.
    client
}

fn lame_duck_mode_tells_clients_and_waits(setup: Setup) {
    let mut server = Server::with(setup);
    let mut told: Vec<RawClient> = (0..4).map(|_| informed(&server)).collect();
    let mut old = server.connect();
    old.flush();
    server.signal(Signal::USR2).expect("it runs");
    for client in &mut told {
        let info = format!("{:?}", client.next_op());
        assert!(info.contains("ldm"), "{info}");
    }
    // The kernel may let go of a listener a little later than the server does.
    while TcpStream::connect(server.addr()).is_ok() {
        std::thread::yield_now();
    }
    for (signal, name) in [(Signal::TERM, "\"terminated\""), (Signal::USR2, "\"user defined signal 2\"")] {
        server.signal(signal).expect("it runs");
        await_line(&server, name);
    }
    for client in told.iter_mut().chain([&mut old]) {
        client.flush();
    }
    server.signal(Signal::INT).expect("it runs");
    assert_eq!(server.wait().expect("it ends").code(), Some(0));
    assert!(!server.log().contains("Closing existing clients"), "the grace period was not over");
}

#[test]
fn a_log_file_that_was_moved_is_opened_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let (path, moved) = (dir.path().join("s.log"), dir.path().join("s.log.1"));
    // Standard error has the lines that tell when the server is ready, so another server moves.
    let server = with_args(&[]);
    server.signal(Signal::USR1).expect("it runs");
    await_line(&server, "File log re-open ignored, not a file logger");

    let pid_file = dir.path().join("pid");
    let notify = dir.path().join("notify");
    let manager = UnixDatagram::bind(&notify).expect("a socket");
    let mut child = Command::new(ServerBinary::locate().expect("the server builds").path)
        .args(["-a", "127.0.0.1", "-p", "-1", "--shards", "1", "-l", path.to_str().expect("text")])
        .args(["-P", pid_file.to_str().expect("text")])
        .env("NOTIFY_SOCKET", &notify)
        .stderr(Stdio::null())
        .spawn()
        .expect("the server runs");
    assert_eq!(next_state(&manager), "READY=1\n");
    fs::rename(&path, &moved).expect("it is there");
    let signal = |word: &str| run(&["--signal", &format!("{word}={}", pid_file.display())]);
    assert!(signal("reopen").status.success());
    // The answer to a reload comes behind that to the reopening.
    assert!(signal("reload").status.success());
    assert!(next_state(&manager).starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(next_state(&manager), "READY=1\n");
    let said = fs::read_to_string(&path).expect("it was opened again");
    assert!(said.lines().next().expect("a line").ends_with("[INF] File log re-opened"), "{said}");
    assert!(fs::read_to_string(&moved).expect("it was moved").contains("Server is ready"));
    assert!(signal("term").status.success());
    assert_eq!(next_state(&manager), "STOPPING=1\n");
    assert!(child.wait().expect("it ends").success());
    assert!(fs::read_to_string(&path).expect("it is there").ends_with("[INF] Server Exiting..\n"));
}

/// What systemd would be told.
fn next_state(manager: &UnixDatagram) -> String {
    manager.set_read_timeout(Some(ANSWER_DEADLINE)).expect("a timeout");
    let mut buffer = [0; 1000];
    let len = manager.recv(&mut buffer).expect("the server tells its state");
    text(&buffer[..len])
}

#[test]
fn without_a_configuration_file_there_is_nothing_to_reload() {
    let server = with_args(&[]);
    server.signal(Signal::HUP).expect("it runs");
    await_line(&server, "[INF] Trapped \"hangup\" signal");
    let reason = "can only reload config when a file is provided using -c or --config";
    await_line(&server, &format!("[ERR] Failed to reload server configuration: {reason}"));
    server.connect().flush();
}

#[test]
fn the_signal_flag_reaches_the_process_it_names() {
    for (word, code, signal) in
        [("quit", Some(0), None), ("term", Some(0), None), ("ldm", Some(0), None), ("stop", None, Some(9))]
    {
        let mut server = with_args(&[]);
        let output = run(&["-sl", &format!("{word}={}", server.pid())]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let status = server.wait().expect("it ends");
        assert_eq!((status.code(), status.signal()), (code, signal), "{word}");
    }
}

#[test]
fn the_signal_flag_fails_in_the_peers_words() {
    for (value, said) in [
        ("reload=abc", "buster-server: invalid pid: abc\n"),
        ("reload=/no/such/file", "buster-server: invalid pid: /no/such/file\n"),
        ("reload=1=2", "buster-server: invalid signal parameters: [2]\n"),
        ("bogus=1", "buster-server: unknown signal \"bogus\"\n"),
        // Above any process id the kernel gives.
        ("reload=99999999", "buster-server: \nsignal \"reload\" 99999999: no such process\n"),
    ] {
        let output = run(&["--signal", value]);
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(1), said));
    }
}
