//! Requests for messages that wait.
//!
//! They are served in turn: one message, then to the back, or behind all others of the same priority. There are
//! `max_waiting` of them at most; what comes then is refused. Nothing of them is stored.
//!
//! While there are few, all of them are looked through whenever something is due. Where there are many it is known which
//! those are ([`Due`]), and of the others some are asked at a time whether somebody still waits.

use std::collections::VecDeque;
use std::sync::Arc;

use js_proto::{Pending, Status};

use crate::due::Due;
use crate::effect::{Effects, push_status};
use crate::members::MemberId;
use crate::now::{NEVER, later};
use crate::request::{Request, ticket_of};

/// With more requests than this it is known which are due. With fewer than half of it that is forgotten.
const FEW_MAX: usize = 64;

/// Requests that end or are asked at a time, where there are many.
const AT_ONCE_MAX: usize = 256;

/// All of them, the next to be served in front.
#[derive(Debug)]
pub(crate) struct Requests {
    /// In order of their tickets. Among many there are some that ended, which have no more messages to come than none.
    queue: VecDeque<Request>,
    /// Nothing is due before. It may be that nothing is due then.
    next: i64,
    no_waits: usize,
    last_ticket: u64,
    /// Where there are many.
    due: Option<Box<Due>>,
}

impl Default for Requests {
    fn default() -> Self {
        Self { queue: VecDeque::new(), next: NEVER, no_waits: 0, last_ticket: 0, due: None }
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
        self.due.as_ref().map_or(self.queue.len(), |due| due.live)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// When there may be something to see to.
    pub(crate) fn next_due(&self) -> i64 {
        match &self.due {
            Some(due) => due.by_time.first().map_or(NEVER, |(at, _)| *at),
            None => self.next,
        }
    }

    /// Whether there is something that ends where there are no more messages.
    pub(crate) fn has_no_wait(&self) -> bool {
        self.due.as_ref().map_or(self.no_waits > 0, |due| !due.no_waits.is_empty())
    }

    /// Whether all of them together wait for more messages than so many.
    pub(crate) fn want_more_than(&self, messages: u64) -> bool {
        let mut wanted: u64 = 0;
        self.iter().any(|request| {
            wanted = wanted.saturating_add(u64::try_from(request.left).unwrap_or(0));
            wanted > messages
        })
    }

    pub(crate) fn push(&mut self, request: Request) {
        let request = Request { ticket: self.next_ticket(request.ticket), ..request };
        if self.due.is_none() && self.queue.len() >= FEW_MAX {
            self.become_many();
        }
        match &mut self.due {
            Some(due) => due.add(&request),
            None => {
                self.next = self.next.min(request.due());
                self.no_waits += usize::from(request.no_wait);
            }
        }
        self.line_up(request);
    }

    /// Puts it behind all that have lower tickets.
    fn line_up(&mut self, request: Request) {
        match self.queue.back() {
            Some(back) if back.ticket > request.ticket => {
                let place = self.queue.partition_point(|other| other.ticket < request.ticket);
                self.queue.insert(place, request);
            }
            _ => self.queue.push_back(request),
        }
    }

    /// Where in the line the first one of a member is.
    pub(crate) fn place_of(&self, member: MemberId) -> Option<usize> {
        self.queue.iter().position(|request| request.member == member && !request.has_ended())
    }

    pub(crate) fn front(&self) -> Option<&Request> {
        self.queue.front()
    }

    /// The one at that place in the line, which may have [ended](Request::has_ended).
    pub(crate) fn get(&self, place: usize) -> Option<&Request> {
        self.queue.get(place)
    }

    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut Request> {
        self.queue.get_mut(place)
    }

    /// Those that have not ended.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Request> {
        self.queue.iter().filter(|request| !request.has_ended())
    }

    pub(crate) fn drop_front(&mut self) {
        self.drop_at(0);
    }

    pub(crate) fn drop_at(&mut self, place: usize) {
        let Some(request) = self.queue.remove(place) else { return };
        match &mut self.due {
            Some(due) => due.forget(&request),
            None => self.no_waits -= usize::from(request.no_wait),
        }
        self.close_gaps();
    }

    /// Gives a message of that size to the one at that place, which has its next turn after all others of its class. Says
    /// whose it is, and what it could still have got if it has all messages that it wanted.
    pub(crate) fn serve(
        &mut self,
        place: usize,
        size: u64,
        now: i64,
    ) -> Option<(Arc<[u8]>, Option<Pending>)> {
        let is_alone = self.queue.len() < 2;
        let request = self.queue.get_mut(place)?;
        if let Some(due) = &mut self.due {
            due.forget(request);
        }
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
        if !is_done && !is_alone {
            self.last_ticket += 1;
            request.ticket = ticket_of(request.ticket, self.last_ticket);
        }
        if let Some(due) = &mut self.due {
            due.add(request);
        }
        if is_done {
            self.drop_at(place);
        } else if !is_alone {
            if let Some(request) = self.queue.remove(place) {
                self.line_up(request);
            }
            self.close_gaps();
        }
        Some((reply, completed))
    }

