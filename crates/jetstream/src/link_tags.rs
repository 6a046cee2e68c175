//! What comes for the links of streams to those they take messages from: each attempt has a tag of its own, so what was
//! sent to an earlier one is nobody's.

use std::collections::btree_map::Entry;

use crate::home::Home;
use crate::homes::foreign_tag;
use crate::tenant::StreamId;

/// What tells the tags of links from those of streams of the shard's own log, whose numbers are below.
const LINK: u32 = 1 << 30;

/// The same in another log, behind what says which.
const FOREIGN_LINK: u32 = 1 << 23;

impl Home {
    /// A tag for a link of that stream.
    pub(crate) fn open_link_tag(&mut self, id: StreamId) -> u32 {
        let (front, numbers) = match self.index {
            0 => (LINK, LINK),
            index => (foreign_tag(index) | FOREIGN_LINK, FOREIGN_LINK),
        };
        loop {
            self.links.last = (self.links.last + 1) % numbers;
            let tag = front | self.links.last;
            if let Entry::Vacant(free) = self.links.streams.entry(tag) {
                free.insert(id);
                return tag;
            }
        }
    }

    pub(crate) fn close_link_tag(&mut self, tag: u32) {
        self.links.streams.remove(&tag);
    }

    /// Whether a tag is one of a link, be it closed by now.
    pub(crate) fn is_link_tag(&self, tag: u32) -> bool {
        tag & if self.index == 0 { LINK } else { FOREIGN_LINK } != 0
    }

    /// The stream of the link with that tag.
    pub(crate) fn linked(&self, tag: u32) -> Option<StreamId> {
        self.links.streams.get(&tag).copied()
    }
}
