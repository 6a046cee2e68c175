//! What streams make of messages of other streams.

use js_proto::{ConfigLimits, StreamConfig, StreamSource, errors};
use log_format::{Record, Salt};
use stream_index::Place;
use streams::{
    Answer, Around, BEHAVIOUR_LEVEL, Decision, Incoming, NoShelf, Origin, Rebuild, SEQUENCE_MAX, Stream,
    StreamMeta, Taken,
};

const SALT: Salt = Salt::of_segment(&[1; 16], 1);

struct Rig {
    meta: StreamMeta,
    stream: Stream<()>,
    log: Vec<Vec<u8>>,
}

fn source(name: &str) -> StreamSource {
    StreamSource { name: name.into(), ..StreamSource::default() }
}

fn place(at: usize) -> Place {
    Place { segment: 0, offset: at as u32 }
}

impl Rig {
    fn new(config: StreamConfig) -> Self {
        let config = StreamConfig { name: "M".into(), ..config };
        let config = config.settled(&ConfigLimits::default(), false).expect("it may be so");
        let (level, id_key) = (BEHAVIOUR_LEVEL, [7; 16]);
        let meta = StreamMeta { id: 1, level, created: 0, lane: 0, id_key, is_whole: true, config };
        Self { stream: Stream::new(meta.clone()), meta, log: Vec::new() }
    }

    fn mirror() -> Self {
        Self::new(StreamConfig { mirror: Some(source("O")), ..StreamConfig::default() })
    }

    fn take(&mut self, header: &str, origin: Option<Origin>) -> Result<(), Answer> {
        let publish = Incoming { now: 900, subject: b"o.x", header: header.as_bytes(), payload: b"x" };
        let mut around = Around {
            is_server_full: false,
            account_bytes_left: None,
            has_interest: &mut |_| true,
            random: &mut || 0,
            shelf: &mut NoShelf,
            payload_bytes_max: 1 << 20,
        };
        match self.stream.take(&Taken { publish, origin }, &mut around) {
            Decision::Append(record) => append(&record, &mut self.log),
            Decision::Answer(answer) => return Err(answer),
            other => panic!("{other:?}"),
        }
        self.appended();
        Ok(())
    }

    fn skip(&mut self, up_to: u64) {
        let Decision::Append(record) = self.stream.decide_skip(up_to) else { panic!("it may") };
        append(&record, &mut self.log);
        self.appended();
    }

    fn appended(&mut self) {
        self.stream.on_appended(place(self.log.len() - 1), None);
        assert!(self.stream.commit(&mut Vec::new()));
    }

    /// Its sequences: how many messages, the first, the last, and how many are missing.
    fn state(&self) -> [u64; 4] {
        let state = self.stream.state();
        [state.messages, state.first_seq, state.last_seq, state.deleted]
    }

    /// The log makes the same stream.
    fn check_again(&self) {
        let mut rebuild = Rebuild::new(self.meta.clone());
        for (at, bytes) in self.log.iter().enumerate() {
            let (record, _) = Record::read(bytes, SALT).expect("it is whole");
            rebuild.on_record(&record, place(at)).expect("it is a stream's");
        }
        let again: Stream<()> = rebuild.finish(&mut Vec::new());
        assert_eq!(again.digest(), self.stream.digest());
        assert_eq!(again.last_seq_ahead(), self.stream.last_seq_ahead());
    }
}

fn append(record: &Record<'_>, log: &mut Vec<Vec<u8>>) {
    let mut bytes = Vec::new();
    record.append_to(SALT, &mut bytes).expect("it is small");
    log.push(bytes);
}

fn at(seq: u64, time: i64) -> Option<Origin> {
    Some(Origin { seq, time })
}

