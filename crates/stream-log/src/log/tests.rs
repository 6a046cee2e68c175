use log_format::{BatchHead, SEGMENT_HEAD_BYTES, SegmentHead};

use super::*;
use crate::request::{Make, Write};
use crate::{BATCH_BYTES_MAX, Read, SyncWhen, WRITE_BYTES_MAX};

fn config() -> Config {
    Config { segment_bytes: 1 << 20, ..Config::new(*b"a store of tests", 0) }
}

fn message(seq: u64, payload: &[u8]) -> Record<'_> {
    Record {
        kind: Kind::MESSAGE,
        group: 1,
        seq,
        time: 5,
        ttl: None,
        message_id: None,
        subject: b"a",
        header: b"",
        payload,
    }
}

/// A log with its first file.
fn log(config: Config) -> Log {
    let mut log = Log::new(config);
    log.prepare();
    make(&mut log);
    log
}

fn make(log: &mut Log) -> Make {
    let Some(Request::Make(make)) = log.take_request() else { panic!("a file is wanted") };
    log.on_answer(Answer::Made(make.number, Ok(())));
    assert_eq!(log.take_event(), Some(Event::Room));
    make
}

fn write(log: &mut Log) -> Write {
    match log.take_request() {
        Some(Request::Write(write)) => write,
        other => panic!("a write is wanted, not {other:?}"),
    }
}

fn bytes_of(write: &Write) -> usize {
    write.pieces.iter().map(|piece| piece.len()).sum()
}

#[test]
fn the_first_write_has_the_page_and_one_message_waits_for_no_other() {
    let mut log = log(config());
    let done = log.append(&message(1, b"hello")).expect("there is room");
    assert_eq!(done.place, Place { segment: 1, offset: (SEGMENT_HEAD_BYTES + BATCH_HEAD_BYTES) as u32 });
    let first = write(&mut log);
    // The batch, and zeros up to the end of what the kernel keeps as one.
    assert_eq!((first.segment, first.offset, first.sync, bytes_of(&first)), (1, 0, true, 4_096 + 4_096));
    assert_eq!((first.pieces[1].len(), first.pieces[2].iter().all(|byte| *byte == 0)), (512, true));
    let head = SegmentHead::read(&first.pieces[0]).expect("it is the page");
    assert_eq!((head.number, head.first), (1, Lsn(0)));
    // The spare file is in use, so there has to be another one.
    assert_eq!(make(&mut log).number, 2);
    assert_eq!(log.take_event(), None);
    log.on_answer(Answer::Written(Ok(())));
    assert!(matches!(log.take_event(), Some(Event::Synced(lsn)) if lsn >= done.lsn));
    assert!(log.is_idle());
    let Read::Record(record) = log.read(done.place) else { panic!("it was just written") };
    assert_eq!(record.payload, b"hello");
}

#[test]
fn one_write_runs_and_one_waits() {
    let mut log = log(config());
    for seq in 1..=3 {
        log.append(&message(seq, b"")).expect("there is room");
        if seq < 3 {
            write(&mut log);
        }
    }
    make(&mut log);
    assert_eq!(log.take_request(), None);
    log.on_answer(Answer::Written(Ok(())));
    let third = write(&mut log);
    // When it is written, the one before it is safe.
    let head = BatchHead::read(&third.pieces[0], log.salt(1)).expect("it is a batch");
    assert_eq!((head.first, head.synced), (Lsn(1_024), Lsn(1_024)));
}

#[test]
fn what_waits_while_nothing_is_written_goes_in_halves() {
    let mut log = log(config());
    let payload = vec![1; 1_000];
    for seq in 1..=200 {
        log.append(&message(seq, &payload)).expect("there is room");
    }
    let (first, second) = (write(&mut log), write(&mut log));
    let (first, second) = (bytes_of(&first) - SEGMENT_HEAD_BYTES, bytes_of(&second));
    assert!(first + second > 200_000 && first.abs_diff(second) <= 2 * BATCH_BYTES_MAX, "{first} {second}");
    assert_eq!(second % 512, 0);
}

