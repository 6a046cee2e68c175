//! Accepting connections with plain calls, once the kernel has told that there are some.

use std::net::TcpListener;

use nats_auth::ConnectionType;
use rustix::io::Errno;
use rustix::net::SocketFlags;

use super::{Event, Notice};

/// Connections accepted in one turn; the others wait in the backlog for the next.
const ACCEPTS_PER_TURN_MAX: usize = 32;

/// All listeners of a shard.
#[derive(Debug)]
pub(super) struct Listener {
    /// Each with what comes by it.
    sockets: Vec<(TcpListener, ConnectionType)>,
    /// Connections are wanted.
    pub(super) accepting: bool,
    /// There may be one.
    pub(super) ready: bool,
}

impl Listener {
    /// One that accepts as soon as it is ready.
    pub(super) fn new() -> Self {
        Self { sockets: Vec::new(), accepting: true, ready: false }
    }

    /// Accepts from this socket as well.
    pub(super) fn add(&mut self, socket: TcpListener, how: ConnectionType) {
        self.sockets.push((socket, how));
    }

    /// Whether there is something to do that the kernel does not tell of again.
    pub(super) fn has_work(&self) -> bool {
        self.accepting && self.ready
    }

    /// Accepts until there is none, or enough for one turn.
    pub(super) fn accept_some(&mut self, into: &mut Vec<Event>) {
        if !self.has_work() {
            return;
        }
        let mut room = ACCEPTS_PER_TURN_MAX;
        for (socket, how) in &self.sockets {
            while room > 0 {
                match rustix::net::accept_with(socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                    Ok(accepted) => into.push(Event::Accepted(accepted, *how)),
                    Err(Errno::AGAIN) => break,
                    Err(error) => {
                        self.accepting = false;
                        return into.push(Event::Own(Notice::AcceptEnded(error)));
                    }
                }
                room -= 1;
            }
        }
        self.ready = room == 0;
        // Whoever filled the turn is behind the others in the next.
        if self.ready {
            self.sockets.rotate_left(1);
        }
    }
}
