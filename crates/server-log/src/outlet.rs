//! Where lines go, and how they look there.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, PoisonError};

use tracing::Event;

use crate::config::Config;
use crate::init::LogError;
use crate::line::{LineStyle, Zone, bare};
use crate::log_file::LogFile;
use crate::syslog::{Address, Syslog};

pub(crate) enum Outlet {
    Lines {
        style: LineStyle,
        /// Held for the one write of a finished line, so that lines of two threads never mix even
        /// where the sink takes a line in pieces.
        sink: Mutex<Sink>,
    },
    Syslog(Syslog),
}

pub(crate) enum Sink {
    Stream(Box<dyn Write + Send>),
    File(LogFile),
}

impl Outlet {
    /// Opens what the configuration names. `program` is what a syslog calls us.
    pub(crate) fn open(config: &Config, program: &str) -> Result<Self, LogError> {
        let pid = std::process::id();
        if let Some(path) = &config.file {
            let file = LogFile::open(path, config.size_limit, config.max_num)?;
            let mut sink = Sink::File(file);
            let style = style(config, pid, false);
            sink.rotate_if_full(style);
            return Ok(Self::Lines { style, sink: Mutex::new(sink) });
        }
        let address = match &config.remote_syslog {
            Some(url) => Some(Address::parse(url)?),
            None => config.syslog.then_some(Address::Local),
        };
        match address {
            Some(address) => Syslog::connect(address, program, pid).map(Self::Syslog),
            None => Ok(Self::stream(config, pid, io::stderr().is_terminal(), io::stderr())),
        }
    }

    pub(crate) fn stream(
        config: &Config,
        pid: u32,
        colours: bool,
        stream: impl Write + Send + 'static,
    ) -> Self {
        let sink = Mutex::new(Sink::Stream(Box::new(stream)));
        Self::Lines { style: style(config, pid, colours), sink }
    }

    pub(crate) fn log(&self, event: &Event<'_>) {
        match self {
            Self::Lines { style, sink } => {
                let line = style.render(event);
                sink.lock().unwrap_or_else(PoisonError::into_inner).write(&line, *style);
            }
            Self::Syslog(syslog) => {
                let (label, text) = bare(event);
                syslog.send(label, text);
            }
        }
    }

    /// Opens the log file again by its name; `None` if the log goes elsewhere.
    pub(crate) fn reopen(&self) -> Option<Result<(), LogError>> {
        let Self::Lines { sink, .. } = self else { return None };
        match &mut *sink.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::Stream(_) => None,
            Sink::File(file) => Some(file.open_again().map(|again| *file = again)),
        }
    }

    /// Waits a little for lines that are under way.
    pub(crate) fn flush(&self) {
        if let Self::Syslog(syslog) = self {
            syslog.flush();
        }
    }
}

impl Sink {
    /// Writes a finished line. What cannot be written is dropped: the server goes on without its log.
    fn write(&mut self, line: &str, style: LineStyle) {
        match self {
            Self::Stream(stream) => {
                // A closed standard error: there is nowhere left to say so.
                let _ = stream.write_all(line.as_bytes());
            }
            Self::File(file) => file.append(line.as_bytes()),
        }
        self.rotate_if_full(style);
    }

    fn rotate_if_full(&mut self, style: LineStyle) {
        if let Self::File(file) = self
            && file.is_full()
        {
            for (label, text) in file.rotate(Zone::Local.now()) {
                file.append(style.line(label, &text).as_bytes());
            }
        }
    }
}

fn style(config: &Config, pid: u32, colours: bool) -> LineStyle {
    let zone = if config.utc { Zone::Utc } else { Zone::Local };
    LineStyle { pid, colours, zone: config.time.then_some(zone) }
}
