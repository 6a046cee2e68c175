//! Case after case until the time is up: play both, compare, shrink, report.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use test_kit::ServerBinary;

use crate::case_file::{self, Case};
use crate::compare::{self, Difference};
use crate::grammar::{self, GRAMMARS, Grammar};
use crate::known::Known;
use crate::player;
use crate::recording::{Kind, Place, Recording};
use crate::script::Script;
use crate::shrink;
use seeded::Random;

/// Times that a difference has to show before it is one.
const CONFIRMATIONS: usize = 2;

/// What is played to whom, and for how long.
pub struct Campaign {
    /// Ours.
    pub ours: ServerBinary,
    /// The other one.
    pub peer: ServerBinary,
    /// What the other one says it is.
    pub peer_version: String,
    /// Decides all cases.
    pub seed: u64,
    /// The first case, to look at one again.
    pub first: u64,
    /// How many cases; `None` for as many as there is time for.
    pub cases: Option<u64>,
    /// When no further case is begun; a difference found before is still shrunk.
    pub time: Duration,
    /// Grammars by name; none means all.
    pub only: Vec<String>,
    /// Kinds of places that are compared; none means all.
    pub places: Vec<Kind>,
    /// Runs that making one case smaller may cost.
    pub shrink_runs: usize,
    /// Where the cases found go, as files.
    pub finds: PathBuf,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Cases played, by grammar.
    pub played: BTreeMap<&'static str, u64>,
    /// Cases that differ, one per kind of difference.
    pub found: Vec<PathBuf>,
    /// Cases that differ as one found before does.
    pub alike: u64,
    /// Cases that differed once and not again.
    pub unsteady: u64,
}

impl Campaign {
    /// Plays until the time is up.
    ///
    /// # Errors
    ///
    /// When the machine fails, or a server hangs.
    pub fn run(&self) -> Result<Outcome> {
        let start = Instant::now();
        let (mut outcome, mut seen) = (Outcome::default(), BTreeSet::new());
        let known = Known::of_version(&self.peer_version);
        for beyond in known.beyond() {
            let places: Vec<String> =
                beyond.places.iter().map(|place| format!("{place:?}").to_lowercase()).collect();
            let mut not_played = beyond.grammars.clone();
            not_played.extend(beyond.words.iter().map(|words| format!("`{words}`")));
            not_played.extend(beyond.second_connect.then(|| "a second CONNECT".to_owned()));
            not_played.extend(beyond.half_denied.then(|| "subscriptions that are half denied".to_owned()));
            println!(
                "with nats-server {} not compared: {}; not played: {} ({})",
                self.peer_version,
                words(&places),
                words(&not_played),
                beyond.why
            );
        }
        let is_beyond =
            |name: &str| known.beyond().iter().any(|one| one.grammars.iter().any(|other| other == name));
        let wanted = GRAMMARS.iter().filter(|grammar| self.wants(grammar) && !is_beyond(grammar.name));
        let grammars: Vec<&Grammar> = wanted.collect();
        ensure!(!grammars.is_empty(), "no grammar is left");
        let last = self.cases.map_or(u64::MAX, |cases| self.first + cases);
        for number in self.first..last {
            if start.elapsed() >= self.time {
                break;
            }
            let grammar = grammars[(number % grammars.len() as u64) as usize];
            let script = (grammar.script)(&mut Random::new(self.seed, number));
            if self.leaves_out(&script) {
                continue;
            }
            let case = || format!("seed {}, case {number}, {}", self.seed, grammar.name);
            *outcome.played.entry(grammar.name).or_default() += 1;
            let found = self.differences(&script).with_context(case)?;
            let fresh: Vec<&Difference> =
                found.iter().filter(|one| !seen.contains(&one.signature())).collect();
            let Some(first) = fresh.first() else {
                outcome.alike += u64::from(!found.is_empty());
                continue;
            };
            let signature = first.signature();
            if !(1..CONFIRMATIONS).all(|_| self.shows(&script, &signature)) {
                outcome.unsteady += 1;
                println!("{}: differed once, not again\n{first}", case());
                continue;
            }
            let smaller = shrink::shrink(script.clone(), self.shrink_runs, |one| self.shows(one, &signature));
            // What depends on luck can shrink to something that shows nothing.
            let is_steady = (0..CONFIRMATIONS).all(|_| self.shows(&smaller, &signature));
            let small = if is_steady { smaller } else { script };
            seen.insert(signature);
            seen.extend(found.iter().map(Difference::signature));
            outcome.found.push(self.report(&small, &case(), number)?);
        }
        Ok(outcome)
    }

