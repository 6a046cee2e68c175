//! What consumers deliver: who of them has something to do stands in line, and gets a share of the turn.

use consumers::{Consumer, Effect, Effects, Event, EventHead, Handout, Next, Sizes};
use js_proto::EventSubject;
use stream_index::Row;
use streams::{Found, Said};

use crate::consumer_set::{ConsumerId, ConsumerKey};
use crate::deadlines::Due;
use crate::disk::{Awaited, Disk};
use crate::home::Home;
use crate::post::Message;
use crate::slot::Slot;
use crate::tenant::StreamId;
use crate::turn::Turn;

/// Messages that a consumer delivers before the next one in line has its turn.
const SHARE: usize = 64;

/// What it costs to deliver a message, in steps.
const DELIVERY_STEPS: u64 = 24;

/// What it costs that a message or a request is due, in steps.
const DUE_STEPS: u64 = 4;

/// Consumers that push and learn in one turn who listens.
const TOLD_AT_ONCE: usize = 256;

/// What that costs each, in steps.
const INTEREST_STEPS: u64 = 16;

/// What is at hand where messages are delivered.
struct Hands<'h> {
    disk: &'h mut Option<Disk>,
    /// Scratch.
    text: &'h mut Vec<u8>,
    /// Messages that the consumer may still deliver.
    share: &'h mut usize,
    out: &'h mut Effects,
}

/// Why a consumer does not simply go on with the next message.
enum Paused {
    /// The turn is over, or its share.
    Over,
    /// It is not there.
    Gone,
    /// A mailbox has to be emptied first.
    Mail,
    /// A message has to be read first.
    Read,
    /// There is no message, or more comes of it than that it leaves. It was read, if there is one.
    Next(Next, Option<Row>),
}

/// Whether a consumer has more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Served {
    Done,
    NotYet,
}

impl Home {
    /// Has consumers in line deliver, as far as the turn goes.
    pub(crate) fn deliver(&mut self, turn: &mut Turn<'_>) {
        while turn.may_go_on()
            && self.may_show()
            && let Some(key) = self.line.pop_front()
        {
            self.serve(turn, key);
        }
    }

    pub(crate) fn has_deliveries(&self) -> bool {
        !self.line.is_empty() && self.may_show()
    }

    /// A consumer may have something to do.
    pub(crate) fn line_up(&mut self, key: ConsumerKey) {
        if let Some(slot) = self.streams.get_mut(&key.stream)
            && slot.consumers.line_up(key.consumer)
        {
            self.line.push_back(key);
        }
    }

    /// A stream has more messages: those who wait for some stand in line.
    pub(crate) fn wake(&mut self, stream: StreamId) {
        let Some(slot) = self.streams.get_mut(&stream) else { return };
        self.line.extend(slot.consumers.wake().map(|consumer| ConsumerKey { stream, consumer }));
    }

    /// Gives a consumer its share.
    fn serve(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) {
        let Some(slot) = self.streams.get_mut(&key.stream) else { return };
        slot.consumers.leave_line(key.consumer);
        if slot.is_resting {
            return;
        }
        if slot.is_busy() {
            // Nobody reads it now.
            slot.late.insert(key.consumer);
            return;
        }
        if self.serve_share(turn, key) == Served::NotYet {
            self.line_up(key);
        }
        self.time_consumer(key);
    }

    fn serve_share(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) -> Served {
        self.send_letters(turn, key);
        let mut out = std::mem::take(&mut self.consumer_effects);
        let served = self.deliver_some(turn, key, &mut out);
        self.consumer_effects = out;
        self.note_changed(key);
        served
    }

