//! Subjects of another account to which the clients of an account may publish requests.

use std::time::Duration;

use subject_trie::{Matches, SubjectTrie};

use crate::config::{RESPONSE_THRESHOLD, ResponseType, ServiceTerms};
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
}

impl ServiceImports {
    pub(crate) fn new(rows: Vec<ServiceImport>) -> Self {
        let mut by_subject = SubjectTrie::new();
        for (at, row) in rows.iter().enumerate() {
            by_subject
                .insert(row.subjects.near.as_bytes(), None, at as u32)
                .expect("subjects of service imports are valid filters");
        }
        Self { rows, by_subject }
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
        Self { account, subjects, export, terms, share }
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

    /// How many responses there are to a request.
    pub fn responses(&self) -> ResponseType {
        self.terms.responses
    }

    /// How long a response may take, and the next one of several after that.
    pub fn threshold(&self) -> Duration {
        self.terms.threshold.unwrap_or(RESPONSE_THRESHOLD)
    }
}
