//! What the program was started to do.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::command_line::CommandLine;
use crate::copies::CopyCall;
use crate::dev::DevCall;
use crate::error::OptionsError;
use crate::http_calls::HttpCall;
use crate::replays::ReplayCall;

/// What the program was started to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Invocation {
    /// Serve with these options.
    Run(CommandLine),
    /// Say whether the options are right, and exit (`-t`). There is a configuration file.
    Check(CommandLine),
    /// Send a signal to a server that runs, and exit (`--signal`).
    Signal(SignalCall),
    /// Look at the store of streams below a directory, and say what is there (`fsck <dir>`).
    CheckStore(StoreCall),
    /// Copy streams, and exit (`backup <dir>`, `restore <dir>`, `import-store <dir>`).
    Copy(CopyCall),
    /// Publish dead letters again, and exit (`replay <stream>`).
    Replay(ReplayCall),
    /// Serve with what there is to try (`dev`).
    Dev(DevCall),
    /// Offer a server that runs elsewhere over HTTP (`http`).
    Http(HttpCall),
    /// Print this usage text on standard output and exit with 0.
    PrintHelp(String),
    /// Print [`version_text`](crate::version_text) on standard output and exit with 0.
    PrintVersion,
    /// Print [`tls_help`](crate::tls_help) on standard output and exit with 0.
    PrintTlsHelp,
}

/// `fsck <dir> [--config <file>]`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreCall {
    /// The directory.
    pub folder: PathBuf,
    /// The configuration that has the keys, if the store is encrypted.
    pub command_line: Option<CommandLine>,
}

/// `--signal <command>[=<process>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalCall {
    /// What the server is to do.
    pub command: SignalCommand,
    /// A process id, or the path of a file that holds one; a process id may end in `*` and then is the
    /// beginning of several. `None` is the one server that runs.
    pub process: Option<OsString>,
}

/// What a running server can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalCommand {
    /// Stop at once, with nothing put in order: KILL.
    Stop,
    /// Shut down: INT.
    Quit,
    /// Shut down: TERM.
    Term,
    /// Open the log file anew: USR1.
    Reopen,
    /// Read the configuration file anew: HUP.
    Reload,
    /// Enter lame duck mode: USR2.
    LameDuck,
}

impl SignalCommand {
    const ALL: [(&str, Self); 6] = [
        ("ldm", Self::LameDuck),
        ("stop", Self::Stop),
        ("quit", Self::Quit),
        ("term", Self::Term),
        ("reopen", Self::Reopen),
        ("reload", Self::Reload),
    ];

    /// Reads the word that the flag takes.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, command)| *command)
    }

    /// The word that the flag takes.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, command)| *command == self).map_or("", |(word, _)| word)
    }
}

impl SignalCall {
    /// Reads what `--signal` takes.
    pub(crate) fn read(value: &OsStr) -> Result<Self, OptionsError> {
        let text = value.to_string_lossy();
        let mut parts = text.split('=');
        let word = parts.next().unwrap_or_default();
        let process = parts.next().filter(|process| !process.is_empty()).map(OsString::from);
        let rest: Vec<&str> = parts.collect();
        if !rest.is_empty() {
            return Err(OptionsError::BadSignal(rest.join(" ")));
        }
        let command =
            SignalCommand::from_word(word).ok_or_else(|| OptionsError::UnknownSignal(word.to_owned()))?;
        Ok(Self { command, process })
    }

    /// The process as a path, since it may be a file; `None` where none is named.
    pub fn file(&self) -> Option<&Path> {
        self.process.as_deref().map(Path::new)
    }
}