    fn deliver_some(&mut self, turn: &mut Turn<'_>, key: ConsumerKey, out: &mut Effects) -> Served {
        let mut share = SHARE;
        loop {
            let Some(slot) = self.streams.get_mut(&key.stream) else { return Served::Done };
            if slot.is_busy() {
                // What it delivered before led to something that is not over.
                slot.late.insert(key.consumer);
                return Served::Done;
            }
            let mut hands = Hands { disk: &mut self.disk, text: &mut self.text, share: &mut share, out };
            match slot.deliver_plain(turn, key.consumer, &mut hands) {
                Paused::Over => return Served::NotYet,
                Paused::Gone => return Served::Done,
                Paused::Mail => {
                    self.hold_back(turn, key);
                    return Served::Done;
                }
                Paused::Read => {
                    self.reading.push(key);
                    self.carry_out_of_consumer(turn, key, None, out);
                    return Served::Done;
                }
                Paused::Next(next, read) => {
                    if !out.is_empty() {
                        self.carry_out_of_consumer(turn, key, read, out);
                    }
                    match next {
                        Next::Message(_) => {}
                        Next::Again => return Served::NotYet,
                        Next::End | Next::Idle => return Served::Done,
                    }
                }
            }
        }
    }

    /// Carries out what a consumer wants to be done, in its order. The message that it delivers was read already.
    pub(crate) fn carry_out_of_consumer(
        &mut self,
        turn: &mut Turn<'_>,
        key: ConsumerKey,
        read: Option<Row>,
        effects: &mut Effects,
    ) {
        // What goes with it is still to be read until all that is said of it has left.
        let mut acked = Vec::new();
        let are_many = self.lane_news.has_to_wait(effects.len());
        for effect in effects.drain(..) {
            match effect {
                Effect::Deliver(delivery) => {
                    let row = read.expect("what is delivered was read");
                    self.send(turn, key, &row, &delivery);
                }
                Effect::Status { to, block, reply } => {
                    let Some(account) = self.account_of(key.stream) else { return };
                    let reply = reply.as_deref().map(str::as_bytes);
                    let message = Message { header: &block, reply, ..Message::new(account, &to, b"") };
                    turn.publish(&message);
                }
                Effect::Answer { to } => self.confirm(turn, key, to),
                Effect::Acked { first, last } => acked.push((first, last)),
                Effect::Event(event @ (Event::Pinned { .. } | Event::Unpinned { .. })) if are_many => {
                    self.lane_news.push(key, event);
                }
                Effect::Event(event) => self.tell_event(turn, key, &event),
                Effect::Silent { member } => self.on_silent(key, &member),
                Effect::Unused => {
                    self.end_consumer(turn, key);
                }
            }
        }
        self.note_changed(key);
        for (first, last) in acked {
            self.on_acked(turn, key.stream, first, last);
        }
    }

    /// Tells somebody that an acknowledgement was taken note of, once that is safe. What is in memory is as safe as it
    /// gets.
    fn confirm(&mut self, turn: &mut Turn<'_>, key: ConsumerKey, to: Vec<u8>) {
        let Some(slot) = self.streams.get(&key.stream) else { return };
        let account = slot.account();
        if slot.medium.is_log() {
            self.confirm_when_safe(key, Awaited::Ack { account, to });
        } else {
            turn.publish(&Message::new(account, &to, b""));
        }
    }

    pub(crate) fn account_of(&self, stream: StreamId) -> Option<usize> {
        self.streams.get(&stream).map(Slot::account)
    }

    /// Publishes a message to whom it is delivered, under the subject it was stored with.
    fn send(&mut self, turn: &mut Turn<'_>, key: ConsumerKey, row: &Row, delivery: &Handout) {
        let Some(slot) = self.streams.get(&key.stream) else { return };
        let Some(consumer) = slot.consumers.get(key.consumer) else { return };
        // It was read just now.
        let Found::Said(said) = slot.medium.read(&mut self.disk, row.place) else { return };
        let subject = slot.index().subject(row.subject);
        send(turn, slot.account(), consumer, subject, said, delivery, &mut self.text);
    }

    /// As nats-server tells of it whenever somebody asks for a consumer that is paused to be made.
    pub(crate) fn tell_pause(&self, turn: &mut Turn<'_>, key: ConsumerKey) {
        let at = turn.moment();
        let consumer = self.streams.get(&key.stream).and_then(|slot| slot.consumers.get(key.consumer));
        if let Some(event) = consumer.and_then(|consumer| consumer.pause_event(&at)) {
            self.tell_event(turn, key, &event);
        }
    }

