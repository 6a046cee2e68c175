//! The turn of the streaming loads: publishers write prebuilt frames, subscribers read and discard.
//!
//! Counting is exact without looking at the bytes. Every delivery of a flow has the same length, and
//! all else a server sends here is the odd PING of 6 bytes, fewer of them than would fill a message.
//! So a subscriber's byte count gives its messages, and what is left over must be whole PINGs.
//! `confirm_nothing_more` then proves, by reading up to a PONG, that nothing comes after the last.
//!
//! A publisher stops while too much of what it published is on its way to the slowest of its
//! subscribers, so no server needs to drop one. The window is wide on purpose: a narrow one makes
//! servers send small pieces and doubles what a delivery costs them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::net::{RecvFlags, recv};

use crate::client;
use crate::epoll::{Epoll, Ready};
use crate::frames;
use crate::scan::Scanner;

/// On its way to one group of subscribers: a quarter of what nats-server holds back for a client
/// before it cuts it off (64 MB).
const GROUP_WINDOW_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// On its way to all of them, so that the kernel's and the server's memory stay modest.
const WINDOW_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// One write's worth, and the least a publisher's prebuilt frames fill.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// One read's worth; the kernel drops the bytes, so the buffer is never touched.
const DISCARD_BYTES: usize = 4 * 1024 * 1024;

/// No byte moved for this long: something is lost.
const STALL_MAX: Duration = Duration::from_secs(20);

/// A subscriber's PINGs are discarded with the rest, so it says PONG unasked, in time for any
/// server that pings every 30 seconds or less often.
const PONG_EVERY: Duration = Duration::from_secs(30);

pub(crate) struct Publisher {
    stream: TcpStream,
    /// Whole frames, sent over and over.
    frames: Vec<u8>,
    /// Where in `frames` the next byte to send is.
    at: usize,
    bytes_left: u64,
    /// The groups that get what this publisher sends.
    feeds: Range<usize>,
    /// The socket's buffer was full at the last write.
    is_blocked: bool,
    scanner: Scanner,
}

pub(crate) struct Subscriber {
    stream: TcpStream,
    /// Subscribers of one queue group share what is expected; all others have a group each.
    group: usize,
    bytes_read: u64,
}

/// What is equal for all messages of a flow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    /// Of a PUB with its payload.
    pub(crate) publish_bytes: u64,
    /// Of a MSG with its payload.
    pub(crate) delivery_bytes: u64,
    /// Messages that each group of subscribers gets, no more and no fewer.
    pub(crate) deliveries_per_group: u64,
    pub(crate) groups: usize,
}

pub(crate) struct Flow {
    publishers: Vec<Publisher>,
    subscribers: Vec<Subscriber>,
    groups: Vec<Group>,
    traffic: Traffic,
    epoll: Epoll,
    /// Whose turn it is to write first, so that a closed window starves nobody.
    next_publisher: usize,
    /// How far each group may fall behind.
    window_bytes: u64,
    discard: Vec<u8>,
}

/// How far a group is behind what was published for it.
#[derive(Debug, Clone, Default)]
struct Group {
    /// By all the publishers that feed it, last frame perhaps cut.
    published_bytes: u64,
    /// By all of its subscribers together.
    read_bytes: u64,
}

impl Group {
    fn in_flight_bytes(&self, traffic: &Traffic) -> u64 {
        let due = self.published_bytes / traffic.publish_bytes * traffic.delivery_bytes;
        due.saturating_sub(self.read_bytes)
    }
}

impl Publisher {
    /// Will send `bytes` in all out of `frames`, over and over (both are whole frames), to be
    /// delivered to the groups `feeds`.
    pub(crate) fn new(stream: TcpStream, frames: Vec<u8>, bytes: u64, feeds: Range<usize>) -> Self {
        Self {
            stream,
            frames,
            at: 0,
            bytes_left: bytes,
            feeds,
            is_blocked: false,
            scanner: Scanner::default(),
        }
    }

    fn is_able(&self) -> bool {
        self.bytes_left > 0 && !self.is_blocked
    }

    fn write_chunk(&mut self) -> Result<u64> {
        let left = usize::try_from(self.bytes_left).unwrap_or(usize::MAX);
        let length = CHUNK_BYTES.min(self.frames.len() - self.at).min(left);
        let written = match self.stream.write(&self.frames[self.at..self.at + length]) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.is_blocked = true;
                return Ok(0);
            }
            Err(error) => return Err(error).context("publishing"),
        };
        self.at = (self.at + written) % self.frames.len();
        self.bytes_left -= written as u64;
        Ok(written as u64)
    }

    /// A publisher hears PINGs, which its publishing answers, or an -ERR, which ends the run.
    fn read_replies(&mut self) -> Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the server closed a publisher's connection"),
                Ok(count) => self.scanner.feed(&buffer[..count], |_| {})?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("reading as a publisher"),
            }
        }
    }
}

impl Subscriber {
    pub(crate) fn new(stream: TcpStream, group: usize) -> Self {
        Self { stream, group, bytes_read: 0 }
    }

