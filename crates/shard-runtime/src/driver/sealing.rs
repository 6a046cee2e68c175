//! Output of connections with TLS.
//!
//! What leaves a connection is encrypted at the last moment, some records at a time, and stays in the
//! outbox until its ciphertext has left: so the broker's limits see what a slow reader leaves behind,
//! and no more than those few records exist twice.

use std::io;
use std::mem;

use broker::{CloseReason, ConnId, Flush, Time};
use rustix::io::Errno;

use super::Driver;
use super::output::send_bytes;
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

impl Driver {
    /// Sends what there is for a connection with a link.
    pub(super) fn flush_secured(&mut self, now: Time, id: ConnId) -> io::Result<()> {
        loop {
            match self.send_outgoing(now, id)? {
                Sent::All => {}
                Sent::Full => {
                    let is_over = matches!(self.broker.flush(id), Flush::Close);
                    return if is_over { self.close(id) } else { Ok(()) };
                }
                Sent::Broken => self.broker.on_hangup(id, CloseReason::WriteError),
            }
            match self.links.find(id).map(|link| &link.state) {
                None | Some(State::Opening(_) | State::InKernel) => return self.flush_plain(now, id),
                Some(State::Handshake { .. }) => return self.end_handshake(id),
                Some(State::Open(_)) => {}
            }
            if !self.seal_some(id)? {
                return Ok(());
            }
        }
    }

    /// Encrypts some of the outbox and sends it. Returns whether there may be more to do.
    fn seal_some(&mut self, id: ConnId) -> io::Result<bool> {
        let Self { broker, io, links, sealed, row, .. } = self;
        let Some(Link { state: State::Open(session), sealed: waiting, .. }) =
            links.find(id).map(|link| &mut **link)
        else {
            return Ok(false);
        };
        let outbox = match broker.flush(id) {
            Flush::Nothing => return Ok(false),
            Flush::Close => return self.close(id).map(|()| false),
            Flush::Send(outbox) => outbox,
        };
        let Ok(count) = session.seal(outbox.slices(), sealed) else {
            broker.on_hangup(id, CloseReason::WriteError);
            return Ok(true);
        };
        row.bytes += count;
        let Some(socket) = io.socket(id) else { return Ok(false) };
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
        Ok(true)
    }

    /// Sends what the session has to send before anything else.
    pub(super) fn send_outgoing(&mut self, now: Time, id: ConnId) -> io::Result<Sent> {
        let Some(link) = self.links.find(id) else { return Ok(Sent::All) };
        if link.blocked {
            return Ok(Sent::Full);
        }
        loop {
            let Some(session) = link.session() else { return Ok(Sent::All) };
            if session.outgoing().is_empty() {
                let sealed = mem::take(&mut link.sealed);
                if sealed > 0 {
                    self.broker.on_sent(id, sealed);
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
                    self.broker.on_blocked(now, id);
                    return Ok(Sent::Full);
                }
                Err(_) => return Ok(Sent::Broken),
            }
        }
    }

    /// Closes a connection that ends before it is secured, whatever is left to be said: it cannot be.
    fn end_handshake(&mut self, id: ConnId) -> io::Result<()> {
        if self.broker.wants_input(id) {
            return Ok(());
        }
        loop {
            match self.broker.flush(id) {
                Flush::Nothing => return Ok(()),
                Flush::Close => return self.close(id),
                Flush::Send(outbox) => {
                    let count = outbox.len();
                    self.broker.on_sent(id, count);
                }
            }
        }
    }

    /// A socket takes bytes again.
    pub(super) fn on_writable(&mut self, now: Time, id: ConnId) -> io::Result<()> {
        self.broker.on_writable(id);
        if let Some(link) = self.links.find(id) {
            link.blocked = false;
            self.send_outgoing(now, id)?;
            self.note_eager(id);
        }
        Ok(())
    }
}
