//! The console without a browser: how its files and its figures are handed out.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;
use test_kit::{ANSWER_DEADLINE, SETUPS, START_DEADLINE, Server};

/// Who may watch at a time.
const WATCHERS_MAX: usize = 64;

/// A server with this in its configuration, and where it is asked.
fn start(config: &str) -> (Server, SocketAddr) {
    let server = Server::configured(SETUPS[1], &format!("http: \"127.0.0.1:-1\"\n{config}"));
    let begins = "Starting http monitor on ";
    let line = server.log().wait_for(begins, START_DEADLINE).expect("the log says where");
    let monitor = line.split_once(begins).expect("it was found").1.parse().expect("an address");
    (server, monitor)
}

fn connect(monitor: SocketAddr, request: &str) -> TcpStream {
    let mut socket = TcpStream::connect_timeout(&monitor, ANSWER_DEADLINE).expect("it accepts");
    socket.set_read_timeout(Some(ANSWER_DEADLINE)).expect("a deadline");
    write!(socket, "{request}").expect("it reads");
    socket
}

/// The head and the body.
fn ask(monitor: SocketAddr, method: &str, path: &str, headers: &str) -> (String, Vec<u8>) {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n");
    let mut said = Vec::new();
    connect(monitor, &request).read_to_end(&mut said).expect("it answers");
    let end = said.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(said[..end].to_vec()).expect("text");
    (head.to_lowercase(), said[end + 4..].to_vec())
}

fn value<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// One who watches.
struct Watcher(BufReader<TcpStream>);

impl Watcher {
    fn open(monitor: SocketAddr) -> Self {
        Self(BufReader::new(connect(monitor, "GET /ui/events HTTP/1.1\r\nHost: h\r\n\r\n")))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("it goes on");
        assert!(!line.is_empty(), "it ended");
        line.trim_end().to_owned()
    }

    /// The data of the next event of that name.
    fn event(&mut self, name: &str) -> Value {
        while self.line() != format!("event: {name}") {}
        serde_json::from_str(self.line().strip_prefix("data: ").expect("data")).expect("JSON")
    }
}

