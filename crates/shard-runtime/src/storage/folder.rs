//! The folder of a store: what may be in it, whose it is, and what can go wrong with it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use log_format::Item;
use nats_proto::error_words;
use rustix::fs::{Access, FlockOperation, flock};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use stream_log::{Log, NoLog, NoNodeFile, NodeFile, Recovery, Report};
use thiserror::Error;

use super::files::{LogFiles, make_folder, sync_folder};

pub(super) const NODE_FILE: &str = "node.json";
const FRESH_NODE_FILE: &str = "node.json.new";
const LOGS: &str = "logs";

/// How many logs a store may have: each has a thread, and more shards are not to be expected.
const LOGS_MAX: u32 = 4096;

/// A store directory that cannot be used. Nothing in it was changed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Something of it cannot be read or written.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is none, and it cannot be made.
    #[error("could not create storage directory - mkdir {}: {}", path.display(), error_words(error))]
    NotMade {
        /// The first folder that is missing.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is something else.
    #[error("storage directory is not a directory")]
    NotAFolder,
    /// Nothing can be written there.
    #[error("storage directory is not writable")]
    NotWritable,
    /// Another server uses it.
    #[error("store directory {} is in use by another server", .0.display())]
    InUse(PathBuf),
    /// It has something in it that this server did not put there: another server's streams, perhaps.
    #[error("store directory {} has {name:?} in it, which this server did not write", folder.display())]
    Foreign {
        /// The directory.
        folder: PathBuf,
        /// What is in it.
        name: String,
    },
    /// There are logs, and nothing that says whose they are.
    #[error("store directory {} has logs, but no {NODE_FILE}", .0.display())]
    NoNodeFile(PathBuf),
    /// What the store says of itself cannot be read.
    #[error("{path}: {error}", path = path.display())]
    NodeFile {
        /// The file.
        path: PathBuf,
        /// Why.
        error: NoNodeFile,
    },
    /// A log came to a clean stop, and its files are not all there.
    #[error(
        "{} is missing, which was there when the server was stopped: put it back, or set \"stopped\" to false in \
         {NODE_FILE} to go on without what is in it",
        .0.display()
    )]
    Missing(PathBuf),
    /// A file is encrypted, and no key was given. In nats-server's words.
    #[error("encryption not enabled: {} is encrypted", .0.display())]
    NoKey(PathBuf),
    /// A file is encrypted with a key that is none of those given. In nats-server's words.
    #[error("unable to recover keys: {} is encrypted with another key", .0.display())]
    OtherKey(PathBuf),
    /// The files of a log are not to be read.
    #[error("{folder}: {error}", folder = folder.display())]
    Log {
        /// The log's folder.
        folder: PathBuf,
        /// Why.
        error: NoLog,
    },
}

/// Where the files of a log are, in the folder of the store.
pub(super) fn log_folder(store: &Path, log: usize) -> PathBuf {
    store.join(LOGS).join(log.to_string())
}

/// Makes a log of the files in a folder.
pub(super) fn recover(
    files: &LogFiles,
    folder: &Path,
    start: impl FnOnce(Vec<(u32, u64)>) -> Recovery,
    sink: &mut dyn FnMut(Item<'_>),
) -> Result<(Log, Report), StoreError> {
    let listed = files.list().map_err(|error| StoreError::Io { path: folder.to_owned(), error })?;
    let mut recovery = start(listed);
    while let Some(span) = recovery.want() {
        let taken = recovery.on_bytes(files.read(span), sink);
        taken.map_err(|error| StoreError::Log { folder: folder.to_owned(), error })?;
    }
    Ok(recovery.finish())
}

/// Sees to it that nobody else uses the folder as long as what is returned is there.
pub(super) fn lock(folder: &Path) -> Result<File, StoreError> {
    let failed = |error| StoreError::Io { path: folder.to_owned(), error };
    let lock = File::open(folder).map_err(failed)?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(StoreError::InUse(folder.to_owned())),
        locked => locked.map(|()| lock).map_err(|error| failed(error.into())),
    }
}

/// Makes the folder if there is none. What goes wrong is said in nats-server's words.
pub(super) fn make(folder: &Path) -> Result<(), StoreError> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => {
            let is_writable = rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK);
            is_writable.map_err(|_| StoreError::NotWritable)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let missing = folder.ancestors().take_while(|one| !one.exists()).last();
            let path = missing.unwrap_or(folder).to_owned();
            make_folder(folder).map_err(|error| StoreError::NotMade { path, error })
        }
        _ => Err(StoreError::NotAFolder),
    }
}

/// Nothing is touched in a directory that has something foreign in it.
pub(super) fn check_names(folder: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::Io { path: folder.to_owned(), error };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if ![NODE_FILE, FRESH_NODE_FILE, LOGS].iter().any(|ours| name == **ours) {
            let name = name.to_string_lossy().into_owned();
            return Err(StoreError::Foreign { folder: folder.to_owned(), name });
        }
    }
    Ok(())
}

/// What is gone as a whole may be put back, but not once others have taken its place.
pub(super) fn check_segments(folder: &Path, node: &NodeFile) -> Result<(), StoreError> {
    for log in 0..node.logs as usize {
        let files = LogFiles::of(log_folder(folder, log), None);
        let mut expected = node.ends(log).into_keys().map(|number| files.path(number));
        let is_there = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.len() > 0);
        if let Some(path) = expected.find(|path| !is_there(path)) {
            return Err(StoreError::Missing(path));
        }
    }
    Ok(())
}

pub(super) fn read_node(folder: &Path, logs: usize) -> Result<NodeFile, StoreError> {
    let path = folder.join(NODE_FILE);
    match fs::read(&path) {
        Ok(text) => NodeFile::parse(&text).map_err(|error| StoreError::NodeFile { path, error }),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::Io { path, error }),
        Err(_) if folder.join(LOGS).exists() => Err(StoreError::NoNodeFile(folder.to_owned())),
        Err(_) => {
            let (store, node) = random_ids().map_err(|error| StoreError::Io { path, error })?;
            Ok(NodeFile::new(store, node, logs as u32))
        }
    }
}

/// How many logs there are by their folders: up to the one with the highest number.
pub(super) fn found_logs(folder: &Path) -> Result<u32, StoreError> {
    let path = folder.join(LOGS);
    let failed = |error| StoreError::Io { path: path.clone(), error };
    let entries = match fs::read_dir(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(failed)?,
    };
    let mut found = 0;
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let number = name.to_str().and_then(|name| name.parse::<u32>().ok());
        // What is named otherwise is left alone.
        if let Some(number) = number.filter(|number| *number < LOGS_MAX && *name == *number.to_string()) {
            found = found.max(number + 1);
        }
    }
    Ok(found)
}

/// Written whole, then put in place.
pub(super) fn write_node(folder: &Path, node: &NodeFile) -> Result<(), StoreError> {
    let (fresh, path) = (folder.join(FRESH_NODE_FILE), folder.join(NODE_FILE));
    let write = || {
        let mut file = File::create(&fresh)?;
        file.write_all(node.text().as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        sync_folder(folder)
    };
    write().map_err(|error| StoreError::Io { path: path.clone(), error })
}

fn random_ids() -> io::Result<([u8; 16], u64)> {
    let mut bytes = [0; 24];
    if getrandom(&mut bytes[..], GetRandomFlags::empty())? != bytes.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let (store, node) = bytes.split_first_chunk().expect("there are 24 bytes");
    Ok((*store, u64::from_ne_bytes(node.try_into().expect("there are 8 left"))))
}
