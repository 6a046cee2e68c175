//! `imports` of an account: what it takes part in of others.

use nats_auth::{Import, ImportKind, Shown};
use nats_conf::{Entry, Value};
use nats_proto::quote;

use crate::config::report::Report;
use crate::config::row::Effect::{Any, Switch, Text};
use crate::config::row::{Row, UNKNOWN_FIELD, read_block, row};

/// One entry being read.
#[derive(Default)]
pub(crate) struct Block {
    stream: Option<Source>,
    service: Option<Source>,
    prefix: String,
    to: Option<Entry>,
    share: bool,
    /// What it says, and where.
    allow_trace: Option<(bool, Value)>,
}

/// Whose subjects they are, and which.
#[derive(Default)]
struct Source {
    account: String,
    subject: String,
}

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<Block>] = &[
    row(&["stream"], Any(stream)),
    row(&["service"], Any(service)),
    row(&["prefix"], Text(|block, prefix| { block.prefix = prefix.to_owned(); Ok(()) })),
    row(&["to"], Any(|block, entry, report| block.to = report.ok(entry.value.as_str()).map(|_| entry.clone()))),
    row(&["share"], Switch(|block, share| block.share = share)),
    row(&["allow_trace"], Any(allow_trace)),
];

#[rustfmt::skip]
static SOURCE: &[Row<Source>] = &[
    row(&["account"], Text(|source, account| { source.account = account.to_owned(); Ok(()) })),
    row(&["subject"], Text(|source, subject| { source.subject = subject.to_owned(); Ok(()) })),
];

/// Reads those that are right, and reports the others.
pub(crate) fn read_imports(entry: &Entry, report: &mut Report) -> Vec<Import> {
    let Ok(values) = entry.value.as_array() else {
        let found = entry.value.data.type_name();
        report.refuse(&entry.value, format!("Imports should be an array, got {found}"));
        return Vec::new();
    };
    let mut imports: Vec<Import> = Vec::new();
    for value in values {
        let Some(import) = read_import(value, report) else { continue };
        match imports.iter().find(|other| is_same_service(other, &import)) {
            Some(other) => refuse_duplicate(value, &import, other, report),
            None => imports.push(import),
        }
    }
    imports
}

/// Whether two are services of one account that are to be the same here.
fn is_same_service(one: &Import, other: &Import) -> bool {
    let name = |import: &Import| match &import.kind {
        ImportKind::Service { to, .. } => Some(to.clone()),
        ImportKind::Stream { .. } => None,
    };
    one.account == other.account && name(one).is_some() && name(one) == name(other)
}

fn refuse_duplicate(value: &Value, import: &Import, other: &Import, report: &mut Report) {
    let ImportKind::Service { to, .. } = &import.kind else { return };
    let (to, account, subject) = (quote(to), quote(&other.account), quote(&other.subject));
    report.refuse(value, format!("Duplicate service import subject {to}, previously used in import for account {account}, subject {subject}"));
}

/// As with nats-server, one that names neither a stream nor a service is none.
fn read_import(value: &Value, report: &mut Report) -> Option<Import> {
    let Ok(map) = value.as_map() else {
        let found = value.data.type_name();
        report.refuse(value, format!("Import Items should be a map with type entry, got {found}"));
        return None;
    };
    let mut block = Block::default();
    read_block(map, TABLE, UNKNOWN_FIELD, &mut block, report);
    let to = block.to.as_ref().and_then(|to| to.value.as_str().ok()).unwrap_or_default();
    if let Some(Source { account, subject }) = block.stream {
        if !block.prefix.is_empty()
            && let Some(to) = &block.to
        {
            report.refuse(&to.value, "Stream import can not have a 'prefix' and a 'to' property");
        }
        let shown = match (&*block.prefix, to) {
            ("", "") => Shown::Same,
            ("", to) => Shown::As(to.to_owned()),
            (prefix, _) => Shown::Behind(prefix.to_owned()),
        };
        let allow_trace = block.allow_trace.is_some_and(|(allow, _)| allow);
        return Some(Import { account, subject, kind: ImportKind::Stream { shown, allow_trace } });
    }
    if block.service.is_some()
        && let Some((_, value)) = &block.allow_trace
    {
        report.refuse(value, "Detected allow_trace directive on a non-stream");
    }
    let Source { account, subject } = block.service?;
    let to = if to.is_empty() { subject.clone() } else { to.to_owned() };
    Some(Import { account, subject, kind: ImportKind::Service { to, share: block.share } })
}

fn allow_trace(block: &mut Block, entry: &Entry, report: &mut Report) {
    block.allow_trace = report.ok(entry.value.as_bool()).map(|allow| (allow, entry.value.clone()));
}

fn stream(block: &mut Block, entry: &Entry, report: &mut Report) {
    if block.service.is_some() {
        return report.refuse(&entry.value, "Detected stream but already saw a service");
    }
    block.stream = read_source(&entry.value, "Stream", report);
}

fn service(block: &mut Block, entry: &Entry, report: &mut Report) {
    if block.stream.is_some() {
        return report.refuse(&entry.value, "Detected service but already saw a stream");
    }
    block.service = read_source(&entry.value, "Service", report);
}

fn read_source(value: &Value, what: &str, report: &mut Report) -> Option<Source> {
    let Ok(map) = value.as_map() else {
        let found = value.data.type_name();
        report.refuse(value, format!("{what} entry should be an account map, got {found}"));
        return None;
    };
    let mut source = Source::default();
    read_block(map, SOURCE, UNKNOWN_FIELD, &mut source, report);
    if source.account.is_empty() || source.subject.is_empty() {
        report.refuse(value, "Expect an account name and a subject");
        return None;
    }
    Some(source)
}
