//! What schedules publish, and when.

use js_proto::{ConfigLimits, Nanos, Retention, StreamConfig, SubjectTransform, Timestamp};
use log_format::{Record, Salt};
use stream_index::{Filter, Place, Steps, Walk};
use streams::{
    Answer, Around, BEHAVIOUR_LEVEL, Decision, Effect, Fired, Found, Incoming, Purge, Rebuild, Said, Shelf,
    Stream, StreamMeta,
};

const SALT: Salt = Salt::of_segment(&[1; 16], 1);
const SECOND: i64 = 1_000_000_000;

/// A whole hour.
const BEGIN: i64 = 1_700_000_000 / 3_600 * 3_600 * SECOND;

/// A stream whose log never loses anything.
struct Rig {
    meta: StreamMeta,
    stream: Stream<usize>,
    now: i64,
    log: Vec<Vec<u8>>,
    /// Messages are read from the disk first.
    is_disk_slow: bool,
    account_bytes_left: Option<u64>,
    effects: Vec<Effect<usize>>,
}

struct Records<'a> {
    log: &'a [Vec<u8>],
    waits: bool,
}

impl Shelf for Records<'_> {
    fn read(&mut self, place: Place) -> Found<'_> {
        if self.waits {
            return Found::Wait;
        }
        let (record, _) = Record::read(&self.log[place.offset as usize], SALT).unwrap();
        Found::Said(Said { header: record.header, payload: record.payload })
    }
}

fn write(record: &Record<'_>, log: &mut Vec<Vec<u8>>) {
    let mut bytes = Vec::new();
    record.append_to(SALT, &mut bytes).unwrap();
    log.push(bytes);
}

impl Rig {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut StreamConfig)) -> Self {
        let mut config = StreamConfig {
            name: "S".into(),
            subjects: vec!["s.>".into()],
            allow_msg_schedules: true,
            allow_msg_ttl: true,
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
        Self {
            stream: Stream::new(meta.clone()),
            meta,
            now: BEGIN,
            log: Vec::new(),
            is_disk_slow: false,
            account_bytes_left: None,
            effects: Vec::new(),
        }
    }

    /// Has a message appended, which is not committed. The number of the error if it is refused.
    fn append(&mut self, subject: &str, lines: &str, payload: &str) -> Result<(), u16> {
        let header = if lines.is_empty() { String::new() } else { format!("NATS/1.0\r\n{lines}\r\n") };
        let publish = Incoming {
            now: self.now,
            subject: subject.as_bytes(),
            header: header.as_bytes(),
            payload: payload.as_bytes(),
        };
        let mut around = Around {
            is_server_full: false,
            account_bytes_left: self.account_bytes_left,
            has_interest: &mut |subject| subject.starts_with(b"s.wanted"),
            random: &mut || 0,
            shelf: &mut Records { log: &self.log, waits: false },
            payload_bytes_max: 1 << 20,
        };
        match self.stream.decide(&publish, &mut around) {
            Decision::Append(record) => write(&record, &mut self.log),
            Decision::Answer(Answer::Refused(error)) => return Err(error.err_code),
            other => panic!("{other:?}"),
        }
        self.appended();
        Ok(())
    }

    fn appended(&mut self) {
        let place = Place { segment: 0, offset: self.log.len() as u32 - 1 };
        self.stream.on_appended(place, None);
    }

    fn commit(&mut self) {
        while self.stream.commit(&mut self.effects) {}
        while self.stream.is_busy() {
            self.stream.work(&mut Steps::new(3), &mut self.effects);
        }
    }

    /// Stores a message.
    fn store(&mut self, subject: &str, lines: &str, payload: &str) {
        assert_eq!(self.append(subject, lines, payload), Ok(()));
        self.commit();
    }

