//! Subscriptions to what an account imports.
//!
//! A subscription whose filter overlaps with a stream import has a *shadow* for it: a subscription in the account that
//! the stream is imported from, on the same shard. Others are told of it as of any, so whoever publishes there, on
//! whatever shard, finds it; queue groups, offers and fences know nothing else. docs/decisions/0015-imports.md has more.
//!
//! Always true: a shadow is among the shadows of the subscription that it stands for until it is removed, and is
//! removed before that.

pub(crate) mod leaving;

use std::sync::Arc;

use hashbrown::HashSet;
use nats_auth::StreamImport;

use crate::broker::Broker;
use crate::chores::ROW_STEPS;
use crate::members::MemberChange;
use crate::subscription::{SubKey, Subscription};

/// Imports that are compared with a filter in one step.
const COMPARED_PER_STEP: usize = 4;

impl Broker {
    /// Gives a subscription that has just begun its shadows. Returns the round to wait for, if there is one.
    pub(crate) fn cast_shadows(&mut self, key: SubKey, filter: &[u8]) -> Option<u64> {
        let account = self.egress.subs.at(key).account();
        if self.config.settings.directory.account(account).stream_imports().is_empty() || !self.imports(key) {
            return None;
        }
        let directory = Arc::clone(&self.config.settings.directory);
        let imports = directory.account(account).stream_imports();
        self.egress.steps += (imports.len() / COMPARED_PER_STEP) as u64;
        let mut round = None;
        for import in imports {
            round = self.cast_shadow(key, filter, import).or(round);
        }
        round
    }

    /// Whether a subscription gets what its account imports. Other servers of the cluster import for themselves.
    fn imports(&self, key: SubKey) -> bool {
        let target = self.egress.subs.at(key).target;
        target.as_shadow().is_none() && target.as_peer().is_none_or(|peer| self.egress.is_leaf(peer))
    }

    /// The shadow for one import, if that overlaps with the filter.
    fn cast_shadow(&mut self, of: SubKey, filter: &[u8], import: &Arc<StreamImport>) -> Option<u64> {
        let mut far = Vec::new();
        if !import.filter(filter, &mut far) {
            return None;
        }
        let key = self.egress.subs.next_key();
        let sub = self.egress.subs.at(of);
        let (queue, is_limited) = (sub.queue().map(Box::<[u8]>::from), sub.is_limited());
        let local = &mut self.space_of(import.account()).local;
        // What is imported as something else may have no filter over there, as `to` may be any text.
        let filter = local.insert(&far, queue.as_deref(), key).ok()?;
        self.egress.subs.insert(Subscription::shadow(of, filter, queue.as_deref(), Arc::clone(import)));
        self.egress.subs.at_mut(of).add_shadow(key);
        self.egress.counters.on_subscribed(import.account());
        self.egress.services.on_interest_changed();
        self.spend_on_nodes(import.account());
        self.egress.steps += 1;
        let round = self.announce(key, MemberChange::Join);
        if self.egress.is_of_service(of) {
            self.tell_served(key, true);
        }
        if is_limited { self.limit_one(key).or(round) } else { round }
    }

    /// Tells the others that the shadows of a subscription leave, which does so too. Returns the round to wait for.
    pub(crate) fn announce_shadows_leave(&mut self, of: SubKey) -> Option<u64> {
        let mut round = None;
        for key in self.staying_shadows(of) {
            self.tell_shadow_leaves(of, key);
            round = self.announce_leave(key).or(round);
        }
        round
    }

    fn tell_shadow_leaves(&mut self, of: SubKey, key: SubKey) {
        if self.egress.is_of_service(of) {
            self.tell_served(key, false);
        }
    }

    fn staying_shadows(&self, of: SubKey) -> Vec<SubKey> {
        let shadows = self.egress.subs.at(of).shadows().iter().copied();
        shadows.filter(|key| !self.egress.subs.at(*key).is_leaving()).collect()
    }

    /// Others may not rely on the shadows of a subscription to take a message.
    pub(crate) fn limit_shadows(&mut self, of: SubKey) -> Option<u64> {
        let mut round = None;
        for key in self.staying_shadows(of) {
            round = self.limit_one(key).or(round);
        }
        round
    }

    /// Removes the shadows of a subscription that is about to be removed itself.
    pub(crate) fn remove_shadows(&mut self, of: SubKey) {
        for key in self.egress.subs.at_mut(of).take_shadows() {
            self.shadows_leaving.forget(key);
            self.remove(key);
            self.chores.budget().spend(ROW_STEPS);
        }
    }

    /// Lets a subscription import what the directory in force has its account import. Returns the round to wait for
    /// and how many shadows came and went.
    pub(crate) fn renew_shadows(&mut self, of: SubKey) -> (Option<u64>, usize) {
        let sub = self.egress.subs.at(of);
        let (account, is_apart) = (sub.account(), sub.is_leaving() || !self.imports(of));
        let imports = self.config.settings.directory.account(account).stream_imports();
        if is_apart || (imports.is_empty() && sub.shadows().is_empty()) {
            return (None, 0);
        }
        let directory = Arc::clone(&self.config.settings.directory);
        let imports = directory.account(account).stream_imports();
        let (mut changes, mut round) = (0, None);
        // Those that stay are taken out, and what is left begins.
        let mut wanted: HashSet<*const StreamImport> = imports.iter().map(Arc::as_ptr).collect();
        for key in self.staying_shadows(of) {
            let import = self.egress.subs.at(key).import().map(Arc::as_ptr);
            if !import.is_some_and(|import| wanted.remove(&import)) {
                self.end_shadow(of, key);
                changes += 1;
            }
        }
        let mut filter = Vec::new();
        self.spaces[account].local.filter(self.egress.subs.at(of).filter, &mut filter);
        for import in imports.iter().filter(|import| wanted.contains(&Arc::as_ptr(import))) {
            let before = self.egress.subs.at(of).shadows().len();
            round = self.cast_shadow(of, &filter, import).or(round);
            changes += self.egress.subs.at(of).shadows().len() - before;
        }
        self.egress.steps += (imports.len() / COMPARED_PER_STEP) as u64;
        (round, changes)
    }

    /// A shadow ends, and the subscription that it stands for goes on. What others sent before they knew still comes.
    fn end_shadow(&mut self, of: SubKey, key: SubKey) {
        self.tell_shadow_leaves(of, key);
        match self.announce_leave(key) {
            None => {
                self.egress.subs.at_mut(of).drop_shadow(key);
                self.remove(key);
            }
            Some(round) => {
                self.egress.subs.at_mut(key).set_leaving();
                self.shadows_leaving.push(round, key);
            }
        }
    }

    /// More rounds are confirmed: shadows that ended get nothing more.
    pub(crate) fn remove_left_shadows(&mut self) {
        let confirmed = self.mesh.confirmed();
        while let Some(key) = self.shadows_leaving.pop(confirmed) {
            if let Some(of) = self.egress.subs.at(key).target.as_shadow() {
                self.egress.subs.at_mut(of).drop_shadow(key);
            }
            self.remove(key);
        }
    }
}
