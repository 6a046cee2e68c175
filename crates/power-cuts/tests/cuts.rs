//! A server as it ships loses power. `CUT_LIVES=n` (with `CUT_FIRST_SEED=s`) makes it many lives of five cuts each.
//! `BUSTER_SERVER_BIN=PATH BUSTER_PEER=1` tests a nats-server instead, and `CUT_RULE=ext4` is easier than the rule of
//! POSIX: a journal, and a stream that had time to become durable.
//!
//! Where no disk can be mounted each of these says so past the captured output; with `CUT_REQUIRED` in the environment
//! it fails.

use std::env;
use std::io::Write;
use std::process::Command;

use brittle_disk::Rule;
use power_cuts::{Broken, Early, Ending, Life, LifeReport, Refusal, StreamKind, Tested, Trouble};
use test_kit::{SETUPS, ServerBinary};

/// Cuts of a life.
const CUTS: u64 = 5;

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn say(text: &str) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

fn ours(seed: u64, rule: Rule) -> Tested {
    let binary = ServerBinary::locate().expect("the server builds");
    // Older ones know no batches.
    let stream = if binary.is_peer { StreamKind::Plain } else { StreamKind::WithBatches };
    let setup = SETUPS[(seed % SETUPS.len() as u64) as usize];
    Tested {
        binary,
        setup,
        stream,
        sync_interval: Some("always"),
        more: "",
        rule,
        settled: false,
        trouble: None,
        ending: Ending::Cut,
    }
}

/// There is nothing to test.
fn not_tested(what: &str) {
    say(&format!("NOT TESTED: {what}"));
    assert!(env::var_os("CUT_REQUIRED").is_none(), "{what}");
}

/// A server on its disk, or `None` after it was said why there is none.
fn begin(tested: &Tested, seed: u64) -> Option<Life> {
    match Life::begin(tested, seed) {
        Ok(life) => return Some(life),
        Err(Refusal::NoDisk) => not_tested("what outlives a cut of the power: no disk can be mounted"),
        Err(Refusal::NoServer(log)) => panic!("it does not start: {log}"),
    }
    None
}

fn live(tested: &Tested, seed: u64) -> Option<LifeReport> {
    let report = begin(tested, seed)?.live(CUTS);
    let Tested { rule, ending, trouble, .. } = tested;
    say(&format!("seed {seed}, {rule:?}, {ending:?}, {trouble:?}: {report}"));
    Some(report)
}

