//! Passwords that are held against their hashes, while the shards go on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use broker::{Config, Settings};
use fabric::ShardId;
use nats_auth::{Directory, IdentityConfig, User};
use nats_proto::ServerInfo;
use shard_runtime::{Backend, Given, Listeners, available_cpus, start};

const HASH_OF_BAR: &str = "$2b$04$lw4W5MsZdKmxrQPIBHko5uWOPVimzvkfnP1Qb9lr9DY14ITIJYLlG";

/// Only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

fn settings() -> Arc<Settings> {
    let identity = IdentityConfig::Password { user: "h".into(), password: HASH_OF_BAR.into() };
    let users = vec![User { identity, permissions: None, allowed_connection_types: None }];
    let config = nats_auth::Config { users, timeout: Some(PATIENCE), ..nats_auth::Config::default() };
    let directory = Directory::new(&config).unwrap();
    Arc::new(Settings { directory, ..Settings::new(ServerInfo::default()) })
}

/// A client that sent its CONNECT, and a PING behind it.
fn login(listener: &TcpListener, password: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let connect = format!("CONNECT {{\"verbose\":false,\"user\":\"h\",\"pass\":\"{password}\"}}\r\nPING\r\n");
    stream.write_all(connect.as_bytes()).unwrap();
    let mut client = BufReader::new(stream);
    let mut info = String::new();
    client.read_line(&mut info).unwrap();
    assert!(info.contains("\"auth_required\":true"), "{info}");
    client
}

#[test]
fn many_clients_show_passwords_at_once_and_each_gets_its_answer() {
    for backend in [Backend::Uring, Backend::Epoll] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let settings = settings();
        let configs = ShardId::all(2).map(|shard| Config::new(shard, 2, Arc::clone(&settings))).collect();
        let shards = start(backend, configs, &only(&listener), &available_cpus(), &Given::default()).unwrap();
        let logins = ["bar", "baz"].iter().cycle().take(40);
        let clients: Vec<_> = logins.map(|password| (password, login(&listener, password))).collect();
        for (password, mut client) in clients {
            let mut line = String::new();
            client.read_line(&mut line).unwrap();
            if *password == "bar" {
                assert_eq!(line, "PONG\r\n");
            } else {
                client.read_to_string(&mut line).unwrap();
                assert_eq!(line, "-ERR 'Authorization Violation'\r\n");
            }
        }
        shards.control().stop();
        shards.wait().unwrap();
    }
}

/// Listeners for clients alone.
fn only(clients: &TcpListener) -> Listeners {
    Listeners { clients: Some(clients.try_clone().unwrap()), websocket: None }
}
