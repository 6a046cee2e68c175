//! What is wrong with a configuration file, gathered while it is read.

use nats_conf::{ConfError, Entry, Value};
use nats_proto::quote;

/// Mistakes and warnings so far, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) errors: Vec<ConfError>,
    /// Lines as nats-server writes them.
    pub(crate) warnings: Vec<String>,
}

impl Report {
    pub(crate) fn error(&mut self, error: ConfError) {
        self.errors.push(error);
    }

    /// Notes that a value is refused, and why.
    pub(crate) fn refuse(&mut self, value: &Value, reason: impl Into<String>) {
        self.error(value.refused(reason));
    }

    /// Gives back what is right, and notes what is not.
    pub(crate) fn ok<T>(&mut self, result: Result<T, ConfError>) -> Option<T> {
        result.map_err(|error| self.error(error)).ok()
    }

    /// Notes that a key is used in a way that works and should not be.
    pub(crate) fn warn(&mut self, entry: &Entry, reason: &str) {
        self.warn_at(&entry.value, &entry.key, reason);
    }

    /// The same of a value that is told apart by something else than its key.
    pub(crate) fn warn_at(&mut self, value: &Value, field: &str, reason: &str) {
        let position = &value.position;
        self.warnings.push(format!("{position}: invalid use of field {}: {reason}", quote(field)));
    }
}
