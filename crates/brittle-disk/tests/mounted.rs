//! The file system as programs see it. Where it cannot be mounted each of these says so.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use brittle_disk::{BrittleDisk, Call, DiskOptions, Fault, mount_or_say};
use rustix::fs::{FallocateFlags, FlockOperation, OFlags, fallocate, flock};

/// A hang is a failure after this.
const DEADLINE: Duration = Duration::from_secs(30);

fn mounted(capacity: u64) -> Option<BrittleDisk> {
    mount_or_say("the mounted file system", DiskOptions { capacity, ..DiskOptions::default() })
}

fn sync_folder(path: &Path) {
    File::open(path).and_then(|folder| folder.sync_all()).expect("a folder is synced");
}

#[test]
fn programs_find_a_file_system() {
    let Some(disk) = mounted(1 << 30) else { return };
    let at = |name: &str| disk.path().join(name);
    fs::create_dir_all(at("a/b")).expect("folders");
    fs::write(at("a/b/file"), vec![7; 300_000]).expect("there is room");
    fs::rename(at("a/b/file"), at("a/other")).expect("it is there");
    fs::hard_link(at("a/other"), at("link")).expect("it is there");
    assert_eq!(fs::read(at("link")).expect("it is there"), vec![7; 300_000]);
    let told = fs::metadata(at("link")).expect("it is there");
    assert_eq!((told.len(), told.nlink(), told.mode() & 0o777), (300_000, 2, 0o644));
    assert_eq!(fs::remove_dir(at("a")).map_err(|error| error.kind()), Err(ErrorKind::DirectoryNotEmpty));
    let mut file = OpenOptions::new().read(true).write(true).open(at("link")).expect("it is there");
    file.set_len(10).expect("a length");
    file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(b"end")).expect("there is room");
    let mut text = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut text)).expect("it is there");
    assert_eq!(text, [&[7; 10][..], b"end"].concat());
    for number in 0..500 {
        fs::write(at("a/b").join(number.to_string()), "x").expect("there is room");
    }
    assert_eq!(fs::read_dir(at("a/b")).expect("it is there").count(), 500);
    fs::remove_dir_all(at("a")).expect("it is there");
    let names: Vec<_> =
        fs::read_dir(disk.path()).expect("it is there").map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["link"]);
}

#[test]
fn a_cut_leaves_what_was_synced_and_may_leave_the_rest() {
    let Some(mut disk) = mounted(1 << 30) else { return };
    let (mut lost, mut stayed) = (0, 0);
    for seed in 0..40 {
        let name = disk.path().join(format!("file{seed}"));
        let file = File::create(&name).expect("there is room");
        file.write_all_at(&[1; 5000], 0).and_then(|()| file.sync_data()).expect("there is room");
        sync_folder(disk.path());
        file.write_all_at(&[2; 5000], 5000).expect("there is room");
        drop(file);
        disk.cut(seed).expect("nothing is open");
        let bytes = fs::read(&name).expect("both were synced");
        assert_eq!(bytes[..5000], [1; 5000]);
        lost += u32::from(bytes.len() == 5000);
        stayed += u32::from(bytes[5000..] == [2; 5000]);
    }
    assert!(lost > 5 && stayed > 5, "{lost} {stayed}");
}

#[test]
fn a_file_opened_for_synced_writes_needs_no_sync() {
    let Some(mut disk) = mounted(1 << 30) else { return };
    let name = disk.path().join("file");
    fs::write(&name, "").expect("there is room");
    sync_folder(disk.path());
    for seed in 0..20 {
        let flags = if seed % 2 == 0 { OFlags::SYNC } else { OFlags::DSYNC };
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(flags.bits().cast_signed());
        let file = options.open(&name).expect("it is there");
        file.write_all_at(&[seed; 9000], 0).expect("there is room");
        drop(file);
        disk.cut(seed.into()).expect("nothing is open");
        assert!(fs::read(&name).expect("it is there") == [seed; 9000]);
    }
}

