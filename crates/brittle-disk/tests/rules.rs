//! What each rule promises, by example, over many seeds.

use std::ffi::OsStr;

use brittle_disk::{Allocation, Call, Disk, Fault, Ino, Kind, ROOT, RenameMode, Rule};
use rustix::io::Errno;

const SEEDS: u64 = 200;
const ROOM: u64 = 1 << 20;
const PAGE: u64 = 4096;

fn name(text: &str) -> &OsStr {
    OsStr::new(text)
}

fn created(disk: &mut Disk, text: &str) -> Ino {
    disk.create(ROOT, name(text), Kind::File, 0o644, (0, 0)).expect("it is new")
}

/// A file with these bytes, all of it durable.
fn durable(disk: &mut Disk, text: &str, bytes: &[u8]) -> Ino {
    let ino = created(disk, text);
    disk.write(ino, 0, bytes).expect("there is room");
    disk.sync(ino).expect("no fault was asked for");
    disk.sync(ROOT).expect("no fault was asked for");
    ino
}

fn content(disk: &mut Disk, text: &str) -> Option<Vec<u8>> {
    let ino = disk.lookup(ROOT, name(text)).ok()?;
    Some(disk.read(ino, 0, ROOM).expect("it has a name"))
}

/// What a file was after each of many cuts.
fn outcomes(rule: Rule, text: &str, before: impl Fn(&mut Disk)) -> Vec<Option<Vec<u8>>> {
    let outcome = |seed| {
        let mut disk = Disk::new(rule, ROOM);
        before(&mut disk);
        disk.cut(seed);
        content(&mut disk, text)
    };
    (0..SEEDS).map(outcome).collect()
}

#[test]
fn a_synced_file_in_a_folder_that_is_not_may_vanish() {
    let before = |disk: &mut Disk| {
        let ino = created(disk, "new");
        disk.write(ino, 0, b"bytes").expect("there is room");
        disk.sync(ino).expect("no fault was asked for");
    };
    let strict = outcomes(Rule::Posix, "new", before);
    assert!(strict.contains(&None) && strict.contains(&Some(b"bytes".to_vec())));
    assert!(strict.iter().flatten().all(|bytes| bytes == b"bytes"));
    let journal = outcomes(Rule::Ext4, "new", before);
    assert!(journal.iter().all(|found| found.as_deref() == Some(b"bytes")));
}

#[test]
fn a_rename_without_a_sync_of_the_file_may_leave_it_empty() {
    let before = |disk: &mut Disk| {
        durable(disk, "state", b"old");
        let ino = created(disk, "state.tmp");
        disk.write(ino, 0, b"new").expect("there is room");
        let (from, to) = (name("state.tmp"), name("state"));
        disk.rename((ROOT, from), (ROOT, to), RenameMode::Replace).expect("both are files");
        disk.sync(ROOT).expect("no fault was asked for");
    };
    let strict = outcomes(Rule::Posix, "state", before);
    assert!(strict.contains(&Some(Vec::new())) && !strict.contains(&Some(b"old".to_vec())));
    let journal = outcomes(Rule::Ext4, "state", before);
    assert!(journal.iter().all(|found| found.as_deref() == Some(b"new")));
}

#[test]
fn a_journal_keeps_appended_bytes_from_the_front() {
    let before = |disk: &mut Disk| {
        let ino = durable(disk, "log", b"");
        for part in [&[1; 700], &[2; 700], &[3; 700]] {
            let end = disk.attr(ino).expect("it has a name").len;
            disk.write(ino, end, part).expect("there is room");
        }
    };
    let whole = [[1; 700], [2; 700], [3; 700]].concat();
    let is_front = |bytes: &Vec<u8>| whole.starts_with(bytes);
    let journal = outcomes(Rule::Ext4, "log", before);
    assert!(journal.iter().flatten().all(is_front));
    let strict = outcomes(Rule::Posix, "log", before);
    assert!(!strict.iter().flatten().all(is_front), "holes are among them");
}

#[test]
fn a_write_over_synced_bytes_is_torn_within_a_sector_and_between_them() {
    let before = |disk: &mut Disk| {
        let ino = durable(disk, "file", &[1; 2000]);
        disk.write(ino, 0, &[2; 2000]).expect("there is room");
    };
    let found: Vec<Vec<u8>> = outcomes(Rule::Posix, "file", before).into_iter().flatten().collect();
    let edges = |bytes: &[u8]| {
        let is_edge = |at: &usize| bytes[*at] != bytes[at - 1];
        (1..bytes.len()).filter(is_edge).collect::<Vec<_>>()
    };
    assert!(found.iter().all(|bytes| bytes.len() == 2000));
    assert!(found.iter().any(|bytes| edges(bytes).is_empty() && bytes[0] == 1));
    assert!(found.iter().any(|bytes| edges(bytes).is_empty() && bytes[0] == 2));
    assert!(found.iter().any(|bytes| matches!(edges(bytes)[..], [at] if at % 512 != 0)));
    let has_sectors = |bytes: &Vec<u8>| edges(bytes).len() > 1 && edges(bytes).iter().all(|at| at % 512 == 0);
    assert!(found.iter().any(has_sectors));
}

