//! Which of many requests are due.

use std::collections::BTreeSet;

use crate::now::NEVER;
use crate::request::Request;

/// What is known of many requests.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// When each is due that is: not before, at least.
    pub(crate) by_time: BTreeSet<(i64, u64)>,
    /// Those that do not wait.
    pub(crate) no_waits: BTreeSet<u64>,
    /// How many have not ended.
    pub(crate) live: usize,
    /// The next one that is asked whether somebody still waits.
    pub(crate) asked: u64,
}

impl Due {
    pub(crate) fn add(&mut self, request: &Request) {
        self.live += 1;
        let at = request.due();
        if at != NEVER {
            self.by_time.insert((at, request.ticket));
        }
        if request.no_wait {
            self.no_waits.insert(request.ticket);
        }
    }

    /// To be said before anything of the request changes.
    pub(crate) fn forget(&mut self, request: &Request) {
        self.live -= 1;
        self.by_time.remove(&(request.due(), request.ticket));
        if request.no_wait {
            self.no_waits.remove(&request.ticket);
        }
    }
}