fn nothing_is_broken(tested: impl Fn(u64) -> Tested) {
    let first = number("CUT_FIRST_SEED", 1);
    let mut broken = Vec::new();
    for seed in first..first + number("CUT_LIVES", 1) {
        let Some(report) = live(&tested(seed), seed) else { return };
        if !report.broken.is_empty() {
            broken.push(format!("seed {seed}: {report}"));
            continue;
        }
        assert!(report.acks > 100 && report.confirmations > 0 && report.syncs > 0, "seed {seed}: {report}");
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// By the strict rule, which forgives nothing, unless another is asked for.
fn by_rule(seed: u64) -> Tested {
    match env::var("CUT_RULE").as_deref() {
        Err(_) | Ok("posix") => ours(seed, Rule::Posix),
        Ok("ext4") => Tested { settled: true, ..ours(seed, Rule::Ext4) },
        Ok(other) => panic!("there is no rule `{other}`: posix, ext4"),
    }
}

#[test]
fn cuts_break_no_promise() {
    nothing_is_broken(by_rule);
}

#[test]
fn kills_without_a_cut_break_no_promise() {
    nothing_is_broken(|seed| Tested { ending: Ending::Kill, ..by_rule(seed) });
}

/// A server may refuse and even end when its disk fails, and what it acknowledged is there.
/// By both ciphers, one seed after the other.
#[test]
fn cuts_break_no_promise_of_an_encrypted_store() {
    const CIPHERS: [&str; 2] = ["key: s3cr3t, cipher: aes", "key: s3cr3t, cipher: chacha"];
    nothing_is_broken(|seed| Tested { more: CIPHERS[(seed % 2) as usize], ..by_rule(seed) });
}

/// What lies in files is read all the time, also those that a cut has torn: none of it is taken for rotten.
#[test]
fn cuts_break_no_promise_while_files_are_read() {
    const MORE: [&str; 2] =
        ["scrub_interval: \"10ms\"", "scrub_interval: \"10ms\", key: s3cr3t, cipher: aes"];
    nothing_is_broken(|seed| Tested { more: MORE[(seed % 2) as usize], ..by_rule(seed) });
}

fn nothing_is_broken_by(trouble: Trouble) {
    let stream = StreamKind::Plain;
    nothing_is_broken(|seed| Tested { trouble: Some(trouble), stream, ..by_rule(seed) });
}

#[test]
fn full_disks_break_no_promise() {
    nothing_is_broken_by(Trouble::Full);
}

#[test]
fn failed_writes_break_no_promise() {
    nothing_is_broken_by(Trouble::Writes);
}

#[test]
fn failed_syncs_break_no_promise() {
    nothing_is_broken_by(Trouble::Syncs);
}

/// A stream that acknowledges before it syncs may lose what nobody was shown, from its end. Nothing is out of order,
/// twice or another one for that.
#[test]
fn cuts_take_no_more_of_an_asynchronous_stream_than_its_end() {
    const LIVES_MAX: u64 = 5;
    let first = number("CUT_FIRST_SEED", 1);
    let mut taken_back = 0;
    for seed in first..first + number("CUT_LIVES", LIVES_MAX).max(LIVES_MAX) {
        let tested = Tested { stream: StreamKind::Asynchronous, ..by_rule(seed) };
        let Some(report) = live(&tested, seed) else { return };
        assert!(report.broken.is_empty(), "seed {seed}: {report}");
        taken_back += report.taken_back;
        if taken_back > 0 && env::var_os("CUT_LIVES").is_none() {
            return;
        }
    }
    assert!(taken_back > 0, "nothing was taken back: this test finds nothing");
}

/// Its acknowledgements alone leave early.
#[test]
fn of_an_asynchronous_stream_acknowledgements_alone_leave_before_a_sync() {
    for seed in 0..SETUPS.len() as u64 {
        let tested = Tested { stream: StreamKind::Asynchronous, ..ours(seed, Rule::Posix) };
        let Some(life) = begin(&tested, seed) else { return };
        let all = [Early::PubAck, Early::Confirmation, Early::Delete, Early::Purge];
        assert_eq!(life.early_answers(&all), [Early::PubAck], "on {}", SETUPS[seed as usize]);
    }
}

/// Syncs are held, a request is made, and nothing answers it until they are let through.
#[test]
fn no_answer_leaves_before_its_sync() {
    for seed in 0..SETUPS.len() as u64 {
        let Some(life) = begin(&ours(seed, Rule::Posix), seed) else { return };
        let all = [Early::PubAck, Early::Confirmation, Early::Delete, Early::Purge];
        assert_eq!(life.early_answers(&all), [], "on {}", SETUPS[seed as usize]);
    }
}

/// Lives until something was lost.
fn loses_some(tested: &Tested) {
    const LIVES_MAX: u64 = 5;
    for seed in 1..=LIVES_MAX {
        let Some(report) = live(tested, seed) else { return };
        if report.broken.contains_key(&Broken::Lost) {
            return;
        }
    }
    panic!("nothing was lost in {LIVES_MAX} lives: this test finds nothing");
}

/// A test that finds nothing where something is to be found proves nothing.
#[test]
fn a_server_that_syncs_now_and_then_loses_some() {
    loses_some(&Tested { sync_interval: Some("\"2m\""), settled: true, ..ours(1, Rule::Ext4) });
}

/// The same of nats-server as it comes, on the disk that most servers have, and with a stream that was there for a
/// while.
#[test]
fn nats_server_as_it_comes_loses_some() {
    let path = env::var_os("BUSTER_PEER_BIN").unwrap_or_else(|| "nats-server".into());
    if Command::new(&path).arg("--version").output().is_err() {
        return say(
            "NOT TESTED: that a cut finds something: there is no nats-server (BUSTER_PEER_BIN names one)",
        );
    }
    let binary = ServerBinary { path: path.into(), is_peer: true };
    let setup = SETUPS[0];
    let (rule, ending) = (Rule::Ext4, Ending::Cut);
    let stream = StreamKind::Plain;
    let (sync_interval, more, trouble) = (None, "", None);
    let tested = Tested { binary, setup, stream, sync_interval, more, rule, settled: true, trouble, ending };
    loses_some(&tested);
    let Some(life) = begin(&tested, 1) else { return };
    assert_eq!(life.early_answers(&[Early::PubAck]), [Early::PubAck]);
}