    pub(crate) fn tell_event(&self, turn: &mut Turn<'_>, key: ConsumerKey, event: &Event) {
        let Some(slot) = self.streams.get(&key.stream) else { return };
        let Some(consumer) = slot.consumers.get(key.consumer) else { return };
        let subject =
            EventSubject::of_consumer(event.kind(), &slot.config().name, consumer.name()).to_string();
        if !turn.is_heard(slot.account(), subject.as_bytes()) {
            return;
        }
        let (id, domain) = (turn.nuid.next(), turn.config.domain.clone());
        let head = EventHead {
            account: &self.accounts[slot.account()].name,
            stream: &slot.config().name,
            consumer: consumer.name(),
            domain: &domain,
            id: &id,
            time: turn.clocks.timestamp(),
        };
        turn.publish(&Message::new(slot.account(), subject.as_bytes(), &event.to_json(&head)));
    }

    /// Has a consumer that is there again do what it has to.
    pub(crate) fn set_going(&mut self, turn: &mut Turn<'_>, key: ConsumerKey, is_push: bool) {
        if is_push {
            self.pushing.insert(key);
            turn.broker.watch_interest();
            self.tell_interest(turn, key);
        }
        self.join_group(turn, key);
        self.time_consumer(key);
        self.line_up(key);
    }

    /// Notes when a consumer has something to do.
    pub(crate) fn time_consumer(&mut self, key: ConsumerKey) {
        let consumer = self.streams.get(&key.stream).and_then(|slot| slot.consumers.get(key.consumer));
        let at = consumer.and_then(Consumer::next_deadline);
        let at = at.map(|at| conns::Time(u64::try_from(at).unwrap_or(0)));
        self.deadlines.set(Due::Consumer(key), at);
    }

    /// A consumer's time has come.
    pub(crate) fn on_consumer_due(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) {
        let at = turn.moment();
        let Some(slot) = self.streams.get_mut(&key.stream).filter(|slot| !slot.is_resting) else { return };
        if slot.is_busy() {
            slot.late.insert(key.consumer);
            return;
        }
        let account = slot.account();
        let Some(consumer) = slot.consumers.at(key.consumer) else { return };
        let mut out = Effects::new();
        let owed = consumer.owed();
        consumer.on_deadline(&at, &mut |subject| turn.is_heard(account, subject), &mut out);
        let more = consumer.owed().saturating_sub(owed) + out.len();
        turn.spend(more as u64 * DUE_STEPS);
        self.carry_out_of_consumer(turn, key, None, &mut out);
        self.time_consumer(key);
        self.line_up(key);
    }

    /// Consumers that push are told who listens, some in a turn: those from that one on. Returns from which one on the
    /// others are.
    pub(crate) fn tell_some_interest(
        &mut self,
        turn: &mut Turn<'_>,
        from: ConsumerKey,
    ) -> Option<ConsumerKey> {
        let keys: Vec<ConsumerKey> = self.pushing.range(from..).copied().take(TOLD_AT_ONCE + 1).collect();
        for key in keys.iter().take(TOLD_AT_ONCE) {
            turn.spend(INTEREST_STEPS);
            self.tell_interest(turn, *key);
        }
        keys.get(TOLD_AT_ONCE).copied()
    }

    /// A consumer that pushes is told whether anybody listens.
    pub(crate) fn tell_interest(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) {
        let at = turn.moment();
        let Some(slot) = self.streams.get_mut(&key.stream) else { return };
        let account = slot.account();
        let Some(consumer) = slot.consumers.at(key.consumer) else { return };
        let Some(subject) = consumer.deliver_subject() else { return };
        let group = consumer.config().deliver_group;
        let group = (!group.is_empty()).then_some(group.as_bytes());
        let is_there = turn.broker.is_heard_by(account, subject, group);
        consumer.on_interest(&at, is_there);
        self.time_consumer(key);
        self.line_up(key);
    }

