//! All streams of the server, as the shard has them that alone gives names away: whose, where, and what they take of
//! what all share.
//!
//! While a shard makes, changes or deletes a stream its name is *under order*: what else is asked of it waits for what
//! comes of that. So one thing at a time is done to a name, and a stream is not made anew before all know that it was
//! deleted, and before that is safe.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::allowance::Reserved;
use crate::kin::Takers;
use crate::letters::{Extent, NameState};
use crate::request::Request;
use crate::taken::Taken;
use fabric::ShardId;

/// Names, by account.
#[derive(Debug)]
pub(crate) struct StreamDirectory {
    accounts: Vec<Streams>,
    /// By shard: how many are there, or will be.
    counts: Vec<usize>,
    /// By shard: whether its log takes nothing any more.
    failed: Vec<bool>,
    /// What all reserve.
    reserved: Reserved,
}

/// The streams of an account.
#[derive(Debug, Default)]
struct Streams {
    by_name: BTreeMap<String, Entry>,
    /// What all of these take.
    taken: Taken,
    /// Who takes messages from whom.
    takers: Takers,
    reserved: Reserved,
}

/// A name.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Where the stream is.
    pub(crate) shard: ShardId,
    pub(crate) extent: Extent,
    /// Whether it was there before what is being done to it.
    is_made: bool,
    /// It is being made of a snapshot: who asks for it does not wait for that.
    is_restoring: bool,
    /// Something is being done to it, and these wait for what comes of that.
    order: Option<VecDeque<Request>>,
}

