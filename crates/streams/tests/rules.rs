//! Rules that are easily got wrong, by name.

use js_proto::{ConfigLimits, Discard, Retention, Storage, StreamConfig, SubjectTransform};
use log_format::{Kind, Record, Salt};
use stream_index::{Place, Steps};
use streams::{
    Answer, Around, BEHAVIOUR_LEVEL, Decision, Effect, Incoming, NoShelf, Purge, Removal, Stream, StreamMeta,
};

const SALT: Salt = Salt::of_segment(&[1; 16], 1);
const SECOND: i64 = 1_000_000_000;

/// A stream whose events are committed when a test says so. Those who wait are numbered.
struct Rig {
    stream: Stream<usize>,
    now: i64,
    is_server_full: bool,
    account_bytes_left: Option<u64>,
    /// Records in the order they were appended.
    log: Vec<Vec<u8>>,
    effects: Vec<Effect<usize>>,
}

/// What came of a command at once.
#[derive(Debug, PartialEq)]
enum Given {
    /// It waits under that number.
    Waits(usize),
    Said(Answer),
    Later,
}

impl Rig {
    fn new(change: impl FnOnce(&mut StreamConfig)) -> Self {
        let mut config =
            StreamConfig { name: "S".into(), subjects: vec!["s.>".into()], ..StreamConfig::default() };
        change(&mut config);
        let config = config.settled(&ConfigLimits::default(), false).unwrap();
        let meta = StreamMeta {
            id: 1,
            level: BEHAVIOUR_LEVEL,
            created: 0,
            lane: 0,
            id_key: [7; 16],
            is_whole: true,
            config,
        };
        Self {
            stream: Stream::new(meta),
            now: 1_700_000_000 * SECOND,
            is_server_full: false,
            account_bytes_left: None,
            log: Vec::new(),
            effects: Vec::new(),
        }
    }

    fn publish(&mut self, subject: &str, lines: &str, payload: &[u8]) -> Given {
        let header = if lines.is_empty() { String::new() } else { format!("NATS/1.0\r\n{lines}\r\n\r\n") };
        self.publish_as_it_is(subject, header.as_bytes(), payload)
    }

    fn publish_as_it_is(&mut self, subject: &str, header: &[u8], payload: &[u8]) -> Given {
        let publish = Incoming { now: self.now, subject: subject.as_bytes(), header, payload };
        let mut around = Around {
            is_server_full: self.is_server_full,
            account_bytes_left: self.account_bytes_left,
            has_interest: &mut |subject| subject == b"s.wanted",
            random: &mut || 0,
            shelf: &mut NoShelf,
            payload_bytes_max: 1 << 20,
        };
        let decision = self.stream.decide(&publish, &mut around);
        let deferred = match decision {
            Decision::Append(record) => {
                append(&record, &mut self.log);
                None
            }
            Decision::Answer(answer) => return Given::Said(answer),
            Decision::AnswerBehind(answer) => Some(answer),
            Decision::Later | Decision::OfBatch => return Given::Later,
        };
        match deferred {
            None => self.appended(),
            Some(answer) => {
                let waiter = self.log.len() + 100;
                self.stream.defer(waiter, answer, &mut self.effects);
                Given::Waits(waiter)
            }
        }
    }

    fn purge(&mut self, purge: Purge) -> Given {
        let Decision::Append(record) = self.stream.decide_purge(self.now, purge) else { panic!("it may") };
        append(&record, &mut self.log);
        self.appended()
    }

    fn appended(&mut self) -> Given {
        let waiter = self.log.len() - 1;
        self.stream.on_appended(Place { segment: 0, offset: waiter as u32 }, Some(waiter));
        Given::Waits(waiter)
    }

    fn commit_all(&mut self) {
        while self.stream.commit(&mut self.effects) {}
    }

    /// Stores a message, at once.
    fn store(&mut self, subject: &str, lines: &str) -> u64 {
        let given = self.publish(subject, lines, b"x");
        assert!(matches!(given, Given::Waits(_)), "{given:?}");
        self.commit_all();
        self.stream.index().last_seq()
    }

    /// Who was told what since the last time.
    fn told(&mut self) -> Vec<(usize, Answer)> {
        let told = self.effects.drain(..).filter_map(|effect| match effect {
            Effect::Answer { to, answer } => Some((to, answer)),
            _ => None,
        });
        told.collect()
    }

