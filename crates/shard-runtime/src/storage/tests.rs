use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use log_crypt::Keychain;
use log_format::{Item, Kind, Lsn, Place, Record};
use stream_log::{DiskError, Event, Log, Make, Read, Room, SyncWhen};
use tempfile::TempDir;

use super::*;

mod encrypted;

/// Ends a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(60);

fn message(seq: u64, payload: &[u8]) -> Record<'_> {
    Record {
        kind: Kind::MESSAGE,
        group: 1,
        seq,
        time: 5,
        ttl: None,
        message_id: None,
        subject: b"orders.new",
        header: b"",
        payload,
    }
}

/// Where each message lies.
fn note(item: Item<'_>, found: &mut BTreeMap<u64, Place>) {
    match item {
        Item::Record { place, record, .. } => _ = found.insert(record.seq, place),
        Item::Messages(messages) => {
            found.extend(messages.each().map(|(place, record, _)| (record.seq, place)));
        }
    }
}

/// A log on a real disk, driven as a shard drives it.
struct Driven {
    log: Log,
    storage: Storage,
    answers: Receiver<Answer>,
    synced: Lsn,
    found: BTreeMap<u64, Place>,
}

impl Driven {
    fn open(store: &Store, log: usize) -> Self {
        let mut found = BTreeMap::new();
        let (log_machine, report) =
            store.recover(log, &mut |item| note(item, &mut found)).expect("it is ours");
        assert_eq!(report.lost_count, 0, "{report:?}");
        let (tell, answers) = mpsc::channel();
        let tell = Arc::new(move |answer| _ = tell.send(answer));
        let storage = store.start(log, tell).expect("there are threads");
        Self { log: log_machine, storage, answers, synced: Lsn(0), found }
    }

    fn hand_over(&mut self) {
        loop {
            while let Some(request) = self.log.take_request() {
                if let Some(answer) = self.storage.submit(request) {
                    self.log.on_answer(answer);
                }
            }
            // What comes of them may ask for more.
            if !self.log.has_events() {
                return;
            }
            self.heed_events();
        }
    }

    fn hear(&mut self) {
        let answer = self.answers.recv_timeout(PATIENCE).expect("every request is answered");
        self.log.on_answer(answer);
        self.heed_events();
    }

    fn heed_events(&mut self) {
        while let Some(event) = self.log.take_event() {
            match event {
                Event::Synced(lsn) => self.synced = lsn,
                Event::Clean => self.log.clean(&mut |_, _| true),
                Event::Moved => {
                    while let Some(moved) = self.log.take_moved() {
                        self.found.insert(moved.seq, moved.to);
                    }
                }
                Event::Failed(error) | Event::NoRoom(error) => panic!("{error}"),
                _ => {}
            }
        }
    }

    fn append(&mut self, seq: u64, payload: &[u8]) -> Lsn {
        let message = message(seq, payload);
        while self.log.room(message.written_len()) != Room::Yes {
            self.hand_over();
            self.hear();
        }
        let done = self.log.append(&message).expect("there is room");
        self.found.insert(seq, done.place);
        done.lsn
    }

    fn await_synced(&mut self, lsn: Lsn) {
        self.hand_over();
        while self.synced < lsn {
            self.hear();
            self.hand_over();
        }
    }

    fn read(&mut self, seq: u64) -> Vec<u8> {
        let place = self.found[&seq];
        loop {
            match self.log.read(place) {
                Read::Record(record) => return record.payload.to_vec(),
                Read::Lost => panic!("{seq} is lost"),
                Read::Wait => {}
            }
            self.hand_over();
            if matches!(self.log.read(place), Read::Wait) {
                self.hear();
            }
        }
    }

    /// Stops. Says where its segments end.
    fn stop(mut self) -> BTreeMap<u32, u32> {
        self.log.stop();
        self.hand_over();
        while !self.log.is_stopped() {
            self.hear();
            self.hand_over();
        }
        self.log.ends()
    }
}

fn payload(seq: u64) -> Vec<u8> {
    vec![seq as u8; (seq * 37 % 5_000) as usize]
}

