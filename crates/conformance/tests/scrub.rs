//! Bytes that rotted while no server ran are found by one that does, without being asked for.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use test_kit::{ANSWER_DEADLINE, RawClient, START_DEADLINE, Server, ServerOptions, Setup, on_every_setup};

on_every_setup!(what_rots_is_found_and_told, what_rots_is_found_where_files_are_encrypted);

/// In which a small store is read many times.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of a file that are not encrypted, and of each sector behind them.
const PAGE: usize = 4_096;
const SECTOR: usize = 540;

fn start(setup: Setup, store: &Path, more: &str) -> (Server, SocketAddr) {
    let config =
        format!("jetstream {{ store_dir: \"{}\", scrub_interval: \"200ms\"\n {more} }}\n", store.display());
    let args = ["-m", "-1"].map(str::to_owned).to_vec();
    let options = ServerOptions { setup, config: Some(config), args, ..ServerOptions::default() };
    let server = Server::start(options).expect("it starts");
    let begins = "Starting http monitor on ";
    let line = server.log().wait_for(begins, START_DEADLINE).expect("the log says where");
    let monitor = line.split_once(begins).expect("it was found").1.parse().expect("an address");
    (server, monitor)
}

fn get(monitor: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect_timeout(&monitor, ANSWER_DEADLINE).expect("it accepts");
    socket.set_read_timeout(Some(ANSWER_DEADLINE)).expect("a deadline");
    write!(socket, "GET {path} HTTP/1.0\r\n\r\n").expect("it reads");
    let mut said = String::new();
    socket.read_to_string(&mut said).expect("it answers");
    said
}

fn fill(server: &Server) -> RawClient {
    let mut client = server.connect();
    client.subscribe("answers.*", 1);
    let said = client.ask("$JS.API.STREAM.CREATE.ORDERS", r#"{"name":"ORDERS","subjects":["orders.*"]}"#);
    assert!(said.contains(r#""did_create":true"#), "{said}");
    for number in 1..=20 {
        let said = client.ask(&format!("orders.{number}"), &format!("order number {number}."));
        assert!(said.contains(&format!(r#""seq":{number}"#)), "{said}");
    }
    client
}

fn segments(store: &Path) -> Vec<PathBuf> {
    let logs = fs::read_dir(store.join("jetstream/logs")).expect("there are logs");
    let logs = logs.map(|log| log.expect("it is there").path());
    let files = logs.flat_map(|log| fs::read_dir(log).expect("a folder"));
    files.map(|file| file.expect("it is there").path()).filter(|path| path.extension().is_some()).collect()
}

fn flip(path: &Path, at: usize) {
    let file = OpenOptions::new().read(true).write(true).open(path).expect("it opens");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).expect("it is there");
    file.write_all_at(&[byte[0] ^ 1], at as u64).expect("it can be written");
}

/// Waits until `/metrics` says that so many places rotted on all shards together.
fn wait_for_places(monitor: SocketAddr, expected: u64) {
    let until = Instant::now() + PATIENCE;
    loop {
        let said = get(monitor, "/metrics");
        let lines = said.lines().filter(|line| line.starts_with("buster_rotten_places{"));
        let places: u64 = lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
        if places == expected {
            return;
        }
        assert!(Instant::now() < until, "{places} places rotted, {expected} should have: {said}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn what_rots_is_found_and_told(setup: Setup) {
    let store = TempDir::new().expect("a folder");
    let (mut server, _) = start(setup, store.path(), "");
    drop(fill(&server));
    server.stop().expect("it stops");
    let what = b"order number 7.";
    let (path, at) = segments(store.path())
        .into_iter()
        .find_map(|path| {
            let bytes = fs::read(&path).expect("it can be read");
            let at = bytes.windows(what.len()).position(|window| window == what)?;
            Some((path, at))
        })
        .expect("it is in a file");
    flip(&path, at + 5);
    let (server, monitor) = start(setup, store.path(), "");
    wait_for_places(monitor, 1);
    let line = server.log().wait_for(", message 7 of '$G > ORDERS'", PATIENCE);
    assert!(line.expect("the log says it").contains("[WRN] JetStream found "));
    let jsz: String = get(monitor, "/jsz").split_whitespace().collect();
    assert!(jsz.contains(r#""buster":{"scrub":{"interval":200000000,"of_bytes":"#), "{jsz}");
    assert!(jsz.contains(r#""rotten":1}}"#), "{jsz}");
    // All else is there.
    let mut client = server.connect();
    client.subscribe("answers.*", 1);
    for number in 1..=20 {
        let said = client.ask("$JS.API.STREAM.MSG.GET.ORDERS", &format!(r#"{{"seq":{number}}}"#));
        assert_eq!(said.contains(r#""error""#), number == 7, "{number}: {said}");
    }
    assert_eq!(server.log().count("JetStream found "), 1, "it is told once");
}

fn what_rots_is_found_where_files_are_encrypted(setup: Setup) {
    let store = TempDir::new().expect("a folder");
    let (mut server, _) = start(setup, store.path(), "key: s3cr3t");
    drop(fill(&server));
    server.stop().expect("it stops");
    let first =
        segments(store.path()).into_iter().find(|path| path.ends_with("1.seg")).expect("there is one");
    flip(&first, PAGE + SECTOR * 6 + 100);
    let (server, monitor) = start(setup, store.path(), "key: s3cr3t");
    wait_for_places(monitor, 1);
    let line = server.log().wait_for("JetStream found ", PATIENCE).expect("the log says it");
    assert!(line.contains(" rotten, at ") && line.contains(" of segment 1 of log "), "{line}");
}
