//! Connections that are WebSockets, or are to be: what they are sent becomes frames as the socket takes it.
//!
//! Bytes of the transport's own (answers to requests, pongs, compressed messages) go before what the broker has to
//! say. That stays in the outbox until it has left, so the broker's limits see what a slow reader leaves behind.

use broker::{Cookies, Upgraded};
use conns::{CloseReason, ConnId, Flush, Outbox, Time};
use transport::{InPlace, Transport};
use ws_frame::{Close, Status};

use crate::event::Sent;
use crate::output::Flushed;
use crate::receiving::Behind;
use crate::security::security;
use crate::shard_core::ShardCore;
use crate::shell::{PIECES_MAX, Shell};

impl<S: Shell> ShardCore<S> {
    /// Bytes of a WebSocket whose payload stays where it was received: from there on it is as if it had come without
    /// frames, and may wait for its connection's turn where it is.
    pub(crate) fn receive_frames(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
        mut read: S::Read,
        behind: Behind,
    ) -> Result<(), S::Error> {
        let Some((transport, tools)) = self.transports.find_with_tools(id) else {
            shell.give_back(read);
            return Ok(());
        };
        let InPlace { payload, cuts, outcome } =
            transport.receive_in_place(shell.bytes_mut(&mut read), tools);
        if payload.is_empty() {
            shell.give_back(read);
        } else {
            shell.keep_only(&mut read, payload);
            self.receive_plain(shell, now, id, read, 0, behind, &cuts)?;
        }
        self.transports.tools.put_back_cuts(cuts);
        self.attend(shell, now, id, outcome)
    }

    /// Whether more can be received of a WebSocket at once: not of one that is to be heeded first.
    pub(crate) fn may_receive_frames_now(&self, id: ConnId) -> bool {
        self.unheeded.is_none() && self.transports.stays_in_place(id) && self.transports.want_input(id)
    }

    /// Takes what was received at once out of its frames. What follows from them comes once the payload has been
    /// acted on or waits for that: [`Self::heed_frames`].
    pub(crate) fn unframe_now(&mut self, shell: &mut S, id: ConnId, read: &mut S::Read) {
        let Some((transport, tools)) = self.transports.find_with_tools(id) else { return };
        let InPlace { payload, cuts, outcome } = transport.receive_in_place(shell.bytes_mut(read), tools);
        if outcome.is_err() || transport.has_own_output() {
            self.unheeded = Some((id, outcome));
        }
        shell.keep_only(read, payload);
        self.transports.tools.put_back_cuts(cuts);
    }

    /// Answers frames that were received at once, or ends their connection.
    pub(crate) fn heed_frames(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        if let Some((id, outcome)) = self.unheeded.take() {
            self.attend(shell, now, id, outcome)?;
            self.steer_receive(shell, id)?;
        }
        Ok(())
    }

    /// Sends what there is for a WebSocket whose bytes go to the socket as they are.
    pub(crate) fn flush_frames(&mut self, shell: &mut S, now: Time, id: ConnId) -> Result<Flushed, S::Error> {
        let mut flushed = Flushed::default();
        loop {
            let Self { broker, transports, .. } = self;
            let outbox = if transports.has_own_output(id) {
                None
            } else {
                transports.note_end(broker, id);
                match broker.flush(id) {
                    Flush::Nothing => return Ok(flushed),
                    Flush::Close => return Ok(Flushed { is_over: true, ..flushed }),
                    Flush::Send(outbox) => Some(outbox),
                }
            };
            let Some((transport, tools)) = transports.find_with_tools(id) else { return Ok(flushed) };
            if let Some(outbox) = outbox {
                transport.frame(outbox.len(), outbox.slices(), tools);
            }
            let is_own = outbox.is_none();
            match send_framed(shell, id, transport, outbox)? {
                Sent::Bytes(count) => {
                    let left = transport.on_framed(count);
                    // Also of its own bytes: who takes them is not late.
                    if left > 0 || is_own {
                        flushed.bytes += left;
                        broker.on_sent(id, left);
                    }
                }
                Sent::Full => {
                    transport.on_blocked();
                    broker.on_blocked(now, id);
                    return Ok(flushed);
                }
                Sent::Broken => {
                    // Nothing of its own leaves any more either.
                    transport.on_blocked();
                    broker.on_hangup(id, CloseReason::WriteError);
                    return Ok(Flushed { is_over: matches!(broker.flush(id), Flush::Close), ..flushed });
                }
                Sent::Gone => return Ok(flushed),
            }
        }
    }