    /// Reads what is there and drops it: on TCP, `TRUNC` discards inside the kernel.
    fn discard(&mut self, buffer: &mut [u8]) -> Result<u64> {
        let flags = RecvFlags::TRUNC | RecvFlags::DONTWAIT;
        match recv(&self.stream, &mut *buffer, flags).map_err(io::Error::from) {
            Ok((_, 0)) => bail!("the server closed a subscriber's connection"),
            Ok((_, count)) => {
                self.bytes_read += count as u64;
                Ok(count as u64)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error).context("reading as a subscriber"),
        }
    }

    /// Whole messages read; `None` while the input ends inside one.
    fn messages(&self, delivery_bytes: u64) -> Option<u64> {
        let rest = self.bytes_read % delivery_bytes;
        let is_whole = rest.is_multiple_of(frames::PING.len() as u64);
        is_whole.then_some(self.bytes_read / delivery_bytes)
    }
}

impl Flow {
    pub(crate) fn new(
        publishers: Vec<Publisher>,
        subscribers: Vec<Subscriber>,
        traffic: Traffic,
    ) -> Result<Self> {
        let epoll = Epoll::new()?;
        for (token, subscriber) in subscribers.iter().enumerate() {
            subscriber.stream.set_nonblocking(true)?;
            epoll.watch_reading(&subscriber.stream, token)?;
        }
        for (index, publisher) in publishers.iter().enumerate() {
            publisher.stream.set_nonblocking(true)?;
            epoll.watch_edges(&publisher.stream, subscribers.len() + index)?;
        }
        Ok(Self {
            publishers,
            subscribers,
            groups: vec![Group::default(); traffic.groups],
            traffic,
            epoll,
            next_publisher: 0,
            window_bytes: GROUP_WINDOW_BYTES_MAX.min(WINDOW_BYTES_MAX / traffic.groups as u64),
            discard: vec![0; DISCARD_BYTES],
        })
    }

    /// Publishes everything and returns when every group has its messages.
    pub(crate) fn run(&mut self) -> Result<()> {
        let mut moved_at = Instant::now();
        let mut ponged_at = moved_at;
        while !self.is_complete()? {
            let written = self.publish()?;
            let patience = if written > 0 { Duration::ZERO } else { STALL_MAX };
            let read = self.read(patience)?;
            let now = Instant::now();
            if written + read > 0 {
                moved_at = now;
            } else if now - moved_at >= STALL_MAX {
                bail!("no progress for {} s: {}", STALL_MAX.as_secs(), self.position());
            }
            if now - ponged_at >= PONG_EVERY {
                self.say_pong()?;
                ponged_at = now;
            }
        }
        Ok(())
    }

    /// Reads each subscriber up to a PONG: a message there would be one too many.
    pub(crate) fn confirm_nothing_more(&mut self) -> Result<()> {
        for subscriber in &mut self.subscribers {
            subscriber.stream.set_nonblocking(false)?;
            let extra = client::await_pong(&mut subscriber.stream)?;
            ensure!(extra == 0, "{extra} messages more than were published");
        }
        Ok(())
    }

    fn is_complete(&self) -> Result<bool> {
        let traffic = &self.traffic;
        let expected = traffic.deliveries_per_group * traffic.groups as u64;
        if self.bytes_read() < expected * traffic.delivery_bytes {
            return Ok(false);
        }
        let mut groups = vec![0; traffic.groups];
        for subscriber in &self.subscribers {
            let Some(messages) = subscriber.messages(traffic.delivery_bytes) else {
                return Ok(false);
            };
            groups[subscriber.group] += messages;
        }
        for messages in &groups {
            let expected = traffic.deliveries_per_group;
            ensure!(*messages <= expected, "{messages} messages where {expected} were due");
        }
        Ok(groups.iter().all(|messages| *messages == traffic.deliveries_per_group))
    }

    /// One chunk per publisher whose subscribers keep up.
    fn publish(&mut self) -> Result<u64> {
        let mut written = 0;
        for _ in 0..self.publishers.len() {
            let index = self.next_publisher;
            self.next_publisher = (index + 1) % self.publishers.len();
            let publisher = &mut self.publishers[index];
            let groups = &mut self.groups[publisher.feeds.clone()];
            let keeps_up = |group: &Group| group.in_flight_bytes(&self.traffic) < self.window_bytes;
            if !publisher.is_able() || !groups.iter().all(keeps_up) {
                continue;
            }
            let chunk = publisher.write_chunk()?;
            for group in groups {
                group.published_bytes += chunk;
            }
            written += chunk;
        }
        Ok(written)
    }

    fn bytes_read(&self) -> u64 {
        self.groups.iter().map(|group| group.read_bytes).sum()
    }

