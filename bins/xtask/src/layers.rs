//! The rules that keep the workspace layered: who may use whom, and what a pure crate is.
//!
//! A crate may use crates of a strictly lower `package.metadata.layer`, in tests and build scripts
//! too. Crates of layers 0 to 4 are pure: they forbid unsafe code, and their `clippy.toml` bans
//! clocks and thread-local randomness, so that a simulator can drive them.
//!
//! What is published stands on what is published: see `packages`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::workspace::{DepKind, Member, Workspace};
use crate::{packages, top_level};

/// Crates up to this layer decide and never wait; everything above may touch the machine.
const PURE_LAYER_MAX: u8 = 4;

/// The only crate that may name the executor, the ring and what watches sockets.
const RUNTIME_CRATE: &str = "shard-runtime";
const RUNTIME_ONLY: [&str; 3] = ["glommio", "io-uring", "mio"];

const CLOCKS: [&str; 2] = ["std::time::Instant::now", "std::time::SystemTime::now"];

/// Fails with every broken rule, not just the first.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut problems = dependency_problems(workspace);
    for member in workspace.members.iter().filter(|member| is_pure(member)) {
        problems.extend(read_and_check_purity(member)?);
    }
    problems.extend(packages::problems(workspace));
    problems.extend(top_level::problems(&top_level::names(&workspace.root)?));
    if problems.is_empty() {
        println!("layers: {} crates in order", workspace.members.len());
        return Ok(());
    }
    bail!("layers:\n  {}", problems.join("\n  "))
}

fn dependency_problems(workspace: &Workspace) -> Vec<String> {
    let mut problems = Vec::new();
    for member in &workspace.members {
        match member.layer {
            None => problems.push(format!("{} has no package.metadata.layer", member.name)),
            Some(layer) => problems.extend(upward_deps(workspace, member, layer)),
        }
        problems.extend(runtime_deps(member));
    }
    problems
}

fn upward_deps(workspace: &Workspace, member: &Member, layer: u8) -> Vec<String> {
    let kinds = [
        (DepKind::Normal, "uses"),
        (DepKind::Dev, "uses in tests"),
        (DepKind::Build, "uses in its build script"),
    ];
    let mut problems = Vec::new();
    for (kind, uses) in kinds {
        for dep in member.workspace_deps(workspace, kind) {
            // A dependency without a layer is reported under its own name.
            if let Some(dep_layer) = dep.layer.filter(|dep_layer| *dep_layer >= layer) {
                problems.push(format!(
                    "{} (layer {layer}) {uses} {} (layer {dep_layer}), which is not lower",
                    member.name, dep.name
                ));
            }
        }
    }
    problems
}

fn runtime_deps(member: &Member) -> Vec<String> {
    if member.name == RUNTIME_CRATE {
        return Vec::new();
    }
    let named = RUNTIME_ONLY.iter().filter(|name| member.deps.iter().any(|dep| dep.name == **name));
    named.map(|name| format!("{} names {name}: only {RUNTIME_CRATE} may", member.name)).collect()
}

fn is_pure(member: &Member) -> bool {
    member.layer.is_some_and(|layer| layer <= PURE_LAYER_MAX)
}

fn read_and_check_purity(member: &Member) -> Result<Vec<String>> {
    let lib = member.lib_path.as_deref().map(read).transpose()?;
    let clippy_path = member.dir.join("clippy.toml");
    let clippy = clippy_path.exists().then(|| read(&clippy_path));
    purity_problems(&member.name, lib.as_deref(), clippy.transpose()?.as_deref())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

fn purity_problems(name: &str, lib: Option<&str>, clippy: Option<&str>) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    if !lib.is_some_and(forbids_unsafe) {
        problems.push(format!("{name} is pure, so lib.rs needs #![forbid(unsafe_code)]"));
    }
    let Some(clippy) = clippy else {
        problems.push(format!("{name} is pure, so it needs a clippy.toml that bans clocks"));
        return Ok(problems);
    };
    let clippy: toml::Table = clippy.parse().with_context(|| format!("clippy.toml of {name}"))?;
    let methods = banned(&clippy, "disallowed-methods");
    for clock in CLOCKS {
        if !methods.contains(&clock) {
            problems.push(format!("{name}: clippy.toml does not ban {clock}"));
        }
    }
    let types = banned(&clippy, "disallowed-types");
    if !methods.iter().chain(&types).any(|path| is_randomness(path)) {
        problems.push(format!("{name}: clippy.toml does not ban thread-local randomness"));
    }
    Ok(problems)
}

