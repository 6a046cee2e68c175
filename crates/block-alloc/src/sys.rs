//! The allocator itself, and all unsafe code of this crate.
//!
//! Always true: a place of the stretch is lent to one block at a time, and the memory of a place that is
//! free and not kept reads as zeros. Which of the three ways a block took follows from its layout, but one
//! that would live in a place may be in the heap.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::mm::{Advice, MapFlags, MremapFlags, ProtFlags, madvise, mmap_anonymous, mremap, munmap};
use rustix::process::{Resource, getrlimit};

use crate::class::{BLOCK_BYTES_MIN, Class, PAGE};
use crate::kept::Kept;
use crate::places::{Place, Places};

/// They make 72 GiB of addresses. When all are in use, blocks come from the heap.
const SLABS: usize = 9 << 10;

const STRETCH_BYTES: usize = Places::<SLABS>::STRETCH_BYTES;

/// Blocks begin this much apart within the first page of their places, or a multiple: all at the same place
/// of a page they would share the same few lines of the processor's cache. Also the largest alignment they have.
const SHIFT: usize = 64;

/// A block whose last page has this much to spare begins no further in: it takes no further page then.
const SPARE_BYTES_MIN: usize = PAGE / 4;

/// `base` while nobody asked for a block.
const NOT_YET: usize = 0;

/// `base` where the kernel would not give so many addresses. No block lies there, nor anything else.
const REFUSED: usize = 1;

/// Allocates large blocks apart, and everything else as [`System`] does.
pub struct BlockAlloc {
    /// Where the stretch begins.
    base: AtomicUsize,
    blocks: Mutex<Blocks>,
}

struct Blocks {
    places: Places<SLABS>,
    kept: Kept,
}

impl Blocks {
    /// Keeps a place for the next block. Returns one that is to be emptied and then freed, if there is.
    fn keep(&mut self, place: Place) -> Option<Place> {
        if self.kept.put(place) { self.kept.take_surplus() } else { Some(place) }
    }

    /// Frees a place that was emptied. Returns the next such.
    fn free(&mut self, place: Place) -> Option<Place> {
        self.places.free(place);
        self.kept.take_surplus()
    }
}

/// Where a block of some layout lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    Heap,
    /// A place of this class, or the heap if there is none.
    Place(Class),
    /// A mapping of its own.
    Apart,
}

impl Home {
    fn of(layout: Layout) -> Self {
        match Class::of(layout.size()) {
            Some(class) if layout.align() <= SHIFT => Self::Place(class),
            None if layout.size() > Class::LAST.block_bytes() && layout.align() <= PAGE => Self::Apart,
            _ => Self::Heap,
        }
    }
}

/// Whether blocks of that many bytes are the heap's, whatever their alignment. Most are, so they are told apart
/// before anything else is asked.
#[inline(always)]
fn is_small(bytes: usize) -> bool {
    bytes < BLOCK_BYTES_MIN
}

/// Whether memory that nobody has used reads as zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contents {
    Zeros,
    Leftovers,
}

