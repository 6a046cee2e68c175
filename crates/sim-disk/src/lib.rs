//! A disk that loses power, for tests.
//!
//! It carries out requests in an order of the seed's, and answers them. What was written and not synced may be kept, lost,
//! torn at any byte, or come out of order when power is cut. Writes and syncs may fail, room may run out, and bytes
//! that were safe may rot when that is asked for. Everything comes from the seed.

#![forbid(unsafe_code)]

mod file;
mod random;

use std::collections::{BTreeMap, VecDeque};

use log_format::FooterWriter;

use stream_log::{Answer, DiskError, Make, Request, Seal, Span, Write};

use self::file::File;
pub use self::random::Random;

/// What goes wrong, in so many of a thousand cases.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Writes and syncs of batches that fail.
    pub failed_writes: u64,
    /// Reads that fail.
    pub failed_reads: u64,
    /// Syncs that fail of what a start found.
    pub failed_syncs: u64,
    /// Footers that cannot be written.
    pub failed_seals: u64,
    /// Bytes that all files may have together, if there is a limit.
    pub room: Option<u64>,
}

/// The files of one log.
#[derive(Debug)]
pub struct SimDisk {
    files: BTreeMap<u32, File>,
    writes: VecDeque<Request>,
    others: Vec<Request>,
    random: Random,
    /// What goes wrong from now on.
    pub faults: Faults,
    /// A write failed: none is done any more.
    has_failed: bool,
    /// Bytes that were written so far, footers and zeros included.
    pub written: u64,
}

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> Self {
        Self {
            files: BTreeMap::new(),
            writes: VecDeque::new(),
            others: Vec::new(),
            random: Random::new(seed),
            faults: Faults::default(),
            has_failed: false,
            written: 0,
        }
    }

    /// Takes a request.
    pub fn submit(&mut self, request: Request) {
        match request {
            Request::Write(_) => self.writes.push_back(request),
            _ => self.others.push(request),
        }
    }

    /// Carries out one of the requests that wait. `None`: there is none.
    pub fn step(&mut self) -> Option<Answer> {
        let request = self.next_request()?;
        Some(match request {
            Request::Write(write) => Answer::Written(self.write(&write)),
            Request::Read(span) => Answer::Read(span, self.read_or_fail(span)),
            Request::Make(make) => Answer::Made(make.number, self.make(make)),
            Request::Seal(seal) => Answer::Sealed(seal.number, self.seal(seal)),
            Request::Sync(number) => Answer::Synced(number, self.sync(number)),
            Request::Remove(number) => {
                self.files.remove(&number);
                Answer::Removed(number, Ok(()))
            }
        })
    }

    fn next_request(&mut self) -> Option<Request> {
        let (writes, others) = (self.writes.len().min(1), self.others.len());
        if writes + others == 0 {
            return None;
        }
        let index = self.random.below((writes + others) as u64) as usize;
        if index < others { Some(self.others.swap_remove(index)) } else { self.writes.pop_front() }
    }

    fn write(&mut self, write: &Write) -> Result<(), DiskError> {
        if self.has_failed {
            return Err(failure("writing", false));
        }
        self.has_failed = self.random.in_a_thousand(self.faults.failed_writes);
        // What failed may be on the disk all the same, or in part.
        let file = self.files.entry(write.segment).or_default();
        let mut offset = write.offset as usize;
        for piece in &write.pieces {
            self.written += piece.len() as u64;
            file.write(offset, piece.to_vec());
            offset += piece.len();
        }
        if self.has_failed {
            return Err(failure("writing", false));
        }
        if write.sync {
            file.sync();
        }
        Ok(())
    }

    /// Bytes whose sync failed may never be safe, and are read all the same.
    fn sync(&mut self, number: u32) -> Result<(), DiskError> {
        if self.random.in_a_thousand(self.faults.failed_syncs) {
            return Err(failure("syncing", false));
        }
        self.file(number).sync();
        Ok(())
    }

    fn read_or_fail(&mut self, span: Span) -> Result<Vec<u8>, DiskError> {
        if self.random.in_a_thousand(self.faults.failed_reads) {
            return Err(failure("reading", false));
        }
        Ok(self.read(span))
    }

    /// Bytes as they are now; fewer if the file is shorter.
    pub fn read(&self, span: Span) -> Vec<u8> {
        let Some(file) = self.files.get(&span.segment) else { return Vec::new() };
        let from = (span.offset as usize).min(file.now().len());
        let to = (span.offset as usize + span.len as usize).min(file.now().len());
        file.now()[from..to].to_vec()
    }

    fn make(&mut self, make: Make) -> Result<(), DiskError> {
        let recycled = make.recycle.and_then(|old| self.files.get(&old)).map_or(0, |file| file.now().len());
        let grows = (make.len as usize).saturating_sub(recycled) as u64;
        if self.faults.room.is_some_and(|room| self.bytes() + grows > room) {
            return Err(failure("making", true));
        }
        self.written += if make.zero { grows } else { 0 };
        let mut file = make.recycle.and_then(|old| self.files.remove(&old)).unwrap_or_default();
        file.set_len(file.now().len().max(make.len as usize));
        file.sync();
        self.files.insert(make.number, file);
        Ok(())
    }

    fn seal(&mut self, seal: Seal) -> Result<(), DiskError> {
        if self.random.in_a_thousand(self.faults.failed_seals) {
            return Err(failure("sealing", true));
        }
        let bytes = self.file(seal.number).now().to_vec();
        let footer = FooterWriter::of_segment(&bytes, seal.end, seal.next, seal.salt);
        self.written += footer.len() as u64;
        let file = self.file(seal.number);
        file.set_len(seal.end as usize + footer.len());
        file.write(seal.end as usize, footer);
        if let Some(page) = seal.page {
            file.write(0, page.to_vec());
        }
        file.sync();
        Ok(())
    }

    fn file(&mut self, number: u32) -> &mut File {
        self.files.entry(number).or_default()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.now().len() as u64).sum()
    }

    /// The files there are, and how long they are.
    pub fn files(&self) -> Vec<(u32, u64)> {
        self.files.iter().map(|(number, file)| (*number, file.now().len() as u64)).collect()
    }

    /// Power is cut, and comes back. Requests that wait are not done, but for some that were under way.
    pub fn cut_power(&mut self) {
        self.do_some_in_part();
        self.writes.clear();
        self.others.clear();
        self.has_failed = false;
        for file in self.files.values_mut() {
            file.lose_power(&mut self.random);
        }
    }

    fn do_some_in_part(&mut self) {
        if let Some(Request::Write(mut write)) = self.writes.pop_front()
            && self.random.in_a_thousand(500)
        {
            write.sync = false;
            let _ = self.write(&write);
        }
        for request in std::mem::take(&mut self.others) {
            match request {
                Request::Seal(seal) if self.random.in_a_thousand(500) => self.seal_in_part(seal),
                Request::Make(make) if self.random.in_a_thousand(500) => {
                    let _ = self.make(make);
                }
                Request::Remove(number) if self.random.in_a_thousand(500) => {
                    self.files.remove(&number);
                }
                _ => {}
            }
        }
    }

    fn seal_in_part(&mut self, seal: Seal) {
        let bytes = self.file(seal.number).now().to_vec();
        let footer = FooterWriter::of_segment(&bytes, seal.end, seal.next, seal.salt);
        let file = self.file(seal.number);
        // The length reaches the disk or does not.
        file.set_len(seal.end as usize + footer.len());
        file.write(seal.end as usize, footer);
    }

    /// The server ends without the disk losing anything: what was handed to the kernel is there.
    pub fn kill(&mut self) {
        self.do_some_in_part();
        self.writes.clear();
        self.others.clear();
        self.has_failed = false;
    }

    /// Changes bytes of a file, whether they were safe or not.
    pub fn rot(&mut self, segment: u32, offset: usize, change: impl FnOnce(&mut [u8])) {
        if let Some(file) = self.files.get_mut(&segment) {
            file.rot(offset, change);
        }
    }
}

fn failure(doing: &str, is_full: bool) -> DiskError {
    DiskError { is_full, text: format!("{doing}: simulated") }
}

#[cfg(test)]
mod tests;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
