//! Reads that wait for their connection's turn in the buffers they came in.
//!
//! Copying them costs more than acting on them where messages are large. Half of the buffers at most are taken
//! up like this, so those who have something to say find one; what comes beyond that is copied.
//!
//! Always true: a connection with reads here stands in the broker's line or has ended, and they come before
//! whatever the broker keeps of its input.

use std::collections::VecDeque;

use broker::{ConnId, Time};

use super::{Driver, MEASURES};
use crate::io::{BUFFERS, Received};

/// Reads that wait here, at most.
const READS_MAX: usize = BUFFERS / 2;

/// What waits of one connection.
#[derive(Debug)]
pub(super) struct Aside {
    first: Received,
    /// How many bytes of the first are done with.
    done: usize,
    behind: VecDeque<Received>,
}

impl Driver {
    /// A read of which so many bytes are done with waits for its connection's turn, if it is not all done with.
    pub(super) fn put_aside(&mut self, id: ConnId, received: Received, done: usize) {
        let left = self.io.bytes(&received).len() - done;
        let fits = received.can_stay() && left > MEASURES.start_bytes && !self.is_aside_full();
        if fits && self.broker.line_up_with_read(id) {
            self.reads_aside += 1;
            self.aside.insert(id, Aside { first: received, done, behind: VecDeque::new() });
        } else {
            self.broker.keep(id, self.io.bytes(&received), done);
            self.io.give_back(received);
        }
    }

    /// Whether no more reads can wait here.
    pub(super) fn is_aside_full(&self) -> bool {
        self.reads_aside >= READS_MAX
    }

    /// The same for a read behind others that wait. Gives it back if it cannot wait here; then none do any more.
    pub(super) fn put_behind(&mut self, id: ConnId, received: Received, done: usize) -> Option<Received> {
        let is_full = self.is_aside_full();
        let Some(aside) = self.aside.find(id) else { return Some(received) };
        assert_eq!(done, 0, "nothing is done with of what comes behind");
        if received.can_stay() && !is_full {
            self.reads_aside += 1;
            aside.behind.push_back(received);
            return None;
        }
        self.take_over_reads(id);
        Some(received)
    }

    /// The broker takes over what waits of a connection: there is no room for more of it, or it has ended.
    pub(super) fn take_over_reads(&mut self, id: ConnId) {
        let Some(Aside { first, mut done, behind }) = self.aside.remove(id) else { return };
        for received in std::iter::once(first).chain(behind) {
            self.broker.take_over_read(id, self.io.bytes(&received), std::mem::take(&mut done));
            self.reads_aside -= 1;
            self.io.give_back(received);
        }
    }

    /// Serves the next in line for a stretch. While events are being taken in nothing newer is received: what is
    /// older may be among them.
    pub(super) fn serve(&mut self, now: Time, id: ConnId) {
        let Some(Aside { mut first, done, mut behind }) = self.aside.remove(id) else {
            return self.broker.serve(now, id);
        };
        let done = self.broker.serve_read(now, id, self.io.bytes(&first), done, !behind.is_empty());
        if done < self.io.bytes(&first).len() {
            return self.wait_aside(id, Aside { first, done, behind }, self.broker.is_in_line(id));
        }
        let stays = if let Some(next) = behind.pop_front() {
            self.reads_aside -= 1;
            self.io.give_back(std::mem::replace(&mut first, next));
            self.broker.is_in_line(id)
        } else if !self.is_taking_in && self.receives_now(id, &mut first) {
            self.broker.go_on_with_read(id)
        } else {
            self.reads_aside -= 1;
            return self.io.give_back(first);
        };
        self.wait_aside(id, Aside { first, done: 0, behind }, stays);
    }

    /// Reads wait on, if their connection stays in line. If something else holds it, they wait with the broker.
    fn wait_aside(&mut self, id: ConnId, aside: Aside, stays: bool) {
        self.aside.insert(id, aside);
        if !stays {
            self.take_over_reads(id);
        }
    }

    /// Receives more at once, if that is what the connection may go on with.
    pub(super) fn receives_now(&mut self, id: ConnId, received: &mut Received) -> bool {
        let may_go_on = self.broker.wants_input(id) && !self.broker.has_had_its_share(id);
        let is_any = may_go_on && self.io.receive_now(id, received);
        if is_any {
            self.received_bytes += self.io.bytes(received).len();
        }
        is_any
    }
}
