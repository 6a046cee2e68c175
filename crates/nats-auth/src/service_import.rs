//! Subjects of another account to which the clients of an account may publish requests.

use std::sync::Arc;
use std::time::Duration;

use subject_trie::{Matches, SubjectTrie};

use crate::config::{Latency, RESPONSE_THRESHOLD, ResponseType, ServiceTerms};
use crate::sharing::{ImportedService, Pair};

/// An account's service imports, and an index of them.
#[derive(Debug, Default)]
pub struct ServiceImports {
    rows: Vec<ServiceImport>,
    by_subject: SubjectTrie<u32>,
}

/// A service import, ready for use.
#[derive(Debug)]
pub struct ServiceImport {
    account: usize,
    subjects: Pair,
    /// Its export, among those of its account.
    export: usize,
    terms: ServiceTerms,
    share: bool,
    /// It is that of the JetStream API.
    is_api: bool,
}

/// All requests to JetStream,
const API: &str = "$JS.API.>";

/// of which these go to a stream as they are: its servers listen to them in the account.
const HEARD_IN_ACCOUNTS: [&[u8]; 2] = [b"$JS.API.CONSUMER.MSG.NEXT.", b"$JS.API.DIRECT.GET."];

/// The number of an export that the configuration does not have.
const IMPLIED_EXPORT: usize = usize::MAX;

impl ServiceImports {
    pub(crate) fn new(rows: Vec<ServiceImport>) -> Self {
        let mut imports = Self::default();
        rows.into_iter().for_each(|row| imports.add(row));
        imports
    }

    /// One more.
    pub(crate) fn add(&mut self, row: ServiceImport) {
        let number = self.rows.len() as u32;
        self.by_subject
            .insert(row.subjects.near.as_bytes(), None, number)
            .expect("subjects of service imports are valid filters");
        self.rows.push(row);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether any takes a request to the subject.
    pub fn take(&self, subject: &[u8]) -> bool {
        self.by_subject.has_interest(subject)
    }

    /// Finds those that take a request to the subject, by their numbers.
    pub fn collect(&self, subject: &[u8], into: &mut Matches<u32>) {
        self.by_subject.collect(subject, into);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &ServiceImport> {
        self.rows.iter()
    }

    /// The import of that number.
    pub fn at(&self, number: u32) -> &ServiceImport {
        &self.rows[number as usize]
    }
}

impl ServiceImport {
    /// One of the account with that index.
    pub(crate) fn new(account: usize, imported: ImportedService) -> Self {
        let ImportedService { subjects, export, terms, share, .. } = imported;
        Self { account, subjects, export, terms, share, is_api: false }
    }

    /// That of the JetStream of other servers, by the system account with that index: they are told who asks.
    pub(crate) fn of_jetstream(system: usize) -> Self {
        let subjects = Pair::new(API, API).expect("what stays the same needs no transform");
        let terms = ServiceTerms::default();
        Self { account: system, subjects, export: IMPLIED_EXPORT, terms, share: true, is_api: true }
    }

    /// Whether a request goes that way which its subjects match.
    pub fn takes(&self, subject: &[u8]) -> bool {
        !self.is_api || !HEARD_IN_ACCOUNTS.iter().any(|prefix| subject.starts_with(prefix))
    }

    /// The account of the service, by its index.
    pub fn account(&self) -> usize {
        self.account
    }

    /// What is imported, as the account of the service has it, and what the account that imports it has instead: two
    /// filters.
    pub fn subjects(&self) -> (&str, &str) {
        self.subjects.both()
    }

    /// Its export: a number among those of its account.
    pub fn export(&self) -> usize {
        self.export
    }

    /// Puts in `into` the subject that a request to `subject` has there.
    pub fn rename(&self, subject: &[u8], into: &mut Vec<u8>) {
        self.subjects.outwards.apply(subject, into);
    }

    /// Whether the service is told who asks.
    pub fn shares(&self) -> bool {
        self.share
    }

    /// Whether who has a request traced is told what becomes of it there.
    pub fn allows_trace(&self) -> bool {
        self.terms.allow_trace
    }

    /// Where to tell how long its requests take, if that is told at all.
    pub fn latency(&self) -> Option<&Arc<Latency>> {
        self.terms.latency.as_ref()
    }

    /// How many responses there are to a request.
    pub fn responses(&self) -> ResponseType {
        self.terms.responses
    }

    /// How long a response may take, and the next one of several after that.
    pub fn threshold(&self) -> Duration {
        self.terms.threshold.unwrap_or(RESPONSE_THRESHOLD)
    }
}
