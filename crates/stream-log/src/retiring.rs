//! Segments that nobody needs, from when that is known until their files are used again.

use log_format::{Kind, Place};

use crate::batch::{OWN_GROUP, own_record};
use crate::event::Event;
use crate::log::Log;
use crate::request::{DiskError, Request};
use crate::segment::{Segment, Stage};

impl Log {
    /// Asks for whatever the segments need.
    pub(crate) fn look_after_segments(&mut self) {
        if self.failed.is_some() || !std::mem::take(&mut self.is_restless) {
            return;
        }
        self.seal_next();
        self.retire_dead();
        self.go_on_cleaning();
        self.count_sealed();
        self.tell_if_rekeyed();
        let (usual, zero) = (self.segment_bytes(), self.writes.are_short());
        if !self.is_stopping {
            self.requests.extend(self.shelf.next_make(usual, zero).map(Request::Make));
        }
    }

    fn retire_dead(&mut self) {
        let cleaned = self.cleaning.as_ref().map(|cleaning| cleaning.segment);
        let is_dead = |(number, segment): (&u32, &Segment)| {
            let is_dead = segment.stage == Stage::Sealed && segment.ledger.is_dead();
            (is_dead && segment.held_by.is_empty() && cleaned != Some(*number)).then_some(*number)
        };
        if self.is_stopping {
            return;
        }
        while let Some(number) = self.segments.iter().find_map(is_dead) {
            if !self.retire(number) {
                return;
            }
        }
    }

    /// Writes down that a segment is not to be read any more. Returns whether there was room for that.
    pub(crate) fn retire(&mut self, number: u32) -> bool {
        let record = own_record(Kind::RETIRE, OWN_GROUP, u64::from(number));
        let Ok(appended) = self.append(&record) else { return false };
        self.retired.insert(number, appended.place);
        self.segment_of(number).stage = Stage::Retiring(appended.lsn);
        true
    }

    /// Something more is safe.
    pub(crate) fn on_safe(&mut self) {
        let synced = self.writes.synced;
        let is_over = |(number, segment): &(&u32, &Segment)| {
            matches!(segment.stage, Stage::Retiring(lsn) if lsn <= synced)
                && !self.erasures.is_writing(**number)
        };
        let over: Vec<u32> = self.segments.iter().filter(is_over).map(|one| *one.0).collect();
        for number in over {
            self.segment_of(number).stage = Stage::Retired;
            self.cache.forget(number);
            self.forget_rotten(number);
            for segment in self.segments.values_mut() {
                segment.held_by.remove(&number);
            }
            self.events.push_back(Event::Retired(number));
            // What is left of it in a file that is used again would be there under its own key.
            let may_be_used = self.segments[&number].key == self.config.key;
            if !(may_be_used && self.shelf.put_back(number)) {
                self.requests.push_back(Request::Remove(number));
            }
        }
        self.note_copies_safe();
    }

    pub(crate) fn on_made(&mut self, number: u32, result: Result<(), DiskError>) {
        let Some(make) = self.shelf.on_made(number, &result) else { return };
        match result {
            Ok(()) => {
                if let Some(old) = make.recycle {
                    self.forget_segment(old);
                }
                self.events.push_back(Event::Room);
                if self.is_stopping {
                    self.requests.extend(self.shelf.give_up().map(Request::Remove));
                }
            }
            Err(error) => self.events.push_back(Event::NoRoom(error)),
        }
    }

    /// A file that could not be taken away is found by the next start, which tries again.
    pub(crate) fn on_removed(&mut self, number: u32, result: &Result<(), DiskError>) {
        if result.is_ok() {
            self.forget_segment(number);
        }
    }

    /// A file is not there any more, so nothing has to be said of it.
    fn forget_segment(&mut self, number: u32) {
        if self.segments.get(&number).is_some_and(|segment| segment.stage == Stage::Retired) {
            self.segments.remove(&number);
        }
        if let Some(Place { segment, .. }) = self.retired.remove(&number)
            && let Some(segment) = self.segments.get_mut(&segment)
        {
            segment.ledger.bury(OWN_GROUP);
        }
    }
}
