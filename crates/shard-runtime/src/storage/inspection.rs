//! A store directory that is only looked at.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use log_crypt::Keychain;
use log_format::Item;
use stream_log::{Config, NodeFile, Recovery, Report};

use super::files::LogFiles;
use super::folder::{NODE_FILE, StoreError, check_names, found_logs, lock, log_folder, recover};
use super::store_keys::{self, StoreKeys};

/// A store as it lies there. Nothing of it is changed, and no server opens it before this is dropped.
#[derive(Debug)]
pub struct Inspection {
    folder: PathBuf,
    node: NodeFile,
    keys: Option<StoreKeys>,
    /// Held locked.
    _lock: File,
}

impl Inspection {
    /// Looks at `jetstream` below a directory, with the keys that it may be encrypted with.
    ///
    /// # Errors
    /// It is not there, in use, or not a store of this server; or it takes another key.
    pub fn open(store_dir: &Path, given: &Keychain) -> Result<Self, StoreError> {
        let folder = store_dir.join("jetstream");
        let lock = lock(&folder)?;
        check_names(&folder)?;
        let path = folder.join(NODE_FILE);
        let text = fs::read(&path).map_err(|error| StoreError::Io { path: path.clone(), error })?;
        let mut node = NodeFile::parse(&text).map_err(|error| StoreError::NodeFile { path, error })?;
        node.logs = node.logs.max(found_logs(&folder)?);
        let keys = StoreKeys::settle(&folder, &mut node.clone(), given)?;
        Ok(Self { folder, node, keys, _lock: lock })
    }

    /// What is looked at.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the store says of itself.
    pub fn node(&self) -> &NodeFile {
        &self.node
    }

    /// What a start would find of a log that read all of it. `sink` takes its records, as
    /// [`Store::recover`](super::Store::recover) has it.
    ///
    /// # Errors
    /// No log can be made of the files.
    pub fn log(&self, log: usize, sink: &mut dyn FnMut(Item<'_>)) -> Result<Report, StoreError> {
        let folder = log_folder(&self.folder, log);
        let files = LogFiles::of(folder.clone(), store_keys::of_log(self.keys.as_ref(), log));
        let config = Config::new(self.node.store, log as u32);
        let ends = self.node.ends(log);
        let start = |files| Recovery::reading_all(config, files).expecting(&ends);
        let (_, report) = recover(&files, &folder, start, sink)?;
        Ok(report)
    }
}