#[test]
fn a_write_has_a_bound_and_so_has_what_waits() {
    let mut log = log(Config { segment_bytes: 32 << 20, ..config() });
    let payload = vec![1; 30_000];
    let mut seq = 0;
    while log.room(40_000) == Room::Yes {
        seq += 1;
        log.append(&message(seq, &payload)).expect("there is room");
    }
    assert_eq!(log.room(1), Room::Later);
    let waiting = seq as usize * 30_000;
    assert!(
        (TAIL_BYTES_MAX as usize - 40_000..TAIL_BYTES_MAX as usize + 80_000).contains(&waiting),
        "{waiting}"
    );
    // What the owner has to write itself still goes.
    log.append(&message(seq + 1, b"")).expect("there is a file");
    for _ in 0..2 {
        assert!(bytes_of(&write(&mut log)) <= WRITE_BYTES_MAX + SEGMENT_HEAD_BYTES + 2 * BATCH_BYTES_MAX);
    }
    log.on_answer(Answer::Written(Ok(())));
    assert_eq!(log.room(1), Room::Yes);
}

#[test]
fn a_unit_is_in_one_batch() {
    let mut log = log(config());
    log.append(&message(1, &[0; 30_000])).expect("there is room");
    let parts: Vec<Vec<u8>> = (0..5).map(|part| vec![part; 20_000]).collect();
    let bytes = parts.iter().map(|part| message(2, part).written_len()).sum();
    log.unit(1, 5, bytes).expect("there is room");
    for part in &parts {
        log.append(&message(2, part)).expect("there is room for all of it");
    }
    log.append(&message(3, b"")).expect("there is room");
    let lens: Vec<usize> = log.closed.iter().map(|batch| batch.bytes.len()).collect();
    let unit = own_record(Kind::UNIT, 1, 5).written_len();
    assert_eq!(
        lens,
        [BATCH_HEAD_BYTES + message(1, &[0; 30_000]).written_len(), BATCH_HEAD_BYTES + unit + bytes]
    );
}

#[test]
fn a_record_longer_than_a_segment_gets_a_file_of_its_own_length() {
    let mut log = log(config());
    let payload = vec![1; 5 << 20];
    assert_eq!(log.room(payload.len()), Room::Yes);
    assert_eq!(log.append(&message(1, &payload)), Err(AppendError::NotYet));
    assert_eq!(log.take_request(), Some(Request::Remove(1)));
    log.on_answer(Answer::Removed(1, Ok(())));
    assert!(make(&mut log).len > 5 << 20);
    let place = log.append(&message(1, &payload)).expect("it fits now").place;
    assert!(matches!(log.read(place), Read::Record(record) if record.payload.len() == 5 << 20));
}

#[test]
fn a_failed_write_is_the_end_and_what_was_safe_can_be_read() {
    let mut log = log(config());
    let safe = log.append(&message(1, b"safe")).expect("there is room").place;
    write(&mut log);
    make(&mut log);
    log.on_answer(Answer::Written(Ok(())));
    assert!(matches!(log.take_event(), Some(Event::Synced(_))));
    let lost = log.append(&message(2, b"lost")).expect("there is room").place;
    write(&mut log);
    let error = DiskError { is_full: false, text: "fdatasync 1.seg: Input/output error".into() };
    log.on_answer(Answer::Written(Err(error.clone())));
    assert_eq!(log.take_event(), Some(Event::Failed(error)));
    assert_eq!((log.room(1), log.append(&message(3, b""))), (Room::Failed, Err(AppendError::Failed)));
    assert!(matches!(log.read(safe), Read::Record(_)));
    assert_eq!(log.read(lost), Read::Lost);
    assert_eq!(log.take_request(), None);
}