#[test]
fn what_was_deleted_comes_back_unless_the_folder_was_synced() {
    let before = |disk: &mut Disk| {
        durable(disk, "file", b"bytes");
        disk.unlink(ROOT, name("file")).expect("it is there");
    };
    let found = outcomes(Rule::Posix, "file", before);
    assert!(found.contains(&None) && found.contains(&Some(b"bytes".to_vec())));
    let synced = outcomes(Rule::Posix, "file", |disk| {
        before(disk);
        disk.sync(ROOT).expect("no fault was asked for");
    });
    assert!(synced.iter().all(Option::is_none));
}

#[test]
fn a_sync_is_for_what_was_done_before_it_began() {
    let mut disk = Disk::new(Rule::Posix, ROOM);
    let ino = durable(&mut disk, "file", b"");
    disk.write(ino, 0, b"early").expect("there is room");
    let mark = disk.begin_sync(ino).expect("it has a name");
    disk.write(ino, 0, b"later").expect("there is room");
    disk.finish_sync(mark).expect("no fault was asked for");
    let mut found: Vec<Vec<u8>> = Vec::new();
    for seed in 0..SEEDS {
        let mut disk = disk.clone();
        disk.cut(seed);
        found.push(content(&mut disk, "file").expect("its name is durable"));
    }
    assert!(found.contains(&b"early".to_vec()) && found.contains(&b"later".to_vec()));
    assert!(found.iter().all(|bytes| bytes.len() == 5));
}

#[test]
fn what_has_settled_is_durable() {
    let settled = outcomes(Rule::Posix, "new", |disk| {
        let ino = created(disk, "new");
        disk.write(ino, 0, b"bytes").expect("there is room");
        disk.settle();
    });
    assert!(settled.iter().all(|found| found.as_deref() == Some(b"bytes")));
}

#[test]
fn a_failed_sync_loses_what_it_was_for_and_the_next_one_says_nothing() {
    let mut disk = Disk::new(Rule::Posix, ROOM);
    let ino = durable(&mut disk, "file", b"old");
    disk.fail(Fault::Sync, 0, 1);
    disk.write(ino, 0, b"new").expect("there is room");
    assert_eq!(disk.sync(ino), Err(Errno::IO));
    assert_eq!(content(&mut disk, "file").as_deref(), Some(&b"new"[..]));
    assert_eq!(disk.sync(ino), Ok(()));
    for seed in 0..SEEDS {
        let mut disk = disk.clone();
        disk.cut(seed);
        assert_eq!(content(&mut disk, "file").as_deref(), Some(&b"old"[..]));
    }
    assert_eq!(disk.counts().of(Call::SyncFailed), 1);
}

#[test]
fn reads_and_writes_fail_on_request() {
    let mut disk = Disk::new(Rule::Posix, ROOM);
    let ino = durable(&mut disk, "file", b"old");
    disk.fail(Fault::Write, 1, 1);
    assert_eq!(disk.write(ino, 0, b"new"), Ok(3));
    assert_eq!(disk.write(ino, 0, b"bad"), Err(Errno::IO));
    disk.fail(Fault::Read, 0, 1);
    assert_eq!(disk.read(ino, 0, 3), Err(Errno::IO));
    assert_eq!(disk.read(ino, 0, 3).as_deref(), Ok(&b"new"[..]));
}

#[test]
fn a_full_disk_takes_what_has_room_and_gets_room_by_a_delete() {
    let mut disk = Disk::new(Rule::Posix, 4 * PAGE);
    let ino = durable(&mut disk, "file", &[1; 3 * PAGE as usize]);
    let other = created(&mut disk, "other");
    assert_eq!(disk.write(other, 0, &[2; 2 * PAGE as usize]), Ok(PAGE as usize));
    assert_eq!(disk.write(other, PAGE, &[2; 1]), Err(Errno::NOSPC));
    assert_eq!(disk.counts().of(Call::WriteFailed), 1);
    assert_eq!(disk.write(ino, 0, &[3; 5]), Ok(5), "what has room already may be written");
    assert_eq!(disk.allocate(other, Allocation::Reserve, PAGE, 1, true), Err(Errno::NOSPC));
    assert_eq!(disk.room(), (4 * PAGE, 0));
    disk.open(ino).expect("it has a name");
    disk.unlink(ROOT, name("file")).expect("it is there");
    assert_eq!(disk.room().1, 0, "while it is open it takes its room");
    disk.close(ino);
    assert_eq!(disk.room().1, 3 * PAGE);
    assert_eq!(disk.write(other, PAGE, &[2; 1]), Ok(1));
    disk.set_capacity(PAGE);
    assert_eq!((disk.room().1, disk.write(other, 2 * PAGE, &[2])), (0, Err(Errno::NOSPC)));
}