    /// What time does, and what is kept of the stream's state. Returns what it was.
    fn write_what_is_due(&mut self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        while let Some(record) = self.stream.expire(self.now) {
            kinds.push(record.kind);
            append(&record, &mut self.log);
            self.stream.on_appended(Place { segment: 0, offset: self.log.len() as u32 - 1 }, None);
        }
        kinds
    }

    /// Which records nobody needs any more.
    fn buried(&self) -> Vec<usize> {
        let buried = self.effects.iter().filter_map(|effect| match effect {
            Effect::Bury(place) => Some(place.offset as usize),
            _ => None,
        });
        buried.collect()
    }

    fn record(&self, number: usize) -> Record<'_> {
        Record::read(&self.log[number], SALT).unwrap().0
    }
}

fn append(record: &Record<'_>, log: &mut Vec<Vec<u8>>) {
    let mut bytes = Vec::new();
    record.append_to(SALT, &mut bytes).unwrap();
    log.push(bytes);
}

/// Why somebody was refused.
fn refusal(given: &Given) -> String {
    let Given::Said(Answer::Refused(error)) = given else { panic!("{given:?}") };
    error.to_string()
}

#[test]
fn of_two_conditional_publishes_in_one_batch_one_wins() {
    let mut rig = Rig::new(|_| {});
    let condition = "Nats-Expected-Last-Subject-Sequence: 0";
    assert_eq!(rig.publish("s.a", condition, b"1"), Given::Waits(0));
    assert_eq!(refusal(&rig.publish("s.a", condition, b"2")), "wrong last sequence: 1 (10071)");
    assert_eq!(rig.publish("s.b", condition, b"3"), Given::Waits(1));
    rig.commit_all();
    assert_eq!(rig.told(), [(0, Answer::Stored { seq: 1 }), (1, Answer::Stored { seq: 2 })]);
}

#[test]
fn the_last_sequence_of_the_stream_counts_what_waits() {
    let mut rig = Rig::new(|_| {});
    rig.publish("s.a", "", b"1");
    assert_eq!(
        refusal(&rig.publish("s.a", "Nats-Expected-Last-Sequence: 0", b"2")),
        "wrong last sequence: 1 (10071)"
    );
    assert_eq!(rig.publish("s.a", "Nats-Expected-Last-Sequence: 1", b"2"), Given::Waits(1));
}

#[test]
fn an_expectation_waits_for_a_purge_that_waits() {
    let mut rig = Rig::new(|_| {});
    rig.store("s.a", "");
    rig.purge(Purge::default());
    assert_eq!(rig.publish("s.a", "Nats-Expected-Last-Subject-Sequence: 1", b"2"), Given::Later);
    rig.commit_all();
    let given = rig.publish("s.a", "Nats-Expected-Last-Subject-Sequence: 1", b"2");
    assert_eq!(refusal(&given), "wrong last sequence: 0 (10071)");
}

#[test]
fn a_duplicate_of_what_waits_is_told_so_behind_it() {
    let mut rig = Rig::new(|_| {});
    rig.publish("s.a", "Nats-Msg-Id: one", b"1");
    rig.publish("s.a", "", b"2");
    let Given::Waits(waiter) = rig.publish("s.a", "Nats-Msg-Id: one", b"1") else { panic!("it is to wait") };
    assert_eq!(rig.told(), []);
    rig.commit_all();
    let stored = |seq| Answer::Stored { seq };
    assert_eq!(rig.told(), [(0, stored(1)), (1, stored(2)), (waiter, Answer::Duplicate { seq: 1 })]);
    let again = rig.publish("s.a", "Nats-Msg-Id: one", b"1");
    assert_eq!(again, Given::Said(Answer::Duplicate { seq: 1 }));
}

#[test]
fn an_id_is_free_again_when_the_log_lost_its_message() {
    let mut rig = Rig::new(|_| {});
    rig.store("s.a", "Nats-Msg-Id: zero");
    rig.publish("s.a", "Nats-Msg-Id: one", b"1");
    let Given::Waits(duplicate) = rig.publish("s.a", "Nats-Msg-Id: one", b"1") else {
        panic!("it is to wait")
    };
    assert_eq!(rig.stream.drop_tail(0), [1, duplicate]);
    let last_id = "Nats-Expected-Last-Msg-Id: zero\r\nNats-Msg-Id: one";
    assert_eq!(rig.store("s.a", last_id), 2);
}

