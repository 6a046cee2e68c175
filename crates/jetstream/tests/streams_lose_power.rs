//! Streams on a log on a disk that loses power: what was told is so afterwards, and each stream is what its records made
//! of it at some moment not before that.
//!
//! A fixed handful of seeds runs every time; `STREAM_SEEDS=n` (with `STREAM_FIRST_SEED=s`) runs many.

#[path = "streams_lose_power/found.rs"]
mod found;

use std::collections::VecDeque;

use js_proto::{ConfigLimits, Discard, Nanos, StreamConfig};
use log_format::{Kind, Lsn, Record};
use sim_disk::{Faults, Random, SimDisk};
use stream_index::Steps;
use stream_log::{Appended, CleanRules, Config, Event, Log, Recovery, Room, SyncWhen};
use streams::{
    Answer, Around, BEHAVIOUR_LEVEL, BatchDecision, BatchLimits, BatchRoom, Decision, Effect, Incoming,
    NoShelf, Purge, Removal, Stream, StreamMeta,
};

use found::{Found, buried, of_group, read, rebuilt, written};

const SEEDS: u64 = 20;
const STREAMS: u32 = 3;

#[derive(Debug, Default)]
struct Stats {
    crashes: u64,
    acknowledged: u64,
    lost: u64,
    buried: u64,
    moved: u64,
    retired: u64,
    states: u64,
    erased: u64,
    batches: u64,
    packed: u64,
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn streams_are_what_they_were_when_somebody_was_told() {
    let first = number("STREAM_FIRST_SEED").unwrap_or(0);
    let mut stats = Stats::default();
    for seed in first..first + number("STREAM_SEEDS").unwrap_or(SEEDS) {
        let run = || World::new(seed).run(&mut stats);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
            panic!("STREAM_FIRST_SEED={seed} STREAM_SEEDS=1");
        }
    }
    println!("{stats:?}");
    let Stats { crashes, acknowledged, lost, buried, moved, retired, states, erased, batches, packed } =
        stats;
    // A run that never gets anywhere proves nothing.
    assert!(crashes > 30 && acknowledged > 1_000 && lost > 20, "{stats:?}");
    assert!(buried > 1_000 && moved > 100 && retired > 10 && states > 30, "{stats:?}");
    assert!(erased > 20 && batches > 200 && packed > 100, "{stats:?}");
}

/// A stream, and what it ought to be.
struct Member {
    group: u32,
    meta: StreamMeta,
    /// None if its first record was lost.
    stream: Option<Stream<()>>,
    /// Told its records when they are appended.
    shadow: Stream<()>,
    /// What the shadow was after each record that is not known to be safe, the first before them all.
    history: VecDeque<u64>,
    /// What it was before that, and may be again, as it was found after a crash and is not known to be safe.
    unsafe_history: Vec<u64>,
    now: i64,
}

struct World {
    config: Config,
    disk: SimDisk,
    log: Log,
    random: Random,
    members: Vec<Member>,
    /// Records that are not safe, and whose they are; the first record of a stream is no event of it.
    waiting: VecDeque<(Lsn, usize, bool)>,
}

impl Member {
    fn new(group: u32, random: &mut Random) -> Self {
        let limit = |random: &mut Random, max| {
            if random.below(2) == 0 { -1 } else { 2 + random.below(max).cast_signed() }
        };
        let config = StreamConfig {
            name: format!("S{group}"),
            subjects: vec!["s.>".into()],
            max_msgs: limit(random, 60),
            max_bytes: limit(random, 20).max(-1) * 4_096,
            max_msgs_per_subject: limit(random, 3),
            discard: if random.below(4) == 0 { Discard::New } else { Discard::Old },
            allow_rollup_hdrs: true,
            allow_atomic: true,
            max_age: Nanos::from_secs(if random.below(2) == 0 { 0 } else { 200 }),
            duplicate_window: Nanos::from_secs(100),
            ..StreamConfig::default()
        };
        let config = config.settled(&ConfigLimits::default(), false).expect("it is a good one");
        let id = u64::from(group);
        let meta = StreamMeta {
            id,
            level: BEHAVIOUR_LEVEL,
            created: 0,
            lane: 0,
            id_key: [3; 16],
            is_whole: true,
            config,
        };
        let shadow = Stream::new(meta.clone());
        let now = 1_700_000_000_000_000_000;
        let history = [shadow.digest()].into();
        Self { group, meta, stream: None, history, unsafe_history: Vec::new(), shadow, now }
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut config = Config::new(*b"a store of tests", 0);
        config.segment_bytes = 16 << 10 << random.below(3);
        config.clean = CleanRules { dead_bytes: 8 << 10, dead_percent: 10 + random.below(50) };
        config.sync = SyncWhen::Always;
        let mut disk = SimDisk::new(random.draw());
        if random.below(5) == 0 {
            disk.faults = Faults { failed_writes: 5, ..Faults::default() };
        }
        let members = (0..STREAMS).map(|number| Member::new(number + 1, &mut random)).collect();
        let log = Log::new(config.clone());
        Self { config, disk, log, random, members, waiting: VecDeque::new() }
    }