    /// Looks after a consumer to which something was said.
    pub(crate) fn attend(&mut self, turn: &mut Turn<'_>, key: ConsumerKey, effects: &mut Effects) {
        self.carry_out_of_consumer(turn, key, None, effects);
        self.serve(turn, key);
    }

    /// The same of what is said very often: what follows comes once, behind all that came with it.
    pub(crate) fn attend_with_others(
        &mut self,
        turn: &mut Turn<'_>,
        key: ConsumerKey,
        effects: &mut Effects,
    ) {
        self.carry_out_of_consumer(turn, key, None, effects);
        self.line_up(key);
    }

    pub(crate) fn key(&mut self, account: usize, stream: &[u8], consumer: &[u8]) -> Option<ConsumerKey> {
        let (stream, consumer) = (str::from_utf8(stream).ok()?, str::from_utf8(consumer).ok()?);
        let (id, slot) = self.find(account, stream)?;
        let consumer: ConsumerId = slot.consumers.id(consumer)?;
        Some(ConsumerKey { stream: id, consumer })
    }
}

impl Slot {
    /// Has a consumer deliver messages, as long as nothing else comes of them.
    fn deliver_plain(&mut self, turn: &mut Turn<'_>, id: ConsumerId, hands: &mut Hands<'_>) -> Paused {
        let account = self.account();
        let Self { stream, medium, consumers, .. } = self;
        let (index, Hands { disk, text, share, out }) = (stream.index(), hands);
        let Some(consumer) = consumers.at(id) else { return Paused::Gone };
        loop {
            if **share == 0 || !turn.may_go_on() {
                return Paused::Over;
            }
            **share -= 1;
            if consumer.deliver_subject().is_some_and(|to| turn.broker.is_mail_awaited(account, to)) {
                return Paused::Mail;
            }
            let at = turn.moment();
            let mut steps = turn.take_steps();
            let before = steps.left();
            let next =
                consumer.next(&at, index, &mut |subject| turn.is_heard(account, subject), &mut steps, out);
            turn.spend(u64::from(before - steps.left()) + 1);
            let Next::Message(row) = next else {
                if next == Next::End {
                    consumers.wait(id);
                }
                return Paused::Next(next, None);
            };
            let said = match medium.read(disk, row.place) {
                Found::Said(said) => said,
                Found::Wait => return Paused::Read,
                Found::Lost => {
                    consumer.on_lost(&at, row.seq, out);
                    return Paused::Next(next, None);
                }
            };
            let subject = index.subject(row.subject);
            let (header, payload) = (said.header.len(), said.payload.len());
            let sizes = Sizes { subject: subject.len(), header, payload };
            consumer.deliver(&at, &row, &sizes, &mut |subject| turn.is_heard(account, subject), out);
            turn.spend(DELIVERY_STEPS + ((header + payload) >> 9) as u64);
            let [Effect::Deliver(delivery)] = &out[..] else { return Paused::Next(next, Some(row)) };
            // Mostly nothing else comes of it, and it goes as it was just read.
            send(turn, account, consumer, subject, said, delivery, text);
            out.clear();
        }
    }
}

/// Publishes a message to whom it is delivered, under the subject it was stored with. `reply` is scratch.
fn send(
    turn: &mut Turn<'_>,
    account: usize,
    consumer: &Consumer,
    subject: &[u8],
    said: Said<'_>,
    delivery: &Handout,
    reply: &mut Vec<u8>,
) {
    reply.clear();
    consumer.reply().write(reply, &delivery.metadata);
    let (mut short, mut pinned) = (Vec::new(), Vec::new());
    let (mut header, mut payload) = (said.header, said.payload);
    if delivery.headers_only {
        consumers::headers_only(header, payload.len(), &mut short);
        (header, payload) = (&short, b"");
    }
    if let Some(pin) = &delivery.pin {
        consumers::with_pin(header, pin, &mut pinned);
        header = &pinned;
    }
    turn.publish(&Message { account, to: &delivery.to, subject, reply: Some(reply), header, payload });
}
