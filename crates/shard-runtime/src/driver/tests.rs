use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use broker::{Config, Settings};
use conns::ConnId;
use fabric::{Interest, Told};
use nats_auth::{ConnectionType, Directory, IdentityConfig, User};
use nats_proto::ServerInfo;
use rustix::event::{EventfdFlags, eventfd};
use rustix::net::sockopt;
use tls_session::{KeyPair, Policy, Roots, TLS_TIMEOUT};

use super::*;
use crate::bell::Bell;
use crate::clock::Clock;
use crate::io::Backend;
use crate::load_board::LoadBoard;
use crate::mesh_port::{MeshPort, Parcel};
use crate::orders::{Order, Orders, Task};
use crate::passwords::Passwords;
use crate::shared::Given;
use crate::workers::Workers;

/// The first of two shards, and what the second one has in its place.
fn first_of_two() -> (Driver, MeshPort) {
    with_settings(Settings::new(ServerInfo::default()))
}

fn with_settings(settings: Settings) -> (Driver, MeshPort) {
    with_backend(Backend::Epoll, settings)
}

fn with_backend(backend: Backend, settings: Settings) -> (Driver, MeshPort) {
    let counter = || Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap());
    let (own, other) = (counter(), counter());
    let (port, peer) = MeshPort::pair();
    let shared = Shared {
        given: Given::default(),
        clock: Clock::new(),
        bells: [Bell::new(None, Arc::clone(&own)), Bell::new(None, other)].into(),
        cpus: vec![0, 0],
        board: LoadBoard::new(2),
        passwords: Passwords::without_threads(),
        handshakes: Workers::without_threads(),
    };
    let io = Io::new(backend, Arc::clone(&own)).unwrap();
    let own = Own {
        shard: ShardId(0),
        config: Config::new(ShardId(0), 2, Arc::new(settings)),
        ports: vec![None, Some(port)],
        listeners: None,
        orders: Arc::new(Orders::new(own)),
    };
    (Driver::new(own, io, Arc::new(shared)).unwrap(), peer)
}

/// A connection that the other shard hands over.
fn connection(driver: &mut Driver, peer: &mut MeshPort) -> TcpStream {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_nonblocking(true).unwrap();
    let (socket, address) = listener.accept().unwrap();
    sockopt::set_socket_send_buffer_size(&socket, 64 << 10).unwrap();
    let placed = driver.core.broker_mut().place(&[]);
    peer.send(Parcel::Connection {
        socket: socket.into(),
        placed,
        peer: address.into(),
        how: ConnectionType::Standard,
    });
    client
}

fn reads(client: &mut TcpStream) -> Result<String, ErrorKind> {
    let mut bytes = [0; 4096];
    let len = client.read(&mut bytes).map_err(|error| error.kind())?;
    Ok(String::from_utf8_lossy(&bytes[..len]).into_owned())
}

/// A turn keeps output back because a queue is full, and goes on to find room for its batches: it forgot
/// the output then, and slept.
#[test]
fn output_that_waited_for_a_full_queue_is_not_forgotten_when_batches_find_room() {
    let (mut driver, mut peer) = first_of_two();
    let mut client = connection(&mut driver, &mut peer);
    while driver.shell.port(ShardId(1)).has_room() {
        driver.shell.port(ShardId(1)).send(Parcel::Batch(fabric::Batch::default()));
    }
    driver.turn().unwrap();
    assert_eq!(reads(&mut client), Err(ErrorKind::WouldBlock), "output waits");

    while peer.inbound.pop().is_ok() {}
    driver.core.send_batches(&mut driver.shell).unwrap();
    assert_eq!(driver.next_wait(driver.now()), Wait::For(FULL_QUEUE_PAUSE));
    let now = driver.now();
    driver.core.flush(&mut driver.shell, now).unwrap();
    assert!(reads(&mut client).unwrap().starts_with("INFO "));
}

