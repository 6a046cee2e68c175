//! Room taken ahead, and given back from the middle of a file: `fallocate`.

use rustix::io::Errno;

use crate::change::What;
use crate::{Call, Disk, Ino};

/// What is to become of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// It has room, and its bytes stay; what is past the end is zeros.
    Reserve,
    /// It is zeros that have room.
    Zero,
    /// It is zeros that have none.
    Punch,
}

impl Disk {
    /// Does so, and grows the file over the range unless its length is to stay.
    ///
    /// # Errors
    ///
    /// ENOSPC when there is too little room, and nothing is done; EROFS, ENOENT, EISDIR.
    pub fn allocate(
        &mut self,
        ino: Ino,
        allocation: Allocation,
        offset: u64,
        len: u64,
        keep_len: bool,
    ) -> Result<(), Errno> {
        self.writable()?;
        let file = self.file(ino)?;
        let old_len = file.live.len();
        if allocation != Allocation::Punch && file.live.missing(offset, len) > self.left() {
            self.noted(ino, Call::WriteFailed, len);
            return Err(Errno::NOSPC);
        }
        if allocation != Allocation::Reserve {
            self.change(ino, Call::Truncate, len, What::Clear { offset, len });
        }
        if allocation != Allocation::Punch {
            self.change(ino, Call::Truncate, len, What::Reserve { offset, len });
            if !keep_len && offset + len > old_len {
                self.change(ino, Call::Truncate, offset + len, What::Len(offset + len));
            }
        }
        Ok(())
    }
}
