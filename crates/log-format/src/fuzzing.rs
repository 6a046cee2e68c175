//! The bodies of the fuzz targets: what must hold for any bytes at all.
//!
//! They are plain functions that panic when something does not hold, so a saved crash becomes a unit test by calling
//! them with the saved bytes.

use crate::{
    BATCH_HEAD_BYTES, FooterDirectory, FooterWriter, Found, Item, Lsn, SEGMENT_HEAD_BYTES, Salt, Scan,
    SegmentHead, TRAILER_BYTES, Trailer,
};

/// Those of the segments of testdata, so that they are seeds.
const SALT: Salt = Salt::of_segment(b"a store of tests", 12);

/// Scans `data` as the batches of a segment: what is found is in order, does not overlap, and a footer can be made of it.
pub fn scan(data: &[u8]) {
    let mut end = 0;
    let mut records = 0;
    for found in Scan::new(data, SALT) {
        let (at, len) = match found {
            Found::Batch { at, .. } => (at, BATCH_HEAD_BYTES),
            Found::Record { at, record } => {
                records += 1;
                (at, record.written_len())
            }
            Found::Damaged { at, len, .. } => (at, len),
        };
        assert!(at >= end && len > 0 && at + len <= data.len().max(end), "{found:?} behind {end}");
        end = at + len;
    }
    let mut file = vec![0; SEGMENT_HEAD_BYTES];
    file.extend_from_slice(data);
    let footer = FooterWriter::of_segment(&file, file.len() as u32, Lsn(0), SALT);
    let directory = FooterDirectory::check(&footer, SALT).expect("all of it was just made");
    assert_eq!(directory.trailer().records, records);
}

/// Reads `data` as the first page of a segment and as its footer.
pub fn footer(data: &[u8]) {
    if let Ok(head) = SegmentHead::read(data) {
        assert_eq!(head.page()[..], data[..SEGMENT_HEAD_BYTES]);
    }
    let Ok(trailer) = Trailer::read(data, SALT) else { return };
    let from = data.len().saturating_sub(TRAILER_BYTES).min(trailer.end as usize);
    for from in [0, from] {
        let _ = FooterDirectory::read(&data[from..], SALT);
        if let Ok(directory) = FooterDirectory::check(&data[from..], SALT) {
            tell(&directory, &data[from..]);
        }
    }
}

/// Has all told that a footer tells of.
fn tell(directory: &FooterDirectory, footer: &[u8]) {
    for (number, part) in directory.parts().iter().enumerate() {
        let start = (part.at - directory.trailer().end) as usize;
        let section = &footer[start..start + part.len as usize];
        let section = directory.section(number, section, SALT).expect("it was checked");
        let mut records = 0;
        section.tell(1, &mut |item| match item {
            Item::Record { .. } => records += 1,
            Item::Messages(messages) => records += messages.each().count() as u64,
        });
        assert_eq!(records, section.records());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_take_what_is_whole_and_what_is_not() {
        let golden = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/segment-v1-footer-v2.bin"));
        let golden = golden.expect("it is in the repository");
        scan(&golden[SEGMENT_HEAD_BYTES..]);
        for data in [&golden[..], &golden[..100], b""] {
            scan(data);
            footer(data);
        }
    }
}
