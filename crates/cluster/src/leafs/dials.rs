//! Hubs that are dialed: which of their places, and when.

use std::time::Duration;

use super::{LeafAction, Leafs, Session, Stage};
use crate::action::Dial;
use crate::config::{Credentials, RouteUrl};
use crate::leaf_config::LeafRemote;
use crate::leaf_refusal::{LeafRefusal, MISCONFIGURED, leaf_delay};
use crate::leaf_words;
use crate::log_words::is_reported;

/// Dials of hubs have numbers from here on; those of servers of a cluster do not get there.
pub const LEAF_DIALS: u32 = 1 << 31;

/// Places of one hub that others told of. Those beyond are not dialed.
const DISCOVERED_MAX: usize = 64;

/// A hub to dial.
#[derive(Debug)]
pub(super) struct Remote {
    /// Its places, the next to dial in front.
    urls: Vec<RouteUrl>,
    /// The one in front was dialed.
    is_tried: bool,
    state: State,
    /// Attempts that failed since it was up.
    attempts: u32,
    was_reached: bool,
    /// How long to wait once its connection is closed, if that is not as long as usual.
    delay: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is dialed at this time.
    Waiting(Duration),
    /// It is being dialed, or is connected.
    Busy,
}

impl Remote {
    pub(super) fn new(urls: Vec<RouteUrl>) -> Self {
        Self {
            urls,
            is_tried: false,
            state: State::Waiting(Duration::ZERO),
            attempts: 0,
            was_reached: false,
            delay: None,
        }
    }

    /// It is not to be dialed any more: it has no place.
    pub(super) fn remove(&mut self) {
        self.urls.clear();
    }

    pub(super) fn is_removed(&self) -> bool {
        self.urls.is_empty()
    }

    /// The next place to dial; the one before goes to the end.
    fn next_place(&mut self) -> Option<RouteUrl> {
        if std::mem::replace(&mut self.is_tried, true) && self.urls.len() > 1 {
            self.urls.rotate_left(1);
        }
        self.urls.first().cloned()
    }

    /// The place in front.
    pub(super) fn place(&self) -> Option<&RouteUrl> {
        self.urls.first()
    }

    /// Its connection is closed.
    pub(super) fn on_closed(&mut self, now: Duration, usual: Duration) {
        self.state = State::Waiting(now + self.delay.take().unwrap_or(usual));
    }

    /// It is connected.
    pub(super) fn on_up(&mut self) {
        (self.attempts, self.was_reached) = (0, true);
    }

    pub(super) fn wait(&mut self, delay: Duration) {
        self.delay = Some(delay);
    }

    /// The hub tells where it can be reached as well: those go before what is configured.
    pub(super) fn discover(&mut self, configured: &LeafRemote, told: &[String]) {
        let shown: Option<Credentials> = configured.urls.iter().find_map(|url| url.credentials.clone());
        let front = self.urls.first().map(RouteUrl::place);
        let mut urls: Vec<RouteUrl> = Vec::new();
        for told in told.iter().take(DISCOVERED_MAX) {
            let Some(url) = RouteUrl::parse(&format!("nats-leaf://{told}")) else { continue };
            let is_known = |known: &RouteUrl| known.place() == url.place();
            if !configured.urls.iter().chain(&urls).any(is_known) {
                urls.push(RouteUrl { credentials: shown.clone(), ..url });
            }
        }
        urls.extend(configured.urls.iter().cloned());
        // The one that is connected stays in front.
        if let Some(at) = urls.iter().position(|url| Some(url.place()) == front) {
            urls.rotate_left(at);
        }
        self.urls = urls;
    }
}

impl<C: Copy + Ord> Leafs<C> {
    pub(super) fn begin_remotes(&mut self) {
        for remote in self.config.remotes.clone() {
            let urls = self.in_order(&remote);
            self.remotes.push(Remote::new(urls));
        }
    }

    /// The places of a hub in the order in which they are dialed.
    pub(super) fn in_order(&mut self, remote: &LeafRemote) -> Vec<RouteUrl> {
        let mut urls = remote.urls.clone();
        // Fisher and Yates.
        for last in (1..urls.len()).rev().filter(|_| !remote.keeps_order) {
            urls.swap(last, self.draw() as usize % (last + 1));
        }
        urls
    }

