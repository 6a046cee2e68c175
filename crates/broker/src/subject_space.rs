//! The subjects of one account, and who wants messages on them: subscriptions on this shard, and other shards.
//!
//! The two are kept apart so that each lookup yields just what its user needs: the shard's own
//! subscriptions in one trie, and what the other shards said they want, subjects by their hash and
//! wildcards and queue groups in another trie. With one shard the latter are empty.

use std::hint::black_box;

use fabric::{Interest, ShardId, ShardSet, Told};
use monitor::Lookups;
use queue_group::Remote;
use subject_trie::{FilterKey, MatchCache, Matches, QueueMatch, SubjectHash, SubjectTrie};

use crate::cursor::{Cursor, MessageNumber};
use crate::literal_interest::{LiteralInterest, Wanting};
use crate::members::{MemberChange, Members};
use crate::subscription::SubKey;

/// Subjects whose matches are remembered, per account, shard and trie. A shard that publishes to
/// more subjects than this looks the rest up each time.
const CACHED_SUBJECTS_MAX: usize = 4096;

/// Tables with fewer rows stay in the caches of a processor.
const SMALL_TABLE_ROWS: usize = 1 << 14;

/// Nodes of a trie that take as long as a delivery.
pub(crate) const NODES_PER_STEP: u64 = 2;

/// Cache misses between two looks ahead from which on looking pays.
const MISSES_MIN: u64 = 4;

/// Another shard that wants a filter's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ShardInterest {
    pub(crate) shard: ShardId,
    /// See [`Told::firm`].
    pub(crate) firm: bool,
    /// See [`Told::far`].
    pub(crate) far: bool,
}

/// Which other shards get messages on a subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elsewhere<'a> {
    /// Shards with plain subscriptions that are sure to take it.
    pub(crate) firm: ShardSet,
    /// Shards where every plain subscription of some filter may have run out.
    pub(crate) doubtful: ShardSet,
    /// Queue groups with members elsewhere.
    pub(crate) queues: &'a [QueueMatch<Remote<ShardInterest>>],
}

impl<'a> Elsewhere<'a> {
    /// `None` if there is nobody.
    #[inline]
    fn of(
        Wanting { firm, doubtful }: Wanting,
        queues: &'a [QueueMatch<Remote<ShardInterest>>],
    ) -> Option<Self> {
        let is_empty = firm.is_empty() && doubtful.is_empty() && queues.is_empty();
        (!is_empty).then_some(Self { firm, doubtful, queues })
    }

    /// Whether any of the shards may get it.
    pub(crate) fn reaches(&self, shards: ShardSet) -> bool {
        let mut members = self.queues.iter().flat_map(|group| group.members.iter());
        [self.firm, self.doubtful].into_iter().any(|plain| plain.iter().any(|shard| shards.contains(shard)))
            || members.any(|member| shards.contains(member.at.shard))
    }
}

pub(crate) struct SubjectSpace {
    pub(crate) name: Box<str>,
    pub(crate) local: SubjectTrie<SubKey>,
    local_cache: MatchCache<SubKey>,
    /// Of the subscriptions in `local`, what the other shards are told. Only kept if there are any.
    members: Members,
    /// What other shards want of plain subjects, by the hash of `local`.
    remote_literals: LiteralInterest,
    /// What else other shards want: wildcards and queue groups.
    remote: SubjectTrie<Remote<ShardInterest>>,
    remote_cache: MatchCache<Remote<ShardInterest>>,
    /// Misses of the local cache when it was last asked.
    misses_seen: u64,
    /// The message that the last lookup was for; none if it was for no message, or if the other shards' interest has
    /// changed since.
    answered: MessageNumber,
    /// The shards that the last lookup found, firm and doubtful; none if it found queue groups elsewhere.
    shards: Option<Wanting>,
}

impl SubjectSpace {
    /// One without subscriptions. Without `match_cache` each subject is looked up afresh.
    pub(crate) fn new(name: &str, match_cache: bool) -> Self {
        let cached_max = if match_cache { CACHED_SUBJECTS_MAX } else { 0 };
        Self {
            name: name.into(),
            local: SubjectTrie::new(),
            local_cache: MatchCache::new(cached_max),
            members: Members::default(),
            remote_literals: LiteralInterest::default(),
            remote: SubjectTrie::new(),
            remote_cache: MatchCache::new(cached_max),
            misses_seen: 0,
            answered: MessageNumber::default(),
            shards: None,
        }
    }

