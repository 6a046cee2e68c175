//! A log whose key is another one is written anew at a pace, however fast the disk is.

use std::collections::BTreeMap;

use log_format::{Item, Kind, Place, Record};
use sim_disk::SimDisk;
use stream_log::{Config, Event, Log, Recovery, Request};

/// Bytes of a message, and how many there are: 40 MB.
const PAYLOAD: usize = 100_000;
const MESSAGES: u64 = 400;

/// Bytes that are read between two ticks, at most.
const BYTES_PER_TICK: u64 = 32 << 20;

struct Store {
    log: Log,
    disk: SimDisk,
    places: BTreeMap<u64, Place>,
    /// Bytes that were read since the last tick.
    read: u64,
    is_rekeyed: bool,
}

impl Store {
    fn settle(&mut self) {
        loop {
            while let Some(request) = self.log.take_request() {
                if let Request::Read(span) = &request {
                    self.read += u64::from(span.len);
                }
                self.disk.submit(request);
            }
            let has_answer = self.disk.step().map(|answer| self.log.on_answer(answer)).is_some();
            if !has_answer && !self.log.has_events() {
                return;
            }
            while let Some(event) = self.log.take_event() {
                self.heed(event);
            }
        }
    }

    fn heed(&mut self, event: Event) {
        match event {
            Event::Clean => {
                let places = &self.places;
                self.log.clean(&mut |place, record| places.get(&record.seq) == Some(&place));
            }
            Event::Moved => {
                while let Some(moved) = self.log.take_moved() {
                    self.places.insert(moved.seq, moved.to);
                }
            }
            Event::Rekeyed { is_encrypted, .. } => self.is_rekeyed = is_encrypted,
            _ => {}
        }
    }

    fn append(&mut self, seq: u64) {
        let payload = vec![seq as u8; PAYLOAD];
        let message = Record {
            kind: Kind::MESSAGE,
            group: 1,
            seq,
            time: 0,
            ttl: None,
            message_id: None,
            subject: b"a",
            header: b"",
            payload: &payload,
        };
        loop {
            if let Ok(appended) = self.log.append(&message) {
                self.places.insert(seq, appended.place);
                return self.settle();
            }
            self.settle();
        }
    }

    /// The same files, opened with another key.
    fn with_key(self, key: u32) -> Self {
        let Self { disk, .. } = self;
        let config = Config { key, ..Config::new(*b"a store of tests", 0) };
        let (mut recovery, mut places) = (Recovery::reading_all(config, disk.files()), BTreeMap::new());
        while let Some(span) = recovery.want() {
            let bytes = disk.read(span);
            let mut take = |item: Item<'_>| {
                if let Item::Record { place, record, .. } = item {
                    places.insert(record.seq, place);
                }
            };
            recovery.on_bytes(Ok(bytes), &mut take).expect("the files are ours");
        }
        let (mut log, _) = recovery.finish();
        log.prepare();
        Self { log, disk, places, read: 0, is_rekeyed: false }
    }
}

#[test]
fn files_of_another_key_are_written_anew_at_a_pace() {
    let mut log = Log::new(Config::new(*b"a store of tests", 0));
    log.prepare();
    let mut store = Store { log, disk: SimDisk::new(1), places: BTreeMap::new(), read: 0, is_rekeyed: false };
    store.settle();
    (1..=MESSAGES).for_each(|seq| store.append(seq));
    store.log.stop();
    store.settle();
    let mut store = store.with_key(1);
    assert_eq!(store.places.len() as u64, MESSAGES);
    let mut ticks = 0;
    store.settle();
    while !store.is_rekeyed {
        assert!(store.read > 0 && store.read <= BYTES_PER_TICK, "{} bytes after {ticks} ticks", store.read);
        assert!(store.log.wants_tick(), "it would wait for ever");
        assert!(ticks < 100, "it never ends");
        (store.read, ticks) = (0, ticks + 1);
        store.log.tick();
        store.settle();
    }
    assert!(ticks >= 1, "40 MB are more than are read at once");
    assert_eq!(store.places.len() as u64, MESSAGES);
}
