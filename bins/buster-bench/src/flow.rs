//! The turn of the streaming loads: publishers write prebuilt frames, subscribers read.
//!
//! A publisher stops while too much of what it published is on its way to the slowest of its
//! subscribers, so no server needs to drop one. The window is wide on purpose: a narrow one makes
//! servers send small pieces and doubles what a delivery costs them.
//!
//! It is over when every publisher has its PONG and every group has what was published for it;
//! `confirm_nothing_more` then proves, by reading up to a PONG, that nothing comes after the last.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::epoll::{Epoll, Ready};
use crate::ledger::Ledger;
use crate::pace::{self, Pace};
use crate::progress::Progress;
use crate::publisher::Publisher;
use crate::subscriber::Subscriber;

/// On its way to one group of subscribers: a quarter of what nats-server holds back for a client
/// before it cuts it off (64 MB).
const GROUP_WINDOW_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// On its way to all of them, so that the kernel's and the server's memory stay modest.
const WINDOW_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// One read's worth; the kernel drops the bytes, so the memory is never touched.
const SCRATCH_BYTES: usize = 4 * 1024 * 1024;

/// No byte moved for this long: something is lost.
const STALL_MAX: Duration = Duration::from_secs(20);

/// A subscriber that discards says PONG unasked, in time for any server that pings every 30 seconds
/// or less often.
const PONG_EVERY: Duration = Duration::from_secs(30);

/// What is equal for all messages of a flow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    /// Of a PUB with its payload.
    pub(crate) publish_bytes: u64,
    /// Of a MSG with its payload.
    pub(crate) delivery_bytes: u64,
    pub(crate) groups: usize,
}

pub(crate) struct Flow {
    publishers: Vec<Publisher>,
    subscribers: Vec<Subscriber>,
    groups: Vec<Group>,
    traffic: Traffic,
    /// Where every message is booked, if they are checked.
    ledger: Option<Ledger>,
    epoll: Epoll,
    /// Whose turn it is to write first, so that a closed window starves nobody.
    next_publisher: usize,
    /// How far each group may fall behind.
    window_bytes: u64,
    scratch: Vec<u8>,
    /// How fast publishers may go, if not as fast as they can.
    pace: Option<Pace>,
    /// When bytes moved last.
    moved_at: Instant,
    ponged_at: Instant,
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
    fn due(&self, traffic: &Traffic) -> u64 {
        self.published_bytes / traffic.publish_bytes
    }

    fn in_flight_bytes(&self, traffic: &Traffic) -> u64 {
        (self.due(traffic) * traffic.delivery_bytes).saturating_sub(self.read_bytes)
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
        let now = Instant::now();
        Ok(Self {
            publishers,
            subscribers,
            groups: vec![Group::default(); traffic.groups],
            traffic,
            ledger: None,
            epoll,
            next_publisher: 0,
            window_bytes: GROUP_WINDOW_BYTES_MAX.min(WINDOW_BYTES_MAX / traffic.groups.max(1) as u64),
            scratch: vec![0; SCRATCH_BYTES],
            pace: None,
            moved_at: now,
            ponged_at: now,
        })
    }

    /// Has every message checked instead of dropped; publishers must stamp what they send.
    pub(crate) fn checking(mut self, payload_bytes: usize) -> Self {
        let feeds = self.publishers.iter().map(|publisher| publisher.feeds.clone()).collect();
        let (groups, subscribers) = (self.groups.len(), self.subscribers.len());
        self.ledger = Some(Ledger::new(groups, subscribers, feeds, payload_bytes));
        self.subscribers = self.subscribers.into_iter().map(Subscriber::checking).collect();
        self
    }

    /// Has all publishers together send `rate` messages a second at most.
    pub(crate) fn paced(mut self, rate: f64) -> Self {
        let bytes_per_second = rate * self.traffic.publish_bytes as f64;
        self.pace = Some(Pace::new(bytes_per_second));
        self
    }

    /// Publishes everything, or what fits into `time`, and returns when every group has its messages.
    pub(crate) fn run(&mut self, time: Option<Duration>, mut progress: Progress) -> Result<()> {
        let start = Instant::now();
        self.moved_at = start;
        while !self.is_complete()? {
            let now = self.turn()?;
            if time.is_some_and(|time| now - start >= time) {
                self.finish();
            }
            progress.show(|| self.done());
        }
        Ok(())
    }

    /// No publisher begins another message.
    pub(crate) fn finish(&mut self) {
        self.publishers.iter_mut().for_each(Publisher::finish);
    }

    /// Writes what can be written and reads what is there; hands back the time.
    pub(crate) fn turn(&mut self) -> Result<Instant> {
        let written = self.publish()?;
        let patience = match &self.pace {
            _ if written > 0 => Duration::ZERO,
            Some(_) => pace::STEP,
            None => STALL_MAX,
        };
        let read = self.read(patience)?;
        let now = Instant::now();
        if written + read > 0 {
            self.moved_at = now;
        } else if now - self.moved_at >= STALL_MAX {
            bail!("no progress for {} s: {}", STALL_MAX.as_secs(), self.position());
        }
        if now - self.ponged_at >= PONG_EVERY {
            self.subscribers.iter_mut().try_for_each(Subscriber::say_pong)?;
            self.ponged_at = now;
        }
        Ok(now)
    }

