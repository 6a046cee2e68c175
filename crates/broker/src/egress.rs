//! Everything that leaves towards this shard's own clients.

use bytes::Bytes;
use conns::{ConnId, Time, WriteLimits, Writer};
use monitor::Tally;
use nats_proto::{Delivery, Publish};

use crate::client::{Client, Clients};
use crate::counters::Counters;
use crate::cursor::{Cursor, MessageNumber};
use crate::imported::{Frames, Imported};
use crate::journey::Journey;
use crate::options::{BrokerOptions, WriteTimeout};
use crate::pacing::{Deliveries, FULL_TIME_MIN, PILE_BYTES};
use crate::party::{Origin, PeerId, may_pass_to_client};
use crate::peers::Peers;
use crate::services::Services;
use crate::settings::Settings;
use crate::subscription::{BySid, SidHash, SubKey, Subscription, Subscriptions};
use crate::trace;

/// Payloads from this size on are shared by the outboxes of a message instead of copied into each.
/// Below it a copy is cheaper than keeping count and a second piece in the send.
pub(crate) const SHARED_BYTES_MIN: usize = 16 << 10;

/// The clients with their outboxes, the subscriptions, and the scratch of the message in hand.
#[derive(Debug)]
pub(crate) struct Egress {
    pub(crate) clients: Clients,
    pub(crate) subs: Subscriptions,
    pub(crate) services: Services,
    /// A mailbox of them is full: publishers to services wait.
    pub(crate) mailbox_full: bool,
    /// The other servers of the cluster, if there is one, on the shard that speaks to them.
    pub(crate) peers: Option<Box<Peers>>,
    /// Who of them gets the message in hand, by which subscriptions: gathered so that it goes once to each.
    pub(crate) gathered: Vec<(PeerId, SubKey)>,
    pub(crate) bounds: Bounds,
    /// The protocol is logged.
    pub(crate) trace: bool,
    /// It is, or what becomes of the message in hand is noted:
    pub(crate) is_watched: bool,
    /// here.
    pub(crate) journey: Option<Box<Journey>>,
    pub(crate) trace_extent: trace::Extent,
    /// The message in hand.
    cursor: Cursor,
    /// Messages of the read in hand, which are not in the sums yet.
    taken: Tally,
    /// Whose they are.
    publisher: Option<ConnId>,
    /// The subject that selects who gets the message in hand, if it is another than the one that is shown.
    pub(crate) other_subject: Vec<u8>,
    /// What the message in hand looks like.
    pub(crate) frames: Frames,
    /// The same for who imports it.
    pub(crate) imported: Imported,
    /// The input that is being decoded, if messages can be shared out of it; else empty.
    pub(crate) lent: Bytes,
    /// The body, once a subscriber shares it.
    pub(crate) shared: Option<Bytes>,
    /// Set when a message met a reader that its publisher has to wait for.
    pub(crate) reader_behind: bool,
    /// Subscriptions that just had their last message, of which the log knows.
    pub(crate) expired: Vec<SubKey>,
    pub(crate) counters: Counters,
    /// What ops caused, beside themselves, counted from the first: see [`crate::turn`].
    pub(crate) steps: u64,
    /// Deliveries to readers that take nothing, counted from the first.
    pub(crate) piled: u64,
}

/// What happens to a reader for whom so many bytes wait.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bounds {
    /// Up to here nothing does.
    eventless: usize,
    /// It misses messages.
    pub(crate) dropped_above: usize,
    /// Its publishers wait.
    pub(crate) stalls_above: usize,
}

impl Bounds {
    fn of(options: &BrokerOptions) -> Self {
        let max_pending = options.max_pending;
        let behind = max_pending / 4 * 3;
        let (stalls_above, dropped_above) =
            if options.stall_publishers { (behind, usize::MAX) } else { (usize::MAX, behind) };
        let eventless = max_pending.min(behind).min(PILE_BYTES);
        Self { eventless, dropped_above, stalls_above }
    }
}

impl Egress {
    pub(crate) fn new(seed: u64, settings: &Settings) -> Self {
        let mut egress = Self {
            clients: Clients::new(write_limits(&settings.options)),
            subs: Subscriptions::new(seed),
            services: Services::default(),
            mailbox_full: false,
            peers: None,
            gathered: Vec::new(),
            bounds: Bounds::default(),
            trace: false,
            is_watched: false,
            journey: None,
            trace_extent: trace::Extent::default(),
            cursor: Cursor::default(),
            taken: Tally::default(),
            publisher: None,
            other_subject: Vec::new(),
            frames: Frames::default(),
            imported: Imported::default(),
            lent: Bytes::new(),
            shared: None,
            reader_behind: false,
            expired: Vec::new(),
            counters: Counters::default(),
            steps: 0,
            piled: 0,
        };
        egress.reconfigure(settings);
        egress
    }

