//! The block `cluster`, and the flags that outrank it.

use std::num::NonZeroU32;
use std::time::Duration;

use broker::WriteTimeout;
use nats_proto::Compression;

use crate::cluster::{ClusterOptions, RoutePermissions};
use crate::config::{Report, read};
use crate::draft::Draft;
use crate::error::OptionsError;
use crate::options::{Options, Port};

/// What a file and flags come to. That something is not supported yet is passed over.
fn outcome(text: &str, flags: fn(&mut Draft)) -> (Result<Options, OptionsError>, Report) {
    let map =
        nats_conf::parse_text("f.conf", text, &nats_conf::Sources::NONE).expect("it follows the grammar");
    let (mut draft, mut report) = (Draft::default(), Report::default());
    read(&map, &mut draft, &mut report);
    report.errors.retain(|error| !error.to_string().contains(" is not supported yet: "));
    flags(&mut draft);
    (draft.finish(), report)
}

fn cluster(text: &str) -> ClusterOptions {
    let (options, report) = outcome(text, |_| {});
    assert_eq!(report.errors, [], "{text}");
    options.expect(text).cluster.expect("there is one")
}

fn refusal(text: &str, flags: fn(&mut Draft)) -> String {
    outcome(text, flags).0.expect_err(text).to_string()
}

fn addresses(options: &ClusterOptions) -> Vec<&str> {
    options.routes.iter().map(|route| route.address()).collect()
}

#[test]
fn a_cluster_has_what_its_block_says() {
    let text = r#"
        cluster {
            name: C, listen: "h:6222", advertise: "a:1", no_advertise: true, connect_retries: 5
            connect_backoff: true, pool_size: 5, accounts: [A, "$SYS"], compression: { mode: auto, rtts: ["5ms"] }
            routes: ["nats://u:p@a:6222", "nats-route://b:6222"], ping_interval: "5s", ping_max: 4
            write_deadline: "3s", write_timeout: retry, permissions: { import: "i.>", export: { deny: [e] } }
            authorization { user: me, password: secret, timeout: 1.5 }
        }
        accounts { A {} }"#;
    let (options, report) = outcome(text, |_| {});
    assert_eq!(report.errors, []);
    let options = options.expect("it goes together");
    assert_eq!(options.cluster_name.as_deref(), Some("C"));
    let cluster = options.cluster.expect("it listens");
    assert_eq!((&*cluster.host, cluster.port), ("h", Port::Fixed(6222)));
    let advertise = cluster.advertise.clone().expect("it is advertised");
    assert_eq!((&*advertise.host, advertise.port), ("a", Some(1)));
    assert_eq!((cluster.no_advertise, cluster.connect_retries, cluster.connect_backoff), (true, 5, true));
    assert_eq!(cluster.pool_size.map(NonZeroU32::get), Some(5));
    assert_eq!(cluster.accounts, ["A"]);
    assert_eq!(cluster.compression, Compression::S2Auto);
    assert_eq!(cluster.levels.level(Duration::from_millis(5)), Compression::S2Uncompressed);
    assert_eq!(addresses(&cluster), ["a:6222", "b:6222"]);
    assert_eq!((cluster.ping_interval, cluster.ping_max), (Some(Duration::from_secs(5)), Some(4)));
    assert_eq!(cluster.write_deadline, Some(Duration::from_secs(3)));
    assert_eq!(cluster.write_timeout, WriteTimeout::Retry);
    let RoutePermissions { import, export } = cluster.permissions.expect("there are some");
    assert_eq!(import.expect("it is bounded").allow, ["i.>"]);
    assert_eq!(export.expect("it is bounded").deny, ["e"]);
    assert_eq!(cluster.user, Some(("me".into(), "secret".into())));
    assert_eq!(cluster.auth_timeout, Duration::from_millis(1500));
}

#[test]
fn what_is_not_said_is_as_with_nats_server() {
    let plain = cluster("cluster { port: -1 }");
    assert_eq!(plain, ClusterOptions::default());
    assert_eq!((&*plain.host, plain.port), ("0.0.0.0", Port::Random));
    assert_eq!(plain.pool_size, None, "but for the pool");
    assert_eq!((plain.compression, plain.auth_timeout), (Compression::Accept, Duration::from_secs(2)));
    assert_eq!(cluster("cluster { port: -1, pool_size: -5 }").pool_size, None);
    for (value, mode) in
        [("on", Compression::S2Fast), ("false", Compression::Off), ("Best", Compression::S2Best)]
    {
        assert_eq!(cluster(&format!("cluster {{ port: -1, compression: {value} }}")).compression, mode);
    }
    let old = cluster("cluster { port: -1, authorization { user: a, pass: b, permissions { import: i } } }");
    assert_eq!(old.permissions.and_then(|both| both.import).expect("it is bounded").allow, ["i"]);
}

#[test]
fn without_a_port_there_are_no_routes_and_a_name_all_the_same() {
    for text in [
        "cluster {}",
        "cluster { name: C, routes: [\"nats://a:1\"] }",
        "cluster { name: C, host: a, port: 0 }",
    ] {
        let options = outcome(text, |_| {}).0.expect(text);
        assert_eq!(options.cluster, None, "{text}");
        assert_eq!(options.cluster_name.is_some(), text.contains("name"), "{text}");
    }
}

#[test]
fn what_is_odd_is_told() {
    for (text, warning) in [
        (
            "cluster { port: 6222, routes: [\"nats://a:1\", \"nats://a:1\"] }",
            "f.conf:1:46: invalid use of field \"nats://a:1\": Duplicate route entry detected",
        ),
        (
            "cluster { port: 6222, ping_interval: \"50s\" }",
            "f.conf:1:22: Cluster 'ping_interval' will reset to 30s which is the max for routes",
        ),
        (
            "cluster { port: 6222, write_deadline: 3 }",
            "f.conf:1:22: invalid use of field \"write_deadline\": write_deadline should be converted to a duration",
        ),
    ] {
        assert_eq!(outcome(text, |_| {}).1.warnings, [warning]);
    }
}

