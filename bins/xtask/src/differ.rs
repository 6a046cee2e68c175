//! `cargo xtask differ`: the servers, and the program that plays to them (crates/differ).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::compare::servers;
use crate::run;
use crate::workspace::Workspace;

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
