//! What can keep the shards from running.

use std::io;

/// The machine refuses what a shard needs. The text says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The kernel or a sandbox refuses io_uring.
    #[error(
        "io_uring is refused here ({0}): allow it in the container's seccomp profile \
         (Docker: --security-opt seccomp=unconfined, or a profile with io_uring_setup, io_uring_enter and \
         io_uring_register) and set the sysctl kernel.io_uring_disabled to 0"
    )]
    RingRefused(#[source] io::Error),
    /// The kernel has io_uring and no room for another one.
    #[error("io_uring could not be set up: {0}")]
    RingFailed(#[source] io::Error),
    /// The kernel's io_uring lacks what we use.
    #[error("this kernel's io_uring is too old ({0}): Linux 6.1 or newer is needed")]
    RingTooOld(#[source] io::Error),
    /// The limit on locked memory is below what a glommio executor asks for.
    #[error(
        "the limit on locked memory is {limit} bytes, at least {needed} are needed: raise it with \
         `ulimit -l unlimited`, LimitMEMLOCK=infinity in the systemd unit, or docker run --ulimit memlock=-1"
    )]
    MemlockTooSmall {
        /// The soft RLIMIT_MEMLOCK in bytes.
        limit: u64,
        /// What is needed, in bytes.
        needed: u64,
    },
    /// The kernel refused a ring for lack of locked memory.
    #[error(
        "not enough locked memory for {shards} shards, about a third of a MiB each: this user may lock {limit} bytes \
         in all its processes together; raise it with `ulimit -l unlimited`, LimitMEMLOCK=infinity in the \
         systemd unit, or docker run --ulimit memlock=-1, or ask for fewer --shards"
    )]
    MemlockExhausted {
        /// How many shards were to run.
        shards: usize,
        /// The soft RLIMIT_MEMLOCK in bytes.
        limit: u64,
    },
    /// The system promises too little memory.
    #[error(
        "no room for {shards} shards: {needed_mib} MiB of addresses are not to be had ({error}): raise the limits on \
         addresses and data with `ulimit -v unlimited` and `ulimit -d unlimited`, LimitAS=infinity and \
         LimitDATA=infinity in the systemd unit, or ask for fewer --shards"
    )]
    NoRoom {
        /// How many shards were to run.
        shards: usize,
        /// What they need, beyond what the program has.
        needed_mib: usize,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The system gives no more threads.
    #[error(
        "shard {shard} got no thread ({error}): raise the limits on threads and addresses (`ulimit -u`, TasksMax= in \
         the systemd unit, docker run --pids-limit; `ulimit -v`), or ask for fewer --shards"
    )]
    NoThread {
        /// Which shard.
        shard: usize,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The kernel has no TLS, and was to have it.
    #[error(
        "--ktls: the kernel offers no TLS ({0}): load its module with `modprobe tls` (a kernel with CONFIG_TLS \
         has it), or start without --ktls"
    )]
    NoKernelTls(#[source] io::Error),
    /// A shard's executor did not start.
    #[error("shard {shard} did not start: {reason}")]
    NotStarted {
        /// Which shard.
        shard: usize,
        /// What the executor said.
        reason: String,
    },
    /// A shard ended although nobody asked it to.
    #[error("shard {shard} failed: {reason}")]
    Failed {
        /// Which shard.
        shard: usize,
        /// What went wrong.
        reason: String,
    },
}
