//! What a new configuration changes in a running server: the pure half of a reload.
//!
//! The rule of each option stands in its row: the line to log when it changed, or nats-server's name for it when
//! it may not change. Which options may change is what nats-server 2.14.5 answered when it was asked.

pub(crate) mod cluster;
pub(crate) mod compare;
pub(crate) mod jetstream;
pub(crate) mod rule;

pub use jetstream::jetstream_returns;
pub use rule::NotReloadable;

use crate::options::Options;
use crate::table::OPTIONS;

/// Compares options with those in force: a line for the log per change. Certificates are always read anew, so
/// with TLS there always is one.
///
/// The ports in force are to be the ones that were found: asking for a random one changes nothing.
///
/// # Errors
/// The first option that changed and may not.
pub fn reload_changes(old: &Options, new: &Options) -> Result<Vec<String>, NotReloadable> {
    let mut lines = Vec::new();
    OPTIONS.iter().try_for_each(|row| row.rule.apply(old, new, &mut lines))?;
    Ok(lines)
}

#[cfg(test)]
mod tests;
