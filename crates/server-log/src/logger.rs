//! The subscriber: filters events, and hands them to where they go.
//!
//! It answers `tracing` directly, without a span registry: the log's format has no place for spans, so
//! spans are switched off where they are made.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, PoisonError, RwLock};

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, callsite};

use crate::config::Config;
use crate::filter::Filter;
use crate::outlet::Outlet;

/// What is logged and where, as it is now.
pub(crate) struct Switchboard {
    filter: Filter,
    outlet: RwLock<Arc<Outlet>>,
}

impl Switchboard {
    pub(crate) fn new(config: &Config, outlet: Outlet) -> Self {
        Self { filter: Filter::new(config.debug, config.trace), outlet: RwLock::new(Arc::new(outlet)) }
    }

    pub(crate) fn outlet(&self) -> Arc<Outlet> {
        Arc::clone(&self.outlet.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn switch(&self, config: &Config, outlet: Outlet) {
        *self.outlet.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(outlet);
        self.filter.switch(config.debug, config.trace);
        callsite::rebuild_interest_cache();
    }
}

impl fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switchboard").field("filter", &self.filter).finish_non_exhaustive()
    }
}

/// Writes events as lines. [`init`](crate::init) installs one for the whole process; tests run one over
/// a sink of their own.
#[derive(Debug)]
pub struct Logger {
    switchboard: Arc<Switchboard>,
}

impl Logger {
    /// Makes a logger over any sink; where the configuration says that lines go is not looked at.
    /// `colours` puts terminal colours on the labels.
    ///
    /// The sink must not log. Its errors are dropped: the server goes on without its log.
    pub fn new(config: &Config, pid: u32, colours: bool, sink: impl Write + Send + 'static) -> Self {
        Self::over(Arc::new(Switchboard::new(config, Outlet::stream(config, pid, colours, sink))))
    }

    pub(crate) fn over(switchboard: Arc<Switchboard>) -> Self {
        Self { switchboard }
    }
}

impl Subscriber for Logger {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.switchboard.filter.allows(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.switchboard.filter.allows(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.switchboard.filter.most_verbose())
    }

    fn event(&self, event: &Event<'_>) {
        self.switchboard.outlet().log(event);
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