    fn next_ticket(&mut self, class: u64) -> u64 {
        self.last_ticket += 1;
        ticket_of(class, self.last_ticket)
    }

    /// Gives back a message that did not arrive: whoever got one last is behind all others, or gone.
    pub(crate) fn credit(&mut self, reply: &[u8]) {
        let last = self.queue.iter_mut().rev().take(AT_ONCE_MAX);
        let mut last = last.filter(|request| !request.has_ended());
        if let Some(request) = last.find(|request| *request.reply == *reply) {
            request.left = request.left.saturating_add(1);
            request.delivered = request.delivered.saturating_sub(1);
        }
    }

    /// Ends those whose time is over, that find nothing, or that nobody waits for; breaks the silence of others. Of many
    /// some are seen to at a time.
    pub(crate) fn tend(&mut self, tending: &mut Tending<'_>, out: &mut Effects) {
        if self.due.is_some() {
            return self.tend_some(tending, out);
        }
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
        self.close_gaps();
    }

    fn tend_some(&mut self, tending: &mut Tending<'_>, out: &mut Effects) {
        for ticket in self.take_tended(tending) {
            self.tend_at(ticket, tending, out);
        }
        self.close_gaps();
    }

    /// Those that are due, those that end here, and the next of those that are asked.
    fn take_tended(&mut self, tending: &Tending<'_>) -> Vec<u64> {
        let Some(due) = &mut self.due else { return Vec::new() };
        let over = due.by_time.range(..=(tending.now, u64::MAX)).map(|(_, ticket)| *ticket);
        let ends = due.no_waits.iter().copied().take(if tending.is_end { AT_ONCE_MAX } else { 0 });
        let mut tickets: Vec<u64> = over.take(AT_ONCE_MAX).chain(ends).collect();
        let start = self.queue.partition_point(|request| request.ticket < due.asked);
        let asked = self.queue.range(start..).take(AT_ONCE_MAX).map(|request| request.ticket);
        tickets.extend(asked);
        let is_last = start + AT_ONCE_MAX >= self.queue.len();
        due.asked = if is_last { 0 } else { self.queue[start + AT_ONCE_MAX].ticket };
        tickets.sort_unstable();
        tickets.dedup();
        tickets
    }

    fn tend_at(&mut self, ticket: u64, tending: &mut Tending<'_>, out: &mut Effects) {
        let Ok(at) = self.queue.binary_search_by_key(&ticket, |request| request.ticket) else { return };
        let (request, Some(due)) = (&mut self.queue[at], &mut self.due) else { return };
        if request.has_ended() {
            return;
        }
        due.forget(request);
        if tend_one(request, tending, out) {
            due.add(request);
        } else {
            request.end();
        }
    }

    /// There are so many that it has to be known which are due.
    fn become_many(&mut self) {
        let mut due = Box::new(Due::default());
        self.queue.iter().for_each(|request| due.add(request));
        self.due = Some(due);
    }

    fn become_few(&mut self) {
        self.queue.retain(|request| !request.has_ended());
        self.due = None;
        self.next = self.queue.iter().map(Request::due).min().unwrap_or(NEVER);
        self.no_waits = self.queue.iter().filter(|request| request.no_wait).count();
    }

    /// Whether the time of one is over, or somebody is to hear of silence.
    pub(crate) fn has_due(&self, now: i64) -> bool {
        self.next_due() <= now
            && (self.due.is_some() || self.queue.iter().any(|request| request.due() <= now))
    }

