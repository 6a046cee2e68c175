//! What a sync makes durable.

use std::collections::BTreeSet;

use rustix::io::Errno;

use crate::change::NameChange;
use crate::{Call, Disk, Fault, Ino, Kind, ROOT, Rule};

/// A sync that was begun: it is for what was done before.
#[derive(Clone, Copy, Debug)]
pub struct SyncMark {
    ino: Ino,
    up_to: u64,
}

impl Disk {
    /// Begins a sync of a file or folder. Until it is finished a cut does not know of it.
    ///
    /// # Errors
    ///
    /// ENOENT when it is gone.
    pub fn begin_sync(&self, ino: Ino) -> Result<SyncMark, Errno> {
        self.inode(ino)?;
        Ok(SyncMark { ino, up_to: self.order })
    }

    /// Finishes it.
    ///
    /// # Errors
    ///
    /// EIO when that was asked for: then no byte of it will ever be durable.
    pub fn finish_sync(&mut self, mark: SyncMark) -> Result<(), Errno> {
        let SyncMark { ino, up_to } = mark;
        let Ok(kind) = self.inode(ino).map(|inode| inode.kind) else { return Ok(()) };
        if self.faults.strikes(Fault::Sync) {
            self.inodes.get_mut(&ino).expect("it was there").lose(up_to);
            self.noted(ino, Call::SyncFailed, 0);
            return Err(Errno::IO);
        }
        match (self.rule, kind) {
            (Rule::Ext4, _) => self.commit(up_to),
            (Rule::Posix, Kind::Folder) => self.sync_folder(ino, up_to),
            (Rule::Posix, Kind::File) => {}
        }
        self.inodes.get_mut(&ino).expect("it was there").keep(up_to);
        self.noted(ino, if kind == Kind::File { Call::Sync } else { Call::SyncFolder }, 0);
        Ok(())
    }

    /// Both at once.
    ///
    /// # Errors
    ///
    /// As either.
    pub fn sync(&mut self, ino: Ino) -> Result<(), Errno> {
        let mark = self.begin_sync(ino)?;
        self.finish_sync(mark)
    }

    /// Everything becomes durable, as after a while it does by itself.
    pub fn settle(&mut self) {
        self.commit(self.order);
        let up_to = self.order;
        self.inodes.values_mut().for_each(|inode| inode.keep(up_to));
    }

    /// Whether a cut would leave these bytes whatever else it did: in a file that can be reached by its name then.
    #[must_use]
    pub fn is_durable(&self, bytes: &[u8]) -> bool {
        let mut folders = vec![ROOT];
        while let Some(folder) = folders.pop() {
            for (_, ino) in self.kept.in_folder(folder) {
                match self.inodes.get(&ino) {
                    Some(inode) if inode.kind == Kind::Folder => folders.push(ino),
                    Some(inode) if inode.kept.has(bytes) => return true,
                    _ => {}
                }
            }
        }
        false
    }

    /// The journal is written, with all names in it.
    fn commit(&mut self, up_to: u64) {
        while let Some(change) = self.pending.pop_front_if(|change| change.order <= up_to) {
            self.keep_names(&change);
        }
    }

    /// Changes of this folder's names, and what came before them in folders that they share.
    fn sync_folder(&mut self, folder: Ino, up_to: u64) {
        let mut folders = BTreeSet::from([folder]);
        let mut durable = Vec::new();
        for change in std::mem::take(&mut self.pending).into_iter().rev() {
            if change.order <= up_to && change.folders().any(|one| folders.contains(&one)) {
                folders.extend(change.folders());
                durable.push(change);
            } else {
                self.pending.push_front(change);
            }
        }
        for change in durable.iter().rev() {
            self.keep_names(change);
        }
    }

    pub(crate) fn keep_names(&mut self, change: &NameChange) {
        if let (Rule::Ext4, Some(ino)) = (self.rule, change.replaces_with)
            && let Ok(inode) = self.inode_mut(ino)
        {
            inode.keep(change.order);
        }
        change.apply(&mut self.kept);
    }
}
