//! An account: a subject space of its own.
//!
//! Interest is kept in two tries so that each lookup yields just what its user needs: the shard's
//! own subscriptions, and what the other shards said they want. With one shard the second is empty.

use fabric::{Interest, ShardId};
use hashbrown::HashMap;
use queue_group::Remote;
use subject_trie::{MatchCache, Matches, SubjectTrie};

use crate::subscription::SubKey;

/// Subjects whose matches are remembered, per account, shard and trie. A shard that publishes to
/// more subjects than this looks the rest up each time.
const CACHED_SUBJECTS_MAX: usize = 4096;

/// Another shard that wants a filter's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Peer {
    pub(crate) shard: ShardId,
    /// See [`Interest::firm`].
    pub(crate) firm: bool,
}

/// The shard's own subscriptions to one filter (and queue), as counted for the other shards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Members {
    all: u32,
    /// Those that may run out.
    limited: u32,
}

/// What the other shards are told of some [`Members`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) weight: u32,
    pub(crate) firm: bool,
}

impl Told {
    fn of(members: Members, is_queue: bool) -> Self {
        let weight = if is_queue { members.all } else { members.all.min(1) };
        Self { weight, firm: members.all > members.limited }
    }

    /// Whether a change from `self` to `now` must be known everywhere before it takes effect: it
    /// adds interest where there was none, or takes away what others rely on.
    pub(crate) fn needs_fence(self, now: Self) -> bool {
        (self.weight == 0) != (now.weight == 0) || (self.firm && !now.firm)
    }
}

/// A change in the number of members of one filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberChange {
    Join,
    Leave { limited: bool },
    BecomeLimited,
}

pub(crate) struct Account {
    pub(crate) name: Box<str>,
    pub(crate) local: SubjectTrie<SubKey>,
    local_cache: MatchCache<SubKey>,
    remote: SubjectTrie<Remote<Peer>>,
    remote_cache: MatchCache<Remote<Peer>>,
    /// Only kept when there are other shards to tell. The key is the filter, and for queues a blank
    /// (which no subject holds) and the queue.
    members: HashMap<Vec<u8>, Members>,
    key: Vec<u8>,
}

impl Account {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            local: SubjectTrie::new(),
            local_cache: MatchCache::new(CACHED_SUBJECTS_MAX),
            remote: SubjectTrie::new(),
            remote_cache: MatchCache::new(CACHED_SUBJECTS_MAX),
            members: HashMap::new(),
            key: Vec::new(),
        }
    }

    /// Who on this shard gets messages on the subject.
    pub(crate) fn local_matches(&mut self, subject: &[u8]) -> &Matches<SubKey> {
        self.local_cache.lookup(&self.local, subject)
    }

    /// Who on this shard and which other shards, if any, get messages on the subject.
    pub(crate) fn matches(&mut self, subject: &[u8]) -> (&Matches<SubKey>, Option<&Matches<Remote<Peer>>>) {
        let local = self.local_cache.lookup(&self.local, subject);
        let remote = (!self.remote.is_empty()).then(|| self.remote_cache.lookup(&self.remote, subject));
        (local, remote.filter(|matches| !matches.plain.is_empty() || !matches.queues.is_empty()))
    }

    /// Which other shards get messages on the subject.
    pub(crate) fn remote_matches(&mut self, subject: &[u8]) -> &Matches<Remote<Peer>> {
        self.remote_cache.lookup(&self.remote, subject)
    }

    /// Takes in what another shard says of its interest.
    pub(crate) fn on_interest(&mut self, from: ShardId, interest: &Interest<'_>) {
        self.remote.remove_by(interest.filter, interest.queue, |peer| peer.at.shard == from);
        if interest.weight > 0 {
            let peer = Remote { at: Peer { shard: from, firm: interest.firm }, weight: interest.weight };
            self.remote
                .insert(interest.filter, interest.queue, peer)
                .expect("a shard only tells of filters it accepted");
        }
    }

    /// Counts a change among the shard's own members; returns what was told before and what is to
    /// be told now, if they differ.
    pub(crate) fn count(
        &mut self,
        filter: &[u8],
        queue: Option<&[u8]>,
        change: MemberChange,
    ) -> Option<(Told, Told)> {
        self.key.clear();
        self.key.extend_from_slice(filter);
        if let Some(queue) = queue {
            self.key.push(b' ');
            self.key.extend_from_slice(queue);
        }
        let members = self.members.entry_ref(self.key.as_slice()).or_default();
        let before = Told::of(*members, queue.is_some());
        match change {
            MemberChange::Join => members.all += 1,
            MemberChange::Leave { limited } => {
                members.all -= 1;
                members.limited -= u32::from(limited);
            }
            MemberChange::BecomeLimited => members.limited += 1,
        }
        let now = Told::of(*members, queue.is_some());
        if members.all == 0 {
            self.members.remove(self.key.as_slice());
        }
        (before != now).then_some((before, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_interest_is_told_when_it_begins_and_ends() {
        let mut account = Account::new("A");
        let (before, now) = account.count(b"x", None, MemberChange::Join).unwrap();
        assert!(before.needs_fence(now));
        assert_eq!(account.count(b"x", None, MemberChange::Join), None);
        assert_eq!(account.count(b"x", None, MemberChange::Leave { limited: false }), None);
        let (before, now) = account.count(b"x", None, MemberChange::Leave { limited: false }).unwrap();
        assert_eq!(now.weight, 0);
        assert!(before.needs_fence(now));
        assert!(account.members.is_empty());
    }

    #[test]
    fn queue_weight_is_told_each_time_but_fenced_only_at_the_ends() {
        let mut account = Account::new("A");
        account.count(b"x", Some(b"q"), MemberChange::Join).unwrap();
        let (before, now) = account.count(b"x", Some(b"q"), MemberChange::Join).unwrap();
        assert_eq!((before.weight, now.weight), (1, 2));
        assert!(!before.needs_fence(now));
    }

    #[test]
    fn interest_that_may_run_out_is_fenced_when_nothing_firm_is_left() {
        let mut account = Account::new("A");
        account.count(b"x", Some(b"q"), MemberChange::Join).unwrap();
        account.count(b"x", Some(b"q"), MemberChange::Join).unwrap();
        assert_eq!(account.count(b"x", Some(b"q"), MemberChange::BecomeLimited), None);
        let (before, now) = account.count(b"x", Some(b"q"), MemberChange::BecomeLimited).unwrap();
        assert!(before.firm && !now.firm && before.needs_fence(now));
        let (before, now) = account.count(b"x", Some(b"q"), MemberChange::Leave { limited: true }).unwrap();
        assert!(!now.firm && now.weight == 1 && !before.needs_fence(now));
    }

    #[test]
    fn a_shards_last_word_on_a_filter_counts() {
        let mut account = Account::new("A");
        let told = |weight, firm| Interest { account: 0, filter: b"x.*", queue: Some(b"q"), weight, firm };
        account.on_interest(ShardId(1), &told(1, true));
        account.on_interest(ShardId(1), &told(3, false));
        account.on_interest(ShardId(2), &told(1, true));
        let members = account.remote_matches(b"x.y").queues[0].members.to_vec();
        assert_eq!(members.len(), 2);
        assert!(members.iter().any(|m| m.at == Peer { shard: ShardId(1), firm: false } && m.weight == 3));
        account.on_interest(ShardId(1), &told(0, false));
        assert_eq!(account.remote_matches(b"x.y").queues[0].members.len(), 1);
    }
}
