//! What may lie at the top of the repository, so that a newcomer sees the whole of it at a glance.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const ALLOWED: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "crates",
    "bins",
    "benches",
    "fuzz",
    "docs",
    "README.md",
    "LICENSE",
    // Build output, never committed.
    "target",
];

/// The names in `root`, sorted.
pub(crate) fn names(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root).with_context(|| format!("listing {}", root.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// One line per name that has no place there; dotfiles may stay.
pub(crate) fn problems(names: &[String]) -> Vec<String> {
    let strange = names.iter().filter(|name| !name.starts_with('.') && !ALLOWED.contains(&name.as_str()));
    strange.map(|name| format!("{name} has no place at the top level")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agreed_names_and_dotfiles_may_be_there() {
        let names = [".git", "Cargo.toml", "crates", "notes.txt", "target"].map(str::to_owned);
        assert_eq!(problems(&names), ["notes.txt has no place at the top level"]);
    }
}