#[test]
fn a_full_disk_leaves_a_segment_for_what_frees_room() {
    let mut log = log(config());
    log.append(&message(1, b"")).expect("there is room");
    write(&mut log);
    let Some(Request::Make(make)) = log.take_request() else { panic!("a spare file is wanted") };
    let error = DiskError { is_full: true, text: "2.seg: No space left on device".into() };
    log.on_answer(Answer::Made(make.number, Err(error.clone())));
    assert_eq!(log.take_event(), Some(Event::NoRoom(error)));
    assert_eq!((log.room(1), log.wants_tick()), (Room::DiskFull, true));
    log.append(&message(2, b"")).expect("what frees room may");
    assert!(matches!(log.take_request(), Some(Request::Write(_))));
    assert_eq!(log.take_request(), None);
    log.tick();
    let Some(Request::Make(make)) = log.take_request() else { panic!("it is tried again") };
    log.on_answer(Answer::Made(make.number, Ok(())));
    assert_eq!((log.take_event(), log.room(1)), (Some(Event::Room), Room::Yes));
}

#[test]
fn syncs_that_wait_to_be_asked_for() {
    let mut log = log(Config { sync: SyncWhen::WhenAsked, ..config() });
    log.append(&message(1, b"")).expect("there is room");
    assert!(!write(&mut log).sync);
    make(&mut log);
    log.on_answer(Answer::Written(Ok(())));
    assert_eq!(log.take_event(), Some(Event::Synced(Lsn(512))));
    log.ask_for_sync();
    let sync = write(&mut log);
    assert!(sync.sync && sync.pieces.is_empty());
    log.on_answer(Answer::Written(Ok(())));
    assert_eq!(log.writes.synced, Lsn(512));
    log.ask_for_sync();
    assert_eq!(log.take_request(), None);
}

/// A clean stop loses nothing, whenever the last sync was.
#[test]
fn what_waits_to_be_synced_is_synced_at_the_stop() {
    let mut log = log(Config { sync: SyncWhen::WhenAsked, ..config() });
    log.append(&message(1, b"")).expect("there is room");
    assert!(log.wants_sync());
    assert!(!write(&mut log).sync);
    make(&mut log);
    log.on_answer(Answer::Written(Ok(())));
    // No mark says that it is safe.
    assert!(log.wants_sync() && !log.wants_tick());
    log.tick();
    assert_eq!(log.take_request(), None);
    log.stop();
    let sync = write(&mut log);
    assert!(sync.sync && sync.pieces.is_empty());
    log.on_answer(Answer::Written(Ok(())));
    assert!(!log.wants_sync());
    // A start would have to look into the spare file.
    assert_eq!(log.take_request(), Some(Request::Remove(2)));
    log.on_answer(Answer::Removed(2, Ok(())));
    let Some(Request::Seal(seal)) = log.take_request() else { panic!("it is sealed") };
    log.on_answer(Answer::Sealed(seal.number, Ok(())));
    assert!(log.is_stopped());
}

#[test]
fn a_mark_is_written_once() {
    let mut log = log(config());
    log.mark();
    assert_eq!((log.take_request(), log.wants_tick()), (None, false));
    log.append(&message(1, b"")).expect("there is room");
    write(&mut log);
    make(&mut log);
    // Not while something is being written.
    log.tick();
    assert_eq!((log.take_request(), log.wants_tick()), (None, true));
    log.on_answer(Answer::Written(Ok(())));
    log.tick();
    let mark = write(&mut log);
    let head = BatchHead::read(&mark.pieces[0], log.salt(1)).expect("it is a batch");
    assert_eq!((head.records, head.synced), (0, Lsn(512)));
    log.on_answer(Answer::Written(Ok(())));
    assert!(!log.wants_tick());
    log.mark();
    assert_eq!(log.take_request(), None);
}

/// Room was said to be where the open batch was already.
#[test]
fn room_counts_what_the_open_batch_has() {
    let mut log = log(config());
    let payload = vec![1; 25_000];
    let mut seq = 0;
    while log.room(payload.len() + 100) == Room::Yes {
        seq += 1;
        log.append(&message(seq, &payload)).expect("there is room");
    }
    assert!(seq > 38, "{seq}");
}
