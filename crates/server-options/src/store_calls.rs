//! The word that looks at a store instead of serving.

use std::ffi::OsString;

use crate::command_line::CommandLine;
use crate::error::OptionsError;
use crate::invocation::{Invocation, StoreCall};
use crate::usage::fsck_usage;

/// What looks at a store: a word, as `version` is one, since it does not serve, and takes none of the options that
/// serving has. nats-server has none of that name.
pub(crate) const FSCK: &str = "fsck";

pub(crate) fn store_call(
    program: &str,
    has_flags: bool,
    mut args: impl Iterator<Item = OsString>,
) -> Result<Invocation, OptionsError> {
    let (mut folder, mut config) = (None, None);
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(Invocation::PrintHelp(fsck_usage(program))),
            Some("-c" | "--config") if config.is_none() => {
                config = Some(args.next().filter(|file| !file.is_empty()).ok_or(OptionsError::OneDirectory)?);
            }
            Some("") => return Err(OptionsError::OneDirectory),
            Some(flag) if flag.starts_with('-') => return Err(OptionsError::OneDirectory),
            _ if folder.is_some() => return Err(OptionsError::OneDirectory),
            _ => folder = Some(arg.into()),
        }
    }
    let folder = folder.filter(|_| !has_flags).ok_or(OptionsError::OneDirectory)?;
    let command_line = config.map(|file| CommandLine::new(Vec::new()).with_config(Some(file.into())));
    Ok(Invocation::CheckStore(StoreCall { folder, command_line }))
}
