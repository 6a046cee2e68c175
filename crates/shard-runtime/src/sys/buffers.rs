//! The buffers that the kernel receives into.
//!
//! A ring of buffers is handed to the kernel, which fills the next one whenever a receive operation
//! has something, and says which. The buffer is ours from then until it is given back.
//!
//! Always true: a [`Filled`] is made only for a buffer that the kernel has just filled, and cannot be
//! copied, so there is one at most for each buffer, and none for a buffer the kernel may write to.

use std::alloc::{Layout, alloc_zeroed};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

/// Bytes of one buffer.
pub(crate) const BUFFER_BYTES: usize = 64 << 10;

/// Buffers of a shard, a power of two. They bound what is read in one turn, 2 MiB: receiving pauses while all
/// are in use. Fewer, and many clients that each say little find none left and have to ask again; more,
/// and what is read has left the second-level cache when it is sent.
pub(crate) const BUFFERS: u16 = 32;

/// The kernel wants the ring on a page boundary.
const PAGE_BYTES: usize = 4096;

/// The only group of buffers there is.
pub(super) const GROUP: u16 = 0;

/// A buffer with received bytes, to be given back.
#[derive(Debug)]
pub(crate) struct Filled {
    buffer: u16,
    /// Where in the buffer those that count begin.
    start: usize,
    len: usize,
}

impl Filled {
    /// How many bytes were received.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Of the bytes only these count from here on.
    pub(crate) fn keep_only(&mut self, bytes: Range<usize>) {
        assert!(bytes.end <= self.len, "of what was received");
        (self.start, self.len) = (self.start + bytes.start, bytes.len());
    }
}

/// All buffers of a ring.
pub(super) struct Buffers {
    entries: NonNull<BufRingEntry>,
    bytes: NonNull<u8>,
    tail: u16,
}

impl Buffers {
    /// Makes the buffers and hands them to the kernel.
    pub(super) fn register(ring: &IoUring) -> io::Result<Self> {
        // Never freed: the kernel may still write to a buffer for a moment after its ring is closed,
        // and shards live as long as the process.
        let entries = leak_zeroed(usize::from(BUFFERS) * size_of::<BufRingEntry>(), PAGE_BYTES)?.cast();
        let bytes = leak_zeroed(usize::from(BUFFERS) * BUFFER_BYTES, PAGE_BYTES)?;
        // SAFETY: the entries are of that number and live for ever.
        unsafe { ring.submitter().register_buf_ring_with_flags(entries.as_ptr() as u64, BUFFERS, GROUP, 0)? };
        let mut buffers = Self { entries, bytes, tail: 0 };
        for buffer in 0..BUFFERS {
            buffers.hand_over(buffer);
        }
        Ok(buffers)
    }

    /// The token for a buffer that a completion of the kernel names.
    ///
    /// # Safety
    /// The completion was just taken from the ring, and no token was made for it before.
    pub(super) unsafe fn filled(buffer: u16, len: usize) -> Filled {
        assert!(buffer < BUFFERS && len <= BUFFER_BYTES, "the kernel names our buffers only");
        Filled { buffer, start: 0, len }
    }

    /// The received bytes.
    pub(super) fn bytes(&self, filled: &Filled) -> &[u8] {
        let start = usize::from(filled.buffer) * BUFFER_BYTES + filled.start;
        // SAFETY: within the buffer, since what counts only ever becomes less, zeroed at first so always initialised; the token says that
        // the kernel has let go of this buffer, and borrowing `self` keeps it from being given back.
        unsafe { slice::from_raw_parts(self.bytes.as_ptr().add(start), filled.len) }
    }

    /// The received bytes, to be changed.
    pub(super) fn bytes_mut(&mut self, filled: &mut Filled) -> &mut [u8] {
        let start = usize::from(filled.buffer) * BUFFER_BYTES + filled.start;
        // SAFETY: as above; the one token for this buffer and `self` are borrowed for as long, so
        // nobody else looks at it.
        unsafe { slice::from_raw_parts_mut(self.bytes.as_ptr().add(start), filled.len) }
    }

    /// Has the buffer filled anew by `fill`, which is given all of it and says how much it filled. If that is
    /// nothing the bytes are as they were.
    pub(super) fn refill<E>(
        &mut self,
        filled: &mut Filled,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let mut whole = Filled { buffer: filled.buffer, start: 0, len: BUFFER_BYTES };
        let len = fill(self.bytes_mut(&mut whole))?;
        assert!(len <= BUFFER_BYTES, "no more is filled than there is");
        if len > 0 {
            (filled.start, filled.len) = (0, len);
        }
        Ok(len)
    }

    /// Lets the kernel fill the buffer again.
    pub(super) fn give_back(&mut self, filled: Filled) {
        self.hand_over(filled.buffer);
    }

    fn hand_over(&mut self, buffer: u16) {
        let slot = usize::from(self.tail % BUFFERS);
        let start = usize::from(buffer) * BUFFER_BYTES;
        // SAFETY: slot and start lie within their allocations. There are as many slots as buffers and
        // a buffer is handed over once at a time, so the kernel is done with what the slot held. It
        // reads the slot only after it sees the new tail, which is part of the entries by its rules.
        unsafe {
            let entry = self.entries.add(slot).as_mut();
            entry.set_addr(self.bytes.as_ptr().add(start) as u64);
            entry.set_len(BUFFER_BYTES as u32);
            entry.set_bid(buffer);
            self.tail = self.tail.wrapping_add(1);
            let tail = BufRingEntry::tail(self.entries.as_ptr()).cast_mut();
            AtomicU16::from_ptr(tail).store(self.tail, Ordering::Release);
        }
    }
}

fn leak_zeroed(bytes: usize, align: usize) -> io::Result<NonNull<u8>> {
    let layout = Layout::from_size_align(bytes, align).expect("sizes and alignments are constants");
    // SAFETY: the layout is not empty.
    let memory = unsafe { alloc_zeroed(layout) };
    NonNull::new(memory).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}