    pub(crate) fn reconfigure(&mut self, settings: &Settings) {
        let options = &settings.options;
        self.clients.set_limits(write_limits(options));
        self.bounds = Bounds::of(options);
        self.trace = settings.trace;
        self.is_watched = self.trace;
        self.trace_extent =
            trace::Extent { bytes_max: options.max_traced_msg_len, headers_only: options.trace_headers };
    }

    /// A client's input is about to be decoded: what is counted as taken is its.
    pub(crate) fn set_publisher(&mut self, id: ConnId) {
        self.publisher = Some(id);
    }

    /// Counts a message that a client sent.
    #[inline]
    pub(crate) fn count_taken(&mut self, publish: &Publish<'_>) {
        self.taken.msgs += 1;
        self.taken.bytes += publish.body.len() as u64;
    }

    /// Begins a message, which is the one in hand from now on: call this before it is delivered to anybody. If it is
    /// for those who want another subject than the one that they are shown, call [`Self::set_other_subject`] next.
    pub(crate) fn begin(&mut self) {
        self.cursor.advance();
        self.other_subject.clear();
        self.shared = None;
        self.reader_behind = false;
    }

    /// The same for a message to the subject of `last`, neither of them with reply or headers: what was made for that
    /// one is used again, if nothing came in between.
    pub(crate) fn begin_next(&mut self, last: MessageNumber, publish: &Publish<'_>) {
        let goes_on = self.cursor.number() == last && self.frames.whole_of == last;
        self.begin();
        self.cursor.follow(last);
        if goes_on {
            self.frames.whole.prepare_next(publish.size_text);
            self.frames.whole_of = self.cursor.number();
        }
    }

    /// The message in hand goes to those who want this subject, if it is another than the one that they are shown.
    #[inline]
    pub(crate) fn set_other_subject(&mut self, selects: Option<&[u8]>) {
        if let Some(selects) = selects {
            self.other_subject.extend_from_slice(selects);
        }
    }

    /// The message in hand.
    #[inline]
    pub(crate) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// What was looked up for the message that this one follows does not do for it.
    pub(crate) fn look_up_anew(&mut self) {
        self.cursor.follow(MessageNumber::default());
    }

    /// Lets large messages that lie in `input` be shared instead of copied, from now on.
    pub(crate) fn lend(&mut self, input: Bytes) {
        self.lent = input;
    }

    /// Whether a reader of the message in hand falls behind.
    pub(crate) fn reader_behind(&self) -> bool {
        self.reader_behind
    }

    /// Whether the subscription can take a message.
    pub(crate) fn can_take(&self, key: SubKey, origin: Origin, publish: &Publish<'_>) -> bool {
        self.can_take_as(key, origin, publish, &self.other_subject)
    }

    /// The same, if this other subject selects who gets it, or none.
    pub(crate) fn can_take_as(
        &self,
        key: SubKey,
        origin: Origin,
        publish: &Publish<'_>,
        other_subject: &[u8],
    ) -> bool {
        let sub = self.subs.at(key);
        let Some(client) = self.clients.peek_open(sub.conn()) else {
            return self.can_take_apart(key, origin, publish);
        };
        !sub.is_exhausted()
            && may_pass_to_client(origin, sub.target, client.abilities.echo)
            && client.pending_bytes() <= self.bounds.dropped_above
            && !(client.watch.deliveries && is_kept_from(client, sub, judged(sub, publish, other_subject)))
    }

    /// Whether the client's permissions let it have the message in hand by that subscription.
    pub(crate) fn may_have(&self, key: SubKey, publish: &Publish<'_>) -> bool {
        let sub = self.subs.at(key);
        self.clients.peek_open(sub.conn()).is_none_or(|client| {
            !(client.watch.deliveries && is_kept_from(client, sub, judged(sub, publish, &self.other_subject)))
        })
    }

    /// Delivers the message in hand to one subscription, if it can take it.
    #[inline]
    pub(crate) fn deliver(&mut self, key: SubKey, origin: Origin, publish: &Publish<'_>) -> bool {
        if self.is_watched {
            return self.deliver_watched(key, origin, publish);
        }
        self.deliver_to::<false, false>(key, origin, publish)
    }

