//! Words that copy streams instead of serving: from a server into a directory, or the other way.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::OptionsError;
use crate::invocation::Invocation;

/// Where a server is if nobody says.
pub(crate) const SERVER: &str = "nats://127.0.0.1:4222";

/// The account of a server without accounts.
const ACCOUNT: &str = "$G";

/// A word of the command line that copies streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyCall {
    /// What is copied where.
    pub kind: CopyKind,
    /// The directory.
    pub folder: PathBuf,
    /// The server, with who asks: `nats://[user:password@]host[:port]`.
    pub server: String,
    /// Whose streams are imported.
    pub account: String,
}

/// What is copied where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyKind {
    /// The streams of a server into a directory.
    Backup,
    /// The streams of such a directory to a server.
    Restore,
    /// The streams of a directory of nats-server's to a server.
    ImportStore,
}

impl CopyKind {
    pub(crate) const ALL: [Self; 3] = [Self::Backup, Self::Restore, Self::ImportStore];

    pub(crate) fn find(word: &OsString) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| word == kind.word())
    }

    /// How it is asked for.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::ImportStore => "import-store",
        }
    }

    /// What it says of itself in a line.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Backup => "Back up all streams of an account of a running server",
            Self::Restore => "Bring the streams of a backup to a running server",
            Self::ImportStore => "Bring streams of nats-server files to a running server",
        }
    }

    /// What it does.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Backup => {
                "Takes a snapshot of each stream of the account that the user is in, while the server runs and
clients use it, into a directory of its own below <dir>: what nats stream backup writes. A stream that
has one there already is left out, and told of."
            }
            Self::Restore => {
                "Makes each stream of a backup below <dir> anew, with its consumers. A stream that is there is left
as it is, and told of."
            }
            Self::ImportStore => {
                "Makes each stream that nats-server 2.10 or later kept for an account below <dir>, which is what its
store_dir says, with its consumers. That server has to be stopped. Nothing is changed below <dir>.
Streams that are encrypted are left out, and told of."
            }
        }
    }

    fn usage(self, program: &str) -> String {
        let (word, text) = (self.word(), self.text());
        let account = if self == Self::ImportStore { " [--account <name>]" } else { "" };
        format!(
            "\nUsage: {program} {word} <dir> [--server <url>]{account}\n\n{text}\n\n\
             The server is {SERVER} unless <url> says another one, with a user and a password if it\n\
             asks for them: nats://user:password@host:port.\n\n\
             It says of each stream what was copied. It ends with 0 if all were, and else with 1.\n"
        )
    }
}

/// What stands behind the word.
pub(crate) fn copy_call(
    program: &str,
    kind: CopyKind,
    has_flags: bool,
    mut args: impl Iterator<Item = OsString>,
) -> Result<Invocation, OptionsError> {
    let wrong = || OptionsError::CopyTakes(kind.word());
    let (mut folder, mut server, mut account) = (None, SERVER.to_owned(), ACCOUNT.to_owned());
    while let Some(arg) = args.next() {
        let mut text = || args.next().and_then(|value| value.into_string().ok()).ok_or_else(wrong);
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(Invocation::PrintHelp(kind.usage(program))),
            Some("--server") => server = text()?,
            Some("--account") if kind == CopyKind::ImportStore => account = text()?,
            Some("") => return Err(wrong()),
            Some(flag) if flag.starts_with('-') => return Err(wrong()),
            _ if folder.is_some() => return Err(wrong()),
            _ => folder = Some(PathBuf::from(arg)),
        }
    }
    let folder = folder.filter(|_| !has_flags).ok_or_else(wrong)?;
    Ok(Invocation::Copy(CopyCall { kind, folder, server, account }))
}
