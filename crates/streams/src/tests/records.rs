//! Records that were appended, to be read by the stream itself.

use log_format::Record;
use stream_index::Place;

use super::run::SALT;
use crate::{Found, Said, Shelf};

/// What messages say, which at first has to be read perhaps.
pub(super) struct Records<'a> {
    pub(super) log: &'a [Vec<u8>],
    pub(super) waits: bool,
}

impl Shelf for Records<'_> {
    fn read(&mut self, place: Place) -> Found<'_> {
        if self.waits {
            return Found::Wait;
        }
        let (record, _) = Record::read(&self.log[place.offset as usize], SALT).expect("it is whole");
        Found::Said(Said { header: record.header, payload: record.payload })
    }
}
