use proptest::prelude::*;

use super::*;
use crate::batch::{BATCH_HEAD_BYTES, BatchHead, padded};
use crate::record::Record;
use crate::{SEGMENT_HEAD_BYTES, SegmentHead};

const HEAD: SegmentHead = SegmentHead {
    store: *b"a store of tests",
    log: 1,
    key: 0,
    number: 12,
    first: Lsn(8_192),
    cut: Lsn(8_192),
    len: 4 << 20,
    before: 10,
};

fn message<'a>(group: u32, seq: u64, subject: &'a [u8], payload: &'a [u8]) -> Record<'a> {
    Record {
        kind: Kind::MESSAGE,
        group,
        seq,
        time: 1_700_000_000_000_000_000 + seq.cast_signed() * 1_000,
        ttl: None,
        message_id: None,
        subject,
        header: b"",
        payload,
    }
}

/// A segment with these batches, up to where the footer begins.
fn segment(batches: &[(Option<Copied>, Vec<Record<'_>>)]) -> Vec<u8> {
    let salt = HEAD.salt();
    let mut file = HEAD.page().to_vec();
    for (copied, records) in batches {
        let start = file.len();
        file.resize(start + BATCH_HEAD_BYTES, 0);
        for record in records {
            record.append_to(salt, &mut file).expect("it is small");
        }
        let first = Lsn(HEAD.first.0 + (start - SEGMENT_HEAD_BYTES) as u64);
        let len = file.len() - start;
        let records = records.len() as u32;
        let head = BatchHead { len: len as u32, first, synced: first, time: 5, records, copied: *copied };
        head.write(salt, &mut file[start..]);
        file.resize(start + padded(len), 0);
    }
    file
}

fn footer_of(file: &[u8]) -> Vec<u8> {
    let next = Lsn(HEAD.first.0 + (file.len() - SEGMENT_HEAD_BYTES) as u64);
    FooterWriter::of_segment(file, file.len() as u32, next, HEAD.salt())
}

/// Two batches, one of them of copies, and three groups.
fn sample() -> Vec<u8> {
    let rich = Record {
        ttl: Some(60),
        message_id: Some([9; 16]),
        header: b"NATS/1.0\r\nA: b\r\n\r\n",
        ..message(2, 8, b"orders.new", b"rich")
    };
    let gone = Record { kind: Kind::REMOVE, ..message(2, 7, b"", b"") };
    segment(&[
        (None, vec![message(2, 7, b"orders.new", b"one"), message(3, 1, b"a", b""), rich, gone]),
        (
            Some(Copied { origin: 4, offset: 5_000, from: 9 }),
            vec![message(1, 70, b"b", b"old"), message(1, 90, b"b", b"")],
        ),
    ])
}

#[test]
fn a_footer_says_what_is_in_its_segment() {
    let file = sample();
    let bytes = footer_of(&file);
    let footer = Footer::read(&bytes, HEAD.salt()).expect("it was just made");
    footer.check().expect("all of it is there");
    let trailer = footer.trailer();
    assert_eq!((trailer.end as usize, trailer.records), (file.len(), 6));
    assert_eq!(trailer.next, Lsn(8_192 + 1_024));

    let runs: Vec<Run> = footer.runs().collect();
    let seen: Vec<_> = runs.iter().map(|run| (run.group, run.records, run.first_seq, run.last_seq)).collect();
    assert_eq!(seen, [(1, 2, 70, 90), (2, 3, 7, 8), (3, 1, 1, 1)]);
    let rows = footer.rows(&runs[1]).expect("the columns are whole");
    let seen: Vec<_> = rows.iter().map(|row| (row.kind, row.seq, row.subject)).collect();
    assert_eq!(seen, [(Kind::MESSAGE, 7, 0), (Kind::MESSAGE, 8, 0), (Kind::REMOVE, 7, 1)]);
    assert!(rows[1].has_ttl && rows[1].has_message_id && rows[1].has_header && !rows[0].has_header);
    let subjects = footer.subjects(&runs[1]).expect("they are whole");
    assert_eq!(subjects[0], SubjectRow { records: 2, first_row: 0, last_row: 1, subject: b"orders.new" });
    let copies: Vec<CopiedBatch> = footer.copies().collect();
    assert_eq!((copies.len(), copies[0].copied), (1, Copied { origin: 4, offset: 5_000, from: 9 }));

    // Each row leads to its record.
    for run in &runs {
        for row in footer.rows(run).expect("the columns are whole") {
            let (record, _) = Record::read(&file[row.offset as usize..], HEAD.salt()).expect("it is there");
            assert_eq!((record.group, record.seq, record.time), (run.group, row.seq, row.time));
            assert_eq!(record.written_len() as u32, row.len);
        }
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let good = footer_of(&sample());
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let outcome = Footer::read(&bytes, HEAD.salt()).and_then(|footer| footer.check());
        assert!(outcome.is_err(), "bit {bit}");
    }
}

#[test]
fn what_is_cut_or_another_segments_is_no_footer() {
    let good = footer_of(&sample());
    for len in 0..good.len() {
        let outcome = Footer::read(&good[..len], HEAD.salt()).and_then(|footer| footer.check());
        assert!(outcome.is_err(), "{len} bytes");
        let outcome = Footer::read(&good[good.len() - len..], HEAD.salt()).and_then(|footer| footer.check());
        assert!(outcome.is_err(), "the last {len} bytes");
    }
    let other = SegmentHead { number: 13, ..HEAD };
    assert_eq!(Footer::read(&good, other.salt()).err(), Some(NoFooter::None));
}

#[test]
fn a_long_run_has_several_chunks() {
    let subjects: Vec<String> = (0..7).map(|number| format!("s.{number}")).collect();
    let records: Vec<Record<'_>> =
        (1..10_000).map(|seq| message(1, seq, subjects[seq as usize % 7].as_bytes(), b"")).collect();
    let file = segment(&[(None, records)]);
    let bytes = footer_of(&file);
    let footer = Footer::read(&bytes, HEAD.salt()).expect("it was just made");
    let run = footer.runs().next().expect("there is one");
    let rows = footer.rows(&run).expect("the columns are whole");
    assert!(rows.iter().map(|row| row.seq).eq(1..10_000));
    assert_eq!(footer.subjects(&run).expect("they are whole").len(), 7);
    // Three bits of subject a row, and hardly more.
    assert!(bytes.len() < 5_000, "{} bytes", bytes.len());
}

/// The bytes of version 1 are these for good.
#[test]
fn the_segment_of_version_1_is_what_it_was() {
    let mut file = sample();
    let footer = footer_of(&file);
    file.extend_from_slice(&footer);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/segment-v1.bin");
    let golden = std::fs::read(path).expect("it is in the repository");
    assert!(golden == file, "a segment is not written as version 1 was");
    assert_eq!(SegmentHead::read(&golden), Ok(HEAD));
    let end = Trailer::read(&golden, HEAD.salt()).expect("it is sealed").end as usize;
    let footer = Footer::read(&golden[end..], HEAD.salt()).expect("it is whole");
    footer.check().expect("all of it is there");
}

proptest! {
    #[test]
    fn whatever_the_bytes_are_they_are_read(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), cut: u16) {
        let good = footer_of(&sample());
        let cut = usize::from(cut) % good.len();
        bytes.extend_from_slice(&good[cut..]);
        let _ = Footer::read(&bytes, HEAD.salt()).and_then(|footer| footer.check());
    }
}
