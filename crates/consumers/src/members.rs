//! Members of a group: who is there, and who is to have which lanes.
//!
//! Who comes takes as many lanes as make all even, from those who have most; what somebody had who goes is given to those
//! who have fewest. Nothing else moves. Ties are decided by name, so all of it follows from who came and went.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::now::{NEVER, Now, later};

/// Names a member. No two of a group have the same one, also if one is gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberId(u32);

impl MemberId {
    /// Nobody is.
    pub(crate) const NOBODY: Self = Self(0);
    /// Whoever had a message before this server led the group.
    pub(crate) const UNKNOWN: Self = Self(u32::MAX);
}

/// A member.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Arc<str>,
    /// How long it may be silent, and until when it may be now.
    threshold: i64,
    until: i64,
    /// It was told to hand over its lanes, and gets none as long as there are others.
    is_relieved: bool,
    /// How many lanes it has.
    pub(crate) lanes: usize,
    /// Those of them that have a message which it may have now.
    pub(crate) able: BTreeSet<u16>,
    /// How many messages it has to acknowledge.
    pub(crate) out: usize,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Members {
    all: BTreeMap<MemberId, Member>,
    ids: BTreeMap<Arc<str>, MemberId>,
    last: u32,
    /// Nobody is silent for too long before.
    silent_at: i64,
}

impl Members {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn id(&self, name: &str) -> Option<MemberId> {
        self.ids.get(name).copied()
    }

    pub(crate) fn get(&self, id: MemberId) -> Option<&Member> {
        self.all.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.all.get_mut(&id)
    }

    /// There is one more, who may be silent for so long.
    pub(crate) fn add(&mut self, at: &Now, name: &str, threshold: i64) -> MemberId {
        self.last += 1;
        let (id, name) = (MemberId(self.last), Arc::<str>::from(name));
        let until = later(at.mono, threshold);
        let able = BTreeSet::new();
        let member =
            Member { name: name.clone(), threshold, until, is_relieved: false, lanes: 0, able, out: 0 };
        self.all.insert(id, member);
        self.ids.insert(name, id);
        self.silent_at = if self.all.len() == 1 { until } else { self.silent_at.min(until) };
        id
    }

    pub(crate) fn remove(&mut self, id: MemberId) -> Option<Member> {
        let member = self.all.remove(&id)?;
        self.ids.remove(&member.name);
        Some(member)
    }

    /// One says something.
    pub(crate) fn sign(&mut self, at: &Now, id: MemberId) {
        if let Some(member) = self.all.get_mut(&id) {
            member.until = later(at.mono, member.threshold);
        }
    }

    /// One is not to have lanes as long as there are others, until somebody comes.
    pub(crate) fn relieve(&mut self, id: MemberId) {
        if let Some(member) = self.all.get_mut(&id) {
            member.is_relieved = true;
        }
    }

    /// Whoever was relieved may have lanes again.
    pub(crate) fn end_reliefs(&mut self) {
        self.all.values_mut().for_each(|member| member.is_relieved = false);
    }

    /// When somebody may have been silent for too long.
    pub(crate) fn silent_at(&self) -> i64 {
        if self.all.is_empty() { NEVER } else { self.silent_at }
    }

    /// Those who have been silent for too long.
    pub(crate) fn silent(&mut self, now: i64) -> Vec<MemberId> {
        let silent = self.all.iter().filter(|(_, member)| member.until <= now).map(|(id, _)| *id).collect();
        self.silent_at =
            self.all.values().map(|member| member.until).filter(|until| *until > now).min().unwrap_or(NEVER);
        silent
    }

    /// When one of them may be silent for too long the next time: it is spared now.
    pub(crate) fn spare(&mut self, at: &Now, id: MemberId) {
        self.sign(at, id);
        let until = self.all.get(&id).map_or(NEVER, |member| member.until);
        self.silent_at = self.silent_at.min(until);
    }

    /// None has a message to acknowledge.
    pub(crate) fn have_nothing(&mut self) {
        self.all.values_mut().for_each(|member| member.out = 0);
    }

    /// Those who may have messages that wait for them.
    pub(crate) fn able(&self) -> impl Iterator<Item = (MemberId, &str)> {
        let able = self.all.iter().filter(|(_, member)| !member.able.is_empty());
        able.map(|(id, member)| (*id, &*member.name))
    }

    /// Those who take part, by how many lanes they have, and then by name.
    pub(crate) fn by_lanes(&self) -> BTreeSet<(usize, Arc<str>, MemberId)> {
        let all_relieved = self.all.values().all(|member| member.is_relieved);
        let taking = self.all.iter().filter(|(_, member)| all_relieved || !member.is_relieved);
        taking.map(|(id, member)| (member.lanes, member.name.clone(), *id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono: i64) -> Now {
        Now { mono, wall: mono, random: 0 }
    }

    #[test]
    fn who_is_silent_for_too_long_is_found_once_it_is_time() {
        let mut members = Members::default();
        assert_eq!(members.silent_at(), NEVER);
        let [a, b] = ["a", "b"].map(|name| members.add(&at(0), name, 10));
        members.sign(&at(5), a);
        assert_eq!((members.silent_at(), members.silent(10)), (10, vec![b]));
        members.remove(b);
        assert_eq!(members.silent_at(), 15);
        members.spare(&at(15), a);
        assert_eq!((members.silent(15), members.silent_at()), (vec![], 25));
    }
}
