use proptest::prelude::*;

use super::*;
use crate::batch::{BATCH_HEAD_BYTES, BatchHead, padded};
use crate::kind::Kind;
use crate::place::Place;
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

/// The same by pieces, as a file gives them; and how many bytes were asked for at once at most.
fn footer_of_pieces(file: &[u8], end: u32, next: Lsn) -> (Vec<u8>, u32) {
    let mut most = 0;
    let read = |at: u32, len: u32| {
        most = most.max(len);
        let rest = file.get(at as usize..).unwrap_or_default();
        Ok::<_, std::convert::Infallible>(rest[..rest.len().min(len as usize)].to_vec())
    };
    let Ok(footer) = FooterWriter::of_pieces(end, next, HEAD.salt(), read);
    (footer, most)
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

/// What a record comes to if its payload is not known, nor what nobody acts on.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    place: Place,
    len: usize,
    kind: Kind,
    group: u32,
    seq: u64,
    time: i64,
    ttl: Option<i64>,
    message_id: Option<[u8; 16]>,
    subject: Vec<u8>,
    has_header: bool,
    header: Vec<u8>,
}

impl Told {
    fn new(place: Place, record: &Record<'_>, len: usize) -> Self {
        let mut header = Vec::new();
        digest::append(record.header, &mut header);
        Self {
            place,
            len,
            kind: record.kind,
            group: record.group,
            seq: record.seq,
            time: record.time,
            ttl: record.ttl,
            message_id: record.message_id,
            subject: record.subject.to_vec(),
            has_header: !record.header.is_empty(),
            header,
        }
    }
}

/// What a footer tells of each part, and how many stretches there are.
fn told(footer: &[u8]) -> (Vec<Vec<Told>>, usize) {
    let directory = FooterDirectory::check(footer, HEAD.salt()).expect("it was just made");
    let end = directory.trailer().end;
    let mut stretches = 0;
    let parts = directory.parts().iter().enumerate().map(|(number, part)| {
        let start = (part.at - end) as usize;
        let bytes = &footer[start..start + part.len as usize];
        let section = directory.section(number, bytes, HEAD.salt()).expect("it was just made");
        let mut told = Vec::new();
        section.tell(12, &mut |item| match item {
            Item::Record { place, record, len } => told.push(Told::new(place, record, len)),
            Item::Messages(messages) => {
                stretches += 1;
                assert_eq!(messages.first_seq(), messages.columns().seq(messages.rows().start));
                told.extend(messages.each().map(|(place, record, len)| Told::new(place, &record, len)));
            }
        });
        assert_eq!(section.records(), told.len() as u64);
        told
    });
    (parts.collect(), stretches)
}

#[test]
fn a_segment_in_pieces_has_the_same_footer_and_little_of_it_is_read_at_once() {
    let (small, large) = (vec![7; 3_000], vec![7; 3 << 20]);
    let batches = (0..400).map(|n| {
        let payload = if n == 200 { &large } else { &small };
        let message = |seq| message(n % 3, u64::from(seq), b"orders.new", payload);
        (None, vec![message(2 * n), message(2 * n + 1)])
    });
    let file = segment(&batches.collect::<Vec<_>>());
    let (end, next) = (file.len() as u32, Lsn(file.len() as u64));
    let (footer, most) = footer_of_pieces(&file, end, next);
    assert_eq!(footer, FooterWriter::of_segment(&file, end, next, HEAD.salt()));
    assert!(most < 8 << 20, "{most} bytes at once of {end}");
}

#[test]
fn a_footer_says_what_is_in_its_segment() {
    let file = sample();
    let bytes = footer_of(&file);
    let directory = FooterDirectory::check(&bytes, HEAD.salt()).expect("it was just made");
    let trailer = directory.trailer();
    assert_eq!((trailer.end as usize, trailer.records), (file.len(), 6));
    assert_eq!(trailer.next, Lsn(8_192 + 1_024));
    let copied: Vec<Option<Copied>> =
        directory.parts().iter().map(|part| part.copied.map(|batch| batch.copied)).collect();
    assert_eq!(copied, [None, Some(Copied { origin: 4, offset: 5_000, from: 9 })]);

    let (parts, _) = told(&bytes);
    let seen: Vec<_> = parts[0].iter().map(|one| (one.group, one.kind, one.seq)).collect();
    let message = Kind::MESSAGE;
    assert_eq!(seen, [(2, message, 7), (2, message, 8), (2, Kind::REMOVE, 7), (3, message, 1)]);
    assert_eq!((parts[0][1].ttl, parts[0][1].message_id), (Some(60), Some([9; 16])));
    assert!(parts[0][1].has_header && parts[0][1].header == b"NATS/1.0\r\n\r\n");
    let seen: Vec<_> = parts[1].iter().map(|one| (one.group, one.seq, one.subject.as_slice())).collect();
    assert_eq!(seen, [(1, 70, &b"b"[..]), (1, 90, b"b")]);
    // Each leads to its record.
    for one in parts.iter().flatten() {
        let (record, _) = Record::read(&file[one.place.offset as usize..], HEAD.salt()).expect("it is there");
        assert_eq!(*one, Told::new(one.place, &record, record.written_len()));
    }
}