    fn leaves_out(&self, script: &Script) -> bool {
        grammar::is_beside_the_point(script) || Known::of_version(&self.peer_version).leaves_out(script)
    }

    fn wants(&self, grammar: &Grammar) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == grammar.name)
    }

    fn both(&self, script: &Script) -> Result<(Recording, Recording)> {
        let peer = player::play(script, &self.peer, None).context("the peer")?;
        let ours = player::play(script, &self.ours, Some(&peer)).context("ours")?;
        Ok((peer, ours))
    }

    fn differences(&self, script: &Script) -> Result<Vec<Difference>> {
        let (peer, ours) = self.both(script)?;
        Ok(self.compared(&peer, &ours))
    }

    fn compared(&self, peer: &Recording, ours: &Recording) -> Vec<Difference> {
        let mut found = compare::between(peer, ours, &mut Known::of_version(&self.peer_version));
        found.retain(|one| self.places.is_empty() || self.places.contains(&one.place.kind()));
        found
    }

    fn shows(&self, script: &Script, signature: &(Kind, String, String)) -> bool {
        // A server that hangs on a smaller script is another matter.
        !self.leaves_out(script)
            && self
                .differences(script)
                .is_ok_and(|found| found.iter().any(|one| one.signature() == *signature))
    }

    fn report(&self, script: &Script, case: &str, number: u64) -> Result<PathBuf> {
        let (peer, ours) = self.both(script)?;
        let found = self.compared(&peer, &ours);
        let text = case_file::print(&pinned(script, &peer, &found, &self.peer_version, case));
        println!("==> {case}\n{text}--- what differs");
        for difference in &found {
            print!("{difference}");
        }
        fs::create_dir_all(&self.finds)?;
        let path = self.finds.join(format!("{}-{number}.txt", self.seed));
        fs::write(&path, text)?;
        println!("<== {}\n", path.display());
        Ok(path)
    }
}

fn words(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// The peer's answers as a file has them: of JSON and INFO only what differs.
fn pinned(script: &Script, peer: &Recording, found: &[Difference], version: &str, case: &str) -> Case {
    let mut answers = Recording::new();
    for (place, items) in peer {
        let of_place: Vec<&Difference> = found.iter().filter(|one| one.place == *place).collect();
        if place.step().is_none() && of_place.is_empty() {
            continue;
        }
        answers.insert(place.clone(), compare::as_patterns(place, items, &of_place));
    }
    for difference in found.iter().filter(|one| !peer.contains_key(&one.place)) {
        if let Place::Log | Place::ConnLog { .. } = difference.place {
            answers.insert(difference.place.clone(), Vec::new());
        }
    }
    Case { about: vec![case.to_owned()], peer: version.to_owned(), script: script.clone(), answers }
}

/// Plays a file to our server and compares; what is known does not count.
///
/// # Errors
///
/// When the machine fails.
pub fn replay(case: &Case, binary: &ServerBinary) -> Result<Vec<Difference>> {
    let ours = player::play(&case.script, binary, Some(&case.answers))?;
    Ok(compare::with_file(&case.answers, &ours, &mut Known::of_version(&case.peer)))
}

/// The case with the peer's answers at the places where it has none: of the log and the start, where the file
/// asks for them with an empty block.
///
/// # Errors
///
/// When the machine fails.
pub fn filled_in(mut case: Case, peer: &ServerBinary, version: &str) -> Result<Case> {
    let played = player::play(&case.script, peer, None)?;
    for (place, items) in played {
        let is_open = case.answers.get(&place).map_or(place.step().is_some(), Vec::is_empty);
        if is_open {
            case.answers.insert(place.clone(), compare::as_patterns(&place, &items, &[]));
        }
    }
    version.clone_into(&mut case.peer);
    Ok(case)
}
