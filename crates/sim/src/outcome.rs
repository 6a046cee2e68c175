//! How a run went.

use crate::history::History;

/// How a run went.
#[derive(Debug)]
pub struct Outcome {
    /// What the clients did and saw.
    pub history: History,
    /// What the checks say of it; empty is good.
    pub violations: Vec<String>,
    /// How often it came across what it is to come across.
    pub stats: Stats,
}

/// What a run came across, to show that it went where it should.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages published.
    pub published: usize,
    /// Messages received.
    pub received: usize,
    /// Responses received across borders.
    pub responses: usize,
    /// 503s received.
    pub unanswered: usize,
    /// Subscriptions that had their maximum.
    pub exhausted: usize,
    /// Connections that the server closed.
    pub cut_off: usize,
    /// Times a socket was full.
    pub blocked: usize,
    /// Times a connection was told to wait with its input.
    pub held: usize,
    /// Connections that changed shards.
    pub changed_shards: usize,
    /// Turns that went on with what is too long for one.
    pub slices: usize,
    /// Most bytes under way on one link.
    pub link_bytes: usize,
    /// Rounds in which somebody was served.
    pub rounds: usize,
    /// Stretches after which a part of a read waited outside of the broker.
    pub aside: usize,
    /// The longest that a connection waited, in shares that another one had meanwhile, times a hundred.
    pub waited: u64,
    /// What services came across.
    pub services: ServiceStats,
    /// Shards that were told to stop and did.
    pub stopped_shards: usize,
    /// Connections that were closed because of that.
    pub let_go: usize,
    /// Clients that were told that the server is about to go.
    pub warned: usize,
    /// Clients that came over WebSockets.
    pub webs: usize,
    /// Clients over WebSockets that were told why their connection ends.
    pub closed_webs: usize,
    /// Reads from WebSockets that were received while the read before was still acted on.
    pub web_reads_at_once: usize,
}

/// What services came across.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceStats {
    /// Messages that they got since they own the subject.
    pub owned: usize,
    /// Messages that they got by subscriptions.
    pub subscribed: usize,
    /// Messages that they published.
    pub published: usize,
    /// Times that they could not publish since a link to another shard had no room.
    pub waited_for_link: usize,
    /// Times that they could not publish since connections changed shards.
    pub waited_for_pause: usize,
    /// Times that they could not publish since their message before was under offer.
    pub waited_for_offer: usize,
    /// Times that they chose not to publish since a mailbox was full.
    pub waited_for_mail: usize,
    /// Messages from services that were lost, as their receivers were told.
    pub lost: u64,
}

impl std::ops::AddAssign for ServiceStats {
    fn add_assign(&mut self, other: Self) {
        self.owned += other.owned;
        self.subscribed += other.subscribed;
        self.published += other.published;
        self.waited_for_link += other.waited_for_link;
        self.waited_for_pause += other.waited_for_pause;
        self.waited_for_offer += other.waited_for_offer;
        self.waited_for_mail += other.waited_for_mail;
        self.lost += other.lost;
    }
}

impl std::ops::AddAssign for Stats {
    /// Sums up; of the bytes on one link and of the shares waited for it keeps the most.
    fn add_assign(&mut self, other: Self) {
        self.published += other.published;
        self.received += other.received;
        self.responses += other.responses;
        self.unanswered += other.unanswered;
        self.exhausted += other.exhausted;
        self.cut_off += other.cut_off;
        self.blocked += other.blocked;
        self.held += other.held;
        self.changed_shards += other.changed_shards;
        self.slices += other.slices;
        self.link_bytes = self.link_bytes.max(other.link_bytes);
        self.rounds += other.rounds;
        self.aside += other.aside;
        self.waited = self.waited.max(other.waited);
        self.services += other.services;
        self.stopped_shards += other.stopped_shards;
        self.let_go += other.let_go;
        self.warned += other.warned;
        self.webs += other.webs;
        self.closed_webs += other.closed_webs;
        self.web_reads_at_once += other.web_reads_at_once;
    }
}