    /// The same. What is `IMPORTED` does not count for a subscription: as in nats-server it has its own maximum for
    /// each account that it gets messages from, which nobody sets. It is `LOGGED` if the protocol is.
    pub(crate) fn deliver_to<const IMPORTED: bool, const LOGGED: bool>(
        &mut self,
        key: SubKey,
        origin: Origin,
        publish: &Publish<'_>,
    ) -> bool {
        let sub = self.subs.at_mut(key);
        let Some(mut client) = self.clients.open_writer(sub.conn()) else {
            return self.deliver_apart(key, origin, publish);
        };
        if !may_pass_to_client(origin, sub.target, client.abilities.echo) {
            return false;
        }
        if client.watch.deliveries {
            let subject = judged(sub, publish, &self.other_subject);
            if is_kept_from_again(&mut client, sub, subject, &mut self.steps) {
                return false;
            }
        }
        if !IMPORTED {
            let max = sub.max();
            if max > 0 {
                if sub.delivered >= max {
                    return false;
                }
                if sub.delivered + 1 == max && !sub.is_leaving() {
                    trace::had_its_last(&client.label, &sub.sid, max);
                    self.expired.push(key);
                }
            }
            sub.delivered += 1;
        }

        let strip = !client.abilities.headers && publish.header.is_some_and(|header| header.bytes > 0);
        let (frame, body) = if strip {
            if self.frames.stripped_of != self.cursor.number() {
                self.frames.stripped_of = self.cursor.number();
                let size = publish.payload().len().to_string();
                self.frames.stripped.prepare(publish.subject, publish.reply, None, size.as_bytes());
            }
            (&self.frames.stripped, publish.payload())
        } else {
            if self.frames.whole_of != self.cursor.number() {
                self.frames.whole_of = self.cursor.number();
                prepare(&mut self.frames.whole, publish);
            }
            (&self.frames.whole, publish.body)
        };
        let sid: &[u8] = &sub.sid;
        let len = frame.frame_len(sid.len(), body.len());
        let waiting = client.pending_bytes() + len;
        if waiting > self.bounds.eventless {
            if client.pending_bytes() > self.bounds.dropped_above {
                return false;
            }
            if !client.has_room(len) {
                cut_off(client);
                return false;
            }
            self.reader_behind |= waiting > self.bounds.stalls_above;
            if waiting > PILE_BYTES
                && let Some(since) = client.blocked_since()
                && self.counters.now.since(since) >= FULL_TIME_MIN
                && self.bounds.stalls_above < usize::MAX
            {
                self.piled += 1;
            }
        }
        client.count_given(body.len());
        if body.len() < SHARED_BYTES_MIN {
            client.append(len, |chunk| frame.append(chunk, sid, body));
        } else {
            let whole = self.shared.get_or_insert_with(|| share(&self.lent, publish.body));
            let body = whole.slice(publish.body.len() - body.len()..);
            let head = len - body.len() - 2;
            client.append(head, |chunk| frame.append_head(chunk, sid));
            client.push_shared(body);
            client.push(b"\r\n");
        }
        if client.watch.replies
            && let Some(reply) = publish.reply
        {
            note_request(&mut client, self.counters.now, reply);
        }
        if LOGGED && self.trace {
            trace::delivered(&client.label, sid, publish, strip, self.trace_extent);
            if !IMPORTED && sub.is_exhausted() && !sub.is_leaving() {
                trace::unsubscribed(&client.label, sid);
            }
        }
        true
    }

    /// The client's subscription of that sid, which has that hash.
    pub(crate) fn find_sub(&mut self, id: ConnId, hash: SidHash, sid: &[u8]) -> Option<SubKey> {
        let subs = &self.subs;
        let is_it = |found: &BySid| found.hash == hash && *subs.at(found.key).sid == *sid;
        Some(self.clients.at(id).subs.find(hash.spread(), is_it)?.key)
    }

    /// All deliveries so far. What else ops cause counts as a delivery that was taken.
    #[inline]
    pub(crate) fn deliveries(&self) -> Deliveries {
        Deliveries { all: self.steps, piled: self.piled }
    }

    /// Enters a subscription under its client.
    pub(crate) fn enter_sub(&mut self, id: ConnId, by_sid: BySid) {
        self.clients.at(id).subs.insert(by_sid.table_hash(), by_sid, BySid::table_hash);
    }

    /// Takes a subscription from its client.
    pub(crate) fn withdraw_sub(&mut self, id: ConnId, by_sid: BySid) {
        self.clients.at(id).subs.remove(by_sid.table_hash(), |found| *found == by_sid, BySid::table_hash);
    }

    /// Logs that a subscription ends, if the protocol is logged.
    pub(crate) fn trace_unsubscribed(&self, key: SubKey) {
        if !self.trace {
            return;
        }
        let sub = self.subs.at(key);
        if let Some(client) = self.clients.peek(sub.conn()) {
            trace::unsubscribed(&client.label, &sub.sid);
        }
    }

    /// Queues protocol text for a client.
    pub(crate) fn send(&mut self, id: ConnId, bytes: &[u8]) {
        if self.send_untraced(id, bytes)
            && self.trace
            && let Some(client) = self.clients.peek(id)
        {
            trace::sent(&client.label, bytes);
        }
    }

