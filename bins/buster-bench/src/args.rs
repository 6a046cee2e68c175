//! The command line: one subcommand per load, and `compare`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::disk::{ClosedLoop, Disk, RECORD_BYTES_MAX};
use crate::http::BARE;
use crate::jetstream::WINDOW_MAX;
use crate::kinds::{COMPARED, KINDS};
use crate::listening::Listening;
use crate::load::Load;
use crate::settings::Settings;
use crate::shape::Overrides;
use crate::turns::{EVENTS, Turns};
use crate::{names, place};

/// Rounds beyond this tell nothing a longer run would not.
const ROUNDS_MAX: u32 = 100;

const SCALE_MAX: f64 = 1000.0;

/// More subscriptions than that take longer to make than anyone waits.
const TURNS_ROWS_MAX: u32 = 10_000_000;

/// Requests per second; far more than one thread can send.
const RATE_MAX: f64 = 100e6;

/// The columns of a comparison, in order; the first is the baseline.
const COLUMNS: [&str; 4] = ["a", "b", "b2", "b3"];

#[derive(Debug)]
pub(crate) enum Job {
    Single(SingleRun),
    Compare(Comparison),
    Turns(Turns),
    Disk(Disk),
    /// Say what machine this is.
    Machine,
    /// Name the loads of a comparison.
    Loads {
        jetstream: bool,
    },
    /// Answer HTTP, for another of our kind.
    BareHttp,
}

#[derive(Debug)]
pub(crate) struct SingleRun {
    pub(crate) load: Load,
    pub(crate) target: Target,
    pub(crate) settings: Settings,
    pub(crate) json: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Target {
    /// A server that runs already; without `pid` its processor time and memory stay unknown.
    Attach { addr: SocketAddr, pid: Option<u32> },
    /// A command with `{port}` where the port goes.
    Start { command: String },
}

#[derive(Debug)]
pub(crate) struct Comparison {
    /// Commands with `{port}`; the first is the baseline.
    pub(crate) commands: Vec<String>,
    pub(crate) loads: Vec<Load>,
    pub(crate) rounds: u32,
    pub(crate) settings: Settings,
    pub(crate) json: bool,
}

/// Reads the command line. The error prints itself, help and version included.
pub(crate) fn parse<T>(args: impl IntoIterator<Item = T>) -> Result<Job, clap::Error>
where
    T: Into<OsString> + Clone,
{
    let matches = command().try_get_matches_from(args)?;
    match matches.subcommand() {
        Some(("machine", _)) => Ok(Job::Machine),
        Some(("loads", matches)) => Ok(Job::Loads { jetstream: matches.get_flag("jetstream") }),
        Some(("compare", matches)) => comparison(matches).map(Job::Compare),
        Some(("turns", matches)) => Ok(Job::Turns(turns(matches))),
        Some(("disk", matches)) => disk(matches).map(Job::Disk),
        Some((BARE, _)) => Ok(Job::BareHttp),
        Some((name, matches)) => single(name, matches).map(Job::Single),
        None => unreachable!("clap demands a subcommand"),
    }
}

fn command() -> Command {
    let loads = KINDS.iter().map(|kind| {
        let mut command = Command::new(kind.name).about(kind.about).visible_aliases(names::others(kind.name));
        if let Some(size) = kind.size {
            command = command.arg(Arg::new("N").value_parser(move |text: &str| size.read(text)));
        }
        with_common_args(with_target_args(command)).args(option_args(kind.takes))
    });
    Command::new("buster-bench")
        .about("A load generator for any NATS server")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .subcommands(loads)
        .subcommand(compare_command())
        .subcommand(turns_command())
        .subcommand(disk_command())
        .subcommand(Command::new(BARE).hide(true))
        .subcommand(Command::new("machine").about("Say what machine this is, as reports name it"))
        .subcommand(
            Command::new("loads").about("Name the loads that compare runs unless told otherwise").arg(
                Arg::new("jetstream")
                    .long("jetstream")
                    .help("Those instead that need a server with JetStream")
                    .action(ArgAction::SetTrue),
            ),
        )
}

fn with_target_args(command: Command) -> Command {
    command
        .arg(
            Arg::new("addr")
                .long("addr")
                .value_name("HOST:PORT")
                .help("A server that runs already")
                .value_parser(place::find)
                .default_value("127.0.0.1:4222"),
        )
        .arg(
            Arg::new("pid")
                .long("pid")
                .help("Its process, to read processor time and memory from")
                .value_parser(value_parser!(u32)),
        )
        .arg(
            Arg::new("server")
                .long("server")
                .value_name("COMMAND")
                .help(
                    "Start this server for the run; {port} stands for a free port, {monitor} for another, \
                     {store} for a fresh directory that is removed afterwards, {websockets} for a file that has it \
                     listen for WebSockets, which are what connects then, {shared} for the same at a port for all, {http} \
                     for one that has it listen for HTTP, {routed} for what makes it one of two servers with a route \
                     between them, the other for those who subscribe",
                )
                .conflicts_with("pid"),
        )
}

/// What can be said of some loads: those in `names`.
fn option_args(names: &[&str]) -> Vec<Arg> {
    let number = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("NUMBER").help(help).value_parser(value_parser!(u64))
    };
    let real = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("NUMBER").help(help).value_parser(value_parser!(f64))
    };
    let all = [
        number("publishers", "How many publish"),
        number("subjects", "How many subjects they publish on"),
        number("subscribers", "How many listen to each subject"),
        number("payload", "Bytes of a payload"),
        number("messages", "How many are published in all, or SUBs taken back, instead of the usual"),
        number("streams", "How many streams the publishers share, in turns"),
        number("keys", "How many keys, or subjects, there are"),
        number("batch", "Publish so many messages as one, in atomic batches"),
        Arg::new("memory")
            .long("memory")
            .help("Streams in memory instead of files")
            .action(ArgAction::SetTrue),
        real("seconds", "Go on for this long instead"),
        real("rate", "So many a second: at most, for streams; for round trips, whatever becomes of them"),
    ];
    let mut wanted: Vec<Arg> = all.into_iter().filter(|arg| names.contains(&arg.get_id().as_str())).collect();
    if names.contains(&"messages") && names.contains(&"seconds") {
        wanted = wanted.into_iter().map(exclude_each_other).collect();
    }
    wanted
}