    /// What a schedule publishes by now, which is appended and not committed. None if there is nothing.
    fn fire(&mut self) -> Option<u64> {
        let mut around = Around {
            is_server_full: false,
            account_bytes_left: self.account_bytes_left,
            has_interest: &mut |subject| subject.starts_with(b"s.wanted"),
            random: &mut || 0,
            shelf: &mut Records { log: &self.log, waits: self.is_disk_slow },
            payload_bytes_max: 1 << 20,
        };
        let seq = match self.stream.fire(self.now, &mut around) {
            Fired::Append(record) => {
                write(&record, &mut self.log);
                record.seq
            }
            Fired::Reads | Fired::Nothing => return None,
        };
        self.appended();
        Some(seq)
    }

    /// Time goes by until then, and what is to happen happens at its time.
    fn pass_until(&mut self, until: i64) {
        while let Some(deadline) = self.stream.next_deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            while let Some(record) = self.stream.expire(self.now) {
                write(&record, &mut self.log);
                self.appended();
            }
            self.commit();
            while self.fire().is_some() {
                self.commit();
            }
        }
        self.now = self.now.max(until);
    }

    fn pass(&mut self, seconds: i64) {
        self.pass_until(self.now + seconds * SECOND);
    }

    /// All of a subject: sequences, and what they say.
    fn all(&self, subject: &str) -> Vec<(u64, String, String)> {
        let (mut all, mut from) = (Vec::new(), 0);
        let filter = Filter::new([subject.as_bytes()]);
        while let Walk::Found(row) = self.stream.index().next(&filter, from, &mut Steps::new(10_000)) {
            let (record, _) = Record::read(&self.log[row.place.offset as usize], SALT).unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let header = text(record.header).replace("NATS/1.0\r\n", "").replace("\r\n", "|");
            all.push((row.seq, header, text(record.payload)));
            from = row.seq + 1;
        }
        all
    }

    fn count(&self, subject: &str) -> usize {
        self.all(subject).len()
    }

    /// Another life, from the log alone, after a while.
    fn restart(&mut self, seconds: i64) {
        self.commit();
        let mut rebuild = Rebuild::new(self.meta.clone());
        for (at, bytes) in self.log.iter().enumerate() {
            let (record, _) = Record::read(bytes, SALT).unwrap();
            rebuild.on_record(&record, Place { segment: 0, offset: at as u32 }).unwrap();
        }
        let again = rebuild.finish(&mut Vec::new());
        assert_eq!(again.digest(), self.stream.digest());
        (self.stream, self.now) = (again, self.now + seconds * SECOND);
    }

    /// The same, with a state that knows all.
    fn restart_from_state(&mut self, seconds: i64) {
        self.commit();
        self.stream.want_state();
        self.pass(0);
        self.restart(seconds);
    }
}

fn schedule(pattern: &str, more: &str) -> String {
    format!("Nats-Schedule: {pattern}\r\nNats-Schedule-Target: s.out\r\n{more}")
}

fn at(nanos: i64) -> String {
    Timestamp::from_unix_nanos(nanos).to_string()
}

#[test]
fn a_time_is_kept_once_and_its_schedule_goes() {
    let mut rig = Rig::new();
    let time = at(BEGIN + 90 * SECOND);
    rig.store("s.plan", &schedule(&format!("@at {time}"), "Mine: yes\r\nNats-Msg-Id: one\r\n"), "body");
    let stored = format!(
        "Nats-Schedule: @at {time}|Nats-Schedule-Target: s.out|Mine: yes|Nats-Msg-Id: one|Nats-Rollup: sub||"
    );
    assert_eq!(rig.all("s.plan"), [(1, stored, "body".to_owned())]);
    rig.pass(89);
    assert_eq!(rig.count("s.out"), 0);
    rig.pass(1);
    let said = "Mine: yes|Nats-Scheduler: s.plan|Nats-Schedule-Next: purge||";
    assert_eq!(rig.all("s.out"), [(2, said.to_owned(), "body".to_owned())]);
    assert_eq!(rig.count("s.plan"), 0);
    rig.restart(0);
    rig.pass(1_000);
    assert_eq!(rig.count("s.out"), 1);
}

