//! Whether pages about features prove what they say: each row of a table in `docs/features-*.md` names its tests, or
//! says why there is none, and every test that is named is there.
//!
//! A row's last column is its proof. A code span `crate::test` in it is a test of the crate in that folder; a row without
//! one has a link (to where the difference is told) or begins with *not yet* or *not here*.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// What a row may begin with that has no test and no link.
const EXCUSES: [&str; 2] = ["not yet", "not here"];

/// Fails with every row that proves nothing, and every test that is not there.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let (mut rows, mut problems, mut known) = (0, Vec::new(), BTreeMap::new());
    for entry in fs::read_dir(workspace.root.join("docs"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !(name.starts_with("features-") && name.ends_with(".md")) {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        for row in text.lines().filter_map(row) {
            rows += 1;
            let wrong = row.wrong(|folder, test| {
                let tests =
                    known.entry(folder.to_owned()).or_insert_with(|| tests_of(&workspace.root, folder));
                tests.contains(test)
            });
            problems.extend(wrong.map(|wrong| format!("{name}: {}: {wrong}", row.feature)));
        }
    }
    if problems.is_empty() {
        println!("features: {rows} rows name tests that are there, or say why there is none");
        return Ok(());
    }
    bail!("features:\n  {}", problems.join("\n  "))
}

/// A row of a table.
struct Row<'t> {
    feature: &'t str,
    proof: &'t str,
}

/// The row on that line, if there is one that is no head.
fn row(line: &str) -> Option<Row<'_>> {
    let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let (feature, proof) = cells.split_once(" | ")?;
    (feature != "feature" && !feature.starts_with('-')).then_some(Row { feature, proof })
}

impl Row<'_> {
    /// What is not as it should be, if there are tests as `has_test` says.
    fn wrong(&self, mut has_test: impl FnMut(&str, &str) -> bool) -> Option<String> {
        let tests: Vec<&str> = tests(self.proof).collect();
        let is_excused =
            self.proof.contains("](") || EXCUSES.iter().any(|excuse| self.proof.starts_with(excuse));
        if tests.is_empty() && !is_excused {
            return Some("it has neither a test nor a reason".to_owned());
        }
        let is_missing = |test: &&str| {
            let (folder, name) = test.split_once("::").unwrap_or_default();
            !has_test(folder, name)
        };
        let missing: Vec<&str> = tests.into_iter().filter(is_missing).collect();
        (!missing.is_empty()).then(|| format!("there is no {}", missing.join(", ")))
    }
}

/// The code spans that name tests.
fn tests(proof: &str) -> impl Iterator<Item = &str> {
    proof.split('`').skip(1).step_by(2).filter(|span| {
        let is_name = |part: &str| {
            part.chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-".contains(letter))
        };
        span.split_once("::").is_some_and(|(folder, name)| is_name(folder) && is_name(name))
    })
}

/// The names of all tests of the crate in that folder.
fn tests_of(root: &Path, folder: &str) -> BTreeSet<String> {
    let places = ["crates", "bins"].map(|place| root.join(place).join(folder));
    places.iter().flat_map(|place| tests_below(place)).collect()
}

fn tests_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            found.extend(tests_below(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.extend(tests_in(&fs::read_to_string(&path).unwrap_or_default()).map(str::to_owned));
        }
    }
    found
}

/// The functions behind `#[test]`, and those that `on_every_setup!` makes tests.
fn tests_in(text: &str) -> impl Iterator<Item = &str> {
    let marked = text.split("#[test]").skip(1).filter_map(|rest| {
        let (_, name) = rest.split_once("fn ")?;
        name.split('(').next()
    });
    let listed = text.split("on_every_setup!(").skip(1).flat_map(|rest| {
        let list = rest.split(')').next().unwrap_or_default();
        list.split(',').map(str::trim).filter(|name| !name.is_empty())
    });
    marked.chain(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(line: &str) -> Option<String> {
        row(line).expect("a row").wrong(|folder, name| folder == "a-b" && name == "it_works")
    }

    #[test]
    fn rows_name_tests_that_are_there_or_say_why_not() {
        assert!(
            row("| feature | shown by |").is_none() && row("|---|---|").is_none() && row("text").is_none()
        );
        assert_eq!(wrong("| x | `a-b::it_works` |"), None);
        assert_eq!(wrong("| x | [differs](differences.md) |"), None);
        assert_eq!(wrong("| x | not yet: clusters |"), None);
        assert_eq!(wrong("| x | `Config::new` |"), Some("it has neither a test nor a reason".into()));
        assert_eq!(wrong("| x | `a-b::it_works`, `a::it_works` |"), Some("there is no a::it_works".into()));
    }

    #[test]
    fn tests_are_found_by_how_they_are_marked() {
        let text = "#[test]\n#[should_panic]\nfn one() {}\nfn none() {}\non_every_setup!(two, three,\n);";
        assert_eq!(tests_in(text).collect::<Vec<_>>(), ["one", "two", "three"]);
    }
}
