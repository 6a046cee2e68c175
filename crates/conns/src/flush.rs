//! Output, as the sockets take it.

use crate::conn::Conn;
use crate::conn_id::ConnId;
use crate::conns::{Conns, find};
use crate::lateness::CaughtUp;
use crate::outbox::Outbox;
use crate::time::Time;

/// What to do with a connection's output.
#[derive(Debug)]
pub enum Flush<'a> {
    /// Nothing for now.
    Nothing,
    /// Send this, then report how many bytes the socket took, or that it is full.
    Send(&'a Outbox),
    /// All is said: close the socket.
    Close,
}

impl<P, R: Copy + Ord> Conns<P, R> {
    /// Puts a connection on the list of those to flush, unless it is there or gone.
    pub fn mark_dirty(&mut self, id: ConnId) {
        if let Some(conn) = find(&mut self.rows, id) {
            self.output.mark_dirty(conn);
        }
    }

    /// How many connections are on the list.
    pub fn dirty_count(&self) -> usize {
        self.output.dirty.len()
    }

    /// Has something done with each on the list that is there yet.
    pub fn for_each_dirty(&mut self, mut each: impl FnMut(&mut Conn<P>)) {
        for id in &self.output.dirty {
            if let Some(conn) = find(&mut self.rows, *id) {
                each(conn);
            }
        }
    }

    /// Takes the list into `into`, which is emptied before, and has something done with each that is there yet.
    pub fn take_dirty(&mut self, into: &mut Vec<ConnId>, each: impl FnMut(&mut Conn<P>)) {
        self.output.pending += std::mem::take(&mut self.output.unflushed) as i64;
        into.clear();
        self.take_dirty_after(0, into, each);
    }

    /// Adds to `into` what came to the list after the first `count`, and takes it from there.
    pub fn take_dirty_after(
        &mut self,
        count: usize,
        into: &mut Vec<ConnId>,
        mut each: impl FnMut(&mut Conn<P>),
    ) {
        let count = count.min(self.output.dirty.len());
        for id in self.output.dirty.drain(count..) {
            if let Some(conn) = find(&mut self.rows, id) {
                conn.is_dirty = false;
                each(conn);
            }
            into.push(id);
        }
    }

    /// Bytes written since the list was last taken.
    pub fn unflushed_bytes(&self) -> usize {
        self.output.unflushed
    }

    /// Bytes that wait for all peers together.
    pub fn pending_bytes(&self) -> u64 {
        let pending = self.output.pending + self.output.unflushed as i64;
        u64::try_from(pending).expect("what has left was there")
    }

