//! Connections on their way to be secured, or to turn out plain: what their transports say, and what is done about it.
//!
//! Always true: the broker hears nothing of a connection before it is known whether it is secured, and
//! sends it nothing but INFO, or why it is refused.

use std::sync::Arc;

use broker::{Broker, Greeting};
use conns::{CloseReason, ConnId, Peer, Time};
use nats_auth::ConnectionType;
use tls_session::Acceptor;
use transport::{
    Ended, HandshakeDone, HandshakeError, Hangup, News, Opening, Output, Terms, Transport, WebPolicy,
};

use crate::event::End;
use crate::output::flush_plain;
use crate::security::security;
use crate::shard_core::ShardCore;
use crate::shell::Shell;
use crate::web::told;

impl<S: Shell> ShardCore<S> {
    /// Secures connections that are accepted from here on with this, or not at all.
    pub fn secure(&mut self, acceptor: Option<Arc<Acceptor>>) {
        self.transports.acceptor = acceptor;
    }

    /// WebSockets that are accepted from here on are subject to this.
    pub fn open_web(&mut self, policy: Arc<WebPolicy>) {
        self.transports.web_policy = policy;
    }

    /// How to greet a connection that was just accepted.
    pub(crate) fn greeting(&self, how: ConnectionType) -> Greeting {
        if how == ConnectionType::Websocket {
            return Greeting::AfterUpgrade;
        }
        let Some(acceptor) = &self.transports.acceptor else { return Greeting::Plain };
        let terms = if how == ConnectionType::InProcess { Terms::in_process } else { Terms::of };
        if Opening::new(&terms(acceptor.policy())).is_greeted() {
            Greeting::BeforeTls
        } else {
            Greeting::AfterTls
        }
    }

    /// Waits for what a new connection does.
    pub(crate) fn open_transport(&mut self, shell: &S, now: Time, id: ConnId, how: ConnectionType) {
        let outcome = if how == ConnectionType::Websocket {
            let Some(peer) = self.broker.peer(id) else { return };
            let policy = Arc::clone(&self.transports.web_policy);
            Transport::web(policy, peer.place(), now.0, tell(&mut self.broker, now, id))
        } else {
            let Some(acceptor) = self.transports.acceptor.clone() else { return };
            // One that was turned away needs no handshake.
            if !self.broker.wants_input(id) {
                return;
            }
            let tell = tell(&mut self.broker, now, id);
            if how == ConnectionType::InProcess {
                Transport::in_process(acceptor, now.0, tell)
            } else {
                Transport::new(acceptor, now.0, tell)
            }
        };
        match outcome {
            Ok(transport) => self.transports.insert(id, transport),
            Err(ended) => self.on_ended(shell, id, &ended),
        }
    }

    /// A connection came from another shard with this.
    pub(crate) fn adopt_transport(&mut self, shell: &mut S, id: ConnId, mut transport: Transport) {
        transport.on_moved();
        if transport.is_in_kernel() {
            shell.on_records(id);
        }
        self.transports.insert(id, transport);
    }

    /// Bytes of a connection with a transport.
    pub(crate) fn receive_by_transport(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
        read: &mut S::Read,
    ) -> Result<(), S::Error> {
        // INFO in the clear goes before anything of the handshake, even if the client did not wait for it.
        let is_opening =
            |transport: &Transport| transport.is_opening() && transport.output() == Output::Plain;
        if self.transports.peek(id).is_some_and(is_opening)
            && flush_plain(&mut self.broker, shell, now, id)?.is_over
        {
            return self.close(shell, id);
        }
        let wall_clock = shell.wall_clock();
        let Some((transport, tools)) = self.transports.find_with_tools(id) else { return Ok(()) };
        if transport.is_web() {
            tools.now = wall_clock.seconds();
        }
        let tell = tell(&mut self.broker, now, id);
        let outcome = transport.receive(now.0, shell.bytes_mut(read), tools, tell);
        self.attend(shell, now, id, outcome)
    }

    /// A step of a handshake is done.
    pub(crate) fn on_handshake_done(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
        done: HandshakeDone,
    ) -> Result<(), S::Error> {
        let wall_clock = shell.wall_clock();
        let Some((transport, tools)) = self.transports.find_with_tools(id) else { return Ok(()) };
        tools.now = wall_clock.seconds();
        let tell = tell(&mut self.broker, now, id);
        let is_taken = |version, cipher| shell.kernel_takes(version, cipher);
        let outcome = transport.on_done(done, now.0, tools, is_taken, tell);
        self.attend(shell, now, id, outcome)?;
        self.steer_receive(shell, id)
    }

