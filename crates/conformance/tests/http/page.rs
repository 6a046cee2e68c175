//! What the page on HTTP has a newcomer type: against ours, and through `buster-server http` against another server.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use test_kit::{Server, ServerBinary, ServerOptions, Setup};

use crate::start_with_streams;

/// Where Debian installs nats-server; `BUSTER_PEER_BIN` names another one.
const PEER: &str = "/usr/sbin/nats-server";

const PAGE: &str = include_str!("../../../../docs/http.md");

/// The examples that are to be tried, and what is answered.
fn examples() -> Vec<(String, String)> {
    let examples = PAGE.split("<!-- try-http -->\n```bash\n").skip(1);
    let example = |text: &str| {
        let (lines, rest) = text.split_once("```\n").expect("the lines end");
        let (_, rest) = rest.split_once("```text\n").expect("what is answered stands below");
        let (answer, _) = rest.split_once("```\n").expect("it ends");
        (lines.to_owned(), answer.to_owned())
    };
    examples.map(example).collect()
}

/// Runs all of them one after the other.
pub(crate) fn try_all(address: SocketAddr) {
    let examples = examples();
    assert!(examples.len() > 6, "the page has examples");
    for (lines, answer) in examples {
        let here = lines.replace("127.0.0.1:8080", &address.to_string());
        let output = Command::new("bash").args(["-uc", &here]).output().expect("bash runs");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim_end(),
            answer.trim_end(),
            "{here}\n{output:?}"
        );
    }
}

pub(crate) fn what_the_page_says_is_so(setup: Setup) {
    let (_server, address) = start_with_streams(setup);
    try_all(address);
}

/// `buster-server http` before a server; ended with the test.
struct Gateway(Child, SocketAddr);

impl Gateway {
    fn before(server: &Server) -> Self {
        let binary = ServerBinary::locate().expect("there is one").path;
        let words = ["http", "--server", &server.url(), "--listen", "127.0.0.1:0"];
        let mut child = Command::new(binary).args(words).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut line = String::new();
        let said = child.stderr.take().expect("it is piped");
        BufReader::new(said).read_line(&mut line).expect("it says where it listens");
        let address =
            line.split("http://").nth(1).and_then(|rest| rest.split(',').next()).expect("an address");
        Self(child, address.parse().expect("an address"))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn the_page_holds_before_other_servers(setup: Setup) {
    let peers = [Some(PathBuf::from(PEER)), std::env::var_os("BUSTER_PEER_BIN").map(PathBuf::from)];
    let there = peers.into_iter().flatten().filter(|path| path.exists());
    let peers: Vec<ServerBinary> = there.map(|path| ServerBinary { path, is_peer: true }).collect();
    if peers.is_empty() {
        eprintln!("NOT TESTED before nats-server: {PEER} is not there");
    }
    for binary in [None].into_iter().chain(peers.into_iter().map(Some)) {
        let server =
            Server::start(ServerOptions { binary, setup, has_streams: true, ..ServerOptions::default() });
        let server = server.expect("the server starts");
        let gateway = Gateway::before(&server);
        try_all(gateway.1);
    }
}