#[test]
fn a_mirror_keeps_sequences_times_and_holes() {
    let mut rig = Rig::mirror();
    rig.skip(4);
    assert_eq!((rig.state(), rig.stream.state().last_time), ([0, 5, 4, 0], None));
    rig.take("", at(5, 100)).unwrap();
    rig.take("", at(8, 200)).unwrap();
    assert_eq!(rig.state(), [2, 5, 8, 2]);
    let times = [5, 8].map(|seq| rig.stream.index().get(seq).map(|row| row.time));
    assert_eq!(times, [Some(100), Some(200)], "not when they were taken");
    rig.skip(10);
    assert_eq!((rig.state(), rig.stream.last_seq_ahead()), ([2, 5, 10, 4], 10));
    rig.take("", at(11, 300)).unwrap();
    assert_eq!(rig.stream.index().get(11).map(|row| row.time), Some(300));
    rig.check_again();
}

#[test]
fn a_mirror_asks_for_no_ids_and_a_source_does() {
    let id = "NATS/1.0\r\nNats-Msg-Id: a\r\n\r\n";
    let mut mirror = Rig::mirror();
    mirror.take(id, at(1, 100)).unwrap();
    mirror.take(id, at(2, 100)).unwrap();
    assert_eq!(mirror.state(), [2, 1, 2, 0]);
    let window = js_proto::Nanos::from_secs(10);
    let mut taker = Rig::new(StreamConfig {
        sources: vec![source("O")],
        duplicate_window: window,
        ..StreamConfig::default()
    });
    taker.take(id, None).unwrap();
    assert_eq!(taker.take(id, None), Err(Answer::Duplicate { seq: 1 }));
}

/// Whatever somebody says who poses as the origin.
#[test]
fn what_a_mirror_takes_is_read_again() {
    let mut rig = Rig::mirror();
    let refused = rig.take("", at(SEQUENCE_MAX + 1, 100));
    assert!(matches!(refused, Err(Answer::Refused(error)) if error.is(&errors::STREAM_STORE_FAILED)));
    rig.skip(u64::MAX);
    rig.check_again();
    assert_eq!(rig.stream.last_seq_ahead(), SEQUENCE_MAX - 1);
}

/// What its publisher asked for was granted there.
#[test]
fn what_was_asked_of_the_origin_is_not_asked_here() {
    let mut rig = Rig::mirror();
    for (seq, line) in (1..).zip([
        "Nats-TTL: 5s",
        "Nats-Rollup: sub",
        "Nats-Incr: 5",
        "Nats-Schedule: @every 5s",
        "Nats-Scheduler: x",
    ]) {
        rig.take(&format!("NATS/1.0\r\n{line}\r\n\r\n"), at(seq, 100)).unwrap();
    }
    assert_eq!(rig.state(), [5, 1, 5, 0], "and nothing follows from it where that is not allowed");
    rig.check_again();
    let bad = rig.take("NATS/1.0\r\nNats-Incr: x\r\n\r\n", at(6, 100));
    assert_eq!(bad, Err(Answer::Refused(errors::MESSAGE_INCR_INVALID.error())));
    let mut lives =
        Rig::new(StreamConfig { mirror: Some(source("O")), allow_msg_ttl: true, ..StreamConfig::default() });
    lives.take("NATS/1.0\r\nNats-TTL: 5s\r\n\r\n", at(1, 100)).unwrap();
    assert_eq!(lives.stream.next_deadline(), Some(5_000_000_100));
}

#[test]
fn how_far_it_is_with_a_source_is_what_its_last_message_says() {
    let mut rig =
        Rig::new(StreamConfig { sources: vec![source("A"), source("B")], ..StreamConfig::default() });
    let header = |said: &str| format!("NATS/1.0\r\nNats-Stream-Source: {said}\r\n\r\n");
    for said in ["A 1 > > a", "B 7 > > b", "A 4 > > a", "C 9 > > c"] {
        rig.take(&header(said), None).unwrap();
    }
    let positions = ["A > >", "B > >", "C > >"].map(|source| rig.stream.position_of(source));
    assert_eq!(positions, [4, 7, 0]);
    rig.check_again();
}
