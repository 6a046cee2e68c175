use super::*;
use crate::kinds::{Body, Kind};

fn parse_words(line: &str) -> Result<Job, clap::Error> {
    parse(line.split('|').map(str::trim))
}

fn single_run(line: &str) -> SingleRun {
    match parse_words(line).unwrap() {
        Job::Single(run) => run,
        _ => panic!("a single load expected"),
    }
}

#[test]
fn the_definition_is_consistent() {
    command().debug_assert();
}

#[test]
fn a_load_alone_goes_to_the_default_address() {
    let run = single_run("buster-bench | fan-out");
    assert_eq!(run.load.title(), "fan-out");
    assert_eq!((run.settings.scale, run.settings.verify, run.json), (1.0, false, false));
    let addr = "127.0.0.1:4222".parse().unwrap();
    assert_eq!(run.target, Target::Attach { addr, pid: None });
}

#[test]
fn sized_loads_take_their_number_or_a_default() {
    assert_eq!(single_run("buster-bench | rtt | 64").load.title(), "rtt 64");
    assert_eq!(single_run("buster-bench | rtt").load.title(), "rtt 1");
    assert!(parse_words("buster-bench | rtt | 0").is_err());
    assert!(parse_words("buster-bench | fan-out | 5").is_err());
}

#[test]
fn loads_have_the_names_that_people_look_for() {
    assert_eq!(single_run("buster-bench | request-reply | 8").load.title(), "rtt 8");
    assert_eq!(single_run("buster-bench | fanout").load.title(), "fan-out");
    let Job::Compare(comparison) =
        parse_words("buster-bench | compare | --a | one | --loads | fanin,request-reply:3").unwrap()
    else {
        panic!("a comparison expected");
    };
    assert_eq!(comparison.loads.iter().map(Load::title).collect::<Vec<_>>(), ["fan-in", "rtt 3"]);
}

#[test]
fn a_soak_takes_minutes_or_a_time() {
    for (length, title) in [("2", "soak 2"), ("90s", "soak 1m30s"), ("1h30m", "soak 90")] {
        assert_eq!(single_run(&format!("buster-bench | soak | {length}")).load.title(), title);
    }
    assert_eq!(single_run("buster-bench | soak").load.title(), "soak 20");
    let error = parse_words("buster-bench | soak | 5s").unwrap_err().to_string();
    assert!(error.contains("soak takes 10s to 2000"), "{error}");
    let error = parse_words("buster-bench | soak | fast").unwrap_err().to_string();
    assert!(error.contains("`fast` is no length of time"), "{error}");
}

#[test]
fn servers_may_be_named() {
    let run = single_run("buster-bench | fan-in | --addr | localhost:4333");
    assert_eq!(run.target, Target::Attach { addr: "127.0.0.1:4333".parse().unwrap(), pid: None });
    let error = parse_words("buster-bench | fan-in | --addr | 127.0.0.1:x").unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:x"), "{error}");
}