#[test]
fn what_a_purge_took_away_is_still_a_duplicate() {
    let mut rig = Rig::new(|_| {});
    rig.store("s.a", "Nats-Msg-Id: one");
    rig.purge(Purge::default());
    rig.commit_all();
    let given = rig.publish("s.a", "Nats-Msg-Id: one", b"1");
    assert_eq!(given, Given::Said(Answer::Duplicate { seq: 1 }));
}

#[test]
fn an_id_is_forgotten_when_its_window_is_over() {
    let mut rig = Rig::new(|config| config.duplicate_window = js_proto::Nanos::from_secs(2));
    rig.store("s.a", "Nats-Msg-Id: one");
    rig.now += 2 * SECOND - 1;
    assert!(matches!(
        rig.publish("s.a", "Nats-Msg-Id: one", b"1"),
        Given::Said(Answer::Duplicate { seq: 1 })
    ));
    rig.now += 1;
    assert_eq!(rig.store("s.a", "Nats-Msg-Id: one"), 2);
}

#[test]
fn a_duplicate_with_a_stale_expectation_is_no_duplicate() {
    let mut rig = Rig::new(|_| {});
    rig.store("s.a", "Nats-Msg-Id: one");
    let both = "Nats-Msg-Id: one\r\nNats-Expected-Last-Sequence: 0";
    assert_eq!(refusal(&rig.publish("s.a", both, b"1")), "wrong last sequence: 1 (10071)");
    let other_id = "Nats-Msg-Id: one\r\nNats-Expected-Last-Msg-Id: two";
    assert_eq!(rig.publish("s.a", other_id, b"1"), Given::Said(Answer::Duplicate { seq: 1 }));
}

#[test]
fn wildcards_of_an_expected_subject_mean_the_last_of_all() {
    let mut rig = Rig::new(|_| {});
    rig.store("s.a.1", "");
    rig.store("s.b.1", "");
    let expecting = |seq| {
        format!(
            "Nats-Expected-Last-Subject-Sequence: {seq}\r\nNats-Expected-Last-Subject-Sequence-Subject: s.*.1"
        )
    };
    assert_eq!(refusal(&rig.publish("s.c", &expecting(1), b"1")), "wrong last sequence: 2 (10071)");
    rig.publish("s.d.1", "", b"1");
    assert_eq!(refusal(&rig.publish("s.c", &expecting(2), b"1")), "wrong last sequence: 3 (10071)");
    assert_eq!(rig.publish("s.c", &expecting(3), b"1"), Given::Waits(3));
    let alone = "Nats-Expected-Last-Subject-Sequence-Subject: s.*.1";
    assert!(refusal(&rig.publish("s.c", alone, b"1")).ends_with("(10193)"));
}

#[test]
fn the_transform_comes_before_all_else() {
    let mut rig = Rig::new(|config| {
        config.subject_transform = Some(SubjectTransform { src: "s.*".into(), dest: "t.$1".into() });
    });
    rig.store("s.a", "");
    assert_eq!(rig.record(0).subject, b"t.a");
    let expected = "Nats-Expected-Last-Subject-Sequence: 1";
    assert_eq!(rig.store("s.a", expected), 2);
}

#[test]
fn who_asks_from_another_account_is_not_stored() {
    let mut rig = Rig::new(|_| {});
    rig.store("s.a", "Nats-Request-Info: {}\r\nA: b");
    rig.store("s.a", "Nats-Request-Info: {}");
    assert_eq!(rig.record(0).header, b"NATS/1.0\r\nA: b\r\n\r\n");
    assert_eq!(rig.record(1).header, b"");
}

#[test]
fn a_status_is_not_stored() {
    let mut rig = Rig::new(|_| {});
    for header in ["NATS/1.0 100 Idle Heartbeat\r\nA: b\r\n\r\n", "NATS/1.0 503\r\n\r\n"] {
        rig.publish_as_it_is("s.a", header.as_bytes(), b"x");
    }
    assert_eq!(rig.record(0).header, b"NATS/1.0\r\nA: b\r\n\r\n");
    assert_eq!(rig.record(1).header, b"");
}

#[test]
fn times_never_go_back() {
    let mut rig = Rig::new(|_| {});
    rig.store("s.a", "");
    rig.publish("s.a", "", b"x");
    rig.now -= 60 * SECOND;
    rig.store("s.a", "");
    let times: Vec<i64> = (1..=3).map(|seq| rig.stream.index().get(seq).unwrap().time).collect();
    assert_eq!(times, [times[0]; 3]);
}

