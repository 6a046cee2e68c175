//! Subjects of another account to which the clients of an account may publish requests.

use std::time::Duration;

use subject_trie::{Matches, SubjectTrie};

use crate::config::{RESPONSE_THRESHOLD, ResponseType, ServiceTerms};
use crate::sharing::Pair;

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

    /// Finds those that take a request to the subject, by their numbers.
    pub fn collect(&self, subject: &[u8], into: &mut Matches<u32>) {
        self.by_subject.collect(subject, into);
    }

    /// The import of that number.
    pub fn at(&self, number: u32) -> &ServiceImport {
        &self.rows[number as usize]
    }
}

impl ServiceImport {
    pub(crate) fn new(account: usize, subjects: Pair, export: usize, terms: ServiceTerms) -> Self {
        Self { account, subjects, export, terms }
    }

    /// The account of the service, by its index.
    pub fn account(&self) -> usize {
        self.account
    }

    /// Its export: a number among those of its account.
    pub fn export(&self) -> usize {
        self.export
    }

    /// Puts in `into` the subject that a request to `subject` has there.
    pub fn rename(&self, subject: &[u8], into: &mut Vec<u8>) {
        self.subjects.outwards.apply(subject, into);
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
