//! Streams that take messages from others: asking for them, again when that fails, and no more.

use broker::ServiceSubscription;
use js_proto::{ApiError, ConsumerInfo, StreamConfig};
use streams::Decision;

use crate::deadlines::Due;
use crate::home::Home;
use crate::link::{Attempt, Link, Stage};
use crate::link_request::{Begin, LinkRequest, Taker, read_answer};
use crate::names::Change;
use crate::post::Message;
use crate::slot::Slot;
use crate::tenant::StreamId;
use crate::turn::Turn;

/// What an attempt costs, in steps.
const ATTEMPT_STEPS: u64 = 128;

/// With fewer messages missing a copy is as good as the stream that it is one of.
pub(crate) const CAUGHT_UP: u64 = 10;

impl Home {
    /// A stream is there, or is told to be something else: it takes messages from those that it says.
    pub(crate) fn configure_relay(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        before: Option<&StreamConfig>,
    ) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let Slot { relay, stream, .. } = slot;
        let ended = relay.configure(stream.config(), turn.clocks.now, turn.nuid);
        for link in &mut relay.links {
            if matches!(link.stage, Stage::Idle) && link.position == 0 {
                link.position = stream.position_of(&link.mark.key());
            }
        }
        let before = before.cloned();
        for mut link in ended {
            self.end_attempt(turn, link.take_attempt());
            if let Some(before) = &before {
                self.end_made_consumer(turn, id, &link, before);
            }
        }
        self.stand_in_if_asked(turn, id);
        self.time_relay(id);
    }

    /// A stream is gone, or rests: it takes nothing any more. If it is gone for good, so are the consumers that were made
    /// for it.
    pub(crate) fn end_relay(&mut self, turn: &mut Turn<'_>, id: StreamId, is_gone: bool) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let links = std::mem::take(&mut slot.relay.links);
        let config = slot.config().clone();
        self.deadlines.set(Due::Relay(id), None);
        self.stand_in(turn, id, false);
        for mut link in links {
            self.end_attempt(turn, link.take_attempt());
            if is_gone {
                self.end_made_consumer(turn, id, &link, &config);
            }
        }
    }

    /// One whose name does not change is kept where it was made until it is told to go.
    fn end_made_consumer(&mut self, turn: &mut Turn<'_>, id: StreamId, link: &Link, config: &StreamConfig) {
        let Some(slot) = self.streams.get(&id) else { return };
        let source = &link.source;
        if source.consumer.is_some() {
            return;
        }
        let account = slot.account();
        let domain = turn.config.domain.clone();
        let taker = |config| Taker { config, account: &self.accounts[account].name, domain: &domain };
        let ended = taker(config);
        let name = ended.consumer_name(link);
        let is_used = |other: &Link| {
            other.source.name == source.name && taker(slot.config()).consumer_name(other) == name
        };
        if slot.relay.links.iter().any(is_used) {
            return;
        }
        let LinkRequest { subject, header, body } = ended.end(link);
        turn.publish(&Message { header, ..Message::new(account, subject.as_bytes(), &body) });
    }

    fn end_attempt(&mut self, turn: &mut Turn<'_>, attempt: Option<Attempt>) {
        if let Some(Attempt { subscription, tag, .. }) = attempt {
            self.close_link_tag(tag);
            turn.broker.service_unsubscribe(subscription);
        }
    }

    /// Has what a stream does by itself about others be done when it is time.
    pub(crate) fn time_relay(&mut self, id: StreamId) {
        let Some(slot) = self.streams.get(&id) else { return };
        let at = slot.relay.due().filter(|_| !slot.is_resting);
        self.deadlines.set(Due::Relay(id), at);
    }

    /// It is time.
    pub(crate) fn on_relay_due(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let now = turn.clocks.now;
        for at in 0..self.links_of(id) {
            if !turn.may_go_on() {
                break;
            }
            let Some(link) = self.link(id, at).filter(|link| link.due <= now) else { continue };
            turn.spend(ATTEMPT_STEPS);
            let was_asked = matches!(link.stage, Stage::Asked(_));
            let begins_anew = matches!(link.stage, Stage::Open(_)) && link.starts_over;
            if link.gives_up(now) {
                self.try_again(turn, id, at, was_asked);
                if begins_anew {
                    self.ask_for(turn, id, at);
                }
            } else if matches!(link.stage, Stage::Idle) {
                self.ask_for(turn, id, at);
            }
        }
        self.time_relay(id);
    }

    fn links_of(&self, id: StreamId) -> usize {
        self.streams.get(&id).map_or(0, |slot| slot.relay.links.len())
    }

    pub(crate) fn link(&mut self, id: StreamId, at: usize) -> Option<&mut Link> {
        self.streams.get_mut(&id)?.relay.links.get_mut(at)
    }

    /// The attempt is over, and there is to be another one.
    pub(crate) fn try_again(&mut self, turn: &mut Turn<'_>, id: StreamId, at: usize, has_failed: bool) {
        let (now, random) = (turn.clocks.now, turn.nuid.number());
        let Some(link) = self.link(id, at) else { return };
        let attempt = link.end_attempt(now, has_failed, random);
        self.end_attempt(turn, attempt);
        self.time_relay(id);
    }

    /// Asks for a consumer of the other stream.
    fn ask_for(&mut self, turn: &mut Turn<'_>, id: StreamId, at: usize) {
        let tag = self.open_link_tag(id);
        let nuid = turn.nuid.next();
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let account = slot.account();
        let begin = slot.begin_of(at);
        let domain = turn.config.domain.clone();
        let taker =
            Taker { config: slot.stream.config(), account: &self.accounts[account].name, domain: &domain };
        let link = &mut slot.relay.links[at];
        let subject = taker.deliver_subject(&link.source, &nuid);
        let request = taker.ask(link, begin, &subject);
        let inbox = inbox(&subject);
        let subscription = subscribe(turn, account, &inbox, tag);
        link.on_asked(Attempt { subscription, tag, subject }, turn.clocks.now);
        let LinkRequest { subject, header, body } = request;
        let message = Message::new(account, subject.as_bytes(), &body);
        turn.publish(&Message { header, reply: Some(inbox.as_bytes()), ..message });
    }

    /// What was asked for is answered.
    pub(crate) fn on_link_answer(&mut self, turn: &mut Turn<'_>, id: StreamId, at: usize, body: &[u8]) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let is_mirror = slot.relay.is_mirror;
        match read_answer(body, &slot.relay.links[at].source, is_mirror) {
            Ok(consumer) => self.on_consumer_there(turn, id, at, &consumer),
            Err(error) => {
                self.tell_refused(id, at, &error);
                if let Some(link) = self.link(id, at) {
                    link.starts_over |= error.is(&js_proto::errors::STREAM_NOT_FOUND);
                    link.error = Some(error);
                }
                self.try_again(turn, id, at, true);
            }
        }
    }

    /// The consumer is there: what it delivers is listened to.
    fn on_consumer_there(&mut self, turn: &mut Turn<'_>, id: StreamId, at: usize, consumer: &ConsumerInfo) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let (account, is_mirror) = (slot.account(), slot.relay.is_mirror);
        let link = &mut slot.relay.links[at];
        let is_direct = consumer.config.as_ref().is_some_and(|config| config.direct);
        if !is_mirror && is_direct && consumer.delivered.stream_seq < link.position {
            // The other stream has not as many messages as were taken: it is another one.
            link.start_over();
            self.try_again(turn, id, at, false);
            return;
        }
        if link.starts_over && !is_mirror {
            link.position = 0;
        }
        let Some(asked) = link.take_attempt() else { return };
        let config = consumer.config.as_ref().map_or("", |config| &config.deliver_subject);
        let subject =
            link.source.consumer.as_ref().map_or(config, |consumer| &consumer.deliver_subject).to_owned();
        let subscription = subscribe(turn, account, &subject, asked.tag);
        turn.broker.service_unsubscribe(asked.subscription);
        link.begin_behind(consumer);
        link.on_open(Attempt { subscription, tag: asked.tag, subject }, turn.clocks.now);
        if is_mirror {
            self.skip_to_origin(turn, id, at);
        }
        if consumer.num_pending < CAUGHT_UP {
            self.stand_in(turn, id, true);
        }
        self.time_relay(id);
    }

    /// A copy begins where the stream that it is one of does. If that cannot be stored now, it follows from its first message.
    fn skip_to_origin(&mut self, turn: &mut Turn<'_>, id: StreamId, at: usize) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let up_to = slot.relay.links[at].position;
        if up_to <= slot.stream.last_seq_ahead() || slot.is_busy() {
            return;
        }
        let mut effects = Vec::new();
        let Decision::Append(record) = slot.stream.decide_skip(up_to) else { return };
        let Ok(place) = slot.medium.append(self.disk.as_mut(), id.0, &record) else { return };
        slot.stream.on_appended(place, None);
        slot.after_append(self.disk.as_mut(), &mut effects);
        self.carry_out(turn, id, &mut effects);
        self.settle(id);
    }

    /// Who asks for messages of the stream that this is a copy of may get them from here, or not any more.
    pub(crate) fn stand_in(&mut self, turn: &mut Turn<'_>, id: StreamId, stands_in: bool) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        let may = stands_in && slot.config().mirror_direct && slot.relay.is_mirror;
        if may == std::mem::replace(&mut slot.relay.stands_in, may) {
            return;
        }
        let (account, name) = (slot.account(), slot.config().name.clone());
        let origin = slot.relay.links.first().map_or(String::new(), |link| link.source.name.clone());
        let shard = turn.shard;
        self.account(account).note_stand_in(&origin, id, may);
        turn.tell_all(account, &name, Change::StandIn { shard, of: may.then_some(origin.as_bytes()) });
    }

    /// It was told whether it is to.
    fn stand_in_if_asked(&mut self, turn: &mut Turn<'_>, id: StreamId) {
        let Some(slot) = self.streams.get(&id) else { return };
        let is_open = slot.relay.links.iter().any(|link| matches!(link.stage, Stage::Open(_)));
        self.stand_in(turn, id, is_open);
    }

    /// In nats-server's words.
    fn tell_refused(&self, id: StreamId, at: usize, error: &ApiError) {
        let Some(slot) = self.streams.get(&id) else { return };
        let (name, of) = (&slot.config().name, &slot.relay.links[at].source.name);
        if slot.relay.is_mirror {
            tracing::warn!("JetStream error response for create mirror consumer: {error}");
        } else {
            tracing::warn!("JetStream error response for stream {name} create source consumer {of}: {error}");
        }
    }

    /// The stream that one takes messages from is gone, or there.
    pub(crate) fn on_origin(
        &mut self,
        turn: &mut Turn<'_>,
        account: usize,
        stream: &str,
        origin: &str,
        is_there: bool,
    ) {
        let (now, random) = (turn.clocks.now, turn.nuid.number());
        let Some((id, slot)) = self.find(account, stream) else { return };
        let here = slot.relay.links.iter_mut().filter(|link| link.source.name == origin);
        for link in here.filter(|link| link.source.external.is_none()) {
            if is_there { link.on_origin_there(now, random) } else { link.starts_over = true }
        }
        self.time_relay(id);
    }
}

