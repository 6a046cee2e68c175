//! Connections within the process, without any port, on both backends.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use buster::Server;
use serde_json::Value;

type Client = BufReader<UnixStream>;

/// A server without a port on each backend, with this in its configuration file. The folder is for its ports file.
fn on_both_backends(config: &str, test: impl Fn(Server, &Path)) {
    for io in ["uring", "epoll"] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("server.conf");
        let ports = dir.path().display();
        let text = format!("io: {io}\nplacement: spread\nports_file_dir: \"{ports}\"\n{config}");
        fs::write(&file, text).unwrap();
        let server = Server::builder().config_file(&file).no_port().shards(2).start();
        test(server.unwrap_or_else(|error| panic!("{io}: {error}")), dir.path());
    }
}

/// A client and its INFO.
fn greeted(server: &Server) -> (Client, Value) {
    let mut client = BufReader::new(server.connect().unwrap());
    let info = line(&mut client);
    let json = info.strip_prefix("INFO ").unwrap_or_else(|| panic!("{info}"));
    (client, serde_json::from_str(json).unwrap())
}

/// A client that has said its CONNECT, with these options.
fn connect(server: &Server, options: &str) -> Client {
    let (mut client, _) = greeted(server);
    say(&mut client, &format!("CONNECT {{\"verbose\":false{options}}}\r\n"));
    client
}

fn say(client: &mut Client, text: &str) {
    client.get_mut().write_all(text.as_bytes()).unwrap();
}

fn line(client: &mut Client) -> String {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    line
}

/// The next line that is no news of the server itself.
fn answer(client: &mut Client) -> String {
    std::iter::repeat_with(|| line(client)).find(|line| !line.starts_with("INFO ")).unwrap()
}

fn ping(client: &mut Client) {
    say(client, "PING\r\n");
    assert_eq!(answer(client), "PONG\r\n");
}

/// What is left to be read when the server has closed it.
fn rest(mut client: Client) -> String {
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    rest
}

/// What monitoring answers to a GET. Its address is in the ports file.
fn monitored(dir: &Path, path: &str) -> Value {
    let ports = dir.join(format!("buster_{}.ports", std::process::id()));
    let ports: Value = serde_json::from_slice(&fs::read(ports).unwrap()).unwrap();
    assert_eq!(ports.get("nats"), None, "there is no port");
    let address = ports["monitoring"][0].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Far more than sockets and buffers hold: each side waits for the other again and again.
#[test]
fn much_goes_from_shard_to_shard_in_order() {
    const MESSAGES: usize = 50_000;
    on_both_backends("", |server, _| {
        let mut reader = connect(&server, "");
        say(&mut reader, "SUB much 1\r\n");
        ping(&mut reader);
        let mut writer = connect(&server, "");
        let payload = "x".repeat(1000);
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..MESSAGES {
                    let text = format!("{number:08}{payload}");
                    say(&mut writer, &format!("PUB much {}\r\n{text}\r\n", text.len()));
                }
                ping(&mut writer);
            });
            for number in 0..MESSAGES {
                assert_eq!(answer(&mut reader), "MSG much 1 1008\r\n");
                assert_eq!(line(&mut reader), format!("{number:08}{payload}\r\n"));
            }
        });
    });
}

/// What nats-server 2.14.5 says of a connection of its `InProcessConn`, a pipe of Go's.
#[test]
fn it_has_no_address() {
    on_both_backends("http: \"127.0.0.1:-1\"\n", |server, dir| {
        let (mut client, info) = greeted(&server);
        assert_eq!(info.get("client_ip"), None, "{info}");
        say(&mut client, "CONNECT {\"verbose\":false}\r\n");
        ping(&mut client);
        let connz = monitored(dir, "/connz");
        let row = &connz["connections"][0];
        assert_eq!((&row["cid"], &row["ip"], &row["port"]), (&info["client_id"], &"".into(), &0.into()));
        assert_eq!((&row["kind"], &row["type"]), (&"Client".into(), &"nats".into()));
        let varz = monitored(dir, "/varz");
        assert_eq!((&varz["connections"], &varz["total_connections"]), (&1.into(), &1.into()));
    });
}

