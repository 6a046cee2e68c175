//! The bodies of the fuzz targets, so that a saved crash becomes a unit test by calling them with the saved bytes.

mod first_bytes;
mod web_bytes;

pub use first_bytes::first_bytes;
pub use web_bytes::web_bytes;
