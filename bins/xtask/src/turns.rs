//! `cargo xtask turns`: how long a shard's turns get under events with very many rows, for docs/performance.md.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::compare::{commit, shown_command};
use crate::run;
use crate::splice::splice;
use crate::workspace::Workspace;

const PAGE: &str = "docs/performance.md";

const BEGIN: &str = "<!-- turns:begin -->";
const END: &str = "<!-- turns:end -->";

#[derive(Debug, Default, PartialEq)]
struct Options {
    /// Our server, if not the one that is built now.
    server: Option<PathBuf>,
    /// Rewrite the table in docs/performance.md.
    write: bool,
    /// What buster-bench takes as it is.
    rest: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let options = parse(args)?;
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "-p", "buster-server", "-p", "buster-bench"]);
    run::run(build.current_dir(&workspace.root))?;
    let release = workspace.root.join("target/release");
    let bench = release.join("buster-bench");
    let server = options.server.clone().unwrap_or(release.join("buster-server"));

    let mut command = Command::new(&bench);
    command.args(["turns", "--server", &format!("{} -a 127.0.0.1 -p {{port}}", server.display())]);
    let table = run::output_of(command.args(&options.rest))?;
    print!("{table}");
    if options.write {
        let machine = run::output_of(Command::new(&bench).arg("machine"))?;
        let shown = shown_command(&server, &workspace.root);
        write(workspace, &generated(machine.trim(), &commit(workspace)?, &shown, &table))?;
    }
    Ok(())
}

fn parse(args: &[&str]) -> Result<Options> {
    let mut options = Options::default();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match *word {
            "--server" => options.server = Some(value()?.into()),
            "--write" => options.write = true,
            "--only" | "--rows" | "--connections" => {
                options.rest.extend([(*word).to_owned(), (*value()?).to_owned()]);
            }
            _ => bail!("unknown option `{word}`"),
        }
    }
    ensure!(
        !options.write || options.rest.is_empty(),
        "--write needs the whole table: without --only, --rows and --connections"
    );
    Ok(options)
}

fn write(workspace: &Workspace, text: &str) -> Result<()> {
    let path = workspace.root.join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("reading {PAGE}"))?;
    let fresh = splice(&page, BEGIN, END, text);
    let fresh = fresh.with_context(|| format!("{PAGE} needs the markers {BEGIN} and {END}"))?;
    fs::write(&path, fresh).with_context(|| format!("writing {PAGE}"))?;
    println!("wrote {PAGE}");
    Ok(())
}

fn generated(machine: &str, commit: &str, server: &str, table: &str) -> String {
    format!(
        "{machine}. buster-server is {commit}.\n\n{table}\n```sh\ncargo xtask turns --write\n\
         target/release/buster-bench turns --server '{server}'\n```\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splice::tests::has_place;

    #[test]
    fn the_page_has_a_place_for_it() {
        assert!(has_place(PAGE, BEGIN, END));
    }

    #[test]
    fn the_page_has_all_events_or_stays_as_it_is() {
        let options = parse(&["--server", "x", "--only", "sub,end", "--rows", "10"]).unwrap();
        assert_eq!(options.rest, ["--only", "sub,end", "--rows", "10"]);
        assert_eq!((options.server, options.write), (Some("x".into()), false));
        assert!(parse(&["--write"]).unwrap().write);
        assert!(parse(&["--write", "--only", "sub"]).is_err() && parse(&["fast"]).is_err());
    }

    #[test]
    fn the_table_stands_with_the_command_that_makes_it() {
        let text = generated("A processor", "abc1234", "s -p {port}", "| event |\n");
        assert!(text.starts_with("A processor. buster-server is abc1234.\n\n| event |\n"), "{text}");
        assert!(text.contains("buster-bench turns --server 's -p {port}'\n"), "{text}");
    }
}
