//! The shard's own io_uring, and all unsafe code of this crate.
//!
//! The operations queued here refer to descriptors and carry no memory of their own (poll, messages to
//! other rings); received bytes go to buffers that live for ever. So a cancelled or late operation can
//! never touch memory that is gone.

mod buffers;
mod records;
mod room;

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use rustix::event::PollFlags;
use rustix::net::RecvFlags;

use crate::io::Wait;

pub(crate) use self::buffers::{BUFFER_BYTES, BUFFERS, Filled};
use self::buffers::{Buffers, GROUP};
pub(crate) use self::records::send_record;
pub(crate) use self::room::{limit_heaps, reserve};

/// Operations queued before the kernel has to be entered. Rings count as locked memory, so they are
/// no larger than they need to be.
const SUBMISSIONS: u32 = 256;

/// Completions the kernel can post before we take them; it keeps more on the side if need be.
const COMPLETIONS: u32 = 4096;

/// One event from the ring.
#[derive(Debug)]
pub(crate) struct Completion {
    /// What the operation was given when it was queued.
    pub(crate) token: u64,
    /// The result, or a negative error number.
    pub(crate) result: i32,
    /// Whether more events of the same operation follow.
    pub(crate) more: bool,
    /// The buffer that a receive filled; it has to be given back.
    pub(crate) filled: Option<Filled>,
}

pub(crate) struct Ring {
    ring: IoUring,
    buffers: Buffers,
}

impl Ring {
    /// Makes a ring for the calling thread; only this thread may use it.
    pub(crate) fn new() -> io::Result<Self> {
        let ring = build()?;
        let buffers = Buffers::register(&ring)?;
        Ok(Self { ring, buffers })
    }

