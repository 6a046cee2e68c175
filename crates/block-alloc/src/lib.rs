//! An allocator for a program that holds many blocks of one size for a while and then does not.
//!
//! The system's allocator keeps blocks like that in its heap. Once freed they are split for smaller
//! things, so the next time they are wanted the heap grows, and it seldom shrinks. Here they live apart, in a
//! stretch of addresses that nothing else uses, and a freed one gives its memory back to the kernel at
//! once. Everything else is the system allocator's.
//!
//! That costs a system call for each block that is freed, and page faults when it is used again: whoever frees
//! and takes such blocks all the time should keep some.
//!
//! ```
//! use block_alloc::BlockAlloc;
//!
//! #[global_allocator]
//! static ALLOCATOR: BlockAlloc<32768> = BlockAlloc::new();
//!
//! let block: Vec<u8> = Vec::with_capacity(32768);
//! drop(block);
//! ```

mod slots;
mod sys;

pub use sys::BlockAlloc;
