//! The listener among strangers.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, LazyLock};

use monitor::{Answer, Moment, leafz};
use monitor_http::{Asked, Listener, Reply, Running, Watch, start};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};
use tokio::sync::watch;

/// Bytes of `/large`: far more than sockets hold.
const LARGE_BYTES: usize = 4 << 20;

static LARGE: LazyLock<Answer> = LazyLock::new(|| named(&"x".repeat(LARGE_BYTES)));

/// What a server with that id says.
fn named(id: &str) -> Answer {
    Answer::json(&leafz(id, Moment(0), &[]))
}

/// How often there was something new.
static TICKS: LazyLock<watch::Sender<u64>> = LazyLock::new(watch::Sender::default);

/// Says which tick it is, each time there is a new one.
fn watched() -> Watch {
    let ticks = TICKS.subscribe();
    Watch { ticks, words: Box::new(|| format!("tick {}\n", *TICKS.borrow())) }
}

fn answer(asked: &Asked) -> Reply {
    let answer = match &asked.target[..] {
        b"/watch" => return Reply::Watch(watched()),
        b"/large" => LARGE.clone(),
        b"/panic" => panic!("an answer that fails"),
        target => named(&format!("{} {}", asked.method, target.escape_ascii())),
    };
    answer.into()
}

fn listen() -> (Running, SocketAddr) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (start(Listener { socket, tls: None }, answer).unwrap(), address)
}

/// Everything there is to read after saying this.
fn ask(address: SocketAddr, text: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    // A peer that has enough may close before it has read all.
    let _ = socket.write_all(text);
    let mut said = Vec::new();
    let _ = socket.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

fn get(address: SocketAddr, path: &str) -> String {
    ask(address, format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").as_bytes())
}

#[test]
fn requests_are_answered_by_the_handler() {
    let (_running, address) = listen();
    let said = get(address, "/a/b?c=d&e");
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
    for header in
        ["content-type: application/json\r\n", "access-control-allow-origin: *\r\n", "content-length: "]
    {
        assert!(said.to_lowercase().contains(header), "{header} in {said}");
    }
    assert!(said.contains("\"server_id\": \"GET /a/b?c=d\\u0026e\""), "{said}");
    let head = ask(address, b"HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    let twice = ask(
        address,
        b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    );
    assert!(twice.contains("\"GET /1\"") && twice.contains("\"GET /2\""), "{twice}");
}

/// What a request line may carry between its blanks, as it was written; of bytes that no URL has, too.
#[test]
fn targets_reach_the_handler_byte_by_byte() {
    let (_running, address) = listen();
    let others = (0..=u8::MAX).filter(|byte| !b" \n".contains(byte));
    let targets = others.map(|byte| [b"/a", &[byte][..], b"?b#c"].concat());
    let requests =
        targets.clone().map(|target| [b"GET ", &target[..], b" HTTP/1.1\r\nHost: h\r\n\r\n"].concat());
    let last = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec();
    let said = ask(address, &requests.chain([last]).collect::<Vec<_>>().concat());
    for target in targets {
        let shown = target.escape_ascii().to_string().replace('\\', "\\\\").replace('"', "\\\"");
        let shown = shown.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
        assert!(said.contains(&format!("\"server_id\": \"GET {shown}\"")), "{shown} in {said}");
    }
}

#[test]
fn one_who_watches_is_told_what_is_new_and_leaves_others_alone() {
    let (_running, address) = listen();
    let mut watcher = BufReader::new(TcpStream::connect(address).unwrap());
    watcher.get_mut().write_all(b"GET /watch HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut next = |words: &str| {
        let mut line = String::new();
        while !line.starts_with(words) {
            line.clear();
            assert!(watcher.read_line(&mut line).unwrap() > 0, "it ended before {words}");
        }
    };
    next("content-type: text/event-stream");
    next("tick 0");
    TICKS.send_replace(7);
    next("tick 7");
    // One that reads nothing, and one that has left.
    let mut stalled = TcpStream::connect(address).unwrap();
    stalled.write_all(b"GET /watch HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    assert!(get(address, "/others").contains("/others"));
    TICKS.send_replace(8);
    next("tick 8");
}

#[test]
fn a_target_that_is_too_long_is_told_so() {
    let (_running, address) = listen();
    let long = ask(address, format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(100_000)).as_bytes());
    assert!(long.starts_with("HTTP/1.1 414") && long.contains("Connection: close"), "{long}");
    let fits = get(address, &format!("/{}", "x".repeat((8 << 10) - 1)));
    assert!(fits.starts_with("HTTP/1.1 200"), "{fits}");
}

/// Nobody but hyper knows where a body ends, so what follows one is not read.
#[test]
fn a_request_with_a_body_is_answered_and_the_last() {
    let (_running, address) = listen();
    for body in ["Content-Length: 5\r\n\r\nGET /", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"] {
        let asked = format!("POST /a HTTP/1.1\r\nHost: h\r\n{body}GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
        let said = ask(address, asked.as_bytes());
        assert!(said.contains("\"POST /a\"") && said.contains("connection: close"), "{said}");
        assert!(!said.contains("/b"), "{said}");
    }
}

#[test]
fn what_is_no_http_ends_only_its_own_connection() {
    let (_running, address) = listen();
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(10_000));
    let inputs: [&[u8]; 8] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        long.as_bytes(),
        many.as_bytes(),
    ];
    for input in inputs {
        let said = ask(address, input);
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 4") || said.starts_with("HTTP/1.1 505"),
            "{said}"
        );
    }
    assert!(get(address, "/after").contains("/after"));
}