    /// Whether nobody subscribes to anything, on any shard, as far as this one knows.
    pub(crate) fn is_deserted(&self) -> bool {
        self.local.is_empty() && self.remote_literals.is_empty() && self.remote.is_empty()
    }

    /// Who on this shard gets messages on the subject.
    pub(crate) fn local_matches(&mut self, subject: &[u8]) -> &Matches<SubKey> {
        self.answered = MessageNumber::default();
        self.local_cache.lookup(&self.local, subject)
    }

    /// The same for a message: if the one that it follows was the last to be looked up, and nothing has changed, so
    /// has the answer not.
    #[inline]
    pub(crate) fn local_matches_at(&mut self, cursor: Cursor, subject: &[u8]) -> &Matches<SubKey> {
        if self.is_answered(cursor) {
            return self.local_cache.last(subject);
        }
        self.local_cache.lookup(&self.local, subject)
    }

    /// Whether the answer to the last lookup is remembered, so that a message that follows takes no other.
    pub(crate) fn remembers_answer(&self) -> bool {
        self.local_cache.remembers_last()
    }

    /// Whether the last answer is that for this message too. The next one is.
    #[inline]
    fn is_answered(&mut self, cursor: Cursor) -> bool {
        let last = std::mem::replace(&mut self.answered, cursor.number());
        cursor.follows(last) && self.local_cache.knows_last(&self.local)
    }

    /// Who on this shard and which other shards, if any, get messages on the subject.
    pub(crate) fn matches(&mut self, subject: &[u8]) -> (&Matches<SubKey>, Option<Elsewhere<'_>>) {
        self.answered = MessageNumber::default();
        self.look_up(subject)
    }

    /// The same for a message, as [`Self::local_matches_at`].
    #[inline]
    pub(crate) fn matches_at(
        &mut self,
        cursor: Cursor,
        subject: &[u8],
    ) -> (&Matches<SubKey>, Option<Elsewhere<'_>>) {
        if self.is_answered(cursor)
            && let Some(shards) = self.shards
        {
            return (self.local_cache.last(subject), Elsewhere::of(shards, &[]));
        }
        self.look_up(subject)
    }

    fn look_up(&mut self, subject: &[u8]) -> (&Matches<SubKey>, Option<Elsewhere<'_>>) {
        let (hash, local) = self.local_cache.lookup_with_hash(&self.local, subject);
        let mut shards = self.remote_literals.wanting(hash);
        let mut queues = &[][..];
        if !self.remote.is_empty() {
            let found = self.remote_cache.lookup(&self.remote, subject);
            queues = &found.queues;
            for interested in &found.plain {
                let set = if interested.at.firm { &mut shards.firm } else { &mut shards.doubtful };
                set.insert(interested.at.shard);
            }
        }
        self.shards = queues.is_empty().then_some(shards);
        (local, Elsewhere::of(shards, queues))
    }

    /// Whether lookups go to memory: the tables are larger than a processor's caches, and subjects hardly
    /// repeat. Asked once in a few lookups; says how it was since it was asked last.
    pub(crate) fn misses_memory(&mut self) -> bool {
        let misses = self.local_cache.misses();
        let missed = misses - std::mem::replace(&mut self.misses_seen, misses);
        missed >= MISSES_MIN
            && (self.local.filters() > SMALL_TABLE_ROWS || self.remote_literals.len() > SMALL_TABLE_ROWS)
    }

    /// What lookups took since this was asked last, in deliveries. What is remembered takes nothing.
    #[inline]
    pub(crate) fn take_lookup_steps(&mut self) -> u64 {
        (self.local_cache.take_nodes() + self.remote_cache.take_nodes()) / NODES_PER_STEP
    }

    /// How its subjects were looked up so far; what came and went is for others to count.
    pub(crate) fn lookups(&self) -> Lookups {
        let cache = &self.local_cache;
        Lookups {
            cached: cache.len() as u64,
            lookups: cache.hits() + cache.misses(),
            hits: cache.hits(),
            fanout_max: cache.fanouts().max().unwrap_or(0) as u64,
            fanout_sum: cache.fanouts().sum::<usize>() as u64,
            ..Lookups::default()
        }
    }

    /// Has the processor read what lookups of these subjects will read, all at once. Appends to `keys`
    /// subscriptions that they are likely to find.
    pub(crate) fn read_ahead(&self, subjects: &[SubjectHash], keys: &mut Vec<SubKey>) {
        self.local.read_ahead(subjects, keys);
        if !self.remote_literals.is_empty() {
            for subject in subjects {
                black_box(self.remote_literals.look_up(*subject));
            }
        }
    }

