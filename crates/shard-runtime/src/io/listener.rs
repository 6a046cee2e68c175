//! Accepting connections with plain calls, once the kernel has told that there are some.

use std::net::TcpListener;

use rustix::io::Errno;
use rustix::net::SocketFlags;

use super::{Event, Notice};

/// Connections accepted in one turn; the others wait in the backlog for the next.
const ACCEPTS_PER_TURN_MAX: usize = 32;

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    /// Connections are wanted.
    pub(super) accepting: bool,
    /// There may be one.
    pub(super) ready: bool,
}

impl Listener {
    /// One that accepts as soon as it is ready.
    pub(super) fn new(socket: TcpListener) -> Self {
        Self { socket, accepting: true, ready: false }
    }

    /// Whether there is something to do that the kernel does not tell of again.
    pub(super) fn has_work(&self) -> bool {
        self.accepting && self.ready
    }

    /// Accepts until there is none, or enough for one turn.
    pub(super) fn accept_some(&mut self, into: &mut Vec<Event>) {
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            if !self.has_work() {
                return;
            }
            match rustix::net::accept_with(&self.socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(socket) => into.push(Event::Accepted(socket)),
                Err(Errno::AGAIN) => self.ready = false,
                Err(error) => {
                    self.accepting = false;
                    into.push(Event::Own(Notice::AcceptEnded(error)));
                }
            }
        }
    }
}
