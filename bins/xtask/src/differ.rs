//! `cargo xtask differ`: the servers, and the program that plays to them (crates/differ).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::compare::servers;
use crate::run;
use crate::workspace::Workspace;

/// What CI plays, always the same. Each seed takes some 20 seconds.
const SAMPLE_SEEDS: [u64; 3] = [2, 3, 5];

const SAMPLE_CASES: u64 = 30;

/// The cases are to be played however slow the machine is.
const SAMPLE_SECONDS: u64 = 3600;

#[derive(Debug, Default, PartialEq)]
struct Options {
    seconds: u64,
    peer: Option<PathBuf>,
    server: Option<PathBuf>,
    /// What the program takes as it is.
    rest: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let options = parse(args)?;
    let ours = match &options.server {
        Some(path) => path.clone(),
        None => built_server(workspace)?,
    };
    let mut command = program(workspace, &ours, options.peer.as_deref())?;
    command.args(["--seconds", &options.seconds.to_string()]).args(&options.rest);
    run::run(&mut command)
}

/// Plays the sample to a server of ours and the installed nats-server, or Debian's, if it is one whose differences
/// are known.
pub(crate) fn sample(workspace: &Workspace, ours: &Path) -> Result<()> {
    let peer = servers::peers(&[])?.swap_remove(0);
    if !peer.has_known_differences() {
        println!("skipped: nobody wrote down in what {} differs from what we are compatible with", peer.name);
        return Ok(());
    }
    for seed in SAMPLE_SEEDS {
        let mut command = program(workspace, ours, Some(&peer.path))?;
        let numbers = [("--seconds", SAMPLE_SECONDS), ("--cases", SAMPLE_CASES), ("--seed", seed)];
        for (flag, number) in numbers {
            command.args([flag, &number.to_string()]);
        }
        run::run(&mut command)?;
    }
    Ok(())
}

/// The program, told of both servers.
pub(crate) fn program(workspace: &Workspace, ours: &Path, peer: Option<&Path>) -> Result<Command> {
    let peers: Vec<PathBuf> = peer.map(Path::to_owned).into_iter().collect();
    let peer = servers::peers(&peers)?.swap_remove(0).path;
    let mut build = Command::new("cargo");
    run::run(build.args(["build", "--quiet", "-p", "differ"]).current_dir(&workspace.root))?;
    let mut command = Command::new(workspace.root.join("target/debug/differ"));
    command.arg("--ours").arg(ours).arg("--peer").arg(peer).current_dir(&workspace.root);
    Ok(command)
}

pub(crate) fn built_server(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "-p", "buster-server"]);
    run::run(build.current_dir(&workspace.root))?;
    Ok(workspace.root.join("target/release/buster-server"))
}

fn parse(args: &[&str]) -> Result<Options> {
    let [seconds, words @ ..] = args else {
        bail!("for how many seconds?");
    };
    let seconds = seconds.parse().with_context(|| format!("`{seconds}` is no number of seconds"))?;
    let mut options = Options { seconds, ..Options::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match *word {
            "--peer" => options.peer = Some(absolute(value()?)?),
            "--server" => options.server = Some(absolute(value()?)?),
            "--seed" | "--first" | "--cases" | "--only" | "--places" | "--shrink" => {
                options.rest.extend([(*word).to_owned(), (*value()?).to_owned()]);
            }
            _ => bail!("unknown option `{word}`"),
        }
    }
    Ok(options)
}

/// The program runs at the workspace's root, whatever the directory here is.
fn absolute(path: &str) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("`{path}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_come_first_and_the_rest_is_handed_on() {
        let options = parse(&["60", "--peer", "/x", "--seed", "7", "--only", "limits"]).unwrap();
        assert_eq!((options.seconds, options.peer), (60, Some("/x".into())));
        assert_eq!(options.rest, ["--seed", "7", "--only", "limits"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [&[][..], &["--seed", "7"], &["60", "--seed"], &["60", "fast"]] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
