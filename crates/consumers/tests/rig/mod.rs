//! A stream, a consumer and who listens, with everything that happens as lines of text.
#![allow(dead_code, reason = "each test uses what it needs")]

mod lines;
mod members;

use std::collections::BTreeMap;

use consumers::{Consumer, DeadLetter, Effect, Next, Now, OfStream, Saved, Sizes, Spec};
use js_proto::{
    AckReply, ConfigLimits, ConsumerConfig, FlowControlReply, MsgMetadata, StreamConfig, Timestamp,
};
use nats_proto::go_json::read_into;
use stream_index::{Place, RowFlags, Steps, StreamIndex};
use subject_trie::filter_matches;

pub(crate) use lines::blanked;
use lines::{event_line, group};

pub(crate) const MS: i64 = 1_000_000;

/// As many as the rigs' streams have messages, and some: where a purge leads is found at once.
const PURGE_STEPS: u32 = 48;

/// Where the clock that is shown begins.
const WALL: i64 = 1_795_959_639_000_000_000;

pub(crate) struct Rig {
    pub(crate) index: StreamIndex,
    pub(crate) consumer: Consumer,
    pub(crate) at: Now,
    /// Subject and queue group.
    pub(crate) subs: Vec<(String, String)>,
    /// What happened and was not looked at: a group, and the line.
    pub(crate) lines: Vec<(char, String)>,
    /// Header and payload bytes of messages.
    sizes: BTreeMap<u64, (usize, usize)>,
    /// How each was delivered last.
    pub(crate) replies: BTreeMap<u64, MsgMetadata>,
    /// Messages that cannot be read.
    pub(crate) lost: Vec<u64>,
    /// Who got which message, and as whom it is pinned.
    pub(crate) taken: Vec<(String, u64, Option<String>)>,
    /// Where nobody is any more when a message comes.
    pub(crate) vanished: String,
    /// The last question of flow control.
    pub(crate) question: String,
    pub(crate) one_per_subject: bool,
    /// Steps of one turn.
    pub(crate) steps: u32,
    /// Records that were stored: a state, and deltas behind it.
    pub(crate) stored: (Vec<u8>, Vec<Vec<u8>>),
    /// Whether what changes is stored after each command.
    pub(crate) stores: bool,
    pub(crate) keeps_until_acked: bool,
    pub(crate) is_gone: bool,
    /// Letters that left.
    pub(crate) letters: Vec<DeadLetter>,
}

pub(crate) fn config(json: &str) -> ConsumerConfig {
    settled(json).unwrap()
}

/// None if a server refuses it.
fn settled(json: &str) -> Option<ConsumerConfig> {
    let mut config = ConsumerConfig::default();
    read_into(json.as_bytes(), &mut config).unwrap();
    let stream = StreamConfig { name: "S".into(), num_replicas: 1, ..StreamConfig::default() };
    config.settled(&stream, &ConfigLimits::default(), false).ok()
}

fn spec(config: &ConsumerConfig, of_stream: OfStream) -> Spec {
    let name = [&config.durable_name, &config.name].into_iter().find(|name| !name.is_empty());
    let name = name.cloned().unwrap_or("EPH1".into());
    Spec {
        stream: "S".into(),
        created: Timestamp::default(),
        reply: AckReply::v1("S", &name),
        flow: FlowControlReply::v1("S", &name),
        name,
        config: config.clone(),
        of_stream,
    }
}

