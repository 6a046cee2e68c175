//! What an account lets others import, and whom.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use subject_trie::{filter_covers, is_valid_literal};

use crate::config::{Export, Latency, ResponseType, ServiceTerms};

/// What nats-server says of subjects that make no sense.
pub(crate) const BAD_SUBJECT: &str = "sublist: invalid subject";

/// Exports of one kind. Several of one subject are one.
#[derive(Debug, Default)]
pub(crate) struct Exports<'c> {
    /// In the order of the file.
    rows: Vec<Row<'c>>,
    by_subject: HashMap<&'c str, usize>,
}

#[derive(Debug)]
struct Row<'c> {
    subject: &'c str,
    /// Who may import it; nobody is everybody.
    approved: HashSet<&'c str>,
    /// The token that has to be the name of who imports it, from 1; 0 is none.
    position: usize,
    terms: ServiceTerms,
}

impl<'c> Exports<'c> {
    /// Adds one, or to one.
    pub(crate) fn add(&mut self, export: &'c Export, terms: ServiceTerms) -> Result<(), &'static str> {
        let at = *self.by_subject.entry(&export.subject).or_insert_with(|| {
            let (subject, approved) = (export.subject.as_str(), HashSet::new());
            self.rows.push(Row { subject, approved, position: 0, terms: ServiceTerms::default() });
            self.rows.len() - 1
        });
        let row = &mut self.rows[at];
        if terms.responses != ResponseType::Singleton {
            row.terms.responses = terms.responses;
        }
        row.terms.threshold = terms.threshold;
        row.terms.allow_trace |= terms.allow_trace;
        let position = export.account_token_position;
        if position > 0 && export.subject.split('.').nth(position - 1) != Some("*") {
            return Err(BAD_SUBJECT);
        }
        if position > 0 || !export.accounts.is_empty() {
            row.position = position;
            row.approved.extend(export.accounts.iter().map(String::as_str));
        }
        Ok(())
    }

    /// Has it told how long the service of that subject takes.
    pub(crate) fn measure(&mut self, subject: &str, latency: &Arc<Latency>) -> Result<(), &'static str> {
        let told = latency.subject.as_str();
        // Who is told would be told of that as well.
        if !is_valid_literal(told.as_bytes()) || has_blank(told) || self.cover(told) {
            return Err("invalid publish subject");
        }
        let at = self.by_subject.get(subject).copied();
        let Some(row) = at.and_then(|at| self.rows.get_mut(at)) else { return Err("service missing") };
        if row.terms.responses != ResponseType::Singleton {
            return Err("bad service response type");
        }
        row.terms.latency = Some(Arc::clone(latency));
        Ok(())
    }

    /// Whether any takes in the whole filter.
    pub(crate) fn cover(&self, filter: &str) -> bool {
        self.covering(filter).next().is_some()
    }

    /// Whether an account may import what the filter says.
    pub(crate) fn admit(&self, importer: &str, filter: &str) -> bool {
        self.find(importer, filter).is_some()
    }

    /// The export by which an account may import that, by its number, and how it is answered.
    pub(crate) fn find(&self, importer: &str, filter: &str) -> Option<(usize, ServiceTerms)> {
        if let Some(at) = self.by_subject.get(filter) {
            let row = &self.rows[*at];
            // Its own wildcard is no name of an account.
            return row.admits(importer, "").then_some((*at, row.terms.clone()));
        }
        let mut covering = self.covering(filter).filter(|(_, row)| row.admits(importer, filter));
        covering.next().map(|(at, row)| (at, row.terms.clone()))
    }

    fn covering(&self, filter: &str) -> impl Iterator<Item = (usize, &Row<'c>)> {
        let rows = self.rows.iter().enumerate();
        rows.filter(move |(_, row)| filter_covers(row.subject.as_bytes(), filter.as_bytes()))
    }
}

impl Row<'_> {
    fn admits(&self, importer: &str, filter: &str) -> bool {
        if self.position > 0 {
            return filter.split('.').nth(self.position - 1) == Some(importer);
        }
        self.approved.is_empty() || self.approved.contains(importer)
    }
}

/// Whether there is a character in it that no subject on the wire has.
pub(super) fn has_blank(subject: &str) -> bool {
    subject.contains(['\t', '\n', '\x0c', '\r', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ExportKind, SAMPLING};

    fn export(subject: &str, accounts: &[&str], account_token_position: usize) -> Export {
        let accounts = accounts.iter().map(ToString::to_string).collect();
        Export { subject: subject.into(), accounts, account_token_position, kind: ExportKind::Stream }
    }

    #[test]
    fn who_may_import_what() {
        let all = [
            export("a.>", &[], 0),
            export("b.*", &["B", "C"], 0),
            export("b.*", &["D"], 0),
            export("c.*.>", &[], 2),
        ];
        let beyond = export("d.x", &[], 2);
        let mut exports = Exports::default();
        for export in &all {
            exports.add(export, ServiceTerms::default()).unwrap();
        }
        for (importer, filter, may) in [
            ("B", "a.b", true),
            ("B", "a.>", true),
            ("B", "a", false),
            ("B", "b.1", true),
            ("D", "b.*", true),
            ("E", "b.1", false),
            ("E", "c.E.x", true),
            ("E", "c.F.x", false),
            ("E", "c.*.>", false),
        ] {
            assert_eq!(exports.admit(importer, filter), may, "{importer} {filter}");
        }
        assert!(exports.add(&beyond, ServiceTerms::default()).is_err());
    }

    /// nats-server 2.14.5 says the same.
    #[test]
    fn what_is_told_of_a_service_is_told_to_none() {
        let all = [export("a.*", &[], 0), export("many", &[], 0)];
        let mut exports = Exports::default();
        exports.add(&all[0], ServiceTerms::default()).unwrap();
        let many = ServiceTerms { responses: ResponseType::Stream, ..ServiceTerms::default() };
        exports.add(&all[1], many).unwrap();
        for (subject, told, expected) in [
            ("a.*", "l.a", Ok(())),
            ("a.*", "a.l", Err("invalid publish subject")),
            ("a.*", "l.*", Err("invalid publish subject")),
            ("a.*", "l m", Err("invalid publish subject")),
            ("a.*", "", Err("invalid publish subject")),
            ("many", "l", Err("bad service response type")),
        ] {
            let latency = Arc::new(Latency { sampling: SAMPLING, subject: told.into() });
            assert_eq!(exports.measure(subject, &latency), expected, "{subject} {told}");
        }
        let (_, terms) = exports.find("B", "a.1").unwrap();
        assert_eq!(terms.latency.map(|latency| latency.subject.clone()).as_deref(), Some("l.a"));
    }
}