    fn run(mut self, stats: &mut Stats) {
        for _ in 0..2 + self.random.below(4) {
            for _ in 0..self.random.below(900) {
                self.step(stats);
            }
            self.crash(stats);
        }
    }

    fn step(&mut self, stats: &mut Stats) {
        let of = self.random.below(u64::from(STREAMS)) as usize;
        self.log.prepare();
        match self.random.below(100) {
            0..34 => self.with_stream(of, Self::publish),
            34..40 => self.with_stream(of, |world, of| world.publish_batch(of, stats)),
            40..43 => self.with_stream(of, Self::delete),
            43 => self.with_stream(of, Self::purge),
            44..48 => self.with_stream(of, |world, of| world.expire(of, stats)),
            48 => self.members[of].stream.iter_mut().for_each(Stream::want_state),
            49 => self.members[of].now += 20_000_000_000,
            50 => self.log.tick(),
            51..75 => {
                while let Some(request) = self.log.take_request() {
                    self.disk.submit(request);
                }
            }
            _ => self.disk_step(stats),
        }
    }

    /// The stream is made if there is none.
    fn with_stream(&mut self, of: usize, act: impl FnOnce(&mut Self, usize)) {
        if self.log.room(8 << 10) != Room::Yes {
            return;
        }
        if self.members[of].stream.is_none() {
            let mut payload = Vec::new();
            self.members[of].meta.write(&mut payload);
            let kind = Kind::STREAM_META;
            let (group, subject, header) = (self.members[of].group, &b""[..], &b""[..]);
            let meta = Record {
                kind,
                group,
                seq: 0,
                time: 0,
                ttl: None,
                message_id: None,
                subject,
                header,
                payload: &payload,
            };
            let Ok(appended) = self.log.append(&meta) else { return };
            self.waiting.push_back((appended.lsn, of, true));
            let mut stream = Stream::new(self.members[of].meta.clone());
            stream.note_first_meta(appended.place);
            self.members[of].stream = Some(stream);
        }
        act(self, of);
    }

    fn publish(&mut self, of: usize) {
        let subject = format!("s.{}", self.random.below(8));
        let payload = vec![7; self.random.below(3_000) as usize];
        let header = match self.random.below(20) {
            0 => "NATS/1.0\r\nNats-Rollup: sub\r\n\r\n".to_owned(),
            1 => "NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\r\n".to_owned(),
            2..8 => format!("NATS/1.0\r\nNats-Msg-Id: {}\r\n\r\n", self.random.below(100)),
            _ => String::new(),
        };
        self.members[of].now += 1_000_000;
        let now = self.members[of].now;
        let publish =
            Incoming { now, subject: subject.as_bytes(), header: header.as_bytes(), payload: &payload };
        let mut around = Around {
            is_server_full: false,
            account_bytes_left: None,
            has_interest: &mut |_| true,
            random: &mut || 0,
            shelf: &mut NoShelf,
            payload_bytes_max: 1 << 20,
        };
        self.append(of, |stream| match stream.decide(&publish, &mut around) {
            Decision::Append(record) => Some(written(&record)),
            _ => None,
        });
    }

