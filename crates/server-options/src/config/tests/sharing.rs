//! What accounts share.

use std::time::Duration;

use nats_auth::{ExportKind, ImportKind, ResponseType, Sampling, ServiceTerms, Shown};

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
            "A {exports: [{service: a, latency: 3}]}",
            "1:37: Expected latency entry to be a map/struct or string, got int64",
        ),
        (
            "A {exports: [{service: a, latency: {sampling: 3}}]}",
            "1:37: Latency subject required, but missing",
        ),
        ("A {exports: [{service: a, latency: {Subject: x}}]}", "1:37: Latency subject required, but missing"),
        (
            "A {exports: [{service: a, latency: {subject: 3}}]}",
            "1:47: Expected latency subject to be a string, got string",
        ),
        (
            "A {exports: [{service: a, latency: {subject: x, sampling: 101}}]}",
            "1:59: bad sampling percentage, should be 1-100",
        ),
        (
            "A {exports: [{service: a, latency: {subject: x, sampling: \"5%%\"}}]}",
            "1:59: Failed to parse latency sample: strconv.Atoi: parsing \"5%\": invalid syntax",
        ),
        (
            "A {exports: [{service: a, latency: {subject: x, sampling: \"99999999999999999999%\"}}]}",
            "1:59: Failed to parse latency sample: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
        ),
        (
            "A {exports: [{service: a, latency: {subject: x, sampling: true}}]}",
            "1:59: Expected latency sample to be a string or map/struct, got bool",
        ),
        ("A {exports: [{latency: x, stream: a}]}", "1:25: Detected latency directive on non-service"),
        (
            "A {exports: [{service: a, latency: a}]}",
            "1:0: Error adding service latency sampling for \"a\" on subject \"a\": invalid publish subject",
        ),
        (
            "A {exports: [{service: a, response: stream, latency: x}]}",
            "1:0: Error adding service latency sampling for \"a\" on subject \"x\": bad service response type",
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
fn what_is_told_of_services_is_read() {
    for (latency, sampling, subject) in [
        ("x", Sampling::Percent(100), "x"),
        ("{subject: x}", Sampling::Percent(100), "x"),
        ("{sampling: 5, subject: \"x.y\"}", Sampling::Percent(5), "x.y"),
        ("{sampling: \"+50%\", subject: x, other: 3}", Sampling::Percent(50), "x"),
        ("{sampling: \" Headers \", subject: x}", Sampling::Headers, "x"),
    ] {
        let text = format!("accounts {{ A {{exports: [{{latency: {latency}, service: a}}]}} }}");
        let auth = options_of(&text).auth;
        let ExportKind::Service(terms) = &auth.accounts[0].exports[0].kind else { panic!("it is one") };
        let read = terms.latency.as_ref().unwrap();
        assert_eq!((read.sampling, &*read.subject), (sampling, subject), "{latency}");
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
