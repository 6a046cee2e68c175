//! The body of the fuzz target: what must hold for any bytes at all.
//!
//! It is a plain function that panics when something does not hold, so a saved crash becomes a unit test by calling it
//! with the saved bytes.

use std::collections::{BTreeMap, BTreeSet};

use log_format::{FooterWriter, Item, Kind, Record, Salt};

use crate::{Answer, Config, Log, Recovery, Request, Span};

const STORE: [u8; 16] = *b"a store of tests";

/// Files by number.
type Files = BTreeMap<u32, Vec<u8>>;

/// What a record is known by.
type Key = (Kind, u32, u64);

/// Changes the files of a good log as `data` says, and finds the log again. Eight bytes of `data` are a change: which
/// file (1), what is done (1), where (4), and with what (2). What is left of `data` is a file of its own.
///
/// Either no log can be made of the files, or none of its records is handed out twice, and the log goes on; if all of it was
/// read, each record is whole and at its place; if not, no fewer are handed out.
pub fn recovery(data: &[u8]) {
    let mut files = good_files();
    let changes = data.chunks_exact(8);
    let rest = changes.remainder().to_vec();
    changes.for_each(|change| apply(&mut files, change));
    if !rest.is_empty() {
        files.insert(9, rest);
    }
    let by_batches = recover(&files, Recovery::reading_all);
    let by_footers = recover(&files, Recovery::new);
    let (Some(by_batches), Some(by_footers)) = (by_batches, by_footers) else { return };
    assert!(by_footers.is_superset(&by_batches), "{by_footers:?} lacks some of {by_batches:?}");
}

fn recover<F>(files: &Files, start: F) -> Option<BTreeSet<Key>>
where
    F: FnOnce(Config, Vec<(u32, u64)>) -> Recovery,
{
    let lens: Vec<(u32, u64)> = files.iter().map(|(number, bytes)| (*number, bytes.len() as u64)).collect();
    let mut recovery = start(Config::new(STORE, 0), lens);
    let mut seen = BTreeSet::new();
    let mut reads = 0;
    while let Some(span) = recovery.want() {
        reads += 1;
        assert!(reads < 1_000, "it reads on and on");
        let bytes = read(files, span);
        recovery.on_bytes(Ok(bytes), &mut |item| note(files, item, &mut seen)).ok()?;
    }
    let (mut log, report) = recovery.finish();
    assert_eq!(report.records, seen.len() as u64);
    log.prepare();
    let mut later = Files::new();
    drive(&mut log, &mut later);
    log.append(&record(Kind::MESSAGE, 7, 1, b"on")).expect("there is a file for it");
    drive(&mut log, &mut later);
    assert!(log.is_idle() && log.failure().is_none());
    Some(seen)
}

fn note(files: &Files, item: Item<'_>, seen: &mut BTreeSet<Key>) {
    let mut note = |record: &Record<'_>| {
        assert!(seen.insert((record.kind, record.group, record.seq)), "{record:?} is there twice");
    };
    match item {
        Item::Messages(messages) => messages.each().for_each(|(_, record, _)| note(&record)),
        Item::Record { place, record, len } => {
            // Only of what footers do not tell of all was read.
            if len == record.written_len() && !record.payload.is_empty() {
                let salt = Salt::of_segment(&STORE, u64::from(place.segment));
                let (found, _) =
                    Record::read(&files[&place.segment][place.offset as usize..], salt).expect("it is whole");
                assert_eq!(found, *record);
            }
            note(record);
        }
    }
}

fn apply(files: &mut Files, change: &[u8]) {
    let number =
        |from: usize| u32::from_le_bytes(change[from..from + 4].try_into().expect("four bytes")) as usize;
    let index = usize::from(change[0]) % files.len();
    let bytes = files.values_mut().nth(index).expect("there are more");
    let at = number(2) % (bytes.len() + 1);
    match change[1] % 4 {
        0 => bytes.truncate(at),
        1 => bytes.resize(at + usize::from(change[6]) * 64, change[7]),
        2 => bytes[at..].iter_mut().take(usize::from(change[6]) + 1).for_each(|byte| *byte = change[7]),
        _ => bytes[at..].iter_mut().take(1).for_each(|byte| *byte ^= change[7]),
    }
}

fn read(files: &Files, span: Span) -> Vec<u8> {
    let Some(bytes) = files.get(&span.segment) else { return Vec::new() };
    let from = (span.offset as usize).min(bytes.len());
    let to = (from + span.len as usize).min(bytes.len());
    bytes[from..to].to_vec()
}

/// Three segments, two of them sealed.
fn good_files() -> Files {
    let mut config = Config::new(STORE, 0);
    config.segment_bytes = 8 << 10;
    let (mut log, mut files) = (Log::new(config), Files::new());
    log.prepare();
    drive(&mut log, &mut files);
    for seq in 1..=40 {
        let group = 1 + seq as u32 % 2;
        let payload = vec![seq as u8; 300];
        log.append(&record(Kind::MESSAGE, group, seq, &payload)).expect("there is room");
        drive(&mut log, &mut files);
    }
    files
}

fn record(kind: Kind, group: u32, seq: u64, payload: &[u8]) -> Record<'_> {
    Record { kind, group, seq, time: 0, ttl: None, message_id: None, subject: b"a", header: b"", payload }
}

/// Carries out all that a log asks for.
fn drive(log: &mut Log, files: &mut Files) {
    while let Some(request) = log.take_request() {
        log.on_answer(answer(files, request));
    }
    while log.take_event().is_some() {}
}

fn answer(files: &mut Files, request: Request) -> Answer {
    match request {
        Request::Write(write) => {
            let file = files.entry(write.segment).or_default();
            let mut at = write.offset as usize;
            for piece in write.pieces {
                file.resize(file.len().max(at + piece.len()), 0);
                file[at..at + piece.len()].copy_from_slice(&piece);
                at += piece.len();
            }
            Answer::Written(Ok(()))
        }
        Request::Read(span) => Answer::Read(span, Ok(read(files, span))),
        Request::Make(make) => {
            files.insert(make.number, vec![0; make.len as usize]);
            Answer::Made(make.number, Ok(()))
        }
        Request::Seal(seal) => {
            let file = files.entry(seal.number).or_default();
            let footer = FooterWriter::of_segment(file, seal.end, seal.next, seal.salt);
            file.resize(seal.end as usize, 0);
            file.extend_from_slice(&footer);
            Answer::Sealed(seal.number, Ok(()))
        }
        Request::Sync(number) => Answer::Synced(number, Ok(())),
        Request::Remove(number) => {
            files.remove(&number);
            Answer::Removed(number, Ok(()))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_good_log_is_found_again() {
        assert!(good_files().len() > 2);
        recovery(b"");
    }

    proptest! {
        #[test]
        fn whatever_became_of_the_files_a_log_is_found_or_refused(
            data in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            recovery(&data);
        }
    }
}
