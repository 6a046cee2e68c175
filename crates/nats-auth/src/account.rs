//! What an account is to all shards.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::{AccountLimits, Export, MsgTrace};
use crate::mappings::Mappings;
use crate::service_import::ServiceImports;
use crate::stream_import::StreamImport;

/// An account: a subject space of its own. Shards know it by its index in the
/// [`Directory`](crate::Directory).
#[derive(Debug)]
pub struct Account {
    pub(crate) name: Arc<str>,
    pub(crate) limits: AccountLimits,
    pub(crate) mappings: Mappings,
    pub(crate) stream_imports: Vec<Arc<StreamImport>>,
    pub(crate) service_imports: ServiceImports,
    /// As they stand in the configuration.
    pub(crate) exports: Vec<Export>,
    /// Others may import services of it.
    pub(crate) exports_services: bool,
    pub(crate) msg_trace: MsgTrace,
    /// The server's own messages belong here.
    pub(crate) is_system: bool,
    /// The configuration has it no more. Its index stays taken.
    pub(crate) is_gone: bool,
    /// Connections, over all shards. One count for all directories that follow each other.
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Account {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            limits: AccountLimits::default(),
            mappings: Mappings::default(),
            stream_imports: Vec::new(),
            service_imports: ServiceImports::default(),
            exports: Vec::new(),
            exports_services: false,
            msg_trace: MsgTrace::default(),
            is_system: false,
            is_gone: false,
            connections: Arc::default(),
        }
    }

    /// What the next directory knows of it before its configuration was looked at. One that is gone
    /// already loses its name, so that an account of that name gets another index.
    pub(crate) fn carried_over(&self) -> Self {
        Self {
            name: if self.is_gone { "".into() } else { Arc::clone(&self.name) },
            connections: Arc::clone(&self.connections),
            stream_imports: self.stream_imports.clone(),
            is_gone: true,
            ..Self::new("")
        }
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its limits.
    pub fn limits(&self) -> AccountLimits {
        self.limits
    }

    /// Its mappings.
    pub fn mappings(&self) -> &Mappings {
        &self.mappings
    }

    /// The streams of other accounts that it imports. An import that was there before is the same one.
    pub fn stream_imports(&self) -> &[Arc<StreamImport>] {
        &self.stream_imports
    }

    /// The services of other accounts that it imports.
    pub fn service_imports(&self) -> &ServiceImports {
        &self.service_imports
    }

    /// What others may import of it.
    pub fn exports(&self) -> &[Export] {
        &self.exports
    }

    /// Where to tell of messages that are traced by others' rules.
    pub fn msg_trace(&self) -> &MsgTrace {
        &self.msg_trace
    }

    /// Whether requests and responses cross its border.
    pub fn shares_services(&self) -> bool {
        self.exports_services || !self.service_imports.is_empty()
    }

    /// Whether the server's own messages belong here.
    pub fn is_system(&self) -> bool {
        self.is_system
    }

    /// Whether the configuration has it no more.
    pub fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// How many connections it has, over all shards.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Takes a place for one more connection; `None` if there is none left.
    pub fn take_seat(&self) -> Option<Seat> {
        let max = self.limits.connections.unwrap_or(usize::MAX);
        let one_more = |taken: usize| (taken < max).then_some(taken + 1);
        let taken = self.connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.is_ok().then(|| Seat(Arc::clone(&self.connections)))
    }

    /// Whether more places are taken than there are, after the limit was lowered.
    pub fn is_crowded(&self) -> bool {
        self.limits.connections.is_some_and(|max| self.connections() > max)
    }
}

/// A connection's place in its account. Dropping it makes the place free.
#[derive(Debug)]
pub struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_counted_and_come_back() {
        let mut account = Account::new("A");
        account.limits.connections = Some(2);
        let one = account.take_seat().unwrap();
        let two = account.take_seat().unwrap();
        assert!(account.take_seat().is_none());
        let next = account.carried_over();
        drop(one);
        assert_eq!((account.connections(), next.connections()), (1, 1));
        assert!(account.take_seat().is_some());
        drop(two);
    }
}
