//! The command behind `cargo xtask differ`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use differ::campaign::{self, Campaign, Outcome};
use differ::case_file;
use differ::grammar::GRAMMARS;
use differ::recording::Kind;
use differ::shrink;
use test_kit::ServerBinary;

const USAGE: &str = "\
usage: differ --ours PATH --peer PATH [options]
       differ --ours PATH --replay FILE...
       differ --peer PATH --pin FILE...

  --seconds N   how long (default 60)
  --seed N      decides all cases (default 1)
  --first N     the number of the first case (default 0)
  --cases N     how many cases, if there is time
  --only NAME,...  some of the grammars
  --places KIND,...  what is compared: start, wire, answer, check, log (default all)
  --shrink N    runs that making one case smaller may cost (default 250)
  --finds DIR   where the cases found go, as files (default target/differ)
  --replay      play files to our server and compare with the answers in them
  --pin         play files to nats-server and write its answers into them, where they have none
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("differ: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: impl Iterator<Item = String>) -> Result<()> {
    let options = Options::parse(args)?;
    if !options.pins.is_empty() {
        let peer = ServerBinary { path: options.peer.context(USAGE)?, is_peer: true };
        return options.pins.iter().try_for_each(|file| pin(file, &peer));
    }
    let ours = one_of_ours(options.ours.context(USAGE)?)?;
    if !options.replays.is_empty() {
        return replay(&options.replays, &ours);
    }
    let peer = ServerBinary { path: options.peer.context(USAGE)?, is_peer: true };
    let campaign = Campaign {
        peer_version: version(&peer)?,
        ours,
        peer,
        seed: options.seed,
        first: options.first,
        cases: options.cases,
        time: Duration::from_secs(options.seconds),
        only: options.only,
        places: options.places,
        shrink_runs: options.shrink_runs,
        finds: options.finds,
    };
    report(&campaign, &campaign.run()?)
}

fn report(campaign: &Campaign, outcome: &Outcome) -> Result<()> {
    let played: u64 = outcome.played.values().sum();
    let by_grammar: Vec<String> =
        outcome.played.iter().map(|(name, count)| format!("{name} {count}")).collect();
    println!(
        "seed {}, nats-server {}: {played} cases ({}), {} found, {} like one of those, {} differed once only",
        campaign.seed,
        campaign.peer_version,
        by_grammar.join(", "),
        outcome.found.len(),
        outcome.alike,
        outcome.unsteady,
    );
    ensure!(outcome.found.is_empty(), "{} differences", outcome.found.len());
    ensure!(played > 0, "no case was played");
    Ok(())
}

fn replay(files: &[PathBuf], ours: &ServerBinary) -> Result<()> {
    let mut differing = 0;
    for file in files {
        let found = campaign::replay(&case_file::read(file)?, ours)?;
        println!("{}: {}", file.display(), if found.is_empty() { "alike" } else { "differs" });
        found.iter().for_each(|difference| print!("{difference}"));
        differing += usize::from(!found.is_empty());
    }
    ensure!(differing == 0, "{differing} files differ");
    Ok(())
}

fn pin(file: &Path, peer: &ServerBinary) -> Result<()> {
    let case = campaign::filled_in(case_file::read(file)?, peer, &version(peer)?)?;
    Ok(std::fs::write(file, case_file::print(&case))?)
}

/// What stands in for ours may be a nats-server too: then two of its versions are compared.
fn one_of_ours(path: PathBuf) -> Result<ServerBinary> {
    let output = Command::new(&path).arg("-h").output().with_context(|| format!("{}", path.display()))?;
    let help = [output.stdout, output.stderr].concat();
    let is_peer = !String::from_utf8_lossy(&help).contains("--shards");
    Ok(ServerBinary { path, is_peer })
}

/// `nats-server: v2.9.10` is what it prints.
fn version(peer: &ServerBinary) -> Result<String> {
    let output = Command::new(&peer.path).arg("-v").output();
    let output = output.with_context(|| format!("{}", peer.path.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let (_, version) = text.split_once(": v").with_context(|| format!("`{text}` is no version"))?;
    Ok(version.to_owned())
}

fn kind(name: &str) -> Result<Kind> {
    Ok(match name {
        "start" => Kind::Start,
        "wire" => Kind::Wire,
        "answer" => Kind::Answer,
        "check" => Kind::Check,
        "log" => Kind::Log,
        _ => bail!("there is no place `{name}`"),
    })
}

struct Options {
    ours: Option<PathBuf>,
    peer: Option<PathBuf>,
    seconds: u64,
    seed: u64,
    first: u64,
    cases: Option<u64>,
    only: Vec<String>,
    places: Vec<Kind>,
    shrink_runs: usize,
    finds: PathBuf,
    replays: Vec<PathBuf>,
    pins: Vec<PathBuf>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            ours: None,
            peer: None,
            seconds: 60,
            seed: 1,
            first: 0,
            cases: None,
            only: Vec::new(),
            places: Vec::new(),
            shrink_runs: shrink::RUNS_MAX,
            finds: "target/differ".into(),
            replays: Vec::new(),
            pins: Vec::new(),
        };
        while let Some(word) = args.next() {
            if word == "--replay" {
                options.replays = args.by_ref().map(PathBuf::from).collect();
                break;
            }
            if word == "--pin" {
                options.pins = args.by_ref().map(PathBuf::from).collect();
                break;
            }
            let value = args.next().with_context(|| format!("{word} needs a value"))?;
            let number = || value.parse::<u64>().with_context(|| format!("{word} takes a number"));
            match word.as_str() {
                // -t is asked in another directory.
                "--ours" => options.ours = Some(std::path::absolute(value)?),
                "--peer" => options.peer = Some(std::path::absolute(value)?),
                "--seconds" => options.seconds = number()?,
                "--seed" => options.seed = number()?,
                "--first" => options.first = number()?,
                "--cases" => options.cases = Some(number()?),
                "--only" => options.only = value.split(',').map(str::to_owned).collect(),
                "--places" => options.places = value.split(',').map(kind).collect::<Result<_>>()?,
                "--shrink" => options.shrink_runs = number()? as usize,
                "--finds" => options.finds = value.into(),
                _ => bail!("unknown option `{word}`\n\n{USAGE}"),
            }
        }
        let strange = options.only.iter().find(|name| GRAMMARS.iter().all(|grammar| grammar.name != **name));
        if let Some(name) = strange {
            let names: Vec<&str> = GRAMMARS.iter().map(|grammar| grammar.name).collect();
            bail!("there is no grammar `{name}`; there are {}", names.join(", "));
        }
        Ok(options)
    }
}
