use log_format::{Kind, SegmentHead};

use super::*;

fn page(config: &Config, number: u64) -> Vec<u8> {
    let head = SegmentHead {
        store: config.store,
        log: config.log,
        key: 0,
        number,
        first: Lsn(0),
        cut: Lsn(0),
        len: 1 << 20,
        before: 0,
    };
    head.page().to_vec()
}

/// What comes of a file with these bytes.
fn opened(config: Config, number: u32, bytes: &[u8]) -> Result<(Log, Report), NoLog> {
    let mut recovery = Recovery::new(config, [(number, bytes.len() as u64)]);
    while let Some(span) = recovery.want() {
        let end = (span.offset + span.len) as usize;
        let read = bytes[span.offset as usize..end.min(bytes.len())].to_vec();
        recovery.on_bytes(Ok(read), &mut |_| {})?;
    }
    Ok(recovery.finish())
}

#[test]
fn a_store_without_files_is_an_empty_log() {
    let mut recovery = Recovery::new(Config::new([7; 16], 0), []);
    assert_eq!(recovery.want(), None);
    let (mut log, report) = recovery.finish();
    assert_eq!((report, log.bytes()), (Report::default(), (0, 0)));
    assert_eq!(log.take_event(), Some(crate::Event::Synced(Lsn(0))));
}

#[test]
fn foreign_and_newer_files_are_refused_and_named() {
    let config = Config::new([7; 16], 0);
    let foreign = page(&Config::new([8; 16], 0), 3);
    assert_eq!(opened(config.clone(), 3, &foreign).err(), Some(NoLog::Foreign(3)));
    let other_log = page(&Config::new([7; 16], 1), 3);
    assert_eq!(opened(config.clone(), 3, &other_log).err(), Some(NoLog::Foreign(3)));
    let mut newer = page(&config, 3);
    newer[8] = 2;
    let sum = log_format_sum(&newer[..76]);
    newer[76..80].copy_from_slice(&sum.to_le_bytes());
    let refused = opened(config.clone(), 3, &newer).expect_err("it is newer");
    assert_eq!(refused.to_string(), "segment 3: segment of format version 2; this server reads version 1");
    let error = DiskError { is_full: false, text: "3.seg: Permission denied".into() };
    let mut recovery = Recovery::new(config, [(3, 10)]);
    recovery.want();
    let refused = recovery.on_bytes(Err(error), &mut |_| {}).expect_err("it cannot be read");
    assert_eq!(refused.to_string(), "segment 3: 3.seg: Permission denied");
}

/// CRC32C, bit by bit.
fn log_format_sum(bytes: &[u8]) -> u32 {
    let mut sum = !0_u32;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    !sum
}

#[test]
fn files_that_never_became_segments_are_taken_away_and_their_numbers_not_used_again() {
    let config = Config::new([7; 16], 0);
    let recycled = page(&config, 2);
    for bytes in [&[0; 8_192][..], &[], &recycled] {
        let (mut log, _) = opened(config.clone(), 5, bytes).expect("it is ours");
        assert_eq!(log.take_request(), Some(Request::Remove(5)));
        log.prepare();
        assert!(matches!(log.take_request(), Some(Request::Make(make)) if make.number == 6));
    }
}

/// The segments of testdata have to be read for good: of version 1, with footers of both versions.
#[test]
fn logs_of_version_1_are_read() {
    for (name, is_told) in [("segment-v1.bin", false), ("segment-v1-footer-v2.bin", true)] {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../log-format/testdata/");
        let bytes = std::fs::read(path.to_owned() + name).expect("it is in the repository");
        let (found, mut log, report) = find(&bytes);
        assert_eq!((report.lost_count, report.records), (0, 6));
        assert_eq!(report.old_footers.is_empty(), is_told);
        let seen: Vec<_> = found.iter().map(|(kind, group, seq, _)| (*kind, *group, *seq)).collect();
        let message = Kind::MESSAGE;
        // Copies come first: they are of an earlier segment. A footer tells of what is no message when it has told of
        // the messages of its group.
        let (last, behind) = ((message, 3, 1), (Kind::REMOVE, 2, 7));
        let expected = if is_told {
            [(message, 1, 70), (message, 1, 90), (message, 2, 7), (message, 2, 8), behind, last]
        } else {
            [(message, 1, 70), (message, 1, 90), (message, 2, 7), last, (message, 2, 8), behind]
        };
        assert_eq!(seen, expected);
        let place = found.iter().find(|one| (one.1, one.2) == (2, 8)).expect("it is there").3;
        assert_eq!(log.read(place), crate::Read::Wait);
        let request = std::iter::from_fn(|| log.take_request()).find_map(|request| match request {
            Request::Read(span) => Some(span),
            _ => None,
        });
        let span = request.expect("a read is wanted");
        let read = bytes[span.offset as usize..(span.offset + span.len) as usize].to_vec();
        log.on_answer(crate::Answer::Read(span, Ok(read)));
        assert!(matches!(log.read(place), crate::Read::Record(record) if record.payload == b"rich"));
    }
}

type FoundOne = (Kind, u32, u64, Place);

fn find(bytes: &[u8]) -> (Vec<FoundOne>, Log, Report) {
    let mut recovery = Recovery::new(Config::new(*b"a store of tests", 1), [(12, bytes.len() as u64)]);
    let mut found = Vec::new();
    while let Some(span) = recovery.want() {
        let read = bytes[span.offset as usize..(span.offset + span.len) as usize].to_vec();
        let taken = recovery.on_bytes(Ok(read), &mut |item| match item {
            Item::Record { place, record, .. } => found.push((record.kind, record.group, record.seq, place)),
            Item::Messages(messages) => {
                found.extend(messages.each().map(|(place, one, _)| (one.kind, one.group, one.seq, place)))
            }
        });
        taken.expect("it can be read");
    }
    let (log, report) = recovery.finish();
    (found, log, report)
}
