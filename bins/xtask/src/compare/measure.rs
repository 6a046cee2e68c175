//! Runs buster-bench: all servers in turns, the first of each round another one.

use std::env;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::run;

use super::servers::Server;

pub(crate) struct Bench {
    path: PathBuf,
    scale: f64,
}

/// What is put on each server.
pub(crate) struct Work<'a> {
    pub(crate) name: &'a str,
    /// The words for buster-bench.
    pub(crate) args: &'a [&'a str],
    /// Arguments that every server gets.
    pub(crate) all: &'a [&'a str],
}

/// One report per phase; `None` when the run failed.
pub(crate) type Run = Option<Vec<Value>>;

impl Bench {
    pub(crate) fn new(path: PathBuf, scale: f64) -> Self {
        Self { path, scale }
    }

    /// Per round, per server. A run that fails says so on stderr and leaves a gap.
    pub(crate) fn rounds(&self, work: &Work<'_>, sides: &[Server], rounds: usize) -> Vec<Vec<Run>> {
        let round = |round: usize| {
            let mut runs: Vec<Run> = vec![None; sides.len()];
            for turn in 0..sides.len() {
                let side = (round + turn) % sides.len();
                let name = &sides[side].name;
                show(&format!("{} {}/{rounds}: {name}", work.name, round + 1));
                match self.run(&sides[side], work) {
                    Ok(reports) => runs[side] = Some(reports),
                    Err(error) => {
                        show("");
                        eprintln!("{}: {name}: {error:#}", work.name);
                    }
                }
            }
            show("");
            runs
        };
        (0..rounds).map(round).collect()
    }

    /// What the generator calls the machine.
    pub(crate) fn machine(&self) -> Result<String> {
        let text = run::output_of(Command::new(&self.path).arg("machine"))?;
        Ok(text.trim().to_owned())
    }

    /// The loads of a comparison, as the generator names them.
    pub(crate) fn loads(&self) -> Result<Vec<String>> {
        let text = run::output_of(Command::new(&self.path).arg("loads"))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// How many messages a second the disk takes, in the folder where servers get their stores.
    pub(crate) fn disk(&self, window: u32, record_bytes: u32) -> Result<f64> {
        let mut command = Command::new(&self.path);
        command.args([
            "disk",
            "--json",
            "--window",
            &window.to_string(),
            "--record",
            &record_bytes.to_string(),
        ]);
        command.arg("--dir").arg(env::temp_dir());
        let output = run::output_of(command.args(["--seconds", &self.scale.min(1.0).to_string()]))?;
        let report: Value = serde_json::from_str(&output).context("a report")?;
        report["rate_per_second"].as_f64().context("a report of the disk has no rate")
    }

    fn run(&self, server: &Server, work: &Work<'_>) -> Result<Vec<Value>> {
        let mut command = Command::new(&self.path);
        command.args(work.args).args(["--json", "--scale", &self.scale.to_string()]);
        command.args(["--server", &format!("{} {}", server.command(), work.all.join(" "))]);
        let output = run::output_of(&mut command)?;
        let reports = output.lines().map(|line| serde_json::from_str(line).context("a report"));
        reports.collect()
    }
}

/// On the last line of a terminal, in place of what stood there.
fn show(text: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}