/// What nats-server 2.14.5 says at start.
#[test]
fn what_does_not_go_together_is_refused_in_its_words() {
    for (more, words) in [
        ("port: 99999", "Error listening on router port: 99999 - listen tcp: address 99999: invalid port"),
        (
            "port: -1, advertise: \"a:x\"",
            "Error setting route INFO with Cluster.Advertise value of a:x, err=strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            "port: -1, accounts: [A, A]",
            "found duplicate account name \"A\" in pinned accounts list [\"A\" \"A\" \"$SYS\"]",
        ),
        (
            "port: -1, accounts: [A], pool_size: -1",
            "pool_size cannot be negative if pinned accounts are specified",
        ),
        ("compression: zz", "unsupported compression mode \"zz\""),
        (
            "compression { mode: auto, rtts: [\"20ms\", \"10ms\"] }",
            "RTT threshold values [20ms 10ms] should be in ascending order",
        ),
        (
            "compression { mode: auto, rtts: [\"0ms\"] }",
            "compression mode \"auto\" requires at least one RTT threshold",
        ),
        (
            "compression { mode: auto, rtts: [\"1ms\",\"2ms\",\"3ms\",\"4ms\",\"5ms\"] }",
            "compression mode \"auto\" should have no more than 4 RTT thresholds: [1ms 2ms 3ms 4ms 5ms]",
        ),
    ] {
        assert_eq!(refusal(&format!("cluster {{ {more} }}"), |_| {}), words, "{more}");
    }
    for (text, words) in [
        (
            "jetstream: enabled\ncluster { port: -1, name: C }",
            "jetstream cluster requires `server_name` to be set",
        ),
        (
            "jetstream: enabled\nserver_name: a\ncluster { port: -1 }",
            "jetstream cluster requires `cluster.name` to be set",
        ),
    ] {
        assert_eq!(refusal(text, |_| {}), words);
    }
}

#[test]
fn flags_outrank_where_the_file_listens_and_its_user() {
    let text = "cluster { listen: \"h:1\", name: C, routes: [\"nats://x:1\"], authorization { user: a, password: b } }";
    let with = |flags: fn(&mut Draft)| outcome(text, flags).0.expect("it goes together").cluster;
    let listens =
        with(|draft| draft.cluster.listen_flag = Some("nats://127.0.0.1:-1".into())).expect("it listens");
    assert_eq!((&*listens.host, listens.port, listens.user), ("127.0.0.1", Port::Random, None));
    let guarded =
        with(|draft| draft.cluster.listen_flag = Some("nats://u:p@[::1]:6222".into())).expect("it listens");
    assert_eq!((&*guarded.host, guarded.port), ("::1", Port::Fixed(6222)));
    assert_eq!(guarded.user, Some(("u".into(), "p".into())));
    assert_eq!(with(|draft| draft.cluster.listen_flag = Some(String::new())), None);
    let none = with(|draft| draft.cluster.routes_flag = Some(String::new())).expect("it listens");
    assert_eq!(none.routes, []);
    let two = with(|draft| draft.cluster.routes_flag = Some("nats://a:1, nats-route://b:2".into()))
        .expect("it listens");
    assert_eq!(addresses(&two), ["a:1", "b:2"]);
}

#[test]
fn flags_that_make_no_cluster_are_refused() {
    for (flags, words) in [
        ((|draft| draft.cluster.listen_flag = Some("x".into())) as fn(&mut Draft), "missing port in address"),
        (|draft| draft.cluster.listen_flag = Some("nats://127.0.0.1:".into()), "EOF"),
        (
            |draft| draft.cluster.listen_flag = Some("nats://u@127.0.0.1:-1".into()),
            "expected cluster password to be set",
        ),
        (
            |draft| draft.cluster.listen_flag = Some("nats://127.0.0.1:99999999999999999999".into()),
            "strconv.ParseInt: parsing \"99999999999999999999\": value out of range",
        ),
        (
            |draft| draft.cluster.routes_flag = Some("nats://127.0.0.1:6299".into()),
            "solicited routes require cluster capabilities, e.g. --cluster",
        ),
        (|draft| draft.cluster.name = Some("a b".into()), "cluster name cannot contain spaces"),
    ] {
        assert_eq!(refusal("", flags), words);
    }
    // nats-server 2.14.5 takes it, and ends where it would dial.
    let both: fn(&mut Draft) = |draft| {
        draft.cluster.listen_flag = Some("nats://127.0.0.1:-1".into());
        draft.cluster.routes_flag = Some("127.0.0.1:6299".into());
    };
    assert_eq!(refusal("", both), "error parsing route url [\"127.0.0.1:6299\"]");
}

#[test]
fn keys_that_are_not_supported_yet_are_refused_by_their_names() {
    let errors = |text: &str| super::said_of(text);
    for (key, value) in [("pool_size", "3"), ("accounts", "[A]"), ("compression", "s2_fast")] {
        let said = errors(&format!("cluster {{ port: 6222, {key}: {value} }}"));
        assert!(said.starts_with(&format!("f.conf:1:22: {key} is not supported yet: ")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    for nothing in ["accounts: []", "compression: off", "compression: { mode: Accept }", "pool_size: -1"] {
        let said = errors(&format!("cluster {{ port: 6222, {nothing} }}"));
        assert!(!said.contains(nothing.split(':').next().unwrap_or_default()), "{said}");
    }
}
