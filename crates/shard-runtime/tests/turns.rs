//! In which order a shard acts on what several clients sent while it was busy.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use broker::{Config, Settings};
use fabric::ShardId;
use nats_proto::ServerInfo;
use shard_runtime::{Backend, Given, Listeners, Shards, available_cpus, start};

const BACKENDS: [Backend; 2] = [Backend::Uring, Backend::Epoll];

/// Only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Messages of one burst: more bytes than count as little, and fewer than one buffer holds.
const MESSAGES: usize = 2000;

struct Rig {
    shards: Shards,
    listener: TcpListener,
}

struct Client(BufReader<TcpStream>);

fn rig(backend: Backend) -> Rig {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let settings = Arc::new(Settings::new(ServerInfo::default()));
    let configs = vec![Config::new(ShardId(0), 1, settings)];
    Rig {
        shards: start(backend, configs, &only(&listener), &available_cpus(), &Given::default()).unwrap(),
        listener,
    }
}

impl Rig {
    fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Client(BufReader::new(stream));
        client.send("CONNECT {\"verbose\":false}\r\n");
        client.messages_until_pong();
        client
    }

    /// Keeps the shard busy until clients have sent something.
    fn while_busy(&self, send: impl FnOnce()) {
        let (busy, is_busy) = mpsc::channel();
        let (go_on, told) = mpsc::channel::<()>();
        let done = self.shards.control().ask(ShardId(0), move |_, _| {
            busy.send(()).unwrap();
            told.recv().unwrap();
        });
        is_busy.recv_timeout(PATIENCE).unwrap();
        send();
        go_on.send(()).unwrap();
        done.recv_timeout(PATIENCE).unwrap();
    }

    fn stop(self) {
        self.shards.control().stop();
        self.shards.wait().unwrap();
    }
}

impl Client {
    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The payloads, all numbers, of what comes before the answer to a PING sent now.
    fn messages_until_pong(&mut self) -> Vec<usize> {
        self.send("PING\r\n");
        let mut messages = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            match line.split_whitespace().next().expect("the server goes on") {
                "PONG" => return messages,
                "MSG" => {
                    let mut payload = String::new();
                    self.0.read_line(&mut payload).unwrap();
                    messages.push(payload.trim().parse().unwrap());
                }
                _ => {}
            }
        }
    }
}

fn burst() -> String {
    (0..MESSAGES).map(|number| format!("PUB a 4\r\n{number:04}\r\n")).collect()
}

/// All that stood in one socket came before anything of the next, so the subscriber got nothing.
#[test]
fn who_sends_little_does_not_wait_behind_all_that_another_sent() {
    for backend in BACKENDS {
        let rig = rig(backend);
        let (mut publisher, mut subscriber) = (rig.connect(), rig.connect());
        rig.while_busy(|| {
            publisher.send(&burst());
            subscriber.send("SUB a 1\r\n");
        });
        publisher.messages_until_pong();
        let messages = subscriber.messages_until_pong();
        let rest: Vec<usize> = (MESSAGES - messages.len()..MESSAGES).collect();
        assert_eq!(messages, rest, "the end of it, without a gap");
        assert!(!messages.is_empty(), "{backend:?}");
        rig.stop();
    }
}

#[test]
fn who_subscribed_before_gets_all() {
    for backend in BACKENDS {
        let rig = rig(backend);
        let (mut publisher, mut subscriber) = (rig.connect(), rig.connect());
        rig.while_busy(|| {
            subscriber.send("SUB a 1\r\n");
            publisher.send(&burst());
        });
        publisher.messages_until_pong();
        assert_eq!(subscriber.messages_until_pong(), (0..MESSAGES).collect::<Vec<_>>());
        rig.stop();
    }
}

#[test]
fn what_is_taken_in_later_comes_before_the_end_of_its_connection() {
    for backend in BACKENDS {
        let rig = rig(backend);
        let (mut publisher, mut subscriber) = (rig.connect(), rig.connect());
        subscriber.send("SUB a 1\r\n");
        subscriber.messages_until_pong();
        let mut other = rig.connect();
        let mut gone = publisher.0.get_ref().try_clone().unwrap();
        rig.while_busy(|| {
            publisher.send(&burst());
            gone.shutdown(std::net::Shutdown::Write).unwrap();
            other.send("PUB b 0\r\n\r\n");
        });
        // The server's end of the connection.
        gone.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(subscriber.messages_until_pong(), (0..MESSAGES).collect::<Vec<_>>());
        rig.stop();
    }
}

/// Listeners for clients alone.
fn only(clients: &TcpListener) -> Listeners {
    Listeners { clients: Some(clients.try_clone().unwrap()), websocket: None }
}
