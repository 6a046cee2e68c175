//! Drives a stream as whoever owns one does, and asks the model what should come out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use js_proto::{Storage, StreamConfig};
use log_format::{Kind, Record, Salt};
use stream_index::{Place, Steps, Walk};

use super::footers;
use super::model::{Model, payload_of};
use super::records::Records;
use crate::meta::tests::meta;
use crate::{
    Answer, Around, BatchDecision, BatchLimits, BatchRoom, Decision, Effect, Incoming, Purge, Rebuild,
    Stream, StreamMeta, Taken,
};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ttl {
    Seconds(i64),
    Never,
    Unreadable,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rollup {
    Subject,
    All,
    Unknown,
}

/// A message and what its headers ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) subject: String,
    pub(super) payload: usize,
    pub(super) id: Option<String>,
    pub(super) stream: Option<String>,
    pub(super) last: Option<u64>,
    pub(super) last_of_subject: Option<u64>,
    pub(super) expected_subject: Option<String>,
    pub(super) last_id: Option<String>,
    pub(super) rollup: Option<Rollup>,
    pub(super) ttl: Option<Ttl>,
    pub(super) incr: Option<&'static str>,
    pub(super) is_marker: bool,
    /// A consumer of an interest stream would have it.
    pub(super) is_wanted: bool,
    /// It is taken from that stream, where it has that sequence.
    pub(super) source: Option<(&'static str, u64)>,
    /// Its number in the batch `B`, and how it ends that.
    pub(super) in_batch: Option<(usize, &'static str)>,
}

impl Message {
    pub(super) fn header(&self) -> String {
        let mut lines = String::new();
        let mut line = |name: &str, value: &str| write!(lines, "{name}: {value}\r\n").unwrap();
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        if let Some((seq, commit)) = self.in_batch {
            line("Nats-Batch-Id", "B");
            line("Nats-Batch-Sequence", &seq.to_string());
            if !commit.is_empty() {
                line("Nats-Batch-Commit", commit);
            }
        }
        let texts = [
            ("Nats-Msg-Id", self.id.clone()),
            ("Nats-Expected-Stream", self.stream.clone()),
            ("Nats-Expected-Last-Sequence", number(self.last)),
            ("Nats-Expected-Last-Subject-Sequence", number(self.last_of_subject)),
            ("Nats-Expected-Last-Subject-Sequence-Subject", self.expected_subject.clone()),
            ("Nats-Expected-Last-Msg-Id", self.last_id.clone()),
        ];
        for (name, text) in texts {
            text.iter().for_each(|text| line(name, text));
        }
        match self.rollup {
            None => {}
            Some(Rollup::Subject) => line("Nats-Rollup", "sub"),
            Some(Rollup::All) => line("Nats-Rollup", "ALL"),
            Some(Rollup::Unknown) => line("Nats-Rollup", "Unknown"),
        }
        match self.ttl {
            None => {}
            Some(Ttl::Seconds(seconds)) => line("Nats-TTL", &seconds.to_string()),
            Some(Ttl::Never) => line("Nats-TTL", "never"),
            Some(Ttl::Unreadable) => line("Nats-TTL", "x"),
        }
        self.incr.iter().for_each(|incr| line("Nats-Incr", incr));
        if self.is_marker {
            line("KV-Operation", "PURGE");
        }
        if let Some((stream, seq)) = self.source {
            line("Nats-Stream-Source", &format!("{stream} {seq} > > x"));
        }
        if lines.is_empty() { lines } else { format!("NATS/1.0\r\n{lines}\r\n") }
    }
}

/// A stream, its model, and a log that keeps what was appended.
pub(super) struct Pair {
    pub(super) now: i64,
    pub(super) stream: Stream<Answer>,
    /// What the commands so far come to, committed or not.
    pub(super) model: Model,
    /// The model before each event that is not committed.
    before: Vec<Model>,
    meta: StreamMeta,
    /// Records that are committed, then those that are not.
    log: Vec<Vec<u8>>,
    committed: usize,
    /// How many records each event has that is not committed.
    records: Vec<usize>,
    /// Another server that gets the records, and has no say.
    twin: Stream<Answer>,
    /// Records that nobody needs any more. A log may have them still.
    buried: BTreeSet<usize>,
    /// Those that it has no more.
    missing: BTreeSet<usize>,
    /// Few steps at a time, or many.
    pub(super) steps: u32,
    pub(super) effects: Vec<Effect<Answer>>,
}

pub(super) const SALT: Salt = Salt::of_segment(&[1; 16], 1);

const PAYLOAD_BYTES_MAX: usize = 1 << 20;

impl Pair {
    pub(super) fn new(config: StreamConfig) -> Self {
        let meta = meta(config);
        Self {
            now: 1_000_000_000_000,
            stream: Stream::new(meta.clone()),
            twin: Stream::new(meta.clone()),
            buried: BTreeSet::new(),
            missing: BTreeSet::new(),
            model: Model::new(meta.config.clone()),
            before: Vec::new(),
            meta,
            log: Vec::new(),
            committed: 0,
            records: Vec::new(),
            steps: u32::MAX,
            effects: Vec::new(),
        }
    }

    /// The same configuration as requests change it.
    pub(super) fn updated(&self, change: impl FnOnce(&mut StreamConfig)) -> Option<StreamConfig> {
        let mut config = self.model.config.clone();
        change(&mut config);
        self.model.config.updated(config, &js_proto::ConfigLimits::default(), false).ok()
    }

    pub(super) fn publish(&mut self, message: &Message) {
        let before = self.model.clone();
        let expected = self.model.publish(self.now, message);
        let mut waits = self.now % 3 == 0;
        self.command(before, expected, |stream, now, log| {
            let header = message.header();
            let payload = vec![b'x'; message.payload];
            let publish = Incoming {
                now,
                subject: message.subject.as_bytes(),
                header: header.as_bytes(),
                payload: &payload,
            };
            let mut around = Around {
                is_server_full: false,
                account_bytes_left: None,
                has_interest: &mut |_| message.is_wanted,
                random: &mut || 0,
                shelf: &mut Records { log, waits: std::mem::take(&mut waits) },
                payload_bytes_max: PAYLOAD_BYTES_MAX,
            };
            let decision = match message.source {
                None => stream.decide(&publish, &mut around),
                Some(_) => stream.take(&Taken { publish, origin: None }, &mut around),
            };
            decided(decision, log)
        });
    }

    /// All of a batch, one after the other; the last of them ends it.
    pub(super) fn publish_batch(&mut self, messages: &[Message]) {
        let before = self.model.clone();
        let expected = self.model.publish_batch(self.now, messages);
        for message in messages {
            let mut places = self.say_in_batch(message, self.now % 3 == 0);
            if places.as_ref().is_err_and(Option::is_none) {
                self.commit_all_unchecked();
                places = self.say_in_batch(message, false);
            }
            match places {
                Ok(places) => {
                    self.stream.on_unit_appended(&places, Some(expected.clone()));
                    self.records.push(places.len());
                    self.before.push(before.clone());
                }
                Err(Some(Answer::Held)) => {}
                Err(answer) => assert_eq!(answer, Some(expected.clone())),
            }
        }
        assert_eq!(self.stream.open_batches(), (0, 0));
    }

    /// The places of all records, if the batch is whole by it; else what is answered, or nothing if that has to wait.
    fn say_in_batch(&mut self, message: &Message, waits: bool) -> Result<Vec<Place>, Option<Answer>> {
        let header = message.header();
        let payload = vec![b'x'; message.payload];
        let publish = Incoming {
            now: self.now,
            subject: message.subject.as_bytes(),
            header: header.as_bytes(),
            payload: &payload,
        };
        let mut around = Around {
            is_server_full: false,
            account_bytes_left: None,
            has_interest: &mut |_| message.is_wanted,
            random: &mut || 0,
            shelf: &mut Records { log: &self.log, waits },
            payload_bytes_max: PAYLOAD_BYTES_MAX,
        };
        let limits = BatchLimits { open_max: 1, messages_max: 10, patience: 1 };
        let room = BatchRoom { limits, may_begin: true, bytes_left: usize::MAX };
        match self.stream.decide_batch(&publish, &mut around, &room) {
            BatchDecision::Append(unit) => {
                let first = self.log.len();
                unit.records().for_each(|record| append(&record, &mut self.log));
                Ok((first..self.log.len()).map(place_of).collect())
            }
            BatchDecision::Answer(answer) => Err(Some(answer)),
            BatchDecision::Later => Err(None),
        }
    }

    pub(super) fn delete(&mut self, seq: u64) {
        let before = self.model.clone();
        let expected = self.model.delete(seq);
        self.command(before, expected, |stream, now, log| {
            decided(stream.decide_delete(now, seq, false), log)
        });
    }

    pub(super) fn purge(&mut self, purge: &Purge) {
        let before = self.model.clone();
        let expected = self.model.purge(purge);
        self.command(before, expected, |stream, now, log| {
            decided(stream.decide_purge(now, purge.clone()), log)
        });
    }

    pub(super) fn update(&mut self, config: &StreamConfig) {
        let before = self.model.clone();
        let expected = self.model.update(config.clone());
        self.command(before, expected, |stream, now, log| {
            decided(stream.decide_update(now, config.clone()), log)
        });
    }

    /// Gives a command, once more after a commit if it has to wait, and looks at what is said at once.
    fn command(
        &mut self,
        before: Model,
        expected: Answer,
        mut give: impl FnMut(&mut Stream<Answer>, i64, &mut Vec<Vec<u8>>) -> Decided,
    ) {
        let mut given = give(&mut self.stream, self.now, &mut self.log);
        if matches!(given, Decided::Later) {
            self.commit_all_unchecked();
            given = give(&mut self.stream, self.now, &mut self.log);
        }
        match given {
            Decided::Appended => {
                self.stream.on_appended(place_of(self.log.len() - 1), Some(expected));
                self.records.push(1);
                self.before.push(before);
            }
            Decided::Answered(answer) => assert_eq!(answer, expected),
            Decided::AnsweredBehind(answer) => {
                assert_eq!(answer, expected);
                assert!(self.stream.uncommitted() > 0, "nothing is to be waited for");
                self.stream.defer(expected, answer, &mut self.effects);
            }
            Decided::Later => panic!("all is committed"),
        }
    }

    /// One more event is committed, and all it comes to is done.
    pub(super) fn commit(&mut self) {
        if !self.stream.commit(&mut self.effects) {
            return;
        }
        for _ in 0..self.records.remove(0) {
            self.committed += 1;
            self.tell_twin();
        }
        if !self.before.is_empty() {
            self.before.remove(0);
        }
        while self.stream.is_busy() {
            assert!(matches!(self.stream.decide_delete(self.now, 1, false), Decision::Later));
            self.stream.work(&mut Steps::new(self.steps), &mut self.effects);
        }
        self.take_effects();
    }

    /// Its clock is another one, and what it makes of that is not logged.
    fn tell_twin(&mut self) {
        let at = self.committed - 1;
        let (record, _) = Record::read(&self.log[at], SALT).expect("it is whole");
        self.twin.replay(&record, place_of(at), &mut Vec::new()).expect("it is a stream's");
        while self.twin.is_busy() {
            self.twin.work(&mut Steps::new(2), &mut Vec::new());
        }
        if at.is_multiple_of(3) {
            let _ = self.twin.next_deadline();
            let _ = self.twin.expire(self.now / 2 + i64::from(self.steps));
            assert_eq!(self.twin.drop_tail(0), []);
        }
    }

    pub(super) fn commit_all(&mut self) {
        while self.stream.uncommitted() > 0 {
            self.commit();
        }
        self.check();
    }

    /// What everybody was told is what the model said.
    fn take_effects(&mut self) {
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Answer { to, answer } => assert_eq!(answer, to),
                Effect::Bury(place) => {
                    assert!(self.buried.insert(place.offset as usize), "{place:?} is buried twice");
                }
                _ => {}
            }
        }
    }

    /// The log lost what was not committed.
    pub(super) fn drop_tail(&mut self, keep: usize) {
        let waiters = self.stream.drop_tail(keep);
        assert!(waiters.len() >= self.before.len().saturating_sub(keep), "all who wait are told");
        if let Some(model) = self.before.get(keep) {
            self.model = model.clone();
        }
        self.before.truncate(keep);
        self.records.truncate(keep);
        self.log.truncate(self.committed + self.records.iter().sum::<usize>());
    }

    /// The deadline came, perhaps.
    pub(super) fn expire(&mut self) {
        self.commit_all();
        self.model.expire(self.now);
        let mut rounds = 0;
        while self.stream.next_deadline().is_some_and(|deadline| deadline <= self.now) {
            rounds += 1;
            while let Some(record) = self.stream.expire(self.now) {
                append(&record, &mut self.log);
                self.stream.on_appended(place_of(self.log.len() - 1), None);
                self.records.push(1);
            }
            if self.steps.is_multiple_of(2) && rounds < 3 {
                // The log fails when some of it is safe.
                self.commit();
                self.drop_tail(0);
            }
            self.commit_all_unchecked();
        }
        assert!(self.stream.expire(self.now).is_none(), "what is over goes at the deadline");
        self.check();
    }

    fn commit_all_unchecked(&mut self) {
        while self.stream.uncommitted() > 0 {
            self.commit();
        }
    }

    pub(super) fn release(&mut self, seq: u64) {
        self.commit_all();
        self.model.release(seq);
        self.stream.release(&[seq], &mut self.effects);
        self.take_effects();
    }

    fn check(&self) {
        assert_eq!(self.stream.index().state(), self.model.state());
        let mut from = 0;
        let index = self.stream.index();
        let mut expected = self.model.messages.iter();
        while let Walk::Found(row) = index.next(&stream_index::Filter::all(), from, &mut Steps::new(u32::MAX))
        {
            let (seq, message) = expected.next().expect("the model has it");
            assert_eq!((row.seq, row.time, u64::from(row.size)), (*seq, message.time, message.size));
            assert_eq!(index.subject(row.subject), message.subject.as_bytes());
            if let Some(sum) = message.sum {
                let (record, _) =
                    Record::read(&self.log[row.place.offset as usize], SALT).expect("it is whole");
                assert_eq!(record.payload, payload_of(sum).as_bytes());
            }
            from = row.seq + 1;
        }
        assert_eq!(expected.next(), None);
        for (source, seq) in &self.model.positions {
            assert_eq!(self.stream.position_of(&format!("{source} > >")), *seq, "of {source}");
        }
        assert_eq!(*self.stream.last_id, *self.model.last_id.as_bytes());
    }

    fn check_twin(&self) {
        assert_eq!(self.twin.digest(), self.stream.digest(), "another server makes of it something else");
    }

    /// Another life, from the log alone. It has what was not buried, and some of what was.
    pub(super) fn restart(&mut self) {
        self.commit_all();
        self.check_twin();
        let is_missing = |at: &usize| at.wrapping_mul(7) % 11 < 6;
        if self.model.config.storage == Storage::File {
            self.missing.extend(self.buried.iter().copied().filter(is_missing));
        }
        let mut rebuild = Rebuild::new(self.meta.clone());
        let records = self.log[..self.committed].iter().enumerate();
        let found = records.filter(|(at, _)| !self.missing.contains(at));
        let found: Vec<(usize, Record<'_>)> =
            found.map(|(at, bytes)| (at, Record::read(bytes, SALT).expect("it is whole").0)).collect();
        for (at, record) in &found {
            rebuild.on_record(record, place_of(*at)).expect("it is of a stream");
        }
        let again = rebuild.finish(&mut self.effects);
        assert_eq!(again.digest(), self.stream.digest());
        if self.model.config.storage == Storage::File {
            let mut effects = Vec::new();
            let by_footers = footers::rebuilt(&self.meta, &found, &mut effects);
            assert_eq!(by_footers.digest(), self.stream.digest(), "footers tell of another stream");
            assert_eq!(buried(&effects), buried(&self.effects));
            self.stream = by_footers;
        } else {
            self.stream = again;
        }
        self.buried.clone_from(&self.missing);
        while self.stream.is_busy() {
            self.stream.work(&mut Steps::new(self.steps), &mut self.effects);
        }
        self.take_effects();
        self.check();
    }
}

fn buried<W>(effects: &[Effect<W>]) -> BTreeSet<Place> {
    let place = |effect: &Effect<W>| match effect {
        Effect::Bury(place) => Some(*place),
        _ => None,
    };
    effects.iter().filter_map(place).collect()
}

/// What a decision was, once its record is in the log.
enum Decided {
    Appended,
    Answered(Answer),
    AnsweredBehind(Answer),
    Later,
}

fn decided(decision: Decision<'_>, log: &mut Vec<Vec<u8>>) -> Decided {
    match decision {
        Decision::Append(record) => {
            append(&record, log);
            Decided::Appended
        }
        Decision::Answer(answer) => Decided::Answered(answer),
        Decision::AnswerBehind(answer) => Decided::AnsweredBehind(answer),
        Decision::Later => Decided::Later,
        Decision::OfBatch => panic!("it is none of a batch"),
    }
}

fn append(record: &Record<'_>, log: &mut Vec<Vec<u8>>) {
    let mut bytes = Vec::new();
    assert_ne!(record.kind, Kind(0));
    record.append_to(SALT, &mut bytes).expect("it is small");
    log.push(bytes);
}

fn place_of(record: usize) -> Place {
    Place { segment: 0, offset: record as u32 }
}
