//! Import circles between the files of one crate, and files too long to hold in the head.
//!
//! A file imports another when its text names something that lives there: in a `use`, or in a path that
//! begins with `crate`, `self`, `super` or the name of a child module. A name that a third file hands on
//! with `use` counts for the file it comes from. Not counted are `mod` lines, what a crate's root hands on
//! with `pub use`, and everything under `#[cfg(test)]`. Names that come without an import (methods, fields)
//! are not seen: an `impl` block is part of the file it stands in, not of its type's.
//!
//! Files that import each other, directly or through others, form a circle: none of them can be read, or
//! moved, without all of them. In crates above layer 0 a circle may have few files.

mod graph;
mod lex;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::{Member, Workspace};

use self::graph::Graph;

/// As many as can be read in one go. Parsers of layer 0 that recurse may have more.
const CIRCLE_FILES_MAX: usize = 5;

/// Tests and benches too.
const FILE_LINES_MAX: usize = 500;

/// Where source files are.
const FOLDERS: [&str; 4] = ["benches", "bins", "crates", "fuzz"];

/// Lists all circles of two files and more, and fails with every one that is too large and every file
/// that is too long.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut problems = Vec::new();
    for member in &workspace.members {
        for circle in circles(member)? {
            let told = format!("{}: {} files in a circle: {}", member.name, circle.len(), circle.join(", "));
            println!("{told}");
            if is_too_large(member.layer, circle.len()) {
                problems.push(told);
            }
        }
    }
    for folder in FOLDERS {
        problems.extend(long_files(&workspace.root.join(folder), &workspace.root)?);
    }
    if problems.is_empty() {
        return Ok(());
    }
    bail!(
        "circles above layer 0 have at most {CIRCLE_FILES_MAX} files, files {FILE_LINES_MAX} lines:\n  {}",
        problems.join("\n  ")
    )
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

fn is_too_large(layer: Option<u8>, files: usize) -> bool {
    layer != Some(0) && files > CIRCLE_FILES_MAX
}

/// One line for each source file below `folder` that is too long.
fn long_files(folder: &Path, root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in source_files(folder)? {
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            let place = path.strip_prefix(root).unwrap_or(&path);
            problems.push(format!("{} has {lines} lines", place.display()));
        }
    }
    Ok(problems)
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

    #[test]
    fn only_large_circles_above_layer_0_are_too_large() {
        assert!(!is_too_large(Some(1), CIRCLE_FILES_MAX));
        assert!(is_too_large(Some(1), CIRCLE_FILES_MAX + 1));
        assert!(!is_too_large(Some(0), CIRCLE_FILES_MAX + 1));
    }

    #[test]
    fn long_files_are_found_wherever_they_are_but_for_build_output() {
        let folder = tempfile::tempdir().unwrap();
        for place in ["src", "src/deep/er", "target/src"] {
            let place = folder.path().join(place);
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("long.rs"), "\n".repeat(FILE_LINES_MAX + 1)).unwrap();
            fs::write(place.join("short.rs"), "\n".repeat(FILE_LINES_MAX)).unwrap();
            fs::write(place.join("long.md"), "\n".repeat(FILE_LINES_MAX + 1)).unwrap();
        }
        let found = long_files(folder.path(), folder.path()).unwrap();
        assert_eq!(found, ["src/deep/er/long.rs has 501 lines", "src/long.rs has 501 lines"]);
    }
}
