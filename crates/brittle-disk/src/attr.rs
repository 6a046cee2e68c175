//! What is told of a file or folder.

use std::time::SystemTime;

/// File or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
}

/// What `stat` tells. Not part of a cut: these stay as they are.
#[derive(Clone, Debug)]
pub struct Attr {
    /// File or folder.
    pub kind: Kind,
    /// Bytes; 0 of a folder.
    pub len: u64,
    /// Bytes it takes on the disk.
    pub taken: u64,
    /// Names it has.
    pub links: u32,
    /// Permission bits.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its owner's group.
    pub gid: u32,
    /// When it was changed last.
    pub changed: SystemTime,
}
