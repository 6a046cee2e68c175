//! The consumers of a stream.

use std::collections::BTreeMap;

use consumers::Consumer;
use stream_index::Place;

use crate::account::StreamId;

/// Names a consumer of a stream. No two of a stream have the same one, also if one is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConsumerId(u32);

/// A consumer, wherever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConsumerKey {
    pub(crate) stream: StreamId,
    pub(crate) consumer: ConsumerId,
}

/// All consumers of a stream.
#[derive(Debug, Default)]
pub(crate) struct ConsumerSet {
    ids: BTreeMap<String, ConsumerId>,
    rows: BTreeMap<ConsumerId, Row>,
    next: u32,
    /// Those that delivered all there is, and have somebody who waits for more.
    waiting: Vec<ConsumerId>,
}

#[derive(Debug)]
struct Row {
    consumer: Box<Consumer>,
    /// What its messages match: whatever is asked of all consumers is asked of this first.
    filters: Vec<Box<[u8]>>,
    /// It stands among those that wait for messages.
    is_waiting: bool,
    /// It stands in line to deliver.
    is_in_line: bool,
    /// Whether it counts for the limit on their number.
    is_counted: bool,
    /// The number of its records in the log, if it is kept there.
    group: Option<u32>,
    /// Where its whole state is, and what changed since.
    records: Vec<Place>,
}

impl ConsumerSet {
    /// Adds one.
    pub(crate) fn insert(&mut self, consumer: Consumer, group: Option<u32>) -> ConsumerId {
        self.next += 1;
        let id = ConsumerId(self.next);
        let config = consumer.config();
        self.ids.insert(consumer.name().to_owned(), id);
        let row = Row {
            filters: filters_of(&config),
            consumer: Box::new(consumer),
            is_waiting: false,
            is_in_line: false,
            is_counted: !config.direct && !config.sourcing,
            group,
            records: Vec::new(),
        };
        self.rows.insert(id, row);
        id
    }

    pub(crate) fn remove(&mut self, id: ConsumerId) -> Option<Box<Consumer>> {
        let row = self.rows.remove(&id)?;
        self.ids.remove(row.consumer.name());
        Some(row.consumer)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many count for limits.
    pub(crate) fn counted(&self) -> usize {
        self.rows.values().filter(|row| row.is_counted).count()
    }

    pub(crate) fn id(&self, name: &str) -> Option<ConsumerId> {
        self.ids.get(name).copied()
    }

    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &String> {
        self.ids.keys()
    }

    pub(crate) fn at(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        self.rows.get_mut(&id).map(|row| &mut *row.consumer)
    }

    pub(crate) fn get(&self, id: ConsumerId) -> Option<&Consumer> {
        self.rows.get(&id).map(|row| &*row.consumer)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Consumer> {
        self.ids.get(name).and_then(|id| self.rows.get(id)).map(|row| &*row.consumer)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        self.rows.iter().map(|(id, row)| (*id, &*row.consumer))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (ConsumerId, &mut Consumer)> {
        self.rows.iter_mut().map(|(id, row)| (*id, &mut *row.consumer))
    }

    /// The number of its records in the log.
    pub(crate) fn group(&self, id: ConsumerId) -> Option<u32> {
        self.rows.get(&id)?.group
    }

    /// Where the records are that are needed of it.
    pub(crate) fn records(&self, id: ConsumerId) -> &[Place] {
        self.rows.get(&id).map_or(&[], |row| &row.records)
    }

    /// There is one more of them, which stands for all before it if it is whole: those are not needed any more.
    pub(crate) fn note_record(&mut self, id: ConsumerId, place: Place, is_whole: bool) -> Vec<Place> {
        let Some(row) = self.rows.get_mut(&id) else { return Vec::new() };
        let before = if is_whole { std::mem::take(&mut row.records) } else { Vec::new() };
        row.records.push(place);
        before
    }

    /// One of them lies elsewhere now. Says whether it is one of them.
    pub(crate) fn on_moved(&mut self, id: ConsumerId, from: Place, to: Place) -> bool {
        let Some(row) = self.rows.get_mut(&id) else { return false };
        let found = row.records.iter_mut().find(|place| **place == from);
        found.map(|place| *place = to).is_some()
    }

    /// Its filters have changed.
    pub(crate) fn refilter(&mut self, id: ConsumerId) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.filters = filters_of(&row.consumer.config());
        }
    }

    /// Whether one wants messages of that subject.
    pub(crate) fn want(&self, subject: &[u8]) -> bool {
        self.rows.values().any(|row| {
            row.filters.is_empty()
                || row.filters.iter().any(|filter| subject_trie::filter_matches(filter, subject))
        })
    }

    /// Whether one needs that message, some aside.
    pub(crate) fn need(&self, seq: u64, subject: &[u8]) -> bool {
        self.rows.values().any(|row| row.consumer.needs(seq, subject))
    }

    /// The filters of all others that count.
    pub(crate) fn filters_of_others(&self, name: &str) -> impl Iterator<Item = &[Box<[u8]>]> {
        let own = self.id(name);
        let others = self.rows.iter().filter(move |(id, row)| Some(**id) != own && row.is_counted);
        others.map(|(_, row)| &row.filters[..])
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