#[test]
fn room_is_taken_and_given_back_in_the_middle() {
    let mut disk = Disk::new(Rule::Posix, ROOM);
    let ino = created(&mut disk, "file");
    let len = |disk: &Disk| disk.attr(ino).map(|attr| (attr.len, attr.taken)).expect("it has a name");
    disk.allocate(ino, Allocation::Reserve, 0, 4 * PAGE, true).expect("there is room");
    assert_eq!(len(&disk), (0, 4 * PAGE));
    disk.allocate(ino, Allocation::Zero, 0, 2 * PAGE, false).expect("there is room");
    disk.write(ino, 0, &[7; 2 * PAGE as usize]).expect("there is room");
    disk.allocate(ino, Allocation::Punch, 100, PAGE * 4, true).expect("it takes none");
    assert_eq!(len(&disk), (2 * PAGE, PAGE));
    let bytes = disk.read(ino, 0, ROOM).expect("it has a name");
    assert!(bytes[..100] == [7; 100] && bytes[100..].iter().all(|byte| *byte == 0));
}

#[test]
fn calls_are_counted_and_noted_in_their_order() {
    let mut disk = Disk::new(Rule::Posix, ROOM);
    durable(&mut disk, "file", b"bytes");
    let noted: Vec<_> = disk.events().map(|event| (event.call, event.name.as_str(), event.bytes)).collect();
    let all = [
        (Call::Create, "file", 0),
        (Call::Write, "file", 5),
        (Call::Sync, "file", 0),
        (Call::SyncFolder, "", 0),
    ];
    assert_eq!(noted, all);
    assert_eq!((disk.counts().of(Call::Write), disk.counts().bytes_written), (1, 5));
}

/// Of a disk that works for long nothing piles up.
#[test]
fn forgotten_files_go() {
    let mut disk = Disk::new(Rule::Ext4, ROOM);
    let mut last = 0;
    for round in 0..3000 {
        let ino = created(&mut disk, "file");
        disk.write(ino, 0, &[1; 5000]).expect("the others gave their room back");
        disk.unlink(ROOT, name("file")).expect("it is there");
        if round % 10 == 0 {
            disk.sync(ROOT).expect("no fault was asked for");
        }
        last = ino;
    }
    assert_eq!(disk.room(), (ROOM, ROOM));
    assert!((2..last).filter(|ino| disk.attr(*ino).is_ok()).count() < 600);
}

#[test]
fn what_is_durable_is_known_before_a_cut() {
    let mut disk = Disk::new(Rule::Posix, ROOM);
    let ino = created(&mut disk, "new");
    disk.write(ino, 5_000, b"bytes").expect("there is room");
    assert!(!disk.is_durable(b"bytes"));
    disk.sync(ino).expect("no fault was asked for");
    assert!(!disk.is_durable(b"bytes"), "nobody finds the file");
    disk.sync(ROOT).expect("no fault was asked for");
    assert!(disk.is_durable(b"bytes"));
    disk.write(ino, 5_000, b"other").expect("there is room");
    assert!(disk.is_durable(b"bytes") && !disk.is_durable(b"other"));
}

#[test]
fn a_read_only_disk_is_read_and_not_changed() {
    let mut disk = Disk::new(Rule::Posix, ROOM);
    let ino = durable(&mut disk, "old", b"bytes");
    disk.set_read_only(true);
    assert_eq!(disk.write(ino, 0, b"other"), Err(Errno::ROFS));
    assert_eq!(disk.set_len(ino, 1), Err(Errno::ROFS));
    assert_eq!(disk.create(ROOT, name("new"), Kind::File, 0o644, (0, 0)), Err(Errno::ROFS));
    assert_eq!(disk.unlink(ROOT, name("old")), Err(Errno::ROFS));
    let renamed = disk.rename((ROOT, name("old")), (ROOT, name("new")), RenameMode::Replace);
    assert_eq!(renamed, Err(Errno::ROFS));
    assert_eq!(disk.allocate(ino, Allocation::Reserve, 0, PAGE, false), Err(Errno::ROFS));
    assert_eq!(content(&mut disk, "old").as_deref(), Some(&b"bytes"[..]));
    disk.set_read_only(false);
    assert_eq!(disk.write(ino, 0, b"other"), Ok(5));
}
