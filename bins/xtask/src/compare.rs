//! The comparison with nats-server: every load of the bars' table, all servers in turns, and a
//! verdict on each bar.

mod bars;
mod chart;
pub(crate) mod measure;
mod options;
mod page;
pub(crate) mod servers;
mod table;
mod verdict;
pub(crate) mod wants;

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::run;
use crate::workspace::Workspace;

use self::bars::{LOADS, Load, Rivals};
use self::measure::{Bench, Work};
use self::options::Options;
use self::servers::Server;
use self::table::Setting;
pub(crate) use self::table::{commit, digits, shown_command};
use self::verdict::Line;
pub(crate) use self::verdict::Spread;

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let options = options::parse(args)?;
    build(workspace)?;
    let release = workspace.root.join("target/release");
    let bench = Bench::new(release.join("buster-bench"), options.wants.scale);
    let ours = Server::ours(options.wants.server.clone().unwrap_or(release.join("buster-server")))?;
    let peers = servers::peers(&options.peers)?;
    let setting = Setting::gather(workspace, &bench, &options, &ours, &peers)?;

    let start = Instant::now();
    let mut lines = Vec::new();
    for load in LOADS.iter().filter(|load| options.wants.load(load.name)) {
        let fresh = compare(load, &options, &bench, &ours, &peers)?;
        // Row by row, for who cannot wait for the whole.
        print!("{}", table::plain(&fresh));
        lines.extend(fresh);
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    println!("\n{}\n{minutes:.1} minutes\n", table::markdown(&setting, &lines));
    if options.wants.write {
        page::write(&workspace.root, &setting, &lines)?;
    }
    let missed = lines.iter().filter(|line| line.is_missed()).count();
    ensure!(missed == 0, "{missed} bars missed");
    Ok(())
}

/// Our server and the load generator, as they are now.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "-p", "buster-server", "-p", "buster-bench"]);
    run::run(build.current_dir(&workspace.root))
}

fn compare(
    load: &Load,
    options: &Options,
    bench: &Bench,
    ours: &Server,
    peers: &[Server],
) -> Result<Vec<Line>> {
    let sides = match &load.rivals {
        Rivals::Peers if load.ours.is_empty() => {
            std::iter::once(ours.clone()).chain(peers.iter().cloned()).collect()
        }
        Rivals::Peers => std::iter::once(ours.with(load.ours)).chain(peers.iter().cloned()).collect(),
        Rivals::Ourselves { ours: args, theirs } => vec![ours.with(args), ours.with(theirs)],
    };
    if let Some(flag) = sides.iter().find_map(Server::missing_flag) {
        let reason = format!("not available: the server has no {flag}");
        return Ok(verdict::skipped(load, &reason));
    }
    let work = Work { name: load.name, args: load.args, all: load.all };
    let rounds = bench.rounds(&work, &sides, options.wants.rounds);
    Ok(verdict::lines(load, &sides, &rounds))
}
