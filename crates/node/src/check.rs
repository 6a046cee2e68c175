//! What `-t` finds beyond the configuration file: what a start would find in the files that it names.

use server_options::Options;

use crate::error::NodeError;
use crate::users::first_directory;

/// Whether a server could start with these options, as far as that shows without starting it.
///
/// # Errors
/// What is wrong with the users.
pub fn check(options: &Options) -> Result<(), NodeError> {
    first_directory(&options.auth)?;
    Ok(())
}