    /// All of them are told that the server stops.
    pub(crate) fn tell_stopping(&self, out: &mut Effects) {
        for request in self.queue.iter().filter(|request| !request.has_ended()) {
            push_status(out, &request.reply, &Status::ServerShutdown(request.pending()));
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let replies: usize = self.queue.iter().map(|request| request.reply.len()).sum();
        let due = self.due.as_ref().map_or(0, |due| due.by_time.len() * 2 * size_of::<(i64, u64)>());
        self.queue.capacity() * size_of::<Request>() + replies + due
    }

    /// Always afterwards: the first one has not ended, and of all that are there half have not, give or take a few. Where
    /// there are none no memory is kept.
    fn close_gaps(&mut self) {
        while self.queue.front().is_some_and(Request::has_ended) {
            self.queue.pop_front();
        }
        if let Some(due) = &self.due {
            if due.live < FEW_MAX / 2 {
                self.become_few();
            } else if self.queue.len() > 2 * due.live {
                self.queue.retain(|request| !request.has_ended());
            }
        }
        if self.queue.is_empty() {
            self.next = NEVER;
            self.queue = VecDeque::new();
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::class_of;

    const MANY: usize = 4 * FEW_MAX;

    fn request(number: usize, expires: i64, no_wait: bool) -> Request {
        let reply = number.to_string().into_bytes().into();
        Request {
            reply,
            left: 2,
            bytes: 0,
            delivered: 0,
            expires,
            heartbeat: 0,
            next_heartbeat: NEVER,
            no_wait,
            ticket: 0,
            wish: None,
            member: MemberId::NOBODY,
        }
    }

    fn tended(
        requests: &mut Requests,
        now: i64,
        is_end: bool,
        who_listens: fn(usize) -> bool,
    ) -> (usize, usize) {
        let (mut asked, mut out) = (0, Effects::new());
        let listens = &mut |reply: &[u8]| {
            asked += 1;
            who_listens(str::from_utf8(reply).unwrap().parse().unwrap())
        };
        requests.tend(&mut Tending { now, is_end, listens, last: (0, 0) }, &mut out);
        (out.len(), asked)
    }

    fn served(requests: &mut Requests) -> usize {
        let (reply, _) = requests.serve(0, 1, 0).unwrap();
        str::from_utf8(&reply).unwrap().parse().unwrap()
    }

    /// Each expires a moment after the one before it.
    fn many() -> Requests {
        let mut requests = Requests::default();
        for number in 0..MANY {
            requests.push(request(number, 1_000 + number as i64, false));
        }
        requests
    }

    #[test]
    fn of_many_those_that_are_due_end_and_few_others_are_looked_at() {
        let mut requests = many();
        assert_eq!((requests.len(), requests.next_due()), (MANY, 1_000));
        let (ended, asked) = tended(&mut requests, 1_009, false, |_| true);
        assert_eq!((ended, requests.len(), requests.next_due()), (10, MANY - 10, 1_010));
        assert!(asked <= AT_ONCE_MAX, "{asked}");
        assert_eq!(requests.front().map(|request| request.expires), Some(1_010));
        let (ended, _) = tended(&mut requests, NEVER - 1, false, |_| true);
        assert_eq!(ended, AT_ONCE_MAX.min(MANY - 10));
        tended(&mut requests, NEVER - 1, false, |_| true);
        assert!(requests.is_empty() && requests.next_due() == NEVER && requests.heap_bytes() == 0);
    }

    #[test]
    fn many_are_served_in_turn() {
        let mut requests = many();
        let order: Vec<usize> = (0..2 * MANY).map(|_| served(&mut requests)).collect();
        let round: Vec<usize> = (0..MANY).collect();
        assert_eq!(order, [&round[..], &round[..]].concat());
        assert!(requests.is_empty());
    }

    #[test]
    fn lower_priorities_are_in_front_and_equal_ones_are_served_in_turn() {
        let mut requests = Requests::default();
        for (number, priority) in [(0, 7), (1, 2), (2, 7), (3, 2), (4, 0)] {
            requests.push(Request { ticket: class_of(priority), ..request(number, NEVER, false) });
        }
        let order: Vec<usize> = (0..10).map(|_| served(&mut requests)).collect();
        assert_eq!(order, [4, 4, 1, 3, 1, 3, 0, 2, 0, 2]);
        assert!(requests.is_empty());
    }

    #[test]
    fn many_of_several_priorities_end_by_their_times() {
        let mut requests = Requests::default();
        for number in 0..MANY {
            let ticket = class_of((number % 10) as u8);
            requests.push(Request { ticket, ..request(number, 1_000 + number as i64, false) });
        }
        assert_eq!(tended(&mut requests, 1_009, false, |_| true).0, 10);
        let order: Vec<usize> = (0..2).map(|_| served(&mut requests)).collect();
        assert_eq!((order, requests.len()), (vec![10, 20], MANY - 10));
    }

    #[test]
    fn those_that_ended_among_many_are_passed_over() {
        let mut requests = many();
        while requests.len() > MANY / 2 {
            tended(&mut requests, 0, false, |number| number % 2 == 1);
        }
        let order: Vec<usize> = (0..MANY / 2).map(|_| served(&mut requests)).collect();
        assert_eq!(order, (0..MANY).filter(|number| number % 2 == 1).collect::<Vec<_>>());
        requests.credit(b"1");
        assert_eq!(requests.len(), MANY / 2);
    }

    #[test]
    fn who_does_not_wait_ends_where_there_is_no_more_and_nobody_else_does() {
        let mut requests = many();
        for number in MANY..MANY + 3 {
            requests.push(request(number, NEVER, true));
        }
        assert!(requests.has_no_wait());
        let (ended, _) = tended(&mut requests, 0, true, |_| true);
        assert_eq!((ended, requests.has_no_wait(), requests.len()), (3, false, MANY));
        assert!(requests.want_more_than(2 * MANY as u64 - 1) && !requests.want_more_than(2 * MANY as u64));
    }

    #[test]
    fn many_that_become_few_are_the_same() {
        let mut requests = many();
        tended(&mut requests, 1_000 + (MANY - 5) as i64, false, |_| true);
        assert_eq!((requests.len(), requests.due.is_none()), (4, true));
        assert_eq!(requests.next_due(), 1_000 + (MANY - 4) as i64);
        assert_eq!([(); 4].map(|()| served(&mut requests)), [MANY - 4, MANY - 3, MANY - 2, MANY - 1]);
    }
}
