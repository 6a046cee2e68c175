//! How the system's allocator goes about what is freed.

/// Has the system's allocator put each small block in order when it is freed. Otherwise glibc keeps those of
/// up to 128 bytes on lists, and does it for all of them at once on some later occasion: tens of milliseconds
/// after a million were freed. Call it before there are threads.
pub fn tidy_at_once() {
    #[cfg(target_env = "gnu")]
    // SAFETY: this sets a number of the allocator. Blocks on its lists stay as they are.
    unsafe {
        libc::mallopt(libc::M_MXFAST, 0);
    }
}
