//! Random commands, in random configurations, committed now and then, with restarts and failures in between.

use js_proto::{Discard, Nanos, Retention, Storage, StreamConfig, StreamSource};
use proptest::prelude::*;
use proptest::sample::Index;

use super::run::{Message, Pair, Rollup, Ttl};
use crate::Purge;

/// What is expected, and whether it is so.
#[derive(Clone, Debug)]
struct Expectation {
    is_right: bool,
    is_elsewhere: bool,
}

#[derive(Clone, Debug)]
enum Command {
    Publish {
        message: Box<Message>,
        last: Option<bool>,
        of_subject: Option<Expectation>,
        last_id: Option<bool>,
        pause: i64,
    },
    Batch {
        messages: Vec<Message>,
        last: Option<bool>,
        of_subject: Option<Expectation>,
        is_eob: bool,
    },
    /// A message of one of these sources, with that sequence there.
    Take(Box<Message>, usize, u64),
    Delete(Index),
    Purge {
        filter: usize,
        before: Option<Index>,
        keep: u64,
    },
    Update(usize),
    Commit(usize),
    CommitAll,
    DropTail(usize),
    Expire(i64),
    Restart,
    Release(Index),
}

const SUBJECTS: usize = 6;
const SOURCES: [&str; 3] = ["A", "B", "C"];
const INCREMENTS: &[&str] =
    &["1", "+7", "-3", "0", "-0", "x", "99999999999999999999", "-99999999999999999999"];
const FILTERS: &[&str] = &["", "s.a.0", "s.a.*", "s.>", "s.b.*", "t"];

fn subject(number: usize) -> String {
    format!("s.{}.{number}", if number < 3 { "a" } else { "b" })
}

fn rarely<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Option<T>> {
    prop_oneof![5 => Just(None), 1 => value.prop_map(Some)].boxed()
}

fn message() -> impl Strategy<Value = Message> {
    let rollup = prop_oneof![3 => Just(Rollup::Subject), 1 => Just(Rollup::All), 1 => Just(Rollup::Unknown)];
    let ttl = prop_oneof![3 => (1..20_i64).prop_map(Ttl::Seconds), 2 => Just(Ttl::Never), 1 => Just(Ttl::Unreadable)];
    (
        0..SUBJECTS,
        0..200_usize,
        rarely((0..5_usize).prop_map(|id| format!("id-{id}"))),
        rarely(prop_oneof![3 => Just("S".to_owned()), 1 => Just("T".to_owned())]),
        rarely(rollup),
        rarely(ttl),
        (0..12, any::<bool>(), proptest::sample::select(INCREMENTS)),
    )
        .prop_map(|(number, payload, id, stream, rollup, ttl, (marker, is_wanted, incr))| Message {
            subject: subject(number),
            payload,
            id,
            stream,
            rollup,
            ttl,
            is_marker: marker == 0,
            is_wanted,
            incr: Some(incr),
            ..Message::default()
        })
}

/// Mostly what its stream takes: messages without an increment, or with nothing but one.
fn fit(message: Message, counts: bool) -> Message {
    let is_left = message.payload.is_multiple_of(8);
    match (counts, is_left) {
        (true, true) => {
            Message { incr: message.incr.filter(|_| !message.payload.is_multiple_of(16)), ..message }
        }
        (false, true) => message,
        (false, false) => Message { incr: None, ..message },
        (true, false) => {
            let Message { subject, id, incr, is_marker, is_wanted, in_batch, .. } = message;
            Message { subject, id, incr, is_marker, is_wanted, in_batch, ..Message::default() }
        }
    }
}

/// Messages, whether the first expects something, and whether something else than the last one ends it.
fn batch() -> impl Strategy<Value = (Vec<Message>, Option<bool>, Option<Expectation>, bool)> {
    let expectation = (prop::bool::weighted(0.8), prop::bool::weighted(0.2));
    let expectation = expectation.prop_map(|(is_right, is_elsewhere)| Expectation { is_right, is_elsewhere });
    let messages = proptest::collection::vec(message(), 1..6);
    (messages, rarely(prop::bool::weighted(0.8)), rarely(expectation), any::<bool>())
}

