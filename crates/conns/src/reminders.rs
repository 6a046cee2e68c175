//! What a table is reminded of, and does about it.

use crate::conn_id::ConnId;
use crate::conns::{Conns, find};
use crate::deadlines::Due;
use crate::lateness::{Late, Reminded};
use crate::output::WriteLimits;
use crate::time::Time;

impl<P, R: Copy + Ord> Conns<P, R> {
    /// Reminds of a connection at that time, if it is there then.
    pub fn remind(&mut self, id: ConnId, at: Time, of: R) {
        self.deadlines.push(at, id, Due::Own(of));
    }

    /// Takes the earliest reminder that is due.
    pub fn pop_due(&mut self, now: Time) -> Option<(ConnId, Due<R>)> {
        self.deadlines.pop(now)
    }

    /// When the next reminder is due, or [`Self::shrink`] has something to do.
    pub fn next_deadline(&self) -> Option<Time> {
        [self.deadlines.next(), self.output.pool.shrinks_at()].into_iter().flatten().min()
    }

    /// Does what [`Due::Write`] reminds of. Returns how late the peer is, if it is; if that is final the caller
    /// closes the connection.
    pub fn on_write_due(&mut self, now: Time, id: ConnId) -> Option<Late> {
        let WriteLimits { deadline, gives_more_time, .. } = self.output.limits;
        let conn = find(&mut self.rows, id)?;
        let may_go_on = gives_more_time && conn.is_open();
        match conn.lateness.on_due(now, deadline, may_go_on) {
            Reminded::Nothing => return None,
            Reminded::Again(at) => self.deadlines.push(at, id, Due::Write),
            Reminded::Late(late) => {
                if !late.is_final {
                    self.limit_writing(now, id);
                }
                return Some(late);
            }
        }
        None
    }

    /// What waits for the peer has to leave in time.
    pub(crate) fn limit_writing(&mut self, now: Time, id: ConnId) {
        let deadline = self.output.limits.deadline;
        if let Some(conn) = find(&mut self.rows, id)
            && conn.lateness.on_blocked(now, &conn.outbox)
        {
            self.deadlines.push(now + deadline, id, Due::Write);
        }
    }
}
