//! A thin cover over the kernel's epoll: numbers in, readable and writable numbers out.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

/// One call's worth; what does not fit comes with the next call.
const EVENTS_PER_WAIT_MAX: usize = 1024;

pub(crate) struct Epoll {
    fd: OwnedFd,
    events: Vec<Event>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) token: usize,
    /// Readable, closed or broken: a read tells which.
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { fd: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(EVENTS_PER_WAIT_MAX) })
    }

    /// Reports `fd` for as long as there is something to read.
    pub(crate) fn watch_reading(&self, fd: impl AsFd, token: usize) -> io::Result<()> {
        self.add(fd, token, EventFlags::IN)
    }

    /// Reports `fd` each time it becomes writable or gets new input.
    pub(crate) fn watch_edges(&self, fd: impl AsFd, token: usize) -> io::Result<()> {
        self.add(fd, token, EventFlags::IN | EventFlags::OUT | EventFlags::ET)
    }

    fn add(&self, fd: impl AsFd, token: usize, flags: EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.fd, fd, EventData::new_u64(token as u64), flags)?)
    }

    /// Waits up to `timeout`; a signal ends the wait early with nothing.
    pub(crate) fn wait(&mut self, timeout: Duration) -> io::Result<impl Iterator<Item = Ready>> {
        let timeout =
            Timespec { tv_sec: timeout.as_secs().cast_signed(), tv_nsec: timeout.subsec_nanos().into() };
        self.events.clear();
        match epoll::wait(&self.fd, spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(self.events.iter().map(ready)),
            Err(error) => Err(error.into()),
        }
    }
}

fn ready(event: &Event) -> Ready {
    // The kernel packs the struct, so the fields are copied out.
    let (data, flags) = (event.data, event.flags);
    let broken = EventFlags::ERR | EventFlags::HUP;
    Ready {
        token: usize::try_from(data.u64()).expect("tokens come from usize"),
        readable: flags.intersects(EventFlags::IN | broken),
        writable: flags.contains(EventFlags::OUT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    fn wait(epoll: &mut Epoll) -> Vec<Ready> {
        epoll.wait(Duration::ZERO).unwrap().collect()
    }

    #[test]
    fn input_is_reported_until_it_is_read_and_edges_once() {
        let mut epoll = Epoll::new().unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        epoll.watch_reading(&far, 7).unwrap();
        epoll.watch_edges(&near, 8).unwrap();
        let first = wait(&mut epoll);
        assert_eq!(first.len(), 1);
        assert!(first[0].token == 8 && first[0].writable && !first[0].readable);
        assert!(wait(&mut epoll).is_empty());
        near.write_all(b"x").unwrap();
        for _ in 0..2 {
            let again = wait(&mut epoll);
            assert!(again.iter().any(|ready| ready.token == 7 && ready.readable));
        }
    }
}
