//! The bodies of the fuzz targets: what must hold for any bytes at all.
//!
//! They are plain functions that panic when something does not hold, so a saved crash becomes a unit test by calling
//! them with the saved bytes.

use s2_stream::{Reader, Step};

use crate::{
    BlockStep, BlockWriter, ConsumerState, Item, Kind, Message, Part, RecordHash, StreamState, TarReader,
    unpack_block,
};

/// Bytes of an archive that are looked at: a stream may come to a thousand times what it takes.
const ARCHIVE_BYTES_MAX: usize = 1 << 20;

/// Reads `data` as an archive that is packed: nothing comes of it that cannot be handed on, and how it is cut does not matter.
pub fn archive(data: &[u8]) {
    let whole = files(data, data.len().max(1));
    assert_eq!(files(data, 61), whole, "in pieces");
}

fn files(data: &[u8], cut: usize) -> Vec<(Vec<u8>, u64)> {
    let (mut packed, mut tar) = (Reader::new(), TarReader::new());
    let (mut found, mut taken) = (Vec::new(), 0);
    for piece in data.chunks(cut) {
        packed.feed(piece);
        loop {
            match packed.step(4096) {
                Ok(Step::Plain(bytes)) if taken < ARCHIVE_BYTES_MAX => {
                    taken += bytes.len();
                    if !take_items(&mut tar, bytes, &mut found) {
                        return found;
                    }
                }
                Ok(Step::NotYet) => {}
                Ok(Step::NeedMore) => break,
                Ok(Step::Plain(_)) | Err(_) => return found,
            }
        }
    }
    found
}

fn take_items(tar: &mut TarReader, mut bytes: &[u8], found: &mut Vec<(Vec<u8>, u64)>) -> bool {
    loop {
        let Ok((used, item)) = tar.step(bytes) else { return false };
        bytes = &bytes[used..];
        match item {
            Item::File { path, len } => {
                let part = Part::of(&path);
                assert_eq!(Part::of(part.path().as_bytes()), part);
                found.push((path, len));
            }
            Item::NeedMore | Item::End => return bytes.is_empty(),
            Item::Bytes(_) | Item::FileEnd => {}
        }
    }
}

/// Reads `data` as a block of the stream `S`: messages that are found come out the same when they are written.
pub fn block(data: &[u8]) {
    let Ok(data) = unpack_block(data.to_vec()) else { return };
    let hash = RecordHash::of_block("S", 1);
    let mut rest = &data[..];
    while let Ok(BlockStep::Record { used, record }) = hash.step(rest) {
        if record.kind == Kind::Message && (record.header.is_empty() == (rest[3] & 0x80 == 0)) {
            let mut block = BlockWriter::new(hash.clone());
            let (seq, time) = (record.seq, record.time);
            let (subject, header, payload) = (record.subject, record.header, record.payload);
            block.message(&Message { seq, time, subject, header, payload });
            assert_eq!(block.bytes(), &rest[..used]);
        }
        rest = &rest[used..];
    }
}

/// Reads `data` as `o.dat` and as `index.db` of the stream `S`: what a consumer's state says comes out the same when it is
/// written.
pub fn state(data: &[u8]) {
    if let Ok(state) = ConsumerState::read(data) {
        let file = state.write();
        assert_eq!(ConsumerState::read(&file).expect("it was written just now").write(), file);
    }
    if let Ok(state) = StreamState::read("S", data) {
        assert!(!state.has(state.last_seq.saturating_add(1)) || state.last_seq == u64::MAX);
    }
}