fn command() -> impl Strategy<Value = Command> {
    let expectation = (prop::bool::weighted(0.7), prop::bool::weighted(0.2));
    let expectation = expectation.prop_map(|(is_right, is_elsewhere)| Expectation { is_right, is_elsewhere });
    let publish = (message(), rarely(any::<bool>()), rarely(expectation), rarely(any::<bool>()), 0..3_i64);
    prop_oneof![
        30 => publish.prop_map(|(message, last, of_subject, last_id, pause)| Command::Publish {
            message: Box::new(message),
            last,
            of_subject,
            last_id,
            pause: pause * 700_000_000,
        }),
        5 => batch().prop_map(|(messages, last, of_subject, is_eob)| Command::Batch {
            messages,
            last,
            of_subject,
            is_eob,
        }),
        6 => (message(), 0..SOURCES.len(), 1..9_u64)
            .prop_map(|(message, source, seq)| Command::Take(Box::new(message), source, seq)),
        3 => any::<Index>().prop_map(Command::Delete),
        3 => (0..FILTERS.len(), rarely(any::<Index>()), prop_oneof![3 => Just(0), 1 => 1..4_u64])
            .prop_map(|(filter, before, keep)| Command::Purge { filter, before, keep }),
        2 => (0..UPDATES.len()).prop_map(Command::Update),
        6 => (1..5_usize).prop_map(Command::Commit),
        3 => Just(Command::CommitAll),
        1 => (0..4_usize).prop_map(Command::DropTail),
        4 => (0..8_i64).prop_map(Command::Expire),
        2 => Just(Command::Restart),
        2 => any::<Index>().prop_map(Command::Release),
    ]
}

type Change = fn(&mut StreamConfig);

const UPDATES: &[Change] = &[
    |config| config.max_msgs = 3,
    |config| config.max_msgs = -1,
    |config| config.max_bytes = 600,
    |config| config.max_bytes = -1,
    |config| config.max_msgs_per_subject = 2,
    |config| config.max_msgs_per_subject = 5,
    |config| config.max_age = Nanos::from_secs(6),
    |config| config.max_age = Nanos::from_secs(9),
    |config| config.discard = Discard::New,
    |config| {
        config.discard = Discard::Old;
        config.discard_new_per_subject = false;
    },
    |config| config.allow_rollup_hdrs = true,
    |config| config.deny_delete = true,
    |config| config.max_msg_size = 150,
    |config| config.sources = sources(&SOURCES[1..]),
    |config| config.sources = sources(&SOURCES),
];

fn sources(names: &[&str]) -> Vec<StreamSource> {
    names.iter().map(|name| StreamSource { name: (*name).into(), ..StreamSource::default() }).collect()
}

fn config() -> impl Strategy<Value = StreamConfig> {
    (
        prop_oneof![Just(Storage::File), Just(Storage::Memory)],
        prop_oneof![3 => Just(Retention::Limits), 1 => Just(Retention::Interest), 1 => Just(Retention::WorkQueue)],
        prop_oneof![Just(-1_i64), 2..12_i64],
        prop_oneof![2 => Just(-1_i64), 1 => 300..2_000_i64],
        prop_oneof![Just(-1_i64), 1..4_i64],
        (any::<bool>(), any::<bool>(), any::<bool>(), prop_oneof![Just(0_i64), 3..10_i64]),
        prop_oneof![3 => Just(0_i64), 2 => 2..8_i64],
        (0..4_u64, prop::bool::weighted(0.2)),
    )
        .prop_map(|(storage, retention, msgs, bytes, per_subject, flags, marker, (first_seq, counts))| {
            let (discards_new, is_per_subject, allows, age) = flags;
            let config = StreamConfig {
                storage,
                retention,
                max_msgs: msgs,
                max_bytes: bytes,
                max_msgs_per_subject: per_subject,
                discard: if discards_new { Discard::New } else { Discard::Old },
                discard_new_per_subject: discards_new && is_per_subject && per_subject > 0,
                allow_rollup_hdrs: allows,
                allow_msg_ttl: allows,
                allow_atomic: true,
                max_age: Nanos::from_secs(age),
                duplicate_window: Nanos::from_secs(3),
                subject_delete_marker_ttl: Nanos::from_secs(marker),
                first_seq,
                sources: sources(&SOURCES[..2]),
                ..StreamConfig::default()
            };
            if counts { counting(config) } else { config }
        })
}

/// The same, as far as streams that count may be so.
fn counting(config: StreamConfig) -> StreamConfig {
    StreamConfig {
        allow_msg_counter: true,
        retention: Retention::Limits,
        discard: Discard::Old,
        discard_new_per_subject: false,
        allow_msg_ttl: false,
        subject_delete_marker_ttl: Nanos::ZERO,
        ..config
    }
}

