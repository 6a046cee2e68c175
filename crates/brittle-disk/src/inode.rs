//! One file or folder.

use std::collections::VecDeque;
use std::time::SystemTime;

use crate::Kind;
use crate::change::Change;
use crate::pages::Pages;

#[derive(Clone, Debug)]
pub(crate) struct Inode {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) changed: SystemTime,
    /// Names it has now.
    pub(crate) links: u32,
    /// Descriptors on it.
    pub(crate) opens: u32,
    /// What is read.
    pub(crate) live: Pages,
    /// What is there after a cut that drops all it may.
    pub(crate) kept: Pages,
    /// What makes `live` of `kept`, but for changes whose sync failed.
    pub(crate) pending: VecDeque<Change>,
    /// What the pending changes cost.
    pub(crate) pending_bytes: u64,
    /// The name it had last, for the trace.
    pub(crate) name: String,
}

impl Inode {
    pub(crate) fn new(kind: Kind, mode: u32, owner: (u32, u32), now: SystemTime) -> Self {
        Self {
            kind,
            mode,
            uid: owner.0,
            gid: owner.1,
            changed: now,
            links: 0,
            opens: 0,
            live: Pages::default(),
            kept: Pages::default(),
            pending: VecDeque::new(),
            pending_bytes: 0,
            name: String::new(),
        }
    }

    /// Makes changes durable, up to this one in the order.
    pub(crate) fn keep(&mut self, up_to: u64) {
        self.take(up_to, |change, kept| change.apply(kept));
    }

    /// Forgets that they are to become durable: they are read until the cut, and never after.
    pub(crate) fn lose(&mut self, up_to: u64) {
        self.take(up_to, |_, _| {});
    }

    fn take(&mut self, up_to: u64, each: impl Fn(&Change, &mut Pages)) {
        while let Some(change) = self.pending.pop_front_if(|change| change.order <= up_to) {
            self.pending_bytes -= change.cost();
            each(&change, &mut self.kept);
        }
    }
}
