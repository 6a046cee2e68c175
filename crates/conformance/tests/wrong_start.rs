//! Starts that are refused: what is wrong is said in one line, with its place, and the exit code is 1.
//!
//! The lines about configuration files are nats-server's own, but for the name at the front.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use test_kit::ServerBinary;

fn run_in(dir: &Path, args: &[&str]) -> Output {
    let binary = ServerBinary::locate().expect("the server builds");
    let address = ["-a", "127.0.0.1", "-p", "-1"];
    Command::new(binary.path).args(address).args(args).current_dir(dir).output().expect("the server runs")
}

/// What the server says about `config` in a file of that name.
fn refusal(config: &str) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("server.conf"), config).expect("a file");
    let output = run_in(dir.path(), &["-c", "server.conf"]);
    assert_eq!(output.status.code(), Some(1), "{config:?}: {output:?}");
    assert!(output.stdout.is_empty(), "errors go to stderr");
    let said = String::from_utf8(output.stderr).expect("errors are text");
    let (_, said) = said.split_once("-server: ").unwrap_or_else(|| panic!("no name in front of {said:?}"));
    said.trim_end().to_owned()
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    for (config, said) in [
        ("port: many", "server.conf:1:0: interface conversion: interface {} is string, not int64"),
        ("listen: \"127.0.0.1:x\"", "server.conf:1:0: could not parse port \"x\""),
        ("max_payload: 1MB\nmax_payloads: 2", "server.conf:2:1: unknown field \"max_payloads\""),
        ("max_payload: 1QB", "server.conf:1:0: interface conversion: interface {} is string, not int64"),
        (
            "ping_interval: fast",
            "server.conf:1:0: error parsing ping_interval: time: invalid duration \"fast\"",
        ),
    ] {
        assert_eq!(refusal(config), said);
    }
}

/// nats-server has no places for the last three, and does not find them under `-t`.
#[test]
fn what_only_shows_when_all_is_read_is_named_with_its_place() {
    for (config, said) in [
        (
            "debug: false\nshards: 100",
            "server.conf:2:1: invalid value 100 for shards: must be between 1 and 64",
        ),
        ("io: aio", "server.conf:1:0: invalid value \"aio\" for io: must be auto, uring or epoll"),
        (
            "debug: false\nmax_pending: 5",
            "server.conf:2:1: max_payload (1048576) cannot be higher than max_pending (5)",
        ),
        ("https_port: 8222", "server.conf:1:0: TLS cert and key required for HTTPS"),
        ("system_account: NONE", "server.conf:1:0: error resolving system account: account missing"),
    ] {
        assert_eq!(refusal(config), said);
    }
}

#[test]
fn users_in_the_file_beside_a_flag_are_named_with_their_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = "debug: false\nauthorization { users: [ {user: a, password: b} ] }\n";
    fs::write(dir.path().join("server.conf"), config).expect("a file");
    for (flag, reason) in [
        ("--auth", "Can not have a token and a users array"),
        ("--user", "Can not have a single user/pass and a users array"),
    ] {
        let output = run_in(dir.path(), &["-t", "-c", "server.conf", flag, "x"]);
        let said = String::from_utf8(output.stderr).expect("errors are text");
        assert!(said.ends_with(&format!("-server: server.conf:2:1: {reason}\n")), "{said}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let said = refusal("max_payload: {}\nfoo: 1\n");
    let expected = "server.conf:2:1: unknown field \"foo\"";
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        said.starts_with("server.conf:1:0: interface conversion: ") && said.ends_with(expected),
        "{said}"
    );
}

/// nats-server gives only the line of some of these; we always give the place in front.
#[test]
fn text_that_is_no_configuration_is_refused_with_its_place() {
    for (config, line, said) in [
        ("foo {", 1, "Unexpected EOF processing map."),
        ("max_payload: 1\nusers = [ { user: a } { user: b } ]", 2, "Expected an array value terminator"),
        (
            "port: $NO_SUCH_VARIABLE",
            1,
            "variable reference for 'NO_SUCH_VARIABLE' on line 1 can not be found",
        ),
        (
            "include ./nowhere.conf",
            1,
            "error parsing include file './nowhere.conf', open nowhere.conf: no such file",
        ),
    ] {
        let refusal = refusal(config);
        assert!(refusal.starts_with(&format!("server.conf:{line}:")), "{refusal}");
        assert!(refusal.contains(said) && refusal.lines().count() == 1, "{refusal}");
    }
}

#[test]
fn a_part_that_we_do_not_have_is_named_with_its_place() {
    for (key, config) in [
        ("gateway", "gateway { name: g, listen: \"127.0.0.1:-1\" }"),
        ("mqtt", "mqtt { port: -1 }"),
        ("operator", "operator: op.jwt"),
    ] {
        let said = refusal(&format!("port: -1\n{config}"));
        assert!(said.starts_with(&format!("server.conf:2:1: {key} is not supported yet: ")), "{said}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    for (args, named) in [
        (["-c", "nowhere.conf"], "nowhere.conf"),
        (["-P", "nowhere/server.pid"], "nowhere/server.pid"),
        (["-l", "nowhere/server.log"], "nowhere/server.log"),
    ] {
        let output = run_in(dir.path(), &args);
        let said = String::from_utf8(output.stderr).expect("errors are text");
        assert_eq!(output.status.code(), Some(1), "{said}");
        let last = said.lines().next_back().expect("it says why");
        assert!(last.contains(named) && last.to_lowercase().contains("no such file"), "{said}");
    }
}

#[test]
fn a_check_tells_and_does_not_start() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("good.conf"), "max_payload: 1MB\n").expect("a file");
    let output = run_in(dir.path(), &["-t", "-c", "good.conf"]);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{said}");
    assert!(said.contains("configuration file good.conf is valid (sha256:"), "{said}");
    let output = run_in(dir.path(), &["-t"]);
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("must specify [-c, --config] option to check configuration file syntax"), "{said}");
}

/// nats-server says nothing of it.
#[test]
fn a_certificate_that_has_expired_is_named_with_its_place_and_what_helps() {
    let dir = tempfile::tempdir().expect("a directory");
    let pair = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.not_after = rcgen::date_time_ymd(2020, 1, 2);
    let certificate = params.self_signed(&pair).expect("a certificate");
    fs::write(dir.path().join("cert.pem"), certificate.pem()).expect("a file");
    fs::write(dir.path().join("key.pem"), pair.serialize_pem()).expect("a file");
    // The pid file cannot be written: the server ends when it has said what is to be said.
    let config = "max_payload: 1MB\ntls { cert_file: cert.pem, key_file: key.pem }\n";
    fs::write(dir.path().join("server.conf"), config).expect("a file");
    let warning = "server.conf:2:1: The certificate of ";
    let remedy = "in cert.pem has expired, clients will refuse it: renew it";
    for (args, code) in [(&["-t"][..], 0), (&["-P", "nowhere/server.pid"], 1)] {
        let output = run_in(dir.path(), &[&["-c", "server.conf"], args].concat());
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.lines().any(|line| line.contains(warning) && line.contains(remedy)), "{said}");
    }
}
