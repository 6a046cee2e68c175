//! `buster-bench`: a load generator for any NATS server, and a fair comparison of several.
//!
//! One thread, one epoll, frames built before the clock starts, and subscribers that read and
//! discard, so that the generator costs little beside the server it shares the machine with. The
//! figure to steer by is the server process's own processor time per operation: rates swing with
//! whatever else the machine does.
#![forbid(unsafe_code)]

mod args;
mod block;
mod churn;
mod client;
mod columns;
mod compare;
mod disk;
mod epoll;
mod fairness;
mod far;
mod flow;
mod frames;
mod http;
mod idle;
mod inbox;
mod jetstream;
mod kinds;
mod latency;
mod ledger;
mod length;
mod listening;
mod load;
mod machine;
mod meter;
mod monitor;
mod names;
mod open_loop;
mod outbox;
mod outgoing;
mod output;
mod pace;
mod pair;
mod place;
mod plan;
mod process;
mod progress;
mod publisher;
mod random;
mod report;
mod rtt;
mod scan;
mod server;
mod settings;
mod shape;
mod soak;
mod stamp;
mod store;
mod stream;
mod streaming;
mod stuck;
mod subscriber;
mod subscriptions;
mod table;
mod text;
mod tls;
mod turns;
mod units;
mod web;

use std::process::ExitCode;

use anyhow::Result;

use crate::args::{Job, SingleRun, Target};
use crate::kinds::{COMPARED, of_jetstream};
use crate::output::Unread;
use crate::server::Server;

fn main() -> ExitCode {
    let job = match args::parse(std::env::args_os()) {
        Ok(job) => job,
        Err(error) => error.exit(),
    };
    let outcome = match job {
        Job::Single(run) => run_single(&run),
        Job::Machine => output::print(format_args!("{}\n", machine::describe())),
        Job::Loads { jetstream } => output::print(loads(jetstream)),
        Job::Compare(comparison) => compare::run(&comparison),
        Job::Turns(turns) => turns::run(&turns),
        Job::Disk(disk) => disk::run(&disk),
        Job::BareHttp => http::serve_bare(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Unread>() => ExitCode::SUCCESS,
        Err(error) => {
            output::note(format_args!("buster-bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Names, a line each.
fn loads(jetstream: bool) -> String {
    let names: Vec<&str> =
        if jetstream { of_jetstream().map(|kind| kind.name).collect() } else { COMPARED.to_vec() };
    names.join("\n") + "\n"
}

fn run_single(run: &SingleRun) -> Result<()> {
    process::raise_open_files_limit();
    let server = match &run.target {
        Target::Attach { addr, pid } => Server::attach(*addr, *pid)?,
        Target::Start { command } => Server::start(command)?,
    };
    let mut server = server.reached_by(&run.settings);
    let reports = run.load.run(&mut server, &run.settings)?;
    if run.json {
        reports.iter().try_for_each(|report| output::print(format_args!("{}\n", report.json())))
    } else {
        output::print(columns::table(&reports))
    }
}
