//! Which name in which folder is what.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::Ino;

/// The names of all folders.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Names(BTreeMap<Ino, BTreeMap<OsString, Ino>>);

impl Names {
    pub(crate) fn of(&self, folder: Ino, name: &OsStr) -> Option<Ino> {
        self.0.get(&folder)?.get(name).copied()
    }

    pub(crate) fn in_folder(&self, folder: Ino) -> impl Iterator<Item = (&OsString, Ino)> {
        self.0.get(&folder).into_iter().flatten().map(|(name, ino)| (name, *ino))
    }

    pub(crate) fn is_empty(&self, folder: Ino) -> bool {
        self.in_folder(folder).next().is_none()
    }

    pub(crate) fn put(&mut self, folder: Ino, name: &OsStr, ino: Ino) {
        self.0.entry(folder).or_default().insert(name.to_owned(), ino);
    }

    pub(crate) fn remove_if(&mut self, folder: Ino, name: &OsStr, ino: Ino) {
        if self.of(folder, name) == Some(ino) {
            self.remove(folder, name);
        }
    }

    fn remove(&mut self, folder: Ino, name: &OsStr) {
        if let Some(names) = self.0.get_mut(&folder) {
            names.remove(name);
            if names.is_empty() {
                self.0.remove(&folder);
            }
        }
    }

    /// Everything that has a name.
    pub(crate) fn named(&self) -> impl Iterator<Item = Ino> {
        self.0.values().flat_map(|names| names.values().copied())
    }
}
