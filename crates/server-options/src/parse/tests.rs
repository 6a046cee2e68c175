use std::path::PathBuf;
use std::time::Duration;

use balance::PlacementRule;
use broker::BrokerOptions;
use fabric::SHARDS_MAX;
use monitor_http::Scheme;
use nats_auth::Secret;
use nats_conf::Sources;
use server_log::Config;
use shard_runtime::BackendChoice;

use super::*;
use crate::advertised::Advertised;
use crate::invocation::{SignalCall, SignalCommand};
use crate::jetstream::JetStreamOptions;
use crate::options::{Options, Port};
use crate::row::Row;
use crate::tls::CertificateFiles;
use crate::usage::usage;

mod looking;

fn parse_line(line: &[&str]) -> Result<Invocation, OptionsError> {
    let program = std::iter::once("buster-server");
    parse(program.chain(line.iter().copied()).map(OsString::from))
}

fn options(line: &[&str]) -> Options {
    match parse_line(line) {
        Ok(Invocation::Run(command_line)) => {
            command_line.load(&Sources::NONE).expect("it was checked").options
        }
        other => panic!("{line:?} gave {other:?}"),
    }
}

fn refusal(line: &[&str]) -> String {
    parse_line(line).expect_err("the line is bad").report("buster-server")
}

/// The options that have flags, and the flags that are refused.
fn flags() -> impl Iterator<Item = &'static Row> {
    OPTIONS.iter().filter(|row| !row.flags.is_empty())
}

/// A value that the row accepts and that differs from its default.
fn sample(row: &Row) -> &'static str {
    match row.by_flag.form() {
        Form::Switch => {
            if row.flags[0] == "T" {
                "false"
            } else {
                "true"
            }
        }
        Form::Integer => "7",
        Form::Text if row.flags[0] == "placement" => "spread",
        Form::Text if row.flags[0] == "io" => "epoll",
        Form::Text if row.flags[0] == "busy-poll" => "50us",
        Form::Text if row.flags[0] == "sl" => "ldm=7",
        Form::Text => "some/where",
    }
}

fn monitor(scheme: Scheme) -> Option<monitor_http::Config> {
    let host = Options::default().host;
    Some(monitor_http::Config { scheme, host, port: 7, base_path: String::new() })
}

#[test]
fn no_flags_give_the_defaults() {
    let defaults = options(&[]);
    assert_eq!(defaults, Options::default());
    assert_eq!(defaults.host, "0.0.0.0");
    assert_eq!(defaults.port, Port::Fixed(4222));
    assert!(defaults.log.time);
    assert!(matches!(parse([]), Ok(Invocation::Run(_))));
}