    /// What to do with a connection's output. Ask again after each report.
    #[inline]
    pub fn flush(&self, id: ConnId) -> Flush<'_> {
        match self.peek(id) {
            Some(conn) if conn.is_over() => Flush::Close,
            Some(conn) if conn.blocked_since.is_none() && !conn.outbox.is_empty() => {
                Flush::Send(&conn.outbox)
            }
            _ => Flush::Nothing,
        }
    }

    /// The socket took `count` bytes of the outbox, of which some may have been dropped meanwhile. Says so if a
    /// peer that was late has caught up.
    pub fn on_sent(&mut self, now: Time, id: ConnId, count: usize) -> Option<CaughtUp> {
        let conn = find(&mut self.rows, id)?;
        conn.blocked_since = None;
        let count = count.min(conn.outbox.len());
        conn.outbox.advance(&mut self.output.pool, count);
        self.output.pending -= count as i64;
        if conn.lateness.is_timed() { conn.lateness.on_taken(now, count) } else { None }
    }

    /// The socket is full: what waits has to leave in time.
    pub fn on_blocked(&mut self, now: Time, id: ConnId) {
        let Some(conn) = find(&mut self.rows, id) else { return };
        conn.blocked_since.get_or_insert(now);
        self.limit_writing(now, id);
    }

    /// Whether the socket was full, and nothing has been heard of it since.
    pub fn is_blocked(&self, id: ConnId) -> bool {
        self.peek(id).is_some_and(|conn| conn.blocked_since.is_some())
    }

    /// The socket takes bytes again.
    pub fn on_writable(&mut self, id: ConnId) {
        if let Some(conn) = find(&mut self.rows, id)
            && conn.blocked_since.take().is_some()
        {
            self.output.mark_dirty(conn);
        }
    }

    /// Drops what waits: nobody will read it.
    pub fn drop_output(&mut self, id: ConnId) {
        let Some(conn) = find(&mut self.rows, id) else { return };
        self.output.pending -= conn.outbox.len() as i64;
        conn.outbox.clear(&mut self.output.pool);
        conn.blocked_since = None;
        conn.lateness.forget();
        self.output.mark_dirty(conn);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::close_reason::CloseReason;
    use crate::output::WriteLimits;
    use crate::peer::Peer;

    const LIMITS: WriteLimits =
        WriteLimits { pending_bytes_max: 1 << 20, deadline: Duration::from_secs(10), gives_more_time: false };

    fn conns(count: u32) -> (Conns<u32, ()>, Vec<ConnId>) {
        let mut conns = Conns::new(LIMITS);
        let conn = |number| Box::new(Conn::new(Peer::InProcess, number));
        let ids = (0..count).map(|number| conns.insert(conn(number))).collect();
        (conns, ids)
    }

    fn is_send(conns: &Conns<u32, ()>, id: ConnId) -> bool {
        matches!(conns.flush(id), Flush::Send(_))
    }

    #[test]
    fn what_waits_is_counted_however_it_came_and_went() {
        let (mut conns, mut ids) = conns(7);
        let mut taken = Vec::new();
        for round in 0..5_000_usize {
            let at = round * 7919 % ids.len();
            let id = ids[at];
            match round * 104_729 % 11 {
                0..=5 => conns.writer(id).unwrap().push(&vec![1; round * 31 % 40_000]),
                6 => drop(conns.on_sent(Time(0), id, round * 17 % 100_000)),
                7 => conns.take_dirty(&mut taken, |_| ()),
                8 => conns.take_dirty_after(1, &mut taken, |_| ()),
                9 => conns.drop_output(id),
                _ => {
                    let moved = conns.remove(id).unwrap();
                    ids[at] = conns.insert(moved);
                }
            }
            let sum: usize = ids.iter().map(|id| conns.peek(*id).unwrap().pending_bytes()).sum();
            assert_eq!(conns.pending_bytes(), sum as u64);
        }
    }

    #[test]
    fn who_was_written_to_is_on_the_list_once() {
        let (mut conns, ids) = conns(3);
        for id in [ids[1], ids[0], ids[1]] {
            conns.writer(id).unwrap().push(b"x");
        }
        let mut taken = vec![ids[2]];
        conns.take_dirty(&mut taken, |conn| **conn += 10);
        assert_eq!(taken, [ids[1], ids[0]]);
        assert_eq!((**conns.at(ids[0]), **conns.at(ids[1]), **conns.at(ids[2])), (10, 11, 2));
        assert_eq!((conns.dirty_count(), conns.unflushed_bytes()), (0, 0));
    }

    #[test]
    fn a_full_socket_is_sent_nothing_until_it_is_writable() {
        let (mut conns, ids) = conns(1);
        conns.writer(ids[0]).unwrap().push(b"waits");
        assert!(is_send(&conns, ids[0]));
        conns.on_blocked(Time(1), ids[0]);
        assert!(matches!(conns.flush(ids[0]), Flush::Nothing));
        let mut taken = Vec::new();
        conns.take_dirty(&mut taken, |_| ());
        conns.on_writable(ids[0]);
        assert!(is_send(&conns, ids[0]) && conns.dirty_count() == 1);
    }

    #[test]
    fn a_socket_is_closed_when_the_last_words_have_left() {
        let (mut conns, ids) = conns(1);
        conns.writer(ids[0]).unwrap().push(b"last words");
        conns.at(ids[0]).begin_to_close(CloseReason::ServerShutdown);
        assert!(is_send(&conns, ids[0]));
        conns.on_sent(Time(0), ids[0], 10);
        assert!(matches!(conns.flush(ids[0]), Flush::Close));
    }

    #[test]
    fn who_has_no_room_is_cut_off_and_told_of_once() {
        let (mut conns, ids) = conns(1);
        let writer = conns.open_writer(ids[0]).unwrap();
        assert!(writer.has_room(1 << 20) && !writer.has_room((1 << 20) + 1));
        writer.cut_off();
        assert!(conns.open_writer(ids[0]).is_none());
        assert_eq!((conns.pop_overrun(), conns.pop_overrun()), (Some(ids[0]), None));
    }
}
