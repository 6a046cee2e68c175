//! What whoever embeds servers may rely on.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use buster::Server;
use rustix::process::{Resource, getrlimit};

/// Addresses of one test each, which finds its ports free of others there.
const ALONE: &str = "127.0.9.1";
const DROPPED: &str = "127.0.9.2";

/// A client that was greeted, and answers what comes line by line.
fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let mut client = BufReader::new(TcpStream::connect(address).unwrap());
    assert!(line(&mut client).starts_with("INFO "));
    say(&mut client, "CONNECT {\"verbose\":false}\r\n");
    client
}

fn say(client: &mut BufReader<TcpStream>, text: &str) {
    client.get_mut().write_all(text.as_bytes()).unwrap();
}

fn line(client: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    line
}

/// The next line that is no news of the server itself.
fn answer(client: &mut BufReader<TcpStream>) -> String {
    std::iter::repeat_with(|| line(client)).find(|line| !line.starts_with("INFO ")).unwrap()
}

#[test]
fn servers_in_one_process_know_nothing_of_each_other() {
    let servers: Vec<Server> = (0..3).map(|_| Server::builder().start().unwrap()).collect();
    let mut clients: Vec<_> = servers.iter().map(|server| connect(server.address())).collect();
    for client in &mut clients {
        say(client, "SUB a 1\r\nPING\r\n");
        assert_eq!(answer(client), "PONG\r\n");
    }
    say(&mut clients[0], "PUB a 1\r\nx\r\nPING\r\n");
    assert_eq!(answer(&mut clients[0]), "MSG a 1 1\r\n");
    assert_eq!((line(&mut clients[0]), answer(&mut clients[0])), ("x\r\n".into(), "PONG\r\n".into()));
    for client in &mut clients[1..] {
        say(client, "PING\r\n");
        assert_eq!(answer(client), "PONG\r\n", "nothing came before");
    }
}

#[test]
fn a_stop_closes_connections_and_frees_the_port() {
    for shards in [1, 2] {
        let server = Server::builder().host(ALONE).shards(shards).start().unwrap();
        let address = server.address();
        let mut client = connect(address);
        say(&mut client, "PING\r\n");
        assert_eq!(answer(&mut client), "PONG\r\n");
        server.stop().unwrap();
        let mut rest = String::new();
        client.read_to_string(&mut rest).unwrap();
        assert!(rest.is_empty() || rest.starts_with("-ERR "), "{rest}");
        let again = Server::builder().host(ALONE).port(address.port()).start().unwrap();
        assert_eq!(again.address(), address);
    }
}

#[test]
fn a_server_that_is_dropped_stops() {
    let server = Server::builder().host(DROPPED).start().unwrap();
    let address = server.address();
    let mut client = connect(address);
    say(&mut client, "PING\r\n");
    assert_eq!(answer(&mut client), "PONG\r\n");
    drop(server);
    client.read_to_end(&mut Vec::new()).unwrap();
    assert!(TcpStream::connect(address).is_err());
}

/// Lines of `/proc/self/status` about signals that are caught or ignored.
fn signals() -> Vec<String> {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let of_signals = |line: &&str| line.starts_with("SigCgt:") || line.starts_with("SigIgn:");
    status.lines().filter(of_signals).map(str::to_owned).collect()
}

#[test]
fn the_process_stays_as_it_was() {
    let limits =
        || [Resource::Nofile, Resource::Memlock].map(|resource| format!("{:?}", getrlimit(resource)));
    let before = (signals(), limits());
    let server = Server::builder().start().unwrap();
    assert_eq!((signals(), limits()), before);
    server.stop().unwrap();
    assert_eq!((signals(), limits()), before);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let Err(error) = Server::builder().port(port).start() else { panic!("it is taken") };
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
}

#[test]
fn a_configuration_file_has_its_say() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "max_payload: 5\n").unwrap();
    let server = Server::builder().config_file(file.path()).host("127.0.0.1").port(0).start().unwrap();
    let mut client = BufReader::new(TcpStream::connect(server.address()).unwrap());
    assert!(line(&mut client).contains("\"max_payload\":5,"));
}
