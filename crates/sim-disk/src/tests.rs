use std::sync::Arc;

use super::*;

fn write(offset: u32, bytes: &[u8], sync: bool) -> Request {
    Request::Write(Write {
        segment: 1,
        offset,
        pieces: vec![Arc::new(bytes.to_vec())],
        sync,
        is_overwrite: false,
    })
}

fn all(disk: &SimDisk) -> Vec<u8> {
    disk.read(Span { segment: 1, offset: 0, len: 10_000 })
}

/// What came of a write behind some bytes that were synced: kept, lost or torn, of two hundred.
fn outcomes(safe: &[u8], more: &[u8]) -> [u32; 3] {
    let mut outcomes = [0; 3];
    for seed in 0..200 {
        let mut disk = SimDisk::new(seed);
        for request in [write(0, safe, true), write(safe.len() as u32, more, false)] {
            disk.submit(request);
            assert_eq!(disk.step(), Some(Answer::Written(Ok(()))));
        }
        assert_eq!(all(&disk), [safe, more].concat());
        disk.cut_power();
        let left = all(&disk);
        assert!(left.starts_with(safe));
        let outcome = match &left[safe.len()..] {
            rest if rest == more => 0,
            rest if rest.iter().all(|byte| *byte == 0) => 1,
            _ => 2,
        };
        outcomes[outcome] += 1;
    }
    outcomes
}

#[test]
fn what_was_synced_stays_and_the_rest_may_go() {
    let sectors = outcomes(&[1; 512], &[2; 1_024]);
    assert!(sectors.iter().all(|count| *count > 20), "{sectors:?}");
    // What goes over a part of a sector is there or not.
    let [kept, lost, torn] = outcomes(b"safe", b"unsafe");
    assert!(kept > 20 && lost > 20 && torn == 0, "{kept} {lost} {torn}");
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
