//! The man page and the completions, which are made of the server's flag table.
//!
//! The server's own crate prints them, in a process of its own: the other chores need not wait until it
//! is built.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;
use crate::workspace::Workspace;

/// What to ask for, and where it goes.
const FILES: [(&str, &str); 4] = [
    ("man", "docs/man/buster-server.1"),
    ("bash", "docs/completions/buster-server.bash"),
    ("zsh", "docs/completions/_buster-server"),
    ("fish", "docs/completions/buster-server.fish"),
];

pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    for (kind, path) in FILES {
        let path = workspace.root.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        }
        fs::write(&path, generate(workspace, kind)?).with_context(|| format!("write {}", path.display()))?;
    }
    println!("reference: {} files written", FILES.len());
    Ok(())
}

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    for (kind, path) in FILES {
        let text = fs::read_to_string(workspace.root.join(path)).with_context(|| format!("read {path}"))?;
        if text != generate(workspace, kind)? {
            bail!("{path} is stale; run `cargo xtask reference`");
        }
    }
    println!("reference: {} files fresh", FILES.len());
    Ok(())
}

fn generate(workspace: &Workspace, kind: &str) -> Result<String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "-p", "buster-server-options", "--example", "reference", kind]);
    run::output_of(command.current_dir(&workspace.root))
}
