//! Bytes of files on their way, where files are encrypted.
//!
//! A log thinks of plain files. What it asks for is read in whole sectors, and opened; what it has written is sealed.

use std::io;

use log_crypt::{Nonces, PAGE_BYTES, SEALED_SECTOR_BYTES, SECTOR_BYTES, SegmentKey, Stretch};
use rustix::rand::{GetRandomFlags, getrandom};
use stream_log::Write;

/// Sectors that are read and opened at once.
const SECTORS_MAX: usize = 1 << 11;

/// What the kernel keeps as one: a write that ends with it spares the kernel a read.
const PAGE_CACHE_BYTES: u64 = 4 << 10;

/// The plain bytes of a span: fewer if the file is shorter. `raw` reads what is in the file.
pub(super) fn decrypted<E>(
    key: &SegmentKey,
    offset: u32,
    len: u32,
    mut raw: impl FnMut(u64, usize) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    let (offset, len) = (u64::from(offset), len as usize);
    let in_page = PAGE_BYTES.saturating_sub(offset).min(len as u64) as usize;
    let mut bytes = if in_page > 0 { raw(offset, in_page)? } else { Vec::new() };
    if in_page == len || bytes.len() < in_page {
        return Ok(bytes);
    }
    let Stretch { mut first, offset: mut at, len: mut left, skipped } =
        Stretch::of(offset + in_page as u64, len - in_page);
    while left > 0 {
        let asked = left.min(SECTORS_MAX * SEALED_SECTOR_BYTES);
        let stored = raw(at, asked)?;
        key.open(first, &stored, &mut bytes);
        if stored.len() < asked {
            break;
        }
        (first, at, left) = (first + SECTORS_MAX as u32, at + asked as u64, left - asked);
    }
    let behind = bytes.len().min(in_page + skipped);
    bytes.drain(in_page..behind);
    bytes.truncate(len);
    Ok(bytes)
}

/// What is to be written in the place of plain bytes, and where. They begin and end with sectors, but for those that end
/// the file.
pub(super) fn encrypted(key: &SegmentKey, offset: u32, plain: &[u8]) -> io::Result<(u64, Vec<u8>)> {
    let in_page = PAGE_BYTES.saturating_sub(u64::from(offset)).min(plain.len() as u64) as usize;
    let (page, behind) = plain.split_at(in_page);
    let stretch = Stretch::of(u64::from(offset).max(PAGE_BYTES), behind.len());
    assert_eq!(stretch.skipped, 0, "a log writes sectors");
    let mut stored = page.to_vec();
    key.seal(stretch.first, behind, &mut nonces()?, &mut stored);
    let at = if in_page > 0 { u64::from(offset) } else { stretch.offset };
    Ok((at, stored))
}

/// The same of a write of batches, to a file of so many bytes.
pub(super) fn encrypted_write(key: &SegmentKey, write: &Write, file_len: u64) -> io::Result<(u64, Vec<u8>)> {
    let plain = plain_bytes(write);
    let (at, mut stored) = encrypted(key, write.offset, &plain)?;
    let end = at + stored.len() as u64;
    let padded = end.next_multiple_of(PAGE_CACHE_BYTES).min(file_len).max(end);
    stored.resize((padded - at) as usize, 0);
    Ok((at, stored))
}

/// The same of bytes that replace some within sectors that are there. `old` reads those sectors, opened.
pub(super) fn encrypted_overwrite(
    key: &SegmentKey,
    write: &Write,
    old: impl FnOnce(u32, u32) -> io::Result<Vec<u8>>,
) -> io::Result<(u32, Vec<u8>)> {
    let plain = plain_bytes(write);
    let Stretch { first, len, skipped, .. } = Stretch::of(u64::from(write.offset), plain.len());
    let sectors = (len / SEALED_SECTOR_BYTES * SECTOR_BYTES) as u32;
    let mut bytes = old(write.offset - skipped as u32, sectors)?;
    let place = bytes.get_mut(skipped..skipped + plain.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
    place.copy_from_slice(&plain);
    let mut stored = Vec::new();
    key.seal(first, &bytes, &mut nonces()?, &mut stored);
    Ok((first, stored))
}

fn plain_bytes(write: &Write) -> Vec<u8> {
    let mut plain = Vec::with_capacity(write.pieces.iter().map(|piece| piece.len()).sum());
    write.pieces.iter().for_each(|piece| plain.extend_from_slice(piece));
    plain
}

fn nonces() -> io::Result<Nonces> {
    let mut random = [0; 12];
    if getrandom(&mut random[..], GetRandomFlags::empty())? != random.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Nonces::starting_at(random))
}