#[test]
fn the_page_comes_with_its_rules_and_is_kept_by_browsers() {
    let (_server, monitor) = start("");
    let (head, page) = ask(monitor, "GET", "/ui/", "");
    assert!(head.starts_with("http/1.1 200") && page.starts_with(b"<!doctype html>"), "{head}");
    assert_eq!(value(&head, "content-type"), Some("text/html; charset=utf-8"));
    assert_eq!((value(&head, "cache-control"), value(&head, "content-encoding")), (Some("no-cache"), None));
    assert_eq!(value(&head, "x-content-type-options"), Some("nosniff"));
    let policy = value(&head, "content-security-policy").expect("a policy");
    for part in
        ["default-src 'self'", "connect-src 'self' ws: wss:", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    let tag = value(&head, "etag").expect("a tag");
    let (again, nothing) = ask(monitor, "GET", "/ui/", &format!("If-None-Match: {tag}\r\n"));
    assert!(again.starts_with("http/1.1 304") && nothing.is_empty(), "{again}");
    let text = String::from_utf8(page.clone()).expect("text");
    let script = text.split('"').find(|word| word.ends_with(".js")).expect("a script");
    let (head, packed) = ask(monitor, "GET", &format!("/ui/{script}"), "Accept-Encoding: gzip, br\r\n");
    assert_eq!(value(&head, "content-encoding"), Some("gzip"));
    assert!(value(&head, "cache-control").is_some_and(|keep| keep.contains("immutable")), "{head}");
    assert_eq!(packed.get(..2), Some(&b"\x1f\x8b"[..]));
}

#[test]
fn it_only_reads_and_has_no_other_files() {
    let (_server, monitor) = start("");
    for (method, path, status) in [
        ("GET", "/ui", "307"),
        ("HEAD", "/ui/", "200"),
        ("POST", "/ui/", "405"),
        ("DELETE", "/ui/events", "405"),
        ("GET", "/ui/nothing.js", "404"),
        ("GET", "/ui/..%2fvarz", "404"),
        ("GET", "/ui/a/b", "404"),
    ] {
        let (head, _) = ask(monitor, method, path, "");
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{method} {path}: {head}");
        if path == "/ui" {
            assert_eq!(value(&head, "location"), Some("ui/"), "it stays below whatever stands before it");
        }
    }
    let (_server, monitor) = start("console { enabled: false }");
    for path in ["/ui", "/ui/", "/ui/events"] {
        assert!(ask(monitor, "GET", path, "").0.starts_with("http/1.1 404"), "{path}");
    }
}

#[test]
fn the_past_is_there_and_goes_on() {
    let (server, monitor) = start("console { title: \"Here\" }");
    let mut first = Watcher::open(monitor);
    let hello = first.event("hello");
    assert_eq!((&hello["watched"]["title"], &hello["watched"]["history"]), (&"Here".into(), &600.into()));
    let names = hello["server"].as_array().expect("names").clone();
    let mut client = server.connect();
    for _ in 0..100 {
        client.send("PUB a 5\r\nhello\r\n");
    }
    client.flush();
    let in_msgs = names.iter().position(|name| name == "in_msgs").expect("it is told");
    let counted = |sample: &Value| sample[1][in_msgs].as_u64().expect("a number");
    let mut sum = 0;
    while sum == 0 {
        let sample = first.event("now");
        assert_eq!(
            (sample[1].as_array().map(Vec::len), sample[2].as_array().map(Vec::len)),
            (Some(names.len()), Some(2))
        );
        sum += counted(&sample);
    }
    let past = Watcher::open(monitor).event("hello");
    let past = past["past"].as_array().expect("samples");
    assert!(past.iter().any(|sample| counted(sample) > 0), "who comes later is told as well");
}

#[test]
fn without_a_history_nothing_is_kept_while_nobody_looks() {
    let (_server, monitor) = start("console { history: \"0s\" }");
    let past = |hello: Value| hello["past"].as_array().map(Vec::len);
    let mut watcher = Watcher::open(monitor);
    assert_eq!(past(watcher.event("hello")), Some(0));
    watcher.event("now");
    let (head, _) = ask(monitor, "GET", "/varz", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
}

#[test]
fn as_many_may_watch_as_there_are_places() {
    let (_server, monitor) = start("");
    let mut watchers: Vec<Watcher> = (0..WATCHERS_MAX).map(|_| Watcher::open(monitor)).collect();
    watchers.iter_mut().for_each(|watcher| drop(watcher.event("hello")));
    let (head, body) = ask(monitor, "GET", "/ui/events", "");
    assert!(head.starts_with("http/1.1 503") && body.starts_with(b"as many as may watch"), "{head}");
    watchers.iter_mut().for_each(|watcher| drop(watcher.event("now")));
    let (head, _) = ask(monitor, "GET", "/varz", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    watchers.pop();
    // That it is gone shows with the next thing that is said to it.
    let mut tries = 0;
    while ask_status(monitor) == "503" {
        tries += 1;
        assert!(tries < 1000, "no place becomes free");
        watchers[0].event("now");
    }
}

/// The status that one more who watches is answered with.
fn ask_status(monitor: SocketAddr) -> String {
    let mut watcher = Watcher::open(monitor);
    watcher.line().split(' ').nth(1).expect("a status").to_owned()
}

#[test]
fn what_the_block_may_not_say_is_refused_by_name() {
    for (config, words) in [
        ("console { theme: dark }", "unknown field \"theme\""),
        ("console { history: \"2h\" }", "history is longer than 10m"),
        ("console: true", "Expected console to be a map"),
    ] {
        let refused = Server::start(test_kit::ServerOptions {
            setup: SETUPS[0],
            config: Some(format!("http: \"127.0.0.1:-1\"\n{config}")),
            ..test_kit::ServerOptions::default()
        });
        let said = refused.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(words), "{config}: {said}");
    }
    let alone = Server::start(test_kit::ServerOptions {
        setup: SETUPS[0],
        config: Some("console { title: a }".into()),
        ..test_kit::ServerOptions::default()
    });
    let said = alone.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said.contains("console needs monitoring"), "{said}");
}
