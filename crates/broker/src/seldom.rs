//! Log lines that a crowd of clients can cause over and over: each is logged, then left out for a while, as
//! nats-server does. The clients are told every time.

mod log;

use std::sync::Mutex;
use std::time::Duration;

use conns::Time;
use hashbrown::HashMap;

/// Lines whose last time is remembered: a few for each account. While none of so many is forgotten, others
/// are not logged at all.
const LINES_MAX: usize = 64 << 10;

/// A line that is logged once in a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SeldomLine {
    MaxConnections,
    MaxAccountConnections,
    MaxSubscriptions,
    AuthTimeout,
    Stalled,
}

impl SeldomLine {
    /// Also what the client is told, if it is told anything.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Stalled => "Producer was stalled for a total of 5ms",
            Self::MaxConnections => "maximum connections exceeded",
            Self::MaxAccountConnections => "maximum account active connections exceeded",
            Self::MaxSubscriptions => "maximum subscriptions exceeded",
            Self::AuthTimeout => "Authentication Timeout",
        }
    }

    /// How long it is left out.
    fn pause(self) -> Duration {
        match self {
            Self::MaxSubscriptions => Duration::from_secs(2),
            Self::MaxConnections | Self::MaxAccountConnections | Self::AuthTimeout | Self::Stalled => {
                Duration::from_secs(1)
            }
        }
    }
}

/// When each such line was logged last. Shards share it behind a lock, which one takes only to turn a client
/// down: if each kept its own, a line would come once from every shard.
#[derive(Debug, Default)]
pub struct SeldomLines {
    logged: Mutex<HashMap<(SeldomLine, Option<usize>), Time>>,
}

impl SeldomLines {
    /// Whether the line is to be logged of clients of this account, or of those that have none yet.
    fn is_due(&self, line: SeldomLine, account: Option<usize>, now: Time) -> bool {
        let is_over = |line: SeldomLine, last: Time| now.since(last) >= line.pause();
        let mut logged = self.logged.lock().expect("nothing panics while it has this");
        if let Some(last) = logged.get_mut(&(line, account)) {
            let is_due = is_over(line, *last);
            if is_due {
                *last = now;
            }
            return is_due;
        }
        if logged.len() == LINES_MAX {
            logged.retain(|(line, _), last| !is_over(*line, *last));
        }
        let has_room = logged.len() < LINES_MAX;
        if has_room {
            logged.insert((line, account), now);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::default() + Duration::from_millis(millis)
    }

    #[test]
    fn a_line_is_left_out_for_a_while_after_it_was_logged() {
        let lines = SeldomLines::default();
        let due = |line, account, millis| lines.is_due(line, account, at(millis));
        let crowd = SeldomLine::MaxConnections;
        assert!(due(crowd, None, 0) && !due(crowd, None, 999) && due(crowd, None, 1000));
        assert!(due(crowd, Some(1), 1000), "others have lines of their own");
        assert!(due(SeldomLine::MaxAccountConnections, Some(1), 1000));
        let subscriptions = SeldomLine::MaxSubscriptions;
        assert!(due(subscriptions, Some(1), 0) && !due(subscriptions, Some(1), 1999));
        assert!(due(subscriptions, Some(1), 2000));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let lines = SeldomLines::default();
        for account in 0..LINES_MAX {
            assert!(lines.is_due(SeldomLine::MaxConnections, Some(account), at(0)));
        }
        assert!(!lines.is_due(SeldomLine::MaxConnections, None, at(1)), "there is no room");
        assert!(lines.is_due(SeldomLine::MaxConnections, None, at(1000)));
        assert_eq!(lines.logged.lock().unwrap().len(), 1);
    }
}
