//! What files and folders are called inside.

/// Number of a file or folder. None is used twice.
pub type Ino = u64;

/// The folder that is mounted.
pub const ROOT: Ino = 1;
