//! Who logs in while others flood the server gets in: the server's own time-out for that is the judge.
//!
//! All of this holds for nats-server 2.14.5 too (`BUSTER_SERVER_BIN=nats-server BUSTER_PEER=1`).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use test_kit::{RawClient, Server, Setup, on_every_setup};

const PUBLISHERS: usize = 4;
const BODY_BYTES: usize = 64;

/// What a publisher writes at once.
const MESSAGES_AT_ONCE: usize = 1000;

/// More than the sockets on the way hold, so that the server is what a publisher waits for.
const UNDER_WAY_BYTES: u64 = 16 << 20;

/// So many one after the other, and then as many at once.
const LOGINS: usize = 20;

const CONFIG: &str = "authorization { user: bob, password: secret }\n";

const CREDENTIALS: &str = "CONNECT {\"verbose\":false,\"user\":\"bob\",\"pass\":\"secret\"}\r\nPING\r\n";

/// A publisher to a subject that nobody listens to.
#[derive(Default)]
struct Flood {
    sent_bytes: AtomicU64,
}

impl Flood {
    fn run(&self, mut publisher: RawClient, is_over: &AtomicBool) {
        let message = format!("PUB nobody {BODY_BYTES}\r\n{:BODY_BYTES$}\r\n", "");
        let block = message.repeat(MESSAGES_AT_ONCE);
        while !is_over.load(Ordering::Relaxed) {
            publisher.send(&block);
            self.sent_bytes.fetch_add(block.len() as u64, Ordering::Relaxed);
        }
        publisher.flush();
    }

    fn sent(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }
}

/// A client that sent all it has to say to get in, without waiting for INFO.
fn attempt(server: &Server) -> RawClient {
    let mut client = RawClient::dial(server.addr());
    client.send(CREDENTIALS);
    client
}

fn logged_in(server: &Server) -> RawClient {
    let mut client = attempt(server);
    client.read_to_pong();
    client
}

// Under io_uring the flood had all buffers to receive into, and CONNECTs came too late.
fn who_logs_in_beside_a_flood_gets_in(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let floods: [Flood; PUBLISHERS] = Default::default();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        // Also when a login fails: the scope waits for the publishers.
        let _ends = Ends(&is_over);
        for flood in &floods {
            let publisher = logged_in(&server);
            scope.spawn(|| flood.run(publisher, &is_over));
        }
        while floods.iter().any(|flood| flood.sent() < UNDER_WAY_BYTES) {
            thread::yield_now();
        }
        let before = floods.each_ref().map(Flood::sent);
        let clients: Vec<RawClient> = (0..LOGINS).map(|_| logged_in(&server)).collect();
        let crowd: Vec<RawClient> = (0..LOGINS).map(|_| attempt(&server)).collect();
        for mut client in crowd {
            client.read_to_pong();
        }
        for mut client in clients {
            client.flush();
        }
        let went_on = floods.iter().zip(before).all(|(flood, before)| flood.sent() > before);
        assert!(went_on, "the flood ended before the logins did");
    });
}

/// Ends what is to go on only as long as this.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

on_every_setup!(who_logs_in_beside_a_flood_gets_in);
