//! The allocator itself, and all unsafe code of this crate.
//!
//! Always true: a place of the stretch is lent to one block at a time, and the memory of a place that is
//! free reads as zeros.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use crate::slots::Slots;

/// Groups of 64 places: for blocks of 32 KiB they are 72 GiB of addresses. Blocks beyond them come from
/// the system's allocator.
const WORDS: usize = 32 << 10;

const PLACES: usize = WORDS * u64::BITS as usize;

const PAGE: usize = 4096;

/// Blocks begin this much apart within their first page, or a multiple: all at the same place of a page
/// they would share the same few lines of the processor's cache. Also the largest alignment they have.
const SHIFT: usize = 64;

/// `base` while nobody asked for a block.
const NOT_YET: usize = 0;

/// `base` where the kernel would not give so many addresses. No block lies there, nor anything else.
const REFUSED: usize = 1;

/// Allocates blocks of `BYTES` bytes, a multiple of the page size, apart, and everything else as
/// [`System`] does.
pub struct BlockAlloc<const BYTES: usize> {
    /// Where the stretch begins.
    base: AtomicUsize,
    slots: Slots<WORDS>,
}

impl<const BYTES: usize> BlockAlloc<BYTES> {
    /// A place has a page more than a block, for it to begin anywhere in the first.
    const PLACE_BYTES: usize = BYTES + PAGE;

    const STRETCH_BYTES: usize = PLACES * Self::PLACE_BYTES;

    /// An allocator without a block.
    #[allow(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        const { assert!(BYTES > 0 && BYTES.is_multiple_of(PAGE), "blocks are whole pages") };
        Self { base: AtomicUsize::new(NOT_YET), slots: Slots::new() }
    }

    /// Memory for a block, all zeros; `None` if the system's allocator has to have it.
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() != BYTES || layout.align() > SHIFT {
            return None;
        }
        let base = self.stretch()?;
        let slot = self.slots.take()?;
        // SAFETY: the stretch has that many places, and a place has room for the block behind the shift.
        Some(unsafe { base.add(slot * Self::PLACE_BYTES + shift(slot)) })
    }

    /// The place where `memory` lies, if it is one of ours.
    fn slot_of(&self, memory: *mut u8) -> Option<usize> {
        let base = self.base.load(Ordering::Relaxed);
        let slot = memory.addr().checked_sub(base)? / Self::PLACE_BYTES;
        (base > REFUSED && slot < PLACES).then_some(slot)
    }

    /// Gives the memory of a block back.
    ///
    /// # Safety
    /// The block was lent this place, and nobody uses it any more.
    unsafe fn give(&self, memory: *mut u8, slot: usize) {
        // SAFETY: a block is that far behind the beginning of its place.
        let place = unsafe { memory.sub(shift(slot)) };
        // SAFETY: these are the pages of the place, which nobody uses.
        if unsafe { madvise(place.cast(), Self::PLACE_BYTES, Advice::LinuxDontNeed) }.is_err() {
            // SAFETY: the same.
            unsafe { ptr::write_bytes(memory, 0, BYTES) };
        }
        self.slots.give(slot);
    }

    /// Where the stretch begins; it is mapped when it is first needed. `None` if that was refused.
    fn stretch(&self) -> Option<NonNull<u8>> {
        let base = match self.base.load(Ordering::Relaxed) {
            NOT_YET => self.map(),
            known => known,
        };
        NonNull::new(ptr::with_exposed_provenance_mut(base)).filter(|_| base != REFUSED)
    }

    #[cold]
    fn map(&self) -> usize {
        let (protection, flags) =
            (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::NORESERVE);
        // SAFETY: a new mapping that the kernel places touches no other.
        let mapped = unsafe { mmap_anonymous(ptr::null_mut(), Self::STRETCH_BYTES, protection, flags) };
        let fresh = mapped.map_or(REFUSED, |memory| {
            // One used page would take a whole huge one. Where there are none, there is nothing to refuse.
            // SAFETY: this only says how the mapping is going to be used.
            let _ = unsafe { madvise(memory, Self::STRETCH_BYTES, Advice::LinuxNoHugepage) };
            memory.expose_provenance()
        });
        match self.base.compare_exchange(NOT_YET, fresh, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => fresh,
            Err(first) => {
                if fresh != REFUSED {
                    // SAFETY: nobody else has seen this mapping. It cannot fail: nothing is split.
                    let _ = unsafe { munmap(ptr::with_exposed_provenance_mut(fresh), Self::STRETCH_BYTES) };
                }
                first
            }
        }
    }
}