#[test]
fn limits_of_server_and_account_refuse_before_anything_is_stored() {
    let mut rig = Rig::new(|config| config.storage = Storage::Memory);
    rig.is_server_full = true;
    assert_eq!(refusal(&rig.publish("s.a", "", b"x")), "insufficient resources (10023)");
    rig.is_server_full = false;
    rig.account_bytes_left = Some(19);
    assert_eq!(refusal(&rig.publish("s.a", "", b"x")), "resource limits exceeded for account (10002)");
    rig.account_bytes_left = Some(20);
    assert_eq!(rig.store("s.a", ""), 1);
}

#[test]
fn what_no_file_store_takes_is_refused() {
    let mut rig = Rig::new(|_| {});
    let large = vec![b'x'; (32 << 20) - 30];
    assert_eq!(refusal(&rig.publish("s.a", "", &large)), "message too large (10077)");
    assert!(matches!(rig.publish("s.a", "", &large[3..]), Given::Waits(0)));
}

/// As nats-server 2.14.5 shows it, found by conversations with both.
#[test]
fn a_stream_that_is_told_where_to_begin_shows_it_from_the_start() {
    for (told, shown) in [(0, 0), (1, 1), (10, 10)] {
        let rig = Rig::new(|config| config.first_seq = told);
        assert_eq!(rig.stream.state().first_seq, shown, "first_seq {told}");
    }
}

#[test]
fn a_message_that_nobody_wants_has_a_sequence_and_an_id() {
    let mut rig = Rig::new(|config| config.retention = Retention::Interest);
    rig.store("s.wanted", "");
    assert_eq!(rig.store("s.other", "Nats-Msg-Id: one"), 2);
    assert_eq!(rig.told().last(), Some(&(1, Answer::Stored { seq: 2 })));
    let state = rig.stream.state();
    assert_eq!((state.messages, state.first_seq, state.last_seq, state.deleted), (1, 1, 2, 1));
    let again = rig.publish("s.other", "Nats-Msg-Id: one", b"x");
    assert_eq!(again, Given::Said(Answer::Duplicate { seq: 2 }));
    assert_eq!(rig.store("s.wanted", "Nats-Expected-Last-Msg-Id: one"), 3);
}

#[test]
fn a_full_stream_lets_in_what_takes_a_place_of_its_own_subject() {
    let mut rig = Rig::new(|config| {
        (config.max_msgs, config.max_msgs_per_subject, config.discard) = (2, 1, Discard::New);
    });
    rig.store("s.a", "");
    rig.store("s.b", "");
    assert_eq!(refusal(&rig.publish("s.c", "", b"x")), "maximum messages exceeded (10077)");
    assert_eq!(rig.store("s.a", ""), 3);
    let removed = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Removed { row, why } => Some((row.seq, *why)),
        _ => None,
    });
    assert_eq!(removed.collect::<Vec<_>>(), [(1, Removal::Limit)]);
}

#[test]
fn a_shorter_life_than_that_of_markers_is_made_longer() {
    let mut rig = Rig::new(|config| config.subject_delete_marker_ttl = js_proto::Nanos::from_secs(60));
    rig.store("s.a", "Nats-TTL: 5s\r\nA: b");
    let record = rig.record(0);
    assert_eq!((record.header, record.ttl), (&b"NATS/1.0\r\nA: b\r\nNats-TTL: 60\r\n\r\n"[..], Some(60)));
    rig.store("s.a", "Nats-TTL: 2m");
    assert_eq!(rig.record(1).ttl, Some(120));
    rig.store("s.a", "Nats-TTL: never");
    assert_eq!(rig.record(2).ttl, Some(-1));
}