/// A connection whose handshake has begun: what its client sent waits for a worker.
fn connection_in_handshake(driver: &mut Driver, peer: &mut MeshPort) -> (TcpStream, ConnId) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificates, key) = (signed.cert.pem(), signed.signing_key.serialize_pem());
    let key_pairs = vec![KeyPair { certificates: certificates.into(), key: key.into() }];
    let config =
        tls_session::Config { key_pairs, roots: Roots::System(Vec::new()), policy: Policy::default() };
    driver.core.secure(Some(Arc::new(tls_session::Acceptor::new(&config).unwrap())));
    let mut client = connection(driver, peer);
    client.write_all(b"\x16\x03\x01").unwrap();
    await_that(driver, |driver| driver.shell.shared.handshakes.have_work());
    (client, first())
}

/// The first connection of a shard.
fn first() -> ConnId {
    ConnId::from_bits(1 << 32)
}

/// Takes what happens, until it has come to this.
fn await_that(driver: &mut Driver, mut has_come: impl FnMut(&mut Driver) -> bool) {
    loop {
        let now = driver.now();
        driver.core.take_events(&mut driver.shell, now).unwrap();
        driver.core.flush(&mut driver.shell, now).unwrap();
        if has_come(driver) {
            return;
        }
        driver.shell.io.wait(Wait::Forever).unwrap();
    }
}

const LATER: Duration = Duration::from_secs(3600);

/// The time ran out while the handshake waited for us.
#[test]
fn a_handshake_waits_for_its_worker_as_long_as_it_takes() {
    let (mut driver, mut peer) = first_of_two();
    let (_client, id) = connection_in_handshake(&mut driver, &mut peer);
    let later = driver.now() + LATER;
    driver.core.turn(&mut driver.shell, later).unwrap();
    assert!(driver.core.broker().wants_input(id));

    // From here on it is the client that is waited for.
    assert!(driver.shell.shared.handshakes.do_next());
    driver.core.heed_orders(&mut driver.shell, later).unwrap();
    let deadline = driver.core.next_deadline().expect("its time runs on");
    assert!(deadline > later && deadline <= later + TLS_TIMEOUT);
    driver.core.turn(&mut driver.shell, deadline).unwrap();
    assert!(!driver.core.broker().wants_input(id));
}

#[test]
fn a_handshake_whose_client_is_gone_does_not_wait_for_its_worker_longer_than_it_may() {
    let (mut driver, mut peer) = first_of_two();
    let (client, id) = connection_in_handshake(&mut driver, &mut peer);
    let next = driver.core.next_deadline();
    drop(client);
    await_that(&mut driver, |driver| driver.core.next_deadline() != next);
    let deadline = driver.core.next_deadline().expect("its time runs on");
    assert!(deadline <= driver.now() + TLS_TIMEOUT);
    driver.core.turn(&mut driver.shell, deadline).unwrap();
    assert!(driver.core.broker().peer(id).is_none());
}

/// Nobody heard it hang up: what it sent waits, and was not read from.
#[test]
fn a_client_that_hangs_up_while_its_password_waits_is_let_go() {
    let identity = IdentityConfig::Password { user: "h".into(), password: "$2b$04$".into() };
    let users = vec![User { identity, permissions: None, allowed_connection_types: None }];
    let directory = Directory::new(&nats_auth::Config { users, ..Default::default() }).unwrap();
    let (mut driver, mut peer) =
        with_settings(Settings { directory, ..Settings::new(ServerInfo::default()) });
    let mut client = connection(&mut driver, &mut peer);
    client.write_all(b"CONNECT {\"user\":\"h\",\"pass\":\"x\"}\r\nPING\r\n").unwrap();
    await_that(&mut driver, |driver| {
        driver.core.hand_over_passwords(&mut driver.shell);
        !driver.shell.shared.passwords.are_answered()
    });
    let later = driver.now() + LATER;
    driver.core.broker_mut().on_deadlines(later);
    assert!(driver.core.broker().wants_input(first()), "its time does not run out");
    drop(client);
    await_that(&mut driver, |driver| driver.core.broker().peer(first()).is_none());
}