    /// Says why a connection ends, if it is a WebSocket and its socket takes that. It is a courtesy: what does not
    /// fit is not said.
    pub(crate) fn say_last_frame(
        &mut self,
        shell: &mut S,
        id: ConnId,
        transport: &mut Transport,
        end: Option<CloseReason>,
    ) -> Result<(), S::Error> {
        if transport.is_blocked() || !transport.say_goodbye(end.and_then(close)) {
            return Ok(());
        }
        if transport.is_open() {
            send_framed(shell, id, transport, None)?;
        } else if transport.outgoing().is_empty()
            && transport.seal(std::iter::empty(), &mut self.transports.sealed).is_ok()
        {
            let sealed = self.transports.sealed.bytes();
            let taken = match shell.send_bytes(id, sealed)? {
                Sent::Bytes(taken) => taken,
                Sent::Full | Sent::Broken | Sent::Gone => return Ok(()),
            };
            transport.keep(&sealed[taken..], 0);
        }
        Ok(())
    }
}

fn send_framed<S: Shell>(
    shell: &mut S,
    id: ConnId,
    transport: &Transport,
    outbox: Option<&Outbox>,
) -> Result<Sent, S::Error> {
    let mut pieces = [&[][..]; PIECES_MAX];
    let mut count = 0;
    let header = transport.header();
    let framed = transport.framed(&header, outbox.into_iter().flat_map(Outbox::slices));
    for (slot, piece) in pieces.iter_mut().zip(framed) {
        *slot = piece;
        count += 1;
    }
    shell.send_pieces(id, &pieces[..count])
}

/// What the last frame says of a reason; nothing where nobody is there to read it.
fn close(reason: CloseReason) -> Option<Close> {
    use CloseReason as Reason;
    if !reason.keeps_output() || reason == Reason::TlsHandshakeFailure {
        return None;
    }
    let status = match reason {
        Reason::ClientClosed => Status::NORMAL,
        Reason::AuthenticationTimeout
        | Reason::AuthenticationFailure
        | Reason::MaxAccountConnectionsExceeded
        | Reason::MaxConnectionsExceeded
        | Reason::MaxControlLineExceeded
        | Reason::MaxSubscriptionsExceeded => Status::POLICY_VIOLATION,
        Reason::ParseError
        | Reason::ProtocolViolation
        | Reason::BadClientProtocolVersion
        | Reason::Unreadable => Status::PROTOCOL_ERROR,
        Reason::MaxPayloadExceeded => Status::TOO_BIG,
        Reason::StaleConnection | Reason::ServerShutdown => Status::GOING_AWAY,
        _ => Status::INTERNAL_ERROR,
    };
    Some(Close::new(status, reason.text()))
}

/// What is known of a connection that has become a WebSocket, in the words of the broker.
pub(crate) fn told(upgraded: transport::GrantedUpgrade) -> Upgraded {
    let transport::GrantedUpgrade { secured, user, password, token, client_ip } = upgraded;
    // Where TLS is it always comes first; monitoring makes nothing of that here.
    let security = secured.map(|secured| security(&secured, false));
    Upgraded { security, cookies: Cookies { user, password, token }, client_ip }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 has them.
    #[test]
    fn reasons_have_the_peers_codes() {
        let said = |reason| close(reason).map(|close| (close.status.map(|status| status.0), close.reason));
        for (reason, status, words) in [
            (CloseReason::ClientClosed, 1000, "Client Closed"),
            (CloseReason::AuthenticationFailure, 1008, "Authentication Failure"),
            (CloseReason::MaxControlLineExceeded, 1008, "Maximum Control Line Exceeded"),
            (CloseReason::ParseError, 1002, "Parse Error"),
            (CloseReason::MaxPayloadExceeded, 1009, "Maximum Message Payload Exceeded"),
            (CloseReason::StaleConnection, 1001, "Stale Connection"),
            (CloseReason::ServerShutdown, 1001, "Server Shutdown"),
            (CloseReason::NoRespondersRequiresHeaders, 1011, "No Responders Requires Headers"),
        ] {
            assert_eq!(said(reason), Some((Some(status), words.to_owned())));
        }
        for reason in [CloseReason::ReadError, CloseReason::WriteError, CloseReason::SlowConsumerPendingBytes]
        {
            assert_eq!(said(reason), None);
        }
    }
}
