//! What `cargo package` left unpacked of our own crates the last time.
//!
//! To build one packaged crate on top of another, cargo makes a registry of the packages in the target folder and
//! unpacks from it into its home, in a folder named by the registry's path and the crate's version. What is unpacked
//! there is never unpacked again: with the same path and version, a crate is built on top of what the other one was
//! when it was first packaged on this machine.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use anyhow::{Context, Result};

use crate::workspace::Package;

/// Where cargo keeps what it unpacked, by registry. Names of registries on this machine have no word before the dash.
const SOURCES: &str = "registry/src";

/// Has what is packaged next unpacked anew.
pub(crate) fn forget<'a>(packages: impl Iterator<Item = &'a Package>) -> Result<()> {
    let names: Vec<&str> = packages.map(|package| package.name.as_str()).collect();
    for folder in of(&names, &cargo_home()?.join(SOURCES))? {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

fn cargo_home() -> Result<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .context("neither CARGO_HOME nor a home folder is known")
}

fn of(names: &[&str], sources: &Path) -> Result<Vec<PathBuf>> {
    let registries = folders(sources)?.into_iter().filter(|folder| name_of(folder).starts_with('-'));
    let mut found = Vec::new();
    for registry in registries {
        found.extend(folders(&registry)?.into_iter().filter(|folder| is_of(names, name_of(folder))));
    }
    Ok(found)
}

fn is_of(names: &[&str], folder: &str) -> bool {
    let starts_version = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    names.iter().any(|name| {
        folder.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')).is_some_and(starts_version)
    })
}

/// None where there is no such folder.
fn folders(of: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(of) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", of.display()))?,
    };
    entries
        .map(|entry| Ok(entry?.path()))
        .filter(|path| path.as_ref().map_or(true, |path| path.is_dir()))
        .collect()
}

fn name_of(folder: &Path) -> &str {
    folder.file_name().and_then(|name| name.to_str()).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_crates_from_registries_on_this_machine_are_unpacked_anew() {
        let sources = tempfile::tempdir().unwrap();
        for folder in [
            "-7d/nats-proto-0.1.0",
            "-7d/nats-proto-tools-0.1.0",
            "-7d/other-1.0.0",
            "index-1f/nats-proto-0.1.0",
        ] {
            fs::create_dir_all(sources.path().join(folder)).unwrap();
        }
        let found = of(&["nats-proto", "js-proto"], sources.path()).unwrap();
        assert_eq!(found, [sources.path().join("-7d/nats-proto-0.1.0")]);
    }

    #[test]
    fn nothing_was_unpacked_on_a_fresh_machine() {
        let sources = tempfile::tempdir().unwrap();
        assert!(of(&["nats-proto"], &sources.path().join("registry/src")).unwrap().is_empty());
    }
}
