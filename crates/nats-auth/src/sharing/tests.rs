use super::*;
use crate::config::Export;

fn export(subject: &str) -> Export {
    let (subject, kind) = match subject.strip_prefix("service ") {
        Some(subject) => (subject, ExportKind::Service(ServiceTerms::default())),
        None => (subject, ExportKind::Stream),
    };
    Export { subject: subject.into(), accounts: Vec::new(), account_token_position: 0, kind }
}

fn account(name: &str, exports: &[&str], imports: &[Import]) -> AccountConfig {
    AccountConfig {
        name: name.into(),
        exports: exports.iter().map(|subject| export(subject)).collect(),
        imports: imports.to_vec(),
        ..AccountConfig::default()
    }
}

fn stream(account: &str, subject: &str, shown: Shown) -> Import {
    Import {
        account: account.into(),
        subject: subject.into(),
        kind: ImportKind::Stream { shown, allow_trace: false },
    }
}

fn same(account: &str, subject: &str) -> Import {
    stream(account, subject, Shown::Same)
}

fn shown_as(account: &str, subject: &str, to: &str) -> Import {
    stream(account, subject, Shown::As(to.into()))
}

fn service(account: &str, subject: &str, to: &str) -> Import {
    let kind = ImportKind::Service { to: to.into(), share: false };
    Import { account: account.into(), subject: subject.into(), kind }
}

fn faults(accounts: &[AccountConfig]) -> Vec<String> {
    let faults = sharing_faults(accounts);
    assert_eq!(faults.is_empty(), read(accounts).is_ok());
    faults
}

/// nats-server 2.14.5 says the same of each.
#[test]
fn imports_that_make_no_sense_are_refused() {
    let imports = [
        same("A", "b"),
        same("Q", "b"),
        same("A", "a.b"),
        same("A", "a.b"),
        stream("A", "a.c", Shown::Behind("x.*".into())),
        shown_as("A", "a.*", "x.$2"),
        service("A", "a.*", "x.$2"),
        service("A", "d.1", "x"),
        service("A", "d.2", "x"),
        service("A", "d.*", "y..z"),
        service("Q", "d.*", "z"),
    ];
    let accounts = [account("A", &["a.>", "service d.*"], &[]), account("B", &[], &imports)];
    assert_eq!(
        faults(&accounts),
        [
            r#"Error adding stream import "b": stream import not authorized"#,
            r#""Q" account not defined for stream import"#,
            r#"Error adding stream import "a.b": stream import already exists"#,
            r#"Error adding stream import "a.c": stream import prefix can not contain wildcard tokens"#,
            r#"Error adding stream import "a.*": failed to create mapping transform for stream import subject from "a.*" to "x.$2": invalid mapping destination: wildcard index out of range in $2: [2]"#,
            r#"Error adding service import "a.*": service import not authorized"#,
            r#"Error adding service import "d.2": duplicate service import subject "x", previously used in import for account "A", subject "d.1""#,
            r#"Error adding service import "d.*": sublist: invalid subject"#,
            r#""Q" account not defined for service import"#,
        ]
    );
}

#[test]
fn exports_to_nobody_and_of_no_token_are_refused() {
    let mut bad = account("A", &["a.b", "service s.*"], &[]);
    bad.exports[0].account_token_position = 2;
    bad.exports[1].accounts = vec!["X".into()];
    assert_eq!(
        faults(&[bad]),
        [
            r#"Error adding stream export "a.b": sublist: invalid subject"#,
            r#""X" account not defined for service export"#,
        ]
    );
}

#[test]
fn circles_are_refused_where_they_close() {
    let back_and_forth = [
        account("A", &["a.>", "service s.*"], &[same("B", "a.b"), service("B", "s.1", "s.1")]),
        account("B", &["a.>", "service s.>"], &[same("A", "a.b"), service("A", "s.1", "s.1")]),
    ];
    assert_eq!(
        faults(&back_and_forth),
        [
            r#"Error adding stream import "a.b": import forms a cycle"#,
            r#"Error adding service import "s.1": import forms a cycle"#,
        ]
    );
    let around = [
        account("A", &["x"], &[same("C", "x")]),
        account("B", &["x"], &[same("A", "x")]),
        account("C", &["x"], &[same("B", "x")]),
    ];
    assert_eq!(faults(&around), [r#"Error adding stream import "x": import forms a cycle"#]);
    let in_a_row = [
        account("A", &["x"], &[]),
        account("B", &["x"], &[same("A", "x")]),
        account("C", &["x"], &[same("B", "x")]),
    ];
    assert_eq!(faults(&in_a_row), [""; 0]);
}

#[test]
fn a_thousand_streams_are_what_an_account_may_import() {
    let imports: Vec<Import> = (0..=STREAM_IMPORTS_MAX).map(|at| same("A", &format!("a.{at}"))).collect();
    let accounts = [account("A", &["a.*"], &[]), account("B", &[], &imports)];
    assert_eq!(
        faults(&accounts),
        [r#"Error adding stream import "a.1000": an account may import 1000 streams"#]
    );
}

#[test]
fn ten_thousand_accounts_import_from_each_other() {
    let accounts: Vec<AccountConfig> = (0..10_000)
        .map(|at| {
            let from = |step: usize| format!("A{}", (at + step) % 10_000);
            let imports: Vec<Import> =
                (1..=10).map(|step| same(&from(step), &format!("from.{}.*", (at + step) % 10_000))).collect();
            account(&from(0), &[&format!("from.{at}.>")], &imports)
        })
        .collect();
    let imports = read(&accounts).unwrap();
    assert!(imports.iter().all(|imports| imports.streams.len() == 10));
}
