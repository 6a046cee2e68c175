//! The self-contained server where there is no file but itself. `cargo xtask static` builds it and runs these.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::thread;

use tempfile::TempDir;
use test_kit::{Io, RawClient, Server, ServerBinary, ServerError, ServerOptions, Setup};

/// What the server asks for names in these tests. The port cannot be chosen, so nobody else is likely to have
/// the address.
const NAME_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 53, 53, 53)), 53);

/// Where the server is when it was found by a name, and at no other address of this machine.
const FOUND_AT: Ipv4Addr = Ipv4Addr::new(127, 0, 77, 1);

/// A folder with the server in it, and nothing else yet.
struct BareRoot {
    folder: TempDir,
}

impl BareRoot {
    fn new() -> Self {
        let binary = std::env::var_os("BUSTER_STATIC_BIN").map(PathBuf::from);
        let binary = binary.expect("BUSTER_STATIC_BIN names the binary: run `cargo xtask static`");
        let folder = TempDir::with_prefix("bare-root-").expect("a folder");
        fs::copy(binary, folder.path().join("buster-server")).expect("the binary is there");
        Self { folder }
    }

    fn with_file(self, path: &str, text: &str) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
        self
    }

    fn start(&self, setup: Setup, args: &[&str]) -> Result<Server, ServerError> {
        let root = Some(self.folder.path().to_owned());
        // It is not built for this, and is not looked at.
        let binary = Some(ServerBinary { path: "/buster-server".into(), is_peer: false });
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Server::start(ServerOptions { setup, binary, root, args, ..ServerOptions::default() })
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("it can be listed");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

#[test]
#[ignore = "needs the self-contained server: cargo xtask static"]
fn it_serves_and_stops_with_nothing_else_there() {
    for io in [Io::Uring, Io::Epoll] {
        let root = BareRoot::new();
        let mut server = root.start(Setup { shards: 2, io }, &["-DV"]).expect("it starts");
        let (mut subscriber, mut publisher) = (server.connect(), server.connect());
        subscriber.subscribe("a", 1);
        subscriber.flush();
        publisher.publish("a", "x".repeat(100_000));
        assert_eq!(subscriber.next_message().text().len(), 100_000);
        assert!(server.stop().expect("it stops").success());
        let log = server.log().text();
        assert!(!log.contains("[ERR]") && !log.contains("[FTL]"), "{log}");
        assert_eq!(root.files(), ["buster-server"], "it needs and leaves nothing");
    }
}

#[test]
#[ignore = "needs the self-contained server: cargo xtask static"]
fn a_name_is_found_in_the_hosts_file() {
    let root = BareRoot::new().with_file("etc/hosts", &format!("{FOUND_AT} nats.hosts.test\n"));
    let server = root.start(Setup::default(), &["-a", "nats.hosts.test"]).expect("the name is found");
    RawClient::connect(SocketAddr::from((FOUND_AT, server.addr().port()))).flush();
}

#[test]
#[ignore = "needs the self-contained server: cargo xtask static"]
fn a_name_is_asked_of_the_name_server() {
    answer_names("nats.dns.test");
    let asks = format!("nameserver {}\noptions attempts:3\n", NAME_SERVER.ip());
    let root = BareRoot::new().with_file("etc/resolv.conf", &asks);
    let server = root.start(Setup::default(), &["-a", "nats.dns.test"]).expect("the name is found");
    RawClient::connect(SocketAddr::from((FOUND_AT, server.addr().port()))).flush();

    let refused = root.start(Setup::default(), &["-a", "other.dns.test"]);
    let Err(ServerError::EndedEarly { log, .. }) = refused else { panic!("it knows {refused:?}") };
    assert!(log.contains("lookup other.dns.test: no such host"), "{log}");
}

/// Answers questions about names from now on: `known` is at [`FOUND_AT`], others are not there.
fn answer_names(known: &'static str) {
    let socket = UdpSocket::bind(NAME_SERVER);
    let socket = socket.unwrap_or_else(|error| panic!("{NAME_SERVER} takes root, and to be free: {error}"));
    thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((len, asker)) = socket.recv_from(&mut question) {
            let _ = socket.send_to(&answer(&question[..len], known), asker);
        }
    });
}

/// A message as RFC 1035 section 4.1 has it: the question comes back, and an answer behind it if there is one.
fn answer(question: &[u8], known: &str) -> Vec<u8> {
    const HEADER_BYTES: usize = 12;
    /// Of an address of version 4.
    const TYPE_A: [u8; 2] = [0, 1];
    const CLASS_IN: [u8; 2] = [0, 1];
    let mut at = HEADER_BYTES;
    let mut labels = Vec::new();
    while question[at] != 0 {
        let len = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..][..len]).into_owned());
        at += 1 + len;
    }
    let (is_known, is_a) = (labels.join(".") == known, question[at + 1..][..2] == TYPE_A);
    let end = at + 5;
    // A response that was asked to recurse, and could; "no such name" where it applies.
    let no_such_name = if is_known { 0 } else { 3 };
    let answers = u8::from(is_known && is_a);
    let mut message = question[..2].to_vec();
    message.extend([0x81, 0x80 | no_such_name, 0, 1, 0, answers, 0, 0, 0, 0]);
    message.extend(&question[HEADER_BYTES..end]);
    if answers > 0 {
        // The name is the question's, which begins behind the header; the answer holds for a minute.
        message.extend([0xC0, HEADER_BYTES as u8]);
        message.extend([TYPE_A, CLASS_IN].concat());
        message.extend([0, 0, 0, 60, 0, 4]);
        message.extend(FOUND_AT.octets());
    }
    message
}
