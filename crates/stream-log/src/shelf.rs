//! Files for segments to come.
//!
//! One spare file stands ready, so that no write ever waits for a file to be made, and a disk that fills up is noticed
//! while there is a whole segment left.

use std::collections::VecDeque;

use crate::request::{DiskError, Make};

/// Files of retired segments that are kept to be used again. Others are taken away.
const FREE_MAX: usize = 1;

#[derive(Debug)]
pub(crate) struct Shelf {
    spare: Option<Spare>,
    making: Option<Make>,
    /// Files that nobody needs any more, by their numbers.
    free: VecDeque<u32>,
    /// The last attempt failed.
    is_full: bool,
    next_number: u32,
    /// Nothing is made before somebody needs it.
    is_wanted: bool,
    /// Bytes that the next file has to have.
    need: u32,
}

/// A file that can become a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spare {
    pub(crate) number: u32,
    pub(crate) len: u32,
}

impl Shelf {
    pub(crate) fn new(next_number: u32) -> Self {
        let free = VecDeque::new();
        Self { spare: None, making: None, free, is_full: false, next_number, is_wanted: false, need: 0 }
    }

    /// From now on there is to be a spare file. Returns whether that is news.
    pub(crate) fn want(&mut self) -> bool {
        !std::mem::replace(&mut self.is_wanted, true)
    }

    /// A file of so many bytes at least. `None`: there is none yet. One that is too short is told of, and out.
    pub(crate) fn take(&mut self, bytes: u32, too_short: &mut Option<u32>) -> Option<Spare> {
        self.is_wanted = true;
        match self.spare.take() {
            Some(spare) if spare.len >= bytes => {
                self.need = 0;
                return Some(spare);
            }
            Some(spare) => *too_short = Some(spare.number),
            None => {}
        }
        self.need = self.need.max(bytes);
        None
    }

    /// The spare file, by its number, if there is to be none any more.
    pub(crate) fn give_up(&mut self) -> Option<u32> {
        self.spare.take().map(|spare| spare.number)
    }

    pub(crate) fn has(&self, bytes: u32) -> bool {
        self.spare.is_some_and(|spare| spare.len >= bytes)
    }

    /// There is no spare file, and none can be made.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full && self.spare.is_none()
    }

    /// The file to be made next, if one has to be.
    pub(crate) fn next_make(&mut self, usual_len: u32, zero: bool) -> Option<Make> {
        if !self.is_wanted || self.is_full || self.spare.is_some() || self.making.is_some() {
            return None;
        }
        let make = Make {
            number: self.next_number,
            len: self.need.next_multiple_of(4_096).max(usual_len),
            zero,
            recycle: self.free.pop_front(),
        };
        self.next_number =
            self.next_number.checked_add(1).expect("segments of a log can be counted in 32 bits");
        self.making = Some(make);
        Some(make)
    }

    /// Returns what was to be made, and on success the file that became it is gone.
    pub(crate) fn on_made(&mut self, number: u32, result: &Result<(), DiskError>) -> Option<Make> {
        let make = self.making.take_if(|make| make.number == number)?;
        match result {
            Ok(()) => self.spare = Some(Spare { number, len: make.len }),
            Err(_) => {
                self.is_full = true;
                self.free.extend(make.recycle);
            }
        }
        Some(make)
    }

    /// It may be tried again.
    pub(crate) fn retry(&mut self) {
        self.is_full = false;
    }

    /// A file that nobody needs. Returns whether it is kept.
    pub(crate) fn put_back(&mut self, number: u32) -> bool {
        let is_kept = self.is_wanted && self.free.len() < FREE_MAX;
        if is_kept {
            self.free.push_back(number);
        }
        is_kept
    }
}
