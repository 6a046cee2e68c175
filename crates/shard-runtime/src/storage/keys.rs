//! Which key each file of a log is encrypted with.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use log_crypt::{Cipher, PAGE_BYTES, SEALED_SECTOR_BYTES, SegmentKey, StoreKey};
use log_format::{BATCH_ALIGN, BatchHead, Salt, SegmentHead};

use super::files::read_raw;

/// Sectors that are tried where a file does not say what it is encrypted with.
const TRIED_SECTORS: usize = 64;

/// The keys of a store, as one of its logs has them.
#[derive(Debug)]
pub(super) struct LogKeys {
    store: [u8; 16],
    log: u32,
    /// By the number that first pages have; not 0.
    keys: BTreeMap<u32, (StoreKey, Cipher)>,
    /// What new segments are encrypted with; 0: they are not.
    current: u32,
    /// What is known of files, so that none is looked at twice. One for each file at most.
    known: Mutex<BTreeMap<u32, FileKey>>,
}

/// What a file is encrypted with.
#[derive(Debug, Clone)]
pub(super) struct FileKey {
    /// 0: with nothing.
    pub(super) id: u32,
    pub(super) key: Option<Arc<SegmentKey>>,
}

/// What the front of a file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// It is encrypted with that key; 0: with none.
    Key(u32),
    /// There is nothing in it that counts.
    Nothing,
    /// Something is in it, and its page is damaged.
    Unknown,
}

impl LogKeys {
    pub(super) fn new(
        store: [u8; 16],
        log: u32,
        keys: BTreeMap<u32, (StoreKey, Cipher)>,
        current: u32,
    ) -> Self {
        Self { store, log, keys, current, known: Mutex::default() }
    }

    pub(super) fn current(&self) -> u32 {
        self.current
    }

    /// What a file is encrypted with that is there.
    pub(super) fn of(&self, number: u32, path: &Path) -> io::Result<FileKey> {
        if let Some(known) = self.known().get(&number) {
            return Ok(known.clone());
        }
        let found = self.key(number, self.look(number, &File::open(path)?)?);
        self.known().insert(number, found.clone());
        Ok(found)
    }

    /// A file was made, for a segment to come.
    pub(super) fn on_made(&self, number: u32) {
        self.known().insert(number, self.key(number, self.current));
    }

    /// There is no file of that number any more.
    pub(super) fn on_gone(&self, number: u32) {
        self.known().remove(&number);
    }

    /// By its first page; where that is damaged, by what opens its sectors.
    fn look(&self, number: u32, file: &File) -> io::Result<u32> {
        match says(self.store, number, file)? {
            Says::Key(id) => Ok(id),
            Says::Nothing => Ok(self.current),
            Says::Unknown => Ok(self.opening(number, file)?.unwrap_or(self.current)),
        }
    }

    /// Which key opens what is behind the page of a file; 0: it is plain. `None`: none of these.
    pub(super) fn opening(&self, number: u32, file: &File) -> io::Result<Option<u32>> {
        let front = read_raw(file, PAGE_BYTES, TRIED_SECTORS * SEALED_SECTOR_BYTES)?;
        let salt = Salt::of_segment(&self.store, u64::from(number));
        if front.chunks(BATCH_ALIGN).any(|sector| BatchHead::read(sector, salt).is_ok()) {
            return Ok(Some(0));
        }
        let opens = |id: &u32| self.key(number, *id).key.is_some_and(|key| key.opens_any(0, &front));
        Ok(self.keys.keys().copied().find(opens))
    }

    fn key(&self, number: u32, id: u32) -> FileKey {
        let key = self.keys.get(&id).map(|(key, cipher)| key.of_segment(*cipher, self.log, number));
        FileKey { id, key: key.map(Arc::new) }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<u32, FileKey>> {
        self.known.lock().expect("nothing panics that holds it")
    }
}

/// What the front of a file says of its key.
pub(super) fn says(store: [u8; 16], number: u32, file: &File) -> io::Result<Says> {
    let page = read_raw(file, 0, PAGE_BYTES as usize)?;
    match SegmentHead::read(&page) {
        Ok(head) if head.number == u64::from(number) && head.store == store => Ok(Says::Key(head.key)),
        // Of another life, or of another store: that is told by whoever reads it.
        Ok(_) => Ok(Says::Nothing),
        Err(_) => {
            let front = read_raw(file, 0, PAGE_BYTES as usize + TRIED_SECTORS * SEALED_SECTOR_BYTES)?;
            Ok(if front.iter().all(|byte| *byte == 0) { Says::Nothing } else { Says::Unknown })
        }
    }
}
