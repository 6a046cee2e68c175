//! Users and accounts of the options, as the shards share them.

use std::sync::Arc;

use nats_auth::{Config, ConfigError, Directory};

/// The directory of a server that starts.
///
/// # Errors
/// The configuration makes no sense.
pub(crate) fn first_directory(config: &Config) -> Result<Arc<Directory>, ConfigError> {
    Directory::new(config).inspect(|directory| warn_of_plain_passwords(directory))
}

fn warn_of_plain_passwords(directory: &Directory) {
    if directory.has_plain_passwords() {
        tracing::warn!("Plaintext passwords detected, use nkeys or bcrypt");
    }
}
