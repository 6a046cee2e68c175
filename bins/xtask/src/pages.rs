//! Whether the files that pages name are there: targets of links, and paths in code spans.
//!
//! A page is `README.md` at the top, or any `.md` file below `docs`. In a code span a word counts as a path if it ends
//! in `.rs`, `.md` or `.toml`, or begins with one of the folders at the top; `{a,b}` in it stands for each of its words.
//! It may leave out folders in front. Of a link the heading behind `#` has to be there as well; other sites and lines
//! between fences are not looked at.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

const ENDS: [&str; 3] = [".rs", ".md", ".toml"];
const FOLDERS: [&str; 5] = ["benches/", "bins/", "crates/", "docs/", "fuzz/"];

/// Fails with everything that is named and not there.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let files = Files::of(&workspace.root)?;
    let pages: Vec<&PathBuf> = files.all.iter().filter(|path| is_page(path)).collect();
    let mut problems = Vec::new();
    for page in &pages {
        let text =
            fs::read_to_string(workspace.root.join(page)).with_context(|| page.display().to_string())?;
        problems.extend(
            files
                .missing(&workspace.root, page, &text)
                .map(|missing| format!("{}: {missing}", page.display())),
        );
    }
    if problems.is_empty() {
        println!("pages: {} name what there is", pages.len());
        return Ok(());
    }
    bail!("pages name what is not there:\n  {}", problems.join("\n  "))
}

fn is_page(path: &Path) -> bool {
    path == Path::new("README.md")
        || (path.starts_with("docs") && path.extension().is_some_and(|end| end == "md"))
}

/// Files and folders of the repository, by their paths in it.
struct Files {
    all: Vec<PathBuf>,
}

impl Files {
    /// All below `root`, but for build output and what begins with a dot.
    fn of(root: &Path) -> Result<Self> {
        let (mut all, mut open) = (Vec::new(), vec![root.to_owned()]);
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
                let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
                if name == "target" || name.as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                all.push(path.strip_prefix(root)?.to_owned());
                if path.is_dir() {
                    open.push(path);
                }
            }
        }
        all.sort();
        Ok(Self { all })
    }

    fn missing<'t>(
        &'t self,
        root: &'t Path,
        page: &'t Path,
        text: &'t str,
    ) -> impl Iterator<Item = String> + 't {
        let text = without_fences(text);
        let links: Vec<String> =
            links(&text).filter(|target| !self.has_link(root, page, target)).map(str::to_owned).collect();
        let spans: Vec<String> = spans(&text)
            .flat_map(|span| span.split_whitespace())
            .filter(|word| is_path(word))
            .flat_map(spelled_out)
            .filter(|path| !self.has(path))
            .collect();
        links.into_iter().chain(spans)
    }

    /// Whether a path is there, with folders in front or without.
    fn has(&self, path: &str) -> bool {
        self.all.iter().any(|file| file.ends_with(path.trim_end_matches('/')))
    }

    fn has_link(&self, root: &Path, page: &Path, target: &str) -> bool {
        let (path, heading) = target.split_once('#').unwrap_or((target, ""));
        if path.contains("://") {
            return true;
        }
        let file = match path {
            "" => page.to_owned(),
            path => plain(&page.with_file_name("").join(path)),
        };
        let is_there = file.as_os_str().is_empty() || self.all.contains(&file);
        is_there && (heading.is_empty() || has_heading(root, &file, heading))
    }
}

fn has_heading(root: &Path, file: &Path, heading: &str) -> bool {
    let Ok(text) = fs::read_to_string(root.join(file)) else { return false };
    text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading)
}

/// What a link names a heading by.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// The path without `..` in it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

fn without_fences(text: &str) -> String {
    let pieces = text.split("```").step_by(2);
    pieces.collect()
}

/// The targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// What stands between two backquotes.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_path(word: &str) -> bool {
    let may_be_in_one = |letter: char| letter.is_ascii_alphanumeric() || "/._-{},".contains(letter);
    (ENDS.iter().any(|end| word.ends_with(end)) || FOLDERS.iter().any(|folder| word.starts_with(folder)))
        && word.chars().all(may_be_in_one)
        && !word.starts_with('.')
}

/// `a/{b,c}.rs` as `a/b.rs` and `a/c.rs`.
fn spelled_out(path: &str) -> Vec<String> {
    let Some((front, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let Some((words, behind)) = rest.split_once('}') else { return vec![path.to_owned()] };
    words.split(',').map(|word| format!("{front}{word}{behind}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for file in ["docs/page.md", "docs/deep/other.md", "crates/broker/src/route.rs", "target/gone.rs"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "# A `b`: c, 2 ≤ d\n").unwrap();
        }
        let files = Files::of(folder.path()).unwrap();
        files.missing(folder.path(), Path::new("docs/page.md"), text).collect()
    }

    #[test]
    fn links_lead_to_files_and_headings() {
        let good = "[a](deep/other.md) [b](../crates) [c](#a-b-c-2--d) [d](deep/other.md#a-b-c-2--d) [e](https://x/y.md)";
        assert!(missing(good).is_empty(), "{:?}", missing(good));
        for bad in ["other.md", "deep/other.md#a", "#nothing", "../target/gone.rs"] {
            assert_eq!(missing(&format!("[a]({bad})")), [bad]);
        }
    }

    #[test]
    fn paths_in_spans_may_leave_out_folders_in_front() {
        let good =
            "`route.rs`, `src/route.rs`, `crates/broker/src/{route}.rs`, `crates/broker`, `docs/deep/`";
        assert!(missing(good).is_empty(), "{:?}", missing(good));
        assert_eq!(
            missing("`oute.rs` and `crates/broker/src/{route,gone}.rs`"),
            ["oute.rs", "crates/broker/src/gone.rs"]
        );
        assert_eq!(missing("`vi crates/gone`"), ["crates/gone"]);
    }

    #[test]
    fn what_is_no_path_is_not_looked_at() {
        assert!(missing("gone.rs, `*.rs`, `$HOME/gone.rs`, `gone.conf`\n```\n`gone.rs`\n```\n").is_empty());
    }
}
