//! `cargo xtask`: the repository's own chores, and the whole of what CI runs.
//!
//! Nothing here needs more than a stable toolchain, apart from `fuzz`, which says what it lacks.
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod crate_table;
mod fuzz;
mod layers;
mod run;
mod top_level;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <command>

  ci                       everything that is checked, stopping at the first failure
  layers                   dependencies point down, pure crates are pure, the top level is tidy
  crates [--check]         rewrite (or check) the crate table in docs/ARCHITECTURE.md
  fuzz [seconds]           run every fuzz target for that long each (default 60)
  bench [--server PATH]... [--peer PATH]... [-- compare options]
                           the comparison table: peers first, then ours
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ci"] => ci::run(),
        ["layers"] => layers::run(&Workspace::load()?),
        ["crates"] => crate_table::write(&Workspace::load()?),
        ["crates", "--check"] => crate_table::check(&Workspace::load()?),
        ["fuzz"] => fuzz::run(&Workspace::load()?, fuzz::SECONDS_DEFAULT),
        ["fuzz", seconds] => fuzz::run(&Workspace::load()?, fuzz::seconds(seconds)?),
        ["bench", rest @ ..] => bench::run(&Workspace::load()?, rest),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => bail!("unknown command `{}`\n\n{USAGE}", words.join(" ")),
    }
}