#[test]
fn each_supported_flag_sets_its_own_option() {
    let text = || Some("some/where".to_owned());
    let path = || Some(PathBuf::from("some/where"));
    for row in flags().filter(|row| !row.is_refused_flag()) {
        let rest = Options::default();
        let log = rest.log.clone();
        let logging = |log| Options { log, ..rest.clone() };
        let broker = rest.broker.clone();
        let with_broker = |broker| Options { broker, ..rest.clone() };
        let runtime = rest.runtime.clone();
        let with_runtime = |runtime| Options { runtime, ..rest.clone() };
        let with_auth = |auth| Options { auth, ..rest.clone() };
        let wanted = match row.flags[0] {
            "a" => Options { host: "some/where".to_owned(), ..rest },
            "p" => Options { port: Port::Fixed(7), ..rest },
            "n" => Options { server_name: text(), ..rest },
            "P" => Options { pid_file: path(), ..rest },
            "ports_file_dir" => Options { ports_file_dir: path(), ..rest },
            "l" => logging(Config { file: path(), ..log }),
            "T" => logging(Config { time: false, ..log }),
            "D" => logging(Config { debug: true, ..log }),
            "V" | "VV" => logging(Config { trace: true, ..log }),
            "DV" | "DVV" => logging(Config { debug: true, trace: true, ..log }),
            "log_size_limit" => logging(Config { size_limit: Some(7), ..log }),
            "max_traced_msg_len" => with_broker(BrokerOptions { max_traced_msg_len: 7, ..broker }),
            "logtime_utc" => logging(Config { utc: true, ..log }),
            "s" => logging(Config { syslog: true, ..log }),
            "r" => logging(Config { remote_syslog: text(), ..log }),
            "colocate" => with_broker(BrokerOptions { colocate: true, ..broker }),
            "ktls" => with_runtime(shard_runtime::Config { ktls: true, ..runtime }),
            "placement" => with_broker(BrokerOptions { placement: PlacementRule::Spread, ..broker }),
            "m" => Options { monitor: monitor(Scheme::Http), ..rest },
            // Tested with their keys.
            "one-port" | "one-port-wait" => continue,
            // They go together, and are tested together.
            "cluster" | "cluster_listen" | "cluster_name" | "routes" | "cluster_advertise"
            | "no_advertise" | "connect_retries" => continue,
            // Without certificates there is no HTTPS and no TLS.
            "ms" | "tls" | "tlscert" | "tlskey" | "tlsverify" | "tlscacert" => continue,
            "user" => with_auth(nats_auth::Config {
                single_user: Some(("some/where".to_owned(), Secret::default())),
                ..nats_auth::Config::default()
            }),
            // A password is for somebody.
            "pass" => Options { idle_password: true, ..rest },
            "auth" => with_auth(nats_auth::Config {
                token: Some(Secret::from("some/where")),
                ..nats_auth::Config::default()
            }),
            "client_advertise" => {
                let advertised = Advertised { host: "some/where".to_owned(), port: None };
                Options { client_advertise: Some(advertised), ..rest }
            }
            "js" => Options { jetstream: JetStreamOptions { is_on: true, ..rest.jetstream }, ..rest },
            "sd" => Options { store_dir: path(), ..rest },
            "shards" => Options { shards: Some(7), ..rest },
            "busy-poll" => {
                let busy_poll = Some(Duration::from_micros(50));
                with_runtime(shard_runtime::Config { busy_poll, ..runtime })
            }
            "io" => with_runtime(shard_runtime::Config { io: BackendChoice::Epoll, ..runtime }),
            "c" | "t" | "sl" | "h" | "v" | "help_tls" => continue,
            other => panic!("no expectation for -{other}"),
        };
        for name in row.flags {
            assert_eq!(options(&[&format!("-{name}={}", sample(row))]), wanted, "-{name}");
        }
    }
}

#[test]
fn tls_takes_several_flags() {
    let given = ["-tls", "-tlscert=c", "-tlskey=k", "-tlscacert=a", "-tlsverify"];
    let tls = options(&given).tls.expect("there is TLS");
    assert_eq!(tls.certificates, [CertificateFiles { certificate: "c".into(), key: "k".into() }]);
    assert_eq!((tls.ca_file, tls.policy.verify), (Some("a".into()), true));
}

#[test]
fn every_row_reads_alike_in_every_dash_style() {
    for row in flags() {
        let value = sample(row);
        for name in row.flags {
            let inline = parse_line(&[&format!("-{name}={value}")]);
            assert_eq!(parse_line(&[&format!("--{name}={value}")]), inline, "{name}");
            if row.by_flag.form() == Form::Switch {
                if value == "true" {
                    assert_eq!(parse_line(&[&format!("-{name}")]), inline, "{name}");
                    assert_eq!(parse_line(&[&format!("--{name}")]), inline, "{name}");
                }
            } else {
                assert_eq!(parse_line(&[&format!("-{name}"), value]), inline, "{name}");
                assert_eq!(parse_line(&[&format!("--{name}"), value]), inline, "{name}");
            }
        }
    }
}

#[test]
fn each_flag_not_supported_is_refused_by_the_name_given() {
    for row in flags().filter(|row| row.is_refused_flag()) {
        for name in row.flags {
            let refused = parse_line(&[&format!("--{name}={}", sample(row)), "-D"]);
            let missing = row.missing.expect("it says so");
            assert_eq!(refused, Err(OptionsError::NotSupported { flag: name, missing }));
        }
    }
    for row in flags().filter(|row| row.is_refused_flag()) {
        let nothing = match row.by_flag.form() {
            Form::Switch => "false",
            Form::Integer => "0",
            Form::Text => "",
        };
        for name in row.flags {
            assert_eq!(options(&[&format!("--{name}={nothing}")]), Options::default(), "{name}");
        }
    }
    let profile =
        "buster-server: flag -profile is not supported yet: there is no profile to ask for over HTTP";
    assert_eq!(refusal(&["-profile", "1"]), profile);
    assert_eq!(refusal(&["-p", "1", "-profile", "1"]), profile);
}

