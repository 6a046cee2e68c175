//! TLS between sockets and the broker: how connections begin, their handshakes, and what they send.
//!
//! Always true: the broker hears nothing of a connection before it is known whether it is secured, and
//! sends it nothing but INFO, or why it is refused.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;

use broker::{Broker, Greeting, Security};
use conns::{CloseReason, ConnId, Time};
use shard_core::{Shell, flush_plain};
use tls_session::{Session, SessionError};
use transport::Opening;

use super::RuntimeShell;
use crate::handshakes::{Done, Step};
use crate::io::{End, Received};
use crate::link::{Link, Offload, State, security};

impl RuntimeShell {
    /// How to greet a connection that was just accepted.
    pub(super) fn greeting_now(&self) -> Greeting {
        match &self.tls {
            None => Greeting::Plain,
            Some(acceptor) if Opening::new(acceptor.policy()).is_greeted() => Greeting::BeforeTls,
            Some(_) => Greeting::AfterTls,
        }
    }

    /// Waits for what a new connection does.
    pub(super) fn link_up(&mut self, broker: &mut Broker, now: Time, id: ConnId) {
        let Some(acceptor) = self.tls.clone() else { return };
        // One that was turned away needs no handshake.
        if !broker.wants_input(id) {
            return;
        }
        let opening = Opening::new(acceptor.policy());
        self.links.insert(id, Box::new(Link::new(acceptor, opening)));
        self.on_opening(broker, now, id, opening);
    }

    /// A connection has come to this on its way.
    fn on_opening(&mut self, broker: &mut Broker, now: Time, id: ConnId, opening: Opening) {
        let Some(link) = self.links.find(id) else { return };
        if opening == Opening::Clear {
            self.unlink(id);
            return broker.on_unsecured(now, id);
        }
        if matches!(opening, Opening::Secure { .. }) {
            let admission = link.acceptor.admit(now.0);
            if admission.refused_before > 0 {
                tracing::warn!("Rejected {} connections due to TLS rate limiting", admission.refused_before);
            }
            if !admission.granted {
                self.unlink(id);
                return broker.on_throttled(id);
            }
            broker.on_securing(id);
        }
        link.state = State::Opening(opening);
        let deadline = now + opening.patience(link.acceptor.policy());
        self.set_deadline(id, Some(deadline));
    }

    fn set_deadline(&mut self, id: ConnId, deadline: Option<Time>) {
        let Some(link) = self.links.find(id) else { return };
        if let Some(before) = mem::replace(&mut link.deadline, deadline) {
            self.link_deadlines.remove(&(before, id));
        }
        if let Some(deadline) = deadline {
            self.link_deadlines.insert((deadline, id));
        }
    }

    /// Forgets what is between a connection's socket and the broker.
    pub(super) fn unlink(&mut self, id: ConnId) -> Option<Box<Link>> {
        self.set_deadline(id, None);
        self.links.remove(id)
    }

    /// When [`Self::on_link_deadlines`] is next needed.
    pub(crate) fn next_link_deadline(&self) -> Option<Time> {
        self.link_deadlines.first().map(|(at, _)| *at)
    }

    /// Goes on with connections that took their time.
    pub(crate) fn on_link_deadlines(&mut self, broker: &mut Broker, now: Time) {
        while let Some((at, id)) = self.link_deadlines.first().copied()
            && at <= now
        {
            self.set_deadline(id, None);
            let link = self.links.find(id).expect("a connection without a link has no deadline");
            let next = match &link.state {
                State::Opening(opening) => opening.on_patience_over(link.acceptor.policy()),
                State::Handshake { .. } | State::Open(_) | State::InKernel => None,
            };
            match next {
                None => {
                    let error = self.read_error(broker, id, "i/o timeout");
                    broker.on_handshake_timeout(id, &error);
                }
                Some(opening) => {
                    if opening.is_greeted() && matches!(link.state, State::Opening(Opening::Silent)) {
                        broker.greet(id);
                    }
                    self.on_opening(broker, now, id, opening);
                }
            }
        }
    }

    /// Bytes of a connection with a link.
    pub(super) fn on_received_secured(
        &mut self,
        broker: &mut Broker,
        now: Time,
        id: ConnId,
        received: &mut Received,
    ) -> io::Result<()> {
        let Some(link) = self.links.find(id) else { return Ok(()) };
        if let State::Opening(opening) = link.state {
            let first = self.io.bytes(received).first().copied();
            self.on_first_byte(broker, now, id, opening, first.expect("an empty receive is an end"))?;
        }
        let Some(link) = self.links.find(id) else {
            broker.on_received(now, id, self.io.bytes(received));
            return Ok(());
        };
        match &mut link.state {
            State::Open(session) => {
                let input = self.io.bytes_mut(received);
                let outcome = session.receive(input, |bytes| broker.on_received(now, id, bytes));
                self.after_receive(broker, id, outcome);
                self.send_outgoing(broker, now, id)?;
                self.note_eager(id);
            }
            State::InKernel => broker.on_received(now, id, self.io.bytes(received)),
            _ => {
                link.held.extend_from_slice(self.io.bytes(received));
                self.go_on_with_handshake(broker, now, id);
            }
        }
        Ok(())
    }

    fn on_first_byte(
        &mut self,
        broker: &mut Broker,
        now: Time,
        id: ConnId,
        opening: Opening,
        byte: u8,
    ) -> io::Result<()> {
        let next = opening.on_first_byte(byte);
        if next != opening {
            self.on_opening(broker, now, id, next);
        }
        // INFO in the clear goes before anything of the handshake, even if the client did not wait for it.
        if flush_plain(broker, self, now, id)?.is_over {
            self.close(id)?;
        }
        if let Opening::Secure { greeted } = next
            && let Some(link) = self.links.find(id)
        {
            let session = Some(Box::new(Session::new(&link.acceptor)));
            link.state = State::Handshake { session, greeted };
        }
        Ok(())
    }