fn exclude_each_other(arg: Arg) -> Arg {
    if arg.get_id() == "seconds" { arg.conflicts_with("messages") } else { arg }
}

fn with_common_args(command: Command) -> Command {
    command
        .arg(
            Arg::new("scale")
                .long("scale")
                .help("Multiplies how much is published, or how long")
                .value_parser(value_parser!(f64))
                .default_value("1"),
        )
        .arg(
            Arg::new("ws")
                .long("ws")
                .value_name("PORT")
                .help("Come over WebSockets, to this port of the server")
                .value_parser(value_parser!(u16).range(1..)),
        )
        .arg(
            Arg::new("compress")
                .long("compress")
                .help("Have WebSockets compress their messages")
                .action(ArgAction::SetTrue),
        )
        .arg(
            Arg::new("verify")
                .long("verify")
                .help("Check every message: content, order, exactly one delivery")
                .action(ArgAction::SetTrue),
        )
        .arg(json_arg())
}

fn json_arg() -> Arg {
    Arg::new("json").long("json").help("One JSON object per line instead of text").action(ArgAction::SetTrue)
}

fn compare_command() -> Command {
    let command = Command::new("compare")
        .about("Run several servers in turns and print a Markdown table")
        .arg(
            Arg::new("loads")
                .long("loads")
                .value_name("LOAD[:N],...")
                .value_delimiter(',')
                .value_parser(|text: &str| text.parse::<Load>())
                .default_values(COMPARED),
        )
        .arg(
            Arg::new("rounds")
                .long("rounds")
                .value_parser(value_parser!(u32).range(1..=i64::from(ROUNDS_MAX)))
                .default_value("3"),
        );
    let columns = COLUMNS.map(|name| {
        Arg::new(name)
            .long(name)
            .value_name("COMMAND")
            .help(
                "A server to start; {port} stands for a free port, {monitor} for another, {store} for a fresh \
                 directory, {websockets} for a file that has it listen for WebSockets, which are what connects then, \
                 {shared} for the same at a port for all, {http} for one that has it listen for HTTP, {routed} for what makes it one of two servers with a route between them",
            )
            .required(name == COLUMNS[0])
    });
    with_common_args(command.args(columns))
}

fn turns_command() -> Command {
    let number = |name: &'static str, help: &'static str, usual: &'static str| {
        let range = value_parser!(u32).range(1..=i64::from(TURNS_ROWS_MAX));
        Arg::new(name).long(name).value_name("NUMBER").help(help).value_parser(range).default_value(usual)
    };
    Command::new("turns")
        .about("How long buster-server's turns get under events with very many rows, as a Markdown table")
        .arg(
            Arg::new("server")
                .long("server")
                .value_name("COMMAND")
                .help("Start this server for each event; {port} stands for a free port")
                .required(true),
        )
        .arg(number("rows", "Subscriptions on one connection", "1000000"))
        .arg(number("connections", "Connections, or users", "10000"))
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("EVENT,...")
                .help("Some of the events")
                .value_delimiter(',')
                .value_parser(EVENTS.map(|event| event.name)),
        )
}

fn disk_command() -> Command {
    Command::new("disk")
        .about(
            "What any store can reach on a disk: batches of 4 KiB to 1 MiB, or messages in a --window, written and \
             synced, without a server",
        )
        .arg(
            Arg::new("dir")
                .long("dir")
                .help("Where a file of 64 MiB is made for it and removed afterwards")
                .value_parser(value_parser!(PathBuf))
                .default_value("."),
        )
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_name("NUMBER")
                .help("So long for each row")
                .value_parser(value_parser!(f64))
                .default_value("1"),
        )
        .arg(
            Arg::new("window")
                .long("window")
                .value_name("NUMBER")
                .help("One row instead: so many messages without an answer, sent again as soon as they are synced")
                .value_parser(value_parser!(u32).range(1..=i64::from(WINDOW_MAX)))
                .requires("record"),
        )
        .arg(
            Arg::new("record")
                .long("record")
                .value_name("BYTES")
                .help("What each of them takes in the file")
                .value_parser(value_parser!(u32).range(1..=i64::from(RECORD_BYTES_MAX)))
                .requires("window"),
        )
        .arg(json_arg())
}