    /// A second descriptor of the ring, for others to post to.
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        // SAFETY: the ring is open as long as `self` is.
        let fd = unsafe { BorrowedFd::borrow_raw(self.ring.as_raw_fd()) };
        fd.try_clone_to_owned()
    }

    /// Reports each time the descriptor has something to read, until cancelled.
    pub(crate) fn poll_readable(&mut self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let entry =
            opcode::PollAdd::new(Fd(fd.as_raw_fd()), u32::from(PollFlags::IN.bits())).multi(true).build();
        self.push(entry.user_data(token))
    }

    /// Reports once when the descriptor has something to read, at once if it has it now.
    pub(crate) fn poll_readable_once(&mut self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let entry = opcode::PollAdd::new(Fd(fd.as_raw_fd()), u32::from(PollFlags::IN.bits())).build();
        self.push(entry.user_data(token))
    }

    /// Reports once when the socket takes bytes again.
    pub(crate) fn poll_writable(&mut self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let entry = opcode::PollAdd::new(Fd(fd.as_raw_fd()), u32::from(PollFlags::OUT.bits())).build();
        self.push(entry.user_data(token))
    }

    /// Receives from the socket, an event for each filled buffer, until it ends, fails or is
    /// cancelled, or there is no buffer left.
    pub(crate) fn receive(&mut self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        self.push(opcode::RecvMulti::new(Fd(fd.as_raw_fd()), GROUP).build().user_data(token))
    }

    /// Receives from the socket once, into one buffer, as soon as there is something.
    pub(crate) fn receive_once(&mut self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let receive = opcode::Recv::new(Fd(fd.as_raw_fd()), ptr::null_mut(), 0).buf_group(GROUP).build();
        self.push(receive.flags(squeue::Flags::BUFFER_SELECT).user_data(token))
    }

    /// What a receive brought.
    pub(crate) fn bytes(&self, filled: &Filled) -> &[u8] {
        self.buffers.bytes(filled)
    }

    /// The same, to be changed.
    pub(crate) fn bytes_mut(&mut self, filled: &mut Filled) -> &mut [u8] {
        self.buffers.bytes_mut(filled)
    }

    /// Receives from the socket at once, into a buffer whose bytes are done with. Returns how much there was, 0
    /// also at the end and for errors: a receive that is queued tells of those.
    pub(crate) fn receive_now(&mut self, fd: BorrowedFd<'_>, filled: &mut Filled) -> usize {
        let receive = |buffer: &mut [u8]| rustix::net::recv(fd, buffer, RecvFlags::DONTWAIT);
        self.buffers.refill(filled, |buffer| receive(buffer).map(|(len, _)| len)).unwrap_or(0)
    }

    /// Returns a buffer to be filled again.
    pub(crate) fn give_back(&mut self, filled: Filled) {
        self.buffers.give_back(filled);
    }

    /// Ends what was queued with the token. Its last event may still come.
    pub(crate) fn cancel(&mut self, token: u64, own_token: u64) -> io::Result<()> {
        self.push(quiet(opcode::AsyncCancel::new(token).build().user_data(own_token)))
    }

    /// Posts an event with `token` to another ring.
    pub(crate) fn wake(&mut self, ring: BorrowedFd<'_>, token: u64, own_token: u64) -> io::Result<()> {
        let entry = opcode::MsgRingData::new(Fd(ring.as_raw_fd()), 0, token, None).build();
        self.push(quiet(entry.user_data(own_token)))
    }

    /// Hands queued operations to the kernel and waits as told. A signal or the end of the time
    /// counts as an ordinary return.
    pub(crate) fn submit(&mut self, wait: Wait) -> io::Result<()> {
        let submitter = self.ring.submitter();
        let outcome = match wait {
            Wait::No => submitter.submit(),
            Wait::Forever => submitter.submit_and_wait(1),
            Wait::For(time) => {
                let time = Timespec::from(time);
                submitter.submit_with_args(1, &SubmitArgs::new().timespec(&time))
            }
        };
        match outcome {
            Ok(_) => Ok(()),
            Err(error) => match rustix::io::Errno::from_io_error(&error) {
                // BUSY: completions have to be taken first.
                Some(
                    rustix::io::Errno::TIME
                    | rustix::io::Errno::INTR
                    | rustix::io::Errno::BUSY
                    | rustix::io::Errno::AGAIN,
                ) => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Whether there are events to take. Enters the kernel only if it has something to hand over.
    pub(crate) fn poll(&mut self) -> io::Result<bool> {
        if self.kernel_has_work() {
            self.submit(Wait::No)?;
        }
        Ok(!self.ring.completion().is_empty())
    }

    /// The same, but what is to be handed over waits until the kernel has to be entered anyway.
    pub(crate) fn glance(&mut self) -> io::Result<bool> {
        if self.kernel_has_news() {
            self.submit(Wait::No)?;
        }
        Ok(!self.ring.completion().is_empty())
    }

    /// Takes events that are there, up to this many that may be the end of something. Returns whether there are
    /// more.
    pub(crate) fn take_completions(&mut self, into: &mut Vec<Completion>, ends_max: usize) -> bool {
        into.clear();
        let mut queue = self.ring.completion();
        let mut ends = 0;
        while ends < ends_max
            && let Some(entry) = queue.next()
        {
            let filled = cqueue::buffer_select(entry.flags()).map(|buffer| {
                // SAFETY: this is the one time that this completion is seen.
                unsafe { Buffers::filled(buffer, entry.result().max(0) as usize) }
            });
            let (token, result, more) = (entry.user_data(), entry.result(), cqueue::more(entry.flags()));
            let lacks_buffer = result == -rustix::io::Errno::NOBUFS.raw_os_error();
            ends += usize::from(result <= 0 && !lacks_buffer);
            into.push(Completion { token, result, more, filled });
        }
        !queue.is_empty()
    }

    fn kernel_has_work(&mut self) -> bool {
        !self.ring.submission().is_empty() || self.kernel_has_news()
    }

    fn kernel_has_news(&mut self) -> bool {
        let submissions = self.ring.submission();
        submissions.taskrun() || submissions.cq_overflow()
    }

    fn push(&mut self, entry: squeue::Entry) -> io::Result<()> {
        loop {
            // SAFETY: no operation of this file carries memory, and a descriptor that is closed
            // too early makes the operation fail, nothing else.
            if unsafe { self.ring.submission().push(&entry) }.is_ok() {
                return Ok(());
            }
            self.submit(Wait::No)?;
        }
    }
}

/// Whether a ring could be made here.
pub(crate) fn probe() -> io::Result<()> {
    build().map(drop)
}

fn build() -> io::Result<IoUring> {
    IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_taskrun_flag()
        .setup_submit_all()
        .setup_cqsize(COMPLETIONS)
        .build(SUBMISSIONS)
}

fn quiet(entry: squeue::Entry) -> squeue::Entry {
    entry.flags(squeue::Flags::SKIP_SUCCESS)
}