#[test]
fn an_interval_goes_on_and_what_was_missed_is_kept_once() {
    let mut rig = Rig::new();
    rig.store("s.plan", &schedule("@every 10s", "Nats-Schedule-TTL: 24h\r\n"), "body");
    rig.pass(10);
    let said = |next| format!("Nats-Scheduler: s.plan|Nats-Schedule-Next: {}|Nats-TTL: 24h||", at(next));
    assert_eq!(rig.all("s.out"), [(2, said(BEGIN + 20 * SECOND), "body".to_owned())]);
    rig.pass(20);
    assert_eq!(rig.count("s.out"), 3);
    for restart in [Rig::restart, Rig::restart_from_state] {
        let before = rig.count("s.out");
        restart(&mut rig, 3_605);
        rig.pass(0);
        assert_eq!(rig.count("s.out"), before + 1, "of all that were missed one is kept");
        let next = said(rig.now + 10 * SECOND);
        assert_eq!(rig.all("s.out").last().map(|(_, header, _)| header.clone()), Some(next));
        rig.pass(10);
        assert_eq!(rig.count("s.out"), before + 2);
    }
}

#[test]
fn fields_are_kept_by_the_clock_of_their_zone() {
    let mut rig = Rig::new();
    // 2023-11-14T22:00:00Z is eleven at night in Paris, and seven in the morning in Tokyo.
    rig.store("s.paris", &schedule("0 30 23 * * *", "Nats-Schedule-Time-Zone: Europe/Paris\r\n"), "");
    rig.store("s.tokyo", &schedule("0 15 7 * * *", "Nats-Schedule-Time-Zone: Asia/Tokyo\r\n"), "");
    rig.pass(3_600);
    let headers: Vec<String> = rig.all("s.out").into_iter().map(|(_, header, _)| header).collect();
    assert_eq!(
        headers,
        [
            "Nats-Scheduler: s.tokyo|Nats-Schedule-Next: 2023-11-16T07:15:00+09:00||",
            "Nats-Scheduler: s.paris|Nats-Schedule-Next: 2023-11-15T23:30:00+01:00||",
        ]
    );
    rig.pass(86_400);
    assert_eq!(rig.count("s.out"), 4);
}

#[test]
fn the_last_message_of_another_subject_may_be_what_is_published() {
    let mut rig = Rig::with(|config| config.allow_atomic = true);
    rig.store("s.plan", &schedule("@every 1m", "Nats-Schedule-Source: s.value\r\nMine: yes\r\n"), "own");
    rig.pass(60);
    assert_eq!(rig.all("s.out").pop().unwrap().2, "own", "as long as there is nothing of it");
    rig.store("s.value", "", "one");
    rig.store("s.value", "Theirs: yes\r\nNats-TTL: 1h\r\n", "two");
    rig.pass(60);
    let (_, header, said) = rig.all("s.out").pop().unwrap();
    assert!(header.starts_with("Theirs: yes|Nats-Scheduler: s.plan|Nats-Schedule-Next: "), "{header}");
    assert!(!header.contains("TTL"), "{header}");
    assert_eq!(said, "two");
}

/// One that was stored first is published first of those that are due.
#[test]
fn a_schedule_that_comes_again_takes_the_place_of_the_one_before() {
    let mut rig = Rig::new();
    rig.store("s.plan", &schedule("@every 10s", ""), "one");
    rig.store("s.plan", &schedule("@every 30s", ""), "two");
    rig.pass(29);
    assert_eq!(rig.count("s.out"), 0);
    rig.pass(1);
    assert_eq!(rig.all("s.out").pop().unwrap().2, "two");
    assert_eq!(rig.count("s.plan"), 1);
}

