//! The files a server writes, and what it does when it cannot.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use test_kit::{ANSWER_DEADLINE, Server, ServerBinary, ServerOptions};

fn with_args(args: &[&str]) -> Server {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    Server::start(ServerOptions { args, ..ServerOptions::default() }).expect("the server starts")
}

/// How long to sleep before looking again for what a server writes.
const PAUSE: Duration = Duration::from_millis(2);

/// A server that goes by its own name, whatever its file is called.
fn server() -> Command {
    let mut server = Command::new(ServerBinary::locate().expect("the server builds").path);
    server.arg0("buster-server").args(["-a", "127.0.0.1", "-p", "-1", "--shards", "1"]);
    server
}

/// Runs a server that must not start.
fn refused(args: &[&str]) -> String {
    let Output { status, stderr, .. } = server().args(args).output().expect("it runs");
    assert_eq!(status.code(), Some(1));
    String::from_utf8(stderr).expect("errors are text")
}

fn as_text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

#[test]
fn a_pid_file_that_cannot_be_written_is_one_line_that_names_it() {
    let said = refused(&["-P", "/no/such/pid"]);
    let reason = "[FTL] Could not write pidfile: open /no/such/pid: no such file or directory: \
                  make its folder first, or name another\n";
    assert!(
        said.ends_with(reason) && said.lines().filter(|line| line.contains("[FTL]")).count() == 1,
        "{said}"
    );
    assert!(!said.contains("Listening for client connections"), "nobody may have come yet: {said}");
}

#[test]
fn a_log_file_that_cannot_be_opened_is_one_line_that_names_it() {
    let said = refused(&["-l", "/no/such/log"]);
    assert_eq!(
        said,
        "buster-server: error opening log file /no/such/log: No such file or directory (os error 2): \
         make its folder first, or name another\n"
    );
}

#[test]
fn what_a_configuration_file_names_in_vain_is_said_with_its_place() {
    let directory = tempfile::tempdir().expect("a folder for the test");
    let file = directory.path().join("server.conf");
    let at = as_text(&file);
    let cases = [
        ("debug: false\npid_file: \"/no/such/pid\"", "2:1: Could not write pidfile: open /no/such/pid"),
        (
            "debug: false\ntls { cert_file: \"/no/such/c\", key_file: \"/no/such/k\" }",
            "2:1: error parsing X509 certificate/key pair: open /no/such/c",
        ),
        ("log_file: \"/no/such/log\"", "1:0: error opening log file /no/such/log"),
    ];
    for (text, expected) in cases {
        fs::write(&file, text).expect("the folder can be written");
        let said = refused(&["-c", at]);
        assert!(said.contains(&format!("{at}:{expected}: ")), "{said}");
    }
}

#[test]
fn a_ports_file_that_cannot_be_written_is_done_without() {
    let server = with_args(&["--ports_file_dir", "/no/such"]);
    let line = server.log().wait_for("[ERR] Error writing ports file (/no/such/", ANSWER_DEADLINE);
    assert!(line.expect("the log says so").contains(".ports): No such file or directory"));
    server.connect().flush();
}

#[test]
fn the_pid_file_stays_and_the_ports_file_goes() {
    let dir = tempfile::tempdir().expect("a directory");
    let pid_file = dir.path().join("pid");
    let mut server = with_args(&["-P", as_text(&pid_file), "--ports_file_dir", as_text(dir.path())]);
    let program = ServerBinary::locate().expect("the server builds").path;
    let program = as_text(Path::new(program.file_name().expect("it is a file"))).to_owned();
    let ports_file = dir.path().join(format!("{program}_{}.ports", server.pid()));
    let ports = fs::read_to_string(&ports_file).expect("there is one once the server is ready");
    assert_eq!(ports, format!(r#"{{"nats":["nats://{}"]}}"#, server.addr()));
    assert!(server.stop().expect("it stops").success());
    assert_eq!(fs::read_to_string(&pid_file).expect("it stays"), server.pid().to_string());
    assert_eq!(fs::metadata(&pid_file).expect("it stays").permissions().mode() & 0o777, 0o600);
    assert!(!ports_file.exists());
}

/// The log goes to a full disk: the server answers all the same. Its address comes from its ports file.
#[test]
fn a_full_disk_for_the_log_does_not_stop_the_server() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = server()
        .args(["-DV", "-l", "/dev/full"])
        .args(["--ports_file_dir", as_text(dir.path())])
        .spawn()
        .expect("the server runs");
    let ports_file = dir.path().join(format!("buster-server_{}.ports", child.id()));
    let url = loop {
        match fs::read_to_string(&ports_file) {
            Ok(text) => break text,
            Err(_) => assert!(child.try_wait().expect("it was started").is_none(), "it ended"),
        }
        std::thread::sleep(PAUSE);
    };
    let address = url.split("//").nth(1).and_then(|rest| rest.split('"').next()).expect("a URL");
    let mut client = test_kit::RawClient::connect(address.parse().expect("an address"));
    client.subscribe("a", 1);
    client.publish("a", "b");
    assert_eq!(client.next_message().text(), "b");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    assert!(child.wait().expect("it ends").success());
}

/// Runs a server that logs elsewhere, and calls `until` as often as it takes.
fn while_running(args: &[&str], mut until: impl FnMut() -> bool) {
    let mut child = server().args(args).spawn().expect("the server runs");
    while !until() {
        assert!(child.try_wait().expect("it was started").is_none(), "it ended");
        std::thread::sleep(PAUSE);
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_log_file_is_put_aside_when_it_is_long() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("s.log");
    let backups = || {
        let entries = fs::read_dir(dir.path()).expect("it can be read");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
        names.filter(|name| name.starts_with("s.log.20")).collect::<Vec<_>>()
    };
    // The lines of the start alone are more.
    let args = ["-l", as_text(&path), "--log_size_limit", "300"];
    let is_ready = || backups().iter().any(|name| read(&dir.path().join(name)).contains("Server is ready"));
    while_running(&args, || is_ready() || read(&path).contains("Server is ready"));
    let names = backups();
    assert!(names.len() > 1, "{names:?}");
    assert!(names.iter().all(|name| name.len() == "s.log.2026.11.20.06.04.41.687690123".len()), "{names:?}");
    let said: String =
        names.iter().map(|name| read(&dir.path().join(name))).collect::<String>() + &read(&path);
    for line in
        ["Starting nats-server", "Server is ready", "Server Exiting..", "Rotated log, backup saved as \""]
    {
        assert!(said.contains(line), "{line} is lost in\n{said}");
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn lines_go_to_a_syslog_and_the_last_one_too() {
    let syslog = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    syslog.set_read_timeout(Some(ANSWER_DEADLINE)).expect("a timeout");
    let address = format!("udp://{}", syslog.local_addr().expect("it is bound"));
    let next = || {
        let mut buffer = [0; 2000];
        let len = syslog.recv(&mut buffer).expect("a line");
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    };
    while_running(&["-r", &address], || {
        let line = next();
        assert!(line.starts_with("<5>") && line.contains(" buster-server["), "{line}");
        line.ends_with("]: Server is ready\n")
    });
    while !next().ends_with("]: Server Exiting..\n") {}
}
