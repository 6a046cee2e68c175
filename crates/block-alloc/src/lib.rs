//! An allocator for a program that holds many large blocks for a while and then does not.
//!
//! The system's allocator keeps blocks like that in its heap. Once freed they are split for smaller
//! things, so the next time they are wanted the heap grows, and it seldom shrinks. Here blocks from 16 KiB to
//! 8 MiB live apart, in a stretch of addresses that nothing else uses. Those that were freed last are kept for
//! the next, 16 MiB in all; what is freed beyond gives its memory back to the kernel at once. Larger blocks are
//! mapped one by one, and smaller ones are the system allocator's.
//!
//! To give memory back costs a system call, and page faults when it is used again. So whoever frees and takes
//! more than is kept, again and again, should keep some himself.
//!
//! ```
//! use block_alloc::BlockAlloc;
//!
//! #[global_allocator]
//! static ALLOCATOR: BlockAlloc = BlockAlloc::new();
//!
//! let block: Vec<u8> = Vec::with_capacity(32768);
//! drop(block);
//! ```

mod class;
mod kept;
mod places;
mod sys;
mod tidying;

pub use sys::BlockAlloc;
pub use tidying::tidy_at_once;
