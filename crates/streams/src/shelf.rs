//! What messages say, read for decisions that depend on it: the stream itself knows only where they lie.

use stream_index::Place;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'m> {
    /// Its header block; empty if there is none.
    pub header: &'m [u8],
    /// What it says.
    pub payload: &'m [u8],
}

/// What is known of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'m> {
    /// It says that.
    Said(Said<'m>),
    /// It is being read from the disk. What depends on it is to be asked again once it was.
    Wait,
    /// It is gone: it rotted, or cannot be read.
    Lost,
}

/// Where the messages of a stream are kept, those of its tail included.
pub trait Shelf {
    /// What the message at that place says.
    fn read(&mut self, place: Place) -> Found<'_>;
}

/// Where nothing can be read: enough for a stream that does not count.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoShelf;

impl Shelf for NoShelf {
    fn read(&mut self, _: Place) -> Found<'_> {
        Found::Lost
    }
}