/// How far into its place a block begins.
fn shift(slot: usize) -> usize {
    slot * SHIFT % PAGE
}

// SAFETY: a place is lent to one block at a time, is as large as the block, and stays mapped; everything
// else is the system allocator's, which gets back only what it gave.
unsafe impl<const BYTES: usize> GlobalAlloc for BlockAlloc<BYTES> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        self.take(layout).map_or_else(|| unsafe { System.alloc(layout) }, NonNull::as_ptr)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        self.take(layout).map_or_else(|| unsafe { System.alloc_zeroed(layout) }, NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        match self.slot_of(memory) {
            // SAFETY: the caller promises that this is the block that was lent the place, and is done with.
            Some(slot) => unsafe { self.give(memory, slot) },
            // SAFETY: it lies outside of the stretch, so the system's allocator gave it.
            None => unsafe { System.dealloc(memory, layout) },
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(slot) = self.slot_of(memory) else {
            // SAFETY: it lies outside of the stretch, so the system's allocator gave it.
            return unsafe { System.realloc(memory, layout, size) };
        };
        if size == BYTES {
            return memory;
        }
        // SAFETY: the caller promises that this size with this alignment makes a layout of some bytes.
        let fresh = unsafe { System.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !fresh.is_null() {
            // SAFETY: both are at least that large, the new one lies elsewhere, and the old one is done with.
            unsafe {
                ptr::copy_nonoverlapping(memory, fresh, size.min(BYTES));
                self.give(memory, slot);
            }
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = 64 << 10;

    const BLOCK: Layout = match Layout::from_size_align(BYTES, 8) {
        Ok(layout) => layout,
        Err(_) => panic!("it is a layout"),
    };

    /// An allocator of its own for each test.
    macro_rules! allocator {
        () => {{
            static ALLOCATOR: BlockAlloc<BYTES> = BlockAlloc::new();
            &ALLOCATOR
        }};
    }

    #[test]
    fn a_block_that_was_freed_has_no_memory_any_more() {
        let allocator = allocator!();
        // SAFETY: each block is used within its size and freed once, with its layout.
        unsafe {
            let [first, second] = [allocator.alloc(BLOCK), allocator.alloc(BLOCK)];
            assert_eq!(second.addr() - first.addr(), BYTES + PAGE + SHIFT);
            first.write_bytes(1, BYTES);
            second.write_bytes(2, BYTES);
            allocator.dealloc(first, BLOCK);
            assert_eq!(second.add(BYTES - 1).read(), 2);
            let again = allocator.alloc_zeroed(BLOCK);
            assert_eq!(again, first);
            assert!((0..BYTES).all(|at| again.add(at).read() == 0));
            allocator.dealloc(again, BLOCK);
            allocator.dealloc(second, BLOCK);
        }
    }

    #[test]
    fn other_sizes_are_the_systems() {
        let allocator = allocator!();
        for layout in [Layout::from_size_align(BYTES - 1, 8), Layout::from_size_align(BYTES, 2 * SHIFT)] {
            let layout = layout.expect("it is a layout");
            // SAFETY: the block is freed once, with its layout.
            unsafe {
                let memory = allocator.alloc(layout);
                assert_eq!((allocator.slot_of(memory), memory.addr() % layout.align()), (None, 0));
                allocator.dealloc(memory, layout);
            }
        }
    }

    #[test]
    fn a_block_keeps_its_contents_when_it_becomes_another_size() {
        let allocator = allocator!();
        for size in [BYTES / 2, BYTES, 2 * BYTES] {
            // SAFETY: each block is used within its size and freed once, with its layout.
            unsafe {
                let memory = allocator.alloc(BLOCK);
                memory.write_bytes(7, BYTES);
                let memory = allocator.realloc(memory, BLOCK, size);
                assert!((0..size.min(BYTES)).all(|at| memory.add(at).read() == 7));
                let layout = Layout::from_size_align(size, BLOCK.align()).expect("it is a layout");
                assert_eq!(allocator.slot_of(memory).is_some(), size == BYTES);
                allocator.dealloc(memory, layout);
            }
        }
        assert_eq!(allocator.slots.take(), Some(0), "every place was given back");
    }

    #[test]
    fn without_addresses_blocks_are_the_systems_too() {
        let allocator = allocator!();
        allocator.base.store(REFUSED, Ordering::Relaxed);
        // SAFETY: the block is used within its size and freed once, with its layout.
        unsafe {
            let memory = allocator.alloc(BLOCK);
            assert_eq!(allocator.slot_of(memory), None);
            memory.write_bytes(1, BYTES);
            allocator.dealloc(memory, BLOCK);
        }
    }
}
