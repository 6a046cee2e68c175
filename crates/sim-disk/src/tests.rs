use std::sync::Arc;

use super::*;

fn write(offset: u32, bytes: &[u8], sync: bool) -> Request {
    Request::Write(Write { segment: 1, offset, pieces: vec![Arc::new(bytes.to_vec())], sync })
}

fn all(disk: &SimDisk) -> Vec<u8> {
    disk.read(Span { segment: 1, offset: 0, len: 100 })
}

#[test]
fn what_was_synced_stays_and_the_rest_may_go() {
    let (mut kept, mut lost, mut torn) = (0, 0, 0);
    for seed in 0..200 {
        let mut disk = SimDisk::new(seed);
        for request in [write(0, b"safe", true), write(4, b"unsafe", false)] {
            disk.submit(request);
            assert_eq!(disk.step(), Some(Answer::Written(Ok(()))));
        }
        assert_eq!(all(&disk), b"safeunsafe");
        disk.cut_power();
        let left = all(&disk);
        assert!(left.starts_with(b"safe"));
        match &left[4..] {
            b"unsafe" => kept += 1,
            rest if rest.iter().all(|byte| *byte == 0) => lost += 1,
            _ => torn += 1,
        }
    }
    assert!(kept > 20 && lost > 20 && torn > 20, "{kept} {lost} {torn}");
}

#[test]
fn nothing_is_written_behind_a_failure() {
    let mut disk = SimDisk::new(1);
    disk.faults.failed_writes = 1_000;
    disk.submit(write(0, b"a", true));
    assert!(matches!(disk.step(), Some(Answer::Written(Err(_)))));
    disk.faults.failed_writes = 0;
    disk.submit(write(1, b"b", true));
    assert!(matches!(disk.step(), Some(Answer::Written(Err(_)))));
    assert_eq!(disk.step(), None);
}
