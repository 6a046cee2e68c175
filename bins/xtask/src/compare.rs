//! The comparison with nats-server: every load of the bars' table, all servers in turns, and a
//! verdict on each bar. There are two tables, of core NATS and of JetStream.

mod bars;
mod ceiling;
mod chart;
mod jetstream;
pub(crate) mod measure;
mod options;
mod page;
pub(crate) mod servers;
mod sides;
mod table;
mod verdict;
pub(crate) mod wants;

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::run;
use crate::workspace::Workspace;

use self::bars::{LOADS, Load};
use self::ceiling::Disk;
use self::measure::{Bench, Work};
use self::options::Options;
use self::servers::Server;
use self::sides::Sides;
use self::table::Setting;
pub(crate) use self::table::{commit, digits, shown_command};
use self::verdict::Line;
pub(crate) use self::verdict::Spread;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Table {
    Core,
    JetStream,
}

impl Table {
    pub(crate) fn loads(self) -> &'static [Load] {
        match self {
            Self::Core => &LOADS,
            Self::JetStream => &jetstream::LOADS,
        }
    }

    /// Arguments that every server gets under every load.
    fn all(self) -> &'static [&'static str] {
        match self {
            Self::Core => &[],
            Self::JetStream => jetstream::STORED,
        }
    }

    fn page(self) -> &'static page::Place {
        match self {
            Self::Core => &page::CORE,
            Self::JetStream => &page::JETSTREAM,
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let options = options::parse(args)?;
    build(workspace)?;
    let target = workspace.root.join("target");
    let release = target.join("release");
    let bench = Bench::new(release.join("buster-bench"), options.wants.scale);
    let ours = Server::ours(options.wants.server.clone().unwrap_or(release.join("buster-server")))?;
    let sides = Sides::new(ours, servers::peers(&options.peers)?, options.table, &target)?;
    let setting = Setting::gather(workspace, &bench, &options, sides.all(), options.table.all())?;

    let start = Instant::now();
    let mut lines = Vec::new();
    for load in options.table.loads().iter().filter(|load| options.wants.load(load.name)) {
        let fresh = compare(load, &options, &bench, &sides);
        // Row by row, for who cannot wait for the whole.
        print!("{}", table::plain(&fresh));
        lines.extend(fresh);
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    println!("\n{}\n{minutes:.1} minutes\n", table::markdown(&setting, &lines));
    if options.wants.write {
        page::write(&workspace.root, options.table.page(), &setting, &lines)?;
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
    let all: Vec<&str> = options.table.all().iter().chain(load.all).copied().collect();
    let work = Work { name: load.name, args: load.args, all: &all };
    let (mut disk, rounds) = (Disk::default(), options.wants.rounds.min(load.rounds_max));
    disk.look(bench, load.ceiling);
    let rounds = sides.rounds(load, &servers, |chosen| bench.rounds(&work, chosen, rounds));
    disk.look(bench, load.ceiling);
    verdict::lines(load, &servers, &rounds, disk.highest())
}
