//! How much a log writes, and how much room it takes, for what is in it.

use std::collections::VecDeque;

use log_format::{Kind, Place, Record};
use sim_disk::{Random, SimDisk};
use stream_log::{CleanRules, Config, Event, Log, Room};

const PAYLOAD: usize = 1_000;

struct Load {
    log: Log,
    disk: SimDisk,
    /// Messages that live, the oldest first.
    live: VecDeque<(u64, Place)>,
    seq: u64,
    published: u64,
    live_bytes: u64,
}

impl Load {
    fn new(dead_bytes: u64) -> Self {
        let mut config = Config::new(*b"a store of tests", 0);
        config.segment_bytes = 1 << 18;
        config.clean = CleanRules { dead_bytes, dead_percent: 25 };
        let mut log = Log::new(config);
        log.prepare();
        let disk = SimDisk::new(1);
        let mut load = Self { log, disk, live: VecDeque::new(), seq: 0, published: 0, live_bytes: 0 };
        load.settle();
        load
    }

    fn settle(&mut self) {
        loop {
            while let Some(request) = self.log.take_request() {
                self.disk.submit(request);
            }
            let Some(answer) = self.disk.step() else { return };
            self.log.on_answer(answer);
            while let Some(event) = self.log.take_event() {
                match event {
                    Event::Clean => self.clean(),
                    Event::Moved => self.heed_moves(),
                    _ => {}
                }
            }
        }
    }

    fn clean(&mut self) {
        let live = &self.live;
        self.log.clean(&mut |place, record| {
            live.binary_search_by_key(&record.seq, |row| row.0).is_ok_and(|index| live[index].1 == place)
        });
    }

    fn heed_moves(&mut self) {
        while let Some(moved) = self.log.take_moved() {
            let index = self.live.binary_search_by_key(&moved.seq, |row| row.0);
            match index.ok().filter(|index| self.live[*index].1 == moved.from) {
                Some(index) => self.live[index].1 = moved.to,
                None => self.log.bury(moved.to, moved.group),
            }
        }
    }

    fn publish(&mut self) {
        self.seq += 1;
        let payload = [self.seq as u8; PAYLOAD];
        let message = Record {
            kind: Kind::MESSAGE,
            group: 1,
            seq: self.seq,
            time: 0,
            ttl: None,
            message_id: None,
            subject: b"a",
            header: b"",
            payload: &payload,
        };
        while self.log.room(message.written_len()) != Room::Yes {
            self.settle();
        }
        let place = self.log.append(&message).expect("there is room").place;
        self.live.push_back((self.seq, place));
        self.published += message.written_len() as u64;
        self.live_bytes += message.written_len() as u64;
    }

    fn remove(&mut self, index: usize) {
        let (_, place) = self.live.remove(index).expect("it is one of them");
        self.log.bury(place, 1);
        self.live_bytes -= self.published / self.seq;
    }
}

/// The first in goes first out: whole segments die, and their files are used again.
#[test]
fn a_queue_is_written_little_more_than_once() {
    let mut load = Load::new(u64::MAX);
    for _ in 0..60_000 {
        load.publish();
        if load.live.len() > 10_000 {
            load.remove(0);
        }
        if load.seq.is_multiple_of(1_200) {
            load.settle();
        }
    }
    load.settle();
    let (written, published) = (load.disk.written, load.published);
    assert!(written * 10 <= published * 13, "{written} bytes are written for {published}");
}

#[test]
fn files_take_little_more_than_what_lives_in_them() {
    let mut load = Load::new(1 << 20);
    let mut random = Random::new(2);
    for round in 0..40 {
        for _ in 0..1_000 {
            load.publish();
            if load.live.len() > 8_000 {
                let index = random.below(load.live.len() as u64) as usize;
                load.remove(index);
            }
        }
        load.settle();
        let (files, live) = (load.disk.bytes(), load.live_bytes);
        // The active one, a spare one, and one that is to be used again: they are of 4 MiB each.
        let bound = live + live / 2 + ((3 * 4) << 20);
        assert!(files <= bound, "round {round}: {files} bytes of files for {live}");
    }
}
