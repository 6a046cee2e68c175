//! The comparison table: builds what is ours in the release profile and lets `buster-bench` run
//! the peers and our server in turns.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::run;
use crate::workspace::Workspace;

/// What `buster-bench compare` takes: a baseline and up to three others.
const COMMAND_FLAGS: [&str; 4] = ["--a", "--b", "--b2", "--b3"];

#[derive(Debug, Default, PartialEq)]
struct Options {
    peers: Vec<String>,
    servers: Vec<String>,
    /// Handed to `buster-bench compare` as they are.
    rest: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let mut options = parse(args)?;
    let release = workspace.root.join("target/release");
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "-p", "buster-bench"]);
    if options.servers.is_empty() {
        build.args(["-p", "buster-server"]);
        options.servers.push(path_text(&release.join("buster-server"))?);
    }
    if options.peers.is_empty() {
        options.peers.push("nats-server".to_owned());
    }
    run::run(build.current_dir(&workspace.root))?;
    let mut compare = Command::new(release.join("buster-bench"));
    run::run(compare.args(compare_args(&options)?))
}

fn path_text(path: &Path) -> Result<String> {
    let text = path.to_str().context("the workspace's path is not UTF-8")?;
    Ok(text.to_owned())
}

fn parse(args: &[&str]) -> Result<Options> {
    let mut options = Options::default();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let list = match *word {
            "--peer" => &mut options.peers,
            "--server" => &mut options.servers,
            "--" => {
                options.rest = words.map(|word| (*word).to_owned()).collect();
                break;
            }
            _ => anyhow::bail!("unknown option `{word}` (compare's own go after `--`)"),
        };
        let path = words.next().with_context(|| format!("{word} needs a path"))?;
        list.push((*path).to_owned());
    }
    Ok(options)
}

fn compare_args(options: &Options) -> Result<Vec<String>> {
    let programs: Vec<&String> = options.peers.iter().chain(&options.servers).collect();
    ensure!(programs.len() <= COMMAND_FLAGS.len(), "at most {} servers at a time", COMMAND_FLAGS.len());
    let mut args = vec!["compare".to_owned()];
    for (flag, program) in COMMAND_FLAGS.iter().zip(programs) {
        args.push((*flag).to_owned());
        args.push(format!("{program} -a 127.0.0.1 -p {{port}}"));
    }
    args.extend(options.rest.iter().cloned());
    Ok(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_come_first_and_the_rest_goes_through() {
        let options = parse(&["--server", "x", "--peer", "p", "--", "--rounds", "5"]).unwrap();
        let expected = [
            "compare",
            "--a",
            "p -a 127.0.0.1 -p {port}",
            "--b",
            "x -a 127.0.0.1 -p {port}",
            "--rounds",
            "5",
        ];
        assert_eq!(compare_args(&options).unwrap(), expected);
    }

    #[test]
    fn an_option_without_its_path_or_unknown_is_an_error() {
        assert!(parse(&["--server"]).is_err());
        assert!(parse(&["--rounds", "3"]).is_err());
    }

    #[test]
    fn more_servers_than_columns_are_refused() {
        let options = parse(&["--peer", "1", "--peer", "2", "--peer", "3", "--peer", "4", "--peer", "5"]);
        assert!(compare_args(&options.unwrap()).is_err());
    }
}