impl Pair {
    fn run(&mut self, command: &Command) {
        if self.stream.needs_state() {
            self.expire();
        }
        let span = |this: &Self| this.model.last_seq as usize + 3;
        match command {
            Command::Publish { message, last, of_subject, last_id, pause } => {
                self.now += pause;
                let mut message = Message::clone(message);
                message.last = last.map(|is_right| self.model.last_seq + u64::from(!is_right));
                if let Some(Expectation { is_right, is_elsewhere }) = of_subject {
                    message.expected_subject = is_elsewhere.then(|| "s.a.*".to_owned());
                    let subject = message.expected_subject.as_ref().unwrap_or(&message.subject);
                    message.last_of_subject = Some(self.model.last_of(subject) + u64::from(!is_right));
                }
                message.last_id = last_id
                    .map(|is_right| if is_right { self.model.last_id.clone() } else { "other".to_owned() });
                message.last_id = message.last_id.filter(|id| !id.is_empty());
                self.publish(&fit(message, self.model.config.allow_msg_counter));
            }
            Command::Batch { messages, last, of_subject, is_eob } => {
                self.run_batch(messages.clone(), *last, of_subject.as_ref(), *is_eob);
            }
            Command::Take(message, source, seq) if !self.model.config.allow_msg_counter => {
                let Message { ref subject, payload, ref id, is_wanted, .. } = **message;
                let source = Some((SOURCES[*source], *seq));
                let (subject, id) = (subject.clone(), id.clone());
                self.publish(&Message { subject, payload, id, is_wanted, source, ..Message::default() });
            }
            Command::Take(..) => {}
            Command::Delete(which) => self.delete(which.index(span(self)) as u64),
            Command::Purge { filter, before, keep } => {
                let before = before.map_or(0, |which| which.index(span(self)) as u64);
                self.purge(&Purge { filter: FILTERS[*filter].as_bytes().into(), before, keep: *keep });
            }
            Command::Update(number) => {
                if let Some(config) = self.updated(UPDATES[*number]) {
                    self.update(&config);
                }
            }
            Command::Commit(many) => (0..*many).for_each(|_| self.commit()),
            Command::CommitAll => self.commit_all(),
            Command::DropTail(keep) => self.drop_tail(*keep),
            Command::Expire(seconds) => {
                self.now += seconds * 1_000_000_000;
                self.expire();
            }
            Command::Restart => self.restart(),
            // A release is no record of the stream, so a log without consumers cannot say it again.
            Command::Release(_) => {}
        }
    }
}

impl Pair {
    fn run_batch(
        &mut self,
        mut messages: Vec<Message>,
        last: Option<bool>,
        of_subject: Option<&Expectation>,
        is_eob: bool,
    ) {
        if is_eob {
            messages.push(Message { subject: subject(0), ..Message::default() });
        }
        let (count, is_wanted) = (messages.len(), messages[0].is_wanted);
        for (at, message) in messages.iter_mut().enumerate() {
            let end = if is_eob { "eob" } else { "1" };
            message.in_batch = Some((at + 1, if at + 1 == count { end } else { "" }));
            message.is_wanted = is_wanted;
        }
        messages[0].last = last.map(|is_right| self.model.last_seq + u64::from(!is_right));
        if let Some(Expectation { is_right, is_elsewhere }) = of_subject {
            let message = &mut messages[count / 2];
            message.expected_subject = is_elsewhere.then(|| "s.a.*".to_owned());
            let subject = message.expected_subject.as_ref().unwrap_or(&message.subject);
            message.last_of_subject = Some(self.model.last_of(subject) + u64::from(!is_right));
        }
        let counts = self.model.config.allow_msg_counter;
        let messages: Vec<Message> = messages.into_iter().map(|message| fit(message, counts)).collect();
        let max = self.model.config.max_msg_size;
        let is_too_large =
            |message: &Message| max >= 0 && message.header().len() + message.payload > max as usize;
        // What is too large is refused when it comes, and its batch waits for it in vain.
        if !messages.iter().any(is_too_large) {
            self.publish_batch(&messages);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_stream_does_what_a_naive_one_does(
        config in config(),
        commands in proptest::collection::vec(command(), 1..120),
        steps in prop_oneof![Just(1_u32), 2..9_u32, Just(u32::MAX)],
    ) {
        let mut pair = Pair::new(config);
        pair.steps = steps;
        for command in &commands {
            pair.run(command);
        }
        pair.restart();
    }

    /// What consumers are done with goes, whatever else happens.
    #[test]
    fn released_messages_are_gone(
        config in config(),
        commands in proptest::collection::vec(command(), 1..60),
    ) {
        let mut pair = Pair::new(config);
        for command in &commands {
            match command {
                Command::Restart => {}
                Command::Release(which) => {
                    let seq = which.index(pair.model.last_seq as usize + 2) as u64;
                    pair.release(seq);
                }
                other => pair.run(other),
            }
        }
        pair.commit_all();
    }
}
