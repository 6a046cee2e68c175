//! The shard's links to all other shards: what is sent over them, which are full, and what was confirmed.

use conns::ConnId;
use fabric::{Batch, Interest, Letter, Link, MeshMessage, Served, ShardId, ShardSet};

/// Links by shard; the row of the shard itself stays unused.
#[derive(Debug)]
pub(crate) struct Mesh {
    shard: ShardId,
    links: Vec<Link>,
    /// Shards whose links are full.
    congested: ShardSet,
    /// Shards with a full mailbox, which may be this one.
    full: ShardSet,
    /// Shards of either kind: what is looked at with each message.
    awaited: ShardSet,
    /// Shards that were sent messages since somebody asked.
    reached: ShardSet,
    /// Shards without connections, and without services that publish or subscribe, that will hear all that is queued for them before they get one: they
    /// need not confirm what they do not know yet, nor be woken to hear it.
    vacant: ShardSet,
    /// The newest interest round of this shard.
    round: u64,
    /// Connections held until a link has room again.
    waiting: Vec<ConnId>,
}

impl Mesh {
    pub(crate) fn new(shard: ShardId, shards: usize) -> Self {
        assert!(shard.index() < shards, "shard {shard} of {shards}");
        Self {
            shard,
            links: ShardId::all(shards).map(|_| Link::default()).collect(),
            congested: ShardSet::EMPTY,
            full: ShardSet::EMPTY,
            awaited: ShardSet::EMPTY,
            reached: ShardSet::EMPTY,
            vacant: ShardSet::EMPTY,
            round: 0,
            waiting: Vec::new(),
        }
    }

    /// Whether there is another shard at all.
    pub(crate) fn has_others(&self) -> bool {
        self.links.len() > 1
    }

    /// The other shards.
    pub(crate) fn others(&self) -> impl Iterator<Item = ShardId> + use<> {
        let own = self.shard;
        ShardId::all(self.links.len()).filter(move |other| *other != own)
    }

    pub(crate) fn shard(&self) -> ShardId {
        self.shard
    }

    pub(crate) fn link(&mut self, other: ShardId) -> &mut Link {
        debug_assert!(other != self.shard, "no link to oneself");
        &mut self.links[other.index()]
    }

    /// The shards that publishers have to wait for.
    pub(crate) fn congested(&self) -> ShardSet {
        self.congested
    }

    /// The shards that publishers to services have to wait for.
    pub(crate) fn full(&self) -> ShardSet {
        self.full
    }

    /// Whether there is any shard of either kind.
    #[inline]
    pub(crate) fn is_awaited(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// The shards that services have to wait for, too.
    pub(crate) fn stuffed(&self) -> ShardSet {
        let mut stuffed = ShardSet::EMPTY;
        let links = self.congested.iter().filter(|shard| self.links[shard.index()].is_stuffed());
        links.for_each(|shard| stuffed.insert(shard));
        stuffed
    }

    /// Whether what all other shards are to be told has to wait.
    pub(crate) fn has_full_links(&self) -> bool {
        !self.congested.is_empty()
    }

    /// Notes whether a shard has a full mailbox. Returns whether that has changed.
    pub(crate) fn set_full(&mut self, shard: ShardId, is_full: bool) -> bool {
        let was_full = self.full.contains(shard);
        if is_full {
            self.full.insert(shard)
        } else {
            self.full.remove(shard)
        }
        self.note_awaited();
        was_full != is_full
    }

    /// Tells all others whether a mailbox here is full.
    pub(crate) fn tell_full(&mut self, is_full: bool) {
        for other in self.others() {
            self.links[other.index()].set_full(is_full);
        }
    }

    /// Tells all others what a service here subscribes to.
    pub(crate) fn tell_served(&mut self, served: &Served<'_>) {
        for other in self.others() {
            self.links[other.index()].push_served(served);
            self.note_load(other);
        }
    }

    /// Tells every other shard of an interest; returns the round that says they know.
    pub(crate) fn announce(&mut self, interest: &Interest<'_>) -> u64 {
        self.round += 1;
        for other in self.others() {
            self.links[other.index()].push_interest(interest, self.round);
            self.note_load(other);
        }
        self.round
    }

    /// Opens a round without news; returns it. Once it is confirmed every other shard has applied all
    /// that it was sent before.
    pub(crate) fn open_round(&mut self) -> u64 {
        self.round += 1;
        for other in self.others() {
            self.links[other.index()].push_round(self.round);
        }
        self.round
    }

    pub(crate) fn send<'g>(
        &mut self,
        other: ShardId,
        message: &MeshMessage<'_>,
        groups: impl Iterator<Item = &'g [u8]> + Clone,
    ) {
        self.link(other).push_message(message, groups);
        self.reached.insert(other);
        self.note_load(other);
    }

    /// Sends a message to a service of another shard.
    pub(crate) fn send_letter(&mut self, other: ShardId, letter: &Letter<'_>) {
        self.link(other).push_letter(letter);
        self.reached.insert(other);
        self.note_load(other);
    }

    /// The shards that were sent messages since the last call.
    pub(crate) fn take_reached(&mut self) -> ShardSet {
        std::mem::take(&mut self.reached)
    }

    /// The shards that nobody is on who would notice what they know.
    pub(crate) fn set_vacant(&mut self, vacant: ShardSet) {
        self.vacant = vacant;
    }

    /// Bytes gathered for the shard for which there are the most.
    pub(crate) fn gathered_bytes(&self) -> usize {
        self.links.iter().map(Link::gathered_bytes).max().unwrap_or(0)
    }

    /// Bytes gathered for other shards or under way to them.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.links.iter().map(Link::pending_bytes).sum()
    }

    /// Takes what there is to tell another shard, if it is time to.
    pub(crate) fn take_batch(&mut self, to: ShardId) -> Option<Batch> {
        let is_vacant = self.vacant.contains(to);
        let link = self.link(to);
        let wanted = if is_vacant { link.needs_batch() } else { link.wants_batch() };
        wanted.then(|| link.take_batch())
    }

    /// The newest round that every other shard has applied, or will have before it matters there: vacant ones do not count. It
    /// may fall when one of those gets a connection and has yet to confirm what the others have; what took effect stays
    /// so, since the shard is told before its connection comes. Only the first shard knows of vacant ones, so elsewhere
    /// it only grows.
    pub(crate) fn confirmed(&self) -> u64 {
        let concerned = self.others().filter(|other| !self.vacant.contains(*other));
        concerned.map(|other| self.links[other.index()].confirmed_by_peer()).min().unwrap_or(self.round)
    }

    /// The newest round of this shard.
    pub(crate) fn round(&self) -> u64 {
        self.round
    }

    /// Whether every other shard has applied all that this one told, or will have before it matters.
    pub(crate) fn is_settled(&self) -> bool {
        self.confirmed() == self.round
    }

    pub(crate) fn hold(&mut self, conn: ConnId) {
        self.waiting.push(conn);
    }

    /// The other shard's link has room again.
    pub(crate) fn on_uncongested(&mut self, other: ShardId) {
        self.congested.remove(other);
        self.note_awaited();
    }

    fn note_awaited(&mut self) {
        self.awaited = self.congested.union(self.full);
    }

    /// Takes those who waited for room anywhere.
    pub(crate) fn take_waiting(&mut self) -> Vec<ConnId> {
        std::mem::take(&mut self.waiting)
    }

    fn note_load(&mut self, other: ShardId) {
        if self.links[other.index()].is_congested() {
            self.congested.insert(other);
            self.note_awaited();
        }
    }
}
