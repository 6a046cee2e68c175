//! Output of connections with TLS.
//!
//! What leaves a connection is encrypted at the last moment, some records at a time, and stays in the
//! outbox until its ciphertext has left: so the broker's limits see what a slow reader leaves behind,
//! and no more than those few records exist twice.

use std::io;
use std::mem;

use broker::Broker;
use conns::{CloseReason, ConnId, Flush, Time};
use rustix::io::Errno;
use shard_core::{Flushed, flush_plain};

use super::RuntimeShell;
use super::sending::send_bytes;
use crate::link::{Link, State};

/// What became of an attempt to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    All,
    /// The socket takes no more for now.
    Full,
    /// The connection broke.
    Broken,
}

/// What was made of an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seal {
    /// So much of it was encrypted, and there may be more to do.
    Some(usize),
    /// There is nothing to be sent now.
    Nothing,
    /// There is nothing more to be sent.
    Over,
}

impl RuntimeShell {
    /// Sends what there is for a connection with a link.
    pub(super) fn flush_link(&mut self, broker: &mut Broker, now: Time, id: ConnId) -> io::Result<Flushed> {
        let mut flushed = Flushed::default();
        loop {
            match self.send_outgoing(broker, now, id)? {
                Sent::All => {}
                Sent::Full => {
                    let is_over = matches!(broker.flush(id), Flush::Close);
                    return Ok(Flushed { is_over, ..flushed });
                }
                Sent::Broken => broker.on_hangup(id, CloseReason::WriteError),
            }
            match self.links.find(id).map(|link| &link.state) {
                None | Some(State::Opening(_) | State::InKernel) => {
                    let Flushed { bytes, is_over } = flush_plain(broker, self, now, id)?;
                    return Ok(Flushed { bytes: flushed.bytes + bytes, is_over });
                }
                Some(State::Handshake { .. }) => {
                    return Ok(Flushed { is_over: ends_handshake(broker, id), ..flushed });
                }
                Some(State::Open(_)) => {}
            }
            match self.seal_some(broker, id) {
                Seal::Nothing => return Ok(flushed),
                Seal::Over => return Ok(Flushed { is_over: true, ..flushed }),
                Seal::Some(bytes) => flushed.bytes += bytes,
            }
        }
    }

    /// Encrypts some of the outbox and sends it.
    fn seal_some(&mut self, broker: &mut Broker, id: ConnId) -> Seal {
        let Self { io, links, sealed, .. } = self;
        let Some(Link { state: State::Open(session), sealed: waiting, .. }) =
            links.find(id).map(|link| &mut **link)
        else {
            return Seal::Nothing;
        };
        let outbox = match broker.flush(id) {
            Flush::Nothing => return Seal::Nothing,
            Flush::Close => return Seal::Over,
            Flush::Send(outbox) => outbox,
        };
        let Ok(count) = session.seal(outbox.slices(), sealed) else {
            broker.on_hangup(id, CloseReason::WriteError);
            return Seal::Some(0);
        };
        let Some(socket) = io.socket(id) else { return Seal::Nothing };
        // New keys, say, have to go before what is encrypted with them.
        let taken = if session.outgoing().is_empty() { send_bytes(socket, sealed.bytes()) } else { Ok(0) };
        match taken {
            Ok(taken) if taken == sealed.bytes().len() => broker.on_sent(id, count),
            Ok(taken) => {
                session.keep(&sealed.bytes()[taken..]);
                *waiting = count;
            }
            Err(Errno::AGAIN | Errno::INTR) => {
                session.keep(sealed.bytes());
                *waiting = count;
            }
            Err(_) => broker.on_hangup(id, CloseReason::WriteError),
        }
        Seal::Some(count)
    }

    /// The socket of a connection with a link takes bytes again.
    pub(super) fn on_link_writable(&mut self, broker: &mut Broker, now: Time, id: ConnId) -> io::Result<()> {
        if let Some(link) = self.links.find(id) {
            link.blocked = false;
            self.send_outgoing(broker, now, id)?;
            self.note_eager(id);
        }
        Ok(())
    }

    /// Sends what the session has to send before anything else.
    pub(super) fn send_outgoing(&mut self, broker: &mut Broker, now: Time, id: ConnId) -> io::Result<Sent> {
        let Some(link) = self.links.find(id) else { return Ok(Sent::All) };
        if link.blocked {
            return Ok(Sent::Full);
        }
        loop {
            let Some(session) = link.session() else { return Ok(Sent::All) };
            if session.outgoing().is_empty() {
                let sealed = mem::take(&mut link.sealed);
                if sealed > 0 {
                    broker.on_sent(id, sealed);
                }
                return Ok(Sent::All);
            }
            let Some(socket) = self.io.socket(id) else { return Ok(Sent::Broken) };
            match send_bytes(socket, session.outgoing()) {
                Ok(count) => session.on_sent(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    link.blocked = true;
                    self.io.await_writable(id)?;
                    broker.on_blocked(now, id);
                    return Ok(Sent::Full);
                }
                Err(_) => return Ok(Sent::Broken),
            }
        }
    }
}

/// Forgets what is left to be said on a connection that ends before it is secured: it cannot be. Returns whether it
/// does end.
fn ends_handshake(broker: &mut Broker, id: ConnId) -> bool {
    if broker.wants_input(id) {
        return false;
    }
    loop {
        match broker.flush(id) {
            Flush::Nothing => return false,
            Flush::Close => return true,
            Flush::Send(outbox) => {
                let count = outbox.len();
                broker.on_sent(id, count);
            }
        }
    }
}
