//! Reads that wait for their connection's turn in the buffers that they were received in.
//!
//! To copy them costs more than to act on them where messages are large. So many of them may wait
//! ([`Shell::READS_ASIDE_MAX`]) that those who have something to say find room; what comes beyond that is copied.
//!
//! Always true: a connection with reads here stands in the broker's line or has ended, and they come before
//! whatever the broker keeps of its input. (When the server stops nobody stands there any more, and they stay until
//! their connections are closed.)

use std::collections::VecDeque;

use conns::{ConnId, Time};

use crate::shard_core::ShardCore;
use crate::shell::Shell;

/// What waits of one connection.
#[derive(Debug)]
pub(crate) struct Aside<R> {
    first: R,
    /// How many bytes of the first are done with.
    done: usize,
    behind: VecDeque<R>,
}

impl<S: Shell> ShardCore<S> {
    /// A read of which so many bytes are done with waits for its connection's turn, if it is not all done with.
    pub(crate) fn put_aside(&mut self, shell: &mut S, id: ConnId, read: S::Read, done: usize) {
        let left = shell.bytes(&read).len() - done;
        let fits = shell.can_stay(&read) && left > S::MEASURES.start_bytes && !self.is_aside_full();
        if fits && self.broker.line_up_with_read(id) {
            self.reads_aside += 1;
            self.aside.insert(id, Aside { first: read, done, behind: VecDeque::new() });
        } else {
            self.broker.keep(id, shell.bytes(&read), done);
            shell.give_back(read);
        }
    }

    /// Whether no more reads can wait here.
    pub(crate) fn is_aside_full(&self) -> bool {
        self.reads_aside >= S::READS_ASIDE_MAX
    }

    /// The same for a read behind others that wait. Gives it back if it cannot wait here; then none do any more.
    pub(crate) fn put_behind(
        &mut self,
        shell: &mut S,
        id: ConnId,
        read: S::Read,
        done: usize,
    ) -> Option<S::Read> {
        let is_full = self.is_aside_full();
        let Some(aside) = self.aside.find(id) else { return Some(read) };
        assert_eq!(done, 0, "nothing is done with of what comes behind");
        if shell.can_stay(&read) && !is_full {
            self.reads_aside += 1;
            aside.behind.push_back(read);
            return None;
        }
        self.take_over_reads(shell, id);
        Some(read)
    }

    /// The broker takes over what waits of a connection: there is no room for more of it, or it has ended.
    pub(crate) fn take_over_reads(&mut self, shell: &mut S, id: ConnId) {
        let Some(Aside { first, mut done, behind }) = self.aside.remove(id) else { return };
        for read in std::iter::once(first).chain(behind) {
            self.broker.take_over_read(id, shell.bytes(&read), std::mem::take(&mut done));
            self.reads_aside -= 1;
            shell.give_back(read);
        }
    }

    /// Serves the next in line for a stretch. While events are being taken in nothing newer is received: what is
    /// older may be among them.
    pub(crate) fn serve(&mut self, shell: &mut S, now: Time, id: ConnId) {
        let Some(Aside { mut first, done, mut behind }) = self.aside.remove(id) else {
            return self.broker.serve(now, id);
        };
        let done = self.broker.serve_read(now, id, shell.bytes(&first), done, !behind.is_empty());
        if done < shell.bytes(&first).len() {
            return self.wait_aside(shell, id, Aside { first, done, behind }, self.broker.is_in_line(id));
        }
        let stays = if let Some(next) = behind.pop_front() {
            self.reads_aside -= 1;
            shell.give_back(std::mem::replace(&mut first, next));
            self.broker.is_in_line(id)
        } else if !self.is_taking_in
            && self.receives_now(shell, id, &mut first)
            && !shell.bytes(&first).is_empty()
        {
            self.broker.go_on_with_read(id)
        } else {
            self.reads_aside -= 1;
            return shell.give_back(first);
        };
        self.wait_aside(shell, id, Aside { first, done: 0, behind }, stays);
    }

    /// Reads wait on, if their connection stays in line. If something else holds it, they wait with the broker.
    fn wait_aside(&mut self, shell: &mut S, id: ConnId, aside: Aside<S::Read>, stays: bool) {
        self.aside.insert(id, aside);
        if !stays {
            self.take_over_reads(shell, id);
        }
    }

    /// Receives more at once, if that is what the connection may go on with. It is not to be acted on before
    /// [`Self::opens_line`].
    pub(crate) fn receives_now(&mut self, shell: &mut S, id: ConnId, read: &mut S::Read) -> bool {
        let may_go_on = self.broker.wants_input(id)
            && !self.broker.has_had_its_share(id)
            && (!self.transports.has(id) || self.may_receive_frames_now(id));
        let is_any = may_go_on && shell.receive_now(id, read);
        if is_any {
            self.received_bytes += shell.bytes(read).len();
            self.on_newer_input(shell);
            if self.transports.has(id) {
                self.unframe_now(shell, id, read);
            }
        }
        is_any
    }
}
