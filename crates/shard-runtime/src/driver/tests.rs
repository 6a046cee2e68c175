use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpStream};

use broker::{Config, Settings};
use nats_proto::ServerInfo;
use rustix::event::{EventfdFlags, eventfd};

use super::*;
use crate::io::Backend;
use crate::mesh_port::Parcel;

/// The first of two shards, and what the second one has in its place.
fn first_of_two() -> (Driver, MeshPort) {
    let counter = || Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap());
    let (own, other) = (counter(), counter());
    let (port, peer) = MeshPort::pair();
    let settings = Arc::new(Settings::new(ServerInfo::default()));
    let parts = Parts {
        shard: ShardId(0),
        broker: Broker::new(Config::new(ShardId(0), 2, settings)),
        io: Io::new(Backend::Epoll, Arc::clone(&own)).unwrap(),
        bells: [Bell::new(None, Arc::clone(&own)), Bell::new(None, other)].into(),
        ports: vec![None, Some(port)],
        listener: None,
        orders: Arc::new(Orders::new(own)),
        passwords: Arc::new(Workers::new()),
        tls: None,
        kernel_tls: None,
        handshakes: Arc::new(Workers::new()),
        clock: Clock::new(),
        busy_poll: None,
        board: Arc::new(LoadBoard::new(2)),
        cpus: vec![0, 0],
    };
    (Driver::new(parts).unwrap(), peer)
}

/// A connection that the other shard hands over.
fn connection(driver: &mut Driver, peer: &mut MeshPort) -> TcpStream {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_nonblocking(true).unwrap();
    let (socket, address) = listener.accept().unwrap();
    let placed = driver.broker.place(&[]);
    peer.send(Parcel::Connection { socket: socket.into(), placed, peer: address });
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
    while driver.port(ShardId(1)).has_room() {
        driver.port(ShardId(1)).send(Parcel::Batch(fabric::Batch::default()));
    }
    driver.turn().unwrap();
    assert_eq!(reads(&mut client), Err(ErrorKind::WouldBlock), "output waits");

    while peer.inbound.pop().is_ok() {}
    driver.send_batches().unwrap();
    assert_eq!(driver.next_wait(driver.clock.now()), Wait::For(FULL_QUEUE_PAUSE));
    driver.flush(driver.clock.now()).unwrap();
    assert!(reads(&mut client).unwrap().starts_with("INFO "));
}