#[test]
fn a_flag_that_was_renamed_is_refused_with_its_name() {
    for flag in ["-route", "--route", "--route=false"] {
        assert_eq!(refusal(&["-D", flag]), "buster-server: flag -route is called -colocate now");
    }
    assert!(
        RENAMED
            .iter()
            .all(|(before, now)| find(before.as_bytes()).is_none() && find(now.as_bytes()).is_some())
    );
}

#[test]
fn every_row_that_takes_a_value_says_when_it_is_missing() {
    for row in flags().filter(|row| row.by_flag.form() != Form::Switch) {
        for name in row.flags {
            let text = refusal(&["-D", &format!("--{name}")]);
            assert_eq!(text, format!("flag needs an argument: -{name}"));
        }
    }
}

#[test]
fn every_switch_refuses_a_value_that_is_not_boolean() {
    for row in flags().filter(|row| row.by_flag.form() == Form::Switch) {
        for name in row.flags {
            let text = refusal(&[&format!("-{name}=maybe")]);
            assert_eq!(text, format!("invalid boolean value \"maybe\" for -{name}: parse error"));
        }
    }
}

#[test]
fn every_number_refuses_words_and_numbers_past_64_bits() {
    for row in flags().filter(|row| row.by_flag.form() == Form::Integer) {
        for name in row.flags {
            let flag = format!("-{name}");
            let text = refusal(&[&flag, "abc"]);
            assert_eq!(text, format!("invalid value \"abc\" for flag -{name}: parse error"));
            let text = refusal(&[&flag, "99999999999999999999"]);
            let wanted =
                format!("invalid value \"99999999999999999999\" for flag -{name}: value out of range");
            assert_eq!(text, wanted);
        }
    }
}

#[test]
fn the_next_argument_is_the_value_even_with_a_dash() {
    assert_eq!(options(&["-p", "-1"]).port, Port::Random);
    assert_eq!(options(&["--port=-1"]).port, Port::Random);
    assert_eq!(options(&["-l", "-D"]).log.file, Some(PathBuf::from("-D")));
    assert_eq!(options(&["-l=a=b"]).log.file, Some(PathBuf::from("a=b")));
}

#[test]
fn port_0_means_the_default_port() {
    assert_eq!(options(&["-p", "0"]).port, Port::Fixed(4222));
    assert_eq!(options(&["-p", "65535"]).port, Port::Fixed(65535));
}

#[test]
fn a_port_no_socket_has_is_refused_with_the_host() {
    for port in ["99999", "65536", "-2"] {
        let error = parse_line(&["-p", port, "-a", "127.0.0.1"]).expect_err("no such port");
        assert_eq!(
            error.report("buster-server"),
            format!(
                "buster-server: Error listening on port: 127.0.0.1:{port}, \"listen tcp: address {port}: invalid port\""
            )
        );
    }
}

#[test]
fn placement_is_by_one_of_two_rules() {
    assert_eq!(options(&["--placement", "load"]).broker.placement, PlacementRule::Load);
    assert_eq!(options(&["--placement", "spread", "--placement="]).broker.placement, PlacementRule::Load);
    let text = refusal(&["--placement", "even"]);
    assert_eq!(text, "invalid value \"even\" for flag -placement: must be load or spread");
}

#[test]
fn shards_stay_within_their_range() {
    assert_eq!(options(&["--shards", "1"]).shards, Some(1));
    assert_eq!(options(&["--shards", "64"]).shards, Some(SHARDS_MAX));
    for count in ["0", "-1", "65"] {
        let text = refusal(&["--shards", count]);
        assert_eq!(text, format!("invalid value \"{count}\" for flag -shards: must be between 1 and 64"));
    }
}

#[test]
fn busy_polling_lasts_up_to_a_second() {
    assert_eq!(options(&["--busy-poll", "0"]).runtime.busy_poll, Some(Duration::ZERO));
    assert_eq!(options(&["--busy-poll", "1s"]).runtime.busy_poll, Some(Duration::from_secs(1)));
    let text = refusal(&["--busy-poll", "1.1s"]);
    assert_eq!(text, "invalid value \"1.1s\" for flag -busy-poll: must be between 0 and 1s");
    let text = refusal(&["--busy-poll", "50"]);
    assert_eq!(text, "invalid value \"50\" for flag -busy-poll: parse error");
}

