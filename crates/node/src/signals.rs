//! What the server does when it is sent a signal.

use std::thread;

use shard_runtime::Stopper;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::NodeError;

/// Stops the server on SIGINT and SIGTERM.
pub(crate) fn stop_on_signals(stopper: Stopper) -> Result<(), NodeError> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(NodeError::Signals)?;
    let watch = move || {
        for signal in &mut signals {
            let name = if signal == SIGINT { "interrupt" } else { "terminated" };
            tracing::info!("Trapped {name:?} signal");
            tracing::info!("Initiating Shutdown...");
            stopper.stop();
        }
    };
    thread::Builder::new().name("signals".into()).spawn(watch).map_err(NodeError::Signals)?;
    Ok(())
}
