//! What monitoring asks of streams, gathered from the shards: in their next turns, and long answers page by page.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use broker::Broker;
use conns::Time;
use fabric::ShardId;
use jetstream::{Cursor, Detail, JetStream, StreamDetail, Wanted};
use monitor::{
    CONSUMER_SERIES_MAX, ConsumerSeries, Facts, HealthzQuery, JetStreamAccountRow, JetStreamAccountText,
    JetStreamFacts, JetStreamMetrics, JetStreamTotals, Jsz, JszQuery, LogTotals, Moment, STREAM_SERIES_MAX,
    StreamHealth, StreamSeries, StreamSums,
};
use shard_runtime::{Control, Meter};

/// Streams and consumers listed in one answer: some 100 MiB. An answer with more is cut off there, which its counts show.
const DETAILS_MAX: usize = 100_000;

/// It knows what concerns all shards.
const FIRST: ShardId = ShardId(0);

/// Asks the shards. `None` from any of its methods says that they stop.
#[derive(Debug, Clone)]
pub(crate) struct StreamGatherer {
    control: Control,
    meters: Arc<[Meter]>,
}

/// By name, with their indexes.
type Accounts = BTreeMap<Box<str>, (usize, JetStreamAccountRow)>;

impl StreamGatherer {
    /// For shards that are running and have streams. There is a meter for each of their logs.
    pub(crate) fn new(control: Control, meters: &[Meter]) -> Self {
        Self { control, meters: meters.into() }
    }

    /// What all streams have.
    pub(crate) fn totals(&self) -> Option<JetStreamTotals> {
        self.ask(FIRST, |jetstream, _, _| jetstream.totals())
    }

    /// Whether the account may have streams.
    pub(crate) fn has(&self, account: &str) -> Option<bool> {
        Some(self.accounts()?.contains_key(account))
    }

    /// How streams in files are.
    pub(crate) fn health(&self, query: &HealthzQuery) -> Option<StreamHealth> {
        let query = query.clone();
        let mut health = StreamHealth::default();
        for shard in self.each(move |jetstream| jetstream.health(&query))? {
            health.add(shard);
        }
        health.ailing.sort_unstable();
        Some(health)
    }