    /// Nothing more comes from a connection with a transport.
    pub(crate) fn on_transport_ended(&mut self, shell: &mut S, id: ConnId, end: End) {
        let Some(transport) = self.transports.find(id) else { return };
        let hangup = match end {
            End::Stopped => return self.transports.note(id),
            End::Closed => Hangup::Closed,
            End::Failed if transport.is_in_kernel() && shell.said_goodbye(id) => Hangup::Closed,
            End::Failed => Hangup::Broken,
        };
        let outcome = transport.on_hangup(hangup);
        self.transports.note(id);
        self.heed_outcome(shell, id, outcome);
    }

    /// Goes on with connections that took their time.
    pub(crate) fn on_transport_deadlines(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        while let Some(id) = self.transports.due(now) {
            let transport =
                self.transports.find(id).expect("a connection without a transport has no deadline");
            let outcome = transport.on_deadline(now.0, tell(&mut self.broker, now, id));
            self.attend(shell, now, id, outcome)?;
        }
        Ok(())
    }

    /// Does what a connection's transport asks for by now.
    pub(crate) fn attend(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
        outcome: Result<(), Ended>,
    ) -> Result<(), S::Error> {
        self.heed_outcome(shell, id, outcome);
        let Some(transport) = self.transports.find(id) else { return Ok(()) };
        if transport.is_clear() {
            self.transports.remove(id);
            return Ok(());
        }
        let has_own_output = transport.has_own_output();
        self.hand_over_handshake(shell, now, id);
        self.send_outgoing(shell, now, id)?;
        if has_own_output {
            self.broker.flush_later([&id]);
        }
        self.transports.note(id);
        Ok(())
    }

    /// Has someone else look at what a client sent for its handshake, if there is anything.
    fn hand_over_handshake(&mut self, shell: &mut S, now: Time, id: ConnId) {
        let Some(peer) = self.broker.peer(id) else { return };
        let Some(step) = self.transports.find(id).and_then(|transport| transport.take_step(now.0)) else {
            return;
        };
        if !shell.work_on_handshake(id, peer.place(), step) {
            self.on_ended(shell, id, &Ended::Handshake(HandshakeError::TooMany));
        }
    }

    fn heed_outcome(&mut self, shell: &S, id: ConnId, outcome: Result<(), Ended>) {
        if let Err(ended) = outcome {
            self.on_ended(shell, id, &ended);
        }
    }

    /// A connection has come to its end on its way to the broker.
    #[cold]
    pub(crate) fn on_ended(&mut self, shell: &S, id: ConnId, ended: &Ended) {
        match ended {
            Ended::Throttled => self.broker.on_throttled(id),
            Ended::Handshake(error) => {
                let peer = self.broker.peer(id).and_then(Peer::address);
                let text = error.text(|| Some((shell.local_address(id)?, peer?)));
                if *error == HandshakeError::Timeout {
                    self.broker.on_handshake_timeout(id, &text);
                } else {
                    self.broker.on_handshake_failed(id, &text, error.is_probe());
                }
            }
            Ended::Hangup(hangup) => self.broker.on_hangup(id, reason(*hangup)),
            Ended::Unreadable(words) => self.broker.on_unreadable(id, words),
            Ended::Guest => self.broker.on_guest_left(id),
        }
    }
}

fn reason(hangup: Hangup) -> CloseReason {
    match hangup {
        Hangup::Closed => CloseReason::ClientClosed,
        Hangup::Broken => CloseReason::ReadError,
    }
}

/// Tells the broker the news of a connection.
pub(crate) fn tell(broker: &mut Broker, now: Time, id: ConnId) -> impl FnMut(News<'_>) {
    move |news| match news {
        News::Said(bytes) => broker.on_received(now, id, bytes),
        News::Frames { bytes, cuts } => broker.on_frames(now, id, bytes, cuts),
        News::Refused(words) => broker.on_upgrade_refused(id, words),
        News::Upgraded(upgraded) => broker.on_upgraded(now, id, told(*upgraded)),
        News::Greet => broker.greet(id),
        News::Securing => broker.on_securing(id),
        News::Clear => broker.on_unsecured(now, id),
        News::Secured { secured, first } => broker.on_secured(now, id, security(&secured, first)),
    }
}
