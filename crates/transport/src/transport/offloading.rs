//! TLS that the kernel is to go on with.

use std::mem;

use tls_session::{Handover, SessionError};

use crate::offload::Offload;

use super::{Stage, Transport};

impl Transport {
    /// Whether the kernel is to go on with the connection.
    pub fn is_for_kernel(&self) -> bool {
        matches!(&self.stage, Stage::Tls(tls) if tls.offload != Offload::No)
    }

    /// Looks whether the kernel could go on now: no record is cut in two, and nothing waits. If so nothing is to be
    /// received until [`Self::hand_over`]; otherwise it is to be tried later.
    pub fn stops_for_kernel(&mut self) -> bool {
        match &mut self.stage {
            Stage::Tls(tls) if !self.is_blocked && tls.is_between_records() => {
                tls.offload = tls.offload.stopping();
                true
            }
            _ => {
                self.stay_for_now();
                false
            }
        }
    }

    pub(super) fn stay_for_now(&mut self) {
        if let Stage::Tls(tls) = &mut self.stage {
            tls.offload = tls.offload.put_off();
        }
    }

    /// The kernel does not go on with it.
    pub fn stay(&mut self) {
        if let Stage::Tls(tls) = &mut self.stage {
            tls.offload = Offload::No;
        }
    }

    /// Gives the keys away, for the kernel to go on with them. The connection is the kernel's from here on.
    ///
    /// # Errors
    /// They cannot be had. The connection is of no use any more.
    pub fn hand_over(&mut self) -> Result<Handover, SessionError> {
        match mem::replace(&mut self.stage, Stage::Kernel) {
            Stage::Tls(tls) => tls.hand_over(),
            _ => Err(SessionError::NotOpen),
        }
    }
}
