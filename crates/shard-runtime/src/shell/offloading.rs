//! Connections with TLS that the kernel goes on with.
//!
//! Once a handshake is over the shard stops to receive, until the kernel has nothing more to report. If no
//! record is cut in two then, and all that the session had to say has left, the kernel gets the keys.
//! Otherwise the shard receives again, and tries it later.
//!
//! Always true: when the keys change hands nothing is under way between the kernel and the session.

use std::io;
use std::mem;

use broker::Broker;
use conns::{CloseReason, ConnId};
use tls_session::Secured;

use super::RuntimeShell;
use crate::kernel_tls::{attach, said_goodbye, take_over};
use crate::link::{Offload, State};

impl RuntimeShell {
    /// Whether the kernel is to go on with a connection that has just been secured.
    pub(super) fn offload_of(&self, secured: &Secured) -> Offload {
        let kernel_tls = &self.shared.given.kernel_tls;
        let knows = kernel_tls
            .as_ref()
            .is_some_and(|kernel| kernel.takes(secured.version, secured.cipher_suite.cipher()));
        if knows { Offload::WANTED } else { Offload::No }
    }

    /// Looks at a connection later in this turn, if the kernel is to go on with it: something has changed.
    pub(super) fn note_eager(&mut self, id: ConnId) {
        if self.links.peek(id).is_some_and(|link| link.offload != Offload::No && link.ended.is_none()) {
            self.eager.push(id);
        }
    }

    /// Has the kernel go on with connections that are ready for it. All events that were taken have been
    /// looked at.
    pub(super) fn offload(&mut self, broker: &mut Broker) -> io::Result<()> {
        while let Some(id) = self.eager.pop() {
            self.offload_one(broker, id)?;
        }
        Ok(())
    }

    fn offload_one(&mut self, broker: &mut Broker, id: ConnId) -> io::Result<()> {
        let Some(link) = self.links.find(id).filter(|link| link.offload != Offload::No) else {
            return Ok(());
        };
        if !link.is_between_records() {
            link.offload = link.offload.put_off();
            return self.steer_receive(broker, id);
        }
        link.offload = link.offload.stopping();
        if self.io.stop_receiving(id)? { self.hand_to_kernel(broker, id) } else { Ok(()) }
    }

    fn hand_to_kernel(&mut self, broker: &mut Broker, id: ConnId) -> io::Result<()> {
        let Self { io, links, .. } = self;
        let (Some(link), Some(socket)) = (links.find(id), io.socket(id)) else { return Ok(()) };
        link.offload = Offload::No;
        if let Err(error) = attach(socket) {
            tracing::debug!("The kernel refuses the TLS of a client connection, it stays here: {error}");
            return self.steer_receive(broker, id);
        }
        let State::Open(session) = mem::replace(&mut link.state, State::InKernel) else {
            unreachable!("a connection is between records only while it is open")
        };
        let handover = session.hand_over().map_err(io::Error::other);
        match handover.and_then(|handover| take_over(socket, &handover)) {
            Ok(()) => tracing::debug!("The kernel goes on with the TLS of a client connection"),
            Err(error) => {
                tracing::error!("The kernel refuses the keys of a client connection, it ends: {error}");
                broker.on_hangup(id, CloseReason::ReadError);
            }
        }
        io.on_records(id);
        self.steer_receive(broker, id)
    }

    /// Why nothing more can be received from a connection.
    pub(super) fn reason_to_end(&self, id: ConnId) -> CloseReason {
        let is_in_kernel = self.links.peek(id).is_some_and(|link| matches!(link.state, State::InKernel));
        match self.io.socket(id) {
            Some(socket) if is_in_kernel && said_goodbye(socket) => CloseReason::ClientClosed,
            _ => CloseReason::ReadError,
        }
    }
}
