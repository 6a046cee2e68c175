//! A requester and the responder that answers it.
//!
//! Every request carries a stamp, and the reply sends it back; so a reply that is lost, doubled or out
//! of order shows, whether anybody asked for it or not: it costs a few nanoseconds.

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::client::{self, Dialer};
use crate::epoll::Epoll;
use crate::frames;
use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::stamp::{self, PAYLOAD_BYTES_MIN};
use crate::stream::Stream;

/// Both sides read as much as this at once: dozens of messages.
const READ_BYTES: usize = 4 * 1024;

/// What a socket that is full keeps waiting, at most: a server that far behind will not catch up.
const OUTBOX_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(crate) type Payload = [u8; PAYLOAD_BYTES_MIN];

pub(crate) struct Pair {
    index: u32,
    requester: Player,
    responder: Player,
    /// When each request that has no reply yet should have been sent.
    waiting: VecDeque<Instant>,
    next_request: u64,
    next_reply: u64,
}

/// One end: a connection, and the frame it sends over and over with ever other payloads.
struct Player {
    stream: Stream,
    inbox: Inbox,
    frame: Vec<u8>,
    outbox: Outbox,
    scratch: Vec<u8>,
    /// What came last, in order.
    received: Vec<Payload>,
}

impl Pair {
    /// Connects both, the responder through `far`. `epoll` will know the requester by twice the index, the responder by one more.
    pub(crate) fn open(near: &mut Dialer, far: &mut Dialer, epoll: &Epoll, index: u32) -> Result<Self> {
        let answers = format!("_INBOX.bench.{index}");
        let asks = asks(index);
        let request = frames::publish(&asks, Some(&answers), PAYLOAD_BYTES_MIN);
        let reply = frames::publish(&answers, None, PAYLOAD_BYTES_MIN);
        let pair = Self {
            index,
            requester: Player::open(near, &answers, request)?,
            responder: Player::open(far, &asks, reply)?,
            waiting: VecDeque::new(),
            next_request: 0,
            next_reply: 0,
        };
        let token = 2 * index as usize;
        epoll.watch_reading(&pair.requester.stream, token)?;
        epoll.watch_reading(&pair.responder.stream, token + 1)?;
        Ok(pair)
    }

    /// Sends a request that was due at `due`.
    pub(crate) fn request(&mut self, due: Instant) -> Result<()> {
        let mut payload = [0; PAYLOAD_BYTES_MIN];
        stamp::write(&mut payload, self.index, self.next_request, self.checksum());
        self.next_request += 1;
        self.waiting.push_back(due);
        self.requester.send(&payload)
    }

    /// Reads what `token` has; `on_reply` gets when each request that was answered had been due.
    pub(crate) fn on_readable(&mut self, token: usize, mut on_reply: impl FnMut(Instant)) -> Result<()> {
        let is_responder = token % 2 == 1;
        if is_responder {
            return self.answer();
        }
        self.requester.receive()?;
        for payload in std::mem::take(&mut self.requester.received) {
            self.check(&payload)?;
            on_reply(self.waiting.pop_front().context("a reply nobody waits for")?);
        }
        Ok(())
    }

    fn answer(&mut self) -> Result<()> {
        self.responder.receive()?;
        let requests = std::mem::take(&mut self.responder.received);
        requests.iter().try_for_each(|payload| self.responder.send(payload))?;
        self.responder.received = requests;
        self.responder.received.clear();
        Ok(())
    }

    /// The payload went to the responder and back, so it must be the next of this pair.
    fn check(&mut self, payload: &Payload) -> Result<()> {
        let stamp = stamp::read(payload, asks(self.index).as_bytes())?;
        let (index, due) = (self.index, self.next_reply);
        ensure!(stamp.publisher == index, "pair {index} got a reply of pair {}", stamp.publisher);
        ensure!(stamp.seq == due, "pair {index} got reply {} where {due} was due", stamp.seq);
        self.next_reply += 1;
        Ok(())
    }

