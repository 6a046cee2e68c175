//! The subscriber: filters events, renders them, writes them.
//!
//! It answers `tracing` directly, without a span registry: the log's format has no place for spans, so
//! spans are switched off where they are made.

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use chrono::Local;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use crate::config::Config;
use crate::filter::Filter;
use crate::line::LineStyle;

/// Writes events as lines to a sink. [`init`](crate::init) installs one for the whole process; tests
/// run one over a sink of their own.
pub struct Logger {
    filter: Filter,
    style: LineStyle,
    time: bool,
    /// Held for the one write of a finished line, so that lines of two threads never mix even where
    /// the sink takes a line in pieces.
    sink: Mutex<Box<dyn Write + Send>>,
}

impl Logger {
    /// Makes a logger over any sink; `config.file` is not looked at. `colours` puts terminal colours
    /// on the labels.
    ///
    /// The sink must not log. Its errors are dropped: the server goes on without its log.
    pub fn new(config: &Config, colours: bool, sink: impl Write + Send + 'static) -> Self {
        Self {
            filter: Filter { debug: config.debug, trace: config.trace },
            style: LineStyle { pid: config.pid, colours },
            time: config.time,
            sink: Mutex::new(Box::new(sink)),
        }
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger")
            .field("filter", &self.filter)
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}

impl Subscriber for Logger {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.filter.allows(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.filter.allows(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.most_verbose())
    }

    fn event(&self, event: &Event<'_>) {
        let now = self.time.then(|| Local::now().naive_local());
        let line = self.style.render(event, now);
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        // A closed standard error or a full disk: there is nowhere left to say so.
        let _ = sink.write_all(line.as_bytes());
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[cfg(test)]
mod tests;