/// A turn that takes in a lot went on for as long as an order waited, which only the next turn carries out.
#[test]
fn an_order_that_comes_late_waits_for_the_next_turn() {
    let (mut driver, mut peer) = first_of_two();
    let mut client = connection(&mut driver, &mut peer);
    await_that(&mut driver, |driver| driver.core.broker().connections() == 1);
    let publish = format!("PUB a 1000\r\n{}\r\n", "x".repeat(1000));
    client.write_all(publish.repeat(64).as_bytes()).unwrap();
    driver.shell.io.wait(Wait::Forever).unwrap();
    let now = driver.now();
    driver.core.take_events(&mut driver.shell, now).unwrap();
    driver.shell.orders.give(Order::Own(Task::StopAccepting));
    driver.core.receive_more(&mut driver.shell, now).unwrap();
    assert!(driver.shell.orders.are_waiting());
}

/// More interest than a turn takes in.
fn much_interest(link: &mut fabric::Link, round: u64) -> Parcel {
    for number in 0..3000 {
        let filter = format!("row.{round}.{number}");
        let now = Told { weight: 1, firm: true, far: false };
        let interest =
            Interest { account: 0, filter: filter.as_bytes(), queue: None, before: Told::default(), now };
        link.push_interest(&interest, round);
    }
    Parcel::Batch(link.take_batch())
}

#[test]
fn what_was_received_waits_for_all_that_other_shards_sent_before() {
    let (mut driver, mut peer) = first_of_two();
    let mut client = connection(&mut driver, &mut peer);
    await_that(&mut driver, |driver| driver.core.broker().connections() == 1);
    assert!(reads(&mut client).unwrap().starts_with("INFO "));
    client.write_all(b"PING\r\n").unwrap();
    let mut link = fabric::Link::default();
    for round in 1..4 {
        peer.send(much_interest(&mut link, round));
    }
    driver.shell.io.wait(Wait::Forever).unwrap();
    let mut turns = 0;
    while driver.core.has_parcels(&driver.shell) {
        assert_eq!(driver.next_wait(driver.now()), Wait::No);
        assert_eq!(reads(&mut client), Err(ErrorKind::WouldBlock));
        let now = driver.now();
        driver.core.broker_mut().on_turn(now);
        driver.core.take_events(&mut driver.shell, now).unwrap();
        driver.core.flush(&mut driver.shell, now).unwrap();
        turns += 1;
    }
    assert!(turns > 3, "a batch is cut: {turns}");
    assert_eq!(reads(&mut client).unwrap(), "PONG\r\n");
}

/// What a publisher had said beyond the point at which it was made to wait for its readers was lost.
#[test]
fn who_waits_for_its_readers_loses_nothing() {
    const MESSAGES: usize = 40_000; // Several turns of them.
    let publish = format!("PUB a 100\r\n{}\r\n", "x".repeat(100)).repeat(MESSAGES);
    let expected = 2 * MESSAGES * ("MSG a 1 100\r\n\r\n".len() + 100);
    for backend in [Backend::Uring, Backend::Epoll] {
        let (mut driver, mut peer) = with_backend(backend, Settings::new(ServerInfo::default()));
        let mut reader = connection(&mut driver, &mut peer);
        reader.write_all(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPING\r\n").unwrap();
        await_that(&mut driver, |_| reads(&mut reader).is_ok_and(|text| text.ends_with("PONG\r\n")));
        let mut publishers = [(); 2].map(|()| connection(&mut driver, &mut peer));
        let is_over = &AtomicBool::new(false);
        thread::scope(|scope| {
            for publisher in &mut publishers {
                let publish = &publish;
                scope.spawn(move || {
                    publisher.set_nonblocking(false).unwrap();
                    publisher.write_all(b"CONNECT {\"verbose\":false}\r\n").unwrap();
                    publisher.write_all(publish.as_bytes()).unwrap();
                });
            }
            while driver.core.broker_mut().totals().paces < 4 {
                driver.turn().unwrap();
            }
            let reading = scope.spawn(move || {
                reader.set_nonblocking(false).unwrap();
                reader.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                let mut bytes = vec![0; expected];
                let outcome = reader.read_exact(&mut bytes).map_err(|error| error.kind());
                // Before it hangs up, which ends the driver's last wait.
                is_over.store(true, Ordering::Relaxed);
                drop(reader);
                outcome
            });
            while !is_over.load(Ordering::Relaxed) {
                driver.turn().unwrap();
            }
            assert_eq!(reading.join().unwrap(), Ok(()), "{backend:?}");
        });
    }
}
