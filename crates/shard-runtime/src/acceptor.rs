//! The listening socket, on the first shard.
//!
//! Running out of descriptors pauses accepting: clients wait in the kernel's backlog, and those
//! already connected notice nothing.

use std::net::TcpListener;
use std::os::fd::AsFd;
use std::time::Duration;

use broker::Time;
use rustix::io::Errno;

use crate::sys::Ring;

/// The first pause after a failed accept; each further failure doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Acceptor {
    listener: TcpListener,
    token: u64,
    pause: Duration,
    paused_until: Option<Time>,
}

impl Acceptor {
    pub(crate) fn new(listener: TcpListener, token: u64) -> Self {
        Self { listener, token, pause: PAUSE_MIN, paused_until: None }
    }

    pub(crate) fn start(&mut self, ring: &mut Ring) -> std::io::Result<()> {
        self.paused_until = None;
        ring.accept(self.listener.as_fd(), self.token)
    }

    /// A connection came in.
    pub(crate) fn on_accepted(&mut self) {
        self.pause = PAUSE_MIN;
    }

    /// An accept failed; accepting has ended. Some errors only concern the connection that failed.
    pub(crate) fn on_error(&mut self, ring: &mut Ring, now: Time, error: Errno) -> std::io::Result<()> {
        if matches!(error, Errno::CONNABORTED | Errno::INTR | Errno::PROTO | Errno::CANCELED) {
            return self.start(ring);
        }
        tracing::error!("Temporary Client Accept Error ({error}), sleeping {}ms", self.pause.as_millis());
        self.paused_until = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }

    /// When to try again.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.paused_until
    }

    /// Tries again if the pause is over.
    pub(crate) fn on_deadline(&mut self, ring: &mut Ring, now: Time) -> std::io::Result<()> {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.start(ring)?;
        }
        Ok(())
    }

    /// Stops accepting; the socket closes with the ring's last reference to it.
    pub(crate) fn stop(self, ring: &mut Ring, own_token: u64) -> std::io::Result<()> {
        ring.cancel(self.token, own_token)
    }
}
