//! The consumers of a stream.

use std::collections::BTreeMap;
use std::ops::Bound;

use consumers::{Consumer, Effects, Now};
use log_format::Kind;
use stream_index::Place;

use crate::hearers::{DEAF, Hearers};
use crate::interest::Interest;
use crate::metas::Metas;
use crate::tenant::StreamId;

/// Records of changes of a consumer and of what it is told to be, of which all are needed at a start, before all of it is
/// written anew.
const RECORDS_MAX: usize = 64;

/// Names a consumer of a stream. No two of a stream have the same one, also if one is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConsumerId(pub(crate) u32);

impl ConsumerId {
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// A consumer, wherever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConsumerKey {
    pub(crate) stream: StreamId,
    pub(crate) consumer: ConsumerId,
}

/// What follows for some consumers.
pub(crate) type Followed = Vec<(ConsumerId, Effects)>;

impl ConsumerKey {
    /// None comes before it.
    pub(crate) const FIRST: Self = Self { stream: StreamId(0), consumer: ConsumerId(0) };
}

/// All consumers of a stream.
#[derive(Debug, Default)]
pub(crate) struct ConsumerSet {
    ids: BTreeMap<String, ConsumerId>,
    rows: BTreeMap<ConsumerId, Row>,
    next: u32,
    /// How many count for limits.
    counted: usize,
    hearers: Hearers,
    /// How many belong to other streams.
    direct: usize,
    interest: Interest,
    /// Those that delivered all there is, and have somebody who waits for more.
    waiting: Vec<ConsumerId>,
}

#[derive(Debug)]
struct Row {
    consumer: Box<Consumer>,
    /// What its messages match: whatever is asked of all consumers is asked of this first.
    filters: Vec<Box<[u8]>>,
    /// It is a member of a group, which wants what it does.
    is_member: bool,
    /// It stands among those that wait for messages.
    is_waiting: bool,
    /// It stands in line to deliver.
    is_in_line: bool,
    /// What is gone before concerns it not.
    bound: u64,
    /// Messages of which it heard that they are gone since it was asked anything.
    unasked: u32,
    /// It stands among those that have something to be remembered.
    is_changed: bool,
    /// Whether it counts for the limit on their number.
    is_counted: bool,
    /// The number of its records in the log, if it is kept there.
    group: Option<u32>,
    /// Where its whole state is, and what changed since.
    records: Vec<Place>,
    /// Where its configuration is.
    metas: Metas,
}

impl Row {
    fn is_long(&self) -> bool {
        self.records.len() + self.metas.len() > RECORDS_MAX && self.consumer.is_started()
    }
}

impl ConsumerSet {
    /// Adds one.
    pub(crate) fn insert(&mut self, consumer: Consumer, group: Option<u32>) -> ConsumerId {
        self.next += 1;
        let id = ConsumerId(self.next);
        let config = consumer.config();
        self.direct += usize::from(consumer.is_direct());
        self.ids.insert(consumer.name().to_owned(), id);
        let row = Row {
            filters: filters_of(&config),
            is_member: consumer.member_of().is_some(),
            consumer: Box::new(consumer),
            is_waiting: false,
            is_in_line: false,
            bound: 0,
            unasked: 0,
            is_changed: false,
            is_counted: !config.direct && !config.sourcing,
            group,
            records: Vec::new(),
            metas: Metas::default(),
        };
        self.counted += usize::from(row.is_counted);
        self.hearers.add(id);
        if !row.is_member {
            self.interest.add(id, &row.filters);
        }
        self.rows.insert(id, row);
        id
    }

    pub(crate) fn remove(&mut self, id: ConsumerId) -> Option<Box<Consumer>> {
        let row = self.rows.remove(&id)?;
        self.forget(id, &row);
        Some(row.consumer)
    }

    fn forget(&mut self, id: ConsumerId, row: &Row) {
        self.ids.remove(row.consumer.name());
        self.counted -= usize::from(row.is_counted);
        self.direct -= usize::from(row.consumer.is_direct());
        self.hearers.remove(id, row.bound);
        if !row.is_member {
            self.interest.remove(id, &row.filters);
        }
    }

    /// Takes one out: they are gone with their stream.
    pub(crate) fn pop(&mut self) -> Option<(ConsumerId, Option<u32>, Box<Consumer>)> {
        let (id, row) = self.rows.pop_first()?;
        self.forget(id, &row);
        Some((id, row.group, row.consumer))
    }

