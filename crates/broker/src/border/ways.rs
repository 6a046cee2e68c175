//! Where a request goes by service imports: from its account to that of the service, and on from there if that imports
//! it too.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use nats_auth::{Directory, Latency, ResponseType};
use subject_trie::Matches;

/// Borders that one request may cross. What an account would get beyond that it does not.
pub(super) const WAYS_MAX: usize = 32;

/// One border that a request crosses.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// The account that imports the service,
    pub(crate) importer: usize,
    /// and the one that has it,
    pub(crate) account: usize,
    /// by this export.
    export: usize,
    /// The border that the request crossed before this one.
    pub(crate) behind: Option<usize>,
    /// Its subject in `account`.
    subject: Range<usize>,
    pub(crate) responses: ResponseType,
    pub(crate) threshold: Duration,
    /// Where it is told how long the service takes.
    pub(super) latency: Option<Arc<Latency>>,
    /// The import shares who asks.
    pub(super) shares: bool,
    /// Who has the request traced is told what becomes of it behind the border.
    pub(super) allows_trace: bool,
}

/// What is told of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) root: usize,
    pub(crate) is_shared: bool,
    pub(crate) is_shared_by_any: bool,
}

/// All borders that a request crosses, each behind the one before it.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    ways: Vec<Way>,
    subjects: Vec<u8>,
    /// Scratch.
    found: Matches<u32>,
    renamed: Vec<u8>,
    mapped: Vec<u8>,
}

impl Ways {
    /// Finds those of a request to the subject.
    pub(crate) fn find(
        &mut self,
        directory: &Directory,
        account: usize,
        subject: &[u8],
        random: &mut impl FnMut() -> u32,
    ) {
        self.ways.clear();
        self.subjects.clear();
        self.go_on(directory, account, subject, None, random);
        let mut at = 0;
        while let Some(way) = self.ways.get(at) {
            let account = way.account;
            if !directory.account(account).service_imports().is_empty() {
                let subject = self.subject(at).to_vec();
                self.go_on(directory, account, &subject, Some(at), random);
            }
            at += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.ways.len()
    }

    /// Each border, behind those that are crossed before it.
    pub(crate) fn all(&self) -> &[Way] {
        &self.ways
    }

    /// What is told of a request behind a border: in which account it was published, whether its import shares who asks,
    /// and whether any does by which it came there.
    pub(crate) fn told(&self, mut at: usize) -> Told {
        let mut is_shared_by_any = self.ways[at].shares;
        while let Some(behind) = self.ways[at].behind {
            at = behind;
            is_shared_by_any |= self.ways[at].shares;
        }
        let Way { importer, shares, .. } = self.ways[at];
        Told { root: importer, is_shared: shares, is_shared_by_any }
    }

    /// The subject that the request has behind that border.
    pub(crate) fn subject(&self, at: usize) -> &[u8] {
        &self.subjects[self.ways[at].subject.clone()]
    }

    fn go_on(
        &mut self,
        directory: &Directory,
        importer: usize,
        subject: &[u8],
        behind: Option<usize>,
        random: &mut impl FnMut() -> u32,
    ) {
        let imports = directory.account(importer).service_imports();
        let mut found = std::mem::take(&mut self.found);
        imports.collect(subject, &mut found);
        for number in &found.plain {
            let import = imports.at(*number);
            let (account, export) = (import.account(), import.export());
            if self.ways.len() == WAYS_MAX
                || !import.takes(subject)
                || self.has_come_through(behind, account, export)
            {
                continue;
            }
            import.rename(subject, &mut self.renamed);
            let mappings = directory.account(account).mappings();
            let is_mapped = mappings.apply(&self.renamed, &mut *random, &mut self.mapped);
            let subject = if is_mapped { &self.mapped } else { &self.renamed };
            if subject.is_empty() {
                continue; // The mapping drops it.
            }
            let begin = self.subjects.len();
            self.subjects.extend_from_slice(subject);
            self.ways.push(Way {
                importer,
                account,
                export,
                behind,
                subject: begin..self.subjects.len(),
                responses: import.responses(),
                threshold: import.threshold(),
                latency: import.latency().cloned(),
                shares: import.shares(),
                allows_trace: import.allows_trace(),
            });
        }
        self.found = found;
    }

    /// Whether the request came through that export before: then it would go in a circle.
    fn has_come_through(&self, mut behind: Option<usize>, account: usize, export: usize) -> bool {
        while let Some(at) = behind {
            let way = &self.ways[at];
            if (way.account, way.export) == (account, export) {
                return true;
            }
            behind = way.behind;
        }
        false
    }
}
