//! The file system as a plain struct: calls in, bytes and errors out.
//!
//! Always true: `kept` names and bytes are what the rule promises to be there after a cut, and the pending
//! changes in their order make of them what is read now (those whose sync failed aside). A file or folder is
//! forgotten when neither side nor a descriptor knows it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::SystemTime;

use rustix::io::Errno;

use crate::change::{Change, NameChange, Step, What};
use crate::faults::Faults;
use crate::inode::Inode;
use crate::names::Names;
use crate::pages::PAGE_BYTES;
use crate::trace::Trace;
use crate::{Attr, Call, Counts, Event, Fault, Ino, Kind, ROOT};

/// Unsynced bytes of a file that are kept apart; beyond it the oldest become durable, as a kernel writes back
/// what it has no room for.
const PENDING_BYTES_MAX: u64 = 64 << 20;

/// Unsynced changes of names; beyond it the oldest become durable.
const PENDING_NAMES_MAX: usize = 10_000;

/// Forgotten files and folders are looked for after so many names were taken away.
const SWEEP_AFTER: u32 = 256;

/// What a sync promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// A file's bytes by a sync of the file, a name by a sync of its folder. All else in any order.
    #[default]
    Posix,
    /// A journal: names survive in their order, any sync makes the earlier ones durable. Appended bytes survive
    /// from the front. What replaces a file by a rename is written before the rename is.
    Ext4,
}

/// The file system.
#[derive(Clone, Debug)]
pub struct Disk {
    pub(crate) rule: Rule,
    /// In pages.
    pub(crate) capacity: u64,
    pub(crate) is_read_only: bool,
    pub(crate) used: u64,
    pub(crate) order: u64,
    pub(crate) next_ino: Ino,
    pub(crate) inodes: BTreeMap<Ino, Inode>,
    pub(crate) live: Names,
    pub(crate) kept: Names,
    pub(crate) pending: VecDeque<NameChange>,
    pub(crate) unlinked: u32,
    pub(crate) faults: Faults,
    pub(crate) trace: Trace,
    pub(crate) now: SystemTime,
}

impl Disk {
    /// An empty one with room for so many bytes.
    #[must_use]
    pub fn new(rule: Rule, capacity_bytes: u64) -> Self {
        let now = SystemTime::UNIX_EPOCH;
        let root = Inode { links: 1, ..Inode::new(Kind::Folder, 0o755, (0, 0), now) };
        Self {
            rule,
            capacity: capacity_bytes / PAGE_BYTES,
            is_read_only: false,
            used: 0,
            order: 0,
            next_ino: ROOT + 1,
            inodes: BTreeMap::from([(ROOT, root)]),
            live: Names::default(),
            kept: Names::default(),
            pending: VecDeque::new(),
            unlinked: 0,
            faults: Faults::default(),
            trace: Trace::default(),
            now,
        }
    }

    /// What time it is for changes from now on.
    pub fn set_now(&mut self, now: SystemTime) {
        self.now = now;
    }

    /// Makes `count` calls fail, after `skip` that do not.
    pub fn fail(&mut self, fault: Fault, skip: u64, count: u64) {
        self.faults.plan(fault, skip, count);
    }

    /// Gives it another size. What is there stays, also if it is more than that.
    pub fn set_capacity(&mut self, bytes: u64) {
        self.capacity = bytes / PAGE_BYTES;
    }

    /// From now on nothing may be changed (EROFS), or it may again: as where a kernel has met an error and mounted the
    /// file system anew. What was changed before can be synced.
    pub fn set_read_only(&mut self, on: bool) {
        self.is_read_only = on;
    }

    pub(crate) fn writable(&self) -> Result<(), Errno> {
        if self.is_read_only { Err(Errno::ROFS) } else { Ok(()) }
    }

    /// Room in bytes: all of it, and what is left.
    #[must_use]
    pub fn room(&self) -> (u64, u64) {
        (self.capacity * PAGE_BYTES, self.left() * PAGE_BYTES)
    }

    pub(crate) fn left(&self) -> u64 {
        self.capacity.saturating_sub(self.used)
    }

