//! The bytes of a snapshot as they come to be: files in an archive, packed piece by piece.

use foreign_store::{TAR_END, tar_head, tar_padding};
use s2_stream::{PIECE_BYTES_MAX, Strength, Writer};

/// An archive that is being written.
#[derive(Debug)]
pub(crate) struct Archive {
    packer: Writer,
    /// What is not packed yet: less than a piece.
    plain: Vec<u8>,
    /// What is packed and was not taken, from that byte on.
    packed: Vec<u8>,
    taken: usize,
    /// Seconds since 1970, for all files.
    time: u64,
}

impl Archive {
    pub(crate) fn new(time: u64) -> Self {
        let packer = Writer::new(Strength::Packed);
        Self { packer, plain: Vec::new(), packed: Vec::new(), taken: 0, time }
    }

    /// A file of so many bytes begins.
    pub(crate) fn begin_file(&mut self, path: &str, len: usize) {
        let head = tar_head(path, len as u64, self.time);
        self.write(&head);
    }

    /// A file of so many bytes is whole.
    pub(crate) fn end_file(&mut self, len: usize) {
        let padding = tar_padding(len as u64);
        self.write(&TAR_END[..padding]);
    }

    /// A small file.
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) {
        self.begin_file(path, bytes.len());
        self.write(bytes);
        self.end_file(bytes.len());
    }

    /// Some bytes of a file.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (some, rest) = bytes.split_at(bytes.len().min(PIECE_BYTES_MAX - self.plain.len()));
            self.plain.extend_from_slice(some);
            bytes = rest;
            if self.plain.len() == PIECE_BYTES_MAX {
                self.pack();
            }
        }
    }

    /// There are no more files.
    pub(crate) fn end(&mut self) {
        self.write(&TAR_END);
        self.pack();
    }

    fn pack(&mut self) {
        self.packer.write(&self.plain, &mut self.packed);
        self.plain.clear();
    }

    /// Bytes that are packed and were not taken.
    pub(crate) fn ready(&self) -> usize {
        self.packed.len() - self.taken
    }

    /// Takes so many of them, or what there is.
    pub(crate) fn take(&mut self, most: usize) -> Vec<u8> {
        let end = self.packed.len().min(self.taken + most);
        let taken = self.packed[self.taken..end].to_vec();
        self.taken = end;
        // What is left is less than what was taken, as a rule.
        if self.ready() <= self.taken {
            self.packed.drain(..std::mem::take(&mut self.taken));
        }
        taken
    }
}