    /// Takes in what another shard says of its interest.
    /// Returns what that takes beyond the usual, in nodes of a trie.
    pub(crate) fn on_interest(&mut self, from: ShardId, interest: &Interest<'_>) -> u64 {
        self.answered = MessageNumber::default();
        if interest.queue.is_none() && !may_have_wildcard(interest.filter) {
            let hash = self.local.hash(interest.filter);
            if interest.before.weight > 0 {
                self.remote_literals.remove(hash, from, interest.before.firm);
            }
            if interest.now.weight > 0 {
                self.remote_literals.insert(hash, from, interest.now.firm);
            }
            return 0;
        }
        if interest.before.weight > 0 {
            self.remote.remove_by(interest.filter, interest.queue, |interested| interested.at.shard == from);
        }
        if interest.now.weight > 0 {
            let interested = ShardInterest { shard: from, firm: interest.now.firm, far: interest.now.far };
            self.remote
                .insert(
                    interest.filter,
                    interest.queue,
                    Remote { at: interested, weight: interest.now.weight },
                )
                .expect("a shard only tells of filters it accepted");
        }
        self.remote.take_nodes()
    }

    /// Counts a change among the shard's own members; returns what was told before and what is to
    /// be told now, if they differ. A join counts once the subscription is in the trie, a leave while
    /// it is still there: [`Self::remove`] takes it out.
    pub(crate) fn count(
        &mut self,
        filter: FilterKey,
        queue: Option<&[u8]>,
        change: MemberChange,
        far: bool,
    ) -> Option<(Told, Told)> {
        self.members.count(self.local.members(filter, queue), filter, queue, change, far)
    }

    /// Takes out a subscription, of which the other shards, if there are any, were told that it leaves.
    pub(crate) fn remove(&mut self, filter: FilterKey, queue: Option<&[u8]>, key: SubKey) {
        self.members.on_left(filter, queue);
        let was_there = self.local.remove_at(filter, queue, &key);
        debug_assert!(was_there, "a subscription is in the trie until it is removed");
    }
}

