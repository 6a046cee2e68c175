//! Connections to other servers, as they come to be: accepted on a thread, dialed on others. The first shard is given
//! them; it decides what becomes of them.
//!
//! Servers come and go seldom, and to look up a name may take long, so none of this is worth a place in a ring.

use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;
use std::{io, thread};

use cluster::Dial;
use nats_proto::error_words;
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use shard_core::Arrival;

use crate::control::Control;
use crate::orders::{Order, Orders};

/// After a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts other servers from here on, on a thread of its own, until the server accepts no more.
///
/// # Errors
/// There is no thread, or no descriptor, to be had.
pub fn accept_routes(listener: &TcpListener, control: &Control) -> io::Result<()> {
    accept(listener, control, &control.routes, "routes", Arrival::Accepted)
}

/// The same for leaf nodes.
///
/// # Errors
/// As of [`accept_routes`].
pub fn accept_leafs(listener: &TcpListener, control: &Control) -> io::Result<()> {
    accept(listener, control, &control.leafs, "leafs", Arrival::LeafAccepted)
}

fn accept(
    listener: &TcpListener,
    control: &Control,
    place: &OnceLock<TcpListener>,
    name: &str,
    arrival: fn(OwnedFd) -> Arrival<OwnedFd>,
) -> io::Result<()> {
    let (listener, kept) = (listener.try_clone()?, listener.try_clone()?);
    listener.set_nonblocking(false)?;
    if place.set(kept).is_err() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let control = control.clone();
    let accept = move || {
        while control.is_accepting() {
            match listener.accept().map(|(socket, _)| socket) {
                Ok(socket) => give(&control.shards[0], arrival, socket),
                // It was shut down, or a connection was gone before it was taken.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => return,
                Err(_) => thread::sleep(ACCEPT_PAUSE),
            }
        }
    };
    thread::Builder::new().name(name.into()).spawn(accept).map(drop)
}

/// Dials the servers that the first shard asks for, each on a thread of its own, until that ends.
///
/// # Errors
/// There is no thread to be had.
pub fn dial_routes(dials: mpsc::Receiver<Dial>, control: &Control) -> io::Result<()> {
    let orders = Arc::clone(&control.shards[0]);
    let serve = move || {
        for dial in dials {
            let (number, its_orders) = (dial.number, Arc::clone(&orders));
            let attempt = thread::Builder::new().name("dial".into()).spawn(move || reach(&dial, &its_orders));
            if let Err(error) = attempt {
                orders.give(Order::Peer(Arrival::Unreachable(number, error_words(&error))));
            }
        }
    };
    thread::Builder::new().name("dials".into()).spawn(serve).map(drop)
}

fn reach(dial: &Dial, orders: &Orders) {
    match connect(dial) {
        Ok(socket) => give(orders, |socket| Arrival::Dialed(dial.number, socket), socket),
        Err(reason) => orders.give(Order::Peer(Arrival::Unreachable(dial.number, reason))),
    }
}

/// Tries one address of the host after the other.
fn connect(Dial { host, port, timeout, .. }: &Dial) -> Result<TcpStream, String> {
    let found = (&**host, *port).to_socket_addrs();
    let found = found.map_err(|error| format!("dial tcp: lookup {host}: {}", error_words(&error)))?;
    let mut failure = format!("dial tcp: lookup {host}: no such host");
    for address in found {
        match TcpStream::connect_timeout(&address, *timeout) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = format!("dial tcp {address}: connect: {}", error_words(&error)),
        }
    }
    Err(failure)
}

fn give(orders: &Orders, arrival: impl FnOnce(OwnedFd) -> Arrival<OwnedFd>, socket: TcpStream) {
    // One that fails here is gone already.
    if socket.set_nonblocking(true).is_ok() && socket.set_nodelay(true).is_ok() {
        orders.give(Order::Peer(arrival(socket.into())));
    }
}

impl Control {
    /// The threads that accept other servers wake up, and end.
    pub(crate) fn stop_accepting_routes(&self) {
        for listener in [&self.routes, &self.leafs].into_iter().filter_map(|place| place.get()) {
            let _ = shutdown(listener, Shutdown::Both);
        }
    }
}