#[test]
fn the_version_is_told() {
    let error = parse_words("buster-bench | --version").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DisplayVersion);
    assert_eq!(error.to_string(), format!("buster-bench {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_command_and_a_pid_exclude_each_other() {
    let run = single_run("buster-bench | queue | --server | s -p {port} | --json");
    let command = "s -p {port}".to_owned();
    assert_eq!(run.target, Target::Start { command });
    assert!(run.json);
    assert!(parse_words("buster-bench | queue | --server | s | --pid | 1").is_err());
}

#[test]
fn scale_stays_within_reason() {
    for wrong in ["0", "-1", "nan", "inf", "1001", "x"] {
        assert!(parse_words(&format!("buster-bench | fan-in | --scale={wrong}")).is_err());
    }
    assert_eq!(single_run("buster-bench | fan-in | --scale | 0.5").settings.scale, 0.5);
}

#[test]
fn each_load_takes_what_it_can_use_and_nothing_else() {
    let run = single_run("buster-bench | fan-out | --subjects | 5 | --seconds | 3 | --verify | --scale=0.5");
    let overrides = &run.settings.overrides;
    assert_eq!((overrides.subjects, overrides.time), (Some(5), Some(Duration::from_millis(1500))));
    assert!(run.settings.verify && run.settings.rate.is_none());
    assert_eq!(single_run("buster-bench | rtt | 8 | --rate | 2e4").settings.rate, Some(20_000.0));
    for wrong in [
        "queue | --rate | -5",
        "rtt | --publishers | 5",
        "rtt | --rate | 0",
        "idle | --seconds | 1",
        "fan-out | --seconds | -1",
        "fan-out | --seconds | 1 | --messages | 1",
        "connections | 10 | --subjects | 5",
    ] {
        assert!(parse_words(&format!("buster-bench | {wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn only_websockets_compress() {
    let settings = single_run("buster-bench | text-1k | --ws | 8080 | --compress").settings;
    assert_eq!((settings.websockets, settings.compresses), (Some(8080), true));
    let listens = "s -p {port} -c {websockets}";
    assert!(
        single_run(&format!("buster-bench | text-1k | --server | {listens} | --compress"))
            .settings
            .compresses
    );
    let compare =
        |b: &str| parse_words(&format!("buster-bench | compare | --a | s | --b | {b} | --compress"));
    assert!(compare(listens).is_ok() && compare("s").is_err());
    assert!(parse_words("buster-bench | text-1k | --compress").is_err());
}

#[test]
fn a_disk_is_the_one_we_stand_on_unless_told_otherwise() {
    let disk = |line: &str| match parse_words(line) {
        Ok(Job::Disk(disk)) => disk,
        other => panic!("a disk expected, not {other:?}"),
    };
    let usual = disk("buster-bench | disk");
    assert_eq!(
        (usual.dir.clone(), usual.time, usual.json),
        (PathBuf::from("."), Duration::from_secs(1), false)
    );
    let other = disk("buster-bench | disk | --dir | /var | --seconds | 0.5 | --json");
    assert_eq!(
        (other.dir, other.time, other.json),
        (PathBuf::from("/var"), Duration::from_millis(500), true)
    );
    let publishing = disk("buster-bench | disk | --window | 1000 | --record | 173").publishing;
    assert_eq!(publishing, Some(ClosedLoop { window: 1000, record_bytes: 173 }));
    assert!(usual.publishing.is_none());
    assert!(parse_words("buster-bench | disk | --window | 1000").is_err());
    assert!(parse_words("buster-bench | disk | --seconds=-1").is_err());
    assert!(parse_words("buster-bench | disk | --server | s").is_err());
}

#[test]
fn a_comparison_keeps_the_order_of_its_servers() {
    let line = "buster-bench | compare | --b | two | --a | one | --b3 | four | --loads \
                | fan-out,rtt:64 | --rounds | 5";
    let Job::Compare(comparison) = parse_words(line).unwrap() else {
        panic!("a comparison expected");
    };
    assert_eq!(comparison.commands, ["one", "two", "four"]);
    assert_eq!(comparison.rounds, 5);
    let titles: Vec<String> = comparison.loads.iter().map(Load::title).collect();
    assert_eq!(titles, ["fan-out", "rtt 64"]);
}

#[test]
fn a_comparison_needs_a_baseline_and_known_loads() {
    assert!(parse_words("buster-bench | compare | --b | two").is_err());
    assert!(parse_words("buster-bench | compare | --a | one | --loads | nonsense").is_err());
    assert!(parse_words("buster-bench | compare | --a | one | --rounds | 0").is_err());
}

#[test]
fn the_default_comparison_runs_every_kind_of_load() {
    let Job::Compare(comparison) = parse_words("buster-bench | compare | --a | one").unwrap() else {
        panic!("a comparison expected");
    };
    // A soak takes minutes, and is not about speed; what a payload says counts where it is compressed; not every
    // server has JetStream or HTTP.
    let left_out = |kind: &Kind| {
        ["soak", "text-1k"].contains(&kind.name) || matches!(kind.body, Body::JetStream(_) | Body::Http(_))
    };
    for kind in KINDS.iter().filter(|kind| !left_out(kind)) {
        let found = comparison.loads.iter().any(|load| load.title().starts_with(kind.name));
        assert!(found, "{}", kind.name);
    }
}
