//! Import circles between the files of one crate, and files too long to hold in the head.
//!
//! A file imports another when its text names something that lives there: in a `use`, or in a path that
//! begins with `crate`, `self`, `super` or the name of a child module. A name that a third file hands on
//! with `use` counts for the file it comes from. Not counted are `mod` lines, what a crate's root hands on
//! with `pub use`, and everything under `#[cfg(test)]`. Names that come without an import (methods, fields)
//! are not seen: an `impl` block is part of the file it stands in, not of its type's.
//!
//! Files that import each other, directly or through others, form a circle: none of them can be read, or
//! moved, without all of them. In crates above layer 0 a circle may have few files; parsers of layer 0 recurse.

mod graph;
mod lex;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::workspace::{Member, Workspace};

use self::graph::Graph;

/// As many as can be read in one go.
const CIRCLE_FILES_MAX: usize = 5;

/// Crates with larger ones yet, and how large. The list gets shorter, and the numbers smaller, never larger.
const LARGER_CIRCLES: [(&str, usize); 0] = [];

/// Tests and benches too.
const FILE_LINES_MAX: usize = 500;

/// Files that are longer yet, in the same way.
const LONGER_FILES: [(&str, usize); 0] = [];

/// Where source files are.
const FOLDERS: [&str; 4] = ["benches", "bins", "crates", "fuzz"];

/// Lists all circles of two files and more, and fails with every one that is too large, every file that is too
/// long, and every exception that nothing needs any more.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut largest = Vec::new();
    for member in &workspace.members {
        for circle in circles(member)? {
            println!("{}: {} files in a circle: {}", member.name, circle.len(), circle.join(", "));
            if member.layer != Some(0) {
                largest.push((member.name.clone(), circle.len()));
            }
        }
    }
    let mut problems = too_large(&largest, CIRCLE_FILES_MAX, &LARGER_CIRCLES, "files in a circle");
    let mut lengths = Vec::new();
    for folder in FOLDERS {
        lengths.extend(file_lengths(&workspace.root.join(folder), &workspace.root)?);
    }
    problems.extend(too_large(&lengths, FILE_LINES_MAX, &LONGER_FILES, "lines"));
    ensure!(problems.is_empty(), "circles:\n  {}", problems.join("\n  "));
    Ok(())
}

/// What is larger than `max` and than its exception, and exceptions without anything that needs them.
fn too_large(found: &[(String, usize)], max: usize, exceptions: &[(&str, usize)], what: &str) -> Vec<String> {
    let exception = |name: &str| exceptions.iter().find(|(other, _)| *other == name).map(|(_, max)| *max);
    let large = found.iter().filter(|(name, size)| *size > exception(name).unwrap_or(max));
    let large = large.map(|(name, size)| {
        format!("{name}: {size} {what}, and {} are the most", exception(name).unwrap_or(max))
    });
    let is_needed = |name: &str| found.iter().any(|(other, size)| other == name && *size > max);
    let idle = exceptions.iter().filter(|(name, _)| !is_needed(name));
    large.chain(idle.map(|(name, _)| format!("{name} needs no exception any more"))).collect()
}

/// Which file of each circle of `name` imports which others of it: what to look at to break it.
pub(crate) fn explain(workspace: &Workspace, name: &str) -> Result<()> {
    let member = workspace.member(name).with_context(|| format!("there is no crate `{name}`"))?;
    for root in &member.root_files {
        let graph = Graph::load(root)?;
        for circle in graph.circles() {
            println!("{} files in a circle", circle.len());
            for &file in &circle {
                let others = graph.imports(file).filter(|other| circle.contains(other));
                let mut names: Vec<&str> = others.map(|other| graph.name(other)).collect();
                names.sort_unstable();
                println!("  {} imports {}", graph.name(file), names.join(", "));
            }
        }
    }
    Ok(())
}

/// The files of each circle, the largest circle first.
fn circles(member: &Member) -> Result<Vec<Vec<String>>> {
    let mut found = Vec::new();
    for root in &member.root_files {
        let graph = Graph::load(root)?;
        let names = |circle: Vec<usize>| circle.iter().map(|&file| graph.name(file).to_owned()).collect();
        found.extend(graph.circles().into_iter().map(names));
    }
    Ok(found)
}

/// How many lines each source file below `folder` has.
fn file_lengths(folder: &Path, root: &Path) -> Result<Vec<(String, usize)>> {
    let mut lengths = Vec::new();
    for path in source_files(folder)? {
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let place = path.strip_prefix(root).unwrap_or(&path);
        lengths.push((place.display().to_string(), text.lines().count()));
    }
    Ok(lengths)
}

/// All `.rs` files below `folder`, sorted, build output aside.
fn source_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(found: &[(&str, usize)]) -> Vec<(String, usize)> {
        found.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
    }

    #[test]
    fn what_is_larger_than_it_may_be_is_named() {
        let found = named(&[("a", 5), ("b", 6), ("c", 7)]);
        let expected = ["b: 6 files, and 5 are the most", "c: 7 files, and 6 are the most"];
        assert_eq!(too_large(&found, 5, &[("c", 6)], "files"), expected);
        assert!(too_large(&found, 5, &[("b", 9), ("c", 7)], "files").is_empty());
    }

    #[test]
    fn an_exception_goes_when_nothing_needs_it() {
        let found = named(&[("a", 5), ("b", 6), ("b", 2)]);
        let expected = ["a needs no exception any more", "c needs no exception any more"];
        assert_eq!(too_large(&found, 5, &[("a", 9), ("b", 6), ("c", 9)], "files"), expected);
    }

    #[test]
    fn lines_are_counted_wherever_files_are_but_for_build_output() {
        let folder = tempfile::tempdir().unwrap();
        for place in ["src", "src/deep/er", "target/src"] {
            let place = folder.path().join(place);
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("a.rs"), "1\n\n3\n").unwrap();
            fs::write(place.join("a.md"), "1\n").unwrap();
        }
        let found = file_lengths(folder.path(), folder.path()).unwrap();
        assert_eq!(found, named(&[("src/a.rs", 3), ("src/deep/er/a.rs", 3)]));
    }
}
