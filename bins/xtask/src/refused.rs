//! The lists of refused flags and keys in `docs/differences.md`, out of the tables that refuse them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::run;
use crate::splice::splice;
use crate::workspace::Workspace;

const PAGE: &str = "docs/differences.md";
const BEGIN: &str = "<!-- refused:begin -->";
const END: &str = "<!-- refused:end -->";

/// Rewrites the lists in place.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let (path, _, fresh) = page(workspace)?;
    fs::write(&path, fresh).with_context(|| format!("writing {}", path.display()))
}

/// Fails when the lists differ from what `write` would put there.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let (path, text, fresh) = page(workspace)?;
    ensure!(text == fresh, "the lists in {} are stale: run `cargo xtask refused`", path.display());
    Ok(())
}

/// The page, its text, and what the text should be.
fn page(workspace: &Workspace) -> Result<(PathBuf, String, String)> {
    let path = workspace.root.join(PAGE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut print = Command::new("cargo");
    print.args(["run", "--quiet", "-p", "buster-server-options", "--example", "refused"]);
    let lists = run::output_of(print.current_dir(&workspace.root))?;
    let fresh = splice(&text, BEGIN, END, &lists)
        .with_context(|| format!("{PAGE} needs the markers {BEGIN} and {END}, in this order"))?;
    Ok((path, text, fresh))
}
