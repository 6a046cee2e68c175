//! The server of another commit, built once below `target/baseline` and kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::compare::servers::Server;
use crate::run;
use crate::workspace::Workspace;

/// As git shortens hashes here.
const SHORT: usize = 7;

/// A commit and its server.
pub(crate) struct Kept {
    hash: String,
    path: PathBuf,
}

impl Kept {
    pub(crate) fn short(&self) -> &str {
        &self.hash[..SHORT]
    }

    pub(crate) fn server(&self) -> Result<Server> {
        let mut server = Server::ours(self.path.clone())?;
        server.name = format!("baseline {}", self.short());
        Ok(server)
    }
}

/// Builds the server of `commit`, unless it has been built before.
pub(crate) fn build(workspace: &Workspace, commit: &str) -> Result<Kept> {
    let hash = hash_of(&workspace.root, commit)?;
    let home = workspace.root.join("target/baseline");
    let kept = Kept { path: home.join(&hash).join("buster-server"), hash };
    if kept.path.is_file() {
        return Ok(kept);
    }
    println!("building the server of {}", kept.short());
    let tree = check_out(&workspace.root, &home.join("tree"), &kept.hash)?;
    let target = home.join("target");
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--locked", "-p", "buster-server", "--target-dir"]).arg(&target);
    run::run(build.current_dir(&tree))?;
    keep(&target.join("release/buster-server"), &kept.path)?;
    Ok(kept)
}

/// The whole hash of what git knows as `commit`.
fn hash_of(root: &Path, commit: &str) -> Result<String> {
    let mut ask = git(root);
    ask.args(["rev-parse", "--verify", "--quiet", &format!("{commit}^{{commit}}")]);
    let hash = run::output_of(&mut ask).with_context(|| {
        format!("this clone has no commit {commit}; `git fetch --unshallow` may bring it")
    })?;
    Ok(hash.trim().to_owned())
}

/// A clone of `root` at `tree` that shares its objects, with the files of `hash`.
fn check_out(root: &Path, tree: &Path, hash: &str) -> Result<PathBuf> {
    let knows = run::succeeds(git(tree).args(["cat-file", "-e", hash]));
    if !(tree.is_dir() && knows?) {
        if tree.exists() {
            fs::remove_dir_all(tree).with_context(|| format!("removing {}", tree.display()))?;
        }
        let mut clone = Command::new("git");
        clone.args(["clone", "--quiet", "--shared", "--no-checkout"]).args([root, tree]);
        run::run(&mut clone)?;
    }
    run::run(git(tree).args(["checkout", "--quiet", "--force", "--detach", hash]))?;
    Ok(tree.to_owned())
}

/// Complete or not at all, so that half a file is never taken for a server.
fn keep(built: &Path, place: &Path) -> Result<()> {
    let folder = place.parent().context("a kept server lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let half = place.with_extension("half");
    fs::copy(built, &half).with_context(|| format!("copying {}", built.display()))?;
    fs::rename(&half, place).with_context(|| format!("keeping {}", place.display()))
}

fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder);
    git
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with two commits of one file; their hashes.
    fn repository(root: &Path) -> [String; 2] {
        run::run(Command::new("git").args(["init", "--quiet"]).arg(root)).unwrap();
        ["old", "new"].map(|text| {
            fs::write(root.join("file"), text).unwrap();
            run::run(git(root).args(["add", "file"])).unwrap();
            let author = ["-c", "user.name=x", "-c", "user.email=x@x"];
            run::run(git(root).args(author).args(["commit", "--quiet", "-m", text])).unwrap();
            hash_of(root, "HEAD").unwrap()
        })
    }

    #[test]
    fn any_commit_is_checked_out_again_and_again() {
        let folder = tempfile::tempdir().unwrap();
        let (root, tree) = (folder.path().join("root"), folder.path().join("tree"));
        let [old, new] = repository(&root);
        for (hash, text) in [(&old, "old"), (&new, "new"), (&old, "old")] {
            check_out(&root, &tree, hash).unwrap();
            assert_eq!(fs::read_to_string(tree.join("file")).unwrap(), text);
        }
        // What is left of a clone that cannot be used makes way.
        fs::remove_dir_all(tree.join(".git")).unwrap();
        check_out(&root, &tree, &new).unwrap();
        assert_eq!(fs::read_to_string(tree.join("file")).unwrap(), "new");
    }

    #[test]
    fn a_commit_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let [old, _] = repository(folder.path());
        assert_eq!(hash_of(folder.path(), &old[..SHORT]).unwrap(), old);
        let error = hash_of(folder.path(), "0123456").unwrap_err().to_string();
        assert!(error.starts_with("this clone has no commit 0123456;"), "{error}");
    }

    #[test]
    fn a_server_is_kept_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (built, place) = (folder.path().join("built"), folder.path().join("a/b/server"));
        fs::write(&built, "server").unwrap();
        keep(&built, &place).unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "server");
        assert_eq!(fs::read_dir(place.parent().unwrap()).unwrap().count(), 1);
        assert!(keep(&folder.path().join("nothing"), &place).is_err());
    }
}