    /// A batch, which is one step of the stream's history: found whole, or not at all.
    fn publish_batch(&mut self, of: usize, stats: &mut Stats) {
        let count = 1 + self.random.below(9);
        let room = BatchRoom {
            limits: BatchLimits { open_max: 1, messages_max: 10, patience: 1 },
            may_begin: true,
            bytes_left: usize::MAX,
        };
        let mut around = Around {
            is_server_full: false,
            account_bytes_left: None,
            has_interest: &mut |_| true,
            random: &mut || 0,
            shelf: &mut NoShelf,
            payload_bytes_max: 1 << 20,
        };
        self.members[of].now += 1_000_000;
        for seq in 1..=count {
            let subject = format!("s.{}", self.random.below(8));
            let payload = vec![8; self.random.below(2_000) as usize];
            let commit = if seq == count { "Nats-Batch-Commit: 1\r\n" } else { "" };
            let header = format!(
                "NATS/1.0\r\nNats-Batch-Id: B\r\nNats-Batch-Sequence: {seq}\r\n{commit}Nats-Msg-Id: b-{}\r\n\r\n",
                self.random.below(2_000)
            );
            let Member { stream, shadow, history, group, now, .. } = &mut self.members[of];
            let Some(stream) = stream else { return };
            let (header, subject) = (header.as_bytes(), subject.as_bytes());
            let publish = Incoming { now: *now, subject, header, payload: &payload };
            let unit = match stream.decide_batch(&publish, &mut around, &room) {
                BatchDecision::Append(unit) => unit,
                BatchDecision::Answer(Answer::Held) => continue,
                BatchDecision::Answer(_) => return,
                // Whoever has it would wait.
                BatchDecision::Later => {
                    *now += 1;
                    let _ = stream.expire(*now);
                    return;
                }
            };
            let records: Vec<Vec<u8>> = unit.records().map(|record| written(&record)).collect();
            if self.log.unit(*group, records.len() as u32, unit.bytes()).is_err() {
                return stream.drop_unit();
            }
            let mut places = Vec::new();
            let mut end = Lsn(0);
            for bytes in &records {
                let record = Record { group: *group, ..read(bytes) };
                let Appended { place, lsn } =
                    self.log.append(&record).expect("there is room for all of them");
                shadow.replay(&record, place, &mut Vec::new()).expect("it is of a stream");
                while shadow.is_busy() {
                    shadow.work(&mut Steps::new(100), &mut Vec::new());
                }
                places.push(place);
                end = lsn;
            }
            history.push_back(shadow.digest());
            stream.on_unit_appended(&places, None);
            self.waiting.push_back((end, of, false));
            stats.batches += 1;
        }
    }

    fn delete(&mut self, of: usize) {
        let now = self.members[of].now;
        let (draw, erase) = (self.random.draw(), self.random.below(2) == 0);
        self.append(of, |stream| {
            let seq = draw % (stream.index().last_seq() + 1);
            match stream.decide_delete(now, seq, erase) {
                Decision::Append(record) => Some(written(&record)),
                _ => None,
            }
        });
    }

    fn purge(&mut self, of: usize) {
        let now = self.members[of].now;
        let (filter, keep): (&[u8], u64) = match self.random.below(3) {
            0 => (b"", 0),
            1 => (b"s.1", 0),
            _ => (b"", 3),
        };
        let purge = Purge { filter: filter.into(), before: 0, keep };
        self.append(of, |stream| match stream.decide_purge(now, purge) {
            Decision::Append(record) => Some(written(&record)),
            _ => None,
        });
    }

    fn expire(&mut self, of: usize, stats: &mut Stats) {
        let now = self.members[of].now;
        for _ in 0..20 {
            let mut is_state = false;
            let appended = self.append(of, |stream| {
                let record = stream.expire(now)?;
                is_state = record.kind == Kind::STREAM_STATE;
                Some(written(&record))
            });
            stats.states += u64::from(is_state && appended);
            if !appended {
                break;
            }
        }
    }

    /// Appends what a stream decides, if it decides so and the log takes it.
    fn append(&mut self, of: usize, decide: impl FnOnce(&mut Stream<()>) -> Option<Vec<u8>>) -> bool {
        let Member { stream, shadow, history, group, .. } = &mut self.members[of];
        let Some(stream) = stream else { return false };
        let Some(bytes) = decide(stream) else { return false };
        let record = Record { group: *group, ..read(&bytes) };
        let Ok(Appended { place, lsn }) = self.log.append(&record) else { return false };
        shadow.replay(&record, place, &mut Vec::new()).expect("it is of a stream");
        while shadow.is_busy() {
            shadow.work(&mut Steps::new(100), &mut Vec::new());
        }
        history.push_back(shadow.digest());
        stream.on_appended(place, None);
        self.waiting.push_back((lsn, of, false));
        true
    }

    fn disk_step(&mut self, stats: &mut Stats) {
        if let Some(answer) = self.disk.step() {
            self.log.on_answer(answer);
        }
        while let Some(event) = self.log.take_event() {
            match event {
                Event::Synced(lsn) => self.on_synced(lsn, stats),
                Event::Clean => {
                    let members = &mut self.members;
                    self.log.clean(&mut |place, record| {
                        let member = members.iter_mut().find(|member| member.group == record.group);
                        let stream = member.and_then(|member| member.stream.as_mut());
                        stream.is_none_or(|stream| stream.is_live(record, place))
                    });
                }
                Event::Moved => self.on_moved(stats),
                Event::Retired(_) => stats.retired += 1,
                Event::Erased { .. } => stats.erased += 1,
                Event::Failed(_) => {
                    for stream in self.members.iter_mut().filter_map(|member| member.stream.as_mut()) {
                        stream.drop_tail(0);
                    }
                    self.waiting.clear();
                }
                _ => {}
            }
        }
    }

