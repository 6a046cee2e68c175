//! The comparison with nats-server: every load of the bars' table, all servers in turns, and a
//! verdict on each bar. There are four tables: of core NATS, of JetStream, of two servers with a route and of HTTP.

mod bars;
mod ceiling;
mod chart;
mod jetstream;
pub(crate) mod measure;
mod metric;
mod options;
mod page;
mod routes;
pub(crate) mod servers;
mod sides;
mod table;
mod topic;
mod verdict;
pub(crate) mod wants;
mod web;

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::run;
use crate::workspace::Workspace;

use self::bars::Load;
use self::ceiling::Disk;
use self::measure::{Bench, Work};
use self::options::Options;
use self::servers::Server;
use self::sides::Sides;
use self::table::Setting;
pub(crate) use self::table::{commit, digits, shown_command};
use self::topic::Topic;
use self::verdict::Line;
pub(crate) use self::verdict::Spread;

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let options = options::parse(args)?;
    build(workspace)?;
    let target = workspace.root.join("target");
    let release = target.join("release");
    let bench = Bench::new(release.join("buster-bench"), options.wants.scale);
    let ours = Server::ours(options.wants.server.clone().unwrap_or(release.join("buster-server")))?;
    let peers = if options.topic.is_ours_alone() { Vec::new() } else { servers::peers(&options.peers)? };
    let sides = Sides::new(ours, peers, options.topic, &target)?;
    let setting = Setting::gather(workspace, &bench, &options, sides.all(), options.topic.all())?;

    let start = Instant::now();
    let mut lines = Vec::new();
    for load in options.topic.loads().iter().filter(|load| options.wants.load(load.name)) {
        let fresh = compare(load, &options, &bench, &sides);
        // Row by row, for who cannot wait for the whole.
        print!("{}", table::plain(&fresh));
        lines.extend(fresh);
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    println!("\n{}\n{minutes:.1} minutes\n", table::markdown(&setting, &lines));
    if options.wants.write {
        let place = match options.topic {
            Topic::Core => &page::CORE,
            Topic::JetStream => &page::JETSTREAM,
            Topic::Routes => &page::ROUTES,
            Topic::Web => &page::WEB,
        };
        page::write(&workspace.root, place, &setting, &lines)?;
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

fn compare(load: &Load, options: &Options, bench: &Bench, sides: &Sides) -> Vec<Line> {
    let servers = sides.under(load);
    if let Some(flag) = servers.iter().find_map(Server::missing_flag) {
        return verdict::skipped(load, &format!("not available: the server has no {flag}"));
    }
    let all: Vec<&str> = options.topic.all().iter().chain(load.all).copied().collect();
    let work = Work { name: load.name, args: load.args, all: &all };
    let (mut disk, rounds) = (Disk::default(), options.wants.rounds.min(load.rounds_max));
    disk.look(bench, load.ceiling);
    let rounds = sides.rounds(load, &servers, |chosen| bench.rounds(&work, chosen, rounds));
    disk.look(bench, load.ceiling);
    verdict::lines(load, &servers, &rounds, disk.highest())
}
