//! What was done and is not synced yet.

use std::ffi::OsString;

use crate::Ino;
use crate::names::Names;
use crate::pages::Pages;

/// A change of a file's bytes.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Its place in the order of all changes of the disk.
    pub(crate) order: u64,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Write {
        offset: u64,
        bytes: Vec<u8>,
    },
    Len(u64),
    /// A range becomes zeros.
    Clear {
        offset: u64,
        len: u64,
    },
    /// A range gets room.
    Reserve {
        offset: u64,
        len: u64,
    },
}

impl Change {
    pub(crate) fn apply(&self, pages: &mut Pages) {
        match &self.what {
            What::Write { offset, bytes } => pages.write(*offset, bytes),
            What::Len(len) => pages.set_len(*len),
            What::Clear { offset, len } => pages.clear(*offset, *len),
            What::Reserve { offset, len } => pages.reserve(*offset, *len),
        }
    }

    /// Memory it takes, about.
    pub(crate) fn cost(&self) -> u64 {
        const ITSELF: u64 = 64;
        match &self.what {
            What::Write { bytes, .. } => ITSELF + bytes.len() as u64,
            _ => ITSELF,
        }
    }
}

/// A change of names. Its steps happen together or not at all.
#[derive(Clone, Debug)]
pub(crate) struct NameChange {
    pub(crate) order: u64,
    pub(crate) steps: Vec<Step>,
    /// The file that was renamed over another.
    pub(crate) replaces_with: Option<Ino>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Put {
        folder: Ino,
        name: OsString,
        ino: Ino,
    },
    /// Only if it is the name of this one: another may have it by then.
    Remove {
        folder: Ino,
        name: OsString,
        ino: Ino,
    },
}

impl Step {
    pub(crate) fn folder(&self) -> Ino {
        match self {
            Self::Put { folder, .. } | Self::Remove { folder, .. } => *folder,
        }
    }

    pub(crate) fn ino(&self) -> Ino {
        match self {
            Self::Put { ino, .. } | Self::Remove { ino, .. } => *ino,
        }
    }
}

impl NameChange {
    pub(crate) fn apply(&self, names: &mut Names) {
        for step in &self.steps {
            match step {
                Step::Put { folder, name, ino } => names.put(*folder, name, *ino),
                Step::Remove { folder, name, ino } => names.remove_if(*folder, name, *ino),
            }
        }
    }

    pub(crate) fn folders(&self) -> impl Iterator<Item = Ino> {
        self.steps.iter().map(Step::folder)
    }
}
