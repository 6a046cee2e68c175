//! Taking in clients, on the first shard: how what is accepted is set up, and when to accept again after an error.
//! Without any listener those within the process may come.
//!
//! Running out of descriptors pauses accepting: clients wait in the kernel's backlog, and those
//! already connected notice nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use conns::Time;
use nats_auth::ConnectionType;
use nats_proto::error_words;
use rustix::io::Errno;

use crate::io::Io;
use crate::listeners::Listeners;
use crate::tuning::Tuning;

/// The first pause after a failed accept; each further failure doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The listeners from which connections are accepted, but for pauses.
#[derive(Debug)]
pub(crate) struct Listening {
    pause: Duration,
    paused_until: Option<Time>,
    /// For connections of each listener.
    tunings: Vec<(ConnectionType, Tuning)>,
    /// Of the first of them.
    address: Option<SocketAddr>,
}

impl Listening {
    /// Accepts from the listeners from here on.
    pub(crate) fn start(io: &mut Io, listeners: Listeners) -> io::Result<Self> {
        let (mut tunings, mut address) = (Vec::new(), None);
        let clients = listeners.clients.map(|listener| (ConnectionType::Standard, listener));
        let websocket = listeners.websocket.map(|listener| (ConnectionType::Websocket, listener));
        for (how, listener) in [clients, websocket].into_iter().flatten() {
            tunings.push((how, Tuning::of(&listener)));
            address = address.or(Some(listener.local_addr()?));
            io.listen(listener, how)?;
        }
        Ok(Self { pause: PAUSE_MIN, paused_until: None, tunings, address })
    }

    /// A connection came in from there, by that listener.
    pub(crate) fn on_accepted(&mut self, socket: impl AsFd, peer: IpAddr, by: ConnectionType) {
        self.pause = PAUSE_MIN;
        if let Some((_, tuning)) = self.tunings.iter().find(|(how, _)| *how == by) {
            tuning.apply(socket, peer);
        }
    }

    /// Accepting has ended with an error. Some only concern the connection that failed.
    pub(crate) fn on_ended(&mut self, io: &mut Io, now: Time, error: Errno) -> io::Result<()> {
        if matches!(error, Errno::CONNABORTED | Errno::INTR | Errno::PROTO) {
            return io.accept();
        }
        let Some(listener) = self.address else { return Ok(()) };
        let (reason, pause) = (error_words(&error.into()), self.pause.as_millis());
        tracing::error!(
            "Temporary Client Accept Error(accept tcp {listener}: accept4: {reason}), sleeping {pause}ms"
        );
        self.paused_until = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }

    /// When to try again.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.paused_until
    }

    /// Tries again if the pause is over.
    pub(crate) fn on_deadline(&mut self, io: &mut Io, now: Time) -> io::Result<()> {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
            io.accept()?;
        }
        Ok(())
    }
}
