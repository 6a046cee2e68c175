//! The word that has dead letters published again.

use std::ffi::OsString;

use crate::copies::SERVER;
use crate::error::OptionsError;
use crate::invocation::Invocation;

/// `replay <stream>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayCall {
    /// The stream that keeps them.
    pub stream: String,
    /// The server, with who asks: `nats://[user:password@]host[:port]`.
    pub server: String,
    /// Those of this stream alone.
    pub of: Option<String>,
    /// Those of this consumer alone.
    pub consumer: Option<String>,
    /// Whether letters stay that were published again.
    pub keeps: bool,
}

pub(crate) const REPLAY: &str = "replay";

/// What it says of itself in a line.
pub(crate) const REPLAY_HELP: &str = "Publish dead letters of a running server again";

/// What it does.
pub(crate) const REPLAY_TEXT: &str = "\
Publishes each message that a consumer gave up, and that is kept in <stream>, under the subject that it had
before, and deletes it from there once a stream has it: all that came before the command was given. Those that
cannot be read, and have nothing left to be published, stay.";

fn usage(program: &str) -> String {
    format!(
        "\nUsage: {program} {REPLAY} <stream> [--of <stream>] [--consumer <name>] [--keep] [--server <url>]\n\n\
         {REPLAY_TEXT}\n\n\
         --of and --consumer: only those that came from that stream, or were given up by that consumer.\n\
         --keep: those that were published again stay in <stream> as well.\n\n\
         The server is {SERVER} unless <url> says another one, with a user and a password if it\n\
         asks for them: nats://user:password@host:port.\n\n\
         It says of each letter what became of it. It ends with 0 if all were published, and else with 1.\n"
    )
}

/// What stands behind the word.
pub(crate) fn replay_call(
    program: &str,
    has_flags: bool,
    mut args: impl Iterator<Item = OsString>,
) -> Result<Invocation, OptionsError> {
    let wrong = || OptionsError::ReplayTakes;
    let (mut stream, mut call) = (None, ReplayCall::default());
    while let Some(arg) = args.next() {
        let mut text = || args.next().and_then(|value| value.into_string().ok()).ok_or_else(wrong);
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(Invocation::PrintHelp(usage(program))),
            Some("--server") => call.server = text()?,
            Some("--of") => call.of = Some(text()?),
            Some("--consumer") => call.consumer = Some(text()?),
            Some("--keep") => call.keeps = true,
            Some(name) if stream.is_none() && !name.is_empty() && !name.starts_with('-') => {
                stream = Some(name.to_owned());
            }
            _ => return Err(wrong()),
        }
    }
    let stream = stream.filter(|_| !has_flags).ok_or_else(wrong)?;
    Ok(Invocation::Replay(ReplayCall { stream, ..call }))
}

impl Default for ReplayCall {
    fn default() -> Self {
        Self { stream: String::new(), server: SERVER.to_owned(), of: None, consumer: None, keeps: false }
    }
}
