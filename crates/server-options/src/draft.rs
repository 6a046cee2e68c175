//! The options while the configuration file and the flags are still being read: a setter per flag, and
//! the decisions that wait until all has been seen.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use balance::PlacementRule;

use crate::error::OptionsError;
use crate::go_value::duration;
use crate::invocation::{SignalCall, SignalCommand};
use crate::options::{BUSY_POLL_MAX, Io, Options, Port, SHARDS_MAX};

/// A setter's outcome; the error is the reason shown behind the value.
pub(crate) type Set = Result<(), &'static str>;

#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) options: Options,
    /// As given; 0 means the default and -1 a random port.
    pub(crate) port: i64,
    pub(crate) shards: Option<i64>,
    /// `-DV`, which outranks `-D` and `-V` wherever it stands.
    debug_and_trace: Option<bool>,
    /// What the program is asked to do instead of serving.
    pub(crate) asked: Asked,
}

/// What the program is asked to do instead of serving. Only flags ask.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) version: bool,
    pub(crate) help: bool,
    pub(crate) signal: Option<OsString>,
}

impl Draft {
    pub(crate) fn set_host(&mut self, value: OsString) -> Set {
        self.options.host = text(value)?.unwrap_or_else(|| Options::default().host);
        Ok(())
    }

    pub(crate) fn set_port(&mut self, value: i64) -> Set {
        self.port = value;
        Ok(())
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

    pub(crate) fn set_store_dir(&mut self, value: OsString) -> Set {
        self.options.store_dir = path(value);
        Ok(())
    }

    pub(crate) fn set_shards(&mut self, value: i64) -> Set {
        self.shards = Some(value);
        Ok(())
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

    pub(crate) fn set_signal(&mut self, value: OsString) -> Set {
        self.asked.signal = Some(value).filter(|value| !value.is_empty());
        Ok(())
    }

    pub(crate) fn set_help(&mut self, on: bool) {
        self.asked.help = on;
    }

    pub(crate) fn set_version(&mut self, on: bool) {
        self.asked.version = on;
    }

    /// Settles what depends on several options, and checks what they mean together.
    pub(crate) fn finish(self) -> Result<Options, OptionsError> {
        let mut options = self.options;
        if options.server_name.as_ref().is_some_and(|name| name.contains(' ')) {
            return Err(OptionsError::ServerNameHasSpaces);
        }
        if let Some(on) = self.debug_and_trace {
            (options.debug, options.trace) = (on, on);
        }
        options.shards = self.shards.map(shards).transpose()?;
        if let Some(port) = port(self.port, &options.host)? {
            options.port = port;
        }
        Ok(options)
    }
}

/// Reads what `--signal` takes.
pub(crate) fn signal_call(value: &OsStr) -> Result<SignalCall, OptionsError> {
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
    Ok(SignalCall { command, process })
}

/// The port that a number stands for: 0 is the default, and -1 a random one.
fn port(number: i64, host: &str) -> Result<Option<Port>, OptionsError> {
    match number {
        0 => Ok(None),
        -1 => Ok(Some(Port::Random)),
        port => match u16::try_from(port) {
            Ok(port) => Ok(Some(Port::Fixed(port))),
            Err(_) => Err(OptionsError::PortOutOfRange { host: host.to_owned(), port }),
        },
    }
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
