mod cluster;
mod http_api;
mod leaf_nodes;
mod sharing;
mod users;
mod websocket;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use monitor_http::Scheme;
use nats_auth::{IdentityConfig, ResponsePermission, SubjectPermission};
use tls_session::HandshakeFirst;

use super::*;
use crate::draft::Draft;
use crate::options::{Options, Port};
use crate::reload::rule::Rule;
use crate::table::OPTIONS;

/// What `-t` says of a text that stands in f.conf.
fn said_of(text: &str) -> String {
    let map = match nats_conf::parse_text("f.conf", text, &nats_conf::Sources::NONE) {
        Ok(map) => map,
        Err(error) => return error.to_string(),
    };
    let mut report = Report::default();
    read(&map, &mut Draft::default(), &mut report);
    let errors = report.errors.iter().map(ToString::to_string);
    report.warnings.iter().cloned().chain(errors).collect::<Vec<_>>().join("\n")
}

/// The script has a text on a line, with `\n` for line feeds, and below it, indented, what is said of it.
#[test]
fn mistakes_are_told_as_the_script_has_it() {
    let script = include_str!("../../testdata/mistakes.txt");
    let mut written = String::new();
    for line in script.lines().filter(|line| !line.starts_with("  ")) {
        let _ = writeln!(written, "{line}");
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        for said in said_of(&line.replace("\\n", "\n")).lines() {
            let _ = writeln!(written, "  {said}");
        }
    }
    for (written, scripted) in written.lines().zip(script.lines()) {
        assert_eq!(written, scripted);
    }
    assert_eq!(written.lines().count(), script.lines().count());
}

/// The options of a text without mistakes.
fn options_of(text: &str) -> Options {
    let map = nats_conf::parse(text).expect("it follows the grammar");
    let (mut draft, mut report) = (Draft::default(), Report::default());
    read(&map, &mut draft, &mut report);
    assert_eq!(report.errors, [], "{text}");
    draft.finish().expect("it goes together")
}

/// A value for a key of the top level that differs from its default.
fn sample(key: &str) -> &'static str {
    match key {
        "listen" => "127.0.0.1:4333",
        "server_tags" => "[a, b]",
        "server_metadata" => "{ a: b }",
        "feature_flags" => "{ js_ack_fc_v2: true }",
        "debug"
        | "trace"
        | "trace_verbose"
        | "logtime_utc"
        | "syslog"
        | "colocate"
        | "ktls"
        | "no_header_support"
        | "trace_headers"
        | "no_fast_producer_stall"
        | "disable_sublist_cache"
        | "no_sublist_cache"
        | "no_system_account"
        | "no_system"
        | "no_sys_acc" => "true",
        "logtime" => "false",
        "ping_interval" | "write_deadline" | "lame_duck_duration" => "40s",
        "lame_duck_grace_period" => "\"3s\"",
        "busy_poll" => "50us",
        "console" => "{ enabled: false }",
        "placement" => "spread",
        "io" => "epoll",
        "remote_syslog" => "\"udp://127.0.0.1:514\"",
        "system_account" | "system" => "A\naccounts: [A]",
        "authorization" => "{ user: a, pass: b }",
        "accounts" => "{ A { users: [ { user: a, pass: b } ] } }",
        "no_auth_user" => "a\nauthorization { users: [ { user: a } ] }",
        "mappings" | "maps" => "{ a: b }",
        "tls" => "{ cert_file: c.pem, key_file: k.pem }",
        "allow_non_tls" => "true\ntls { cert_file: c.pem, key_file: k.pem }",
        "http" => "127.0.0.1:8333",
        "https" => "127.0.0.1:8333\ntls { cert_file: c.pem, key_file: k.pem }",
        "https_port" => "8333\ntls { cert_file: c.pem, key_file: k.pem }",
        "http_base_path" => "/x\nhttp_port: 8222",
        "max_pending" => "2mb",
        "client_advertise" => "localhost:4333",
        "host" | "net" | "server_name" | "logfile" | "log_file" | "pidfile" | "pid_file"
        | "ports_file_dir" | "store_dir" | "storedir" => "some-where",
        "write_timeout" => "retry",
        "cluster" => "{ port: 6222, name: C }",
        "leaf" | "leafnodes" => "{ port: 7422 }",
        "websocket" | "ws" => "{ port: 8080, no_tls: true }",
        "http_api" => "{ port: 8080 }",
        "one_port" => "{ port: 8080 }",
        "jetstream" => "enabled",
        _ => "7",
    }
}