/// A purge of many messages takes no turn that is long, and shows itself when it is done.
#[test]
fn a_purge_of_many_is_done_in_steps() {
    const MANY: u64 = 20_000;
    let mut rig = Rig::new(|config| config.storage = Storage::Memory);
    for number in 0..MANY {
        rig.store(&format!("s.{}", number % 1_000), "");
    }
    rig.effects.clear();
    let filter = b"s.*".as_slice().into();
    let Given::Waits(waiter) = rig.purge(Purge { filter, before: MANY, keep: 0 }) else { panic!("it may") };
    assert!(rig.stream.commit(&mut rig.effects));
    let mut turns = 0;
    while rig.stream.is_busy() {
        assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::Answer { .. })));
        assert_eq!(rig.publish("s.a", "", b"x"), Given::Later);
        let before = rig.stream.index().messages();
        rig.stream.work(&mut Steps::new(1_000), &mut rig.effects);
        assert!(before - rig.stream.index().messages() <= 1_000);
        turns += 1;
    }
    assert!(turns > 10, "{turns}");
    let purged = rig.effects.iter().find_map(|effect| match effect {
        Effect::Purged { messages, first_seq, .. } => Some((*messages, *first_seq)),
        _ => None,
    });
    assert_eq!(purged, Some((MANY - 1, MANY)));
    let mut buried = rig.buried();
    buried.sort_unstable();
    let is_last = |record: &usize| *record == MANY as usize - 1;
    assert!(
        buried.into_iter().eq((0..=MANY as usize).filter(|record| !is_last(record))),
        "each, and the purge"
    );
    assert_eq!(rig.told(), [(waiter, Answer::Purged { messages: MANY - 1 })]);
}

#[test]
fn an_idle_stream_has_no_deadline() {
    let mut rig = Rig::new(|config| config.max_age = js_proto::Nanos::from_secs(5));
    assert_eq!(rig.stream.next_deadline(), None);
    rig.store("s.a", "");
    assert_eq!(rig.stream.next_deadline(), Some(rig.now + 5 * SECOND));
}

/// A log gives things back in any order; what took a message out must be there as long as the message may be.
#[test]
fn a_file_stream_buries_nothing_before_a_state_knows() {
    let mut rig = Rig::new(|config| config.max_msgs_per_subject = 1);
    const MANY: usize = 8_193;
    for _ in 0..MANY {
        rig.store("s.a", "");
    }
    assert!(rig.buried().is_empty());
    assert_eq!(rig.stream.next_deadline(), Some(i64::MIN));
    let kinds = rig.write_what_is_due();
    assert_eq!(kinds, [Kind::STREAM_STATE, Kind::STREAM_STATE, Kind::DEDUP_CHUNK]);
    rig.stream.commit(&mut rig.effects);
    rig.stream.commit(&mut rig.effects);
    assert!(rig.buried().is_empty());
    rig.commit_all();
    while rig.stream.is_busy() {
        rig.stream.work(&mut Steps::new(1_000), &mut rig.effects);
    }
    assert!(rig.buried().into_iter().eq(0..MANY - 1));
    assert_eq!(rig.stream.next_deadline(), None);
}

/// Only the consumer's record says that a message was acknowledged, until a state does.
#[test]
fn releases_are_unsaved_until_a_state_is_whole() {
    let mut rig = Rig::new(|config| config.retention = Retention::WorkQueue);
    rig.store("s.a", "");
    assert!(!rig.stream.has_unsaved_releases());
    rig.stream.release(&[1, 1], &mut rig.effects);
    assert_eq!(rig.stream.index().messages(), 0);
    assert!(rig.stream.has_unsaved_releases());
    rig.stream.want_state();
    rig.write_what_is_due();
    assert!(rig.stream.has_unsaved_releases());
    rig.commit_all();
    assert!(!rig.stream.has_unsaved_releases());
    assert_eq!(rig.buried(), [0]);
}

/// nats.py purges `hello.*` of a bucket so. As nats-server 2.14.5 does, all but the newest of what matches goes.
#[test]
fn a_rollup_of_a_subject_with_wildcards_reaches_all_it_matches() {
    for (subject, left) in [("s.a.*", &["s.b", "s.a.1.x", "s.a.*"][..]), ("s.>", &["s.>"]), ("s.a*", &[])] {
        let mut rig = Rig::new(|config| config.allow_rollup_hdrs = true);
        for subject in ["s.b", "s.a.1", "s.a.2", "s.a.1.x", "s.a.1"] {
            rig.store(subject, "");
        }
        rig.store(subject, "Nats-Rollup: sub");
        let index = rig.stream.index();
        let rows = (1..=6).filter_map(|seq| index.get(seq));
        let subjects: Vec<&[u8]> = rows.map(|row| index.subject(row.subject)).collect();
        if left.is_empty() {
            assert_eq!(subjects.len(), 6, "it has none");
        } else {
            assert_eq!(subjects, left.iter().map(|left| left.as_bytes()).collect::<Vec<_>>());
        }
    }
}
