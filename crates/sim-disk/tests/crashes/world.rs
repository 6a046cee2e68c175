//! One run: a log, its disk, and what ought to be there.

use std::collections::{BTreeMap, BTreeSet};

use log_format::{Kind, Lsn, Place};
use sim_disk::{Random, SimDisk};
use stream_log::{
    AppendError, CleanRules, Config, Event, Log, Read, Recovery, Report, Request, Room, Rotten, SyncWhen,
};

use crate::erasing::Erasing;
use crate::model::{FoundRecord, Key, Message, Model, Tombstone, check_order, check_same, record};

const GROUPS: u64 = 3;

/// What happened in all runs.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Stats {
    pub(crate) crashes: u64,
    pub(crate) torn: u64,
    pub(crate) failures: u64,
    pub(crate) retired: u64,
    pub(crate) recycled: u64,
    pub(crate) moved: u64,
    pub(crate) full: u64,
    pub(crate) units: u64,
    pub(crate) acknowledged: u64,
    pub(crate) unacknowledged_found: u64,
    pub(crate) unacknowledged_lost: u64,
    pub(crate) read_from_disk: u64,
    pub(crate) erased: u64,
    pub(crate) rekeyed: u64,
    /// Messages that footers told of.
    pub(crate) told: u64,
    /// Bytes that were looked at whether they rotted.
    pub(crate) scrubbed: u64,
}

impl std::ops::AddAssign for Stats {
    fn add_assign(&mut self, other: Self) {
        self.crashes += other.crashes;
        self.torn += other.torn;
        self.failures += other.failures;
        self.retired += other.retired;
        self.recycled += other.recycled;
        self.moved += other.moved;
        self.full += other.full;
        self.units += other.units;
        self.acknowledged += other.acknowledged;
        self.unacknowledged_found += other.unacknowledged_found;
        self.unacknowledged_lost += other.unacknowledged_lost;
        self.read_from_disk += other.read_from_disk;
        self.erased += other.erased;
        self.rekeyed += other.rekeyed;
        self.told += other.told;
        self.scrubbed += other.scrubbed;
    }
}

pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) disk: SimDisk,
    pub(crate) log: Log,
    pub(crate) model: Model,
    pub(crate) random: Random,
    /// Up to where was acknowledged.
    pub(crate) told: Lsn,
    units: u64,
    /// Each start has another key.
    changes_keys: bool,
    pub(crate) erasing: Erasing,
    /// What was said to be rotten.
    pub(crate) rotten: Vec<Rotten>,
    pub(crate) stats: Stats,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut config = Config::new(*b"a store of tests", 3);
        config.segment_bytes = 16 << 10 << random.below(3);
        config.cache_bytes = 4 << 10 << random.below(8);
        config.clean =
            CleanRules { dead_bytes: 8 << 10 << random.below(5), dead_percent: 10 + random.below(50) };
        let mut disk = SimDisk::new(random.draw());
        match random.below(10) {
            0 => disk.faults.failed_writes = 20,
            1 => disk.faults.failed_reads = 50,
            2 => disk.faults.failed_seals = 300,
            3 => disk.faults.room = Some((64 << 10) + random.below(400 << 10)),
            4 => config.sync = SyncWhen::WhenAsked,
            _ => {}
        }
        let log = Log::new(config.clone());
        let (model, erasing, stats) = (Model::default(), Erasing::default(), Stats::default());
        let changes_keys = seed % 4 == 3;
        let (told, units, rotten) = (Lsn(0), 0, Vec::new());
        Self { config, disk, log, model, random, told, units, changes_keys, erasing, rotten, stats }
    }

    pub(crate) fn run(mut self) -> Stats {
        let crashes = 1 + self.random.below(5);
        for _ in 0..crashes {
            let steps = self.random.below(600);
            for _ in 0..steps {
                self.step();
            }
            self.crash();
        }
        self.stats
    }

    pub(crate) fn step(&mut self) {
        match self.random.below(100) {
            0..30 => self.append_one(),
            30..34 => self.append_unit(),
            34..48 => self.remove_one(),
            48..54 => self.read_one(),
            54 => self.erase_one(),
            55 => self.log.mark(),
            56 => self.log.tick(),
            57 => self.log.scrub(),
            58..60 => self.log.ask_for_sync(),
            60..80 => self.hand_over(),
            _ => self.disk_step(),
        }
    }

    /// The end of a turn.
    pub(crate) fn hand_over(&mut self) {
        while let Some(request) = self.log.take_request() {
            self.stats.recycled +=
                u64::from(matches!(request, Request::Make(make) if make.recycle.is_some()));
            self.disk.submit(request);
        }
    }

    pub(crate) fn disk_step(&mut self) {
        if let Some(answer) = self.disk.step() {
            self.log.on_answer(answer);
            self.heed_events();
        }
    }

    /// Until nothing is left to be done.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            self.hand_over();
            let Some(answer) = self.disk.step() else { break };
            self.log.on_answer(answer);
            self.heed_events();
        }
    }

    fn payload(&mut self) -> Vec<u8> {
        let len = match self.random.below(40) {
            0 => 20_000 + self.random.below(40_000),
            1..4 => self.random.below(5_000),
            _ => self.random.below(300),
        };
        let mut byte = Random::new(self.random.draw());
        (0..len).map(|_| byte.draw() as u8).collect()
    }

    fn next_key(&mut self) -> Key {
        let group = 1 + self.random.below(GROUPS) as u32;
        let seq = self.model.next_seq.entry(group).or_insert(1);
        *seq += 1;
        (group, *seq - 1)
    }

    fn append_one(&mut self) {
        let payload = self.payload();
        let key = self.next_key();
        let message = record(Kind::MESSAGE, key, b"orders.new", &payload);
        match self.log.room(message.written_len()) {
            Room::Yes => {}
            Room::DiskFull => {
                self.stats.full += 1;
                return self.take_back(key);
            }
            Room::Later | Room::Failed => return self.take_back(key),
        }
        match self.log.append(&message) {
            Ok(done) => self.note_message(key, payload, done.place, done.lsn, None),
            Err(AppendError::NotYet | AppendError::Failed | AppendError::DiskFull) => self.take_back(key),
            Err(AppendError::TooLarge(error)) => panic!("{error}"),
        }
    }

    fn take_back(&mut self, key: Key) {
        *self.model.next_seq.get_mut(&key.0).expect("it was just taken") -= 1;
    }

    fn note_message(&mut self, key: Key, payload: Vec<u8>, place: Place, lsn: Lsn, unit: Option<u64>) {
        self.model
            .messages
            .insert(key, Message { place, lsn, was_told: false, payload, removed: None, unit });
    }

    fn append_unit(&mut self) {
        let count = 2 + self.random.below(4);
        let parts: Vec<(Key, Vec<u8>)> = (0..count).map(|_| (self.next_key(), self.payload())).collect();
        let messages: Vec<_> =
            parts.iter().map(|(key, payload)| record(Kind::MESSAGE, *key, b"u", payload)).collect();
        let bytes: usize = messages.iter().map(|message| message.written_len()).sum();
        let is_possible = self.log.room(bytes + 100) == Room::Yes;
        if !is_possible || self.log.unit(1, count as u32, bytes).is_err() {
            for (key, _) in &parts {
                self.take_back(*key);
            }
            return;
        }
        self.units += 1;
        self.stats.units += 1;
        let done: Vec<_> =
            messages.iter().map(|message| self.log.append(message).expect("there is room for it")).collect();
        for ((key, payload), done) in parts.into_iter().zip(done) {
            self.note_message(key, payload, done.place, done.lsn, Some(self.units));
        }
    }

    /// A message is removed that was acknowledged.
    fn remove_one(&mut self) {
        let told = self.told;
        let may = |message: &Message| message.lsn <= told && message.removed.is_none();
        let keys: Vec<Key> =
            self.model.messages.iter().filter(|(_, message)| may(message)).map(|one| *one.0).collect();
        if keys.is_empty() {
            return;
        }
        let many = if self.random.below(4) == 0 { 20 } else { 1 };
        let start = self.random.below(keys.len() as u64) as usize;
        for key in &keys[start..(start + many).min(keys.len())] {
            let Ok(done) = self.log.append(&record(Kind::REMOVE, *key, b"", b"")) else { return };
            let message = self.model.messages.get_mut(key).expect("it is one of them");
            message.removed = Some(done.lsn);
            let segments = vec![message.place.segment];
            self.model.tombstones.push(Tombstone { place: done.place, key: *key, lsn: done.lsn, segments });
        }
    }

    fn read_one(&mut self) {
        let told = self.told;
        let keys: Vec<Key> =
            self.model.messages.iter().filter(|(_, message)| message.lsn <= told).map(|one| *one.0).collect();
        let Some(index) = keys.len().checked_sub(1) else { return };
        let key = keys[self.random.below(index as u64 + 1) as usize];
        let message = &self.model.messages[&key];
        match self.log.read(message.place) {
            Read::Record(record) => {
                assert_eq!((record.group, record.seq), key);
                assert_eq!(record.payload, message.payload);
            }
            Read::Wait => self.stats.read_from_disk += 1,
            Read::Lost => {
                assert!(self.disk.faults.failed_reads > 0, "{key:?} at {:?} is lost", message.place)
            }
        }
    }

    fn heed_events(&mut self) {
        while let Some(event) = self.log.take_event() {
            match event {
                Event::Synced(lsn) => self.on_synced(lsn),
                Event::Clean => self.clean(),
                Event::Moved => self.on_moved(),
                Event::Retired(segment) => self.on_retired(segment),
                Event::Failed(_) => self.stats.failures += 1,
                Event::Erased { is_overwritten } => self.on_erased(is_overwritten),
                Event::NoRoom(error) => assert!(error.is_full),
                Event::Rekeyed { is_encrypted, .. } => {
                    assert_eq!(is_encrypted, self.config.key != 0);
                    self.stats.rekeyed += 1;
                }
                Event::Rotten(rotten) => self.rotten.push(rotten),
                Event::Read | Event::Room => {}
            }
        }
    }

    fn on_synced(&mut self, lsn: Lsn) {
        assert!(lsn >= self.told);
        self.told = lsn;
        let is_gone = |message: &Message| message.removed.is_some_and(|removed| removed <= lsn);
        let gone: Vec<Key> =
            self.model.messages.iter().filter(|(_, message)| is_gone(message)).map(|one| *one.0).collect();
        for key in gone {
            let message = self.model.messages.remove(&key).expect("it is one of them");
            self.log.bury(message.place, key.0);
            self.erasing.note_removed(message.place, message.payload);
        }
    }

    fn clean(&mut self) {
        let (messages, tombstones) = (&self.model.messages, &self.model.tombstones);
        self.log.clean(&mut |place, record| {
            let key = (record.group, record.seq);
            match record.kind {
                Kind::REMOVE => tombstones.iter().any(|tombstone| tombstone.place == place),
                _ => messages.get(&key).is_some_and(|message| message.place == place),
            }
        });
    }

    fn on_moved(&mut self) {
        while let Some(moved) = self.log.take_moved() {
            self.stats.moved += 1;
            let key = (moved.group, moved.seq);
            if moved.kind == Kind::REMOVE {
                match self.model.tombstones.iter_mut().find(|one| one.place == moved.from) {
                    Some(tombstone) => tombstone.place = moved.to,
                    None => self.log.bury(moved.to, moved.group),
                }
                continue;
            }
            for tombstone in self.model.tombstones.iter_mut().filter(|one| one.key == key) {
                tombstone.segments.push(moved.to.segment);
            }
            match self.model.messages.get_mut(&key).filter(|message| message.place == moved.from) {
                Some(message) => message.place = moved.to,
                None => self.log.bury(moved.to, moved.group),
            }
        }
    }

    fn on_retired(&mut self, segment: u32) {
        self.stats.retired += 1;
        for tombstone in &mut self.model.tombstones {
            tombstone.segments.retain(|one| *one != segment);
        }
        // Only what is safe itself is no longer needed.
        let told = self.told;
        let is_over = |tombstone: &Tombstone| tombstone.segments.is_empty() && tombstone.lsn <= told;
        for tombstone in self.model.tombstones.iter().filter(|one| is_over(one)) {
            self.log.bury(tombstone.place, tombstone.key.0);
        }
        self.model.tombstones.retain(|one| !is_over(one));
    }

    fn crash(&mut self) {
        self.stats.crashes += 1;
        self.stats.scrubbed += self.log.scrubbed().bytes;
        let are_unreadable = self.rotten.iter().all(|rotten| rotten.error.is_some());
        assert!(
            are_unreadable && (self.rotten.is_empty() || self.disk.faults.failed_reads > 0),
            "{:?}",
            self.rotten
        );
        let loses_power = self.config.sync == SyncWhen::Always && self.random.below(4) > 0;
        if loses_power {
            self.disk.cut_power();
        } else {
            self.disk.kill();
        }
        self.check_erased();
        if self.changes_keys {
            self.config.key = (self.config.key + 1) % 3;
        }
        let (report, found) = self.recover();
        assert_eq!(report.lost_count, 0, "{report:?}");
        self.stats.torn += u64::from(report.torn.is_some());
        check_order(&found);
        self.compare(&found);
        self.go_on_with(found);
    }

    pub(crate) fn recover(&mut self) -> (Report, Vec<FoundRecord>) {
        let (by_batches, report, found) = self.recover_by(Recovery::reading_all);
        let (log, by_footers, told) = self.recover_by(Recovery::new);
        self.log = log;
        if report.lost_count == 0 {
            assert_eq!((by_footers.lost_count, by_footers.records), (0, report.records));
            assert_eq!(self.log.bytes(), by_batches.bytes());
        }
        check_same(&found, &told, report.lost_count == 0);
        self.stats.told += told.iter().filter(|one| !one.is_whole).count() as u64;
        (report, found)
    }

    fn recover_by<F>(&self, start: F) -> (Log, Report, Vec<FoundRecord>)
    where
        F: FnOnce(Config, Vec<(u32, u64)>) -> Recovery,
    {
        let mut recovery = start(self.config.clone(), self.disk.files());
        let mut found = Vec::new();
        while let Some(span) = recovery.want() {
            let bytes = self.disk.read(span);
            let taken = recovery.on_bytes(Ok(bytes), &mut |item| FoundRecord::take(item, &mut found));
            taken.expect("the files are ours");
        }
        let (log, report) = recovery.finish();
        (log, report, found)
    }

    /// What was acknowledged is there, what was removed is not, and what is beyond is a part from the front.
    fn compare(&mut self, found: &[FoundRecord]) {
        let gone: BTreeSet<Key> =
            found.iter().filter(|one| one.kind == Kind::REMOVE).map(|one| one.key).collect();
        let there: BTreeMap<Key, &FoundRecord> =
            found.iter().filter(|one| one.kind == Kind::MESSAGE).map(|one| (one.key, one)).collect();
        let (mut newest_found, mut oldest_lost) = (Lsn(0), Lsn(u64::MAX));
        let mut units: BTreeMap<u64, BTreeSet<bool>> = BTreeMap::new();
        for (key, message) in &self.model.messages {
            let is_there = there.contains_key(key);
            if let Some(record) = there.get(key) {
                assert_eq!(record.payload, message.payload, "{key:?}");
            }
            let is_told = message.was_told || message.lsn <= self.told;
            assert!(is_there || !is_told, "{key:?} at {:?} was acknowledged", message.place);
            self.stats.acknowledged += u64::from(is_told);
            self.stats.unacknowledged_found += u64::from(is_there && !is_told);
            self.stats.unacknowledged_lost += u64::from(!is_there);
            match is_there {
                true => newest_found = newest_found.max(message.lsn),
                false => oldest_lost = oldest_lost.min(message.lsn),
            }
            if let Some(unit) = message.unit {
                units.entry(unit).or_default().insert(is_there);
            }
        }
        assert!(newest_found < oldest_lost, "what is at {newest_found:?} is there, {oldest_lost:?} is not");
        assert!(units.values().all(|there| there.len() == 1), "a part of a unit is there: {units:?}");
        for key in there.keys().filter(|key| !gone.contains(key)) {
            let message = self.model.messages.get(key);
            assert!(message.is_some(), "{key:?} was removed, and is there");
        }
    }

    /// From here on what was found is what is there.
    pub(crate) fn go_on_with(&mut self, found: Vec<FoundRecord>) {
        let told = std::mem::replace(&mut self.told, Lsn(0));
        let mut places: BTreeMap<Key, u32> = BTreeMap::new();
        let before = std::mem::take(&mut self.model.messages);
        self.model.tombstones.clear();
        for (index, one) in found.into_iter().enumerate() {
            let FoundRecord { place, kind, key, payload, .. } = one;
            if kind == Kind::REMOVE {
                if let Some(message) = self.model.messages.get_mut(&key) {
                    message.removed = Some(Lsn(1 + index as u64));
                }
                let segments: Vec<u32> = places.get(&key).copied().into_iter().collect();
                if segments.is_empty() {
                    // What it removed is gone.
                    self.log.bury(place, key.0);
                } else {
                    self.model.tombstones.push(Tombstone {
                        place,
                        key,
                        lsn: Lsn(1 + index as u64),
                        segments,
                    });
                }
                continue;
            }
            places.insert(key, place.segment);
            let next = self.model.next_seq.entry(key.0).or_insert(1);
            *next = (*next).max(key.1 + 1);
            // What nobody was told of may be lost until the log says that it is safe.
            let was_told = before.get(&key).is_some_and(|message| message.was_told || message.lsn <= told);
            let lsn = Lsn(1 + index as u64);
            let message = Message { place, lsn, was_told, payload, removed: None, unit: None };
            self.model.messages.insert(key, message);
        }
    }
}
