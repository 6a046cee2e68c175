//! The bodies of the fuzz targets: what must hold for any bytes at all.
//!
//! They are plain functions that panic when something does not hold, so a saved crash becomes a unit test by calling
//! them with the saved bytes.

use crate::{
    BATCH_HEAD_BYTES, Footer, FooterWriter, Found, Lsn, SEGMENT_HEAD_BYTES, Salt, Scan, SegmentHead,
    TRAILER_BYTES, Trailer,
};

/// Those of testdata/segment-v1.bin, so that it is a seed.
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
    let footer = Footer::read(&footer, SALT).expect("it was just made");
    footer.check().expect("all of it was just made");
    assert_eq!(footer.trailer().records, records);
}

/// Reads `data` as the first page of a segment and as its footer.
pub fn footer(data: &[u8]) {
    if let Ok(head) = SegmentHead::read(data) {
        assert_eq!(head.page()[..], data[..SEGMENT_HEAD_BYTES]);
    }
    let Ok(trailer) = Trailer::read(data, SALT) else { return };
    let from = data.len().saturating_sub(TRAILER_BYTES).min(trailer.end as usize);
    for from in [0, from] {
        if let Ok(footer) = Footer::read(&data[from..], SALT) {
            let _ = footer.check();
            assert!(footer.copies().count() <= data.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_take_what_is_whole_and_what_is_not() {
        let golden = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/segment-v1.bin"));
        let golden = golden.expect("it is in the repository");
        scan(&golden[SEGMENT_HEAD_BYTES..]);
        for data in [&golden[..], &golden[..100], b""] {
            scan(data);
            footer(data);
        }
    }
}