#[test]
fn a_footer_says_which_segments_are_retired() {
    let retire = Record { kind: Kind::RETIRE, ..message(0, 7, b"", b"") };
    let file = segment(&[(None, vec![message(1, 1, b"a", b"x"), retire])]);
    let directory = FooterDirectory::check(&footer_of(&file), HEAD.salt()).expect("it was just made");
    let at = directory.retires().to_vec();
    let (record, _) = Record::read(&file[at[0].1 as usize..], HEAD.salt()).expect("it is there");
    assert_eq!((at.len(), at[0].0, record.kind), (1, 7, Kind::RETIRE));
}

#[test]
fn every_flipped_bit_is_found() {
    let good = footer_of(&sample());
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(FooterDirectory::check(&bytes, HEAD.salt()).is_err(), "bit {bit}");
    }
}

#[test]
fn what_is_cut_or_another_segments_is_no_footer() {
    let good = footer_of(&sample());
    for len in 0..good.len() {
        assert!(FooterDirectory::check(&good[..len], HEAD.salt()).is_err(), "{len} bytes");
        assert!(
            FooterDirectory::check(&good[good.len() - len..], HEAD.salt()).is_err(),
            "the last {len} bytes"
        );
    }
    let other = SegmentHead { number: 13, ..HEAD };
    assert_eq!(FooterDirectory::check(&good, other.salt()).err(), Some(NoFooter::None));
}

#[test]
fn many_messages_take_little() {
    let subjects: Vec<String> = (0..7).map(|number| format!("s.{number}")).collect();
    let records: Vec<Record<'_>> =
        (1..10_000).map(|seq| message(1, seq, subjects[seq as usize % 7].as_bytes(), b"")).collect();
    let file = segment(&[(None, records)]);
    let bytes = footer_of(&file);
    let (parts, stretches) = told(&bytes);
    assert!(parts[0].iter().map(|one| one.seq).eq(1..10_000));
    assert_eq!(stretches, 3);
    // Three bits of subject a row, and hardly more.
    assert!(bytes.len() < 5_000, "{} bytes", bytes.len());
}

#[test]
fn what_would_be_copied_for_the_most_part_is_not_told() {
    let long = vec![7; 50_000];
    let state = Record { kind: Kind::CONSUMER_STATE, ..message(2, 1, b"", &long) };
    let file = segment(&[(None, vec![message(1, 1, b"a", b"x"), state, state, state])]);
    let bytes = footer_of(&file);
    let directory = FooterDirectory::check(&bytes, HEAD.salt()).expect("it was just made");
    let part = directory.parts()[0];
    assert_eq!((part.is_told, part.records, part.len), (false, 4, 0));
    assert!(bytes.len() < 300, "{} bytes", bytes.len());
}

/// So whoever reads it hears of that.
#[test]
fn what_rotted_before_is_not_told() {
    let mut file = sample();
    let at = file.windows(3).position(|window| window == b"old").expect("it is one of them");
    file[at] ^= 1;
    let directory = FooterDirectory::check(&footer_of(&file), HEAD.salt()).expect("it was just made");
    assert!(directory.parts().iter().all(|part| !part.is_told));
    let bytes = FooterWriter::of_segment(&sample(), sample().len() as u32 + 512, Lsn(0), HEAD.salt());
    let trailer = Trailer::read(&bytes, HEAD.salt()).expect("it was just made");
    let directory = &bytes[(trailer.directory - trailer.end) as usize..];
    let directory = FooterDirectory::read(directory, HEAD.salt()).expect("it was just made");
    assert_eq!(directory.parts().iter().map(|part| part.is_told).collect::<Vec<_>>(), [false, true]);
}

