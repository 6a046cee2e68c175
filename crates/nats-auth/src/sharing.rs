//! What accounts share: exports and imports of a configuration, checked and made ready.
//!
//! All exports are taken in first, then stream imports and then service imports, each in the order of the file. What is
//! wrong with one is said in nats-server's words, and the others are looked at all the same.

mod cycles;
mod exports;
mod placeholders;
mod subjects;

use hashbrown::HashMap;
use nats_proto::quote;
use subject_trie::{has_wildcard, is_valid_filter};

use crate::config::{AccountConfig, ExportKind, Import, ImportKind, ServiceTerms, Shown};

use self::cycles::Imported;
use self::exports::{BAD_SUBJECT, Exports, has_blank};
pub(crate) use self::subjects::{Pair, Rename};

/// Imports of one kind that an account may have. A subscription takes part in each of them that it overlaps with, which
/// takes a microsecond each, and all in one turn.
pub const STREAM_IMPORTS_MAX: usize = 1000;

const NOT_AUTHORIZED: &str = "import not authorized";
const BAD_PREFIX: &str = "stream import prefix can not contain wildcard tokens";
const DUPLICATE: &str = "stream import already exists";

/// What an account imports, as accounts are numbered in the configuration.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    pub(crate) streams: Vec<ImportedStream>,
    pub(crate) services: Vec<ImportedService>,
}

#[derive(Debug)]
pub(crate) struct ImportedStream {
    /// Whose it is.
    pub(crate) account: usize,
    pub(crate) subjects: Pair,
    /// Who has a message traced is told who gets it.
    pub(crate) allow_trace: bool,
}

#[derive(Debug)]
pub(crate) struct ImportedService {
    /// Whose it is.
    pub(crate) account: usize,
    pub(crate) subjects: Pair,
    /// Its export, among those of its account.
    pub(crate) export: usize,
    pub(crate) terms: ServiceTerms,
    /// The service is told who asks.
    pub(crate) share: bool,
}

impl Imported for ImportedStream {
    fn parts(&self) -> (usize, &Pair) {
        (self.account, &self.subjects)
    }
}

impl Imported for ImportedService {
    fn parts(&self) -> (usize, &Pair) {
        (self.account, &self.subjects)
    }
}

/// What all accounts share. The error is everything that is wrong.
pub(crate) fn read(accounts: &[AccountConfig]) -> Result<Vec<Imports>, Vec<String>> {
    let mut sharing = Sharing::new(accounts);
    sharing.take_exports();
    let imports = || {
        accounts
            .iter()
            .enumerate()
            .flat_map(|(at, account)| account.imports.iter().map(move |import| (at, import)))
    };
    for (importer, import) in imports() {
        if let ImportKind::Stream { shown, allow_trace } = &import.kind {
            sharing.import_stream(importer, import, shown, *allow_trace);
        }
    }
    for (importer, import) in imports() {
        if let ImportKind::Service { to, share } = &import.kind {
            sharing.import_service(importer, import, to, *share);
        }
    }
    if sharing.faults.is_empty() { Ok(sharing.imports) } else { Err(sharing.faults) }
}

/// What is wrong with what accounts share, in nats-server's words.
pub fn sharing_faults(accounts: &[AccountConfig]) -> Vec<String> {
    read(accounts).err().unwrap_or_default()
}

struct Sharing<'c> {
    accounts: &'c [AccountConfig],
    by_name: HashMap<&'c str, usize>,
    streams: Vec<Exports<'c>>,
    services: Vec<Exports<'c>>,
    /// What each imports, so far.
    imports: Vec<Imports>,
    faults: Vec<String>,
}

impl<'c> Sharing<'c> {
    fn new(accounts: &'c [AccountConfig]) -> Self {
        let none = || accounts.iter().map(|_| Exports::default()).collect();
        Self {
            accounts,
            by_name: accounts.iter().enumerate().map(|(at, account)| (account.name.as_str(), at)).collect(),
            streams: none(),
            services: none(),
            imports: accounts.iter().map(|_| Imports::default()).collect(),
            faults: Vec::new(),
        }
    }

    fn take_exports(&mut self) {
        for what in ["stream", "service"] {
            for (at, account) in self.accounts.iter().enumerate() {
                for export in &account.exports {
                    let (kind, exports, terms) = match &export.kind {
                        ExportKind::Stream => ("stream", &mut self.streams[at], ServiceTerms::default()),
                        ExportKind::Service(terms) => ("service", &mut self.services[at], terms.clone()),
                    };
                    if kind != what {
                        continue;
                    }
                    let unknown =
                        export.accounts.iter().filter(|name| !self.by_name.contains_key(name.as_str()));
                    self.faults.extend(
                        unknown.map(|name| format!("{} account not defined for {what} export", quote(name))),
                    );
                    let (subject, latency) = (quote(&export.subject), terms.latency.clone());
                    if let Err(reason) = exports.add(export, terms) {
                        self.faults.push(format!("Error adding {what} export {subject}: {reason}"));
                    } else if let Some(latency) = latency
                        && let Err(reason) = exports.measure(&export.subject, &latency)
                    {
                        let on = quote(&latency.subject);
                        self.faults.push(format!(
                            "Error adding service latency sampling for {subject} on subject {on}: {reason}"
                        ));
                    }
                }
            }
        }
    }

