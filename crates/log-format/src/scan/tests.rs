use proptest::prelude::*;

use super::*;
use crate::batch::{Lsn, padded};
use crate::kind::Kind;

const SALT: Salt = Salt::of_segment(&[7; 16], 4);

/// Batches of records with payloads of these lengths, as they stand in a segment.
fn segment(batches: &[Vec<usize>]) -> Vec<u8> {
    let (mut bytes, mut seq) = (Vec::new(), 0);
    for lens in batches {
        let start = bytes.len();
        bytes.resize(start + BATCH_HEAD_BYTES, 0);
        for len in lens {
            seq += 1;
            let payload = vec![seq as u8; *len];
            let record = Record {
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
            record.append_to(SALT, &mut bytes).expect("it is small");
        }
        let len = bytes.len() - start;
        let (first, synced) = (Lsn(start as u64), Lsn(start as u64));
        let head =
            BatchHead { len: len as u32, first, synced, time: 0, records: lens.len() as u32, copied: None };
        head.write(SALT, &mut bytes[start..]);
        bytes.resize(start + padded(len), 0);
    }
    bytes
}

fn sequences(bytes: &[u8]) -> Vec<u64> {
    let records = Scan::new(bytes, SALT).filter_map(|found| match found {
        Found::Record { record, .. } => Some(record.seq),
        _ => None,
    });
    records.collect()
}

fn damage(bytes: &[u8]) -> Vec<(usize, usize)> {
    let damaged = Scan::new(bytes, SALT).filter_map(|found| match found {
        Found::Damaged { at, len, .. } => Some((at, len)),
        _ => None,
    });
    damaged.collect()
}

/// Where the record with this sequence lies, and its length.
fn place(bytes: &[u8], seq: u64) -> (usize, usize) {
    let mut records = Scan::new(bytes, SALT);
    let place = records.find_map(|found| match found {
        Found::Record { at, record } if record.seq == seq => Some((at, record.written_len())),
        _ => None,
    });
    place.expect("it is there")
}

#[test]
fn a_whole_segment_is_read_whole() {
    let mut bytes = segment(&[vec![10, 20], vec![], vec![600, 0, 1]]);
    assert_eq!((sequences(&bytes), damage(&bytes)), (vec![1, 2, 3, 4, 5], vec![]));
    // What an earlier life left behind, and zeros.
    bytes.extend_from_slice(&[0; 1_024]);
    assert_eq!(damage(&bytes), []);
    let other = Salt::of_segment(&[7; 16], 5);
    assert_eq!(Scan::new(&bytes, other).count(), 0);
}

#[test]
fn a_rotten_payload_costs_its_record_and_says_which_it_was() {
    let mut bytes = segment(&[vec![10, 20, 30], vec![5]]);
    let (at, len) = place(&bytes, 2);
    bytes[at + len - 1] ^= 1;
    assert_eq!(sequences(&bytes), [1, 3, 4]);
    let damaged = Scan::new(&bytes, SALT).find(|found| matches!(found, Found::Damaged { .. }));
    let Some(Found::Damaged { at: damaged_at, len: damaged_len, head: Some(head) }) = damaged else {
        panic!("its head is whole: {damaged:?}")
    };
    assert_eq!((damaged_at, damaged_len, head.seq), (at, len, 2));
}

#[test]
fn a_rotten_length_does_not_take_its_neighbours_along() {
    let mut bytes = segment(&[vec![10, 20, 30], vec![5]]);
    let (at, len) = place(&bytes, 2);
    bytes[at..at + 4].copy_from_slice(&9_999_u32.to_le_bytes());
    assert_eq!((sequences(&bytes), damage(&bytes)), (vec![1, 3, 4], vec![(at, len)]));
}

#[test]
fn a_rotten_batch_head_costs_its_batch() {
    let mut bytes = segment(&[vec![10], vec![20, 700], vec![30]]);
    bytes[512 + 9] ^= 1;
    assert_eq!((sequences(&bytes), damage(&bytes)), (vec![1, 4], vec![(512, 1_024)]));
}

#[test]
fn a_torn_batch_is_read_as_far_as_it_goes() {
    let bytes = segment(&[vec![10], vec![20, 700, 30]]);
    let (at, _) = place(&bytes, 3);
    assert_eq!(sequences(&bytes[..at + 5]), [1, 2]);
    assert_eq!(damage(&bytes[..at + 5]), [(at, 5)]);
}

proptest! {
    /// One flipped bit costs one record or, in a batch's head, that batch.
    #[test]
    fn a_flipped_bit_costs_little(
        batches in proptest::collection::vec(proptest::collection::vec(0_usize..300, 0..6), 1..6),
        bit: prop::sample::Index,
    ) {
        let good = segment(&batches);
        let mut bytes = good.clone();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (before, after) = (sequences(&good), sequences(&bytes));
        let lost = before.iter().filter(|seq| !after.contains(seq)).count();
        let mut start = 0;
        let mut allowed = 1;
        for lens in &batches {
            if (start..start + BATCH_HEAD_BYTES).contains(&(bit / 8)) {
                allowed = lens.len().max(1);
            }
            start += padded(BATCH_HEAD_BYTES + lens.iter().map(|len| crate::RECORD_HEAD_BYTES + 1 + len).sum::<usize>());
        }
        prop_assert!(lost <= allowed, "{} of {} are lost", lost, before.len());
        prop_assert!(after.is_sorted() && after.iter().all(|seq| before.contains(seq)));
    }

    #[test]
    fn whatever_the_bytes_are_they_are_scanned(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..3_000),
        batches in proptest::collection::vec(proptest::collection::vec(0_usize..100, 0..4), 0..3),
        at: prop::sample::Index,
    ) {
        let good = segment(&batches);
        let at = at.index(bytes.len() + 1);
        bytes.splice(at..at, good);
        let mut end = 0;
        for found in Scan::new(&bytes, SALT) {
            let (at, len) = match found {
                Found::Batch { at, .. } => (at, BATCH_HEAD_BYTES),
                Found::Record { at, record } => (at, record.written_len()),
                Found::Damaged { at, len, .. } => (at, len),
            };
            prop_assert!(at >= end && len > 0 && at + len <= bytes.len().max(end), "{found:?} behind {end}");
            end = at + len;
        }
    }
}