#[test]
fn a_backend_is_named() {
    for (name, io) in [
        ("auto", BackendChoice::Auto),
        ("uring", BackendChoice::Uring),
        ("epoll", BackendChoice::Epoll),
        ("", BackendChoice::Auto),
    ] {
        assert_eq!(options(&["--io", name]).runtime.io, io);
    }
    let text = refusal(&["--io", "kqueue"]);
    assert_eq!(text, "invalid value \"kqueue\" for flag -io: must be auto, uring or epoll");
}

#[test]
fn empty_text_means_not_given() {
    let line = ["-a", "", "-n=", "-P", "", "--ports_file_dir=", "-l", ""];
    assert_eq!(options(&line), Options::default());
}

#[test]
fn the_last_of_several_wins() {
    let options = options(&["-p", "1", "--port", "2", "-D", "-debug=false", "-n", "a", "-server_name=b"]);
    assert_eq!(options.port, Port::Fixed(2));
    assert!(!options.log.debug);
    assert_eq!(options.server_name.as_deref(), Some("b"));
}

#[test]
fn dv_outranks_d_and_v_wherever_it_stands() {
    let off = options(&["-DV=false", "-D", "-V"]);
    assert!(!off.log.debug && !off.log.trace);
    let on = options(&["-DV", "-D=false"]);
    assert!(on.log.debug && on.log.trace);
}

#[test]
fn server_names_have_no_spaces() {
    let error = parse_line(&["-n", "a b"]).expect_err("a space");
    assert_eq!(error.report("buster-server"), "buster-server: server name cannot contain spaces");
}

#[test]
fn a_path_may_be_any_bytes_and_a_name_may_not() {
    let bytes = OsString::from_vec(b"x\xff".to_vec());
    let line = |flag: &str| [OsString::new(), OsString::from(flag), bytes.clone()];
    let Ok(Invocation::Run(command_line)) = parse(line("-P")) else { panic!("paths are bytes") };
    assert_eq!(
        command_line.load(&Sources::NONE).expect("a path").options.pid_file,
        Some(PathBuf::from(bytes.clone()))
    );
    let error = parse(line("-n")).expect_err("names are text");
    assert_eq!(error.report("buster-server"), "invalid value \"x\u{fffd}\" for flag -n: not valid UTF-8");
}

#[test]
fn help_and_version_win_over_what_else_is_wrong() {
    let help = Ok(Invocation::PrintHelp(usage("buster-server")));
    let version = Ok(Invocation::PrintVersion);
    for line in [&["-h"][..], &["-help"], &["--help", "-js"], &["-h", "foo"], &["help"], &["-D", "HELP"]] {
        assert_eq!(parse_line(line), help, "{line:?}");
    }
    for line in [&["-v"][..], &["-h", "-v"], &["-v", "-p", "99999"], &["Version", "foo"], &["-js", "version"]]
    {
        assert_eq!(parse_line(line), version, "{line:?}");
    }
    assert_eq!(options(&["-h=false", "-v=false"]), Options::default());
    assert_eq!(refusal(&["-v", "-p", "abc"]), "invalid value \"abc\" for flag -p: parse error");
}

#[test]
fn words_that_copy_take_a_directory_and_a_server() {
    use crate::{CopyCall, CopyKind};
    let call = |kind, server: &str, account: &str| {
        let (folder, server, account) = ("/a".into(), server.into(), account.into());
        Ok(Invocation::Copy(CopyCall { kind, folder, server, account }))
    };
    let local = "nats://127.0.0.1:4222";
    assert_eq!(parse_line(&["backup", "/a"]), call(CopyKind::Backup, local, "$G"));
    assert_eq!(parse_line(&["restore", "--server", "x", "/a"]), call(CopyKind::Restore, "x", "$G"));
    let line = ["import-store", "/a", "--account", "A", "--server", "x"];
    assert_eq!(parse_line(&line), call(CopyKind::ImportStore, "x", "A"));
    for line in
        [&["backup"][..], &["backup", "a", "b"], &["backup", "a", "--account", "A"], &["-D", "backup", "a"]]
    {
        let said =
            "buster-server: backup takes one directory, and --server with an address: see backup --help";
        assert_eq!(refusal(line), said, "{line:?}");
    }
    let Ok(Invocation::PrintHelp(text)) = parse_line(&["backup", "--help"]) else { panic!("it helps") };
    assert!(text.starts_with("\nUsage: buster-server backup <dir> [--server <url>]\n"), "{text}");
}