fn disk(matches: &ArgMatches) -> Result<Disk, clap::Error> {
    let time = seconds(matches)?.unwrap_or_default();
    let number = |name| matches.get_one::<u32>(name).map(|number| *number as usize);
    let publishing = number("window").zip(number("record"));
    let publishing = publishing.map(|(window, record_bytes)| ClosedLoop { window, record_bytes });
    Ok(Disk { dir: value(matches, "dir"), time, publishing, json: matches.get_flag("json") })
}

fn turns(matches: &ArgMatches) -> Turns {
    Turns {
        command: value(matches, "server"),
        rows: value(matches, "rows"),
        connections: value(matches, "connections"),
        only: matches.get_many("only").into_iter().flatten().cloned().collect(),
    }
}

fn single(name: &str, matches: &ArgMatches) -> Result<SingleRun, clap::Error> {
    let kind = names::find(name).expect("every other subcommand is a load");
    let size = kind.size.and_then(|_| matches.get_one::<u32>("N").copied());
    let target = match matches.get_one::<String>("server") {
        Some(command) => Target::Start { command: command.clone() },
        None => Target::Attach { addr: value(matches, "addr"), pid: matches.get_one("pid").copied() },
    };
    Ok(SingleRun {
        load: Load::new(kind, size).map_err(invalid)?,
        target,
        settings: Settings { rate: rate(matches)?, ..settings(matches, overrides(matches)?)? },
        json: matches.get_flag("json"),
    })
}

fn comparison(matches: &ArgMatches) -> Result<Comparison, clap::Error> {
    let commands = COLUMNS.iter().filter_map(|name| matches.get_one(name));
    Ok(Comparison {
        commands: commands.cloned().collect(),
        loads: matches.get_many("loads").into_iter().flatten().cloned().collect(),
        rounds: value(matches, "rounds"),
        settings: settings(matches, Overrides::default())?,
        json: matches.get_flag("json"),
    })
}

fn settings(matches: &ArgMatches, overrides: Overrides) -> Result<Settings, clap::Error> {
    let scale: f64 = value(matches, "scale");
    if !(scale > 0.0 && scale <= SCALE_MAX) {
        return Err(invalid(format!("--scale must lie above 0 and up to {SCALE_MAX}")));
    }
    let time = overrides.time.map(|time| time.mul_f64(scale));
    let overrides = Overrides { time, ..overrides };
    let websockets = matches.get_one("ws").copied();
    let compresses = matches.get_flag("compress");
    let is_said = |name: &&str| {
        let command = matches.try_get_one::<String>(name).ok().flatten();
        command.and_then(|command| Listening::of(command)).is_some_and(Listening::takes_websockets)
    };
    if compresses && websockets.is_none() && !COLUMNS.iter().chain(&["server"]).any(is_said) {
        return Err(invalid("--compress is for WebSockets: --ws, or {websockets} in a command"));
    }
    Ok(Settings { scale, verify: matches.get_flag("verify"), rate: None, overrides, websockets, compresses })
}

fn overrides(matches: &ArgMatches) -> Result<Overrides, clap::Error> {
    let number = |name| option::<u64>(matches, name);
    let size = |name| number(name).map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    Ok(Overrides {
        publishers: size("publishers"),
        subjects: size("subjects"),
        subscribers: size("subscribers"),
        payload_bytes: size("payload"),
        messages: number("messages"),
        time: seconds(matches)?,
        streams: size("streams"),
        keys: size("keys"),
        batch: size("batch"),
        in_memory: option::<bool>(matches, "memory").unwrap_or_default(),
    })
}

fn seconds(matches: &ArgMatches) -> Result<Option<Duration>, clap::Error> {
    let time = option::<f64>(matches, "seconds").map(Duration::try_from_secs_f64).transpose();
    time.map_err(|error| invalid(format!("--seconds: {error}")))
}

/// Requests per second.
fn rate(matches: &ArgMatches) -> Result<Option<f64>, clap::Error> {
    match option::<f64>(matches, "rate") {
        Some(rate) if !(rate > 0.0 && rate <= RATE_MAX) => {
            Err(invalid(format!("--rate must lie above 0 and up to {RATE_MAX}")))
        }
        rate => Ok(rate),
    }
}

/// An argument that not every load takes.
fn option<T: Copy + Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Option<T> {
    matches.try_get_one(name).ok().flatten().copied()
}

fn invalid(message: impl std::fmt::Display) -> clap::Error {
    command().error(ErrorKind::ValueValidation, message)
}

/// An argument that has a default.
fn value<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> T {
    let value = matches.get_one::<T>(name);
    value.expect("the argument has a default").clone()
}

#[cfg(test)]
mod tests;