#[test]
fn what_was_synced_is_there_again_whether_the_log_was_stopped_or_not() {
    let folder = TempDir::new().expect("a folder");
    for (round, stops) in [(0, false), (1, true), (2, false)] {
        let store = Store::open(folder.path(), 2, SyncWhen::Always).expect("it is new or ours");
        assert_eq!(store.node().incarnation, round + 1);
        let mut driven = Driven::open(&store, 1);
        let known = round * 1_000;
        assert!(driven.found.keys().copied().eq(1..=known), "{:?}", driven.found.keys());
        let mut last = Lsn(0);
        for seq in known + 1..=known + 1_000 {
            last = driven.append(seq, &payload(seq));
        }
        driven.await_synced(last);
        for seq in (1..=known + 1_000).step_by(97) {
            assert_eq!(driven.read(seq), payload(seq));
        }
        if stops {
            store.on_stopped(vec![(1, driven.stop())]).expect("it can be written");
            assert!(!store.node().stopped, "the other log has yet to");
            store.on_stopped(vec![(0, BTreeMap::new())]).expect("it can be written");
            assert!(store.node().stopped);
        }
    }
}

#[test]
fn a_log_grows_over_several_segments() {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(folder.path(), 1, SyncWhen::Always).expect("it is new");
    let mut driven = Driven::open(&store, 0);
    let payload = vec![7; 100_000];
    let mut last = Lsn(0);
    for seq in 1..=150 {
        last = driven.append(seq, &payload);
        driven.hand_over();
    }
    driven.await_synced(last);
    driven.stop();
    let mut driven = Driven::open(&store, 0);
    assert_eq!(driven.found.len(), 150);
    assert!(driven.found.values().map(|place| place.segment).max() >= Some(3));
    assert_eq!(driven.read(1).len(), 100_000);
}

/// A store with one log of a few segments, which came to a clean stop.
fn stopped_store() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(folder.path(), 1, SyncWhen::Always).expect("it is new");
    let mut driven = Driven::open(&store, 0);
    let mut last = Lsn(0);
    for seq in 1..=150 {
        last = driven.append(seq, &[7; 100_000]);
        driven.hand_over();
    }
    driven.await_synced(last);
    store.on_stopped(vec![(0, driven.stop())]).expect("it can be written");
    assert!(store.node().ends(0).len() >= 3, "{:?}", store.node());
    folder
}

#[test]
fn a_file_that_is_gone_since_a_clean_stop_is_missed() {
    let folder = stopped_store();
    let (segment, kept) = (folder.path().join("jetstream/logs/0/2.seg"), folder.path().join("kept"));
    std::fs::rename(&segment, &kept).expect("it is there");
    // However often it is tried: whoever starts servers does so again.
    for is_empty in [false, false, true] {
        if is_empty {
            std::fs::write(&segment, "").expect("it can be written");
        }
        let found = Inspection::open(folder.path(), &Keychain::default())
            .expect("it is ours")
            .log(0, &mut |_| ())
            .expect("a log");
        let missing: Vec<String> = found.missing.iter().map(ToString::to_string).collect();
        assert_eq!(missing, ["nothing is left of segment 2"]);
        let refused =
            Store::open(folder.path(), 1, SyncWhen::Always).expect_err("a file is gone").to_string();
        assert!(refused.contains("logs/0/2.seg is missing, which was there"), "{refused}");
    }
    // Back in its place it is found.
    std::fs::rename(&kept, &segment).expect("it is there");
    let store = Store::open(folder.path(), 1, SyncWhen::Always).expect("it is ours");
    assert_eq!(store.recover(0, &mut |_| ()).expect("all is there").1.missing, []);
}

#[test]
fn a_log_that_is_shorter_than_at_its_stop_is_told_of() {
    let folder = stopped_store();
    let ends = Inspection::open(folder.path(), &Keychain::default()).expect("it is ours").node().ends(0);
    let (number, end) = ends.last_key_value().expect("there are some");
    let segment = folder.path().join(format!("jetstream/logs/0/{number}.seg"));
    let file = std::fs::File::options().write(true).open(segment).expect("it is there");
    file.set_len(u64::from(end / 2)).expect("it can be cut");
    let store = Store::open(folder.path(), 1, SyncWhen::Always).expect("it is ours");
    let (_, report) = store.recover(0, &mut |_| ()).expect("the rest is there");
    let [missing] = report.missing[..] else { panic!("{report:?}") };
    assert!(missing.segment == *number && missing.end == *end && missing.found < *end, "{missing}");
    assert!(missing.found > 0, "{missing}");
}

