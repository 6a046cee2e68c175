//! Reads of what the kernel has in memory, by the shard itself: that takes less than to wake a thread.

use std::collections::VecDeque;
use std::fs::File;
use std::io::IoSliceMut;

use rustix::io::{ReadWriteFlags, preadv2};
use stream_log::{Make, Request, Span};

use super::encrypted::decrypted;
use super::files::LogFiles;

/// Files that are kept open. The one that was opened first goes when there is one more.
const FILES_MAX: usize = 16;

/// Files that are read from.
#[derive(Debug, Default)]
pub(super) struct HotFiles {
    open: VecDeque<(u32, File)>,
}

impl HotFiles {
    /// The bytes of a span, if all of them can be had without waiting for the disk.
    pub(super) fn read(&mut self, files: &LogFiles, span: Span) -> Option<Vec<u8>> {
        let key = files.key(span.segment).ok()?;
        let file = self.file(files, span.segment)?;
        match key {
            None => read_hot(file, u64::from(span.offset), span.len as usize).ok(),
            Some(key) => {
                decrypted(&key, span.offset, span.len, |offset, len| read_hot(file, offset, len)).ok()
            }
        }
    }

    fn file(&mut self, files: &LogFiles, segment: u32) -> Option<&File> {
        if let Some(index) = self.open.iter().position(|(open, _)| *open == segment) {
            return Some(&self.open[index].1);
        }
        let file = File::open(files.path(segment)).ok()?;
        if self.open.len() >= FILES_MAX {
            self.open.pop_front();
        }
        self.open.push_back((segment, file));
        self.open.back().map(|(_, file)| file)
    }

    /// A file that is taken away, or becomes another one, has to be let go of: it would keep its room.
    pub(super) fn on_chore(&mut self, chore: &Request) {
        if let Request::Remove(gone) | Request::Make(Make { recycle: Some(gone), .. }) = chore {
            self.open.retain(|(open, _)| open != gone);
        }
    }
}

/// It cannot be had without waiting, or not all of it.
struct IsCold;

fn read_hot(file: &File, offset: u64, len: usize) -> Result<Vec<u8>, IsCold> {
    let mut bytes = vec![0; len];
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let read = preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT).map_err(|_| IsCold)?;
    if read == len { Ok(bytes) } else { Err(IsCold) }
}