#[test]
fn each_key_changes_the_options_or_is_refused_by_its_name() {
    for key in OPTIONS.iter().map(|row| &row.key) {
        for &name in key.names {
            match key.effect {
                row::Effect::NotYet(_, missing) => {
                    let wanted = format!("f.conf:1:0: {name} is not supported yet: {missing}");
                    assert_eq!(said_of(&format!("{name}: x")), wanted);
                }
                // It is read, and refused all the same.
                _ if key.until.is_some() => {}
                _ => {
                    let sample = sample(name);
                    let changed = options_of(&format!("{name}: {sample}"));
                    assert_ne!(changed, Options::default(), "{name}");
                    let loud = options_of(&format!("{}: {sample}", name.to_uppercase()));
                    assert_eq!(loud, changed, "{name}");
                }
            }
        }
    }
}

/// How an option is read and what a reload compares stand side by side: both have to mean the same one.
#[test]
fn a_reload_sees_what_a_key_changes() {
    for row in OPTIONS.iter().filter(|row| !matches!(row.rule, Rule::None) && row.key.until.is_none()) {
        for name in row.key.names {
            let sample = if *name == "authorization" { "{ timeout: 5 }" } else { sample(name) };
            let (mut lines, changed) = (Vec::new(), options_of(&format!("{name}: {sample}")));
            let outcome = row.rule.apply(&Options::default(), &changed, &mut lines);
            assert!(outcome.is_err() || !lines.is_empty(), "{name}: {sample}");
        }
    }
}

#[test]
fn no_name_stands_twice() {
    let mut seen = std::collections::HashSet::new();
    for name in OPTIONS.iter().flat_map(|row| row.key.names) {
        assert!(seen.insert(name), "{name} stands twice");
    }
}

/// Every key of nats-server's top level.
const PEER_KEYS: &str = "listen client_advertise port server_name host net debug trace trace_verbose \
    trace_headers logtime logtime_utc mappings maps disable_sublist_cache no_sublist_cache accounts \
    default_sentinel authorization http https http_port monitor_port https_port http_base_path cluster \
    gateway leaf leafnodes store_dir storedir jetstream logfile log_file logfile_size_limit log_size_limit \
    logfile_max_num log_max_num syslog remote_syslog pidfile pid_file ports_file_dir prof_port \
    prof_block_rate max_control_line max_payload max_pending proxy_protocol max_connections max_conn \
    max_traced_msg_len max_subscriptions max_subs max_sub_tokens max_subscription_tokens ping_interval \
    ping_max tls ocsp allow_non_tls write_deadline write_timeout lame_duck_duration lame_duck_grace_period \
    operator operators roots root root_operators root_operator resolver account_resolver accounts_resolver \
    resolver_tls resolver_preload resolver_pinned_accounts no_auth_user system_account system \
    no_system_account no_system no_sys_acc no_header_support trusted trusted_keys connect_error_reports \
    reconnect_error_reports websocket ws mqtt server_tags server_metadata feature_flags default_js_domain \
    ocsp_cache no_fast_producer_stall max_closed_clients proxies";

#[test]
fn the_table_has_every_key_of_the_peer_and_our_own() {
    let ours: BTreeSet<&str> = OPTIONS.iter().flat_map(|row| row.key.names).copied().collect();
    let mut wanted: BTreeSet<&str> = PEER_KEYS.split_whitespace().collect();
    wanted.extend([
        "shards",
        "placement",
        "colocate",
        "io",
        "busy_poll",
        "ktls",
        "console",
        "http_api",
        "one_port",
    ]);
    assert_eq!(ours, wanted);
}

