//! The whole of what is checked, step by step, stopping at the first failure.
//!
//! Order: cheap and likely to fail first. Only the server that the tests drive over sockets is built
//! for speed: it is the one that is handed out, so no second is built. All else, benches too, shares the dev
//! profile, so that dependencies are compiled no more often than needed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::workspace::{Package, Workspace};
use crate::{
    circles, console, crate_table, deny, differ, features, layers, packages, pages, reference, refused, run,
    self_contained, unpacked,
};

struct Step {
    name: &'static str,
    action: Action,
}

enum Action {
    Layers,
    Circles,
    CrateTable,
    Deny,
    Pages,
    Console,
    Reference,
    Refused,
    SelfContained,
    Tests,
    Differ,
    PackageAlone,
    /// A command, started at the workspace root.
    Run(Command),
}

pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let steps = steps(&workspace);
    let start = Instant::now();
    let mut passed = 0;
    for mut step in steps {
        println!("==> {}", step.name);
        let step_start = Instant::now();
        let outcome = perform(&workspace, &mut step.action);
        println!("<== {}: {}", step.name, clock(step_start.elapsed()));
        if let Err(error) = outcome {
            println!("{passed} passed, 1 failed");
            bail!("{}: {error:#}", step.name);
        }
        passed += 1;
    }
    println!("all of it: {}", clock(start.elapsed()));
    println!("{passed} passed, 0 failed");
    Ok(())
}

fn perform(workspace: &Workspace, action: &mut Action) -> Result<()> {
    match action {
        Action::Layers => layers::run(workspace),
        Action::Circles => circles::run(workspace),
        Action::CrateTable => crate_table::check(workspace),
        Action::Deny => deny::run(workspace, &[]),
        Action::Pages => {
            pages::run(workspace)?;
            features::run(workspace)
        }
        Action::Console => console::check(workspace),
        Action::Reference => reference::check(workspace),
        Action::Refused => refused::check(workspace),
        Action::SelfContained => self_contained::run(workspace, &[]),
        Action::Tests => run_at_root(workspace, &mut tests(&self_contained::path(workspace)?)),
        Action::Differ => differ::sample(workspace, &self_contained::path(workspace)?),
        Action::PackageAlone => package_alone(workspace),
        Action::Run(command) => run_at_root(workspace, command),
    }
}

fn run_at_root(workspace: &Workspace, command: &mut Command) -> Result<()> {
    println!("{}", run::describe(command));
    run::run(command.current_dir(&workspace.root))
}

fn steps(workspace: &Workspace) -> Vec<Step> {
    let mut steps = vec![
        cargo("fmt", ["fmt", "--all", "--check"]),
        step("layers", Action::Layers),
        step("circles", Action::Circles),
        step("crate table", Action::CrateTable),
        step("pages", Action::Pages),
        step("dependencies", Action::Deny),
        cargo("clippy", ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        step("refused flags and keys", Action::Refused),
        step("man page and completions", Action::Reference),
        step("console page", Action::Console),
        step("doc", Action::Run(doc())),
        step("self-contained server", Action::SelfContained),
        step("tests", Action::Tests),
        step("beside nats-server", Action::Differ),
    ];
    if workspace.members.iter().any(|member| member.has_benches) {
        // The glob names bench targets alone: `--benches` would build every library and binary
        // a second time as a bench.
        let benches = ["bench", "--workspace", "--profile", "dev", "--bench", "*", "--no-run"];
        steps.push(cargo("benches build", benches));
    }
    if workspace.root.join("fuzz/Cargo.toml").exists() {
        steps.push(step("fuzz targets check", Action::Run(fuzz_check(&workspace.root))));
    }
    steps.push(step("package all", Action::Run(package_all(workspace))));
    steps.push(step("package what stands alone", Action::PackageAlone));
    steps
}

fn step(name: &'static str, action: Action) -> Step {
    Step { name, action }
}

fn cargo<const N: usize>(name: &'static str, args: [&str; N]) -> Step {
    step(name, Action::Run(cargo_command(args)))
}

fn cargo_command(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new("cargo");
    command.args(args);
    command
}

/// With the server that was built before: each test program would build one otherwise.
fn tests(server: &Path) -> Command {
    let mut command = cargo_command(["test", "--workspace"]);
    command.env("BUSTER_SERVER_BIN", server);
    command
}

fn doc() -> Command {
    let mut command = cargo_command(["doc", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

/// Checks, not builds: linking a fuzz target takes a nightly compiler, its types do not.
fn fuzz_check(root: &Path) -> Command {
    let mut command = cargo_command(["check", "--manifest-path", "fuzz/Cargo.toml"]);
    command.arg("--target-dir").arg(root.join("target"));
    command
}

/// All that may be published, put together but not built: that would be the whole server once more.
fn package_all(workspace: &Workspace) -> Command {
    let mut command = package(packages::published(workspace).map(|member| &member.package));
    command.arg("--no-verify");
    command
}

/// Crates that others use on their own: each must build outside of the workspace.
fn package_alone(workspace: &Workspace) -> Result<()> {
    unpacked::forget(packages::alone(workspace))?;
    run_at_root(workspace, &mut package(packages::alone(workspace)))
}

/// `--allow-dirty` so that it also runs before a commit.
fn package<'a>(packages: impl Iterator<Item = &'a Package>) -> Command {
    let mut command = cargo_command(["package", "--allow-dirty"]);
    for package in packages {
        command.args(["-p", &package.name]);
    }
    command
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        return format!("{:.1} s", time.as_secs_f64());
    }
    format!("{} min {:02} s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Member;

    fn names(has_benches: bool) -> Vec<&'static str> {
        let workspace =
            Workspace { root: "/nowhere".into(), members: vec![Member { has_benches, ..Member::default() }] };
        steps(&workspace).iter().map(|step| step.name).collect()
    }

    #[test]
    fn benches_are_built_when_there_are_some() {
        assert!(names(true).contains(&"benches build"));
        assert!(!names(false).contains(&"benches build"));
    }

    #[test]
    fn the_cheap_steps_come_before_the_tests() {
        let names = names(true);
        let place = |name| names.iter().position(|one| *one == name).unwrap();
        assert!(place("fmt") < place("layers"));
        assert!(place("layers") < place("clippy"));
        assert!(place("clippy") < place("tests"));
        assert!(place("self-contained server") < place("tests"), "which run it");
    }

    #[test]
    fn times_read_well() {
        assert_eq!(clock(Duration::from_millis(1250)), "1.2 s");
        assert_eq!(clock(Duration::from_secs(61)), "1 min 01 s");
    }
}
