use nats_auth::Secret;
use tls_session::HandshakeFirst;

use super::*;
use crate::invocation::Invocation;
use crate::options::Port;
use crate::parse::parse;

/// Options of flags over a file with this text, which stands in `nats.conf`.
fn load(text: &str, flags: &[&str]) -> Result<Loaded, OptionsError> {
    let read = |path: &str| match path {
        "nats.conf" => Ok(text.as_bytes().to_vec()),
        "etc/inner.conf" | "inner.conf" => Ok(b"port: 4444".to_vec()),
        _ => Err(format!("open {path}: no such file or directory")),
    };
    let env = |name: &str| (name == "DEBUG").then(|| "yes".to_owned());
    let line = ["nats-server", "-c", "nats.conf"].iter().chain(flags).map(OsString::from);
    let Invocation::Run(command_line) = parse(line)? else { panic!("it is to serve") };
    command_line.load(&Sources { read: &read, env: &env })
}

fn options(text: &str, flags: &[&str]) -> Options {
    load(text, flags).expect("all is right").options
}

fn refusal(text: &str, flags: &[&str]) -> String {
    load(text, flags).expect_err("something is wrong").report("nats-server")
}

const FILES: &str = "cert_file: c, key_file: k, ca_file: a, verify_and_map: true";

#[test]
fn flags_outrank_the_file() {
    let file =
        "port: 4333\nhost: localhost\nserver_name: file\npid_file: f\nlog_file: f\nhttp_port: 1\nio: uring";
    let flags = ["-p", "4334", "-a", "127.0.0.1", "-n", "flag", "-P", "p", "-l", "p", "--io", "epoll"];
    let (file_only, both, flags_only) =
        (options(file, &[]), options(file, &flags), options("debug: false", &flags));
    assert_eq!((file_only.port, file_only.host.as_str()), (Port::Fixed(4333), "localhost"));
    assert_eq!((both.port, both.host.as_str()), (Port::Fixed(4334), "127.0.0.1"));
    assert_eq!((&both.server_name, &both.pid_file), (&flags_only.server_name, &flags_only.pid_file));
    assert_eq!((&both.log, both.runtime.io), (&flags_only.log, flags_only.runtime.io));
    assert!(both.monitor.is_some(), "what no flag is about stays");
}

#[test]
fn an_empty_or_0_flag_takes_back_what_the_file_says() {
    let options = options("port: 4333\npid_file: f\nserver_name: file", &["-p", "0", "-P", "", "-n="]);
    assert_eq!((options.port, options.pid_file, options.server_name), (Port::Fixed(4222), None, None));
}

#[test]
fn switches_outrank_the_file_both_ways() {
    assert!(!options("debug: true", &["-D=false"]).log.debug);
    assert!(options("debug: false", &["-D"]).log.debug);
    assert!(options("debug: true", &[]).log.debug);
    assert!(!options("logtime: false", &[]).log.time);
    assert!(options("logtime: false", &["-T"]).log.time);
    let log = options("debug: true\ntrace: true", &["-DV=false"]).log;
    assert!(!log.debug && !log.trace);
}

#[test]
fn what_the_file_has_is_checked_with_what_flags_say() {
    assert_eq!(options("http_port: 1", &["-m", "0"]).monitor, None);
    let both = refusal("http_port: 1", &["-ms", "2"]);
    assert_eq!(both, "nats-server: can't specify both HTTP (1) and HTTPs (2) ports");
}

#[test]
fn one_user_may_come_from_file_and_flags_together() {
    let auth = options("authorization { user: a, pass: b }", &["--user", "c"]).auth;
    assert_eq!(auth.single_user, Some(("c".to_owned(), Secret::from("b"))));
    let auth = options("", &["--pass", "b"]).auth;
    assert_eq!(auth.single_user, None, "a password alone is for nobody");
    let auth = options("authorization { token: a }", &["--auth", "b"]).auth;
    assert_eq!(auth.token, Some(Secret::from("b")));
}

#[test]
fn tls_flags_replace_certificates_and_keep_the_rest() {
    let file = format!("tls {{ {FILES}, timeout: 7, handshake_first: true, min_version: \"1.3\" }}");
    let tls = options(&file, &["--tlscert", "c2", "--tlskey", "k2"]).tls.expect("there is some");
    assert_eq!(tls.certificates[0].certificate, Path::new("c2"));
    assert_eq!((tls.ca_file, tls.policy.verify), (None, false));
    assert_eq!(tls.policy.timeout.as_secs(), 7);
    assert_eq!(tls.policy.handshake_first, HandshakeFirst::Always);
    assert_eq!(tls.policy.min_version, tls_session::Version::Tls12);
    let all = ["--tls", "--tlscert=c", "--tlskey=k", "--tlsverify", "--tlscacert", "ca"];
    let tls = options("", &all).tls.expect("there is some");
    assert!(tls.policy.verify && tls.ca_file.is_some());
}

#[test]
fn tls_can_be_taken_back_by_a_flag() {
    let file = format!("tls {{ {FILES} }}");
    assert_eq!(options(&file, &["--tls=false"]).tls, None);
    assert_eq!(options(&file, &["--tls=false", "--tlscert", "c"]).tls, None);
}