/// The bytes of version 1 are these for good.
#[test]
fn the_segments_of_version_1_are_what_they_were() {
    let mut file = sample();
    let golden = |name: &str| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/");
        std::fs::read(path.to_owned() + name).expect("it is in the repository")
    };
    let old = golden("segment-v1.bin");
    assert!(old.starts_with(&file), "batches are not written as version 1 was");
    assert_eq!(SegmentHead::read(&old), Ok(HEAD));
    let trailer = Trailer::read(&old, HEAD.salt()).expect("it is sealed");
    assert_eq!((trailer.end as usize, trailer.has_rows()), (file.len(), false));
    assert_eq!(FooterDirectory::check(&old[file.len()..], HEAD.salt()).err(), Some(NoFooter::Older));

    let footer = footer_of(&file);
    file.extend_from_slice(&footer);
    assert!(golden("segment-v1-footer-v2.bin") == file, "a footer is not written as version 2 was");
}

prop_compose! {
    fn any_message()(
        group in 1_u32..4, subject in 0_usize..3, ttl in proptest::option::weighted(0.1, any::<i64>()),
        id in proptest::option::weighted(0.1, any::<[u8; 16]>()), header in 0_usize..8, payload in 0_usize..40,
        gap in 0_u64..3, pause in 0_i64..9, kind in 0_u8..12,
    ) -> (Record<'static>, u64, i64) {
        const HEADERS: [&[u8]; 3] = [b"NATS/1.0\r\nA: b\r\n\r\n", b"NATS/1.0\r\nNats-Rollup: sub\r\n\r\n", b"NATS/1.0"];
        let record = Record {
            kind: if kind == 0 { Kind::REMOVE } else { Kind::MESSAGE },
            ttl,
            message_id: id,
            header: HEADERS.get(header).copied().unwrap_or_default(),
            ..message(group, 0, [&b"a.b"[..], b"c", b""][subject], &[7; 40][..payload])
        };
        (record, gap, pause)
    }
}

proptest! {
    #[test]
    fn a_footer_tells_all_in_order(
        messages in proptest::collection::vec(any_message(), 1..200), cut in 1_usize..100, falls in 0_usize..200,
    ) {
        let (mut next, mut time) = (1, 0);
        let mut records: Vec<Record<'_>> = messages.iter().map(|(record, gap, pause)| {
            (next, time) = (next + 1 + gap, time + pause);
            Record { seq: next, time, ..*record }
        }).collect();
        // Nobody appends them so; a log could.
        if let Some(record) = records.get_mut(falls) {
            (record.seq, record.time) = (1, -5);
        }
        let copied = Copied { origin: 4, offset: 5_000, from: 9 };
        let (first, rest) = records.split_at(cut.min(records.len()));
        let file = segment(&[(None, first.to_vec()), (Some(copied), rest.to_vec())]);
        let (parts, _) = told(&footer_of(&file));
        for (told, records) in parts.iter().zip([first, rest]) {
            prop_assert_eq!(told.len(), records.len());
            for group in 1..4 {
                let of_group: Vec<&Told> = told.iter().filter(|one| one.group == group).collect();
                let expected: Vec<&Record<'_>> = records.iter().filter(|one| one.group == group).collect();
                prop_assert_eq!(of_group.len(), expected.len());
                for (one, record) in of_group.into_iter().zip(expected) {
                    prop_assert_eq!(one, &Told::new(one.place, record, record.written_len()));
                }
            }
            let others: Vec<(u32, u64)> = told.iter().filter(|one| one.kind != Kind::MESSAGE).map(|one| (one.group, one.seq)).collect();
            let expected: Vec<(u32, u64)> = records.iter().filter(|one| one.kind != Kind::MESSAGE).map(|one| (one.group, one.seq)).collect();
            prop_assert_eq!(others, expected);
        }
    }

    #[test]
    fn pieces_tell_what_the_whole_does_whatever_rotted(
        messages in proptest::collection::vec(any_message(), 1..100), each in 1_usize..30,
        rotten in proptest::option::of((0_usize..20_000, 1_u8..)), beyond in 0_u32..2,
    ) {
        let records: Vec<Record<'_>> = messages.iter().zip(1..).map(|((record, _, _), seq)| Record { seq, ..*record }).collect();
        let mut file = segment(&records.chunks(each).map(|some| (None, some.to_vec())).collect::<Vec<_>>());
        let end = file.len() as u32 + beyond * 512;
        if let Some((at, bits)) = rotten {
            let at = at % file.len();
            file[at] ^= bits;
        }
        let whole = FooterWriter::of_segment(&file, end, Lsn(5), HEAD.salt());
        prop_assert_eq!(footer_of_pieces(&file, end, Lsn(5)).0, whole);
    }

    #[test]
    fn whatever_the_bytes_are_they_are_read(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), cut: u16) {
        let good = footer_of(&sample());
        let cut = usize::from(cut) % good.len();
        bytes.extend_from_slice(&good[cut..]);
        let _ = FooterDirectory::check(&bytes, HEAD.salt());
    }
}
