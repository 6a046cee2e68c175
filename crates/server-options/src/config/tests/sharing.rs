//! What accounts share.

use std::time::Duration;

use nats_auth::{ExportKind, ImportKind, ResponseType, ServiceTerms, Shown};

use super::{options_of, said_of};

#[test]
fn exports_and_imports_are_read_with_all_their_keys() {
    let auth = options_of(
        "accounts {
            A { exports: [
                {stream: \"s.>\", accounts: [B]}, {service: \"q.*\", response_type: Chunked, response_threshold: 2s}
                {service: \"t.*\", account_token_position: 2, threshold: \"0s\", allow_trace: false}, {accounts: [B]}
            ] }
            B { imports: [
                {stream: {account: A, subject: \"s.a\"}, prefix: \"p\"}, {to: \"x.$1\", stream: {account: A, subject: \"s.*\"}}
                {stream: {account: A, subject: \"s.b\"}}, {service: {account: A, subject: \"q.1\"}, share: false}
                {service: {account: A, subject: \"t.B\"}, to: t, share: true}, {prefix: p}
            ] }
        }",
    )
    .auth;
    let [a, b] = &auth.accounts[..] else { panic!("there are two") };
    let exports: Vec<_> = a.exports.iter().map(|export| (&*export.subject, &export.kind)).collect();
    let terms = |responses, threshold| {
        ExportKind::Service(ServiceTerms { responses, threshold, ..ServiceTerms::default() })
    };
    let slow = terms(ResponseType::Chunked, Some(Duration::from_secs(2)));
    let single = terms(ResponseType::Singleton, None);
    assert_eq!(exports, [("s.>", &ExportKind::Stream), ("q.*", &slow), ("t.*", &single)]);
    assert_eq!((&a.exports[0].accounts[..], a.exports[2].account_token_position), (&["B".to_owned()][..], 2));
    let imports: Vec<_> = b.imports.iter().map(|import| (&*import.subject, &import.kind)).collect();
    let stream = |shown| ImportKind::Stream { shown, allow_trace: false };
    let service = |to: &str, share| ImportKind::Service { to: to.into(), share };
    let expected = [
        ("s.a", &stream(Shown::Behind("p".into()))),
        ("s.*", &stream(Shown::As("x.$1".into()))),
        ("s.b", &stream(Shown::Same)),
        ("q.1", &service("q.1", false)),
        ("t.B", &service("t", true)),
    ];
    assert_eq!(imports, expected);
}

/// nats-server 2.14.5 says the same of each, at the same place.
#[test]
fn exports_and_imports_that_make_no_sense_are_refused() {
    for (text, expected) in [
        ("A {exports: {stream: a}}", "1:14: Exports should be an array, got map[string]interface {}"),
        ("A {imports: 3}", "1:14: Imports should be an array, got int64"),
        ("A {exports: [ 3 ]}", "1:25: Export Items should be a map with type entry, got int64"),
        ("A {imports: [ a ]}", "1:25: Import Items should be a map with type entry, got string"),
        ("A {exports: [{stream: 1}]}", "1:25: Expected stream name to be string, got int64"),
        ("A {exports: [{service: 2}]}", "1:25: Expected service name to be string, got int64"),
        ("A {exports: [{service: a, response: foo}]}", "1:37: Unknown response type: \"foo\""),
        ("A {exports: [{service: a, response: 3}]}", "1:37: Expected response type to be string, got int64"),
        (
            "A {exports: [{service: a, threshold: 3}]}",
            "1:37: Expected response threshold to be a parseable time duration, got int64",
        ),
        (
            "A {exports: [{service: a, threshold: \"3\"}]}",
            "1:37: Expected response threshold to be a parseable time duration, got \"3\"",
        ),
        ("A {exports: [{stream: a, response: single}]}", "1:36: Detected response directive on non-service"),
        ("A {exports: [{service: a, zz: 1}]}", "1:37: unknown field \"zz\""),
        ("A {exports: [{stream: b, service: c}]}", "1:36: Detected service \"c\" but already saw a stream"),
        ("A {exports: [{service: b, stream: c}]}", "1:37: Detected stream \"c\" but already saw a service"),
        (
            "A {exports: [{service: a, response: single, response_type: single}]}",
            "1:55: Duplicate response type definition",
        ),
        ("A {imports: [{stream: 3}]}", "1:25: Stream entry should be an account map, got int64"),
        ("A {imports: [{service: {account: A}}]}", "1:25: Expect an account name and a subject"),
        ("A {imports: [{stream: {account: A, subject: b, x: 1}}]}", "1:58: unknown field \"x\""),
        (
            "A {imports: [{stream: {account: A, subject: d}, prefix: p, to: q}]}",
            "1:70: Stream import can not have a 'prefix' and a 'to' property",
        ),
        (
            "A {exports: [{service: a, latency: x}]}",
            "1:37: latency is not supported yet: the latency of services is not measured",
        ),
        (
            "A {exports: [{stream: a, allow_trace: true}]}",
            "1:36: Detected allow_trace directive on non-service",
        ),
        (
            "A {}, B {imports: [{service: {account: A, subject: a}, allow_trace: true}]}",
            "1:66: Detected allow_trace directive on a non-stream",
        ),
        (
            "A {}, B {imports: [{stream: {account: A, subject: a}}]}",
            "1:0: Error adding stream import \"a\": stream import not authorized",
        ),
        (
            "B {imports: [{service: {account: A, subject: a}}]}",
            "1:0: \"A\" account not defined for service import",
        ),
    ] {
        let said = said_of(&format!("accounts {{ {text} }}"));
        assert_eq!(said.trim_end(), format!("f.conf:{expected}"), "{text}");
    }
}

#[test]
fn one_service_is_imported_as_one_thing() {
    let service = |subject: &str| format!("{{service: {{account: A, subject: {subject}}}, to: x}}");
    let (one, other) = (service("d"), service("e"));
    let text = format!(
        "accounts {{\n A {{exports: [{{service: \"*\"}}]}}\n B {{imports: [\n{one}\n{other}\n]}}\n}}"
    );
    let expected =
        "Duplicate service import subject \"x\", previously used in import for account \"A\", subject \"d\"";
    let said = said_of(&text);
    assert!(said.contains(expected), "{said}");
}