#[test]
fn tls_flags_need_a_certificate_and_its_key() {
    let certificate = "nats-server: TLS Server certificate must be present and valid";
    for flags in [&["--tls"][..], &["--tlsverify"], &["--tlskey", "k"], &["--tlscert", "", "--tlskey", "k"]] {
        assert_eq!(refusal("", flags), certificate, "{flags:?}");
    }
    let key = "nats-server: TLS Server private key must be present and valid";
    assert_eq!(refusal("", &["--tlscert", "c"]), key);
}

#[test]
fn the_file_is_named_with_nats_servers_digest() {
    let config = options("port: 4222", &[]).config.expect("there is one");
    assert_eq!(config.path, Path::new("nats.conf"));
    let digest = "sha256:797533ebd0dfba7d34a0f9337ecf147e442871f48ddfd07ed751575a5737267e";
    assert_eq!(config.digest, digest);
}

#[test]
fn files_include_others_and_use_the_environment() {
    let options = options("include inner.conf\ndebug: $DEBUG", &[]);
    assert!(options.port == Port::Fixed(4444) && options.log.debug);
}

#[test]
fn an_empty_file_is_odd() {
    let loaded = load("# nothing", &[]).expect("it is no mistake");
    assert_eq!(loaded.warnings, ["nats.conf: config has no values or is empty"]);
}

#[test]
fn warnings_stand_before_mistakes() {
    let text = refusal("bogus: 1\nping_interval: 5", &[]);
    let wanted = "nats-server: nats.conf:2:1: invalid use of field \"ping_interval\": ping_interval should be \
                  converted to a duration\nnats.conf:1:0: unknown field \"bogus\"";
    assert_eq!(text, wanted);
    assert_eq!(load("ping_interval: 5", &[]).expect("it is odd, no more").warnings.len(), 1);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let parsed = parse(["nats-server", "-c", "none.conf"].map(OsString::from));
    let Ok(Invocation::Run(command_line)) = parsed else { panic!("it is to serve") };
    let error = command_line.load(&Sources::NONE).expect_err("there is no file");
    let wanted = "nats-server: open none.conf: no such file or directory";
    assert_eq!(error.report("nats-server"), wanted);
}

#[test]
fn checking_needs_a_file() {
    let checked = parse(["nats-server", "-t"].map(OsString::from)).expect_err("there is none");
    let wanted = "nats-server: must specify [-c, --config] option to check configuration file syntax";
    assert_eq!(checked.report("nats-server"), wanted);
    let checked = parse(["nats-server", "-t", "-c", "x"].map(OsString::from));
    assert!(matches!(checked, Ok(Invocation::Check(_))));
}

#[test]
fn secrets_are_not_shown() {
    let loaded = load("authorization { user: a, pass: hush }", &[]).expect("all is right");
    assert!(!format!("{loaded:?}").contains("hush"));
    let parsed = parse(["nats-server", "--user", "a", "--pass", "hush"].map(OsString::from));
    assert!(!format!("{parsed:?}").contains("hush"));
}

/// The words are nats-server's, which has no places for what only shows when all is read.
#[test]
fn what_does_not_go_together_is_refused_at_its_place() {
    for (text, expected) in [
        (
            "lame_duck_duration: \"31s\"\nlame_duck_grace_period: \"40s\"",
            "2:1: lame duck grace period (40s) should be strictly lower than lame duck duration (31s)",
        ),
        (
            "debug: false\nmax_payload: 65mb",
            "2:1: max_payload (68157440) cannot be higher than max_pending (67108864)",
        ),
        ("\nno_auth_user: foo", "2:1: no_auth_user: \"foo\" present, but users/nkeys are not defined"),
        (
            "authorization { users: [ {user: a} ] }\nno_auth_user: foo",
            "2:1: no_auth_user: \"foo\" not present as user or nkey in authorization block or account configuration",
        ),
        ("\nSystem: NOPE", "2:1: error resolving system account: account missing"),
        ("http_port: 1\nhttps_port: 2", "2:1: can't specify both HTTP (1) and HTTPs (2) ports"),
        ("\nhttps: \"localhost:2\"", "2:1: TLS cert and key required for HTTPS"),
        ("\nhttp: 70000", "2:1: can't listen to the monitor port: listen tcp: address 70000: invalid port"),
        (
            "host: \"::1\"\nport: 70000\nnet: \"127.0.0.1\"",
            "2:1: Error listening on port: 127.0.0.1:70000, \"listen tcp: address 70000: invalid port\"",
        ),
        (
            "\nclient_advertise: \"a:b:1\"",
            "2:1: Error setting server INFO with ClientAdvertise value of a:b:1, err=address a:b:1: too many colons in address",
        ),
    ] {
        assert_eq!(refusal(text, &[]), format!("nats-server: nats.conf:{expected}"));
    }
}

#[test]
fn what_a_flag_says_has_no_place() {
    let said =
        "nats-server: Error listening on port: 0.0.0.0:70000, \"listen tcp: address 70000: invalid port\"";
    assert_eq!(refusal("port: 4333", &["-p", "70000"]), said);
    let both = "nats-server: can't specify both HTTP (1) and HTTPs (2) ports";
    assert_eq!(refusal("http_port: 1", &["-ms", "2"]), both);
}