    /// Reads each subscriber up to a PONG: a message there would be one too many. And if messages are
    /// checked, none may be missing.
    pub(crate) fn confirm_nothing_more(&mut self) -> Result<()> {
        self.subscribers.iter_mut().try_for_each(Subscriber::confirm_nothing_more)?;
        let published: Vec<u64> = self.publishers.iter().map(Publisher::published).collect();
        self.ledger.as_ref().map_or(Ok(()), |ledger| ledger.confirm_complete(&published))
    }

    /// Messages that all publishers together sent.
    pub(crate) fn published(&self) -> u64 {
        self.publishers.iter().map(Publisher::published).sum()
    }

    /// Messages that all groups together are due.
    pub(crate) fn deliveries(&self) -> u64 {
        self.groups.iter().map(|group| group.due(&self.traffic)).sum()
    }

    /// Messages that came so far, the odd PING counted in.
    pub(crate) fn delivered(&self) -> u64 {
        let bytes: u64 = self.groups.iter().map(|group| group.read_bytes).sum();
        bytes / self.traffic.delivery_bytes
    }

    /// For who watches: deliveries, or publishes that nobody listens to.
    fn done(&self) -> u64 {
        if self.groups.is_empty() { self.published() } else { self.delivered() }
    }

    /// Whether everything published has come; an error if more than that has.
    pub(crate) fn is_complete(&self) -> Result<bool> {
        if !self.publishers.iter().all(Publisher::is_confirmed) {
            return Ok(false);
        }
        let mut messages = vec![0; self.groups.len()];
        for subscriber in &self.subscribers {
            let Some(count) = subscriber.messages(self.traffic.delivery_bytes) else {
                return Ok(false);
            };
            messages[subscriber.group] += count;
        }
        for (messages, group) in messages.iter().zip(&self.groups) {
            let due = group.due(&self.traffic);
            ensure!(*messages <= due, "{messages} messages where {due} were due");
            if *messages < due {
                return Ok(false);
            }
        }
        Ok(true)
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
            let room = self.pace.as_ref().map_or(u64::MAX, Pace::room_bytes);
            let may_go_on = room > 0 && groups.iter().all(keeps_up);
            if !publisher.is_able() || publisher.has_frames_left() && !may_go_on {
                continue;
            }
            let chunk = publisher.write_chunk(room)?;
            if let Some(pace) = &mut self.pace {
                pace.on_sent(chunk);
            }
            for group in groups {
                group.published_bytes += chunk;
            }
            written += chunk;
        }
        Ok(written)
    }

    fn read(&mut self, patience: Duration) -> Result<u64> {
        let mut read = 0;
        for Ready { token, readable, writable } in self.epoll.wait(patience)? {
            if let Some(subscriber) = self.subscribers.get_mut(token) {
                let count = subscriber.read(token, &mut self.scratch, self.ledger.as_mut())?;
                self.groups[subscriber.group].read_bytes += count;
                read += count;
                continue;
            }
            let publisher = &mut self.publishers[token - self.subscribers.len()];
            if writable {
                publisher.on_writable()?;
            }
            if readable {
                publisher.read_replies()?;
            }
        }
        Ok(read)
    }

    fn position(&self) -> String {
        let busy = self.publishers.iter().filter(|publisher| publisher.has_frames_left()).count();
        format!(
            "{} published, {busy} publishers not done, {} of {} delivered",
            self.published(),
            self.delivered(),
            self.deliveries(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Block;
    use crate::frames;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    const PAYLOAD_BYTES: usize = 20;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    fn block() -> Block {
        Block::cycling(["a"].into_iter(), PAYLOAD_BYTES, 1000)
    }

    fn traffic(groups: usize) -> Traffic {
        Traffic {
            publish_bytes: block().frame_bytes(),
            delivery_bytes: frames::delivery_bytes("a", "1", PAYLOAD_BYTES) as u64,
            groups,
        }
    }

    /// Plays a server of one subject: reads `count` publishes, hands their payloads to `tamper`,
    /// delivers what comes back, and says `last` before the PONG that ends the subscriber's input.
    fn run_against(
        count: u64,
        checks: bool,
        tamper: impl FnOnce(&mut Vec<Vec<u8>>) + Send + 'static,
        last: &'static [u8],
    ) -> Result<()> {
        let (publisher, mut publisher_peer) = pair();
        let (subscriber, mut subscriber_peer) = pair();
        let frame_bytes = block().frame_bytes() as usize;
        let server = thread::spawn(move || {
            let mut published = vec![0; count as usize * frame_bytes + frames::PING.len()];
            publisher_peer.read_exact(&mut published).unwrap();
            publisher_peer.write_all(frames::PONG).unwrap();
            let whole = published.chunks_exact(frame_bytes);
            let mut payloads: Vec<Vec<u8>> =
                whole.map(|frame| frame[frame_bytes - 2 - PAYLOAD_BYTES..frame_bytes - 2].to_vec()).collect();
            tamper(&mut payloads);
            let mut deliveries = Vec::new();
            for payload in payloads {
                deliveries.extend(b"MSG a 1 20\r\n");
                deliveries.extend(payload);
                deliveries.extend(b"\r\n");
            }
            deliveries.extend(frames::PING);
            // The client may have seen enough before it read everything.
            if subscriber_peer.write_all(&deliveries).is_ok() {
                let mut input = Vec::new();
                let mut piece = [0; 64];
                while !input.ends_with(frames::PING) {
                    match subscriber_peer.read(&mut piece) {
                        Ok(0) | Err(_) => break,
                        Ok(count) => input.extend_from_slice(&piece[..count]),
                    }
                }
                let _ = subscriber_peer.write_all(&[last, frames::PONG].concat());
            }
        });
        let block = if checks { block().stamped(0, PAYLOAD_BYTES) } else { block() };
        let publisher = Publisher::new(publisher.into(), block, count, 0..1);
        let mut flow = Flow::new(vec![publisher], vec![Subscriber::new(subscriber.into(), 0)], traffic(1))?;
        if checks {
            flow = flow.checking(PAYLOAD_BYTES);
        }
        let outcome =
            flow.run(None, Progress::new("test", "messages")).and_then(|()| flow.confirm_nothing_more());
        assert!(outcome.is_err() || (flow.published(), flow.deliveries()) == (count, count));
        drop(flow);
        server.join().unwrap();
        outcome
    }

    fn failure(tamper: impl FnOnce(&mut Vec<Vec<u8>>) + Send + 'static) -> String {
        run_against(5_000, true, tamper, b"").unwrap_err().to_string()
    }

    #[test]
    fn a_flow_ends_when_every_message_is_in_pings_aside() {
        run_against(10_000, false, |_| {}, b"").unwrap();
        run_against(10_000, true, |_| {}, b"").unwrap();
    }

    #[test]
    fn a_message_too_many_fails_the_run_before_or_after_the_pong() {
        let twice = |payloads: &mut Vec<Vec<u8>>| payloads.push(payloads[0].clone());
        let error = run_against(100, false, twice, b"").unwrap_err();
        assert!(error.to_string().contains("101 messages where 100"), "{error}");
        let late = b"MSG a 1 16\r\n0123456789abcdef\r\n";
        let error = run_against(100, false, |_| {}, late).unwrap_err();
        assert!(error.to_string().contains("1 messages more"), "{error}");
    }

    #[test]
    fn checking_notices_what_counting_does_not() {
        let error = failure(|payloads| payloads[4_000] = payloads[3_999].clone());
        assert!(error.contains("0's 3999 was delivered twice"), "{error}");
        let error = failure(|payloads| payloads.swap(10, 11));
        assert!(error.contains("0's 10 came to subscriber 0 after 11"), "{error}");
        let error = failure(|payloads| payloads[7][19] ^= 1);
        assert!(error.contains("0's 7 on a is damaged"), "{error}");
        // Lost, and another made up in its place, so that the count is right.
        let error = failure(|payloads| {
            payloads.remove(20);
            let mut made_up = vec![0; PAYLOAD_BYTES];
            let checksum = crate::stamp::subject_checksum(b"a");
            crate::stamp::write(&mut made_up, 0, 9_999, checksum);
            payloads.push(made_up);
        });
        assert!(error.contains("missing is 20"), "{error}");
    }

    #[test]
    fn what_is_in_flight_is_due_and_not_read() {
        let traffic = traffic(1);
        let group = |frames: u64, read_bytes| Group {
            // A cut frame is not due yet.
            published_bytes: frames * traffic.publish_bytes + 1,
            read_bytes,
        };
        let delivery = traffic.delivery_bytes;
        assert_eq!(group(3, 0).in_flight_bytes(&traffic), 3 * delivery);
        assert_eq!(group(3, delivery).in_flight_bytes(&traffic), 2 * delivery);
        assert_eq!(group(3, 4 * delivery).in_flight_bytes(&traffic), 0);
    }

    #[test]
    fn a_publisher_waits_for_the_slowest_group_it_feeds() {
        let (publisher, _peer) = pair();
        let bytes = block().frame_bytes();
        let publishers = vec![Publisher::new(publisher.into(), block(), 1_000_000, 1..3)];
        let mut flow = Flow::new(publishers, Vec::new(), traffic(3)).unwrap();
        let far_behind = u64::MAX / (2 * flow.traffic.delivery_bytes);
        flow.groups[0].published_bytes = far_behind;
        assert!(flow.publish().unwrap() > 0, "group 0 is not its own");
        flow.groups[2].published_bytes = far_behind;
        assert_eq!(flow.publish().unwrap(), 0);
        flow.groups[2].read_bytes = u64::MAX;
        assert!(flow.publish().unwrap() > 0);
        flow.finish();
        while flow.publishers[0].has_frames_left() {
            flow.publish().unwrap();
        }
        assert_eq!(flow.groups[1].published_bytes % bytes, 0, "no message is cut");
    }
}