    fn after_receive(&mut self, broker: &mut Broker, id: ConnId, outcome: Result<(), SessionError>) {
        let session = self.links.find(id).and_then(|link| link.session());
        let ended = session.is_some_and(|session| session.is_closed());
        match outcome {
            Err(_) => broker.on_hangup(id, CloseReason::ReadError),
            Ok(()) if ended => broker.on_hangup(id, CloseReason::ClientClosed),
            Ok(()) => {}
        }
    }

    /// Has someone else look at what the client sent, if there is anything. Until that is done the client
    /// waits for us, and its time does not run out.
    fn go_on_with_handshake(&mut self, broker: &mut Broker, now: Time, id: ConnId) {
        let Some(peer) = broker.peer(id) else { return };
        let Some(link) = self.links.find(id).filter(|link| !link.held.is_empty()) else { return };
        let State::Handshake { session, .. } = &mut link.state else { return };
        let Some(session) = session.take() else { return };
        let (address, awaited) = (peer.ip(), Arc::downgrade(&link.alive));
        let input = mem::take(&mut link.held);
        link.away = link.deadline.map(|deadline| (now, deadline));
        self.set_deadline(id, None);
        let orders = Arc::clone(&self.orders);
        if !self.shared.handshakes.submit(Step { id, address, awaited, session, input, orders }) {
            broker.on_handshake_failed(id, "too many handshakes at a time", false);
        }
    }

    /// A session is back from whoever worked on its handshake.
    pub(super) fn on_handshake_step(&mut self, broker: &mut Broker, now: Time, done: Done) -> io::Result<()> {
        let Done { id, session, outcome, plain } = done;
        let Some(link) = self.links.find(id) else { return Ok(()) };
        let State::Handshake { session: home, greeted } = &mut link.state else { return Ok(()) };
        let greeted = *greeted;
        let secured = session.secured();
        *home = Some(session);
        if let Some((since, deadline)) = link.away.take() {
            self.set_deadline(id, Some(deadline + now.since(since)));
        }
        if let Err(error) = outcome {
            broker.on_handshake_failed(id, &error.to_string(), error == SessionError::NotTls);
        } else if let Some(secured) = secured {
            let offload = self.offload_of(&secured);
            self.open(broker, now, id, security(&secured, !greeted), offload, &plain);
        } else {
            self.go_on_with_handshake(broker, now, id);
        }
        self.send_outgoing(broker, now, id)?;
        self.heed_end(broker, id);
        self.note_eager(id);
        self.steer_receive(broker, id)
    }

    /// Nothing more comes since the session left, and all that came before has been looked at.
    fn heed_end(&mut self, broker: &mut Broker, id: ConnId) {
        let Some(link) = self.links.find(id) else { return };
        let Some(end) = link.ended else { return };
        self.on_link_ended(broker, id, end);
    }

    /// Nothing more comes from a connection with a link.
    pub(super) fn on_link_ended(&mut self, broker: &mut Broker, id: ConnId, end: End) {
        if !self.fails_opening(broker, id, end) {
            let reason = if end == End::Closed { CloseReason::ClientClosed } else { self.reason_to_end(id) };
            broker.on_hangup(id, reason);
        }
    }

    /// The handshake is over.
    fn open(
        &mut self,
        broker: &mut Broker,
        now: Time,
        id: ConnId,
        security: Security,
        offload: Offload,
        plain: &[u8],
    ) {
        self.set_deadline(id, None);
        broker.on_secured(now, id, security);
        let Some(link) = self.links.find(id) else { return };
        if let State::Handshake { session, .. } = &mut link.state {
            let session = session.take().expect("the session has just come back");
            link.state = State::Open(session);
            link.offload = offload;
        }
        broker.on_received(now, id, plain);
        let link = self.links.find(id).expect("only a flush unlinks it");
        let mut held = mem::take(&mut link.held);
        let State::Open(session) = &mut link.state else { return };
        let outcome = session.receive(&mut held, |bytes| broker.on_received(now, id, bytes));
        self.after_receive(broker, id, outcome);
    }

    /// Nothing more comes from a connection that is not open yet. Returns whether that was so.
    fn fails_opening(&mut self, broker: &mut Broker, id: ConnId, end: End) -> bool {
        let Some(link) = self.links.find(id) else { return false };
        let is_cut = link.is_cut();
        match &link.state {
            // What it said before may be the end of the handshake, and more. But it does not wait any more.
            State::Handshake { session: None, .. } => {
                link.ended = Some(end);
                if let Some((_, deadline)) = link.away.take() {
                    self.set_deadline(id, Some(deadline));
                }
                true
            }
            State::Handshake { .. } | State::Opening(Opening::Silent | Opening::Secure { .. }) => {
                let error = match end {
                    End::Closed if is_cut => "unexpected EOF".to_owned(),
                    End::Closed => "EOF".to_owned(),
                    _ => self.read_error(broker, id, "read: connection reset by peer"),
                };
                broker.on_handshake_failed(id, &error, false);
                true
            }
            _ => false,
        }
    }

    /// Why a socket could not be read, in Go's words, which name both of its ends.
    fn read_error(&self, broker: &Broker, id: ConnId, reason: &str) -> String {
        let here = self.io.socket(id).and_then(|socket| rustix::net::getsockname(socket).ok());
        let here = here.and_then(|address| SocketAddr::try_from(address).ok());
        let (Some(mut here), Some(there)) = (here, broker.peer(id)) else { return reason.to_owned() };
        here.set_ip(here.ip().to_canonical());
        format!("read tcp {here}->{there}: {reason}")
    }
}