    /// How often it was asked for what, since it was made.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.trace.counts
    }

    /// The last calls that changed something, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.trace.events.iter()
    }

    /// What is known of it.
    ///
    /// # Errors
    ///
    /// ENOENT when it is gone.
    pub fn attr(&self, ino: Ino) -> Result<Attr, Errno> {
        let inode = self.inode(ino)?;
        Ok(Attr {
            kind: inode.kind,
            len: inode.live.len(),
            taken: inode.live.count() * PAGE_BYTES,
            links: inode.links,
            mode: inode.mode,
            uid: inode.uid,
            gid: inode.gid,
            changed: inode.changed,
        })
    }

    /// Gives it other permission bits or another owner, at once and for ever.
    ///
    /// # Errors
    ///
    /// ENOENT when it is gone; EROFS.
    pub fn set_owner(
        &mut self,
        ino: Ino,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> Result<(), Errno> {
        self.writable()?;
        let inode = self.inode_mut(ino)?;
        inode.mode = mode.map_or(inode.mode, |mode| mode & 0o7777);
        inode.uid = uid.unwrap_or(inode.uid);
        inode.gid = gid.unwrap_or(inode.gid);
        Ok(())
    }

    /// Counts a descriptor: the file stays while there is one, name or not.
    ///
    /// # Errors
    ///
    /// ENOENT when it is gone.
    pub fn open(&mut self, ino: Ino) -> Result<(), Errno> {
        self.inode_mut(ino)?.opens += 1;
        Ok(())
    }

    /// Counts it off.
    pub fn close(&mut self, ino: Ino) {
        if let Ok(inode) = self.inode_mut(ino) {
            inode.opens = inode.opens.saturating_sub(1);
            self.let_go(ino);
        }
    }

    /// Reads at most `size` bytes, fewer at the end.
    ///
    /// # Errors
    ///
    /// EIO when that was asked for; ENOENT, EISDIR.
    pub fn read(&mut self, ino: Ino, offset: u64, size: u64) -> Result<Vec<u8>, Errno> {
        if self.faults.strikes(Fault::Read) {
            return Err(Errno::IO);
        }
        Ok(self.file(ino)?.live.read(offset, size))
    }

    /// Writes, and tells how many bytes had room.
    ///
    /// # Errors
    ///
    /// ENOSPC when none had, EIO when that was asked for; EROFS, ENOENT, EISDIR.
    pub fn write(&mut self, ino: Ino, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.file(ino)?;
        let failure = if self.faults.strikes(Fault::Write) { Err(Errno::IO) } else { self.writable() };
        if let Err(error) = failure {
            self.noted(ino, Call::WriteFailed, bytes.len() as u64);
            return Err(error);
        }
        let inode = self.file(ino)?;
        let mut fits = bytes.len() as u64;
        while inode.live.missing(offset, fits) > self.left() {
            // Back to where the last page begins.
            fits = (offset + fits - 1) / PAGE_BYTES * PAGE_BYTES;
            fits = fits.saturating_sub(offset);
        }
        if fits == 0 && !bytes.is_empty() {
            self.noted(ino, Call::WriteFailed, bytes.len() as u64);
            return Err(Errno::NOSPC);
        }
        let bytes = bytes[..fits as usize].to_vec();
        if !bytes.is_empty() {
            self.change(ino, Call::Write, fits, What::Write { offset, bytes });
        }
        Ok(fits as usize)
    }

    /// Makes it shorter, or longer by zeros that take no room.
    ///
    /// # Errors
    ///
    /// EROFS, ENOENT, EISDIR.
    pub fn set_len(&mut self, ino: Ino, len: u64) -> Result<(), Errno> {
        self.writable()?;
        self.file(ino)?;
        self.change(ino, Call::Truncate, len, What::Len(len));
        Ok(())
    }

    /// Does a change to what is read, and keeps it for what is durable.
    pub(crate) fn change(&mut self, ino: Ino, call: Call, bytes: u64, what: What) {
        let order = self.noted(ino, call, bytes);
        let now = self.now;
        let inode = self.inodes.get_mut(&ino).expect("the caller looked");
        let change = Change { order, what };
        let before = inode.live.count();
        change.apply(&mut inode.live);
        self.used = self.used + inode.live.count() - before;
        inode.changed = now;
        inode.pending_bytes += change.cost();
        inode.pending.push_back(change);
        while inode.pending_bytes > PENDING_BYTES_MAX {
            let oldest = inode.pending.front().expect("bytes are of changes").order;
            inode.keep(oldest);
        }
    }

    /// Does a change of names.
    pub(crate) fn change_names(&mut self, call: Call, of: Ino, steps: Vec<Step>, replaces_with: Option<Ino>) {
        let order = self.noted(of, call, 0);
        let change = NameChange { order, steps, replaces_with };
        change.apply(&mut self.live);
        let now = self.now;
        for folder in change.folders() {
            self.inodes.get_mut(&folder).expect("the caller looked").changed = now;
        }
        self.pending.push_back(change);
        if self.pending.len() > PENDING_NAMES_MAX {
            let oldest = self.pending.pop_front().expect("there are many");
            self.keep_names(&oldest);
        }
    }

    pub(crate) fn noted(&mut self, ino: Ino, call: Call, bytes: u64) -> u64 {
        self.order += 1;
        let name = self.inodes.get(&ino).map_or_else(String::new, |inode| inode.name.clone());
        self.trace.note(Event { order: self.order, call, name, bytes });
        self.order
    }

    pub(crate) fn inode(&self, ino: Ino) -> Result<&Inode, Errno> {
        self.inodes.get(&ino).ok_or(Errno::NOENT)
    }

    pub(crate) fn inode_mut(&mut self, ino: Ino) -> Result<&mut Inode, Errno> {
        self.inodes.get_mut(&ino).ok_or(Errno::NOENT)
    }

    pub(crate) fn file(&self, ino: Ino) -> Result<&Inode, Errno> {
        let inode = self.inode(ino)?;
        if inode.kind == Kind::Folder { Err(Errno::ISDIR) } else { Ok(inode) }
    }

    /// Gives back the room of what nobody can read any more, and forgets it when no cut can bring it back.
    pub(crate) fn let_go(&mut self, ino: Ino) {
        let Some(inode) = self.inodes.get_mut(&ino) else { return };
        if inode.links > 0 || inode.opens > 0 {
            return;
        }
        self.used -= inode.live.count();
        inode.live = Default::default();
        self.unlinked += 1;
        if self.unlinked >= SWEEP_AFTER {
            self.unlinked = 0;
            self.sweep();
        }
    }

    fn sweep(&mut self) {
        let pending = self.pending.iter().flat_map(|change| change.steps.iter().map(Step::ino));
        let named: BTreeSet<Ino> = pending.chain(self.kept.named()).chain([ROOT]).collect();
        self.inodes.retain(|ino, inode| inode.links > 0 || inode.opens > 0 || named.contains(ino));
    }
}
