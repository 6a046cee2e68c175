//! A reload that somebody in the system account asks for.

use std::sync::{Arc, OnceLock};

/// What reads the configuration again. The error says why nothing changed.
type Reload = dyn Fn() -> Result<(), String> + Send + Sync;

/// Reads the configuration again, once there is who does: a server within a program has nobody.
#[derive(Clone, Default)]
pub(crate) struct ReloadByRequest(Arc<OnceLock<Box<Reload>>>);

impl ReloadByRequest {
    /// There is somebody who does.
    pub(crate) fn set(&self, reload: Box<Reload>) {
        assert!(self.0.set(reload).is_ok(), "a server has one configuration");
    }

    /// Has it read.
    pub(crate) fn call(&self) -> Result<(), String> {
        self.0.get().map_or_else(|| Err(NO_FILE.to_owned()), |reload| reload())
    }
}

/// There is no file to read.
pub(crate) const NO_FILE: &str = "can only reload config when a file is provided using -c or --config";