impl StreamDirectory {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            accounts: Vec::new(),
            counts: vec![0; shards],
            failed: vec![false; shards],
            reserved: Reserved::default(),
        }
    }

    fn account(&mut self, account: usize) -> &mut Streams {
        if account >= self.accounts.len() {
            self.accounts.resize_with(account + 1, Streams::default);
        }
        &mut self.accounts[account]
    }

    pub(crate) fn find(&self, account: usize, stream: &str) -> Option<&Entry> {
        self.accounts.get(account)?.by_name.get(stream)
    }

    /// The streams that are there, by name, behind that one if there is one.
    pub(crate) fn streams_behind<'d>(
        &'d self,
        account: usize,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&'d String, &'d Entry)> {
        let range = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let streams = self.accounts.get(account).map(|streams| streams.by_name.range::<str, _>(range));
        streams.into_iter().flatten().filter(|(_, entry)| entry.is_made)
    }

    /// How many streams an account has, those included that are being made.
    pub(crate) fn count(&self, account: usize) -> usize {
        self.accounts.get(account).map_or(0, |streams| streams.by_name.len())
    }

    /// What an account's streams reserve.
    pub(crate) fn reserved_by(&self, account: usize) -> Reserved {
        self.accounts.get(account).map(|streams| streams.reserved).unwrap_or_default()
    }

    /// What all streams reserve.
    pub(crate) fn reserved(&self) -> Reserved {
        self.reserved
    }

    /// Whether another stream of the account takes one of these subjects.
    pub(crate) fn is_taken(&self, account: usize, subjects: &[String], own: &str) -> bool {
        let Some(streams) = self.accounts.get(account) else { return false };
        subjects.iter().any(|subject| streams.taken.has(subject, own))
    }

    /// Streams that take messages from one, and where they are.
    pub(crate) fn takers_of(&self, account: usize, origin: &str) -> Vec<(String, ShardId)> {
        let Some(streams) = self.accounts.get(account) else { return Vec::new() };
        let shard = |name: &String| streams.by_name.get(name).map(|entry| (name.clone(), entry.shard));
        streams.takers.of(origin).filter_map(shard).collect()
    }

    /// Where a stream is to live that is new: where the fewest are, of those shards whose logs take anything. If none does,
    /// the one that is asked says why.
    pub(crate) fn emptiest(&self) -> ShardId {
        let shards = self.counts.iter().zip(&self.failed).enumerate();
        let fewest = shards.min_by_key(|(_, (count, failed))| (**failed, **count));
        ShardId(fewest.map_or(0, |(shard, _)| shard) as u8)
    }

    /// The log of that shard takes nothing any more.
    pub(crate) fn on_log_failed(&mut self, shard: ShardId) {
        self.failed[shard.index()] = true;
    }

    /// A stream is to be made there.
    pub(crate) fn begin(&mut self, account: usize, stream: &str, shard: ShardId, extent: Extent) {
        self.count_in(account, stream, shard, &extent);
        let order = Some(VecDeque::new());
        let entry = Entry { shard, extent, is_made: false, is_restoring: false, order };
        self.account(account).by_name.insert(stream.to_owned(), entry);
    }

    /// A stream is to be made there of a snapshot, which may take long. Nobody waits for it.
    pub(crate) fn begin_restore(&mut self, account: usize, stream: &str, shard: ShardId, extent: Extent) {
        self.count_in(account, stream, shard, &extent);
        let entry = Entry { shard, extent, is_made: false, is_restoring: true, order: None };
        self.account(account).by_name.insert(stream.to_owned(), entry);
    }

    /// Where a stream is being made of a snapshot.
    pub(crate) fn restoring(&self, account: usize, stream: &str) -> Option<ShardId> {
        self.find(account, stream).filter(|entry| entry.is_restoring).map(|entry| entry.shard)
    }

    /// Something is to be done to a stream, which may come to take so much more. Until it is known what came of it, it
    /// takes what it had and what it is to have.
    pub(crate) fn order(&mut self, account: usize, stream: &str, more: Option<Extent>) {
        let Streams { by_name, taken, takers, .. } = self.account(account);
        let Some(entry) = by_name.get_mut(stream) else { return };
        entry.order.get_or_insert_default();
        let Some(more) = more else { return };
        taken.add(stream, &more.subjects);
        let before = entry.extent.reserved;
        let reserved = before.max(more.reserved);
        entry.extent.reserved = reserved;
        entry.extent.subjects.extend(more.subjects);
        takers.remove(stream, &entry.extent.kin);
        entry.extent.kin.merge(more.kin);
        takers.add(stream, &entry.extent.kin);
        self.reserve(account, before, reserved);
    }

    /// Has a request wait for what is being done to its stream. Given back if nothing is.
    pub(crate) fn wait(&mut self, request: Request) -> Option<Request> {
        let streams = self.accounts.get_mut(request.account);
        let entry = streams.and_then(|streams| streams.by_name.get_mut(request.stream()));
        let Some(waiting) = entry.and_then(|entry| entry.order.as_mut()) else { return Some(request) };
        waiting.push_back(request);
        None
    }

    /// What was done to a stream has come to this, or it was found. Returns who waited for that.
    pub(crate) fn settle(
        &mut self,
        account: usize,
        stream: &str,
        at: ShardId,
        state: NameState,
    ) -> VecDeque<Request> {
        let before = self.account(account).by_name.remove(stream);
        let (mut extent, mut waiting) = (None, VecDeque::new());
        if let Some(entry) = before {
            self.uncount(account, stream, &entry);
            extent = Some(entry.extent);
            waiting = entry.order.unwrap_or_default();
        }
        match state {
            NameState::There(now) => extent = Some(now),
            NameState::Gone => extent = None,
            NameState::AsBefore => {}
        }
        if let Some(extent) = extent {
            self.count_in(account, stream, at, &extent);
            let entry = Entry { shard: at, extent, is_made: true, is_restoring: false, order: None };
            self.account(account).by_name.insert(stream.to_owned(), entry);
        }
        waiting
    }

    fn count_in(&mut self, account: usize, stream: &str, shard: ShardId, extent: &Extent) {
        self.counts[shard.index()] += 1;
        self.account(account).taken.add(stream, &extent.subjects);
        self.account(account).takers.add(stream, &extent.kin);
        self.reserve(account, Reserved::default(), extent.reserved);
    }

    fn uncount(&mut self, account: usize, stream: &str, entry: &Entry) {
        self.counts[entry.shard.index()] -= 1;
        self.account(account).taken.remove(stream, &entry.extent.subjects);
        self.account(account).takers.remove(stream, &entry.extent.kin);
        self.reserve(account, entry.extent.reserved, Reserved::default());
    }

    fn reserve(&mut self, account: usize, before: Reserved, now: Reserved) {
        self.reserved = self.reserved.plus(now).minus(before);
        let streams = self.account(account);
        streams.reserved = streams.reserved.plus(now).minus(before);
    }
}

impl Entry {
    /// Whether it is there, whatever is being done to it.
    pub(crate) fn is_made(&self) -> bool {
        self.is_made
    }