#[test]
fn the_default_stands_where_a_number_is_0() {
    let text = "port: 0\nmax_payload: 0\nmax_pending: 0\nmax_control_line: 0\nmax_closed_clients: 0\n\
                ping_interval: \"0\"\nping_max: 0\nwrite_deadline: \"0\"\nmax_subscriptions: 0\n\
                lame_duck_grace_period: \"0\"\nlog_size_limit: 0\nlog_max_num: 0\nhttp_port: 0";
    assert_eq!(options_of(text), Options::default());
}

#[test]
fn numbers_below_0_mean_no_limit_or_nobody() {
    assert_eq!(options_of("max_payload: -1").broker.payload_max(), None);
    let limits = |text| options_of(text).broker;
    for (text, shown, max) in
        [("max_subs: 0", 0, None), ("max_subs: -5", -5, None), ("max_subs: 5", 5, Some(5))]
    {
        assert_eq!(
            (limits(text).max_subscriptions, limits(text).subscriptions_max()),
            (shown, max),
            "{text}"
        );
    }
    for (text, shown, max) in
        [("max_conn: 0", -1, 0), ("max_conn: -1", -1, 0), ("max_conn: -5", -5, 0), ("max_conn: 5", 5, 5)]
    {
        assert_eq!((limits(text).max_connections, limits(text).connections_max()), (shown, max), "{text}");
    }
    assert_eq!(options_of("port: -1").port, Port::Random);
}

#[test]
fn a_listen_address_is_a_port_or_both() {
    let options = options_of("listen: localhost:4333");
    assert_eq!((options.host.as_str(), options.port), ("localhost", Port::Fixed(4333)));
    let options = options_of("listen: \"[::1]:-1\"");
    assert_eq!((options.host.as_str(), options.port), ("::1", Port::Random));
    let options = options_of("listen: 4333");
    assert_eq!((options.host.as_str(), options.port), ("0.0.0.0", Port::Fixed(4333)));
}

