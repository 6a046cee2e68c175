//! A server that is dialed, for as long as there is a reason to.

use std::time::Duration;

use crate::config::RouteUrl;
use crate::gossip::Mode;
use crate::redial::{DIAL_SPREAD, Redial};

/// For how long a server that others told of is dialed in vain. They tell of it again when it joins.
pub(crate) const HEARD_TIME_MAX: Duration = Duration::from_secs(60 * 60);

/// A connection that lasts as long was taken by both ends.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// Servers that others told of and that are dialed. Beyond this they are not: they may dial themselves.
pub(crate) const HEARD_MAX: usize = 1024;

/// A server to be dialed.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) url: RouteUrl,
    /// A setting names it.
    pub(crate) is_configured: bool,
    /// What was said when it was told of.
    pub(crate) mode: Mode,
    /// Who is there, as far as is known.
    pub(crate) server_id: Option<String>,
    pub(crate) state: State,
    pub(crate) redial: Redial,
    /// It was there before.
    pub(crate) was_reached: bool,
    /// When it was there last, or was told of.
    pub(crate) known_at: Duration,
    /// When it was connected last.
    pub(crate) up_since: Duration,
}

/// What becomes of a target next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is dialed at this time.
    Waiting(Duration),
    /// It is being dialed, or says who it is.
    Dialing,
    /// Its server is connected, by this dial or otherwise: nothing, until that ends.
    Up,
}

impl Target {
    pub(crate) fn configured(url: RouteUrl, grows: bool) -> Self {
        Self {
            url,
            is_configured: true,
            mode: Mode::Plain,
            server_id: None,
            state: State::Waiting(Duration::ZERO),
            redial: Redial::configured(grows),
            was_reached: false,
            known_at: Duration::ZERO,
            up_since: Duration::ZERO,
        }
    }

    pub(crate) fn heard(now: Duration, url: RouteUrl, server_id: &str, mode: Mode) -> Self {
        Self {
            url,
            is_configured: false,
            mode,
            server_id: Some(server_id.into()),
            state: State::Waiting(now),
            redial: Redial::heard(),
            was_reached: false,
            known_at: now,
            up_since: Duration::ZERO,
        }
    }

    /// Whether it is dialed now.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        matches!(self.state, State::Waiting(at) if at <= now)
    }

    /// Whether it was dialed in vain as often as it may be, which is without limit for those that a setting names.
    pub(crate) fn is_exhausted(&self, retries: Option<u32>) -> bool {
        !self.is_configured && retries.is_some_and(|retries| self.redial.attempts() > retries)
    }

    /// The attempt came to nothing. Returns which one it was.
    pub(crate) fn on_failure(&mut self, now: Duration) -> u32 {
        self.state = State::Waiting(now + self.redial.after_failure());
        self.redial.attempts()
    }

    /// It was reached, and the connection ended before it was taken.
    pub(crate) fn on_refusal(&mut self, now: Duration) {
        self.state = State::Waiting(now + self.redial.after_refusal());
    }

    /// Its server is connected.
    pub(crate) fn on_up(&mut self, now: Duration) {
        (self.state, self.was_reached, self.up_since) = (State::Up, true, now);
    }

    /// Its server is not connected any more. One that was for a moment only may have refused this one, which it says
    /// after it has said who it is.
    pub(crate) fn on_lost(&mut self, now: Duration, spread: f64) {
        let wait = if now.saturating_sub(self.up_since) >= SETTLED_AFTER {
            self.known_at = now;
            self.redial.after_close(self.is_configured, spread)
        } else {
            self.redial.after_a_moment() + DIAL_SPREAD.mul_f64(spread)
        };
        self.state = State::Waiting(now + wait);
    }

    /// Whether it is to be forgotten.
    pub(crate) fn is_given_up(&self, now: Duration) -> bool {
        !self.is_configured && self.state != State::Up && now.saturating_sub(self.known_at) > HEARD_TIME_MAX
    }
}
