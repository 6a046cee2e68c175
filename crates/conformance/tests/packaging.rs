//! What can be tried of docs/packaging without Docker or systemd.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use test_kit::{Io, Sandbox, Server, ServerBinary, ServerOptions, Setup};

fn packaging() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/packaging")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(packaging().join(name)).expect("the file is there")
}

fn profile() -> Value {
    serde_json::from_str(&text("seccomp.json")).expect("the profile is JSON")
}

/// The calls that the profile's rules of that kind are for.
fn calls(profile: &Value, action: &str, with_arguments: bool) -> BTreeSet<String> {
    let rules = profile["syscalls"].as_array().expect("a list of rules");
    let of_kind = |rule: &&Value| rule["action"] == action && rule.get("args").is_some() == with_arguments;
    let names = rules.iter().filter(of_kind).flat_map(|rule| rule["names"].as_array().expect("a list"));
    names.map(|name| name.as_str().expect("a name").to_owned()).collect()
}

#[test]
fn the_seccomp_profile_allows_io_uring_and_refuses_what_it_does_not_name() {
    let profile = profile();
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
    let allowed = calls(&profile, "SCMP_ACT_ALLOW", false);
    for call in ["io_uring_setup", "io_uring_enter", "io_uring_register"] {
        assert!(allowed.contains(call), "{call}");
    }
    for call in ["ptrace", "mount", "bpf", "unshare", "setns", "clone", "clone3", "keyctl", "perf_event_open"]
    {
        assert!(!allowed.contains(call), "{call}");
    }
    assert_eq!(calls(&profile, "SCMP_ACT_ALLOW", true), BTreeSet::from(["clone".to_owned()]));
    assert_eq!(calls(&profile, "SCMP_ACT_ERRNO", false), BTreeSet::from(["clone3".to_owned()]));
}

/// A server that may do what the profile allows, on both backends, from its start to its end.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_server_gets_by_with_the_seccomp_profile() {
    let allowed = calls(&profile(), "SCMP_ACT_ALLOW", false).into_iter().chain(["clone".to_owned()]);
    let sandbox = Sandbox::Only(allowed.collect());
    for io in [Io::Uring, Io::Epoll] {
        let setup = Setup { shards: 2, io };
        let args = vec!["-DV".to_owned()];
        let options = ServerOptions { setup, sandbox: sandbox.clone(), args, ..ServerOptions::default() };
        let mut server = Server::start(options).expect("the server starts");
        let (mut subscriber, mut publisher) = (server.connect(), server.connect());
        subscriber.subscribe("a", 1);
        subscriber.flush();
        publisher.publish("a", "x".repeat(100_000));
        assert_eq!(subscriber.next_message().text().len(), 100_000);
        assert!(server.reload("").expect("it answers").contains("only reload config"));
        assert!(server.stop().expect("it stops").success());
        let log = server.log().text();
        assert!(!log.contains("Operation not permitted"), "{log}");
    }
}

#[test]
fn the_unit_passes_what_systemd_checks() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("there is no systemd-analyze here");
        return;
    }
    // It also looks whether what is to be started is there.
    let binary = ServerBinary::locate().expect("the server builds").path;
    let unit = text("buster-server.service").replace("/usr/local/bin/nats-server", &binary.to_string_lossy());
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("buster-server.service");
    std::fs::write(&path, unit).expect("it can be written");
    let verdict = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output();
    let said = String::from_utf8_lossy(&verdict.expect("it runs").stderr).into_owned();
    let of_ours: Vec<&str> = said.lines().filter(|line| line.contains("buster-server.service")).collect();
    assert!(of_ours.is_empty(), "{of_ours:?}");
}

#[test]
fn the_compose_file_is_yaml_and_names_what_is_there() {
    let compose: Value = serde_saphyr::from_str(&text("compose.yaml")).expect("it is YAML");
    let service = &compose["services"]["nats"];
    assert_eq!(service["build"]["dockerfile"], "docs/packaging/Dockerfile");
    assert_eq!(service["ulimits"]["memlock"], -1);
    let options = service["security_opt"].as_array().expect("a list");
    assert!(options.contains(&Value::from("seccomp:./seccomp.json")), "{options:?}");
    for name in ["seccomp.json", "nats-server.conf", "Dockerfile"] {
        assert!(packaging().join(name).exists(), "{name}");
    }
}

#[test]
fn the_configuration_is_valid() {
    let binary = ServerBinary::locate().expect("the server builds");
    let path = packaging().join("nats-server.conf");
    let checked = Command::new(binary.path).arg("-t").arg("-c").arg(path).output().expect("it runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