    pub(super) fn dial_what_is_due(&mut self, now: Duration) {
        if self.is_stopping {
            return;
        }
        for at in 0..self.remotes.len() {
            let remote = &mut self.remotes[at];
            if !matches!(remote.state, State::Waiting(due) if due <= now) {
                continue;
            }
            let Some(RouteUrl { host, port, .. }) = remote.next_place() else { continue };
            remote.state = State::Busy;
            let (number, timeout) = (LEAF_DIALS + at as u32, self.config.remotes[at].dial_timeout);
            self.actions.push_back(LeafAction::Dial(Dial { number, host, port, timeout }));
        }
    }

    /// When a hub is to be dialed.
    pub(super) fn next_dial(&self) -> Option<Duration> {
        let due = self.remotes.iter().filter(|remote| !remote.urls.is_empty());
        let due = due.filter_map(|remote| match remote.state {
            State::Waiting(at) if !self.is_stopping => Some(at),
            _ => None,
        });
        due.min()
    }

    /// The attempt of that number made no connection.
    pub fn on_dial_failed(&mut self, now: Duration, number: u32, reason: &str) {
        let at = number.wrapping_sub(LEAF_DIALS) as usize;
        let jitter = self.config.reconnect.mul_f64(f64::from(self.draw()) / f64::from(u32::MAX));
        let Some(remote) = self.remotes.get_mut(at).filter(|remote| !remote.is_removed()) else { return };
        remote.attempts += 1;
        remote.state = State::Waiting(now + self.config.reconnect + jitter);
        let every = if remote.was_reached { self.config.again_reports } else { self.config.first_reports };
        if is_reported(remote.attempts, every) {
            let place = remote.place().map(RouteUrl::place).unwrap_or_default();
            tracing::error!("{}", leaf_words::not_reached(&place, remote.attempts, reason));
        }
    }

    /// A hub said that something is wrong: it may be that dialing it again soon is of no use. Returns whether the
    /// connection is of no use either.
    pub fn on_complaint(&mut self, connection: C, text: &str) -> bool {
        let Some(session) = self.sessions.get(&connection) else { return false };
        if let Some((words, delay)) = leaf_words::dropped(text).zip(leaf_delay(text)) {
            tracing::error!(
                "{} - {words} Delaying attempt to reconnect for {}s",
                session.label,
                delay.as_secs()
            );
        }
        let is_loop = text.contains("Loop detected");
        if is_loop {
            let words = LeafRefusal::Loop(self.account_of(session)).wire_text();
            tracing::error!("{} - {words}", session.label);
        }
        self.delay_dial(connection, text);
        is_loop
    }

    fn account_of<'s>(&'s self, session: &'s Session) -> &'s str {
        match (&session.stage, session.remote) {
            (Stage::Open(known), _) => &known.account,
            (_, Some(remote)) => &self.config.remotes[remote].account,
            _ => "",
        }
    }

    /// Who was dialed waits as long as this text says, once the connection is closed.
    pub(super) fn delay_dial(&mut self, connection: C, text: &str) {
        let remote = self.sessions.get(&connection).and_then(|session| session.remote);
        if let Some((remote, delay)) = remote.zip(leaf_delay(text)) {
            self.remotes[remote].wait(delay);
        }
    }

    /// The other side did what it may not: if it was dialed it is not dialed again soon.
    pub fn on_violation(&mut self, connection: C) {
        if let Some(remote) = self.sessions.get(&connection).and_then(|session| session.remote) {
            self.remotes[remote].wait(MISCONFIGURED);
        }
    }

    /// Whether a cluster is a leaf of an account already.
    pub(super) fn has_leaf_cluster(&self, account: &str, cluster: &str) -> bool {
        let is_it = |known: &super::Known| known.account == account && known.cluster == cluster;
        !cluster.is_empty()
            && self.sessions.values().any(|session| {
                session.remote.is_none() && matches!(&session.stage, Stage::Open(known) if is_it(known))
            })
    }

    fn draw(&mut self) -> u32 {
        // Steele and Vigna's SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 32) as u32
    }
}
