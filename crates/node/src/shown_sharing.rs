//! What an account shares, as monitoring shows it.

use monitor::{ShownExport, ShownImport, ShownSharing};
use nats_auth::{Account, Directory, Export, ExportKind, ResponseType};

/// What the account of that name shares.
pub(crate) fn shown_sharing(directory: &Directory, name: &str) -> ShownSharing {
    let mut accounts = directory.accounts().iter();
    let found = accounts.find(|account| **account.name() == *name && !account.is_gone());
    let of = |account| ShownSharing { exports: exports(account), imports: imports(directory, account) };
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
            Some(other) => other.approved_accounts.extend_from_slice(&export.accounts),
            None => shown.push(ShownExport {
                subject: export.subject.clone(),
                r#type: kind,
                response_type,
                approved_accounts: export.accounts.clone(),
            }),
        }
    }
    shown
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
    let services = account
        .service_imports()
        .iter()
        .map(|import| ShownImport::service(name(import.account()), import.subjects(), import.shares()));
    streams.chain(services).collect()
}