fn forbids_unsafe(lib: &str) -> bool {
    lib.lines().map(str::trim).any(|line| line.starts_with("#![forbid(") && line.contains("unsafe_code"))
}

/// `rand::rng`, `rand::thread_rng`, `fastrand::*` or the hasher seeds of `RandomState`.
fn is_randomness(path: &str) -> bool {
    path.to_ascii_lowercase().contains("rand")
}

/// The paths in a list of `clippy.toml`, written as plain strings or as tables with a `path`.
fn banned<'a>(clippy: &'a toml::Table, list: &str) -> Vec<&'a str> {
    let entries = clippy.get(list).and_then(toml::Value::as_array);
    let path = |entry: &'a toml::Value| entry.as_str().or_else(|| entry.get("path")?.as_str());
    entries.into_iter().flatten().filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dep;

    fn member(name: &str, layer: Option<u8>, deps: &[(&str, DepKind)]) -> Member {
        let dep =
            |(name, kind): &(&str, DepKind)| Dep { name: (*name).to_owned(), kind: *kind, has_version: true };
        Member { name: name.to_owned(), layer, deps: deps.iter().map(dep).collect(), ..Member::default() }
    }

    fn problems(members: Vec<Member>) -> Vec<String> {
        dependency_problems(&Workspace { root: "/w".into(), members })
    }

    #[test]
    fn downward_dependencies_of_every_kind_are_fine() {
        let found = problems(vec![
            member("codec", Some(0), &[("serde", DepKind::Normal)]),
            member("trie", Some(0), &[]),
            member(
                "broker",
                Some(2),
                &[("codec", DepKind::Normal), ("trie", DepKind::Dev), ("trie", DepKind::Build)],
            ),
            member("shard-runtime", Some(5), &[("glommio", DepKind::Normal)]),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_dependency_on_the_same_or_a_higher_layer_is_named() {
        for kind in [DepKind::Normal, DepKind::Dev, DepKind::Build] {
            for layer in [2, 3] {
                let found = problems(vec![
                    member("broker", Some(2), &[("other", kind)]),
                    member("other", Some(layer), &[]),
                ]);
                assert_eq!(found.len(), 1, "{kind:?} {layer}");
                assert!(found[0].starts_with("broker (layer 2) uses"), "{}", found[0]);
            }
        }
    }

    #[test]
    fn a_crate_without_a_layer_is_named_once() {
        let found = problems(vec![
            member("broker", Some(2), &[("stray", DepKind::Normal)]),
            member("stray", None, &[]),
        ]);
        assert_eq!(found, ["stray has no package.metadata.layer"]);
    }

    #[test]
    fn only_the_runtime_names_the_executor_and_the_ring() {
        let found = problems(vec![
            member("node", Some(7), &[("io-uring", DepKind::Dev)]),
            member("sim", Some(8), &[("glommio", DepKind::Normal)]),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "node names io-uring: only shard-runtime may");
    }

    #[test]
    fn a_pure_crate_forbids_unsafe_and_bans_clocks_and_randomness() {
        let clippy = r#"
            disallowed-methods = [
                "std::time::Instant::now",
                { path = "std::time::SystemTime::now", reason = "time is an argument" },
            ]
            disallowed-types = ["std::hash::RandomState"]"#;
        let lib = "//! Docs.\n#![forbid(unsafe_code)]\nmod a;\n";
        let none = purity_problems("codec", Some(lib), Some(clippy)).unwrap();
        assert!(none.is_empty(), "{none:?}");

        let no_bans = purity_problems("codec", Some(lib), Some("")).unwrap();
        assert_eq!(no_bans.len(), 3, "{no_bans:?}");
        let no_files = purity_problems("codec", None, None).unwrap();
        assert_eq!(no_files.len(), 2, "{no_files:?}");
        let commented = purity_problems("codec", Some("// #![forbid(unsafe_code)]"), Some(clippy));
        assert_eq!(commented.unwrap().len(), 1);
    }

    #[test]
    fn purity_ends_at_the_shard_core() {
        assert!(is_pure(&member("shard-core", Some(4), &[])));
        assert!(!is_pure(&member("shard-runtime", Some(5), &[])));
    }
}