/// Whether the filter has the characters for a wildcard; for the odd one that only looks like it, a row
/// in the trie does as well.
fn may_have_wildcard(filter: &[u8]) -> bool {
    memchr::memchr2(b'*', b'>', filter).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &[u8] = b"x";

    fn interest<'a>(filter: &'a [u8], queue: Option<&'a [u8]>, before: Told, now: Told) -> Interest<'a> {
        Interest { account: 0, filter, queue, before, now }
    }

    fn told(weight: u32, firm: bool) -> Told {
        Told { weight, firm, far: false }
    }

    #[test]
    fn without_a_cache_each_lookup_is_made_afresh() {
        for (match_cache, hits, cached) in [(true, 2, 1), (false, 0, 0)] {
            let mut space = SubjectSpace::new("A", match_cache);
            space.local.insert(X, None, SubKey(1)).unwrap();
            for _ in 0..3 {
                assert_eq!(space.matches(X).0.plain, [SubKey(1)]);
            }
            let Lookups { lookups, hits: found, cached: kept, .. } = space.lookups();
            assert_eq!((lookups, found, kept), (3, hits, cached));
        }
    }

    /// The next message, which follows the one before or not.
    fn next(mut cursor: Cursor, follows: bool) -> Cursor {
        let last = cursor.number();
        cursor.advance();
        if follows {
            cursor.follow(last);
        }
        cursor
    }

    fn first() -> Cursor {
        next(Cursor::default(), false)
    }

    /// Message 1 is to x, and 2 follows it: who gets that one, after `between`.
    fn next_after(between: impl FnOnce(&mut SubjectSpace)) -> (Vec<SubKey>, bool) {
        let mut space = SubjectSpace::new("A", true);
        space.local.insert(X, None, SubKey(1)).unwrap();
        let (local, elsewhere) = space.matches_at(first(), X);
        assert_eq!((&local.plain[..], elsewhere.is_none()), (&[SubKey(1)][..], true));
        between(&mut space);
        let (local, elsewhere) = space.matches_at(next(first(), true), X);
        (local.plain.to_vec(), elsewhere.is_some_and(|elsewhere| elsewhere.firm.contains(ShardId(1))))
    }

    #[test]
    fn a_message_that_follows_goes_where_the_one_before_went_until_that_changes() {
        assert_eq!(next_after(|_| {}), (vec![SubKey(1)], false));
        let another_lookup = next_after(|space| {
            space.matches(b"y");
            space.local_matches_at(next(next(first(), false), false), b"z");
        });
        assert_eq!(another_lookup, (vec![SubKey(1)], false));
        let here = next_after(|space| {
            space.local.insert(b"*", None, SubKey(2)).unwrap();
        });
        assert_eq!(here, (vec![SubKey(1), SubKey(2)], false));
        let now = |space: &mut SubjectSpace| {
            space.on_interest(ShardId(1), &interest(b"*", None, Told::default(), told(1, true)));
        };
        assert_eq!(next_after(now), (vec![SubKey(1)], true));
    }

    #[test]
    fn shards_are_remembered_for_what_follows_and_queue_groups_looked_up() {
        for (queue, groups) in [(None, 0), (Some(&b"q"[..]), 1)] {
            let mut space = SubjectSpace::new("A", true);
            space.local.insert(X, None, SubKey(1)).unwrap();
            space.on_interest(ShardId(1), &interest(X, queue, Told::default(), told(1, true)));
            let mut cursor = Cursor::default();
            for _ in 1..4 {
                cursor = next(cursor, true);
                let (local, elsewhere) = space.matches_at(cursor, X);
                let elsewhere = elsewhere.unwrap();
                assert_eq!((local.plain.len(), elsewhere.queues.len()), (1, groups));
                assert_eq!(elsewhere.firm.contains(ShardId(1)), groups == 0);
            }
        }
    }

    #[test]
    fn a_leaving_subscription_stays_in_the_trie_and_out_of_the_count() {
        let mut space = SubjectSpace::new("A", true);
        let filter = space.local.insert(X, None, SubKey(1)).unwrap();
        space.count(filter, None, MemberChange::Join, false).unwrap();
        let (_, now) = space.count(filter, None, MemberChange::Leave { limited: false }, false).unwrap();
        assert_eq!(now.weight, 0);
        assert_eq!(space.local.insert(X, None, SubKey(2)), Ok(filter));
        let (before, _) = space.count(filter, None, MemberChange::Join, false).unwrap();
        assert_eq!(before.weight, 0);
        space.remove(filter, None, SubKey(1));
        let (before, now) = space.count(filter, None, MemberChange::Leave { limited: false }, false).unwrap();
        assert_eq!((before.weight, now.weight), (1, 0));
        space.remove(filter, None, SubKey(2));
        assert!(space.members.is_empty() && space.local.is_empty());
    }

    #[test]
    fn a_shards_last_word_on_a_filter_counts() {
        for (filter, queue) in [(&b"x.*"[..], Some(&b"q"[..])), (b"x.y", Some(b"q"))] {
            let mut space = SubjectSpace::new("A", true);
            let (none, one) = (Told::default(), told(1, true));
            space.on_interest(ShardId(1), &interest(filter, queue, none, one));
            space.on_interest(ShardId(1), &interest(filter, queue, one, told(3, false)));
            space.on_interest(ShardId(2), &interest(filter, queue, none, one));
            let members = space.matches(b"x.y").1.unwrap().queues[0].members.clone();
            assert_eq!(members.len(), 2);
            let first =
                Remote { at: ShardInterest { shard: ShardId(1), firm: false, far: false }, weight: 3 };
            assert!(members.contains(&first));
            space.on_interest(ShardId(1), &interest(filter, queue, told(3, false), none));
            assert_eq!(space.matches(b"x.y").1.unwrap().queues[0].members.len(), 1);
        }
    }

    #[test]
    fn plain_interest_is_known_as_firm_or_not_with_wildcards_or_without() {
        for filter in [&b"x.y"[..], b"x.*"] {
            let mut space = SubjectSpace::new("A", true);
            let (none, firm, doubtful) = (Told::default(), told(1, true), told(1, false));
            space.on_interest(ShardId(1), &interest(filter, None, none, firm));
            space.on_interest(ShardId(63), &interest(filter, None, none, doubtful));
            let elsewhere = space.matches(b"x.y").1.unwrap();
            assert!(elsewhere.firm.contains(ShardId(1)) && !elsewhere.firm.contains(ShardId(63)));
            assert!(elsewhere.doubtful.contains(ShardId(63)) && !elsewhere.doubtful.contains(ShardId(1)));
            space.on_interest(ShardId(1), &interest(filter, None, firm, doubtful));
            assert!(space.matches(b"x.y").1.unwrap().firm.is_empty());
            space.on_interest(ShardId(1), &interest(filter, None, doubtful, none));
            space.on_interest(ShardId(63), &interest(filter, None, doubtful, none));
            assert!(space.matches(b"x.y").1.is_none() && space.matches(b"z").1.is_none());
        }
    }
}