    /// The one behind that one, or the first one.
    pub(crate) fn next_after(&mut self, after: Option<ConsumerId>) -> Option<(ConsumerId, &mut Consumer)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (id, row) = self.rows.range_mut((from, Bound::Unbounded)).next()?;
        Some((*id, &mut row.consumer))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many do not belong to other streams.
    pub(crate) fn public(&self) -> usize {
        self.rows.len() - self.direct
    }

    /// How many count for limits.
    pub(crate) fn counted(&self) -> usize {
        self.counted
    }

    pub(crate) fn id(&self, name: &str) -> Option<ConsumerId> {
        self.ids.get(name).copied()
    }

    /// The names of those that do not belong to other streams.
    pub(crate) fn public_names(&self) -> impl Iterator<Item = &String> {
        let is_direct = |id: &ConsumerId| self.rows.get(id).is_some_and(|row| row.consumer.is_direct());
        self.ids.iter().filter(move |(_, id)| !is_direct(id)).map(|(name, _)| name)
    }

    pub(crate) fn at(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        let row = self.rows.get_mut(&id)?;
        row.unasked = 0;
        self.hearers.listen(id, &mut row.bound);
        Some(&mut row.consumer)
    }

    /// A message is gone: who may be concerned hears of it. Returns what follows, and how many were asked.
    pub(crate) fn on_removed(&mut self, at: &Now, seq: u64, subject: &[u8]) -> (Followed, usize) {
        let ids = self.hearers.up_to(seq);
        let mut followed = Vec::new();
        for id in &ids {
            let Some(row) = self.rows.get_mut(id) else { continue };
            let mut out = Effects::new();
            if row.consumer.lowest() <= seq {
                row.consumer.on_removed(at, seq, subject, &mut out);
                row.unasked = row.unasked.saturating_add(1);
            }
            let is_deaf = out.is_empty() && row.unasked > 0 && row.consumer.let_count_be(row.unasked);
            let bound = if is_deaf { DEAF } else { row.consumer.lowest() };
            self.hearers.set(*id, &mut row.bound, bound);
            if !out.is_empty() {
                followed.push((*id, out));
            }
        }
        (followed, ids.len())
    }

    pub(crate) fn get(&self, id: ConsumerId) -> Option<&Consumer> {
        self.rows.get(&id).map(|row| &*row.consumer)
    }