#[test]
fn permissions_are_read_in_every_form() {
    let auth = options_of(
        "authorization { users: [
            {user: alice, password: secret, permissions: {
                publish: {allow: [\"a.>\", \"_INBOX.>\"], deny: \"a.deny\"}, subscribe: [\"a.>\", \"q v1\"]}}
            {user: svc, permission: {sub: \"req.*\", pub: {deny: \">\"}, allow_responses: {max: 2, expires: \"1m\"}}}
            {user: any, permissions: {import: x, export: {}, allow_responses: true}}
        ], timeout: 0.5, default_permissions: {publish: d} }",
    )
    .auth;
    let list = |allow: &[&str], deny: &[&str]| {
        let owned = |list: &[&str]| list.iter().map(|filter| (*filter).to_owned()).collect();
        Some(SubjectPermission { allow: owned(allow), deny: owned(deny) })
    };
    let permissions: Vec<_> =
        auth.users.iter().map(|user| user.permissions.clone().expect("all have some")).collect();
    assert_eq!(permissions[0].publish, list(&["a.>", "_INBOX.>"], &["a.deny"]));
    assert_eq!(permissions[0].subscribe, list(&["a.>", "q v1"], &[]));
    assert_eq!(permissions[1].subscribe, list(&["req.*"], &[]));
    assert_eq!(permissions[1].publish, list(&[], &[">"]));
    let minute = Some(Duration::from_secs(60));
    assert_eq!(permissions[1].responses, Some(ResponsePermission { max: Some(2), expires: minute }));
    assert_eq!((&permissions[2].publish, &permissions[2].subscribe), (&list(&["x"], &[]), &None));
    assert_eq!(permissions[2].responses, Some(ResponsePermission { max: None, expires: None }));
    assert_eq!(auth.default_permissions.expect("there are some").publish, list(&["d"], &[]));
    assert_eq!(auth.timeout, Some(Duration::from_millis(500)));
    assert!(auth.has_authorization && auth.single_user.is_none() && auth.token.is_none());
}

#[test]
fn responses_without_a_limit_have_less_than_0() {
    let text = |max, expires| {
        format!(
            "authorization {{ users: [{{user: a, permissions: {{allow_responses: {{max: {max}, expires: \"{expires}\"}}}}}}] }}"
        )
    };
    let responses = |text: String| {
        let user = options_of(&text).auth.users.remove(0);
        user.permissions.and_then(|permissions| permissions.responses).expect("there are some")
    };
    let unlimited =
        ResponsePermission { max: Some(nats_auth::RESPONSES_UNLIMITED), expires: Some(Duration::MAX) };
    assert_eq!(responses(text(-1, "-1s")), unlimited);
    assert_eq!(responses(text(0, "0s")), ResponsePermission { max: None, expires: None });
}

#[test]
fn accounts_have_users_limits_and_mappings() {
    let auth = options_of(
        "accounts {
            A { users: [ {user: a, password: a, connection_types: [standard]} ]
                limits: {max_conn: 2, max_subs: -1, max_pay: 1k}, mappings: {a: b, c: [{dest: d, weight: 40%}, {dest: e, weight: 60}]} }
            B: { users: [ {nkey: UCNGL4W5QX66CFX6A6DCBVDH5VOHMI7B2UZZU7TXAUQQSI2JPHULCKBR} ], jetstream: disabled }
        }
        no_auth_user: a
        mappings: { \"x.*\": \"y.$1\" }",
    )
    .auth;
    let [a, b] = &auth.accounts[..] else { panic!("there are two") };
    assert_eq!((a.name.as_str(), b.name.as_str()), ("A", "B"));
    assert_eq!(a.users[0].allowed_connection_types, Some(vec!["STANDARD".to_owned()]));
    assert_eq!((a.limits.connections, a.limits.subscriptions), (Some(2), None));
    assert_eq!(a.limits.payload_bytes, Some(1000));
    let weights = |mapping: &nats_auth::Mapping| {
        mapping.destinations.iter().map(|destination| destination.weight).collect::<Vec<_>>()
    };
    assert_eq!(a.mappings.iter().map(weights).collect::<Vec<_>>(), [vec![100], vec![40, 60]]);
    assert!(matches!(&b.users[0].identity, IdentityConfig::Nkey(key) if key.starts_with("UCNG")));
    assert_eq!(auth.mappings[0].destinations[0].subject, "y.$1");
    assert_eq!(auth.no_auth_user.as_deref(), Some("a"));
}

#[test]
fn accounts_may_be_names_alone() {
    let auth = options_of("accounts: [A, B]").auth;
    let names: Vec<&str> = auth.accounts.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(names, ["A", "B"]);
}

#[test]
fn variables_may_stand_where_no_key_is_known() {
    let auth = options_of("PASS: s\naccounts { U: a, A { users: [ {user: $U, pass: $PASS} ] } }").auth;
    assert_eq!(auth.accounts.len(), 1);
}

#[test]
fn tls_is_files_and_policies() {
    let options = options_of(
        "tls { cert_file: c.pem, key_file: k.pem, ca_file: ca.pem, verify_and_map: true, timeout: 3
               min_version: \"1.3\", cipher_suites: [TLS_AES_128_GCM_SHA256], curve_preferences: [X25519]
               handshake_first: 300ms, connection_rate_limit: 5
               pinned_certs: [\"7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069\"] }
         allow_non_tls: true",
    );
    let tls = options.tls.expect("there is some");
    assert_eq!(tls.certificates[0].key, Path::new("k.pem"));
    assert_eq!(tls.ca_file.as_deref(), Some(Path::new("ca.pem")));
    assert!(tls.policy.verify && options.auth.verify_and_map && tls.policy.allow_non_tls);
    assert_eq!(tls.policy.timeout, Duration::from_secs(3));
    assert_eq!(tls.policy.min_version, tls_session::Version::Tls13);
    assert_eq!(tls.policy.cipher_suites.map(|suites| suites.len()), Some(1));
    assert_eq!(tls.policy.handshake_first, HandshakeFirst::Wait(Duration::from_millis(300)));
    assert_eq!((tls.policy.rate_limit, tls.policy.pinned_certs.len()), (Some(5), 1));
    // Clients have until a second after their handshake to identify themselves.
    assert_eq!(options.auth.timeout, Some(Duration::from_secs(4)));
}

#[test]
fn several_certificates_stand_in_an_array() {
    let text = "tls { certs: [ {cert_file: a, key_file: b}, {cert_file: c, key_file: d} ], first: auto }";
    let tls = options_of(text).tls.expect("there is some");
    assert_eq!(tls.certificates.len(), 2);
    assert_eq!(tls.policy.handshake_first, HandshakeFirst::AUTO);
}

/// What is wrong with keys of our own names the key as well.
#[test]
fn values_of_our_own_keys_are_refused_with_their_keys() {
    for (text, reason) in [
        ("shards: 100", "invalid value 100 for shards: must be between 1 and 64"),
        ("shards: 0", "invalid value 0 for shards: must be between 1 and 64"),
        ("Shards: x", "invalid value \"x\" for Shards: must be a whole number"),
        ("shards: 1.5", "invalid value for shards: must be a whole number"),
        ("io: aio", "invalid value \"aio\" for io: must be auto, uring or epoll"),
        ("io: [uring]", "invalid value for io: must be text"),
        ("placement: even", "invalid value \"even\" for placement: must be load or spread"),
        ("placement: 1", "invalid value 1 for placement: must be text"),
        ("busy_poll: 5s", "invalid value \"5s\" for busy_poll: must be a time from 0s to 1s"),
        ("busy_poll: \"-1s\"", "invalid value \"-1s\" for busy_poll: must be a time from 0s to 1s"),
        ("busy_poll: 50", "invalid value 50 for busy_poll: must be text"),
        ("colocate: maybe", "invalid value \"maybe\" for colocate: must be true or false"),
        ("ktls: {}", "invalid value for ktls: must be true or false"),
        ("Route: true", "Route is called colocate now"),
    ] {
        assert_eq!(said_of(&format!("# a line\n{text}")), format!("f.conf:2:1: {reason}"));
    }
}

#[test]
fn monitoring_listens_where_clients_do_unless_told() {
    let monitor = options_of("host: 127.0.0.1\nhttp_port: -1").monitor.expect("there is some");
    assert_eq!((monitor.host.as_str(), monitor.port, monitor.scheme), ("127.0.0.1", 0, Scheme::Http));
    let text = "http: \"localhost:8222\"\nhttp_base_path: /nats";
    let monitor = options_of(text).monitor.expect("there is some");
    assert_eq!((monitor.host.as_str(), monitor.base_path.as_str()), ("localhost", "/nats"));
}

#[test]
fn what_does_not_go_together_is_refused_in_the_peers_words() {
    for (text, words) in [
        (
            "lame_duck_duration: \"31s\"\nlame_duck_grace_period: \"40s\"",
            "lame duck grace period (40s) should be strictly lower than lame duck duration (31s)",
        ),
        (
            "max_payload: 65mb\nmax_pending: 1mb",
            "max_payload (68157440) cannot be higher than max_pending (1048576)",
        ),
        ("no_auth_user: foo", "no_auth_user: \"foo\" present, but users/nkeys are not defined"),
        (
            "no_auth_user: foo\nauthorization { users: [ {user: a} ] }",
            "no_auth_user: \"foo\" not present as user or nkey in authorization block or account configuration",
        ),
        ("system_account: NOPE", "error resolving system account: account missing"),
        ("http_port: 1\nhttps_port: 2", "can't specify both HTTP (1) and HTTPs (2) ports"),
        ("https_port: 2", "TLS cert and key required for HTTPS"),
        ("http_port: 70000", "can't listen to the monitor port: listen tcp: address 70000: invalid port"),
    ] {
        let map = nats_conf::parse(text).expect("it follows the grammar");
        let (mut draft, mut report) = (Draft::default(), Report::default());
        read(&map, &mut draft, &mut report);
        assert_eq!(report.errors, [], "{text}");
        assert_eq!(draft.finish().expect_err("it does not go together").to_string(), words);
    }
}

/// The words are those of nats-server 2.14.5, which lists them in any order.
#[test]
fn mappings_that_make_no_sense_are_all_listed_with_their_places() {
    let text = r#"mappings {
 "l.*": "l.{{left(1,2)}}"
 "b.*": "b.{{right(1,2)}}", "a": "b.{{left(1)}}"
 "c": "d e", "f": "g.>.h", "i.*": "j.*", "k": ">", "m": "n..o", "p.*": "q.$2"
}
accounts { A { mappings {
 "a": [{dest: "e..f", weight: 50}, {dest: "g.{{foo(1)}}", weight: 20}]
 "b": {dest: "i..j", weight: 100}, "c": [{dest: x, weight: 10}, {dest: x, weight: 10}]
 "d": [{dest: x, weight: 60}, {dest: y, weight: 60}]
} } }"#;
    let invalid = "invalid mapping destination: invalid transform";
    let unknown = "invalid mapping destination: unknown function in";
    let expected = [
        format!("2:3: Error adding mapping for \"l.*\" to \"l.{{{{left(1,2)}}}}\" : {unknown} {{{{left(1,2)}}}}"),
        format!("3:3: Error adding mapping for \"b.*\" to \"b.{{{{right(1,2)}}}}\" : {unknown} {{{{right(1,2)}}}}"),
        format!("3:30: Error adding mapping for \"a\" to \"b.{{{{left(1)}}}}\" : {unknown} {{{{left(1)}}}}"),
        format!("4:3: Error adding mapping for \"c\" to \"d e\" : {invalid}"),
        format!("4:15: Error adding mapping for \"f\" to \"g.>.h\" : {invalid} in h"),
        "4:29: Error adding mapping for \"i.*\" to \"j.*\" : invalid subject".into(),
        "4:43: Error adding mapping for \"k\" to \">\" : invalid subject".into(),
        format!("4:53: Error adding mapping for \"m\" to \"n..o\" : {invalid}"),
        "4:66: Error adding mapping for \"p.*\" to \"q.$2\" : invalid mapping destination: wildcard index out of range in $2: [2]"
            .into(),
        format!("7:3: Error adding mapping for \"a\" : {invalid}"),
        format!("8:3: Error adding mapping for \"b\" : {invalid}"),
        "8:37: Error adding mapping for \"c\" : duplicate entry for \"x\"".into(),
        "9:3: Error adding mapping for \"d\" : total weight needs to be <= 100".into(),
    ];
    let expected: Vec<String> = expected.into_iter().map(|line| format!("f.conf:{line}")).collect();
    assert_eq!(said_of(text).lines().collect::<Vec<_>>(), expected);
}

/// As nats-server 2.14.5 shows them; they looked as in Rust.
#[test]
fn what_cannot_be_printed_is_shown_as_in_go() {
    for (text, expected) in [
        ("\x1b: s", r#"1:0: unknown field "\x1b""#),
        ("http: \"\x12\"", r#"1:0: could not parse address string "\x12""#),
        ("listen: \":\x7f\"", r#"1:0: could not parse port "\x7f""#),
        (
            "write_deadline: \"1\n\"",
            r#"1:0: error parsing write_deadline: time: unknown unit "\x0a" in duration "1\x0a""#,
        ),
        ("mappings { \"a\u{200b}.\u{1}..\": b }", r#"1:0: Subject "a\u200b.\x01.." is not a valid subject"#),
        (
            "authorization { users: [{user: \"\x02\"}, {user: \"\x02\"}] }",
            r#"1:0: Duplicate user "\x02" detected"#,
        ),
    ] {
        assert_eq!(said_of(text).trim_end(), format!("f.conf:{expected}"), "{text:?}");
    }
}
