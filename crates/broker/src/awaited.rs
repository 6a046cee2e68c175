//! What whoever publishes has to wait for: links that are full, and mailboxes of services.
//! docs/decisions/0014-room-between-shards.md says who waits for which.

use fabric::{Served, ShardSet};

use crate::broker::Broker;
use crate::client::Hold;
use crate::subscription::SubKey;

impl Broker {
    /// Whether a client has to wait with a message on the subject: a shard that wants it cannot take it now, or a service
    /// there cannot.
    #[inline(always)]
    pub(crate) fn must_wait(&mut self, account: usize, subject: &[u8]) -> bool {
        self.mesh.is_awaited() && self.must_wait_for_some(account, subject)
    }

    #[cold]
    fn must_wait_for_some(&mut self, account: usize, subject: &[u8]) -> bool {
        let (links, mailboxes) = (self.mesh.congested(), self.mesh.full());
        self.crosses_to(account, subject, links) || self.is_served_on(account, subject, mailboxes)
    }

    /// Whether a message on the subject would cross to one of these shards, be it to a service that owns it.
    pub(crate) fn crosses_to(&mut self, account: usize, subject: &[u8], shards: ShardSet) -> bool {
        !shards.is_empty()
            && (self.dispatcher(account).reaches(subject, shards)
                || self.is_owned_on(account, subject, shards))
    }

    /// Whether a service on one of these shards, which may be this one, would get a message on the subject.
    fn is_served_on(&mut self, account: usize, subject: &[u8], shards: ShardSet) -> bool {
        !shards.is_empty()
            && (self.is_owned_on(account, subject, shards)
                || self.egress.services.elsewhere.is_on(account, subject, shards)
                || (shards.contains(self.config.shard) && self.dispatcher(account).is_served_here(subject)))
    }

    /// Whether a client would wait with a message on the subject because a mailbox is full. Services do not wait, and what is
    /// too much is lost: one that can put a message off asks before it has it, and [`Self::room_changes`] when to ask again.
    #[inline]
    pub fn is_mail_awaited(&mut self, account: usize, subject: &[u8]) -> bool {
        let full = self.mesh.full();
        !full.is_empty() && {
            self.space_of(account);
            self.is_served_on(account, subject, full)
        }
    }

    /// Counts how often there was room again, towards another shard or in mailboxes.
    pub fn room_changes(&self) -> u64 {
        self.egress.services.room_changes
    }

    /// Has publishers to services here wait while a mailbox is full.
    pub(crate) fn heed_mailboxes(&mut self) {
        if self.egress.mailbox_full && self.mesh.set_full(self.config.shard, true) {
            self.mesh.tell_full(true);
        }
    }

    /// A mailbox was emptied: perhaps none is full any more.
    pub(crate) fn on_mail_taken(&mut self) {
        if self.egress.mailbox_full && self.egress.services.have_room() {
            self.egress.mailbox_full = false;
            self.mesh.set_full(self.config.shard, false);
            self.mesh.tell_full(false);
            self.on_room();
        }
    }

    /// There is room again towards another shard, or in a mailbox: all who wait for any may try.
    pub(crate) fn on_room(&mut self) {
        for id in self.mesh.take_waiting() {
            self.resume(id, Hold::Link);
        }
        self.egress.services.room_changes += 1;
        self.egress.services.rouse();
    }

    /// Tells all other shards that a service here subscribes, or is about not to any more.
    pub(crate) fn tell_served(&mut self, key: SubKey, begins: bool) {
        let sub = self.egress.subs.at(key);
        let account = sub.account();
        self.spaces[account].local.filter(sub.filter, &mut self.filter);
        self.mesh.tell_served(&Served { account: account as u32, filter: &self.filter, begins });
    }
}
