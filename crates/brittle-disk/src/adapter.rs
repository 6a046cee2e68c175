//! The kernel's calls, handed to the disk.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner,
    OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry,
    ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use rustix::fs::{FallocateFlags, OFlags};
use rustix::io::Errno;

use crate::pages::PAGE_BYTES;
use crate::shared::Shared;
use crate::{Allocation, Attr, Disk, Ino, Kind, RenameMode};

/// How long the kernel may believe what it was told: nobody else changes anything.
const BELIEVED: Duration = Duration::from_secs(3600);

/// No number is used twice.
const GENERATION: Generation = Generation(0);

/// Longest name, and files that may be there, as `statfs` tells.
const NAME_BYTES: u32 = 255;
const FILES: u64 = 1 << 20;

type Listing = Vec<(OsString, Ino, Kind)>;

pub(crate) struct Adapter {
    shared: Arc<Shared>,
    /// What open folders had in them when they were opened.
    listings: Mutex<Listings>,
}

#[derive(Default)]
struct Listings {
    next: u64,
    open: HashMap<u64, Listing>,
}

impl Adapter {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, listings: Mutex::default() }
    }

    fn with<T>(&self, call: impl FnOnce(&mut Disk) -> Result<T, Errno>) -> Result<T, fuser::Errno> {
        let mut disk = self.shared.disk();
        disk.set_now(SystemTime::now());
        call(&mut disk).map_err(told)
    }

    fn listings(&self) -> std::sync::MutexGuard<'_, Listings> {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sync that is slow or held must not keep other calls from the thread.
    fn sync(&self, ino: INodeNo, answer: impl FnOnce(Result<(), fuser::Errno>) + Send + 'static) {
        let mark = match self.with(|disk| disk.begin_sync(ino.0)) {
            Ok(mark) => mark,
            Err(error) => return answer(Err(error)),
        };
        let shared = Arc::clone(&self.shared);
        let finish = move || answer(shared.disk().finish_sync(mark).map_err(told));
        let delay = self.shared.sync_delay();
        if delay.is_zero() && !self.shared.gate.is_shut() {
            return finish();
        }
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            thread::sleep(delay);
            shared.gate.pass();
            finish();
        });
    }
}

fn told(error: Errno) -> fuser::Errno {
    fuser::Errno::from_i32(error.raw_os_error())
}

fn kind(kind: Kind) -> FileType {
    match kind {
        Kind::File => FileType::RegularFile,
        Kind::Folder => FileType::Directory,
    }
}

fn attr(ino: Ino, attr: &Attr) -> FileAttr {
    FileAttr {
        ino: INodeNo(ino),
        size: attr.len,
        blocks: attr.taken / 512,
        atime: attr.changed,
        mtime: attr.changed,
        ctime: attr.changed,
        crtime: attr.changed,
        kind: kind(attr.kind),
        perm: attr.mode as u16,
        nlink: attr.links,
        uid: attr.uid,
        gid: attr.gid,
        rdev: 0,
        blksize: PAGE_BYTES as u32,
        flags: 0,
    }
}

fn attr_of(disk: &Disk, ino: Ino) -> Result<FileAttr, Errno> {
    disk.attr(ino).map(|found| attr(ino, &found))
}

