//! The keys of a store: those it has been encrypted with, and those that the server was given.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use log_crypt::{Cipher, Keychain, StoreKey};
use stream_log::{NoNodeFile, NodeFile};

use super::files::LogFiles;
use super::folder::{NODE_FILE, StoreError, log_folder};
use super::keys::{LogKeys, Says, says};

/// The keys of a store that is encrypted, or was.
#[derive(Debug, Clone)]
pub(super) struct StoreKeys {
    store: [u8; 16],
    /// By the number that first pages have.
    keys: BTreeMap<u32, (StoreKey, Cipher)>,
    /// What new segments are encrypted with; 0: they are not.
    current: u32,
}

impl StoreKeys {
    /// Finds out which keys the store's files take, and notes in `node` which one is to be used from now on. `None`: none,
    /// now as before.
    ///
    /// # Errors
    /// There is a file that none of the keys opens. Nothing was changed.
    pub(super) fn settle(
        folder: &Path,
        node: &mut NodeFile,
        given: &Keychain,
    ) -> Result<Option<Self>, StoreError> {
        if node.keys.is_empty() && given.current.is_none() {
            return Ok(None);
        }
        let mut settled = Self { store: node.store, keys: known(folder, node, given)?, current: 0 };
        for log in 0..node.logs as usize {
            settled.check_log(&log_folder(folder, log), log as u32, node, given)?;
        }
        if let Some(secret) = &given.current {
            let key = secret.of_store(&node.store);
            settled.current = node.note_key(given.cipher.word(), key.check());
            settled.keys.insert(settled.current, (key, given.cipher));
        }
        Ok(Some(settled))
    }

    /// What new segments are encrypted with; 0: they are not.
    pub(super) fn current(&self) -> u32 {
        self.current
    }

    pub(super) fn of_log(&self, log: usize) -> LogKeys {
        LogKeys::new(self.store, log as u32, self.keys.clone(), self.current)
    }

    /// Whether each file of a log can be read.
    fn check_log(
        &self,
        folder: &Path,
        log: u32,
        node: &NodeFile,
        given: &Keychain,
    ) -> Result<(), StoreError> {
        let keys = self.of_log(log as usize);
        let files = LogFiles::of(folder.to_owned(), None);
        let failed = |path: &Path, error| StoreError::Io { path: path.to_owned(), error };
        let knows_all = node.keys.iter().all(|note| self.keys.contains_key(&note.id));
        for (number, _) in files.list().map_err(|error| failed(folder, error))? {
            let path = files.path(number);
            let can = |file: &File| -> io::Result<bool> {
                Ok(match says(self.store, number, file)? {
                    Says::Nothing | Says::Key(0) => true,
                    Says::Key(id) => self.keys.contains_key(&id),
                    Says::Unknown => knows_all || keys.opening(number, file)?.is_some(),
                })
            };
            let can_read = File::open(&path).and_then(|file| can(&file));
            if !can_read.map_err(|error| failed(&path, error))? {
                return Err(locked(path, given));
            }
        }
        Ok(())
    }
}

/// Those of the store's keys that the server was given.
fn known(
    folder: &Path,
    node: &NodeFile,
    given: &Keychain,
) -> Result<BTreeMap<u32, (StoreKey, Cipher)>, StoreError> {
    let keys: Vec<StoreKey> = given.secrets().map(|secret| secret.of_store(&node.store)).collect();
    let mut known = BTreeMap::new();
    for note in &node.keys {
        let cipher = Cipher::of_setting(&note.cipher).map_err(|error| StoreError::NodeFile {
            path: folder.join(NODE_FILE),
            error: NoNodeFile::Damaged(error.to_string()),
        })?;
        if let Some(key) = keys.iter().find(|key| key.check() == note.check) {
            known.insert(note.id, (key.clone(), cipher));
        }
    }
    Ok(known)
}

fn locked(path: PathBuf, given: &Keychain) -> StoreError {
    match given.secrets().next() {
        Some(_) => StoreError::OtherKey(path),
        None => StoreError::NoKey(path),
    }
}

/// What one log has of them.
pub(super) fn of_log(keys: Option<&StoreKeys>, log: usize) -> Option<Arc<LogKeys>> {
    keys.map(|keys| Arc::new(keys.of_log(log)))
}
