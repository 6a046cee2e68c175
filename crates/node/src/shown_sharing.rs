//! What an account shares, as monitoring shows it.

use std::collections::BTreeMap;

use monitor::{ShownExport, ShownImport, ShownLatency, ShownSharing};
use nats_auth::{Account, Directory, Export, ExportKind, Latency, ResponseType};

/// What the account of that name shares.
pub(crate) fn shown_sharing(directory: &Directory, name: &str) -> ShownSharing {
    let mut accounts = directory.accounts().iter();
    let found = accounts.find(|account| **account.name() == *name && !account.is_gone());
    let of = |account| ShownSharing {
        exports: exports(account),
        imports: imports(directory, account),
        responses: BTreeMap::new(),
    };
    found.map(of).unwrap_or_default()
}

fn exports(account: &Account) -> Vec<ShownExport> {
    let (services, streams): (Vec<&Export>, Vec<&Export>) =
        account.exports().iter().partition(|export| matches!(export.kind, ExportKind::Service(_)));
    let mut shown: Vec<ShownExport> = Vec::new();
    for export in services.into_iter().chain(streams) {
        let (kind, response_type) = words_of(&export.kind);
        // Several of one subject are one.
        match shown.iter_mut().find(|other| other.r#type == kind && other.subject == export.subject) {
            Some(other) => {
                other.approved_accounts.extend_from_slice(&export.accounts);
                other.service_latency = latency_of(&export.kind).or(other.service_latency.take());
            }
            None => shown.push(ShownExport {
                subject: export.subject.clone(),
                r#type: kind,
                response_type,
                service_latency: latency_of(&export.kind),
                approved_accounts: export.accounts.clone(),
            }),
        }
    }
    shown
}

fn latency_of(kind: &ExportKind) -> Option<ShownLatency> {
    match kind {
        ExportKind::Stream => None,
        ExportKind::Service(terms) => terms.latency.as_deref().map(shown_latency),
    }
}

fn shown_latency(latency: &Latency) -> ShownLatency {
    ShownLatency::new(latency.sampling.percent(), &latency.subject)
}

/// Which of the two it is, and how it answers.
fn words_of(kind: &ExportKind) -> (&'static str, &'static str) {
    match kind {
        ExportKind::Stream => ("stream", ""),
        ExportKind::Service(terms) => (
            "service",
            match terms.responses {
                ResponseType::Singleton => "Singleton",
                ResponseType::Stream => "Streamed",
                ResponseType::Chunked => "Chunked",
            },
        ),
    }
}

fn imports(directory: &Directory, account: &Account) -> Vec<ShownImport> {
    let name = |index: usize| directory.account(index).name();
    let streams = account.stream_imports().iter();
    let streams = streams.map(|import| ShownImport::stream(name(import.account()), import.subjects()));
    let services = account.service_imports().iter().map(|import| {
        let latency = import.latency().map(|latency| shown_latency(latency));
        ShownImport::service(name(import.account()), import.subjects(), import.shares()).with_latency(latency)
    });
    streams.chain(services).collect()
}