#[test]
fn memory_maps_reach_the_disk_by_a_sync() {
    let Some(mut disk) = mounted(1 << 30) else { return };
    let name = disk.path().join("file");
    // Python maps files without a crate of unsafe code here.
    let script = "import mmap,sys\nf=open(sys.argv[1],'w+b'); f.truncate(8192)\nm=mmap.mmap(f.fileno(),8192)\n\
        m[100:105]=b'bytes'; m.flush()";
    let status = Command::new("python3").args(["-c", script]).arg(&name).status().expect("Python is there");
    assert!(status.success());
    sync_folder(disk.path());
    disk.cut(1).expect("nothing is open");
    assert_eq!(fs::read(&name).expect("it is there")[100..105], *b"bytes");
}

#[test]
fn a_cut_with_open_files_is_refused() {
    let Some(mut disk) = mounted(1 << 30) else { return };
    let file = File::create(disk.path().join("file")).expect("there is room");
    assert_eq!(disk.cut(1).expect_err("a file is open").kind(), ErrorKind::ResourceBusy);
    drop(file);
    disk.cut(1).expect("nothing is open");
}

#[test]
fn a_held_sync_is_done_when_it_is_let_through() {
    let Some(disk) = mounted(1 << 30) else { return };
    let file = File::create(disk.path().join("file")).expect("there is room");
    let held = disk.hold_syncs();
    let sync = thread::spawn(move || file.sync_all());
    assert!(held.wait_for_one(DEADLINE));
    assert_eq!((held.waiting(), disk.disk().counts().of(Call::Sync)), (1, 0));
    // Others are not kept waiting, but their syncs are.
    fs::write(disk.path().join("other"), "bytes").expect("there is room");
    drop(held);
    sync.join().expect("it does not panic").expect("no fault was asked for");
    assert_eq!(disk.disk().counts().of(Call::Sync), 1);
    disk.set_sync_delay(Duration::from_millis(1));
    sync_folder(disk.path());
    assert_eq!(disk.disk().counts().of(Call::SyncFolder), 1);
}

#[test]
fn a_full_disk_says_so() {
    let Some(disk) = mounted(1 << 20) else { return };
    let file = File::create(disk.path().join("file")).expect("a name takes no room");
    let full = file.write_all_at(&vec![1; 2 << 20], 0).expect_err("there is less room");
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    assert_eq!(file.metadata().expect("it is there").len(), 1 << 20);
    let free = rustix::fs::statvfs(disk.path()).expect("it is mounted");
    assert_eq!((free.f_blocks, free.f_bavail), (256, 0));
    disk.disk().set_capacity(2 << 20);
    fallocate(&file, FallocateFlags::KEEP_SIZE, 1 << 20, 1 << 20).expect("there is room now");
    let more = fallocate(&file, FallocateFlags::KEEP_SIZE, 2 << 20, 1).expect_err("and now there is not");
    assert_eq!(more, rustix::io::Errno::NOSPC);
    fs::remove_file(disk.path().join("file")).expect("it is there");
    drop(file);
    fs::write(disk.path().join("other"), vec![1; 1 << 20]).expect("there is room again");
}

#[test]
fn calls_fail_on_request() {
    let Some(disk) = mounted(1 << 30) else { return };
    let name = disk.path().join("file");
    let file = File::options().create_new(true).read(true).write(true).open(&name).expect("there is room");
    let is_io =
        |error: std::io::Error| assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
    disk.disk().fail(Fault::Write, 0, 1);
    is_io(file.write_all_at(b"bytes", 0).expect_err("it was asked for"));
    file.write_all_at(b"bytes", 0).expect("it was asked for once");
    disk.disk().fail(Fault::Sync, 0, 1);
    is_io(file.sync_data().expect_err("it was asked for"));
    file.sync_data().expect("it was asked for once");
    disk.disk().fail(Fault::Read, 0, u64::MAX);
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("it is there");
    is_io(file.read_at(&mut [0; 5], 0).expect_err("it was asked for"));
}

#[test]
fn two_processes_lock_each_other_out() {
    let Some(disk) = mounted(1 << 30) else { return };
    let name = disk.path().join("lock");
    let (one, other) = (File::create(&name).expect("a file"), File::open(&name).expect("it is there"));
    flock(&one, FlockOperation::NonBlockingLockExclusive).expect("nobody has it");
    assert!(flock(&other, FlockOperation::NonBlockingLockExclusive).is_err());
    drop(one);
    flock(&other, FlockOperation::NonBlockingLockExclusive).expect("nobody has it");
}
