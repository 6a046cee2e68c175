//! The lines that a server would log.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps those of a level.
#[derive(Clone)]
struct Lines {
    level: Level,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn event(&self, event: &Event<'_>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "ERR",
            Level::WARN => "WRN",
            Level::INFO => "INF",
            Level::DEBUG => "DBG",
            _ => "TRC",
        };
        let mut line = Text(format!("[{level}] "));
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}
    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{value:?}");
    }
}

/// What a plain server logs meanwhile.
pub(crate) fn logged(act: impl FnOnce()) -> Vec<String> {
    logged_at(Level::INFO, act)
}

pub(crate) fn logged_at(level: Level, act: impl FnOnce()) -> Vec<String> {
    let lines = Lines { level, lines: Arc::default() };
    tracing::subscriber::with_default(lines.clone(), act);
    let lines = lines.lines.lock().unwrap();
    lines.clone()
}
