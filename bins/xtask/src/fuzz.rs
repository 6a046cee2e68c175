//! Runs every fuzz target for a while. Needs a nightly compiler and cargo-fuzz, and says so.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::run;
use crate::workspace::Workspace;

/// Long enough to catch a fresh mistake, short enough to wait for.
pub(crate) const SECONDS_DEFAULT: u32 = 60;

pub(crate) fn seconds(text: &str) -> Result<u32> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
    seconds.with_context(|| format!("`{text}` is not a number of seconds above 0"))
}

pub(crate) fn run(workspace: &Workspace, seconds: u32) -> Result<()> {
    is_possible()?;
    let targets = targets(workspace)?;
    for target in &targets {
        run_target(workspace, target, seconds)?;
    }
    println!("{} targets ran {seconds} s each and found nothing", targets.len());
    Ok(())
}

/// An error says what is missing.
pub(crate) fn is_possible() -> Result<()> {
    ensure!(
        run::succeeds(Command::new("cargo").args(["+nightly", "--version"]))?,
        "fuzzing needs a nightly compiler: rustup toolchain install nightly"
    );
    ensure!(
        run::succeeds(Command::new("cargo").args(["fuzz", "--version"]))?,
        "fuzzing needs cargo-fuzz: cargo install cargo-fuzz"
    );
    Ok(())
}

pub(crate) fn run_target(workspace: &Workspace, target: &str, seconds: u32) -> Result<()> {
    println!("==> {target}, {seconds} s");
    let limit = format!("-max_total_time={seconds}");
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", "run", target, "--", &limit]);
    run::run(command.current_dir(&workspace.root))
        .with_context(|| format!("{target}: the input is under fuzz/artifacts/{target}"))
}

/// The names of all targets, sorted; there is at least one.
pub(crate) fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let manifest = workspace.root.join("fuzz/Cargo.toml");
    ensure!(manifest.exists(), "there is no fuzz/Cargo.toml");
    let fuzz = Workspace::load_manifest(Some(&manifest))?;
    let mut names: Vec<String> =
        fuzz.members.iter().flat_map(|member| member.bin_names.iter().cloned()).collect();
    names.sort();
    ensure!(!names.is_empty(), "fuzz/Cargo.toml names no targets");
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_seconds_above_zero_are_taken() {
        assert_eq!(seconds("600").unwrap(), 600);
        for wrong in ["0", "-1", "1.5", "ten", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