    /// The same for text whose line the log has already; false if there is no room for it.
    pub(crate) fn send_untraced(&mut self, id: ConnId, bytes: &[u8]) -> bool {
        let Some(mut client) = self.clients.writer(id) else { return false };
        if client.is_open() && !client.has_room(bytes.len()) {
            cut_off(client);
            return false;
        }
        client.push(bytes);
        true
    }

    /// Queues `-ERR`.
    pub(crate) fn send_err(&mut self, id: ConnId, text: &str) {
        self.send(id, format!("-ERR '{text}'\r\n").as_bytes());
    }

    /// Takes the list of connections with something to flush or to finish.
    pub(crate) fn take_dirty(&mut self, into: &mut Vec<ConnId>) {
        self.clients.take_dirty(into, |client| self.counters.take_output(client));
    }

    /// Takes what came to the list after the first `count`.
    pub(crate) fn take_dirty_after(&mut self, count: usize, into: &mut Vec<ConnId>) {
        self.clients.take_dirty_after(count, into, |client| self.counters.take_output(client));
    }

    /// Takes what a client has sent and was sent over into the sums.
    pub(crate) fn take_over(&mut self, id: ConnId) {
        let Some(client) = self.clients.find(id) else { return };
        if self.publisher == Some(id) && self.taken.msgs > 0 {
            self.counters.take_input(client, std::mem::take(&mut self.taken));
        }
        self.counters.take_output(client);
    }

    /// Brings the sums up to date.
    pub(crate) fn take_over_dirty(&mut self) {
        self.clients.for_each_dirty(|client| self.counters.take_output(client));
    }
}

/// The subject of a message that permissions are asked about: in nats-server that is the one shown, but for members
/// of queue groups it is the one that selects them.
#[cold]
fn judged<'m>(sub: &Subscription, publish: &Publish<'m>, other_subject: &'m [u8]) -> &'m [u8] {
    if other_subject.is_empty() || sub.queue().is_none() { publish.subject } else { other_subject }
}

/// Whether the client's permissions keep a message on that subject from one of its subscriptions.
#[cold]
fn is_kept_from(client: &Client, sub: &Subscription, subject: &[u8]) -> bool {
    let guard = client.guard.as_ref();
    guard.is_some_and(|guard| !guard.access().may_get(subject, sub.queue()))
}

/// The same for one of many messages: what is found is remembered.
#[cold]
fn is_kept_from_again(client: &mut Client, sub: &Subscription, subject: &[u8], steps: &mut u64) -> bool {
    let Some(guard) = &mut client.guard else { return false };
    let may = guard.may_get(subject, sub.queue());
    *steps += guard.take_steps();
    !may
}

/// The client got a message that it may answer.
#[cold]
fn note_request(client: &mut Client, now: Time, reply: &[u8]) {
    if let Some(guard) = &mut client.guard {
        guard.on_request(now, reply);
    }
}

/// The body as a part of `lent`, if it lies there and is most of it, else as a copy. A part keeps the
/// whole: a reader that falls behind keeps at most twice what counts against its `max_pending`.
pub(crate) fn share(lent: &Bytes, body: &[u8]) -> Bytes {
    let lies_there = lent.as_ptr_range().contains(&body.as_ptr());
    if lies_there && body.len() >= lent.len() / 2 {
        lent.slice_ref(body)
    } else {
        Bytes::copy_from_slice(body)
    }
}

fn prepare(whole: &mut Delivery, publish: &Publish<'_>) {
    let header_text = publish.header.filter(|header| header.bytes > 0).map(|header| header.text);
    whole.prepare(publish.subject, publish.reply, header_text, publish.size_text);
}

/// Marks a connection whose reader lets too much gather.
#[cold]
pub(crate) fn cut_off(client: Writer<'_, Client>) {
    let max_pending = client.limits().pending_bytes_max;
    tracing::info!("{} - Slow Consumer Detected: MaxPending of {max_pending} Exceeded", client.label);
    client.cut_off();
}

fn write_limits(options: &BrokerOptions) -> WriteLimits {
    WriteLimits {
        pending_bytes_max: options.max_pending,
        deadline: options.write_deadline,
        gives_more_time: options.write_timeout == WriteTimeout::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_input_is_shared_only_if_it_is_most_of_it() {
        let input = Bytes::from(vec![7; 40_000]);
        let is_shared = |body: &[u8]| {
            let shared = share(&input, body);
            assert_eq!(shared, body);
            shared.as_ptr() == body.as_ptr()
        };
        assert!(is_shared(&input[100..30_000]));
        assert!(!is_shared(&input[100..19_000]), "it would keep more than twice its size");
        assert!(!is_shared(&[1; 30_000]), "it lies elsewhere");
    }
}
