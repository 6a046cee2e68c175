//! The options while flags are still being read: a setter per flag, and the decisions that wait until
//! every flag has been seen.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use balance::PlacementRule;

use crate::error::OptionsError;
use crate::go_value::duration;
use crate::options::{BUSY_POLL_MAX, Invocation, Io, Options, Port, SHARDS_MAX};
use crate::usage::usage;

/// A setter's outcome; the error is the reason shown behind the value.
pub(crate) type Set = Result<(), &'static str>;

#[derive(Debug, Default)]
pub(crate) struct Draft {
    options: Options,
    /// As given; 0 means the default and -1 a random port.
    port: i64,
    shards: Option<i64>,
    /// `-DV`, which outranks `-D` and `-V` wherever it stands.
    debug_and_trace: Option<bool>,
    help: bool,
    version: bool,
    /// The first flag that is known and not supported.
    refused: Option<&'static str>,
}

impl Draft {
    pub(crate) fn set_host(&mut self, value: OsString) -> Set {
        self.options.host = text(value)?.unwrap_or_else(|| Options::default().host);
        Ok(())
    }

    pub(crate) fn set_port(&mut self, value: i64) {
        self.port = value;
    }

    pub(crate) fn set_server_name(&mut self, value: OsString) -> Set {
        self.options.server_name = text(value)?;
        Ok(())
    }

    pub(crate) fn set_pid_file(&mut self, value: OsString) -> Set {
        self.options.pid_file = path(value);
        Ok(())
    }

    pub(crate) fn set_ports_file_dir(&mut self, value: OsString) -> Set {
        self.options.ports_file_dir = path(value);
        Ok(())
    }

    pub(crate) fn set_log_file(&mut self, value: OsString) -> Set {
        self.options.log_file = path(value);
        Ok(())
    }

    pub(crate) fn set_log_time(&mut self, on: bool) {
        self.options.log_time = on;
    }

    pub(crate) fn set_debug(&mut self, on: bool) {
        self.options.debug = on;
    }

    pub(crate) fn set_trace(&mut self, on: bool) {
        self.options.trace = on;
    }

    pub(crate) fn set_debug_and_trace(&mut self, on: bool) {
        self.debug_and_trace = Some(on);
    }

    pub(crate) fn set_shards(&mut self, value: i64) {
        self.shards = Some(value);
    }

    pub(crate) fn set_placement(&mut self, value: OsString) -> Set {
        self.options.placement = match value.to_str() {
            Some("" | "load") => PlacementRule::Load,
            Some("spread") => PlacementRule::Spread,
            _ => return Err("must be load or spread"),
        };
        Ok(())
    }

    pub(crate) fn set_io(&mut self, value: OsString) -> Set {
        self.options.io = match value.as_encoded_bytes() {
            b"auto" | b"" => Io::Auto,
            b"uring" => Io::Uring,
            b"epoll" => Io::Epoll,
            _ => return Err("must be auto, uring or epoll"),
        };
        Ok(())
    }

    pub(crate) fn set_busy_poll(&mut self, value: OsString) -> Set {
        let time = duration(&value)?;
        if time > BUSY_POLL_MAX {
            return Err("must be between 0 and 1s");
        }
        self.options.busy_poll = Some(time);
        Ok(())
    }

    pub(crate) fn set_route(&mut self, on: bool) {
        self.options.route = on;
    }

    pub(crate) fn set_help(&mut self, on: bool) {
        self.help = on;
    }

    pub(crate) fn set_version(&mut self, on: bool) {
        self.version = on;
    }

    /// Notes a flag that is known and not supported. The first one is reported.
    pub(crate) fn refuse(&mut self, flag: &'static str) {
        self.refused.get_or_insert(flag);
    }

    /// Decides what the whole command line means. `command` is the first word that is no flag.
    ///
    /// The order is nats-server's: version, help, the command word, then what is wrong with the options.
    pub(crate) fn finish(self, command: Option<&OsStr>) -> Result<Invocation, OptionsError> {
        if self.version {
            return Ok(Invocation::PrintVersion);
        }
        if self.help {
            return Ok(Invocation::PrintHelp(usage()));
        }
        if let Some(command) = command {
            return command_word(command);
        }
        if let Some(flag) = self.refused {
            return Err(OptionsError::NotSupported(flag));
        }
        self.into_options().map(Invocation::Run)
    }

    fn into_options(self) -> Result<Options, OptionsError> {
        let mut options = self.options;
        if options.server_name.as_ref().is_some_and(|name| name.contains(' ')) {
            return Err(OptionsError::ServerNameHasSpaces);
        }
        if let Some(on) = self.debug_and_trace {
            (options.debug, options.trace) = (on, on);
        }
        options.shards = self.shards.map(shards).transpose()?;
        options.port = match self.port {
            0 => options.port,
            -1 => Port::Random,
            port => u16::try_from(port)
                .map(Port::Fixed)
                .map_err(|_| OptionsError::PortOutOfRange { host: options.host.clone(), port })?,
        };
        Ok(options)
    }
}

fn command_word(command: &OsStr) -> Result<Invocation, OptionsError> {
    if command.eq_ignore_ascii_case("version") {
        return Ok(Invocation::PrintVersion);
    }
    if command.eq_ignore_ascii_case("help") {
        return Ok(Invocation::PrintHelp(usage()));
    }
    Err(OptionsError::UnrecognizedCommand(command.to_string_lossy().into_owned()))
}

fn shards(count: i64) -> Result<usize, OptionsError> {
    usize::try_from(count)
        .ok()
        .filter(|count| (1..=SHARDS_MAX).contains(count))
        .ok_or(OptionsError::ShardsOutOfRange(count))
}

/// Text for places that need UTF-8; empty counts as not given.
fn text(value: OsString) -> Result<Option<String>, &'static str> {
    let value = value.into_string().map_err(|_| "not valid UTF-8")?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

fn path(value: OsString) -> Option<PathBuf> {
    Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty())
}