#[test]
fn a_store_is_used_by_one_server_and_nothing_foreign_is_touched() {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(folder.path(), 1, SyncWhen::Always).expect("it is new");
    let refused = Store::open(folder.path(), 1, SyncWhen::Always).expect_err("it is in use");
    assert!(matches!(refused, StoreError::InUse(_)), "{refused}");
    drop(store);
    // There are as many logs as are asked for, and no log goes that is there.
    for (asked, logs) in [(4, 4), (2, 4), (5, 5)] {
        let store = Store::open(folder.path(), asked, SyncWhen::Always).expect("it is ours");
        assert_eq!((store.logs(), store.node().logs), (logs, logs as u32));
    }
    let found = folder.path().join("jetstream/logs/7");
    std::fs::create_dir_all(&found).expect("a folder");
    assert_eq!(Store::open(folder.path(), 1, SyncWhen::Always).expect("it is ours").logs(), 8);
    std::fs::remove_dir(&found).expect("it is empty");

    let foreign = folder.path().join("jetstream/$G");
    std::fs::create_dir(&foreign).expect("a folder");
    let refused = Store::open(folder.path(), 1, SyncWhen::Always).expect_err("that is not ours");
    assert!(refused.to_string().contains(r#"has "$G" in it"#), "{refused}");
    std::fs::remove_dir(&foreign).expect("it is empty");

    let node_file = folder.path().join("jetstream/node.json");
    let text = std::fs::read_to_string(&node_file).expect("it is there");
    std::fs::write(&node_file, text.replace("\"format\": 1", "\"format\": 9")).expect("it can be written");
    let refused = Store::open(folder.path(), 1, SyncWhen::Always).expect_err("it is newer");
    assert!(
        refused.to_string().ends_with("store of format version 9; this server reads version 2"),
        "{refused}"
    );
    std::fs::remove_file(&node_file).expect("it is there");
    std::fs::create_dir_all(folder.path().join("jetstream/logs")).expect("a folder");
    let refused = Store::open(folder.path(), 1, SyncWhen::Always).expect_err("nobody knows whose it is");
    assert!(matches!(refused, StoreError::NoNodeFile(_)), "{refused}");
}

#[test]
fn a_file_is_made_of_one_that_is_not_needed_any_more() {
    let folder = TempDir::new().expect("a folder");
    let files = LogFiles::open(folder.path().join("0"), None).expect("a folder");
    let len = |number: u32| std::fs::metadata(files.path(number)).map(|file| file.len()).ok();
    for zero in [true, false] {
        let make = |number, len, recycle| Make { number, len, zero, recycle };
        files.make(make(1, 8_192, None)).expect("there is room");
        std::fs::write(files.path(1), [7; 5_000]).expect("it can be written");
        files.make(make(2, 8_192, Some(1))).expect("there is room");
        assert_eq!((len(1), len(2)), (None, Some(8_192)));
        let bytes = std::fs::read(files.path(2)).expect("it is there");
        assert!(bytes[..5_000].iter().all(|byte| *byte == 7) && bytes[5_000..].iter().all(|byte| *byte == 0));
        // One that is longer stays so, and one that is gone is no obstacle.
        files.make(make(3, 4_096, Some(2))).expect("there is room");
        files.make(make(4, 4_096, Some(2))).expect("there is room");
        assert_eq!((len(3), len(4)), (Some(8_192), Some(4_096)));
        let mut listed = files.list().expect("it can be read");
        listed.sort_unstable();
        assert_eq!(listed, [(3, 8_192), (4, 4_096)]);
        for number in [3, 4, 4] {
            files.remove(number).expect("it may be gone");
        }
    }
}

#[test]
fn what_fails_is_said_with_the_file_and_nothing_is_written_behind_it() {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(folder.path(), 1, SyncWhen::Always).expect("it is new");
    let (tell, answers) = mpsc::channel();
    let mut storage =
        store.start(0, Arc::new(move |answer| _ = tell.send(answer))).expect("there are threads");
    let pieces = || vec![Arc::new(vec![1])];
    let write = |segment| {
        Request::Write(Write { segment, offset: 0, pieces: pieces(), sync: true, is_overwrite: false })
    };
    let path = folder.path().join("jetstream/logs/0");
    storage.submit(write(5));
    let Ok(Answer::Written(Err(DiskError { is_full, text }))) = answers.recv_timeout(PATIENCE) else {
        panic!("there is no such file")
    };
    assert_eq!(
        text,
        format!("writing at 0 {}/5.seg: No such file or directory (os error 2)", path.display())
    );
    assert!(!is_full);
    std::fs::write(path.join("6.seg"), b"").expect("it can be written");
    storage.submit(write(6));
    assert!(matches!(answers.recv_timeout(PATIENCE), Ok(Answer::Written(Err(error))) if error.text == text));
    assert_eq!(std::fs::read(path.join("6.seg")).expect("it is there"), b"");
    storage.submit(Request::Read(Span { segment: 9, offset: 0, len: 10 }));
    assert!(matches!(answers.recv_timeout(PATIENCE), Ok(Answer::Read(_, Err(_)))));
}

/// More pieces than one call takes.
#[test]
fn long_writes_arrive_whole() {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(folder.path(), 1, SyncWhen::Always).expect("it is new");
    let (tell, answers) = mpsc::channel();
    let mut storage =
        store.start(0, Arc::new(move |answer| _ = tell.send(answer))).expect("there are threads");
    std::fs::write(folder.path().join("jetstream/logs/0/1.seg"), b"").expect("it can be written");
    let pieces: Vec<Arc<Vec<u8>>> = (0..2_000_u32).map(|n| Arc::new(n.to_le_bytes().to_vec())).collect();
    storage.submit(Request::Write(Write { segment: 1, offset: 3, pieces, sync: true, is_overwrite: false }));
    assert_eq!(answers.recv_timeout(PATIENCE), Ok(Answer::Written(Ok(()))));
    // More than there is, so no answer at once.
    assert_eq!(storage.submit(Request::Read(Span { segment: 1, offset: 3, len: 9_000 })), None);
    let expected: Vec<u8> = (0..2_000_u32).flat_map(u32::to_le_bytes).collect();
    let Ok(Answer::Read(_, Ok(bytes))) = answers.recv_timeout(PATIENCE) else {
        panic!("it was just written")
    };
    assert!(bytes == expected);
    // Just written, so in memory: of file systems that cannot say so it is read by a thread.
    let span = Span { segment: 1, offset: 3, len: 8_000 };
    match storage.submit(Request::Read(span)) {
        Some(answer) => assert_eq!(answer, Answer::Read(span, Ok(expected))),
        None => assert_eq!(answers.recv_timeout(PATIENCE), Ok(Answer::Read(span, Ok(expected)))),
    }
}

/// In the words of nats-server 2.14.5.
#[test]
fn a_store_directory_that_cannot_be_is_said_in_nats_servers_words() {
    let folder = TempDir::new().expect("a folder");
    let refusal = |store_dir: &std::path::Path| {
        Store::open(store_dir, 1, SyncWhen::Always).expect_err("it cannot be").to_string()
    };
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("it can be written");
    assert_eq!(refusal(&file), "storage directory is not a directory");
    assert_eq!(refusal(&file.join("below")), "storage directory is not a directory");
    let within = folder.path().join("within");
    std::fs::create_dir(&within).expect("a folder");
    std::fs::write(within.join("jetstream"), "x").expect("it can be written");
    assert_eq!(refusal(&within), "storage directory is not a directory");
    let nowhere = std::path::Path::new("/proc/none/streams");
    let expected = "could not create storage directory - mkdir /proc/none: no such file or directory";
    assert_eq!(refusal(nowhere), expected);
}
