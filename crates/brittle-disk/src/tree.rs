//! Folders: names that come, change and go.

use std::ffi::{OsStr, OsString};

use rustix::io::Errno;

use crate::change::Step;
use crate::inode::Inode;
use crate::{Call, Disk, Ino, Kind};

/// Longest name.
const NAME_BYTES_MAX: usize = 255;

/// What a rename does with a file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameMode {
    /// It goes.
    Replace,
    /// EEXIST.
    Keep,
    /// It gets the other name.
    Exchange,
}

impl Disk {
    /// What has this name.
    ///
    /// # Errors
    ///
    /// ENOENT when nothing has.
    pub fn lookup(&self, folder: Ino, name: &OsStr) -> Result<Ino, Errno> {
        self.live.of(folder, name).ok_or(Errno::NOENT)
    }

    /// The names in a folder.
    ///
    /// # Errors
    ///
    /// ENOENT, ENOTDIR.
    pub fn entries(&self, folder: Ino) -> Result<Vec<(OsString, Ino, Kind)>, Errno> {
        self.folder(folder)?;
        let kind = |ino| self.inode(ino).map(|inode| inode.kind);
        self.live.in_folder(folder).map(|(name, ino)| Ok((name.clone(), ino, kind(ino)?))).collect()
    }

    /// A new file or folder of this owner.
    ///
    /// # Errors
    ///
    /// EROFS, EEXIST, ENOENT, ENOTDIR, ENAMETOOLONG.
    pub fn create(
        &mut self,
        folder: Ino,
        name: &OsStr,
        kind: Kind,
        mode: u32,
        owner: (u32, u32),
    ) -> Result<Ino, Errno> {
        self.free_name(folder, name)?;
        let ino = self.next_ino;
        self.next_ino += 1;
        self.inodes.insert(ino, Inode::new(kind, mode & 0o7777, owner, self.now));
        self.put(folder, name, ino);
        Ok(ino)
    }

    /// Another name for a file.
    ///
    /// # Errors
    ///
    /// EPERM for a folder; EROFS, EEXIST, ENOENT, ENOTDIR, ENAMETOOLONG.
    pub fn link(&mut self, ino: Ino, folder: Ino, name: &OsStr) -> Result<(), Errno> {
        self.free_name(folder, name)?;
        if self.inode(ino)?.kind == Kind::Folder {
            return Err(Errno::PERM);
        }
        self.put(folder, name, ino);
        Ok(())
    }

    /// Takes a file's name away.
    ///
    /// # Errors
    ///
    /// EROFS, EISDIR, ENOENT.
    pub fn unlink(&mut self, folder: Ino, name: &OsStr) -> Result<(), Errno> {
        self.writable()?;
        let ino = self.lookup(folder, name)?;
        self.file(ino)?;
        self.remove(folder, name, ino);
        Ok(())
    }

    /// Takes an empty folder away.
    ///
    /// # Errors
    ///
    /// EROFS, ENOTEMPTY, ENOTDIR, ENOENT.
    pub fn remove_folder(&mut self, folder: Ino, name: &OsStr) -> Result<(), Errno> {
        self.writable()?;
        let ino = self.lookup(folder, name)?;
        self.empty_folder(ino)?;
        self.remove(folder, name, ino);
        Ok(())
    }

    /// Gives what has one name another one, at once.
    ///
    /// # Errors
    ///
    /// As rename(2): EROFS, ENOENT, EEXIST, EISDIR, ENOTDIR, ENOTEMPTY, ENAMETOOLONG.
    pub fn rename(&mut self, from: (Ino, &OsStr), to: (Ino, &OsStr), mode: RenameMode) -> Result<(), Errno> {
        self.writable()?;
        self.folder(to.0)?;
        check_length(to.1)?;
        let ino = self.lookup(from.0, from.1)?;
        let old = self.live.of(to.0, to.1);
        match (mode, old) {
            (RenameMode::Keep, Some(_)) => return Err(Errno::EXIST),
            (RenameMode::Exchange, None) => return Err(Errno::NOENT),
            (_, Some(old)) if old == ino => return Ok(()),
            (RenameMode::Exchange, Some(old)) => {
                self.exchange((from.0, from.1, ino), (to.0, to.1, old));
                return Ok(());
            }
            _ => {}
        }
        if let Some(old) = old {
            self.check_replace(ino, old)?;
        }
        let is_file = self.inode(ino)?.kind == Kind::File;
        let steps = vec![
            Step::Remove { folder: from.0, name: from.1.to_owned(), ino },
            Step::Put { folder: to.0, name: to.1.to_owned(), ino },
        ];
        self.name(ino, to.1);
        self.change_names(Call::Rename, ino, steps, old.filter(|_| is_file).map(|_| ino));
        if let Some(old) = old {
            self.unlinked_once(old);
        }
        Ok(())
    }

    fn exchange(&mut self, one: (Ino, &OsStr, Ino), other: (Ino, &OsStr, Ino)) {
        let steps = vec![
            Step::Put { folder: one.0, name: one.1.to_owned(), ino: other.2 },
            Step::Put { folder: other.0, name: other.1.to_owned(), ino: one.2 },
        ];
        self.change_names(Call::Rename, one.2, steps, None);
    }

    fn check_replace(&self, ino: Ino, old: Ino) -> Result<(), Errno> {
        match (self.inode(ino)?.kind, self.inode(old)?.kind) {
            (Kind::File, Kind::File) => Ok(()),
            (Kind::File, Kind::Folder) => Err(Errno::ISDIR),
            (Kind::Folder, _) => self.empty_folder(old),
        }
    }

    fn free_name(&self, folder: Ino, name: &OsStr) -> Result<(), Errno> {
        self.writable()?;
        self.folder(folder)?;
        check_length(name)?;
        if self.live.of(folder, name).is_some() { Err(Errno::EXIST) } else { Ok(()) }
    }

    fn put(&mut self, folder: Ino, name: &OsStr, ino: Ino) {
        self.name(ino, name);
        self.inodes.get_mut(&ino).expect("the caller looked").links += 1;
        let step = Step::Put { folder, name: name.to_owned(), ino };
        self.change_names(Call::Create, ino, vec![step], None);
    }

    fn remove(&mut self, folder: Ino, name: &OsStr, ino: Ino) {
        let step = Step::Remove { folder, name: name.to_owned(), ino };
        self.change_names(Call::Unlink, ino, vec![step], None);
        self.unlinked_once(ino);
    }

    fn unlinked_once(&mut self, ino: Ino) {
        self.inodes.get_mut(&ino).expect("it had a name").links -= 1;
        self.let_go(ino);
    }

    fn name(&mut self, ino: Ino, name: &OsStr) {
        let inode = self.inodes.get_mut(&ino).expect("the caller looked");
        inode.name = name.to_string_lossy().into_owned();
    }

    pub(crate) fn folder(&self, ino: Ino) -> Result<&Inode, Errno> {
        let inode = self.inode(ino)?;
        if inode.kind == Kind::Folder { Ok(inode) } else { Err(Errno::NOTDIR) }
    }

    fn empty_folder(&self, ino: Ino) -> Result<(), Errno> {
        self.folder(ino)?;
        if self.live.is_empty(ino) { Ok(()) } else { Err(Errno::NOTEMPTY) }
    }
}

fn check_length(name: &OsStr) -> Result<(), Errno> {
    if name.len() > NAME_BYTES_MAX { Err(Errno::NAMETOOLONG) } else { Ok(()) }
}