#[test]
fn replay_takes_a_stream() {
    use crate::ReplayCall;
    let call = ReplayCall { stream: "DEAD".into(), ..ReplayCall::default() };
    assert_eq!(parse_line(&["replay", "DEAD"]), Ok(Invocation::Replay(call.clone())));
    let line = ["replay", "--of", "S", "DEAD", "--consumer", "C", "--keep", "--server", "x"];
    let (of, consumer, server) = (Some("S".into()), Some("C".into()), "x".into());
    assert_eq!(
        parse_line(&line),
        Ok(Invocation::Replay(ReplayCall { of, consumer, server, keeps: true, ..call }))
    );
    for line in [&["replay"][..], &["replay", "a", "b"], &["replay", "a", "--of"], &["-D", "replay", "a"]] {
        assert_eq!(refusal(line), "buster-server: replay takes the name of a stream: see replay --help");
    }
    let Ok(Invocation::PrintHelp(text)) = parse_line(&["replay", "--help"]) else { panic!("it helps") };
    assert!(text.starts_with("\nUsage: buster-server replay <stream> [--of"), "{text}");
}

#[test]
fn words_that_are_no_flag_are_unrecognized_commands() {
    for (line, word) in [
        (&["foo"][..], "foo"),
        (&["-"], "-"),
        (&[""], ""),
        (&["-T", "false", "-D"], "false"),
        (&["-p", "1", "--", "-D"], "-D"),
        (&["-js", "foo", "-zz"], "foo"),
    ] {
        assert_eq!(refusal(line), format!("buster-server: unrecognized command: {word:?}"));
    }
    assert_eq!(options(&["-D", "--"]), options(&["-D"]));
}

#[test]
fn dashes_without_a_name_are_bad_syntax() {
    for arg in ["---p", "-=3", "--=3", "---"] {
        assert_eq!(refusal(&[arg, "3"]), format!("bad flag syntax: {arg}"));
    }
}

#[test]
fn unknown_flags_are_named_with_one_dash_and_no_value() {
    for arg in ["-zz", "--zz", "--zz=3"] {
        assert_eq!(refusal(&[arg]), "flag provided but not defined: -zz");
    }
    assert_eq!(refusal(&["-DD"]), "flag provided but not defined: -DD");
    assert_eq!(refusal(&["-Port", "1"]), "flag provided but not defined: -Port");
}

#[test]
fn a_signal_names_a_command_and_perhaps_a_process() {
    let call = |command, process: Option<&str>| {
        Ok(Invocation::Signal(SignalCall { command, process: process.map(OsString::from) }))
    };
    for (word, command) in [
        ("ldm", SignalCommand::LameDuck),
        ("stop", SignalCommand::Stop),
        ("quit", SignalCommand::Quit),
        ("term", SignalCommand::Term),
        ("reopen", SignalCommand::Reopen),
        ("reload", SignalCommand::Reload),
    ] {
        assert_eq!(parse_line(&["--signal", word]), call(command, None));
        assert_eq!(parse_line(&["-sl", &format!("{word}=")]), call(command, None));
        assert_eq!(parse_line(&[&format!("-sl={word}=/run/pid")]), call(command, Some("/run/pid")));
        assert_eq!(command.word(), word);
    }
    assert_eq!(refusal(&["--signal", "bogus"]), "buster-server: unknown signal \"bogus\"");
    assert_eq!(refusal(&["-sl", "ldm=a=b=c"]), "buster-server: invalid signal parameters: [b c]");
    assert_eq!(options(&["--signal", ""]), Options::default());
}

#[test]
fn answers_come_under_the_name_we_are_called_by() {
    let help = parse(["/usr/bin/nats-server", "-h"].map(OsString::from));
    assert_eq!(help, Ok(Invocation::PrintHelp(usage("nats-server"))));
    assert!(usage("nats-server").starts_with("\nUsage: nats-server [options]\n"));
}

#[test]
fn a_command_line_does_not_show_its_values() {
    let Ok(Invocation::Run(command_line)) = parse_line(&["-n", "hush", "-D"]) else { panic!("it is fine") };
    assert_eq!(format!("{command_line:?}"), "[\"n\", \"D\"]");
}