    /// Whether something is being done to it.
    pub(crate) fn is_under_order(&self) -> bool {
        self.order.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kin::{Kin, Tie};
    use crate::request::Asker;

    fn extent(subject: &str, files: i64) -> Extent {
        let reserved = Reserved { memory: 0, files };
        Extent { subjects: vec![subject.into()], reserved, ..Extent::default() }
    }

    fn request(stream: &str) -> Request {
        let subject = format!("$JS.API.STREAM.INFO.{stream}");
        Request::new(1, subject.as_bytes(), None, b"", b"", Asker::Nobody)
    }

    #[test]
    fn streams_go_where_the_fewest_are() {
        let mut directory = StreamDirectory::new(3);
        for (name, shard) in [("A", 0), ("B", 1), ("C", 2), ("D", 0)] {
            assert_eq!(directory.emptiest(), ShardId(shard), "{name}");
            directory.begin(1, name, ShardId(shard), extent(name, 10));
        }
        directory.settle(1, "B", ShardId(1), NameState::Gone);
        assert_eq!((directory.emptiest(), directory.count(1)), (ShardId(1), 3));
        directory.on_log_failed(ShardId(1));
        assert_eq!(directory.emptiest(), ShardId(2), "it would be kept there");
        assert_eq!((directory.reserved_by(1).files, directory.reserved().files), (30, 30));
        assert_eq!(directory.reserved_by(0), Reserved::default());
    }

    #[test]
    fn one_thing_at_a_time_is_done_to_a_name() {
        let mut directory = StreamDirectory::new(2);
        assert!(directory.wait(request("S")).is_some(), "there is nothing to wait for");
        directory.begin(1, "S", ShardId(1), extent("s.>", 5));
        assert_eq!(directory.streams_behind(1, None).count(), 0, "it is not made yet");
        assert!(directory.wait(request("S")).is_none());
        let waited = directory.settle(1, "S", ShardId(1), NameState::There(extent("s.>", 5)));
        assert_eq!(waited.len(), 1);
        assert_eq!(directory.streams_behind(1, None).count(), 1);
        assert!(directory.wait(request("S")).is_some());
    }

    #[test]
    fn who_takes_messages_from_whom_is_known() {
        let tie = |stream: &str| Tie { stream: stream.into(), is_elsewhere: false, filter: String::new() };
        let taking = |names: &[&str]| Extent {
            kin: Kin { sources: names.iter().map(|name| tie(name)).collect(), ..Kin::default() },
            ..Extent::default()
        };
        let mut directory = StreamDirectory::new(2);
        let of = |directory: &StreamDirectory, origin: &str| {
            directory
                .takers_of(1, origin)
                .into_iter()
                .map(|(name, shard)| (name, shard.0))
                .collect::<Vec<_>>()
        };
        directory.settle(1, "T", ShardId(1), NameState::There(taking(&["A", "A", "B"])));
        assert_eq!([of(&directory, "A"), of(&directory, "C")], [vec![("T".to_owned(), 1)], Vec::new()]);
        // Until it is known what came of it, it takes from both.
        directory.order(1, "T", Some(taking(&["C"])));
        assert_eq!([of(&directory, "A").len(), of(&directory, "C").len()], [1, 1]);
        directory.settle(1, "T", ShardId(1), NameState::There(taking(&["C"])));
        assert_eq!([of(&directory, "A").len(), of(&directory, "C").len()], [0, 1]);
        directory.settle(1, "T", ShardId(1), NameState::Gone);
        assert_eq!(of(&directory, "C"), []);
    }

    #[test]
    fn a_stream_that_changes_has_what_it_had_and_what_it_is_to_have() {
        let mut directory = StreamDirectory::new(1);
        directory.settle(1, "S", ShardId(0), NameState::There(extent("s", 5)));
        directory.order(1, "S", Some(extent("t.*", 9)));
        let is_taken =
            |directory: &StreamDirectory, subject: &str| directory.is_taken(1, &[subject.into()], "X");
        assert_eq!([is_taken(&directory, "s"), is_taken(&directory, "t.a")], [true; 2]);
        assert!(!directory.is_taken(1, &["s".into()], "S"), "its own do not count");
        assert_eq!(directory.reserved().files, 9);
        directory.settle(1, "S", ShardId(0), NameState::There(extent("t.*", 2)));
        assert_eq!([is_taken(&directory, "s"), is_taken(&directory, "t.a")], [false, true]);
        assert_eq!(directory.reserved().files, 2);
        directory.order(1, "S", None);
        directory.settle(1, "S", ShardId(0), NameState::AsBefore);
        assert_eq!((directory.reserved().files, directory.streams_behind(1, None).count()), (2, 1));
    }
}
