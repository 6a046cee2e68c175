//! An open store: the logs it has, and the threads that serve them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use log_crypt::Keychain;
use log_format::Item;
use rustix::thread::{CpuSet, sched_getaffinity};
use stream_log::{Config, Log, NodeFile, READS_MAX, Recovery, Report, Request, Span, SyncWhen};

use super::files::LogFiles;
use super::folder::{
    StoreError, check_names, check_segments, found_logs, lock, log_folder, make, read_node, recover,
    write_node,
};
use super::hot::HotFiles;
use super::keys::LogKeys;
use super::meter::Meter;
use super::overwriting::mend;
use super::store_keys::{self, StoreKeys};
use super::writer::Writer;
use super::{Job, Storage, Tell, chores, readers, threads, writer};

/// Where the kernel says which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// An open store directory. No other server opens it before this is dropped.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    node: Mutex<NodeFile>,
    /// Logs that have yet to come to a clean stop.
    running: AtomicUsize,
    sync: SyncWhen,
    /// The key that segments are encrypted with from now on; 0: none.
    key: u32,
    /// Of each log.
    keys: Vec<Option<Arc<LogKeys>>>,
    /// The cores the process may use, if the store was opened by a thread that may.
    cpus: Option<CpuSet>,
    reads: SyncSender<Job<Span>>,
    chores: SyncSender<Job<Request>>,
    makes: SyncSender<Job<Request>>,
    /// What it said when it was opened.
    found: NodeFile,
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
        Self::open_with(store_dir, logs, sync, &Keychain::default())
    }

    /// The same of a store that is encrypted, or was, or is to be.
    ///
    /// # Errors
    /// It cannot be used, or not with these keys. Then nothing of it was changed.
    pub fn open_with(
        store_dir: &Path,
        logs: usize,
        sync: SyncWhen,
        given: &Keychain,
    ) -> Result<Self, StoreError> {
        let folder = store_dir.join("jetstream");
        let failed = |error| StoreError::Io { path: folder.clone(), error };
        make(&folder)?;
        let lock = lock(&folder)?;
        check_names(&folder)?;
        let mut node = read_node(&folder, logs)?;
        check_segments(&folder, &node)?;
        let found = node.clone();
        node.logs = node.logs.max(logs as u32).max(found_logs(&folder)?);
        let keys = StoreKeys::settle(&folder, &mut node, given)?;
        let boot = fs::read_to_string(BOOT_ID).unwrap_or_default();
        node.open(boot.trim());
        write_node(&folder, &node)?;
        let cpus = sched_getaffinity(None).ok();
        let ForAll { reads, chores, makes } = start_threads(cpus, node.logs).map_err(failed)?;
        let meters = (0..node.logs).map(|_| Meter::default()).collect();
        let key = keys.as_ref().map_or(0, StoreKeys::current);
        let keys = (0..node.logs as usize).map(|log| store_keys::of_log(keys.as_ref(), log)).collect();
        let running = AtomicUsize::new(node.logs as usize);
        Ok(Self {
            folder,
            node: Mutex::new(node),
            found,
            running,
            sync,
            key,
            keys,
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

    /// Some of the store's logs came to a clean stop, with segments that [end there](stream_log::Log::ends). Once all have,
    /// that is written down.
    ///
    /// # Errors
    /// That could not be done.
    pub fn on_stopped(&self, logs: Vec<(u32, BTreeMap<u32, u32>)>) -> Result<(), StoreError> {
        let count = logs.len();
        let mut node = self.node.lock().expect("nothing panics that holds it");
        for (log, ends) in logs {
            node.note_ends(log as usize, ends);
        }
        if self.running.fetch_sub(count, Ordering::AcqRel) > count {
            return Ok(());
        }
        node.stopped = true;
        write_node(&self.folder, &node)
    }

    /// Finds a log again. `sink` takes its records, as [`Recovery`](stream_log::Recovery) hands them out. Waits for the
    /// disk.
    ///
    /// # Errors
    /// No log can be made of the files.
    pub fn recover(&self, log: usize, sink: &mut dyn FnMut(Item<'_>)) -> Result<(Log, Report), StoreError> {
        let mut config = Config::new(self.node().store, log as u32);
        (config.sync, config.key) = (self.sync, self.key);
        let folder = self.log_folder(log);
        let files = self.files(log)?;
        if self.keys[log].is_some() {
            mend(&files, &folder).map_err(|error| StoreError::Io { path: folder.clone(), error })?;
        }
        let ends = self.found.ends(log);
        let start = |files| Recovery::new(config, files).expecting(&ends);
        recover(&files, &folder, start, sink)
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
        let keys = self.keys[log].clone();
        LogFiles::open(folder.clone(), keys).map_err(|error| StoreError::Io { path: folder, error })
    }

    fn log_folder(&self, log: usize) -> PathBuf {
        log_folder(&self.folder, log)
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
