//! What a message counts for: as much as nats-server says, whatever it takes here.

use js_proto::Storage;
use log_format::RECORD_HEAD_BYTES;
use stream_index::SizeRule;

/// Larger ones are refused by streams on disk, as nats-server does.
pub(crate) const FILE_MESSAGE_BYTES_MAX: u64 = 32 << 20;

/// Bytes of a message, as they are counted.
pub(crate) fn message_size(storage: Storage, subject: usize, header: usize, payload: usize) -> u64 {
    let parts = (subject + header + payload) as u64;
    match storage {
        Storage::Memory => parts + 16,
        Storage::File if header == 0 => parts + 30,
        Storage::File => parts + 34,
    }
}

/// The same of a message in a file, by the bytes of its record, if that has neither a lifetime nor an id.
pub(crate) const RECORD_SIZES: SizeRule =
    SizeRule { without_header: 30 - RECORD_HEAD_BYTES as i64, with_header: 34 - RECORD_HEAD_BYTES as i64 };

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded: `stream-info-deleted` and its twin in memory.
    #[test]
    fn sizes_are_those_of_the_two_stores() {
        assert_eq!(message_size(Storage::Memory, 3, 0, 100), 119);
        assert_eq!(message_size(Storage::File, 3, 0, 1), 34);
        assert_eq!(message_size(Storage::File, 3, 12, 1), 50);
    }
}