impl BlockAlloc {
    /// An allocator without a block.
    #[allow(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        let blocks = Blocks { places: Places::new(), kept: Kept::new() };
        Self { base: AtomicUsize::new(NOT_YET), blocks: Mutex::new(blocks) }
    }

    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory for a block of that many bytes in a place; `None` if the heap has to have it.
    fn take(&self, class: Class, bytes: usize) -> Option<(NonNull<u8>, Contents)> {
        let base = self.stretch()?;
        let mut blocks = self.blocks();
        let (place, contents) = match blocks.kept.take(class) {
            Some(place) => (place, Contents::Leftovers),
            None => (blocks.places.take(class)?, Contents::Zeros),
        };
        drop(blocks);
        // SAFETY: the stretch has all places, and a place has room for the block behind the shift.
        Some((unsafe { base.add(place.offset() + shift(place, bytes)) }, contents))
    }

    /// The place where `memory` lies, if it is one of ours. `class` is that of its layout.
    fn place_of(&self, memory: *mut u8, class: Class) -> Option<Place> {
        let base = self.base.load(Ordering::Relaxed);
        let offset = memory.addr().checked_sub(base)?;
        (base > REFUSED && offset < STRETCH_BYTES).then(|| Place::at(offset, class))
    }

    /// Takes a place back, to be used again. What is too much gives its memory back.
    ///
    /// # Safety
    /// A block was lent this place, and nobody uses it any more.
    unsafe fn give(&self, place: Place) {
        let mut surplus = self.blocks().keep(place);
        while let Some(place) = surplus {
            // SAFETY: a place that is not kept any more is nobody's until it is freed.
            unsafe { self.empty(place) };
            surplus = self.blocks().free(place);
        }
    }

    /// Gives the memory of a place back.
    ///
    /// # Safety
    /// Nobody uses it.
    unsafe fn empty(&self, place: Place) {
        let base = ptr::with_exposed_provenance_mut::<u8>(self.base.load(Ordering::Relaxed));
        let bytes = place.class().place_bytes();
        // SAFETY: a place there is lies in the stretch.
        let memory = unsafe { base.add(place.offset()) };
        // SAFETY: these are the pages of the place, which nobody uses.
        if unsafe { madvise(memory.cast(), bytes, Advice::LinuxDontNeed) }.is_err() {
            // SAFETY: the same.
            unsafe { ptr::write_bytes(memory, 0, bytes) };
        }
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
        let mapped = if is_tight(STRETCH_BYTES) { None } else { map(STRETCH_BYTES, MapFlags::NORESERVE) };
        let fresh = mapped.map_or(REFUSED, |memory| {
            // One used page would take a whole huge one. Where there are none, there is nothing to refuse.
            // SAFETY: this only says how the mapping is going to be used.
            let _ = unsafe { madvise(memory.as_ptr().cast(), STRETCH_BYTES, Advice::LinuxNoHugepage) };
            memory.as_ptr().expose_provenance()
        });
        match self.base.compare_exchange(NOT_YET, fresh, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => fresh,
            Err(first) => {
                if let Some(memory) = mapped {
                    // SAFETY: nobody else has seen this mapping.
                    unsafe { unmap(memory.as_ptr(), STRETCH_BYTES) };
                }
                first
            }
        }
    }

    /// Memory for a block, and whether all of it is zeros.
    fn find(&self, layout: Layout) -> Option<(NonNull<u8>, Contents)> {
        match Home::of(layout) {
            Home::Heap => None,
            Home::Place(class) => self.take(class, layout.size()),
            Home::Apart => map(layout.size(), MapFlags::empty()).map(|memory| (memory, Contents::Zeros)),
        }
    }
}

/// How far into its place a block of that many bytes begins.
fn shift(place: Place, bytes: usize) -> usize {
    let spare = bytes.next_multiple_of(PAGE) - bytes;
    let range = if spare < SPARE_BYTES_MIN { PAGE } else { spare & !(SHIFT - 1) };
    place.number() * SHIFT % range
}

/// Whether the process may have so few addresses, or so much data, that a stretch would take most of it:
/// what else needs some would find none, however little of the stretch is used.
fn is_tight(stretch: usize) -> bool {
    let limits = [Resource::As, Resource::Data].map(|resource| getrlimit(resource).current);
    limits.into_iter().flatten().any(|limit| limit / 2 < stretch as u64)
}

/// A new mapping of memory that reads as zeros.
fn map(bytes: usize, flags: MapFlags) -> Option<NonNull<u8>> {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping that the kernel places touches no other.
    let mapped = unsafe { mmap_anonymous(ptr::null_mut(), bytes, protection, MapFlags::PRIVATE | flags) };
    NonNull::new(mapped.ok()?.cast())
}

/// # Safety
/// It is a whole mapping, and nobody uses it any more.
unsafe fn unmap(memory: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise. It cannot fail: nothing is split.
    let _ = unsafe { munmap(memory.cast(), bytes) };
}