    /// `/jsz` of a server with JetStream.
    pub(crate) fn jsz<'f>(
        &self,
        facts: &'f Facts,
        jetstream: &JetStreamFacts,
        now: Moment,
        query: &JszQuery,
    ) -> Option<Jsz<'f, StreamDetail>> {
        let mut sums = StreamSums::default();
        self.sums()?.iter().for_each(|shard| sums.add(shard));
        let accounts = self.accounts()?;
        let shown = query.shown(accounts.keys().map(|name| &**name));
        let (from, count) = (shown.start, shown.len());
        let shown = accounts.into_values().skip(from).take(count).collect();
        let details = self.account_texts(shown, query)?;
        Some(Jsz::new(&facts.server.server_id, now, query, jetstream, (&self.totals()?, &sums), details))
    }

    /// What there is to tell of one account; the error is that it has no JetStream.
    pub(crate) fn jsz_of_account(
        &self,
        account: &str,
        query: &JszQuery,
    ) -> Option<Option<JetStreamAccountText<StreamDetail>>> {
        let found = self.accounts()?.remove(account).into_iter().collect();
        Some(self.account_texts(found, query)?.pop())
    }

    fn account_texts(
        &self,
        shown: Vec<(usize, JetStreamAccountRow)>,
        query: &JszQuery,
    ) -> Option<Vec<JetStreamAccountText<StreamDetail>>> {
        let mut streams: BTreeMap<usize, Vec<StreamDetail>> = BTreeMap::new();
        if query.streams && !shown.is_empty() {
            let wanted = Wanted {
                accounts: Some(shown.iter().map(|(index, _)| *index).collect()),
                consumers: query.consumers,
                direct_consumers: query.direct_consumers,
                config: query.config,
                explain: query.explain,
            };
            let mut details = self.details(&wanted)?;
            details.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            for detail in details {
                streams.entry(detail.account).or_default().push(detail);
            }
        }
        let text = |(index, row)| JetStreamAccountText::new(row, streams.remove(&index).unwrap_or_default());
        Some(shown.into_iter().map(text).collect())
    }

    /// What was written to each log.
    pub(crate) fn logs(&self) -> Vec<LogTotals> {
        self.meters.iter().map(Meter::totals).collect()
    }

    /// What `/metrics` tells.
    pub(crate) fn metrics(&self, facts: JetStreamFacts) -> Option<JetStreamMetrics> {
        let names = self.accounts()?.into_iter().map(|(name, (index, _))| (index, name)).collect();
        let (streams, consumers) = self.series(&names)?;
        let (totals, shards) = (self.totals()?, self.sums()?);
        Some(JetStreamMetrics { facts, totals, shards, logs: self.logs(), streams, consumers })
    }

    /// The oldest streams of each shard, and their consumers, until there are enough.
    fn series(&self, names: &BTreeMap<usize, Box<str>>) -> Option<(Vec<StreamSeries>, Vec<ConsumerSeries>)> {
        let (mut streams, mut consumers) = (Vec::new(), Vec::new());
        let wanted = Wanted { consumers: true, direct_consumers: true, ..Wanted::default() };
        let of = |detail: &StreamDetail| names.get(&detail.account).cloned().unwrap_or_default();
        self.all_pages(&Wanted::default(), |detail| {
            if streams.len() == STREAM_SERIES_MAX {
                return ControlFlow::Break(());
            }
            if let Detail::Stream(detail) = detail {
                streams.push(stream_series(of(&detail), *detail));
            }
            ControlFlow::Continue(())
        })?;
        let mut account = Box::default();
        self.all_pages(&wanted, |detail| {
            if consumers.len() == CONSUMER_SERIES_MAX {
                return ControlFlow::Break(());
            }
            match detail {
                Detail::Stream(detail) => account = of(&detail),
                Detail::Consumer(info) | Detail::DirectConsumer(info) => {
                    consumers.push(consumer_series(account.clone(), &info));
                }
                Detail::Explained(_) => {}
            }
            ControlFlow::Continue(())
        })?;
        Some((streams, consumers))
    }

    /// Streams and consumers, as many as may be listed.
    fn details(&self, wanted: &Wanted) -> Option<Vec<StreamDetail>> {
        let (mut details, mut rows) = (Vec::<StreamDetail>::new(), 0);
        self.all_pages(wanted, |detail| {
            if rows == DETAILS_MAX {
                return ControlFlow::Break(());
            }
            rows += 1;
            match (detail, details.last_mut()) {
                (Detail::Stream(detail), _) => details.push(*detail),
                (Detail::Consumer(info), Some(stream)) => stream.add(*info, false),
                (Detail::DirectConsumer(info), Some(stream)) => stream.add(*info, true),
                (Detail::Explained(explained), Some(stream)) => stream.consumer_explain.push(*explained),
                (_, None) => unreachable!("consumers come behind their stream"),
            }
            ControlFlow::Continue(())
        })?;
        Some(details)
    }

    /// What each shard's streams are in numbers.
    fn sums(&self) -> Option<Vec<StreamSums>> {
        let of_shard = |shard| {
            let (mut sums, mut from) = (StreamSums::default(), Some(Cursor::default()));
            while let Some(at) = from {
                let (more, next) = self.ask(shard, move |jetstream, _, _| jetstream.sums_page(at))?;
                sums.add(&more);
                from = next;
            }
            Some(sums)
        };
        self.control.shards().map(of_shard).collect()
    }

    /// The accounts that may have streams.
    fn accounts(&self) -> Option<Accounts> {
        let (mut accounts, mut from) = (Accounts::new(), Some(0));
        while let Some(at) = from {
            let (rows, next) = self.ask(FIRST, move |jetstream, _, _| jetstream.account_page(at))?;
            from = next;
            accounts.extend(rows.into_iter().map(|(index, row)| (row.name.clone(), (index, row))));
        }
        Some(accounts)
    }

    /// Asks shard after shard for page after page, until there are no more or `take` has had enough.
    fn all_pages(&self, wanted: &Wanted, mut take: impl FnMut(Detail) -> ControlFlow<()>) -> Option<()> {
        let wanted = Arc::new(wanted.clone());
        for shard in self.control.shards() {
            if self.pages(shard, &wanted, &mut take)?.is_break() {
                break;
            }
        }
        Some(())
    }

    fn pages(
        &self,
        shard: ShardId,
        wanted: &Arc<Wanted>,
        take: &mut impl FnMut(Detail) -> ControlFlow<()>,
    ) -> Option<ControlFlow<()>> {
        let mut from = Some(Cursor::default());
        while let Some(at) = from {
            let wanted = Arc::clone(wanted);
            let (rows, next) =
                self.ask(shard, move |jetstream, now, wall| jetstream.detail_page(at, &wanted, now, wall))?;
            from = next;
            if rows.into_iter().try_for_each(&mut *take).is_break() {
                return Some(ControlFlow::Break(()));
            }
        }
        Some(ControlFlow::Continue(()))
    }

    /// Asks all shards at once.
    fn each<T: Send + 'static>(
        &self,
        question: impl Fn(&JetStream) -> T + Clone + Send + 'static,
    ) -> Option<Vec<T>> {
        let shards = self.control.shards();
        let asked: Vec<_> = shards
            .map(|shard| {
                let question = question.clone();
                self.control.ask_streams(shard, move |jetstream, _, _, _| question(jetstream))
            })
            .collect();
        asked.into_iter().map(|answer| answer.recv().ok()).collect()
    }

    fn ask<T: Send + 'static>(
        &self,
        shard: ShardId,
        question: impl FnOnce(&mut JetStream, Time, Moment) -> T + Send + 'static,
    ) -> Option<T> {
        let answer =
            move |jetstream: &mut JetStream, _: &mut Broker, now, wall| question(jetstream, now, wall);
        self.control.ask_streams(shard, answer).recv().ok()
    }
}

fn stream_series(account: Box<str>, detail: StreamDetail) -> StreamSeries {
    StreamSeries {
        account,
        stream: detail.name.into(),
        messages: detail.state.messages,
        bytes: detail.state.bytes,
        last_sequence: detail.state.last_seq,
        subjects: detail.state.num_subjects.try_into().unwrap_or(0),
        consumers: detail.state.consumer_count.try_into().unwrap_or(0),
    }
}

fn consumer_series(account: Box<str>, info: &js_proto::ConsumerInfo) -> ConsumerSeries {
    let count = |number: i64| number.try_into().unwrap_or(0);
    ConsumerSeries {
        account,
        stream: info.stream_name.as_str().into(),
        consumer: info.name.as_str().into(),
        pending: info.num_pending,
        ack_pending: count(info.num_ack_pending),
        redelivered: count(info.num_redelivered),
        waiting: count(info.num_waiting),
        delivered: info.delivered.consumer_seq,
    }
}
