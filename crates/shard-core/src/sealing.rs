//! Output of connections with a transport.
//!
//! What leaves a connection is encrypted at the last moment, some records at a time, and stays in the
//! outbox until its ciphertext has left: so the broker's limits see what a slow reader leaves behind,
//! and no more than those few records exist twice.

use broker::Broker;
use conns::{CloseReason, ConnId, Flush, Outbox, Time};
use transport::{Output, Transport};

use crate::event::Sent;
use crate::output::{Flushed, flush_plain};
use crate::shard_core::ShardCore;
use crate::shell::Shell;

/// What became of what has to leave before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outgoing {
    Left,
    /// The socket takes no more for now.
    Waits,
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

impl<S: Shell> ShardCore<S> {
    /// Sends what there is for a connection with a transport.
    pub(crate) fn flush_by_transport(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
    ) -> Result<Flushed, S::Error> {
        if !self.broker.is_blocked(id)
            && let Some(transport) = self.transports.find(id)
        {
            // One that was to leave and stays is tried again, whatever its socket said before: nobody waits for it.
            transport.on_writable();
        }
        let mut flushed = Flushed::default();
        loop {
            match self.send_outgoing(shell, now, id)? {
                Outgoing::Left => {}
                Outgoing::Waits => {
                    let is_over = matches!(self.broker.flush(id), Flush::Close);
                    return Ok(Flushed { is_over, ..flushed });
                }
                Outgoing::Broken => self.broker.on_hangup(id, CloseReason::WriteError),
            }
            match self.transports.peek(id).map_or(Output::Plain, |transport| transport.output()) {
                Output::Plain if self.transports.peek(id).is_some_and(Transport::is_web) => {
                    let Flushed { bytes, is_over } = self.flush_frames(shell, now, id)?;
                    return Ok(Flushed { bytes: flushed.bytes + bytes, is_over });
                }
                Output::Plain => {
                    let Flushed { bytes, is_over } = flush_plain(&mut self.broker, shell, now, id)?;
                    return Ok(Flushed { bytes: flushed.bytes + bytes, is_over });
                }
                Output::Withheld => {
                    return Ok(Flushed { is_over: withhold(&mut self.broker, id), ..flushed });
                }
                Output::Sealed => {}
            }
            match self.seal_some(shell, now, id)? {
                Seal::Nothing => return Ok(flushed),
                Seal::Over => return Ok(Flushed { is_over: true, ..flushed }),
                Seal::Some(bytes) => flushed.bytes += bytes,
            }
        }
    }

    /// Encrypts some of the outbox and sends it.
    fn seal_some(&mut self, shell: &mut S, now: Time, id: ConnId) -> Result<Seal, S::Error> {
        let Self { broker, transports, .. } = self;
        let outbox = if transports.has_own_output(id) {
            None
        } else {
            transports.note_end(broker, id);
            match broker.flush(id) {
                Flush::Nothing => return Ok(Seal::Nothing),
                Flush::Close => return Ok(Seal::Over),
                Flush::Send(outbox) => Some(outbox),
            }
        };
        if let Some(outbox) = outbox {
            transports.frame(id, outbox);
        }
        let Some((transport, sealed)) = transports.find_with_room(id) else { return Ok(Seal::Nothing) };
        let is_own = outbox.is_none();
        let slices = outbox.into_iter().flat_map(Outbox::slices);
        let Ok(count) = transport.seal(slices, sealed) else {
            broker.on_hangup(id, CloseReason::WriteError);
            return Ok(Seal::Some(0));
        };
        // New keys, say, have to go before what is encrypted with them.
        let is_next = transport.outgoing().is_empty();
        let sent = if is_next { shell.send_bytes(id, sealed.bytes())? } else { Sent::Bytes(0) };
        let taken = match sent {
            Sent::Bytes(taken) => taken,
            Sent::Full => 0,
            Sent::Broken => {
                // Nothing of its own leaves any more either.
                transport.on_blocked();
                broker.on_hangup(id, CloseReason::WriteError);
                return Ok(Seal::Some(count));
            }
            Sent::Gone => return Ok(Seal::Nothing),
        };
        let left = transport.keep(&sealed.bytes()[taken..], count);
        // Also of its own bytes: who takes them is not late.
        if left > 0 || (is_own && taken > 0) {
            broker.on_sent(id, left);
        }
        if sent == Sent::Full {
            transport.on_blocked();
            broker.on_blocked(now, id);
        }
        Ok(Seal::Some(count))
    }

    /// The socket of a connection with a transport takes bytes again. The broker knows.
    pub(crate) fn on_transport_writable(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
    ) -> Result<(), S::Error> {
        if let Some(transport) = self.transports.find(id) {
            transport.on_writable();
            self.send_outgoing(shell, now, id)?;
            self.transports.note(id);
        }
        Ok(())
    }

    /// Sends what has to leave before anything else.
    pub(crate) fn send_outgoing(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
    ) -> Result<Outgoing, S::Error> {
        let Some(transport) = self.transports.find(id) else { return Ok(Outgoing::Left) };
        if transport.is_blocked() {
            return Ok(Outgoing::Waits);
        }
        while !transport.outgoing().is_empty() {
            match shell.send_bytes(id, transport.outgoing())? {
                Sent::Bytes(count) => {
                    let left = transport.on_sent(count);
                    if left > 0 {
                        self.broker.on_sent(id, left);
                    }
                }
                Sent::Full => {
                    transport.on_blocked();
                    self.broker.on_blocked(now, id);
                    return Ok(Outgoing::Waits);
                }
                Sent::Broken | Sent::Gone => return Ok(Outgoing::Broken),
            }
        }
        Ok(Outgoing::Left)
    }

    /// Lets go of what is between a connection's socket and the broker, after its last words.
    pub(crate) fn close_transport(&mut self, shell: &mut S, id: ConnId) -> Result<(), S::Error> {
        let end = self.transports.end(id);
        let Some(mut transport) = self.transports.remove(id) else { return Ok(()) };
        self.say_last_frame(shell, id, &mut transport, end)?;
        if transport.is_in_kernel() {
            shell.say_goodbye(id);
            return Ok(());
        }
        transport.close();
        if !transport.is_blocked() && !transport.outgoing().is_empty() {
            // It is a courtesy: what does not fit is not said.
            shell.send_bytes(id, transport.outgoing())?;
        }
        Ok(())
    }
}

/// Forgets what is left to be said on a connection that ends before it is secured: it cannot be. Returns whether it
/// does end.
fn withhold(broker: &mut Broker, id: ConnId) -> bool {
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
