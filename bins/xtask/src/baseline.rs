//! `cargo xtask baseline`: what each operation costs beside a commit that it may not cost much more than.
//!
//! The commit's server is built in a clone of its own and kept, so later runs begin at once. Both servers take
//! turns under every load of `buster-bench compare`, driven by the load generator of today. Ratios are ours to
//! the baseline's: below 1 is better.

mod kept;
mod options;
mod page;
mod row;

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::compare::measure::{Bench, Work};
use crate::compare::servers::Server;
use crate::compare::{build, commit};
use crate::workspace::Workspace;

use self::options::Options;
use self::page::Setting;

/// The commit that later work is held against: everybody has a fair turn, and services, the turn, connections and
/// transports have no crates of their own yet. Move it only when a step is to cost more for a reason that a decision
/// gives; until then what many small steps cost adds up here, and shows.
///
/// `a5f6e18` is the last commit before fair turns: `--commit a5f6e18` says what they cost, too.
pub(crate) const COMMIT: &str = "3b3a4d5fa3880ddba02a844546c74b171bfe2f94";

/// What processor time per operation may come to, as a multiple of the baseline's.
const RATIO_MAX: f64 = 1.05;

/// Flags that every server gets under loads that ask for them.
const MONITORED: [&str; 2] = ["-m", "{monitor}"];

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let options = options::parse(args)?;
    build(workspace)?;
    let release = workspace.root.join("target/release");
    let bench = Bench::new(release.join("buster-bench"), options.wants.scale);
    let loads = options.chosen(&bench.loads()?)?;
    let baseline = kept::build(workspace, &options.commit)?;
    let ours = Server::ours(options.wants.server.clone().unwrap_or(release.join("buster-server")))?;
    let sides = [ours, baseline.server()?];

    let start = Instant::now();
    let mut rows = Vec::new();
    for load in &loads {
        let fresh = compare(load, &options, &bench, &sides);
        print!("{}", page::plain(&fresh));
        rows.extend(fresh);
    }
    let setting = Setting {
        machine: bench.machine()?,
        ours: commit(workspace)?,
        baseline: baseline.short().to_owned(),
        rounds: options.wants.rounds,
    };
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    println!("\n{}\n{minutes:.1} minutes", page::markdown(&setting, &rows));
    if options.wants.write {
        page::write(&workspace.root, &setting, &rows)?;
    }
    let missed = rows.iter().filter(|row| row.is_missed()).count();
    ensure!(missed == 0, "{missed} of {} cost more than {RATIO_MAX}× the baseline", rows.len());
    Ok(())
}

fn compare(load: &str, options: &Options, bench: &Bench, sides: &[Server]) -> Vec<row::Row> {
    // `rtt:64` is two words for a single run.
    let args: Vec<&str> = load.split(':').collect();
    let all = if args[0] == "subs" { &MONITORED[..] } else { &[] };
    let rounds = bench.rounds(&Work { name: load, args: &args, all }, sides, options.wants.rounds);
    row::rows(load, &rounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_commit_is_a_whole_hash() {
        assert!(COMMIT.len() == 40 && COMMIT.bytes().all(|byte| byte.is_ascii_hexdigit()), "{COMMIT}");
    }
}