// SAFETY: a place is lent to one block at a time, is as large as the block, and stays mapped; a mapping is one
// block's; everything else is the system allocator's, which gets back only what it gave.
unsafe impl GlobalAlloc for BlockAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_small(layout.size()) {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc(layout) };
        }
        match self.find(layout) {
            Some((memory, _)) => memory.as_ptr(),
            None if Home::of(layout) == Home::Apart => ptr::null_mut(),
            // SAFETY: the caller's promise.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_small(layout.size()) {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc_zeroed(layout) };
        }
        match self.find(layout) {
            Some((memory, contents)) => {
                if contents == Contents::Leftovers {
                    // SAFETY: the block is that large.
                    unsafe { ptr::write_bytes(memory.as_ptr(), 0, layout.size()) };
                }
                memory.as_ptr()
            }
            None if Home::of(layout) == Home::Apart => ptr::null_mut(),
            // SAFETY: the caller's promise.
            None => unsafe { System.alloc_zeroed(layout) },
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if is_small(layout.size()) {
            // SAFETY: the system's allocator gave it.
            return unsafe { System.dealloc(memory, layout) };
        }
        match Home::of(layout) {
            Home::Place(class) if let Some(place) = self.place_of(memory, class) => {
                // SAFETY: the caller promises that this is the block that was lent the place, and is done with.
                unsafe { self.give(place) };
            }
            // SAFETY: the caller promises that it is the block that this mapping was made for.
            Home::Apart => unsafe { unmap(memory, layout.size()) },
            // SAFETY: it lies outside of the stretch, so the system's allocator gave it.
            Home::Place(_) | Home::Heap => unsafe { System.dealloc(memory, layout) },
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if is_small(layout.size()) && is_small(size) {
            // SAFETY: the system's allocator gave it, and the caller promises the rest.
            return unsafe { System.realloc(memory, layout, size) };
        }
        // SAFETY: the caller promises that this size with this alignment makes a layout of some bytes.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let (old, new) = (Home::of(layout), Home::of(wanted));
        let in_place = matches!(old, Home::Place(class) if self.place_of(memory, class).is_some());
        if in_place && old == new {
            return memory;
        }
        if old == Home::Apart && new == Home::Apart {
            // SAFETY: the mapping is the block's alone, and the caller names its size.
            let moved = unsafe { mremap(memory.cast(), layout.size(), size, MremapFlags::MAYMOVE) };
            return moved.map_or(ptr::null_mut(), <*mut _>::cast);
        }
        // What grows out of the heap leaves it, unless it should not have been there in the first place.
        let stays = new == Home::Heap || matches!((old, new), (Home::Place(_), Home::Place(_)));
        if old != Home::Apart && !in_place && stays {
            // SAFETY: the caller's promise; the heap has it.
            return unsafe { System.realloc(memory, layout, size) };
        }
        // SAFETY: the layout is as the caller promised.
        let fresh = unsafe { self.alloc(wanted) };
        if !fresh.is_null() {
            // SAFETY: both are at least that large, the new one lies elsewhere, and the old one is done with.
            unsafe {
                ptr::copy_nonoverlapping(memory, fresh, size.min(layout.size()));
                self.dealloc(memory, layout);
            }
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;
    use std::slice;

    use super::*;

    const MIB: usize = 1 << 20;

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 8).expect("it is a layout")
    }

    /// An allocator of its own for each test.
    macro_rules! allocator {
        () => {{
            static ALLOCATOR: BlockAlloc = BlockAlloc::new();
            &ALLOCATOR
        }};
    }

    /// Whether that block would begin there if it lived in a place.
    fn is_in_place(allocator: &BlockAlloc, memory: *mut u8) -> bool {
        allocator.place_of(memory, Class::FIRST).is_some()
    }

    /// Bytes of memory behind that many addresses.
    fn resident(memory: *mut u8, bytes: usize) -> usize {
        let start = memory.addr() & !(PAGE - 1);
        let pages = (memory.addr() + bytes - start).div_ceil(PAGE);
        let pagemap = File::open("/proc/self/pagemap").expect("it is there");
        let mut map = vec![0; pages * 8];
        pagemap.read_exact_at(&mut map, (start / PAGE * 8) as u64).expect("these addresses are ours");
        // The highest bit says whether there is a page.
        map.chunks(8).filter(|entry| entry[7] & 0x80 != 0).count() * PAGE
    }

    #[test]
    fn a_limit_that_the_stretch_would_take_most_of_is_tight() {
        let limits = [Resource::As, Resource::Data].map(|resource| getrlimit(resource).current);
        let tightest = limits.into_iter().flatten().min().unwrap_or(u64::MAX);
        assert!(!is_tight(0));
        assert_eq!(is_tight(usize::MAX), tightest < u64::MAX);
    }

    #[test]
    fn of_what_was_freed_little_keeps_its_memory() {
        let allocator = allocator!();
        for bytes in [16 << 10, 65_600, MIB] {
            let count = 64 * MIB / bytes;
            // SAFETY: each block is used within its size and freed once, with its layout.
            let blocks: Vec<*mut u8> = (0..count)
                .map(|_| unsafe {
                    let memory = allocator.alloc(layout(bytes));
                    memory.write_bytes(1, bytes);
                    memory
                })
                .collect();
            let held = |memory: &*mut u8| resident(*memory, bytes);
            assert!(blocks.iter().map(held).sum::<usize>() >= 64 * MIB);
            // SAFETY: as above.
            blocks.iter().for_each(|memory| unsafe { allocator.dealloc(*memory, layout(bytes)) });
            assert!(blocks.iter().map(held).sum::<usize>() <= 16 * MIB);
        }
    }

    #[test]
    fn blocks_begin_at_different_places_of_a_page_and_take_few_pages() {
        let allocator = allocator!();
        for bytes in [16 << 10, 16_500, 32 << 10, 65_600, 2 * MIB] {
            // SAFETY: each block is used within its size and freed once, with its layout.
            let blocks: Vec<*mut u8> = (0..100).map(|_| unsafe { allocator.alloc(layout(bytes)) }).collect();
            let mut starts: Vec<usize> = blocks.iter().map(|memory| memory.addr() % PAGE).collect();
            starts.sort_unstable();
            starts.dedup();
            assert!(starts.len() >= 32, "{bytes}");
            let pages = |memory: &*mut u8| (memory.addr() % PAGE + bytes).div_ceil(PAGE);
            let pages_max = if bytes.is_multiple_of(PAGE) { bytes / PAGE + 1 } else { bytes.div_ceil(PAGE) };
            assert!(blocks.iter().all(|memory| pages(memory) <= pages_max), "{bytes}");
            // SAFETY: as above.
            blocks.iter().for_each(|memory| unsafe { allocator.dealloc(*memory, layout(bytes)) });
        }
    }

    #[test]
    fn zeros_are_zeros_wherever_the_block_was_before() {
        let allocator = allocator!();
        for bytes in [16 << 10, 40_000, MIB, 9 * MIB] {
            for _ in 0..40 {
                // SAFETY: the block is used within its size and freed once, with its layout.
                unsafe {
                    let memory = allocator.alloc_zeroed(layout(bytes));
                    assert!(slice::from_raw_parts(memory, bytes).iter().all(|byte| *byte == 0), "{bytes}");
                    memory.write_bytes(1, bytes);
                    allocator.dealloc(memory, layout(bytes));
                }
            }
        }
    }

    #[test]
    fn small_and_aligned_blocks_are_the_systems() {
        let allocator = allocator!();
        let aligned = Layout::from_size_align(32 << 10, 2 * SHIFT).expect("it is a layout");
        for layout in [layout((16 << 10) - 1), aligned] {
            // SAFETY: the block is freed once, with its layout.
            unsafe {
                let memory = allocator.alloc(layout);
                assert!(!is_in_place(allocator, memory) && memory.addr().is_multiple_of(layout.align()));
                allocator.dealloc(memory, layout);
            }
        }
    }

    #[test]
    fn a_block_keeps_its_contents_when_it_becomes_another_size() {
        for is_refused in [false, true] {
            let allocator = allocator!();
            if is_refused {
                allocator.base.store(REFUSED, Ordering::Relaxed);
            }
            let sizes = [100, 16 << 10, 20_000, 40_000, 64 << 10, MIB, 8 * MIB, 9 * MIB, 12 * MIB];
            for (from, to) in sizes.into_iter().flat_map(|from| sizes.map(|to| (from, to))) {
                // SAFETY: the block is used within its size and freed once, with its layout.
                unsafe {
                    let memory = allocator.alloc(layout(from));
                    memory.write_bytes(7, from);
                    let memory = allocator.realloc(memory, layout(from), to);
                    let kept = slice::from_raw_parts(memory, from.min(to));
                    assert!(kept.iter().all(|byte| *byte == 7), "{from} to {to}");
                    memory.write_bytes(8, to);
                    let lives_in_place = matches!(Home::of(layout(to)), Home::Place(_)) && !is_refused;
                    assert_eq!(is_in_place(allocator, memory), lives_in_place, "{from} to {to}");
                    allocator.dealloc(memory, layout(to));
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        let allocator = allocator!();
        let huge = layout(1 << 50);
        // SAFETY: nothing is used.
        unsafe { assert!(allocator.alloc(huge).is_null() && allocator.alloc_zeroed(huge).is_null()) };
    }
}
