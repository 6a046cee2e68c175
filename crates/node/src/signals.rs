//! What the server does when it is sent a signal.

use std::thread;

use shard_runtime::Control;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::NodeError;

/// Signals that are watched from now on, and answered once there is a server to stop.
pub(crate) struct StopSignals {
    signals: Signals,
}

impl StopSignals {
    /// Watches SIGINT and SIGTERM.
    pub(crate) fn watch() -> Result<Self, NodeError> {
        Signals::new([SIGINT, SIGTERM]).map(|signals| Self { signals }).map_err(NodeError::Signals)
    }

    /// Stops the server when one comes, or came already.
    pub(crate) fn stop(mut self, control: Control) -> Result<(), NodeError> {
        let answer = move || {
            for signal in &mut self.signals {
                let name = if signal == SIGINT { "interrupt" } else { "terminated" };
                tracing::info!("Trapped {name:?} signal");
                tracing::info!("Initiating Shutdown...");
                control.stop();
            }
        };
        thread::Builder::new().name("signals".into()).spawn(answer).map_err(NodeError::Signals)?;
        Ok(())
    }
}