#[test]
fn a_schedule_ends_with_its_message_or_by_another_one_of_its_subject() {
    type End = fn(&mut Rig);
    let ends: [(&str, End); 4] = [
        ("another message", |rig| rig.store("s.plan", "", "x")),
        ("a deletion", |rig| {
            let Decision::Append(record) = rig.stream.decide_delete(rig.now, 1, false) else { panic!() };
            write(&record, &mut rig.log);
            rig.appended();
        }),
        ("a purge", |rig| {
            let purge = Purge { filter: b"s.plan"[..].into(), ..Purge::default() };
            let Decision::Append(record) = rig.stream.decide_purge(rig.now, purge) else { panic!() };
            write(&record, &mut rig.log);
            rig.appended();
        }),
        ("a word", |rig| {
            rig.store("s.end", "Nats-Scheduler: s.plan\r\nNats-Schedule-Next: purge\r\n", "");
            assert_eq!(rig.count("s.plan"), 0);
        }),
    ];
    for restart in
        [|_: &mut Rig| {}, |rig: &mut Rig| rig.restart(0), |rig: &mut Rig| rig.restart_from_state(0)]
    {
        for (what, end) in ends {
            let mut rig = Rig::new();
            rig.store("s.plan", &schedule("@every 10s", ""), "one");
            end(&mut rig);
            rig.commit();
            restart(&mut rig);
            rig.pass(100);
            assert_eq!(rig.count("s.out"), 0, "{what}");
        }
    }
}

/// What a schedule publishes onto the subject of another one is no word about that.
#[test]
fn a_schedule_may_publish_where_another_one_lies() {
    let mut rig = Rig::new();
    rig.store("s.out", "Nats-Schedule: @every 20s\r\nNats-Schedule-Target: s.far\r\n", "far");
    rig.store("s.plan", &schedule("@every 10s", ""), "near");
    rig.pass(40);
    assert_eq!((rig.count("s.far"), rig.count("s.out")), (2, 5));
    rig.restart(0);
    rig.pass(40);
    assert_eq!((rig.count("s.far"), rig.count("s.out")), (4, 9));
    let end = "Nats-Scheduler: s.out\r\nNats-Schedule-Next: purge\r\n";
    assert_eq!(rig.append("s.end", end, ""), Err(10212), "the last one of its subject is no schedule");
}

/// nats-server would not fire what was replaced just now: nor does one that is about to be.
#[test]
fn what_is_on_its_way_to_the_subject_of_a_schedule_is_waited_for() {
    let mut rig = Rig::new();
    rig.store("s.plan", &schedule(&format!("@at {}", at(BEGIN + SECOND)), ""), "one");
    rig.now += SECOND;
    rig.append("s.plan", &schedule(&format!("@at {}", at(BEGIN + 9 * SECOND)), ""), "two").unwrap();
    assert_eq!((rig.fire(), rig.stream.next_deadline()), (None, None), "until something is committed");
    rig.commit();
    assert_eq!(rig.fire(), None);
    rig.pass(8);
    assert_eq!(rig.all("s.out").pop().unwrap().2, "two");
}

#[test]
fn what_is_published_and_lost_is_published_again() {
    let mut rig = Rig::new();
    rig.store("s.plan", &schedule("@every 10s", ""), "one");
    rig.now += 10 * SECOND;
    assert_eq!(rig.fire(), Some(2));
    assert_eq!(rig.fire(), None, "it is on its way");
    rig.stream.drop_tail(0);
    rig.log.pop();
    assert_eq!(rig.fire(), Some(2));
    rig.commit();
    assert_eq!(rig.count("s.out"), 1);
}

