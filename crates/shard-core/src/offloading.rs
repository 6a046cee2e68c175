//! Connections with TLS that the kernel goes on with.
//!
//! Once a handshake is over the shard stops to receive, until the kernel has nothing more to report. If no
//! record is cut in two then, and all that the session had to say has left, the kernel gets the keys.
//! Otherwise the shard receives again, and tries it later.
//!
//! Always true: when the keys change hands nothing is under way between the kernel and the session.

use std::io;

use conns::{CloseReason, ConnId};

use crate::shard_core::ShardCore;
use crate::shell::Shell;

impl<S: Shell> ShardCore<S> {
    /// Has the kernel go on with connections that are ready for it. All events that were taken have been
    /// looked at.
    pub(crate) fn offload(&mut self, shell: &mut S) -> Result<(), S::Error> {
        while let Some(id) = self.transports.eager.pop() {
            self.offload_one(shell, id)?;
        }
        Ok(())
    }

    fn offload_one(&mut self, shell: &mut S, id: ConnId) -> Result<(), S::Error> {
        let Some(transport) = self.transports.find(id).filter(|transport| transport.is_for_kernel()) else {
            return Ok(());
        };
        if !transport.stops_for_kernel() {
            return self.steer_receive(shell, id);
        }
        if shell.stop_receiving(id)? { self.hand_to_kernel(shell, id) } else { Ok(()) }
    }

    fn hand_to_kernel(&mut self, shell: &mut S, id: ConnId) -> Result<(), S::Error> {
        let Some(transport) = self.transports.find(id) else { return Ok(()) };
        if let Err(error) = shell.attach_kernel_tls(id) {
            tracing::debug!("The kernel refuses the TLS of a client connection, it stays here: {error}");
            transport.stay();
            return self.steer_receive(shell, id);
        }
        let handover = transport.hand_over().map_err(io::Error::other);
        match handover.and_then(|handover| shell.hand_to_kernel(id, &handover)) {
            Ok(()) => tracing::debug!("The kernel goes on with the TLS of a client connection"),
            Err(error) => {
                tracing::error!("The kernel refuses the keys of a client connection, it ends: {error}");
                self.broker.on_hangup(id, CloseReason::ReadError);
            }
        }
        shell.on_records(id);
        self.steer_receive(shell, id)
    }
}