/// What is refused before anybody is asked: all that is said.
fn refusal(status: &str) -> String {
    let headers = "Content-Type: text/plain; charset=utf-8\r\nConnection: close";
    format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n{status}")
}

// Those without a Host and with two were answered, and those of a strange version were told less.
#[test]
fn what_the_peer_refuses_is_refused_in_its_words() {
    let (_running, address) = listen();
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request: missing required Host header"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.0\r\nHost: a b\r\n\r\n", "400 Bad Request: malformed Host header"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported: unsupported protocol version"),
        ("NONSENSE\r\n", "400 Bad Request"),
    ] {
        assert_eq!(ask(address, request.as_bytes()), refusal(status), "{request}");
    }
    let both = ask(address, b"GET /first HTTP/1.1\r\nHost: h\r\n\r\nGET /second HTTP/1.1\r\n\r\n");
    assert!(both.contains("\"GET /first\""), "{both}");
    assert!(both.ends_with(&refusal("400 Bad Request: missing required Host header")), "{both}");
}

#[test]
fn what_nobody_does_here_is_not_expected() {
    let (_running, address) = listen();
    let expecting =
        |what: &str| ask(address, format!("GET / HTTP/1.1\r\nHost: h\r\nExpect: {what}\r\n\r\n").as_bytes());
    let said = expecting("wonders");
    assert!(said.starts_with("HTTP/1.1 417 Expectation Failed\r\n") && said.ends_with("\r\n\r\n"), "{said}");
}

// `nc -N` and the like got no answer, or none in the middle of a head.
#[test]
fn who_says_no_more_is_answered() {
    let (_running, address) = listen();
    for (text, answer) in [
        ("GET /a HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK"),
        ("GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK"),
        ("GET /a HTTP/1.1\r\nHo", "HTTP/1.1 400 Bad Request"),
    ] {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(text.as_bytes()).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        socket.read_to_string(&mut said).unwrap();
        assert!(said.starts_with(answer), "{text} {said}");
    }
}

#[test]
fn an_answer_that_fails_is_one_answer() {
    let (_running, address) = listen();
    assert!(get(address, "/panic").starts_with("HTTP/1.1 503"));
    assert!(get(address, "/after").contains("/after"));
}

#[test]
fn a_thousand_that_do_not_read_leave_room_for_one_that_does() {
    let (_running, address) = listen();
    let slow: Vec<TcpStream> = (0..1000)
        .map(|_| {
            let mut socket = TcpStream::connect(address).unwrap();
            let _ = socket.write_all(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
            socket
        })
        .collect();
    let said = get(address, "/large");
    assert!(said.len() > LARGE_BYTES, "an answer in full, beside those that nobody reads");
    assert!(get(address, "/after").contains("/after"));
    drop(slow);
}

#[test]
fn a_thousand_halves_of_a_header_leave_room_for_a_whole_one() {
    let (_running, address) = listen();
    let slow: Vec<TcpStream> = (0..1000)
        .map(|_| {
            let mut socket = TcpStream::connect(address).unwrap();
            let _ = socket.write_all(b"GET / HTTP/1.1\r\nHo");
            socket
        })
        .collect();
    assert!(get(address, "/after").contains("/after"));
    drop(slow);
}

#[test]
fn over_tls_only_those_who_speak_it_are_answered() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let certificate = made.cert.der().clone();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key);
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let _running = start(Listener { socket, tls: Some(Arc::new(config.unwrap())) }, answer).unwrap();

    let said = get(address, "/plain");
    assert!(!said.contains("HTTP/1.1 200"), "{said}");

    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, TcpStream::connect(address).unwrap());
    stream.write_all(b"GET /secret HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    let _ = stream.read_to_string(&mut said);
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("\"GET /secret\""), "{said}");
}

#[test]
fn it_ends_when_it_is_dropped() {
    let (running, address) = listen();
    let mut open = TcpStream::connect(address).unwrap();
    open.write_all(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    open.read_exact(&mut [0; 12]).unwrap();
    drop(running);
    let mut rest = Vec::new();
    // The end of the connection is the signal; whether it is a close or a reset does not matter.
    let _ = open.read_to_end(&mut rest);
    let refused = TcpStream::connect(address).map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(io::ErrorKind::ConnectionRefused));
}