#[test]
fn users_may_be_for_it_alone_or_not_for_it() {
    let config = r#"authorization { users: [
        { user: near, password: a, allowed_connection_types: ["IN_PROCESS"] }
        { user: far, password: b, allowed_connection_types: ["STANDARD", "WEBSOCKET"] }
        { user: both, password: c }
    ] }"#;
    on_both_backends(config, |server, _| {
        for (user, password) in [("near", "a"), ("both", "c")] {
            ping(&mut connect(&server, &format!(r#","user":"{user}","pass":"{password}""#)));
        }
        let refused = connect(&server, r#","user":"far","pass":"b""#);
        assert_eq!(rest(refused), "-ERR 'Authorization Violation'\r\n");
    });
}

#[test]
fn over_a_port_nobody_is_within_the_process() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let user = r#"{ user: near, password: a, allowed_connection_types: ["in_process"] }"#;
    fs::write(file.path(), format!("listen: \"127.0.0.1:-1\"\nauthorization {{ users: [{user}] }}\n"))
        .unwrap();
    let server = Server::builder().config_file(file.path()).start().unwrap();
    let mut far = TcpStream::connect(server.address()).unwrap();
    far.write_all(b"CONNECT {\"user\":\"near\",\"pass\":\"a\"}\r\nPING\r\n").unwrap();
    let mut answer = String::new();
    far.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("-ERR 'Authorization Violation'\r\n"), "{answer}");
    ping(&mut connect(&server, r#","user":"near","pass":"a""#));
}

#[test]
fn it_counts_towards_the_most_connections() {
    on_both_backends("max_connections: 1\n", |server, _| {
        let mut first = connect(&server, "");
        ping(&mut first);
        let (second, _) = greeted(&server);
        assert_eq!(rest(second), "-ERR 'maximum connections exceeded'\r\n");
        ping(&mut first);
    });
}

#[test]
fn who_does_not_read_is_cut_off() {
    on_both_backends("max_pending: 1MB\n", |server, _| {
        let mut lazy = connect(&server, "");
        say(&mut lazy, "SUB flood 1\r\n");
        ping(&mut lazy);
        let mut writer = connect(&server, "");
        let payload = "x".repeat(100_000);
        for _ in 0..100 {
            say(&mut writer, &format!("PUB flood {}\r\n{payload}\r\n", payload.len()));
        }
        ping(&mut writer);
        assert!(rest(lazy).len() < 100 * payload.len());
        ping(&mut writer);
    });
}

#[test]
fn the_end_of_the_server_is_the_end_of_its_connections() {
    for is_stopped in [true, false] {
        on_both_backends("", |server, _| {
            let mut clients: Vec<_> = (0..4).map(|_| connect(&server, "")).collect();
            clients.iter_mut().for_each(ping);
            let silent = server.connect().unwrap();
            if is_stopped {
                server.stop().unwrap()
            } else {
                drop(server)
            }
            for client in clients {
                let rest = rest(client);
                assert!(rest.is_empty() || rest.starts_with("-ERR "), "{rest}");
            }
            // Nobody may have looked at it.
            BufReader::new(silent).read_to_end(&mut Vec::new()).unwrap();
        });
    }
}

#[test]
fn servers_without_a_port_know_nothing_of_each_other() {
    on_both_backends("", |one, _| {
        on_both_backends("", |other, _| {
            let mut clients = [&one, &other].map(|server| connect(server, ""));
            for client in &mut clients {
                say(client, "SUB a 1\r\n");
                ping(client);
            }
            say(&mut clients[0], "PUB a 1\r\nx\r\n");
            assert_eq!(
                (answer(&mut clients[0]), line(&mut clients[0])),
                ("MSG a 1 1\r\n".into(), "x\r\n".into())
            );
            ping(&mut clients[1]);
        });
    });
}