    /// The first one whose number is not below.
    pub(crate) fn first_from(&self, number: u32) -> Option<ConsumerId> {
        self.rows.range(ConsumerId(number)..).next().map(|(id, _)| *id)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Consumer> {
        self.ids.get(name).and_then(|id| self.rows.get(id)).map(|row| &*row.consumer)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        self.rows.iter().map(|(id, row)| (*id, &*row.consumer))
    }

    /// The number of its records in the log.
    pub(crate) fn group(&self, id: ConsumerId) -> Option<u32> {
        self.rows.get(&id)?.group
    }

    /// Whether so many records are needed of it that all of it is better written anew.
    pub(crate) fn is_long(&self, id: ConsumerId) -> bool {
        self.rows.get(&id).is_some_and(Row::is_long)
    }

    /// Where its configuration is.
    pub(crate) fn metas(&mut self, id: ConsumerId) -> Option<&mut Metas> {
        self.rows.get_mut(&id).map(|row| &mut row.metas)
    }

    /// Whether that record is needed.
    pub(crate) fn needs(&self, id: ConsumerId, kind: Kind, place: Place) -> bool {
        let Some(row) = self.rows.get(&id) else { return false };
        if kind == Kind::CONSUMER_META { row.metas.has(place) } else { row.records.contains(&place) }
    }

    /// There is one more of them, which stands for all before it if it is whole: those are not needed any more.
    pub(crate) fn note_record(&mut self, id: ConsumerId, place: Place, is_whole: bool) -> Vec<Place> {
        let Some(row) = self.rows.get_mut(&id) else { return Vec::new() };
        let mut before = if is_whole { std::mem::take(&mut row.records) } else { Vec::new() };
        if is_whole {
            before.extend(row.metas.supersede());
        }
        row.records.push(place);
        before
    }

    /// One of them lies elsewhere now. Says whether it is one of them.
    pub(crate) fn on_moved(&mut self, id: ConsumerId, kind: Kind, from: Place, to: Place) -> bool {
        let Some(row) = self.rows.get_mut(&id) else { return false };
        if kind == Kind::CONSUMER_META {
            return row.metas.on_moved(from, to);
        }
        let found = row.records.iter_mut().find(|place| **place == from);
        found.map(|place| *place = to).is_some()
    }

    /// It may have something to be remembered. Says whether it has, and did not stand among those yet.
    pub(crate) fn note_changed(&mut self, id: ConsumerId) -> bool {
        let Some(row) = self.rows.get_mut(&id).filter(|row| !row.is_changed) else { return false };
        row.is_changed = row.consumer.has_changes() || row.is_long();
        row.is_changed
    }

    /// One that is to be remembered now.
    pub(crate) fn saved(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        let row = self.rows.get_mut(&id)?;
        row.is_changed = false;
        Some(&mut row.consumer)
    }

    /// Its filters have changed.
    pub(crate) fn refilter(&mut self, id: ConsumerId) {
        if let Some(row) = self.rows.get_mut(&id).filter(|row| !row.is_member) {
            self.interest.remove(id, &row.filters);
            row.filters = filters_of(&row.consumer.config());
            self.interest.add(id, &row.filters);
        }
        self.hear_all(id);
    }

    /// It went back: what is gone may concern it again.
    pub(crate) fn hear_all(&mut self, id: ConsumerId) {
        if let Some(row) = self.rows.get_mut(&id) {
            self.hearers.set(id, &mut row.bound, 0);
        }
    }

    /// Whether one wants messages of that subject.
    pub(crate) fn want(&self, subject: &[u8]) -> bool {
        let wants = |row: &Row| {
            row.filters.is_empty()
                || row.filters.iter().any(|filter| subject_trie::filter_matches(filter, subject))
        };
        self.interest.of(subject).filter_map(|id| self.rows.get(id)).any(wants)
    }

    /// Whether one needs that message, some aside.
    pub(crate) fn need(&self, seq: u64, subject: &[u8]) -> bool {
        let rows = self.interest.of(subject).filter_map(|id| self.rows.get(id));
        rows.into_iter().any(|row| row.consumer.needs(seq, subject))
    }

    /// How many have to be asked for that.
    pub(crate) fn asked_of(&self, subject: &[u8]) -> usize {
        self.interest.count(subject)
    }

    /// The filters of all others that count, from that one on.
    pub(crate) fn filters_of_others(
        &self,
        name: &str,
        from: ConsumerId,
    ) -> impl Iterator<Item = (ConsumerId, &[Box<[u8]>])> {
        let own = self.id(name);
        let others = self
            .rows
            .range(from..)
            .filter(move |(id, row)| Some(**id) != own && row.is_counted && !row.is_member);
        others.map(|(id, row)| (*id, &row.filters[..]))
    }

    /// It delivered all there is, and somebody waits for more.
    pub(crate) fn wait(&mut self, id: ConsumerId) {
        if let Some(row) = self.rows.get_mut(&id)
            && !row.is_waiting
        {
            row.is_waiting = true;
            self.waiting.push(id);
        }
    }

    /// Takes those that wait for messages and are not in line yet: they are from here on.
    pub(crate) fn wake(&mut self) -> impl Iterator<Item = ConsumerId> {
        let rows = &mut self.rows;
        self.waiting.drain(..).filter(|id| {
            rows.get_mut(id).is_some_and(|row| {
                row.is_waiting = false;
                !std::mem::replace(&mut row.is_in_line, true)
            })
        })
    }

    /// Puts one in line. Says whether it was not there yet.
    pub(crate) fn line_up(&mut self, id: ConsumerId) -> bool {
        self.rows.get_mut(&id).is_some_and(|row| !std::mem::replace(&mut row.is_in_line, true))
    }

    /// Its turn has come.
    pub(crate) fn leave_line(&mut self, id: ConsumerId) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.is_in_line = false;
        }
    }
}

pub(crate) fn filters_of(config: &js_proto::ConsumerConfig) -> Vec<Box<[u8]>> {
    let one = Some(&config.filter_subject).filter(|filter| !filter.is_empty());
    one.into_iter().chain(&config.filter_subjects).map(|filter| filter.as_bytes().into()).collect()
}
