//! Peers that take too long over what they are sent.
//!
//! When a socket is full, what waits by then has to leave within a deadline. A peer that does not take so much is
//! late, and is to be cut off, unless it took something and whoever does may have as much time again, for what
//! waits by then.
//!
//! Always true: while an attempt is under way, a reminder is pending.

use std::time::Duration;

use crate::outbox::Outbox;
use crate::time::Time;

/// How a peer whose socket was full gets on.
#[derive(Debug, Default)]
pub(crate) struct Lateness {
    /// Most peers never are late, and have none.
    attempt: Option<Box<Attempt>>,
    has_reminder: bool,
    /// It was late, and did not catch up since.
    is_late: bool,
}

/// What has to leave in time.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    since: Time,
    waited: Waited,
    left: usize,
}

/// What waited for a peer when its socket was found full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// In so many pieces.
    pub chunks: usize,
    /// So many bytes.
    pub bytes: usize,
}

/// A peer did not take in time what it had to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// What it had to take.
    pub waited: Waited,
    /// It was late before, and did not catch up since.
    pub again: bool,
    /// It has no more time.
    pub is_final: bool,
}

/// A peer that was late took what it had to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaughtUp {
    /// What it had to take.
    pub waited: Waited,
    /// How long it took, the last time that it was given.
    pub took: Duration,
}

/// What there is to do when a reminder is due.
pub(crate) enum Reminded {
    Nothing,
    /// There is time left: remind again then.
    Again(Time),
    Late(Late),
}

impl Lateness {
    /// Whether something has to leave in time.
    #[inline]
    pub(crate) fn is_timed(&self) -> bool {
        self.attempt.is_some()
    }

    /// Nothing waits any more.
    pub(crate) fn forget(&mut self) {
        self.attempt = None;
    }

    /// The socket is full: what waits has to leave in time. Returns whether that takes a reminder.
    #[must_use]
    pub(crate) fn on_blocked(&mut self, now: Time, outbox: &Outbox) -> bool {
        self.attempt.get_or_insert_with(|| {
            let waited = Waited { chunks: outbox.slices().count(), bytes: outbox.len() };
            Box::new(Attempt { since: now, waited, left: waited.bytes })
        });
        !std::mem::replace(&mut self.has_reminder, true)
    }

    /// The peer took so many of the bytes that wait.
    pub(crate) fn on_taken(&mut self, now: Time, count: usize) -> Option<CaughtUp> {
        let attempt = self.attempt.as_mut()?;
        attempt.left = attempt.left.saturating_sub(count);
        if attempt.left > 0 {
            return None;
        }
        let Attempt { since, waited, .. } = *self.attempt.take()?;
        std::mem::take(&mut self.is_late).then(|| CaughtUp { waited, took: now.since(since) })
    }

    /// The reminder is due. The peer has more time after that if it `may_go_on` and took something.
    pub(crate) fn on_due(&mut self, now: Time, deadline: Duration, may_go_on: bool) -> Reminded {
        self.has_reminder = false;
        let Some(Attempt { since, waited, left }) = self.attempt.as_deref().copied() else {
            return Reminded::Nothing;
        };
        if now < since + deadline {
            self.has_reminder = true;
            return Reminded::Again(since + deadline);
        }
        let is_final = left == waited.bytes || !may_go_on;
        let late = Late { waited, again: self.is_late, is_final };
        if !is_final {
            (self.is_late, self.attempt) = (true, None);
        }
        Reminded::Late(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conn::Conn;
    use crate::conn_id::ConnId;
    use crate::conns::Conns;
    use crate::deadlines::Due;
    use crate::output::WriteLimits;
    use crate::peer::Peer;

    const DEADLINE: Duration = Duration::from_nanos(10);
    const LIMITS: WriteLimits =
        WriteLimits { pending_bytes_max: 1 << 20, deadline: DEADLINE, gives_more_time: true };

    /// A connection whose socket is full at time 0, with three bytes that wait.
    fn blocked(limits: WriteLimits) -> (Conns<(), ()>, ConnId) {
        let mut conns = Conns::new(limits);
        let id = conns.insert(Box::new(Conn::new(Peer::InProcess, ())));
        conns.writer(id).unwrap().push(b"abc");
        conns.on_blocked(Time(0), id);
        (conns, id)
    }

    /// The next reminder that is due at that time, and what it comes to.
    fn remind(conns: &mut Conns<(), ()>, now: u64) -> Option<Late> {
        let (id, due) = conns.pop_due(Time(now))?;
        assert_eq!(due, Due::Write);
        conns.on_write_due(Time(now), id)
    }

    const WAITED: Waited = Waited { chunks: 1, bytes: 3 };

    #[test]
    fn who_takes_nothing_in_time_is_out_of_time() {
        let (mut conns, _) = blocked(LIMITS);
        assert_eq!(remind(&mut conns, 9), None);
        assert_eq!(remind(&mut conns, 10), Some(Late { waited: WAITED, again: false, is_final: true }));
    }

    #[test]
    fn who_takes_something_has_as_much_time_again_for_what_waits_then() {
        let (mut conns, id) = blocked(LIMITS);
        assert_eq!(conns.on_sent(Time(5), id, 1), None);
        conns.writer(id).unwrap().push(b"more");
        assert_eq!(remind(&mut conns, 10), Some(Late { waited: WAITED, again: false, is_final: false }));
        assert_eq!(conns.next_deadline(), Some(Time(20)));
        assert_eq!(conns.on_sent(Time(12), id, 5), None);
        let waited = Waited { chunks: 1, bytes: 6 };
        let took = Duration::from_nanos(4);
        assert_eq!(conns.on_sent(Time(14), id, 1), Some(CaughtUp { waited, took }));
        assert_eq!(remind(&mut conns, 20), None);
    }

    #[test]
    fn who_may_not_go_on_or_closes_has_no_more_time() {
        let (mut conns, id) = blocked(WriteLimits { gives_more_time: false, ..LIMITS });
        let _ = conns.on_sent(Time(5), id, 1);
        assert!(remind(&mut conns, 10).unwrap().is_final);
        let (mut conns, id) = blocked(LIMITS);
        let _ = conns.on_sent(Time(5), id, 1);
        conns.at(id).begin_to_close(crate::CloseReason::ServerShutdown);
        assert!(remind(&mut conns, 10).unwrap().is_final);
    }

    #[test]
    fn who_blocks_again_later_is_reminded_of_at_the_right_time() {
        let (mut conns, id) = blocked(LIMITS);
        let _ = conns.on_sent(Time(5), id, 3);
        conns.writer(id).unwrap().push(b"abc");
        conns.on_blocked(Time(8), id);
        assert_eq!(remind(&mut conns, 10), None);
        assert_eq!(conns.next_deadline(), Some(Time(18)));
    }

    #[test]
    fn nobody_is_reminded_of_a_connection_that_was_taken_out() {
        let (mut conns, id) = blocked(LIMITS);
        conns.remind(id, Time(1), ());
        conns.remove(id);
        assert_eq!((conns.next_deadline(), conns.pop_due(Time(100))), (None, None));
    }
}
