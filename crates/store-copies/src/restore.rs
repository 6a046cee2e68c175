//! Streams of a backup, brought to a server.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use crate::backup::{ARCHIVE_FILE, META_FILE};
use crate::sending::Sending;
use crate::{Copied, CopyError, Link, Outcome, Tell};

/// Bytes of an archive that are read at a time.
const READ_AT_ONCE: usize = 128 << 10;

/// Makes each stream of a backup that is in the folder. A stream whose name is taken is left as it is, and its [`Outcome`] says so.
/// `tell` hears what came of each once it is known.
///
/// # Errors
/// The folder cannot be read, or has no backup in it.
pub fn restore(link: &mut Link, folder: &Path, tell: Tell<'_>) -> Result<(), CopyError> {
    let mut streams = folders(folder)?;
    streams.retain(|stream| folder.join(stream).join(META_FILE).is_file());
    if streams.is_empty() {
        return Err(CopyError::bad_file(folder, "there is no backup of a stream in it"));
    }
    for stream in streams {
        let result = restore_stream(link, &stream, &folder.join(&stream));
        tell(&Outcome { stream, result });
    }
    Ok(())
}

/// The names of the folders in a folder, in order.
pub(crate) fn folders(folder: &Path) -> Result<Vec<String>, CopyError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(CopyError::file(folder))? {
        let entry = entry.map_err(CopyError::file(folder))?;
        if entry.path().is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn restore_stream(link: &mut Link, stream: &str, folder: &Path) -> Result<Copied, CopyError> {
    let path = folder.join(META_FILE);
    let meta = fs::read(&path).map_err(CopyError::file(&path))?;
    let meta: Value = serde_json::from_slice(&meta).map_err(|error| CopyError::bad_file(&path, error))?;
    let path = folder.join(ARCHIVE_FILE);
    let mut archive = File::open(&path).map_err(CopyError::file(&path))?;
    Sending::whole(link, stream, &meta["config"], |sending| {
        let mut buffer = vec![0; READ_AT_ONCE];
        loop {
            match archive.read(&mut buffer).map_err(CopyError::file(&path))? {
                0 => return Ok(()),
                len => sending.write(&buffer[..len])?,
            }
        }
    })
}
