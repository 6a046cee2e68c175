//! The official clients' own test suites, with our server in the place of nats-server.
//!
//! Nothing of them is kept here: their checkouts come as arguments, and async-nats' tests are
//! executables that somebody built there. What each file of tests is expected to do stands in
//! `suites/expected.toml`; every other outcome is an error.

mod expected;
mod options;
mod outcome;
mod page;
mod stage;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::run;
use crate::workspace::Workspace;

use self::expected::{Expected, File, Runner, Suite};
use self::options::Options;
use self::outcome::Outcomes;
use self::stage::Stage;

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let options = options::parse(args)?;
    let list = Expected::load()?;
    let server = match &options.server {
        Some(path) => path.clone(),
        None => build(workspace)?,
    };
    let stage = Stage::set(&workspace.root.join("target/suites"), &server, &options.flags)?;
    let mut reports = Vec::new();
    for suite in &list.suites {
        let Some(checkout) = options.place(&suite.checkout) else { continue };
        for file in suite.files.iter().filter(|file| options.wants(&file.name)) {
            let outcomes = outcomes(&stage, &options, suite, file, checkout)?;
            let report = verdict::judge(&suite.name, file, outcomes, &list.reasons, options.is_peer);
            report.print();
            reports.push(report);
        }
    }
    ensure!(!reports.is_empty(), "there is no such file of tests");
    let surprises: usize = reports.iter().map(|report| report.unexpected.len()).sum();
    ensure!(surprises == 0, "{surprises} unexpected outcomes; the output is in target/suites/logs");
    if options.write {
        let commit = run::output_of(Command::new("git").args(["describe", "--always", "--dirty"]))?;
        page::write(&workspace.root, commit.trim(), &list, &reports)?;
    }
    Ok(())
}

fn build(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "-p", "buster-server"]);
    run::run(build.current_dir(&workspace.root))?;
    Ok(workspace.root.join("target/release/buster-server"))
}

fn outcomes(
    stage: &Stage,
    options: &Options,
    suite: &Suite,
    file: &File,
    checkout: &Path,
) -> Result<Outcomes> {
    let name = format!("{}-{}", suite.name.replace(' ', "-"), file.name);
    let checkout = checkout.canonicalize().with_context(|| format!("no {}", checkout.display()))?;
    let dir = checkout.join(&suite.dir);
    match suite.runner {
        Runner::Libtest => {
            let executables = options.executables.clone().unwrap_or(checkout.join("../target/debug/deps"));
            let mut command = Command::new(executable(&executables, &file.name)?);
            command.arg(format!("--test-threads={}", file.threads)).current_dir(dir);
            Ok(outcome::of_libtest(&stage.run(&name, &mut command)?))
        }
        Runner::Pytest => {
            let mut command = pytest(&options.python, suite, &dir);
            command.arg(format!("{}/{}.py", suite.tests_dir, file.name));
            Ok(outcome::of_pytest(&stage.run(&name, &mut command)?))
        }
    }
}

/// The newest executable of the tests called `name`, which cargo gives a hash behind a dash.
fn executable(dir: &Path, name: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(dir).with_context(|| format!("no executables in {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        let file = entry.file_name();
        let hash = file.to_str().and_then(|file| file.strip_prefix(name)?.strip_prefix('-'));
        if hash.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    let newest = found.into_iter().max().map(|(_, path)| path);
    newest.with_context(|| format!("no executable of {name} in {}: build the suite first", dir.display()))
}

/// pytest in `dir`, leaving nothing behind in the checkout.
fn pytest(python: &Path, suite: &Suite, dir: &Path) -> Command {
    let import: Vec<PathBuf> = suite.python_path.iter().map(|path| dir.join(path)).collect();
    let import = std::env::join_paths(import).expect("the list has no colons in its paths");
    let mut command = Command::new(python);
    command.args(["-m", "pytest", "-v", "--tb=short", "--timeout=120", "-p", "no:cacheprovider"]);
    command.env("PYTHONPATH", import).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(dir);
    // nats.py skips what is new to a server of which it is not told.
    command.env("NATS_SERVER_VERSION", "main");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_is_found_by_its_name_and_hash() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["client_tests-0a1b", "client_tests-0a1b.d", "server_client_tests-0a1b"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(executable(dir.path(), "client_tests").unwrap(), dir.path().join("client_tests-0a1b"));
        let why = executable(dir.path(), "tls_tests").unwrap_err().to_string();
        assert!(why.starts_with("no executable of tls_tests in "), "{why}");
    }

    #[test]
    fn a_suite_finds_the_server_first_and_its_tests_are_heard() {
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::set(&dir.path().join("suites"), Path::new("/bin/echo"), &["-e".into()]).unwrap();
        let mut suite = Command::new("sh");
        suite.args(["-c", "nats-server 'test a ... ok\\ntest b ... FAILED'; exit 1"]);
        let outcomes = outcome::of_libtest(&stage.run("some", &mut suite).unwrap());
        assert_eq!(outcomes.len(), 2);
        assert_eq!(fs::read_to_string(stage.log("some")).unwrap(), "test a ... ok\ntest b ... FAILED\n");
    }
}