fn empty(reply: ReplyEmpty, outcome: Result<(), fuser::Errno>) {
    match outcome {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn entry(reply: ReplyEntry, outcome: Result<FileAttr, fuser::Errno>) {
    match outcome {
        Ok(attr) => reply.entry(&BELIEVED, &attr, GENERATION),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Adapter {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entry(reply, self.with(|disk| attr_of(disk, disk.lookup(parent.0, name)?)));
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.with(|disk| attr_of(disk, ino.0)) {
            Ok(attr) => reply.attr(&BELIEVED, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let outcome = self.with(|disk| {
            disk.set_owner(ino.0, mode, uid, gid)?;
            if let Some(len) = size {
                disk.set_len(ino.0, len)?;
            }
            attr_of(disk, ino.0)
        });
        match outcome {
            Ok(attr) => reply.attr(&BELIEVED, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let owner = (request.uid(), request.gid());
        let create = |disk: &mut Disk| {
            let ino = disk.create(parent.0, name, Kind::Folder, mode & !umask, owner)?;
            attr_of(disk, ino)
        };
        entry(reply, self.with(create));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(reply, self.with(|disk| disk.unlink(parent.0, name)));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(reply, self.with(|disk| disk.remove_folder(parent.0, name)));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mode = match flags {
            RenameFlags::RENAME_NOREPLACE => RenameMode::Keep,
            RenameFlags::RENAME_EXCHANGE => RenameMode::Exchange,
            flags if flags.is_empty() => RenameMode::Replace,
            _ => return reply.error(told(Errno::INVAL)),
        };
        let rename = |disk: &mut Disk| disk.rename((parent.0, name), (new_parent.0, new_name), mode);
        empty(reply, self.with(rename));
    }

    fn link(&self, _: &Request, ino: INodeNo, new_parent: INodeNo, new_name: &OsStr, reply: ReplyEntry) {
        let link = |disk: &mut Disk| {
            disk.link(ino.0, new_parent.0, new_name)?;
            attr_of(disk, ino.0)
        };
        entry(reply, self.with(link));
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.with(|disk| disk.open(ino.0)) {
            Ok(()) => reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let owner = (request.uid(), request.gid());
        let create = |disk: &mut Disk| {
            let ino = disk.create(parent.0, name, Kind::File, mode & !umask, owner)?;
            disk.open(ino)?;
            attr_of(disk, ino)
        };
        match self.with(create) {
            Ok(attr) => reply.created(&BELIEVED, &attr, GENERATION, FileHandle(0), FopenFlags::empty()),
            Err(error) => reply.error(error),
        }
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.shared.disk().close(ino.0);
        reply.ok();
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.with(|disk| disk.read(ino.0, offset, size.into())) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        flags: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = self.with(|disk| disk.write(ino.0, offset, data));
        let is_synced = OFlags::from_bits_retain(flags.0.cast_unsigned()).contains(OFlags::DSYNC);
        match written {
            Err(error) => reply.error(error),
            Ok(count) if !is_synced => reply.written(count as u32),
            Ok(count) => self.sync(ino, move |outcome| match outcome {
                Ok(()) => reply.written(count as u32),
                Err(error) => reply.error(error),
            }),
        }
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.sync(ino, |outcome| empty(reply, outcome));
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.sync(ino, |outcome| empty(reply, outcome));
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let listing = match self.with(|disk| disk.entries(ino.0)) {
            Ok(listing) => listing,
            Err(error) => return reply.error(error),
        };
        let mut listings = self.listings();
        listings.next += 1;
        let handle = listings.next;
        listings.open.insert(handle, listing);
        reply.opened(FileHandle(handle), FopenFlags::empty());
    }

    fn readdir(&self, _: &Request, ino: INodeNo, handle: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let listings = self.listings();
        let Some(listing) = listings.open.get(&handle.0) else {
            return reply.error(told(Errno::BADF));
        };
        // The folder above is not known here; the kernel knows it.
        let dots = [(OsStr::new("."), ino.0, Kind::Folder), (OsStr::new(".."), ino.0, Kind::Folder)];
        let names = listing.iter().map(|(name, ino, kind)| (name.as_os_str(), *ino, *kind));
        let all = dots.into_iter().chain(names).zip(1..).skip(offset as usize);
        for ((name, ino, of_kind), next) in all {
            if reply.add(INodeNo(ino), next, kind(of_kind), name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(&self, _: &Request, _: INodeNo, handle: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        self.listings().open.remove(&handle.0);
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let (all, left) = self.shared.disk().room();
        let (all, left, page) = (all / PAGE_BYTES, left / PAGE_BYTES, PAGE_BYTES as u32);
        reply.statfs(all, left, left, FILES, FILES, page, NAME_BYTES, page);
    }

    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        len: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let mode = FallocateFlags::from_bits_retain(mode.cast_unsigned());
        let keep_len = mode.contains(FallocateFlags::KEEP_SIZE);
        let allocation = match mode.difference(FallocateFlags::KEEP_SIZE) {
            mode if mode.is_empty() => Allocation::Reserve,
            FallocateFlags::PUNCH_HOLE => Allocation::Punch,
            FallocateFlags::ZERO_RANGE => Allocation::Zero,
            _ => return reply.error(told(Errno::OPNOTSUPP)),
        };
        empty(reply, self.with(|disk| disk.allocate(ino.0, allocation, offset, len, keep_len)));
    }
}
