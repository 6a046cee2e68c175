//! Debian's packages, for what a check needs and the machine lacks.

use std::process::Command;

use anyhow::{Context, Result};

use crate::run;

/// Installs `packages`, or says what is missing.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let apt_get =
        |args: &[&str]| run::run(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"));
    let words: Vec<&str> =
        ["install", "-y", "--no-install-recommends"].into_iter().chain(packages.iter().copied()).collect();
    // A fresh machine may know of no packages yet.
    let outcome = apt_get(&words).or_else(|_| apt_get(&["update"]).and_then(|()| apt_get(&words)));
    outcome.with_context(|| format!("install {}", packages.join(" ")))
}
