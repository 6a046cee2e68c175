//! The recorded conversations, byte for byte, on every setup. Each has a server of its own in this process: a process and
//! a port would add nothing to what is said.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use buster::{Server, StartError};
use conformance::{
    known_gaps,
    replay::replay,
    transcript::{Case, Transcripts},
};
use test_kit::{Io, Setup, on_every_setup};

/// Replays mostly wait for quiet, so more of them than cores run side by side.
const WORKERS: usize = 6;

on_every_setup!(the_recorded_cases_are_alike);

fn the_recorded_cases_are_alike(setup: Setup) {
    let (transcripts, gaps) = (Transcripts::load(), known_gaps::load());
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(case) = transcripts.cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let gap = gaps.contains_key(&case.name);
                    if let Err(why) = check(case, transcripts.config_of(case), gap, setup) {
                        failures.lock().expect("no worker panics here").insert(&case.name, why);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("all workers are done");
    let report: String = failures.iter().map(|(name, why)| format!("{name}: {why}\n")).collect();
    assert!(failures.is_empty(), "{} cases differ\n{report}", failures.len());
}

/// A case passes by being alike, a known gap by not being so yet.
fn check(case: &Case, config: Option<String>, gap: bool, setup: Setup) -> Result<(), String> {
    let outcome = attempt(case, config, setup);
    match (gap, outcome) {
        (true, Ok(())) => Err("passes now; strike it off testdata/known-gaps.toml".to_owned()),
        (true, Err(_)) => Ok(()),
        (false, outcome) => outcome,
    }
}

/// Replays a case on a server of its own.
fn attempt(case: &Case, config: Option<String>, setup: Setup) -> Result<(), String> {
    match start(config, setup) {
        Ok(server) => replay(case, || server.connect()),
        Err(StartError::Configuration(refused)) => Err(refused.to_string()),
        // The machine's trouble must not pass for a gap.
        Err(other) => panic!("{other}"),
    }
}

/// A server that nobody else reaches, whose connections are on all of its shards.
fn start(config: Option<String>, setup: Setup) -> Result<Server, StartError> {
    let io = match setup.io {
        Io::Auto => "auto",
        Io::Uring => "uring",
        Io::Epoll => "epoll",
    };
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("server.conf");
    let text = format!("io: {io}\nplacement: spread\n{}", config.unwrap_or_default());
    fs::write(&file, text).expect("it can be written");
    Server::builder().config_file(file).no_port().shards(setup.shards as usize).start()
}
