//! What the system promises of memory.

use std::io;
use std::ptr;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Whether the system promises so many bytes. They are given back at once.
pub(crate) fn reserve(bytes: usize) -> io::Result<()> {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping that the kernel places touches no other.
    let memory = unsafe { mmap_anonymous(ptr::null_mut(), bytes, protection, MapFlags::PRIVATE)? };
    // SAFETY: this is that mapping, which nobody else knows.
    unsafe { munmap(memory, bytes)? };
    Ok(())
}

/// Has threads share so many heaps at most, those that there are included. Other C libraries than GNU's have
/// one for all anyway.
pub(crate) fn limit_heaps(heaps: usize) {
    #[cfg(target_env = "gnu")]
    {
        let heaps = i32::try_from(heaps).unwrap_or(i32::MAX);
        // SAFETY: the call takes two numbers and changes how memory is handed out from here on. It cannot
        // fail for a number above 0.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, heaps) };
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = heaps;
}
