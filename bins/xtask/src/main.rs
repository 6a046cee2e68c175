//! `cargo xtask`: the repository's own chores, and the whole of what CI runs.
//!
//! Nothing here needs more than a stable toolchain, apart from `fuzz`, which says what it lacks.
#![forbid(unsafe_code)]

mod apt;
mod baseline;
mod ci;
mod circles;
mod compare;
mod console;
mod crate_table;
mod deny;
mod differ;
mod features;
mod fuzz;
mod layers;
mod night;
mod packages;
mod pages;
mod reference;
mod refused;
mod run;
mod self_contained;
mod splice;
mod suites;
mod top_level;
mod turns;
mod unpacked;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <command>

  ci                       everything that is checked, stopping at the first failure
  layers                   dependencies point down, pure crates are pure, what is published says what it is and
                           uses nothing that is not, the top level is tidy
  circles [CRATE]          files that import each other in a circle, or are too long; of one crate, how
  crates [--check]         rewrite (or check) the crate table in docs/ARCHITECTURE.md
  pages                    the files that docs/ and README.md name are there, and the tests that docs/features-*.md name
  refused [--check]        rewrite (or check) the lists of refused flags and keys in docs/differences.md
  reference [--check]      rewrite (or check) the man page and the shells' completions in docs/
  fuzz [seconds]           run every fuzz target for that long each (default 60)
  compare [options]        the comparison with nats-server, and whether the bars are met
    --peer PATH, --peer2 PATH  nats-servers to stand in it (else the installed one, or Debian's)
    --server PATH              our server (else the one built now)
    --jetstream                streams instead, also beside a nats-server that syncs before it acknowledges
    --routes                   two servers of each kind with a route between them
    --web                      the HTTP API instead, beside a bare answer of hyper
    --only LOAD,...            some of the loads
    --rounds N                 how often each server has its turn (default 5)
    --scale X                  so many times as much in each load (default 1)
    --quick                    3 rounds of less
    --write                    rewrite the table in docs/performance.md and its chart
  baseline [options]       what each operation costs beside an earlier commit: at most 1.05 times as much?
    --commit C                 that commit (else the one kept in bins/xtask/src/baseline.rs)
    --server PATH              our server (else the one built now)
    --only LOAD[:N],...        some of the loads of `buster-bench compare`
    --rounds N                 how often each server has its turn (default 7)
    --scale X                  so many times as much in each load (default 1)
    --write                    rewrite the table in docs/performance.md
  console [--check]        make the console's page of its sources (or check that what is kept is that); needs Node.js
  console-test [--shots DIR]  drive the page in headless Chromium, and put pictures of it into a folder
  deny [options]           dependencies: licences, sources, doubles, advisories, against .cargo/deny.toml
    --advisories PATH          a clone of RustSec's database (else it is fetched, if it can be)
  differ SECONDS [options] the same seeded conversations to ours and nats-server; what differs, made small
    --peer PATH                the nats-server (else the installed one, or Debian's)
    --server PATH              our server (else the one built now)
    --seed N                   decides all cases (default 1)
    --first N, --cases N       some of the cases
    --only GRAMMAR,...         some of the grammars
    --places KIND,...          some of what is compared: start, wire, answer, check, log
    --shrink N                 runs that making one case smaller may cost
  night [options]          all that takes long, from where it was stopped, into docs/nightly.md
    --only CHECK,...           some of fuzz, sim, log, differ, soak, compare
    --seconds N                how long each of them (default: an hour; compare takes what it takes)
    --peer PATH                the nats-server that differ and compare are held against
    --restart                  from the beginning
  static [options]         the server as one file that needs no other: built, weighed, run on a bare root
    --target TRIPLE            what for, e.g. x86_64-unknown-linux-musl (else this machine, on glibc)
    --write                    rewrite the weight in docs/performance.md
  suites [options]         the official clients' own test suites, with our server as nats-server
    --async-nats DIR           where its crate is, for its tests, built
    --executables DIR          where those were built (else ../target/debug/deps beside it)
    --nats-py DIR              where its repository is
    --python PATH              an interpreter with pytest, pytest-timeout and what the suite imports
    --server PATH              the server (else ours, built now)
    --flags WORDS              what it gets on top of a suite's own arguments
    --peer                     the server is nats-server: only what fails everywhere may fail
    --only FILE,...            some of the files
    --write                    rewrite the lists in docs/conformance.md
  turns [options]          how long a shard's turns get under events with a million rows
    --server PATH              our server (else the one built now)
    --only EVENT,...           some of the events
    --rows N, --connections N  with so many
    --write                    rewrite the table in docs/performance.md
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
        ["circles"] => circles::run(&Workspace::load()?),
        ["circles", name] => circles::explain(&Workspace::load()?, name),
        ["crates"] => crate_table::write(&Workspace::load()?),
        ["crates", "--check"] => crate_table::check(&Workspace::load()?),
        ["pages"] => {
            let workspace = Workspace::load()?;
            pages::run(&workspace)?;
            features::run(&workspace)
        }
        ["refused"] => refused::write(&Workspace::load()?),
        ["refused", "--check"] => refused::check(&Workspace::load()?),
        ["reference"] => reference::write(&Workspace::load()?),
        ["reference", "--check"] => reference::check(&Workspace::load()?),
        ["fuzz"] => fuzz::run(&Workspace::load()?, fuzz::SECONDS_DEFAULT),
        ["fuzz", seconds] => fuzz::run(&Workspace::load()?, fuzz::seconds(seconds)?),
        ["baseline", rest @ ..] => baseline::run(&Workspace::load()?, rest),
        ["compare", rest @ ..] => compare::run(&Workspace::load()?, rest),
        ["console"] => console::write(&Workspace::load()?),
        ["console", "--check"] => console::check(&Workspace::load()?),
        ["console-test"] => console::test(&Workspace::load()?, None),
        ["console-test", "--shots", folder] => console::test(&Workspace::load()?, Some(folder)),
        ["deny", rest @ ..] => deny::run(&Workspace::load()?, rest),
        ["differ", rest @ ..] => differ::run(&Workspace::load()?, rest),
        ["night", rest @ ..] => night::run(&Workspace::load()?, rest),
        ["static", rest @ ..] => self_contained::run(&Workspace::load()?, rest),
        ["suites", rest @ ..] => suites::run(&Workspace::load()?, rest),
        ["turns", rest @ ..] => turns::run(&Workspace::load()?, rest),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => bail!("unknown command `{}`\n\n{USAGE}", words.join(" ")),
    }
}
