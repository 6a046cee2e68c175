//! docs/nightly.md: for each check what was run last, newest first.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::splice::splice;

use super::state::Check;

const PAGE: &str = "docs/nightly.md";

/// Rows that are kept of each check.
const ROWS_MAX: usize = 20;

const HEAD: &str = "| when (UTC) | commit | time | what | found |\n|---|---|---|---|---|\n";

/// Puts a row for `check` on top of its table.
pub(crate) fn add(root: &Path, check: &Check, when: &str, commit: &str) -> Result<()> {
    let path = root.join(PAGE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let fresh = with_row(&text, check, when, commit)
        .with_context(|| format!("{PAGE} has no markers night:{}:begin and :end", check.name))?;
    fs::write(&path, fresh).with_context(|| format!("writing {}", path.display()))
}

fn with_row(text: &str, check: &Check, when: &str, commit: &str) -> Option<String> {
    let marker = |end: &str| format!("<!-- night:{}:{end} -->", check.name);
    let (begin, end) = (marker("begin"), marker("end"));
    let (_, rest) = text.split_once(&begin)?;
    let (old, _) = rest.split_once(&end)?;
    let old_rows = old.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| when"));
    let rows = std::iter::once(row(check, when, commit)).chain(old_rows.map(str::to_owned));
    let table: String = rows.take(ROWS_MAX).map(|row| row + "\n").collect();
    splice(text, &begin, &end, &format!("\n{HEAD}{table}\n"))
}

fn row(check: &Check, when: &str, commit: &str) -> String {
    let (what, found) = match &check.not_run {
        Some(reason) if check.done.is_empty() => (format!("not run: {reason}"), "–".to_owned()),
        Some(reason) => (format!("{}; then stopped: {reason}", what(check)), found(check)),
        None => (what(check), found(check)),
    };
    format!("| {when} | {commit} | {} s | {} | {} |", check.spent, cell(&what), cell(&found))
}

/// All of few pieces, the first and the last of many.
fn what(check: &Check) -> String {
    const ALL_MAX: usize = 3;
    match check.done.as_slice() {
        few if few.len() <= ALL_MAX => few.join("; "),
        many => format!("{} pieces, from {} to {}", many.len(), many[0], many[many.len() - 1]),
    }
}

fn found(check: &Check) -> String {
    if check.found.is_empty() { "nothing".to_owned() } else { check.found.join("; ") }
}

/// A table's cell: one line, and no bar of its own.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::night::state::Outcome;

    const TEXT: &str = "# Page\n<!-- night:sim:begin -->\n<!-- night:sim:end -->\nrest\n";

    fn done(found: Option<&str>) -> Check {
        let mut check = crate::night::check("sim", 10);
        for seed in ["a", "b"] {
            let outcome = Outcome { done: seed.to_owned(), found: found.map(str::to_owned), is_last: false };
            check.take(Ok(outcome), Duration::from_secs(5));
        }
        check
    }

    #[test]
    fn the_newest_row_is_on_top_and_old_ones_go() {
        let mut text = TEXT.to_owned();
        for night in 0..ROWS_MAX + 5 {
            text = with_row(&text, &done(None), &format!("night {night}"), "abc").unwrap();
        }
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| night")).collect();
        assert_eq!(rows.len(), ROWS_MAX);
        assert_eq!(rows[0], format!("| night {} | abc | 10 s | a; b | nothing |", ROWS_MAX + 4));
        assert!(text.starts_with("# Page\n") && text.ends_with("rest\n"));
        assert_eq!(text.matches(HEAD).count(), 1);
    }

    #[test]
    fn what_was_found_or_not_run_is_said() {
        let text = with_row(TEXT, &done(Some("x | y\nz")), "now", "abc").unwrap();
        assert!(text.contains("| a; b | x \\| y z; x \\| y z |"), "{text}");
        let mut check = crate::night::check("sim", 10);
        check.take(Err(anyhow::anyhow!("no compiler")), Duration::ZERO);
        let text = with_row(TEXT, &check, "now", "abc").unwrap();
        assert!(text.contains("| not run: no compiler | – |"), "{text}");
    }

    #[test]
    fn a_page_without_a_place_for_it_is_refused() {
        assert!(with_row("# Page\n", &done(None), "now", "abc").is_none());
    }

    #[test]
    fn the_page_has_a_place_for_every_check() {
        let page = include_str!("../../../../docs/nightly.md");
        for name in crate::night::pieces::CHECKS {
            let check = crate::night::check(name, 1);
            assert!(with_row(page, &check, "now", "abc").is_some(), "{name}");
        }
    }
}
