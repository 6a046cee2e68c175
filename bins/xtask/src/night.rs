//! `cargo xtask night`: everything that takes long, one after the other, and what came of it in
//! docs/nightly.md.
//!
//! A night is done in pieces of some minutes, and after each it is written to `target/night.json` how far it
//! is. So it can be stopped at any time and goes on from there.

mod options;
mod page;
mod pieces;
mod state;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::run;
use crate::workspace::Workspace;

use self::options::Options;
use self::pieces::Pieces;
use self::state::Night;

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let options = options::parse(args)?;
    let path = workspace.root.join("target/night.json");
    let mut night = resumed_or_new(&path, &options)?;
    let pieces = Pieces { workspace, peer: options.peer.clone() };
    let mut failed = Vec::new();
    for index in 0..night.checks.len() {
        while !night.checks[index].is_over() {
            let check = &night.checks[index];
            println!("==> {}, {}", check.name, check.progress());
            let start = Instant::now();
            let outcome = pieces.run(&night, check);
            night.checks[index].take(outcome, start.elapsed());
            save(&path, &night)?;
        }
        let check = &mut night.checks[index];
        if !check.is_told {
            page::add(&workspace.root, check, &now()?, &commit()?)?;
            check.is_told = true;
        }
        if !check.found.is_empty() {
            failed.push(check.name.clone());
        }
        save(&path, &night)?;
    }
    fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
    ensure!(failed.is_empty(), "something was found by {}", failed.join(", "));
    Ok(())
}

/// The night that was stopped, if it is the one that is asked for.
fn resumed_or_new(path: &Path, options: &Options) -> Result<Night> {
    let fresh = Night { begun: now()?, seed: seconds_since_1970()?, checks: options.checks() };
    let Ok(text) = fs::read_to_string(path) else {
        return Ok(fresh);
    };
    let stopped: Night = serde_json::from_str(&text).with_context(|| format!("{}", path.display()))?;
    if options.restart {
        println!("the night begun {} is given up", stopped.begun);
        return Ok(fresh);
    }
    ensure!(
        stopped.is_same(&fresh),
        "there is a night begun {} with other checks or times: ask for the same, or --restart",
        stopped.begun
    );
    println!("the night begun {} goes on", stopped.begun);
    Ok(stopped)
}

/// Written whole and then put in place: a night that is stopped here has its file.
fn save(path: &Path, night: &Night) -> Result<()> {
    let fresh: PathBuf = path.with_extension("json.new");
    let text = serde_json::to_string_pretty(night)?;
    let folder = path.parent().context("the file stands in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    fs::write(&fresh, text + "\n").with_context(|| format!("writing {}", fresh.display()))?;
    fs::rename(&fresh, path).with_context(|| format!("writing {}", path.display()))
}

fn now() -> Result<String> {
    Ok(run::output_of(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M"]))?.trim().to_owned())
}

fn seconds_since_1970() -> Result<u64> {
    let text = run::output_of(Command::new("date").args(["-u", "+%s"]))?;
    text.trim().parse().context("the seconds that date tells")
}

/// What was tested: the commit, and whether there was more than that.
fn commit() -> Result<String> {
    let text =
        run::output_of(Command::new("git").args(["describe", "--always", "--dirty=+", "--exclude", "*"]))?;
    Ok(text.trim().to_owned())
}

/// Of a check, for a test of another module.
#[cfg(test)]
fn check(name: &str, seconds: u64) -> state::Check {
    state::Check::new(name, seconds)
}
