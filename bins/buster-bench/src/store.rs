//! The directory of a server that keeps something: fresh for each run, and gone with it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

use crate::output;

/// Runs of a process that was killed leave theirs behind, and its number comes again one day.
const NAMES_TRIED_MAX: u32 = 1000;

/// How many this process made or tried to.
static MADE: AtomicU32 = AtomicU32::new(0);

#[derive(Debug)]
pub(crate) struct Store(PathBuf);

impl Store {
    /// Makes one below the system's directory for what is temporary.
    pub(crate) fn fresh() -> Result<Self> {
        for _ in 0..NAMES_TRIED_MAX {
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("buster-bench-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("making {}", path.display())),
            }
        }
        bail!("no name is free for a directory below {}", std::env::temp_dir().display())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            output::note(format_args!("buster-bench: {} stays behind: {error}", self.0.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_fresh_and_goes_with_all_it_holds() {
        let (one, other) = (Store::fresh().unwrap(), Store::fresh().unwrap());
        assert_ne!(one.path(), other.path());
        fs::create_dir(one.path().join("stream")).unwrap();
        fs::write(one.path().join("stream/1.blk"), b"kept").unwrap();
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists() && other.path().is_dir());
    }
}
