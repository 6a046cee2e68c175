//! Requests for messages that wait.
//!
//! They are served in turn: one message, then to the back. There are `max_waiting` of them at most; what comes then
//! is refused. Nothing of them is stored.

use std::collections::VecDeque;
use std::sync::Arc;

use js_proto::{Pending, Status};

use crate::effect::{Effects, push_status};
use crate::moment::{NEVER, later};

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) reply: Arc<[u8]>,
    /// Messages that it still has to get; it may have asked for none, and then gets one.
    pub(crate) left: i64,
    /// Bytes that it still may get; zero is any number.
    pub(crate) bytes: u64,
    /// Messages that it got.
    pub(crate) delivered: u64,
    pub(crate) expires: i64,
    /// Zero is none.
    pub(crate) heartbeat: i64,
    pub(crate) next_heartbeat: i64,
    pub(crate) no_wait: bool,
}

impl Request {
    pub(crate) fn pending(&self) -> Pending {
        Pending { messages: u64::try_from(self.left).unwrap_or(0), bytes: self.bytes }
    }

    pub(crate) fn is_expired(&self, now: i64) -> bool {
        now >= self.expires
    }

    fn due(&self) -> i64 {
        self.expires.min(self.next_heartbeat)
    }

    /// Whether it ends where there are no more messages.
    fn ends_there(&self) -> bool {
        self.no_wait && (self.expires == NEVER || self.delivered > 0)
    }
}

/// All of them, the next to be served in front.
#[derive(Debug)]
pub(crate) struct Requests {
    queue: VecDeque<Request>,
    /// Nothing is due before. It may be that nothing is due then.
    next: i64,
    no_waits: usize,
}

impl Default for Requests {
    fn default() -> Self {
        Self { queue: VecDeque::new(), next: NEVER, no_waits: 0 }
    }
}

/// What is seen to when requests are looked through.
pub(crate) struct Tending<'a> {
    pub(crate) now: i64,
    /// Whether there is nothing more to deliver.
    pub(crate) is_end: bool,
    /// Whether somebody listens there.
    pub(crate) listens: &'a mut dyn FnMut(&[u8]) -> bool,
    /// What heartbeats say: the last delivery, the last sequence.
    pub(crate) last: (u64, u64),
}

impl Requests {
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Request> {
        self.queue.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// When there may be something to see to.
    pub(crate) fn next_due(&self) -> i64 {
        self.next
    }

    /// Whether there is something that ends where there are no more messages.
    pub(crate) fn has_no_wait(&self) -> bool {
        self.no_waits > 0
    }

    /// How many messages all of them wait for.
    pub(crate) fn messages(&self) -> i64 {
        self.queue.iter().fold(0, |sum, request| sum.saturating_add(request.left))
    }

    pub(crate) fn push(&mut self, request: Request) {
        self.next = self.next.min(request.due());
        self.no_waits += usize::from(request.no_wait);
        self.queue.push_back(request);
    }

    pub(crate) fn front(&self) -> Option<&Request> {
        self.queue.front()
    }

    pub(crate) fn drop_front(&mut self) {
        let request = self.queue.pop_front();
        self.no_waits -= usize::from(request.is_some_and(|request| request.no_wait));
        self.let_go_of_room();
    }

    /// Gives a message of that size to the one in front, which has its next turn after all others. Says whose it is,
    /// and what it could still have got if it has all messages that it wanted.
    pub(crate) fn serve_front(&mut self, size: u64, now: i64) -> Option<(Arc<[u8]>, Option<Pending>)> {
        let request = self.queue.front_mut()?;
        if request.bytes > 0 {
            request.bytes = request.bytes.saturating_sub(size);
            if request.bytes == 0 {
                request.left = 1;
            }
        }
        request.left -= 1;
        request.delivered += 1;
        if request.heartbeat > 0 {
            request.next_heartbeat = later(now, request.heartbeat);
        }
        let reply = request.reply.clone();
        let is_done = request.left <= 0;
        let completed = (is_done && request.bytes > 0).then(|| request.pending());
        if is_done {
            self.drop_front();
        } else if self.queue.len() > 1 {
            self.queue.rotate_left(1);
        }
        Some((reply, completed))
    }

    /// Gives back a message that did not arrive.
    pub(crate) fn credit(&mut self, reply: &[u8]) {
        if let Some(request) = self.queue.iter_mut().find(|request| *request.reply == *reply) {
            request.left = request.left.saturating_add(1);
            request.delivered = request.delivered.saturating_sub(1);
        }
    }

    /// Ends those whose time is over, that find nothing, or that nobody waits for; breaks the silence of others.
    pub(crate) fn tend(&mut self, tending: &mut Tending<'_>, out: &mut Effects) {
        self.next = NEVER;
        self.no_waits = 0;
        self.queue.retain_mut(|request| {
            let stays = tend_one(request, tending, out);
            if stays {
                self.next = self.next.min(request.due());
                self.no_waits += usize::from(request.no_wait);
            }
            stays
        });
        self.let_go_of_room();
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let replies: usize = self.queue.iter().map(|request| request.reply.len()).sum();
        self.queue.capacity() * size_of::<Request>() + replies
    }

    fn let_go_of_room(&mut self) {
        if !self.queue.is_empty() {
            return;
        }
        self.next = NEVER;
        self.queue = VecDeque::new();
    }
}

/// Says whether it goes on waiting.
fn tend_one(request: &mut Request, tending: &mut Tending<'_>, out: &mut Effects) -> bool {
    if request.is_expired(tending.now) {
        push_status(out, &request.reply, &Status::RequestTimeout(request.pending()));
        return false;
    }
    if tending.is_end && request.ends_there() {
        push_status(out, &request.reply, &Status::NoMessages);
        return false;
    }
    if !(tending.listens)(&request.reply) {
        return false;
    }
    if tending.now >= request.next_heartbeat {
        let (consumer_seq, stream_seq) = tending.last;
        push_status(out, &request.reply, &Status::IdleHeartbeat { consumer_seq, stream_seq, stalled: None });
        request.next_heartbeat = later(tending.now, request.heartbeat);
    }
    true
}