    fn import_stream(&mut self, importer: usize, import: &Import, shown: &Shown, allow_trace: bool) {
        let Some(account) = self.exporter(import, "stream") else { return };
        match self.read_stream(importer, account, import, shown) {
            Ok(subjects) => {
                self.imports[importer].streams.push(ImportedStream { account, subjects, allow_trace });
            }
            Err(reason) => self.refuse("stream", import, &reason),
        }
    }

    fn read_stream(
        &self,
        importer: usize,
        account: usize,
        import: &Import,
        shown: &Shown,
    ) -> Result<Pair, String> {
        let far = import.subject.as_str();
        let importers_name = &self.accounts[importer].name;
        let may = is_valid_subject(far) && self.streams[account].admit(importers_name, far);
        if !may {
            return Err(format!("stream {NOT_AUTHORIZED}"));
        }
        let near = match shown {
            Shown::Same => far.to_owned(),
            Shown::Behind(prefix) if has_wildcard(prefix.as_bytes()) => return Err(BAD_PREFIX.into()),
            Shown::Behind(prefix) => format!("{}.{far}", prefix.strip_suffix('.').unwrap_or(prefix)),
            Shown::As(to) => to.clone(),
        };
        for subject in [near.as_str(), far] {
            self.check_streams_for_cycles(importer, account, subject)?;
        }
        let subjects = Pair::new(far, &near).map_err(|error| unreadable("stream", far, &near, &error))?;
        let others = &self.imports[importer].streams;
        if others.iter().any(|other| other.account == account && other.subjects.far == far) {
            return Err(DUPLICATE.into());
        }
        if others.len() == STREAM_IMPORTS_MAX {
            return Err(format!("an account may import {STREAM_IMPORTS_MAX} streams"));
        }
        Ok(subjects)
    }

    fn import_service(&mut self, importer: usize, import: &Import, to: &str, share: bool) {
        let Some(account) = self.exporter(import, "service") else { return };
        match self.read_service(importer, account, import, to) {
            Ok((subjects, (export, terms))) => {
                let imported = ImportedService { account, subjects, export, terms, share };
                self.imports[importer].services.push(imported);
            }
            Err(reason) => self.refuse("service", import, &reason),
        }
    }

    fn read_service(
        &self,
        importer: usize,
        account: usize,
        import: &Import,
        near: &str,
    ) -> Result<(Pair, (usize, ServiceTerms)), String> {
        let far = import.subject.as_str();
        if ![near, far].into_iter().all(is_valid_subject) {
            return Err(BAD_SUBJECT.into());
        }
        let export = self.services[account].find(&self.accounts[importer].name, far);
        let Some(export) = export else { return Err(format!("service {NOT_AUTHORIZED}")) };
        let filter = if has_wildcard(far.as_bytes()) { placeholders::filter_of(near).0 } else { near.into() };
        self.check_services_for_cycles(importer, account, &filter)?;
        let same = self.imports[importer].services.iter();
        if let Some(other) =
            same.clone().find(|other| other.account == account && other.subjects.near == near)
        {
            let (subject, name, to) = (quote(near), quote(&import.account), quote(&other.subjects.far));
            return Err(format!(
                "duplicate service import subject {subject}, previously used in import for account {name}, subject {to}"
            ));
        }
        let subjects = Pair::new(far, near).map_err(|error| unreadable("service", near, far, &error))?;
        Ok((subjects, export))
    }

    /// Whose the import is.
    fn exporter(&mut self, import: &Import, what: &str) -> Option<usize> {
        let found = self.by_name.get(import.account.as_str()).copied();
        if found.is_none() {
            self.faults.push(format!("{} account not defined for {what} import", quote(&import.account)));
        }
        found
    }

    fn refuse(&mut self, what: &str, import: &Import, reason: &str) {
        self.faults.push(format!("Error adding {what} import {}: {reason}", quote(&import.subject)));
    }
}

fn is_valid_subject(subject: &str) -> bool {
    is_valid_filter(subject.as_bytes()) && !has_blank(subject)
}

fn unreadable(what: &str, from: &str, to: &str, error: &dyn std::fmt::Display) -> String {
    let (from, to) = (quote(from), quote(to));
    format!("failed to create mapping transform for {what} import subject from {from} to {to}: {error}")
}

#[cfg(test)]
mod tests;