impl Rig {
    /// A stream with a consumer that is not there yet.
    pub(crate) fn stream(first_seq: u64, one_per_subject: bool) -> Self {
        let at = Now { mono: 0, wall: WALL, random: 0 };
        let none = OfStream {
            keeps_until_acked: false,
            has_one_per_subject: one_per_subject,
            message_bytes_max: 1 << 20,
        };
        Self {
            index: StreamIndex::new(first_seq),
            consumer: Consumer::following(spec(&config(r#"{"durable_name":"C"}"#), none)),
            at,
            subs: Vec::new(),
            lines: Vec::new(),
            sizes: BTreeMap::new(),
            replies: BTreeMap::new(),
            lost: Vec::new(),
            taken: Vec::new(),
            vanished: String::new(),
            question: String::new(),
            one_per_subject,
            steps: 1_000,
            stored: Default::default(),
            stores: true,
            keeps_until_acked: false,
            is_gone: true,
            letters: Vec::new(),
        }
    }

    /// A stream with that many messages of 2 bytes under `s.a`, and a consumer.
    pub(crate) fn with(messages: u64, consumer: &str) -> Self {
        let mut rig = Self::stream(0, false);
        rig.publish_many(messages, 2);
        rig.create(consumer);
        rig
    }

    fn of_stream(&self) -> OfStream {
        OfStream {
            keeps_until_acked: self.keeps_until_acked,
            has_one_per_subject: self.one_per_subject,
            message_bytes_max: 1 << 20,
        }
    }

    pub(crate) fn create(&mut self, json: &str) {
        let json = if json.contains("\"name\"") {
            json.into()
        } else {
            json.replacen('{', r#"{"durable_name":"C","#, 1)
        };
        self.create_from(&config(&json.replace(",}", "}")));
    }

    pub(crate) fn create_from(&mut self, config: &ConsumerConfig) {
        self.consumer = Consumer::new(spec(config, self.of_stream()), &self.at);
        self.is_gone = false;
        self.settle();
        self.tell_interest();
        self.info();
        self.turn(Vec::new());
    }

    pub(crate) fn settle(&mut self) {
        while !self.consumer.settle(&self.index, &mut Steps::new(self.steps)) {}
    }

    pub(crate) fn publish(&mut self, subject: &str, payload: usize) -> u64 {
        self.publish_with(subject, 0, payload)
    }

    /// That many under `s.a`.
    pub(crate) fn publish_many(&mut self, messages: u64, payload: usize) {
        for _ in 0..messages {
            self.publish("s.a", payload);
        }
    }

    pub(crate) fn publish_with(&mut self, subject: &str, header: usize, payload: usize) -> u64 {
        let seq = self.index.last_seq() + 1;
        let before = self.index.find(subject.as_bytes()).map(|id| self.index.tally(id).last);
        let place = Place { segment: 1, offset: 0 };
        self.index.push(seq, self.at.wall, 64, subject.as_bytes(), place, RowFlags::NONE);
        self.sizes.insert(seq, (header, payload));
        if let Some(before) = before.filter(|_| self.one_per_subject) {
            self.delete(before);
        }
        self.turn(Vec::new());
        seq
    }

    pub(crate) fn delete(&mut self, seq: u64) {
        let Some(row) = self.index.remove(seq) else { return };
        let subject = self.index.subject(row.subject).to_vec();
        let mut out = Vec::new();
        self.consumer.on_removed(&self.at, seq, &subject, &mut out);
        self.turn(out);
    }

    /// Purges what a subject matches.
    pub(crate) fn purge(&mut self, filter: Option<&str>) {
        for seq in 1..=self.index.last_seq() {
            let row = self.index.get(seq);
            let is_meant =
                |subject: &[u8]| filter.is_none_or(|filter| filter_matches(filter.as_bytes(), subject));
            if row.is_some_and(|row| is_meant(self.index.subject(row.subject))) {
                self.index.remove(seq);
            }
        }
        // In slices: how it is cut changes nothing.
        let (subject, mut from) = (filter.map(str::as_bytes), 0);
        let Self { consumer, at, index, .. } = self;
        while !consumer.on_purged(at, subject, index, &mut from, &mut Steps::new(PURGE_STEPS)) {}
        self.settle();
        self.turn(Vec::new());
    }

    pub(crate) fn request(&mut self, reply: &str, body: &str) {
        let mut out = Vec::new();
        let subs = self.subs.clone();
        let mut listens = |subject: &[u8]| is_listened_to(&subs, subject);
        self.consumer.on_request(
            &self.at,
            reply.as_bytes(),
            body.as_bytes(),
            &self.index,
            &mut listens,
            &mut out,
        );
        self.turn(out);
    }

    pub(crate) fn ack(&mut self, seq: u64, body: &str, reply: &str) {
        if let Some(metadata) = self.replies.get(&seq).copied() {
            self.ack_as(&metadata, body, reply);
        }
    }

    pub(crate) fn ack_as(&mut self, metadata: &MsgMetadata, body: &str, reply: &str) {
        let mut out = Vec::new();
        let subs = self.subs.clone();
        let mut listens = |subject: &[u8]| is_listened_to(&subs, subject);
        let (body, reply) = (body.as_bytes(), reply.as_bytes());
        self.consumer.on_ack(&self.at, metadata, body, reply, &self.index, &mut listens, &mut out);
        self.turn(out);
    }

    pub(crate) fn flow_answer(&mut self) {
        let mut out = Vec::new();
        self.consumer.on_flow_answer(&self.at, self.question.clone().as_bytes(), None, &mut out);
        self.turn(out);
    }

    pub(crate) fn sub(&mut self, subject: &str, queue: &str) {
        self.subs.push((subject.into(), queue.into()));
        self.tell_interest();
        self.turn(Vec::new());
    }

    pub(crate) fn unsub(&mut self, subject: &str, queue: &str) {
        let at = self.subs.iter().position(|sub| sub.0 == subject && sub.1 == queue).unwrap();
        self.subs.remove(at);
        self.tell_interest();
        self.turn(Vec::new());
    }

    fn tell_interest(&mut self) {
        let Some(subject) = self.consumer.deliver_subject() else { return };
        let group = self.consumer.config().deliver_group;
        let is_there = self.subs.iter().any(|sub| sub.0.as_bytes() == subject && sub.1 == group);
        self.consumer.on_interest(&self.at, is_there);
    }

    pub(crate) fn update(&mut self, json: &str) {
        let config = settled(json).filter(|config| self.consumer.config().check_update(config).is_ok());
        if let Some(config) = config {
            self.update_to(&config);
            self.info();
        }
    }

    pub(crate) fn update_to(&mut self, config: &ConsumerConfig) {
        let updated = self.consumer.update(&self.at, config.clone());
        self.settle();
        if updated.deliver_subject {
            self.tell_interest();
        }
        self.turn(Vec::new());
    }

    pub(crate) fn pause(&mut self, until: Option<Timestamp>) {
        let mut out = Vec::new();
        self.consumer.pause(&self.at, until, &mut out);
        self.turn(out);
    }

    pub(crate) fn reset(&mut self, seq: u64) {
        match self.consumer.reset(seq, &self.index) {
            Err(error) => self.lines.push(('i', format!("error {}", error.description))),
            Ok(seq) => {
                self.settle();
                self.info();
                self.lines.last_mut().unwrap().1 += &format!(" reset {seq}");
            }
        }
        self.turn(Vec::new());
    }

    /// The server is about to stop.
    pub(crate) fn stop(&mut self) {
        let mut out = Vec::new();
        self.consumer.tell_stopping(&mut out);
        self.do_all(out);
    }

    /// The server was killed and is there again: whatever it had not stored is gone, and it had stored everything.
    pub(crate) fn restart(&mut self) {
        if self.stores {
            self.store();
        }
        let config = self.consumer.config();
        self.consumer = Consumer::following(spec(&config, self.of_stream()));
        self.consumer.load(&self.stored.0).unwrap();
        for delta in &self.stored.1 {
            self.consumer.apply(delta).unwrap();
        }
        self.at.mono = 77 * MS;
        self.consumer.lead(&self.at);
        self.settle();
        self.tell_interest();
        self.turn(Vec::new());
    }

    pub(crate) fn store(&mut self) {
        match self.consumer.take_saved(&self.at) {
            None => {}
            Some(Saved::State(state)) => self.stored = (state, Vec::new()),
            Some(Saved::Delta(delta)) => self.stored.1.push(delta),
        }
    }

    /// One that nothing is known of.
    pub(crate) fn fresh(&self) -> Consumer {
        Consumer::following(spec(&self.consumer.config(), self.of_stream()))
    }

    /// A new one.
    pub(crate) fn fresh_from(&self, config: &ConsumerConfig) -> Consumer {
        Consumer::new(spec(config, self.of_stream()), &self.at)
    }

    /// All of it is read again.
    pub(crate) fn check_loads(&mut self) {
        self.stored = (self.consumer.take_state(&self.at), Vec::new());
        self.check_stored();
    }

    /// What was stored makes the same consumer.
    pub(crate) fn check_stored(&mut self) {
        let mut other = self.fresh();
        other.load(&self.stored.0).unwrap();
        for delta in &self.stored.1 {
            other.apply(delta).unwrap();
        }
        let at = Now { mono: self.at.wall, ..self.at };
        assert_eq!(
            other.take_state(&at),
            self.consumer.take_state(&self.at),
            "what was stored is not what is"
        );
    }

    pub(crate) fn info(&mut self) {
        self.settle();
        let mut out = Vec::new();
        let subs = self.subs.clone();
        let info = self.consumer.info(&self.at, &mut |subject| is_listened_to(&subs, subject), &mut out);
        self.turn(out);
        let last = |sequence: &js_proto::SequenceInfo| if sequence.last_active.is_some() { "+" } else { "" };
        let mut line = format!(
            "info {}/{}{} {}/{}{} ack_pending {} pending {} redelivered {} waiting {}",
            info.delivered.consumer_seq,
            info.delivered.stream_seq,
            last(&info.delivered),
            info.ack_floor.consumer_seq,
            info.ack_floor.stream_seq,
            last(&info.ack_floor),
            info.num_ack_pending,
            info.num_pending,
            info.num_redelivered,
            info.num_waiting
        );
        line += if info.push_bound { " bound" } else { "" };
        line += if info.paused { " paused" } else { "" };
        self.lines.push(('i', line));
    }

    /// Lets time go by, with everything that it does.
    pub(crate) fn wait(&mut self, millis: i64) {
        let end = self.at.mono + millis * MS;
        while let Some(due) = self.consumer.next_deadline().filter(|due| *due <= end && !self.is_gone) {
            self.pass(due - self.at.mono);
            let mut out = Vec::new();
            let subs = self.subs.clone();
            self.consumer.on_deadline(&self.at, &mut |subject| is_listened_to(&subs, subject), &mut out);
            self.turn(out);
        }
        self.pass(end - self.at.mono);
    }

    fn pass(&mut self, nanos: i64) {
        self.at.mono += nanos.max(0);
        self.at.wall += nanos.max(0);
    }

    /// Does what is to be done, and delivers what there is.
    pub(crate) fn turn(&mut self, mut out: Vec<Effect>) {
        let subs = self.subs.clone();
        let mut listens = |subject: &[u8]| is_listened_to(&subs, subject);
        loop {
            self.at.random = self.at.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let steps = &mut Steps::new(self.steps);
            let next = self.consumer.next(&self.at, &self.index, &mut listens, steps, &mut out);
            if let Next::Message(row) = next
                && self.lost.contains(&row.seq)
            {
                self.consumer.on_lost(&self.at, row.seq, &mut out);
            } else if let Next::Message(row) = next {
                let (header, payload) = self.sizes[&row.seq];
                let subject = self.index.subject(row.subject).len();
                let sizes = Sizes { subject, header, payload };
                self.consumer.deliver(&self.at, &row, &sizes, &mut listens, &mut out);
            }
            let is_done = matches!(next, Next::Idle | Next::End);
            self.do_all(std::mem::take(&mut out));
            if is_done {
                break;
            }
        }
        while let Some(letter) = self.consumer.next_letter(&self.at) {
            self.consumer.on_letter_sent(&self.at, letter.seq, 100);
            self.letters.push(letter);
        }
        if self.stores {
            self.store();
        }
    }

    fn do_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Deliver(delivery) => self.arrive(&delivery),
                Effect::Status { to, block, reply } => {
                    let to = str::from_utf8(&to).unwrap();
                    let text = String::from_utf8(block).unwrap().replace("\r\n", "|");
                    let reply = reply.inspect(|reply| self.question = reply.clone());
                    let line =
                        format!("{to} {} {}", reply.as_deref().unwrap_or("-"), text.trim_end_matches('|'));
                    self.lines.push((group(to), line));
                }
                Effect::Answer { to } => {
                    self.lines.push(('i', format!("{} -", String::from_utf8(to).unwrap())))
                }
                Effect::Event(event) => self.lines.push(('e', event_line(&event))),
                Effect::Acked { first, last } => self.lines.push(('k', format!("acked {first} to {last}"))),
                Effect::Silent { member } => self.lines.push(('e', format!("SILENT {member}"))),
                Effect::Unused => {
                    self.lines.push(('e', "UNUSED".into()));
                    self.is_gone = true;
                }
            }
        }
    }

    fn arrive(&mut self, delivery: &consumers::Handout) {
        let seq = delivery.metadata.stream_seq;
        if *delivery.to == *self.vanished.as_bytes() {
            self.vanished.clear();
            return self.consumer.on_undelivered(&self.at, seq, &delivery.to);
        }
        let subject = self.index.get(seq).map(|row| self.index.subject(row.subject).to_vec()).unwrap();
        let mut reply = Vec::new();
        self.consumer.reply().write(&mut reply, &delivery.metadata);
        let line = format!("{} {}", String::from_utf8(subject).unwrap(), String::from_utf8(reply).unwrap());
        let to = str::from_utf8(&delivery.to).unwrap();
        self.taken.push((to.into(), seq, delivery.pin.as_deref().map(str::to_owned)));
        let readers = self.subs.iter().filter(|sub| sub.0 == to).count();
        self.lines.extend(std::iter::repeat_n((group(to), line), readers.max(1)));
        self.replies.insert(seq, delivery.metadata);
    }

    /// Who got which messages since this was last asked.
    pub(crate) fn takers(&mut self) -> Vec<String> {
        std::mem::take(&mut self.taken).into_iter().map(|(to, seq, _)| format!("{to} {seq}")).collect()
    }

    /// What happened since this was last asked, times blanked.
    pub(crate) fn take(&mut self) -> Vec<String> {
        let lines = std::mem::take(&mut self.lines);
        lines.into_iter().map(|(_, line)| blanked(&line)).collect()
    }
}

fn is_listened_to(subs: &[(String, String)], subject: &[u8]) -> bool {
    subject.starts_with(b"_INBOX")
        || subs.iter().any(|(filter, _)| filter_matches(filter.as_bytes(), subject))
}