/// With nats-server it would not be published before the next start.
#[test]
fn what_there_was_no_room_for_is_tried_again() {
    let mut rig = Rig::new();
    rig.store("s.plan", &schedule("@every 20s", ""), "one");
    rig.account_bytes_left = Some(1);
    rig.now += 20 * SECOND;
    assert_eq!(rig.fire(), None);
    assert_eq!(rig.stream.next_deadline(), Some(rig.now + 10 * SECOND));
    rig.account_bytes_left = None;
    rig.pass(10);
    assert_eq!(rig.count("s.out"), 1);
    rig.pass(10);
    assert_eq!(rig.count("s.out"), 2, "it is for the same times as before");
}

#[test]
fn a_message_that_has_to_be_read_is_published_when_it_was() {
    let mut rig = Rig::new();
    rig.store("s.plan", &schedule("@every 10s", ""), "one");
    rig.is_disk_slow = true;
    rig.now += 10 * SECOND;
    assert_eq!((rig.fire(), rig.stream.next_deadline()), (None, None), "until something was read");
    rig.is_disk_slow = false;
    rig.stream.on_read();
    assert_eq!(rig.stream.next_deadline(), Some(rig.now));
    assert_eq!(rig.fire(), Some(2));
}

#[test]
fn rollups_transforms_and_lives_are_as_of_other_messages() {
    let mut rig = Rig::with(|config| {
        config.subject_transform = Some(SubjectTransform { src: "s.in.*".into(), dest: "s.t.$1".into() });
        config.subject_delete_marker_ttl = Nanos::from_secs(60);
    });
    let lines = "Nats-Schedule: @every 10s\r\nNats-Schedule-Target: s.in.x\r\nNats-Schedule-Rollup: sub\r\n\
        Nats-Schedule-TTL: 5\r\n";
    rig.store("s.plan", lines, "one");
    rig.pass(30);
    let all = rig.all("s.t.x");
    assert_eq!((all.len(), all[0].0), (1, 4), "each takes the place of the one before");
    let header = format!(
        "Nats-Scheduler: s.plan|Nats-Schedule-Next: {}|Nats-Rollup: sub|Nats-TTL: 60||",
        at(BEGIN + 40 * SECOND)
    );
    assert_eq!(all[0].1, header, "no message lives less long than a marker");
}

/// A stream that keeps what somebody wants goes on though nobody wants what its schedules publish.
#[test]
fn what_nobody_wants_counts_and_is_not_stored() {
    let mut rig = Rig::with(|config| config.retention = Retention::Interest);
    rig.store("s.wanted.plan", &schedule("@every 10s", ""), "one");
    rig.pass(30);
    assert_eq!((rig.count("s.out"), rig.stream.index().last_seq()), (0, 4));
    rig.restart(0);
    let once = format!("Nats-Schedule: @at {}\r\nNats-Schedule-Target: s.out\r\n", at(rig.now + SECOND));
    rig.store("s.wanted.once", &once, "one");
    rig.pass(1);
    assert_eq!(rig.count("s.wanted.once"), 0);
}

#[test]
fn a_sealed_stream_publishes_nothing() {
    let mut rig = Rig::new();
    rig.store("s.plan", &schedule("@every 10s", ""), "one");
    let sealed = StreamConfig { sealed: true, ..rig.stream.config().clone() };
    let Decision::Append(record) = rig.stream.decide_update(rig.now, sealed) else { panic!("it may") };
    write(&record, &mut rig.log);
    rig.appended();
    rig.commit();
    rig.now += 100 * SECOND;
    assert_eq!((rig.stream.next_deadline(), rig.fire()), (None, None));
}

#[test]
fn a_clock_that_is_put_back_has_schedules_wait() {
    let mut rig = Rig::new();
    rig.store("s.plan", &schedule("@every 10s", ""), "one");
    rig.pass(10);
    rig.now -= 3_600 * SECOND;
    assert_eq!(rig.fire(), None);
    rig.pass_until(BEGIN + 19 * SECOND);
    assert_eq!(rig.count("s.out"), 1);
    rig.pass(1);
    assert_eq!(rig.count("s.out"), 2);
}
