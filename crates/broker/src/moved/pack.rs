//! Taking a connection out of a shard, and in at another.

use conns::ConnId;

use crate::broker::Broker;
use crate::client::Reminder;
use crate::members::MemberChange;
use crate::subscription::{BySid, SubKey, Subscription};
use crate::turn::Share;

use super::Moved;

impl Broker {
    /// Takes a connection out of this shard, and its subscriptions out of what others are told.
    pub(crate) fn pack(&mut self, id: ConnId) -> Moved {
        let by_sid = std::mem::take(&mut self.egress.clients.at(id).subs);
        let mut subs = Vec::with_capacity(by_sid.len());
        for BySid { key, .. } in by_sid.iter().copied() {
            self.announce_leave(key);
            let sub = self.egress.subs.at(key);
            self.spaces[sub.account()].local.filter(sub.filter, &mut self.filter);
            subs.push((self.filter.as_slice().into(), self.take_out(key)));
        }
        let mut client = self.egress.clients.remove(id).expect("the connection was just looked at");
        self.egress.counters.take_output(&mut client);
        self.egress.counters.on_left(&client);
        Moved { client, subs }
    }

    /// Takes a connection in that is to live here. Its input waits for the end of the pause.
    pub(crate) fn unpack(&mut self, moved: Moved) -> ConnId {
        let Moved { mut client, subs } = moved;
        tracing::debug!("{} - Client connection moved to shard {}", client.label, self.mesh.shard());
        // Its share and its reminders were the other shard's.
        client.share = Share::default();
        client.ping_reminder = client.next_ping;
        let next_ping = client.next_ping;
        self.egress.counters.on_moved_in(&client);
        let id = self.egress.clients.insert(client);
        self.egress.clients.remind(id, next_ping, Reminder::Ping);
        self.moves.hold(id, self.egress.clients.at(id));
        for (filter, sub) in subs {
            self.join_again(id, &filter, sub);
        }
        self.egress.clients.mark_dirty(id);
        self.catch_up(id);
        id
    }

    /// A connection that comes from a shard that had not put the settings in force here yet, or whose sweep had
    /// not come to it, follows them now. Few of its subscriptions move with it.
    fn catch_up(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        if client.settings_epoch < self.settings_epoch {
            self.follow(id);
        }
        if let Some(client) = self.egress.clients.open(id)
            && client.recheck.is_some()
        {
            let keys: Vec<SubKey> = client.subs.iter().map(|by_sid| by_sid.key).collect();
            for key in keys {
                self.recheck(id, key);
            }
            self.end_recheck(id);
        }
    }

    fn join_again(&mut self, id: ConnId, filter: &[u8], mut sub: Subscription) {
        let key = self.egress.subs.next_key();
        let account = sub.account();
        let local = &mut self.space_of(account).local;
        sub.filter = local.insert(filter, sub.queue(), key).expect("another shard took the filter");
        sub.target = id.into();
        let limited = sub.is_limited();
        self.egress.subs.insert(sub);
        self.egress.enter_sub(id, self.egress.subs.by_sid(key));
        self.egress.counters.on_subscribed(account);
        self.announce(key, MemberChange::Join);
        if limited {
            self.announce(key, MemberChange::BecomeLimited);
        }
        self.cast_shadows(key, filter);
    }

    /// A connection that was to leave goes on here.
    pub(crate) fn stay(&mut self, id: ConnId) {
        // Nobody waits for its socket to be writable: try again.
        self.egress.clients.on_writable(id);
        self.egress.clients.mark_dirty(id);
        if self.wants_input(id) {
            self.resumed.push(id);
        }
    }
}
