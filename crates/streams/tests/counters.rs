//! Counters, as far as what is not committed yet matters to them.

use js_proto::{ConfigLimits, StreamConfig};
use log_format::{Record, Salt};
use stream_index::Place;
use streams::{
    Answer, Around, BEHAVIOUR_LEVEL, Decision, Effect, Found, Incoming, Purge, Said, Shelf, Stream,
    StreamMeta,
};

const SALT: Salt = Salt::of_segment(&[1; 16], 1);

struct Rig {
    stream: Stream<()>,
    log: Vec<Vec<u8>>,
    payload_bytes_max: usize,
}

struct Records<'a>(&'a [Vec<u8>]);

impl Shelf for Records<'_> {
    fn read(&mut self, place: Place) -> Found<'_> {
        let (record, _) = Record::read(&self.0[place.offset as usize], SALT).unwrap();
        Found::Said(Said { header: record.header, payload: record.payload })
    }
}

/// What came of an increment.
#[derive(Debug, PartialEq)]
enum Given {
    /// It is appended, and says that.
    Says(String),
    Refused(u16),
    Later,
}

impl Rig {
    fn new(change: impl FnOnce(&mut StreamConfig)) -> Self {
        let mut config = StreamConfig {
            name: "S".into(),
            subjects: vec!["s.>".into()],
            allow_msg_counter: true,
            ..StreamConfig::default()
        };
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
        Self { stream: Stream::new(meta), log: Vec::new(), payload_bytes_max: 1 << 20 }
    }

    fn add(&mut self, subject: &str, increment: &str) -> Given {
        let header = format!("NATS/1.0\r\nNats-Incr: {increment}\r\n\r\n");
        let (subject, header) = (subject.as_bytes(), header.as_bytes());
        let publish = Incoming { now: 1, subject, header, payload: b"" };
        let mut around = Around {
            is_server_full: false,
            account_bytes_left: None,
            has_interest: &mut |_| false,
            random: &mut || 0,
            shelf: &mut Records(&self.log),
            payload_bytes_max: self.payload_bytes_max,
        };
        match self.stream.decide(&publish, &mut around) {
            Decision::Append(record) => {
                let said = String::from_utf8(record.payload.to_vec()).unwrap();
                append(&record, &mut self.log);
                self.stream.on_appended(last_place(&self.log), Some(()));
                Given::Says(said)
            }
            Decision::Answer(Answer::Refused(error)) => Given::Refused(error.err_code),
            Decision::Later => Given::Later,
            other => panic!("{other:?}"),
        }
    }

    fn commit(&mut self) -> Vec<Answer> {
        let mut effects = Vec::new();
        while self.stream.commit(&mut effects) {}
        let answer = |effect| match effect {
            Effect::Answer { answer, .. } => Some(answer),
            _ => None,
        };
        effects.into_iter().filter_map(answer).collect()
    }
}

fn append(record: &Record<'_>, log: &mut Vec<Vec<u8>>) {
    let mut bytes = Vec::new();
    record.append_to(SALT, &mut bytes).unwrap();
    log.push(bytes);
}

fn last_place(log: &[Vec<u8>]) -> Place {
    Place { segment: 0, offset: log.len() as u32 - 1 }
}

fn says(sum: &str) -> Given {
    Given::Says(format!(r#"{{"val":"{sum}"}}"#))
}

#[test]
fn increments_add_up_before_any_of_them_is_committed() {
    let mut rig = Rig::new(|_| {});
    assert_eq!([rig.add("s.a", "1"), rig.add("s.b", "5"), rig.add("s.a", "+2")], ["1", "5", "3"].map(says));
    let counted = |seq, sum: &str| Answer::Counted { seq, sum: sum.into() };
    assert_eq!(rig.commit(), [counted(1, "1"), counted(2, "5"), counted(3, "3")]);
    assert_eq!(rig.add("s.a", "-4"), says("-1"));
    rig.stream.drop_tail(0);
    assert_eq!(rig.add("s.a", "-3"), says("0"), "what was lost was not added");
}

/// A purge that waits may take out what is added to.
#[test]
fn an_increment_waits_for_a_purge_before_it() {
    let mut rig = Rig::new(|_| {});
    rig.add("s.a", "5");
    let Decision::Append(record) = rig.stream.decide_purge(1, Purge::default()) else { panic!("it may") };
    append(&record, &mut rig.log);
    rig.stream.on_appended(last_place(&rig.log), Some(()));
    assert_eq!(rig.add("s.a", "1"), Given::Later);
    rig.commit();
    assert_eq!(rig.add("s.a", "1"), says("1"));
}

/// One commit for each increment would be slow; and what gives way to a limit is not added to.
#[test]
fn a_full_stream_counts_on_without_waiting_as_long_as_that_is_sure() {
    let mut rig = Rig::new(|config| config.max_msgs = 3);
    for _ in 0..3 {
        rig.add("s.a", "1");
    }
    rig.commit();
    assert_eq!([rig.add("s.a", "1"), rig.add("s.b", "1"), rig.add("s.a", "1")], ["4", "1", "5"].map(says));
    assert_eq!([rig.add("s.c", "1"), rig.add("s.c", "1")], ["1", "2"].map(says));
    assert_eq!(rig.add("s.b", "1"), Given::Later, "it has given way by then");
    rig.commit();
    assert_eq!(rig.add("s.b", "1"), says("1"));
    let mut rig = Rig::new(|config| config.max_bytes = 300);
    for _ in 0..10 {
        rig.add("s.a", "1");
        rig.commit();
    }
    assert_eq!([rig.add("s.a", "1"), rig.add("s.a", "1")], ["11", "12"].map(says));
}

#[test]
fn a_sum_may_be_too_large() {
    let mut rig = Rig::new(|config| config.max_msg_size = 77);
    let nines = "9".repeat(20);
    assert_eq!(rig.add("s.a", &nines), says(&nines));
    rig.commit();
    assert_eq!(rig.add("s.a", &format!("9{nines}")), Given::Refused(10054));
    rig.payload_bytes_max = 60;
    assert_eq!(rig.add("s.a", "1"), Given::Says(format!(r#"{{"val":"1{}"}}"#, "0".repeat(20))));
    assert_eq!(rig.add("s.a", &nines), Given::Refused(10054), "nothing is stored that nobody may publish");
}
