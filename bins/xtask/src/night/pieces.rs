//! What is done in a piece of each check.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{differ, fuzz, run};

use super::state::{Check, Night, Outcome};

/// In the order they are done: what is cheap to set right first.
pub(crate) const CHECKS: [&str; 7] = ["fuzz", "sim", "log", "cuts", "differ", "soak", "compare"];

/// How long a piece takes about, so that little is lost when a night is stopped.
const PIECE_SECONDS: u64 = 300;

/// Seeds of the simulation in a piece. Each of them takes some milliseconds.
const SIM_SEEDS: u64 = 2000;

/// Seeds of the log's crashes in a piece. They take about as long each.
const LOG_SEEDS: u64 = 10_000;

/// Lives of a server in a piece, of five cuts each.
const CUT_LIVES: u64 = 10;

/// With those of all pieces it is 200 cuts, and the check is done.
const CUT_PIECES: u64 = 4;

pub(crate) struct Pieces<'w> {
    pub(crate) workspace: &'w Workspace,
    pub(crate) peer: Option<PathBuf>,
}

impl Pieces<'_> {
    /// The next piece of `check`. An error says why it cannot be done, not what it found.
    pub(crate) fn run(&self, night: &Night, check: &Check) -> Result<Outcome> {
        match check.name.as_str() {
            "fuzz" => self.fuzz(check),
            "sim" => self.sim(night, check),
            "log" => self.log(night, check),
            "cuts" => self.cuts(night, check),
            "differ" => self.differ(night, check),
            "soak" => self.soak(check),
            "compare" => self.compare(),
            other => bail!("there is no check `{other}`"),
        }
    }

    /// A target, which has its share of the time.
    fn fuzz(&self, check: &Check) -> Result<Outcome> {
        fuzz::is_possible()?;
        let targets = fuzz::targets(self.workspace)?;
        let index = check.pieces as usize;
        let target = targets.get(index).context("there are fewer targets than before")?;
        let seconds = (check.seconds / targets.len() as u64).max(1);
        let outcome = fuzz::run_target(self.workspace, target, u32::try_from(seconds)?);
        Ok(Outcome {
            done: format!("{target} {seconds} s"),
            found: outcome.err().map(|error| format!("{error:#}")),
            is_last: index + 1 == targets.len(),
        })
    }

    fn sim(&self, night: &Night, check: &Check) -> Result<Outcome> {
        let first = night.seed + check.pieces * SIM_SEEDS;
        let mut command = Command::new("cargo");
        command.args(["test", "--quiet", "-p", "sim", "--release", "--test", "seeds"]);
        command.env("SIM_FIRST_SEED", first.to_string()).env("SIM_SEEDS", SIM_SEEDS.to_string());
        let outcome = run::run(command.current_dir(&self.workspace.root));
        let found = outcome.is_err().then(|| format!("seeds from {first}: see SIM_FIRST_SEED={first}"));
        Ok(Outcome { done: format!("seeds {first} to {}", first + SIM_SEEDS - 1), found, is_last: false })
    }

    fn log(&self, night: &Night, check: &Check) -> Result<Outcome> {
        let first = night.seed + check.pieces * LOG_SEEDS;
        let mut command = Command::new("cargo");
        command.args(["test", "--quiet", "-p", "sim-disk", "--release", "--test", "crashes"]);
        command.env("LOG_FIRST_SEED", first.to_string()).env("LOG_SEEDS", LOG_SEEDS.to_string());
        let outcome = run::run(command.current_dir(&self.workspace.root));
        let found = outcome.is_err().then(|| format!("seeds from {first}: see LOG_FIRST_SEED={first}"));
        Ok(Outcome { done: format!("seeds {first} to {}", first + LOG_SEEDS - 1), found, is_last: false })
    }

    /// The server loses power, or is killed without. A night in which that cannot be tested has failed.
    fn cuts(&self, night: &Night, check: &Check) -> Result<Outcome> {
        let ours = differ::built_server(self.workspace)?;
        let first = night.seed + check.pieces * CUT_LIVES;
        let mut command = Command::new("cargo");
        command.args(["test", "--quiet", "-p", "power-cuts", "--test", "cuts", "--", "break_no_promise"]);
        command.args(["--test-threads", "1"]).env("BUSTER_SERVER_BIN", &ours).env("CUT_REQUIRED", "1");
        command.env("CUT_FIRST_SEED", first.to_string()).env("CUT_LIVES", CUT_LIVES.to_string());
        let outcome = run::run(command.current_dir(&self.workspace.root));
        let found = outcome.is_err().then(|| format!("lives from {first}: see CUT_FIRST_SEED={first}"));
        let done = format!(
            "lives {first} to {}, five cuts each, and with kills alone and a failing disk",
            first + CUT_LIVES - 1
        );
        Ok(Outcome { done, found, is_last: check.pieces + 1 == CUT_PIECES })
    }

    fn differ(&self, night: &Night, check: &Check) -> Result<Outcome> {
        let seed = night.seed + check.pieces;
        let ours = differ::built_server(self.workspace)?;
        let mut command = differ::program(self.workspace, &ours, self.peer.as_deref())?;
        let seconds = PIECE_SECONDS.min(check.seconds - check.spent);
        command.args(["--seed", &seed.to_string(), "--seconds", &seconds.to_string()]);
        let (succeeded, told) = run::last_line_of(&mut command)?;
        let count = told.split(", ").find(|part| part.ends_with(" found")).unwrap_or("it failed");
        let found = (!succeeded).then(|| format!("seed {seed}: {count}"));
        Ok(Outcome { found, done: told, is_last: false })
    }

    fn soak(&self, check: &Check) -> Result<Outcome> {
        let ours = differ::built_server(self.workspace)?;
        let mut build = Command::new("cargo");
        build.args(["build", "--release", "-p", "buster-bench"]);
        run::run(build.current_dir(&self.workspace.root))?;
        let minutes = (check.seconds / 60).max(1);
        let mut command = Command::new(self.workspace.root.join("target/release/buster-bench"));
        command.args(["soak", &minutes.to_string(), "--server"]);
        command.arg(format!("{} -a 127.0.0.1 -p {{port}}", ours.display()));
        let (succeeded, told) = run::last_line_of(&mut command)?;
        let found = (!succeeded).then(|| format!("failed; the last line was: {told}"));
        Ok(Outcome { done: format!("{minutes} minutes: {}", told.trim()), found, is_last: true })
    }

    /// The whole comparison, as long as it takes.
    fn compare(&self) -> Result<Outcome> {
        let mut command = Command::new(std::env::current_exe().context("this program")?);
        command.arg("compare").current_dir(&self.workspace.root);
        if let Some(peer) = &self.peer {
            command.arg("--peer").arg(peer);
        }
        let (succeeded, told) = run::last_line_of(&mut command)?;
        let found = (!succeeded).then(|| "bars are missed".to_owned());
        Ok(Outcome { done: told, found, is_last: true })
    }
}
