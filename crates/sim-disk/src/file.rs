//! One file, and what of it is safe.

use super::random::Random;

/// Bytes that are written or not, all of them.
const SECTOR: usize = 512;

#[derive(Debug, Default)]
pub(super) struct File {
    /// What a power cut leaves in any case.
    safe: Vec<u8>,
    /// What is read.
    now: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Debug)]
struct Pending {
    offset: usize,
    bytes: Vec<u8>,
}

impl File {
    pub(super) fn now(&self) -> &[u8] {
        &self.now
    }

    pub(super) fn write(&mut self, offset: usize, bytes: Vec<u8>) {
        put(&mut self.now, offset, &bytes);
        self.pending.push(Pending { offset, bytes });
    }

    /// The length is not parted: it is on the disk with the next sync, or when power is cut.
    pub(super) fn set_len(&mut self, len: usize) {
        self.now.resize(len, 0);
    }

    pub(super) fn sync(&mut self) {
        self.pending.clear();
        self.safe.clone_from(&self.now);
    }

    /// What was not synced is kept, lost, torn, and put in any order.
    pub(super) fn lose_power(&mut self, random: &mut Random) {
        let mut left = std::mem::take(&mut self.pending);
        if random.in_a_thousand(500) {
            let len = self.now.len();
            self.safe.resize(len, 0);
        }
        while !left.is_empty() {
            let index = random.below(left.len() as u64) as usize;
            let Pending { offset, bytes } = left.swap_remove(index);
            match random.below(4) {
                0 => {}
                1 => put(&mut self.safe, offset, &bytes),
                2 => {
                    let cut = cut(offset, bytes.len(), random);
                    put(&mut self.safe, offset, &bytes[..cut]);
                }
                _ => keep_some_sectors(&mut self.safe, offset, &bytes, random),
            }
        }
        self.now.clone_from(&self.safe);
    }

    pub(super) fn rot(&mut self, offset: usize, change: impl FnOnce(&mut [u8])) {
        if offset < self.now.len() {
            change(&mut self.now[offset..]);
        }
        self.safe.clone_from(&self.now);
        self.pending.clear();
    }
}

/// Where a write ends that was not done to its end. A disk writes whole sectors: of what goes over parts of them nothing
/// else comes about. Where batches are appended it is as hard as it can be.
fn cut(offset: usize, len: usize, random: &mut Random) -> usize {
    let cut = random.below(len as u64 + 1) as usize;
    let is_of_sectors = offset.is_multiple_of(SECTOR) && len.is_multiple_of(SECTOR);
    if is_of_sectors || cut == len { cut } else { cut.saturating_sub((offset + cut) % SECTOR) }
}

/// Of those behind each other some are there and some are not.
fn keep_some_sectors(file: &mut Vec<u8>, offset: usize, bytes: &[u8], random: &mut Random) {
    let (first, others) = bytes.split_at((SECTOR - offset % SECTOR).min(bytes.len()));
    let mut at = offset;
    for sector in std::iter::once(first).chain(others.chunks(SECTOR)) {
        if random.in_a_thousand(500) {
            put(file, at, sector);
        }
        at += sector.len();
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}