    fn read(&mut self, patience: Duration) -> Result<u64> {
        let mut read = 0;
        for Ready { token, readable, writable } in self.epoll.wait(patience)? {
            if let Some(subscriber) = self.subscribers.get_mut(token) {
                let count = subscriber.discard(&mut self.discard)?;
                self.groups[subscriber.group].read_bytes += count;
                read += count;
                continue;
            }
            let publisher = &mut self.publishers[token - self.subscribers.len()];
            publisher.is_blocked &= !writable;
            if readable {
                publisher.read_replies()?;
            }
        }
        Ok(read)
    }

    fn say_pong(&mut self) -> Result<()> {
        for subscriber in &mut self.subscribers {
            subscriber.stream.write_all(frames::PONG).context("sending PONG")?;
        }
        Ok(())
    }

    fn position(&self) -> String {
        let left: u64 = self.publishers.iter().map(|publisher| publisher.bytes_left).sum();
        format!(
            "{} still to publish, {} of {} delivered",
            left.div_ceil(self.traffic.publish_bytes),
            self.bytes_read() / self.traffic.delivery_bytes,
            self.traffic.deliveries_per_group * self.traffic.groups as u64,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    const DELIVERY: &[u8] = b"MSG a 1 16\r\n0123456789abcdef\r\n";

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    fn traffic(count: u64) -> Traffic {
        Traffic {
            publish_bytes: frames::publish("a", None, 16).len() as u64,
            delivery_bytes: DELIVERY.len() as u64,
            deliveries_per_group: count,
            groups: 1,
        }
    }

    /// A server of one subject: reads `count` publishes, delivers `deliveries`, then says `last` when
    /// the subscriber's PING is in.
    fn run_against(count: u64, deliveries: usize, last: &'static [u8]) -> Result<()> {
        let (publisher, mut publisher_peer) = pair();
        let (subscriber, mut subscriber_peer) = pair();
        let traffic = traffic(count);
        let bytes = count * traffic.publish_bytes;
        let server = thread::spawn(move || {
            let mut published = vec![0; usize::try_from(bytes).unwrap()];
            publisher_peer.read_exact(&mut published).unwrap();
            assert!(published.ends_with(b"xx\r\n"));
            subscriber_peer.write_all(&DELIVERY.repeat(deliveries)).unwrap();
            subscriber_peer.write_all(frames::PING).unwrap();
            let mut ping = [0; 6];
            if subscriber_peer.read_exact(&mut ping).is_ok() {
                subscriber_peer.write_all(last).unwrap();
            }
            (publisher_peer, subscriber_peer)
        });
        let frames = frames::repeat(&frames::publish("a", None, 16), 1000);
        let publishers = vec![Publisher::new(publisher, frames, bytes, 0..1)];
        let mut flow = Flow::new(publishers, vec![Subscriber::new(subscriber, 0)], traffic)?;
        let outcome = flow.run().and_then(|()| flow.confirm_nothing_more());
        drop(flow);
        server.join().unwrap();
        outcome
    }

    #[test]
    fn a_flow_ends_when_every_message_is_in_pings_aside() {
        run_against(10_000, 10_000, b"PONG\r\n").unwrap();
    }

    #[test]
    fn a_message_too_many_fails_the_run_before_or_after_the_pong() {
        let error = run_against(100, 101, b"PONG\r\n").unwrap_err();
        assert!(error.to_string().contains("101 messages where 100"), "{error}");
        let late = b"MSG a 1 16\r\n0123456789abcdef\r\nPONG\r\n";
        let error = run_against(100, 100, late).unwrap_err();
        assert!(error.to_string().contains("1 messages more"), "{error}");
    }

    #[test]
    fn what_is_in_flight_is_due_and_not_read() {
        let traffic = traffic(10);
        let delivery = DELIVERY.len() as u64;
        let group = |frames: u64, read_bytes| Group {
            // A cut frame is not due yet.
            published_bytes: frames * traffic.publish_bytes + 1,
            read_bytes,
        };
        assert_eq!(group(3, 0).in_flight_bytes(&traffic), 3 * delivery);
        assert_eq!(group(3, delivery).in_flight_bytes(&traffic), 2 * delivery);
        assert_eq!(group(3, 4 * delivery).in_flight_bytes(&traffic), 0);
    }

    #[test]
    fn a_publisher_waits_for_the_slowest_group_it_feeds() {
        let (publisher, _peer) = pair();
        let frame = frames::publish("a", None, 16);
        let bytes = frame.len() as u64;
        let publishers = vec![Publisher::new(publisher, frame, 10 * bytes, 1..3)];
        let traffic = Traffic { groups: 3, ..traffic(10) };
        let mut flow = Flow::new(publishers, Vec::new(), traffic).unwrap();
        let far_behind = u64::MAX / (2 * DELIVERY.len() as u64);
        flow.groups[0].published_bytes = far_behind;
        assert_eq!(flow.publish().unwrap(), bytes, "group 0 is not its own");
        flow.groups[2].published_bytes = far_behind;
        assert_eq!(flow.publish().unwrap(), 0);
        flow.groups[2].read_bytes = u64::MAX;
        assert_eq!(flow.publish().unwrap(), bytes);
    }
}