    fn on_synced(&mut self, lsn: Lsn, stats: &mut Stats) {
        self.members.iter_mut().for_each(|member| member.unsafe_history.clear());
        while let Some((of, is_first)) =
            self.waiting.front().filter(|one| one.0 <= lsn).map(|one| (one.1, one.2))
        {
            self.waiting.pop_front();
            if is_first {
                continue;
            }
            let mut effects = Vec::new();
            let member = &mut self.members[of];
            let stream = member.stream.as_mut().expect("it has records");
            assert!(stream.commit(&mut effects));
            while stream.is_busy() {
                stream.work(&mut Steps::new(50), &mut effects);
            }
            member.history.pop_front();
            assert_eq!(Some(&stream.digest()), member.history.front());
            stats.acknowledged += 1;
            self.bury(of, effects, stats);
        }
    }

    fn bury(&mut self, of: usize, effects: Vec<Effect<()>>, stats: &mut Stats) {
        for effect in effects {
            match effect {
                Effect::Bury(place) => {
                    stats.buried += 1;
                    self.log.bury(place, self.members[of].group);
                }
                Effect::Removed { row, why: Removal::Deleted { erase: true } } => self.log.erase(row.place),
                _ => {}
            }
        }
    }

    fn on_moved(&mut self, stats: &mut Stats) {
        while let Some(moved) = self.log.take_moved() {
            stats.moved += 1;
            let member = self.members.iter_mut().find(|member| member.group == moved.group);
            let stream = member.and_then(|member| member.stream.as_mut());
            if !stream.is_some_and(|stream| stream.on_moved(moved.kind, moved.seq, moved.from, moved.to)) {
                self.log.bury(moved.to, moved.group);
            }
        }
    }

    fn crash(&mut self, stats: &mut Stats) {
        stats.crashes += 1;
        if self.random.below(4) == 0 {
            self.disk.kill()
        } else {
            self.disk.cut_power()
        }
        let whole = self.recover(Recovery::reading_all);
        let found = self.recover(Recovery::new);
        self.waiting.clear();
        for of in 0..self.members.len() {
            let group = self.members[of].group;
            let records: Vec<&Found> = of_group(&found, group);
            stats.packed += records.iter().filter(|one| matches!(one, Found::Messages(_))).count() as u64;
            let mut effects = Vec::new();
            let member = &mut self.members[of];
            let fresh = Stream::<()>::new(member.meta.clone());
            let stream = rebuilt(&records, &mut effects);
            let digest = stream.as_ref().unwrap_or(&fresh).digest();
            // What footers tell and what the batches say is the same, and so is what nobody needs.
            let mut effects_of_all = Vec::new();
            let of_all = rebuilt(&of_group(&whole, group), &mut effects_of_all);
            assert_eq!(digest, of_all.as_ref().unwrap_or(&fresh).digest(), "stream {of}");
            assert_eq!(buried(&effects), buried(&effects_of_all), "stream {of}");
            let mut known = std::mem::take(&mut member.unsafe_history);
            known.extend(member.history.drain(..));
            stats.lost += u64::from(known.last() != Some(&digest));
            let at = known.iter().rposition(|other| *other == digest);
            known.truncate(at.unwrap_or_else(|| panic!("stream {of} is nothing that it may be: {stream:?}")));
            member.unsafe_history = known;
            member.history = [digest].into();
            member.shadow = rebuilt(&records, &mut Vec::new()).unwrap_or(fresh);
            member.stream = stream;
            self.bury(of, effects, stats);
        }
    }

    /// What the disk has, in order.
    fn recover<F: FnOnce(Config, Vec<(u32, u64)>) -> Recovery>(&mut self, start: F) -> Vec<Found> {
        let mut recovery = start(self.config.clone(), self.disk.files());
        let mut found = Vec::new();
        while let Some(span) = recovery.want() {
            let bytes = self.disk.read(span);
            recovery
                .on_bytes(Ok(bytes), &mut |item| found.push(Found::new(item)))
                .expect("the files are ours");
        }
        let (log, report) = recovery.finish();
        assert_eq!(report.lost_count, 0, "{report:?}");
        self.log = log;
        found
    }
}
