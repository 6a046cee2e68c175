//! What a suite finds around it: a server called nats-server, an empty home and a place for files.
//!
//! All of it lies in `target/suites`. A suite is a process group of its own with a deadline, so
//! that neither it nor a server that it forgot outlives the run.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::run::describe;

/// Several times what the longest file takes with nats-server.
const FILE_DEADLINE: Duration = Duration::from_secs(20 * 60);

/// How often a running suite is looked at.
const GLANCE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Stage {
    dir: PathBuf,
}

impl Stage {
    /// Lays out `dir` afresh, with `server` and the `flags` it always gets.
    pub(crate) fn set(dir: &Path, server: &Path, flags: &[String]) -> Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("clearing {}", dir.display()))?;
        }
        for name in ["bin", "home", "logs", "tmp"] {
            fs::create_dir_all(dir.join(name))?;
        }
        let server = server.canonicalize().with_context(|| format!("no server at {}", server.display()))?;
        let name = dir.join("bin/nats-server");
        if flags.is_empty() {
            symlink(server, name)?;
        } else {
            fs::write(&name, wrapper(&server, flags))?;
            fs::set_permissions(&name, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { dir: dir.to_owned() })
    }

    /// Runs `suite` to its end or to the deadline and returns what it wrote to stdout. What it
    /// wrote stays in `logs`. A suite fails by what it says, not by its exit code.
    pub(crate) fn run(&self, name: &str, suite: &mut Command) -> Result<String> {
        let log = self.log(name);
        let path = env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(self.dir.join("bin")).chain(env::split_paths(&path));
        suite
            .env("PATH", env::join_paths(dirs)?)
            .env("HOME", self.dir.join("home"))
            .env("TMPDIR", self.dir.join("tmp"))
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::create(log.with_extension("err"))?)
            .process_group(0);
        let mut child = suite.spawn().with_context(|| format!("cannot start `{}`", describe(suite)))?;
        let ended = wait(&mut child, FILE_DEADLINE);
        // The suite is over, or has to be; its servers too.
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        child.wait()?;
        if !ended? {
            println!("  {name} did not end within {} minutes", FILE_DEADLINE.as_secs() / 60);
        }
        // Servers may have written what is no text.
        Ok(String::from_utf8_lossy(&fs::read(log)?).into_owned())
    }

    /// Where the output of the suite's file `name` goes.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{name}.log"))
    }
}

/// A script that starts `server` under the name nats-server with `flags` before all others.
fn wrapper(server: &Path, flags: &[String]) -> String {
    format!("#!/bin/bash\nexec -a nats-server '{}' {} \"$@\"\n", server.display(), flags.join(" "))
}

/// Whether `child` ended by itself within `deadline`.
fn wait(child: &mut Child, deadline: Duration) -> Result<bool> {
    let start = Instant::now();
    while start.elapsed() < deadline {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        thread::sleep(GLANCE);
    }
    Ok(false)
}
