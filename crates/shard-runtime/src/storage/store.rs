//! The store directory: whose it is, which logs it has, and opening them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use log_format::{Place, Record};
use nats_proto::error_words;
use rustix::fs::{Access, FlockOperation, flock};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use rustix::thread::{CpuSet, sched_getaffinity};
use stream_log::{
    Config, Log, NoLog, NoNodeFile, NodeFile, READS_MAX, Recovery, Report, Request, Span, SyncWhen,
};
use thiserror::Error;

use super::files::{LogFiles, make_folder, sync_folder};
use super::hot::HotFiles;
use super::meter::Meter;
use super::writer::Writer;
use super::{Job, Storage, Tell, chores, readers, threads, writer};

pub(super) const NODE_FILE: &str = "node.json";
const FRESH_NODE_FILE: &str = "node.json.new";
const LOGS: &str = "logs";

/// How many logs a store may have: each has a thread, and more shards are not to be expected.
const LOGS_MAX: u32 = 4096;

/// Where the kernel says which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

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
    /// The files of a log are not to be read.
    #[error("{folder}: {error}", folder = folder.display())]
    Log {
        /// The log's folder.
        folder: PathBuf,
        /// Why.
        error: NoLog,
    },
}

/// An open store directory. No other server opens it before this is dropped.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    node: Mutex<NodeFile>,
    /// Logs that have yet to come to a clean stop.
    running: AtomicUsize,
    sync: SyncWhen,
    /// The cores the process may use, if the store was opened by a thread that may.
    cpus: Option<CpuSet>,
    reads: SyncSender<Job<Span>>,
    chores: SyncSender<Job<Request>>,
    makes: SyncSender<Job<Request>>,
    /// Of each log.
    meters: Vec<Meter>,
    /// Held locked.
    _lock: File,
}

impl Store {
    /// Opens `jetstream` below a directory, and makes it if it is not there. It has at least so many logs from then on, and
    /// all that it had. To be called by a thread that may use all cores of the process.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(store_dir: &Path, logs: usize, sync: SyncWhen) -> Result<Self, StoreError> {
        let folder = store_dir.join("jetstream");
        let failed = |error| StoreError::Io { path: folder.clone(), error };
        make(&folder)?;
        let lock = lock(&folder)?;
        check_names(&folder)?;
        let mut node = read_node(&folder, logs)?;
        node.logs = node.logs.max(logs as u32).max(found_logs(&folder)?);
        let boot = fs::read_to_string(BOOT_ID).unwrap_or_default();
        node.open(boot.trim());
        write_node(&folder, &node)?;
        let cpus = sched_getaffinity(None).ok();
        let ForAll { reads, chores, makes } = start_threads(cpus, node.logs).map_err(failed)?;
        let meters = (0..node.logs).map(|_| Meter::default()).collect();
        let running = AtomicUsize::new(node.logs as usize);
        Ok(Self {
            folder,
            node: Mutex::new(node),
            running,
            sync,
            cpus,
            reads,
            chores,
            makes,
            meters,
            _lock: lock,
        })
    }

    /// How many logs there are. A server with fewer shards has several on some of them.
    pub fn logs(&self) -> usize {
        self.node().logs as usize
    }

    /// What is written to each of them.
    pub fn meters(&self) -> &[Meter] {
        &self.meters
    }

    /// What the store says of itself.
    pub fn node(&self) -> NodeFile {
        self.node.lock().expect("nothing panics that holds it").clone()
    }

    /// So many of the store's logs came to a clean stop. Once all have, that is written down.
    ///
    /// # Errors
    /// That could not be done.
    pub fn on_stopped(&self, logs: usize) -> Result<(), StoreError> {
        if self.running.fetch_sub(logs, Ordering::AcqRel) > logs {
            return Ok(());
        }
        let mut node = self.node.lock().expect("nothing panics that holds it");
        node.stopped = true;
        write_node(&self.folder, &node)
    }

    /// Finds a log again. `sink` takes its records, each with its place, in the order in which they were appended; see
    /// [`Recovery`]. Waits for the disk.
    ///
    /// # Errors
    /// No log can be made of the files.
    pub fn recover(
        &self,
        log: usize,
        sink: &mut dyn FnMut(Place, &Record<'_>),
    ) -> Result<(Log, Report), StoreError> {
        let mut config = Config::new(self.node().store, log as u32);
        config.sync = self.sync;
        recover(&self.files(log)?, &self.log_folder(log), config, sink)
    }

    /// Starts what carries out a log's requests. `tell` hears what came of them, on other threads.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(&self, log: usize, tell: Tell) -> Result<Storage, StoreError> {
        let files = Arc::new(self.files(log)?);
        // One that is written, and one behind it.
        let (writes, to_write) = sync_channel(2);
        let thread = Writer::new(Arc::clone(&files), Arc::clone(&tell), self.meters[log].clone());
        threads::spawn(writer::NAME, self.cpus, move || thread.run(&to_write))
            .map_err(|error| StoreError::Io { path: self.log_folder(log), error })?;
        Ok(Storage {
            files,
            hot: HotFiles::default(),
            tell,
            writes,
            reads: self.reads.clone(),
            chores: self.chores.clone(),
            makes: self.makes.clone(),
        })
    }

    fn files(&self, log: usize) -> Result<LogFiles, StoreError> {
        let folder = self.log_folder(log);
        LogFiles::open(folder.clone()).map_err(|error| StoreError::Io { path: folder, error })
    }

    fn log_folder(&self, log: usize) -> PathBuf {
        log_folder(&self.folder, log)
    }
}

/// Where the files of a log are, in the folder of the store.
pub(super) fn log_folder(store: &Path, log: usize) -> PathBuf {
    store.join(LOGS).join(log.to_string())
}

/// Makes a log of the files in a folder.
pub(super) fn recover(
    files: &LogFiles,
    folder: &Path,
    config: Config,
    sink: &mut dyn FnMut(Place, &Record<'_>),
) -> Result<(Log, Report), StoreError> {
    let listed = files.list().map_err(|error| StoreError::Io { path: folder.to_owned(), error })?;
    let mut recovery = Recovery::new(config, listed);
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
fn make(folder: &Path) -> Result<(), StoreError> {
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

/// What leads to the threads that serve all logs.
struct ForAll {
    reads: SyncSender<Job<Span>>,
    chores: SyncSender<Job<Request>>,
    makes: SyncSender<Job<Request>>,
}

fn start_threads(cpus: Option<CpuSet>, logs: u32) -> io::Result<ForAll> {
    let (reads, to_read) = sync_channel(READS_MAX * logs as usize);
    let to_read = Arc::new(Mutex::new(to_read));
    for _ in 0..readers::READERS {
        let to_read = Arc::clone(&to_read);
        threads::spawn(readers::NAME, cpus, move || readers::run(&to_read))?;
    }
    let (chores, to_do) = sync_channel(chores::CHORES_MAX);
    threads::spawn(chores::NAME, cpus, move || chores::run(&to_do))?;
    // Each log has one made at a time.
    let (makes, to_make) = sync_channel(logs as usize);
    threads::spawn(chores::NAME, cpus, move || chores::run(&to_make))?;
    Ok(ForAll { reads, chores, makes })
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

fn read_node(folder: &Path, logs: usize) -> Result<NodeFile, StoreError> {
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
fn write_node(folder: &Path, node: &NodeFile) -> Result<(), StoreError> {
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