    fn checksum(&self) -> u32 {
        stamp::subject_checksum(asks(self.index).as_bytes())
    }

    /// Tries again to send what a full socket left.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.requester.flush()?;
        self.responder.flush()
    }
}

/// What the requester publishes to.
fn asks(index: u32) -> String {
    format!("rtt.{index}")
}

impl Player {
    fn open(dialer: &mut Dialer, listens_to: &str, frame: Vec<u8>) -> Result<Self> {
        let stream = client::open(dialer, &frames::subscribe(listens_to, None, "1"))?;
        stream.set_nonblocking(true)?;
        Ok(Self::new(stream, frame))
    }

    fn new(stream: Stream, frame: Vec<u8>) -> Self {
        let scratch = vec![0; READ_BYTES];
        Self {
            stream,
            inbox: Inbox::default(),
            frame,
            outbox: Outbox::default(),
            scratch,
            received: Vec::new(),
        }
    }

    fn receive(&mut self) -> Result<()> {
        let received = &mut self.received;
        let input = self.inbox.take_input(&mut self.stream, &mut self.scratch, |message| {
            received.push(message.payload().try_into().context("a payload of another size")?);
            Ok(())
        })?;
        // Behind what waits: it may end inside a frame.
        (0..input.pings).try_for_each(|_| self.outbox.send(&mut self.stream, frames::PONG))
    }

    fn send(&mut self, payload: &Payload) -> Result<()> {
        frames::published_payload(&mut self.frame, payload.len()).copy_from_slice(payload);
        self.outbox.send(&mut self.stream, &self.frame)
    }

    fn flush(&mut self) -> Result<()> {
        if self.outbox.len() > 0 {
            self.outbox.flush(&mut self.stream)?;
            ensure!(self.outbox.len() <= OUTBOX_BYTES_MAX, "the server does not keep up with the rate");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::net::TcpStream;

    fn player() -> (Player, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let far = listener.accept().unwrap().0;
        let frame = frames::publish("rtt.0", None, PAYLOAD_BYTES_MIN);
        (Player::new(stream.into(), frame), far)
    }

    fn stamped(pair: u32, seq: u64) -> Payload {
        let mut payload = [0; PAYLOAD_BYTES_MIN];
        stamp::write(&mut payload, pair, seq, stamp::subject_checksum(b"rtt.0"));
        payload
    }

    /// Lets the requester of pair 0 send two requests and get `replies`: when those were due.
    fn replies(replies: &[Payload]) -> Result<Vec<Instant>> {
        let ((requester, mut server), (responder, _far)) = (player(), player());
        let waiting = VecDeque::new();
        let mut pair = Pair { index: 0, requester, responder, waiting, next_request: 0, next_reply: 0 };
        let start = Instant::now();
        pair.request(start)?;
        pair.request(start)?;
        for payload in replies {
            server.write_all(b"MSG _INBOX.bench.0 1 16\r\n")?;
            server.write_all(&[&payload[..], b"\r\n"].concat())?;
        }
        let mut due = Vec::new();
        while due.len() < replies.len() {
            pair.on_readable(0, |at| due.push(at))?;
        }
        let mut sent = vec![0; 2 * pair.requester.frame.len()];
        server.read_exact(&mut sent)?;
        assert!(sent.starts_with(b"PUB rtt.0 16\r\n"));
        Ok(due)
    }

    #[test]
    fn replies_in_order_say_when_their_requests_were_due() {
        assert_eq!(replies(&[stamped(0, 0), stamped(0, 1)]).unwrap().len(), 2);
    }

    #[test]
    fn replies_that_are_lost_doubled_strange_or_damaged_fail() {
        let first = stamped(0, 0);
        let mut damaged = first;
        damaged[5] ^= 1;
        for (wrong, words) in [
            (vec![stamped(0, 1)], "reply 1 where 0"),
            (vec![first, first], "reply 0 where 1"),
            (vec![stamped(4, 0)], "a reply of pair 4"),
            (vec![damaged], "is not of rtt.0"),
        ] {
            let error = replies(&wrong).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