impl Slot {
    /// Where a link is to begin.
    fn begin_of(&mut self, at: usize) -> Begin {
        let state = self.stream.state();
        let is_fresh = state.messages == 0 && state.first_seq == 0 && self.stream.last_seq_ahead() == 0;
        let link = &mut self.relay.links[at];
        if self.relay.is_mirror {
            link.position = self.stream.last_seq_ahead();
        } else if link.starts_over {
            link.position = 0;
        }
        let source = &link.source;
        let is_first = if self.relay.is_mirror { is_fresh } else { link.position == 0 };
        match (is_first, source.opt_start_seq, source.opt_start_time) {
            // What a message says of where it came from may be any number.
            (false, ..) => Begin::At(link.position.saturating_add(1)),
            (true, seq @ 1.., _) => Begin::At(seq),
            (true, 0, Some(time)) => Begin::AtTime(time),
            (true, 0, None) => Begin::All,
        }
    }
}

/// Where an attempt is answered.
pub(crate) fn inbox(subject: &str) -> String {
    format!("{subject}.R")
}

fn subscribe(turn: &mut Turn<'_>, account: usize, subject: &str, tag: u32) -> ServiceSubscription {
    let service = turn.post.service();
    let subscribed = turn.broker.service_subscribe(service, account, subject.as_bytes(), None, tag);
    subscribed.expect("settled configurations and answers that were read have valid subjects").0
}
