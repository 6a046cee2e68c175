//! What monitoring asks for, gathered from the shards.
//!
//! Each shard is asked in its next turn, and long answers page by page, so none of them stops for it. Only
//! connections that ended are kept in one place.
//! A connection that changes shards meanwhile could be missed where it comes from and where it goes to;
//! so what moved during a walk has it done again, a few times at most.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use broker::{Broker, ClosedConnections, Page};
use fabric::ShardId;
use monitor::{
    AccountRow, Accounts, Clock, ConnectionFilter, ConnectionRow, ConnzQuery, GLOBAL_ACCOUNT, HealthzQuery,
    JetStreamTotals, Lookups, Moment, Selection, ShardTotals, Shown, ShownResponse, StreamHealth, Subjects,
    Subs, SubscriptionFilter, SubscriptionRow, SubszQuery,
};
use nats_auth::Directory;
use shard_runtime::Control;
use system::{Reach, SubscribersQuery};

use crate::gather_streams::StreamGatherer;

/// Walks over the connections before one that missed some has to do.
const WALKS_MAX: usize = 3;

/// Subscriptions listed in one answer: about 40 MiB. An answer with more is cut off there, which its
/// counts show.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 250_000;

/// Requests that wait for a response which are listed in one answer, and a page more: about 4 MiB.
const RESPONSES_MAX: usize = 10_000;

/// Asks the shards. `None` from any of its methods says that they stop.
#[derive(Debug, Clone)]
pub(crate) struct Gatherer {
    control: Control,
    /// The moment on the wall when the shards' clock was at zero. It is settled once, so that a
    /// connection began at the same moment whenever someone asks.
    clock_zero: Moment,
    closed: Arc<ClosedConnections>,
    /// If there may be streams.
    streams: Option<StreamGatherer>,
}

/// The connections to show, and of how many.
pub(crate) struct Connections {
    pub(crate) total: usize,
    pub(crate) shown: Vec<Shown>,
    pub(crate) subscriptions: Vec<SubscriptionRow>,
}

impl Gatherer {
    /// For shards that are running. `now` is the time on the wall.
    pub(crate) fn new(
        control: Control,
        closed: Arc<ClosedConnections>,
        streams: Option<StreamGatherer>,
        now: Moment,
    ) -> Self {
        let shards_now = control.ask(ShardId(0), |_, now| now.0).recv().unwrap_or_default();
        let clock_zero = Moment(now.0.saturating_sub_unsigned(shards_now));
        Self { control, clock_zero, closed, streams }
    }

    /// Who asks for streams, if there may be any.
    pub(crate) fn streams(&self) -> Option<&StreamGatherer> {
        self.streams.as_ref()
    }

    /// How the server is, by what is asked.
    pub(crate) fn health_of_streams(&self, query: &HealthzQuery) -> Option<Option<StreamHealth>> {
        let streams = self.streams().filter(|_| query.asks_of_streams(self.takes_clients()));
        streams.map_or(Some(None), |streams| Some(Some(streams.health(query)?)))
    }

    /// What all streams have, if there may be any.
    pub(crate) fn jetstream_totals(&self) -> Option<Option<JetStreamTotals>> {
        self.streams().map_or(Some(None), |streams| Some(Some(streams.totals()?)))
    }

    /// Whether the server takes clients: it is neither in lame duck mode nor about to end.
    pub(crate) fn takes_clients(&self) -> bool {
        self.control.is_accepting()
    }

    /// The sums of each shard.
    pub(crate) fn totals(&self) -> Option<Vec<ShardTotals>> {
        let shards = self.control.shards();
        let answers: Vec<_> =
            shards.map(|shard| self.control.ask(shard, |broker: &mut Broker, _| broker.totals())).collect();
        answers.into_iter().map(|answer| answer.recv().ok()).collect()
    }

    /// The sums of all shards.
    pub(crate) fn sum(&self) -> Option<ShardTotals> {
        let mut sum = ShardTotals::default();
        self.totals()?.iter().for_each(|shard| sum.add(shard));
        Some(sum)
    }

    /// What time it is, on both clocks.
    pub(crate) fn clock(&self) -> Option<Clock> {
        let shards_now = self.control.ask(ShardId(0), |_, now| now.0).recv().ok()?;
        Some(Clock { now: self.clock_zero.after(shards_now), shards_now })
    }

    /// Users and accounts, as they are in force.
    pub(crate) fn directory(&self) -> Option<Arc<Directory>> {
        self.control.ask(ShardId(0), |broker, _| Arc::clone(&broker.settings().directory)).recv().ok()
    }

    /// How many accounts have connections.
    pub(crate) fn active_accounts(&self) -> Option<usize> {
        let directory = self.directory()?;
        Some(directory.accounts().iter().filter(|account| account.connections() > 0).count())
    }

    /// All accounts that shards know.
    pub(crate) fn accounts(&self) -> Option<Accounts> {
        let mut accounts = Accounts::default();
        for shard in self.control.shards() {
            self.pages(
                shard,
                |broker, from| broker.account_page(from),
                |rows| {
                    rows.into_iter().for_each(|row| accounts.add(row));
                    true
                },
            )?;
        }
        Some(accounts)
    }

    /// Those that have had clients, without how they are looked up.
    pub(crate) fn busy_accounts(&self) -> Option<Accounts> {
        let mut accounts = Accounts::default();
        for shard in self.control.shards() {
            let take = |rows: Vec<AccountRow>| {
                rows.into_iter().for_each(|row| accounts.add(row));
                true
            };
            self.pages(shard, Broker::account_traffic_page, take)?;
        }
        Some(accounts)
    }

    /// One account, if a shard knows it. Asking for all takes a turn of each shard for every few of them.
    pub(crate) fn account(&self, name: &str) -> Option<Option<AccountRow>> {
        let mut accounts = Accounts::default();
        for shard in self.control.shards() {
            let name = name.to_owned();
            let rows = self.control.ask(shard, move |broker, _| broker.accounts_named(&name)).recv().ok()?;
            rows.into_iter().for_each(|row| accounts.add(row));
        }
        Some(accounts.find(name).cloned())
    }

    /// Requests of others that wait for a response of the account of that name, by the subject for it.
    pub(crate) fn responses(&self, account: &str) -> Option<BTreeMap<String, ShownResponse>> {
        let mut found = BTreeMap::new();
        for shard in self.control.shards() {
            let name = account.to_owned();
            self.pages(
                shard,
                move |broker, from| broker.response_page(from, &name),
                |rows| {
                    found.extend(rows.into_iter().map(|row| (row.response_subject().to_owned(), row)));
                    found.len() < RESPONSES_MAX
                },
            )?;
        }
        Some(found)
    }

    /// The connections that are asked for. `open` is how many there are in the account that is asked
    /// for.
    pub(crate) fn connections(&self, query: &ConnzQuery, clock: Clock, open: usize) -> Option<Connections> {
        let mut found = self.walk(query, clock, open)?;
        for _ in 1..WALKS_MAX {
            let (connections, moved) = found;
            if !moved {
                return Some(connections);
            }
            found = self.walk(query, clock, open)?;
        }
        Some(found.0)
    }

    /// Walks over all connections once. Says whether any of them moved meanwhile.
    fn walk(&self, query: &ConnzQuery, clock: Clock, open: usize) -> Option<(Connections, bool)> {
        let before = self.moved_in()?;
        let mut selection = Selection::new(query.clone(), clock.shards_now);
        let mut total = 0;
        if query.state.wants_open() {
            total += open;
            self.open_connections(query, &mut selection)?;
        }
        if query.state.wants_closed() {
            total += self.closed_connections(query, &mut selection);
        }
        let shown = selection.finish();
        let subscriptions = self.subscriptions_of(query.subs, &shown)?;
        let moved = self.moved_in()? != before;
        Some((Connections { total, shown, subscriptions }, moved))
    }

    fn moved_in(&self) -> Option<u64> {
        Some(self.totals()?.iter().map(|shard| shard.connections_moved_in).sum())
    }

    fn open_connections(&self, query: &ConnzQuery, selection: &mut Selection) -> Option<()> {
        let filter = query.filter();
        let listeners = query.filter_subject.as_ref().map(|subject| self.listeners(query, subject));
        let listeners = match listeners {
            Some(found) => Some(found?),
            None => None,
        };
        for shard in self.control.shards() {
            let filter = filter.clone();
            self.pages(
                shard,
                move |broker, from| broker.connection_page(from, &filter),
                |rows| {
                    let is_asked_for =
                        |row: &ConnectionRow| listeners.as_ref().is_none_or(|all| all.contains(&row.cid));
                    let wanted = rows.into_iter().filter(is_asked_for);
                    wanted.for_each(|row| selection.push(Shown::Open(row)));
                    true
                },
            )?;
        }
        Some(())
    }

    /// The connections of an account that listen to something which the filter matches.
    fn listeners(&self, query: &ConnzQuery, filter: &str) -> Option<HashSet<u64>> {
        let subjects = Subjects::Overlapping(filter.into());
        let filter =
            SubscriptionFilter { account: query.account.clone(), subjects, ..SubscriptionFilter::default() };
        let mut found = HashSet::new();
        self.subscriptions(filter, |rows| {
            found.extend(rows.iter().map(|row| row.cid));
            true
        })?;
        Some(found)
    }

    /// How many subscriptions are asked for.
    pub(crate) fn count_subscriptions(&self, query: &SubscribersQuery) -> Option<usize> {
        let (account, subjects) = (Some(query.account.clone()), query.subjects.clone());
        // Services are not told of.
        let is_asked_for = |row: &&SubscriptionRow| {
            row.cid > 0 && (query.queue.is_none() || row.queue.as_deref() == query.queue.as_deref())
        };
        let mut count = 0;
        self.subscriptions(
            SubscriptionFilter { account, subjects, ..SubscriptionFilter::default() },
            |rows| {
                count += rows.iter().filter(is_asked_for).count();
                true
            },
        )?;
        Some(count)
    }

    /// Counts who gets messages to each of these subjects.
    pub(crate) fn count_reaches(&self, reaches: &mut [Reach]) -> Option<()> {
        for reach in reaches {
            let (account, subjects) =
                (Some(reach.account.to_string()), Subjects::Matching(reach.subject.clone()));
            self.subscriptions(
                SubscriptionFilter { account, subjects, cids: None, through_imports: true },
                |rows| {
                    reach.count(&rows);
                    true
                },
            )?;
        }
        Some(())
    }

    /// Has something done to the one connection that `act` looks for, page by page; `None` within if there is none.
    pub(crate) fn single_out<T: Send + 'static>(
        &self,
        act: impl Fn(&mut Broker, u64) -> Page<T> + Clone + Send + Sync + 'static,
    ) -> Option<Option<T>> {
        for _ in 0..WALKS_MAX {
            let before = self.moved_in()?;
            let mut found = None;
            for shard in self.control.shards() {
                self.pages(shard, act.clone(), |rows| {
                    found = rows.into_iter().next();
                    found.is_none()
                })?;
                if found.is_some() {
                    return Some(found);
                }
            }
            if self.moved_in()? == before {
                break;
            }
        }
        Some(None)
    }

    /// Returns how many are remembered of the account that is asked for, whoever's they are.
    fn closed_connections(&self, query: &ConnzQuery, selection: &mut Selection) -> usize {
        // nats-server does not note that somebody was in that account, and finds none.
        if query.account.as_deref() == Some(GLOBAL_ACCOUNT) {
            return 0;
        }
        let of_account = ConnectionFilter { account: query.account.clone(), ..ConnectionFilter::default() };
        let filter = query.filter_of_closed();
        let mut total = 0;
        let mut from = Some(0);
        while let Some(at) = from {
            let page = self.closed.page(at, &of_account);
            total += page.rows.len();
            let wanted = page.rows.into_iter().filter(|closed| filter.wants(&closed.row));
            wanted.for_each(|closed| selection.push(Shown::Closed(closed)));
            from = page.next;
        }
        total
    }

    /// What those who are there subscribe to, if that is shown.
    fn subscriptions_of(&self, subs: Subs, shown: &[Shown]) -> Option<Vec<SubscriptionRow>> {
        let open = shown.iter().filter_map(|shown| match shown {
            Shown::Open(row) if row.subscriptions > 0 => Some(row.cid),
            _ => None,
        });
        let mut cids: Vec<u64> = open.collect();
        if subs == Subs::Count || cids.is_empty() {
            return Some(Vec::new());
        }
        cids.sort_unstable();
        let mut found = Vec::new();
        self.subscriptions(
            SubscriptionFilter { cids: Some(cids), ..SubscriptionFilter::default() },
            |rows| {
                found.extend(rows);
                found.len() < SUBSCRIPTIONS_MAX
            },
        )?;
        found.truncate(SUBSCRIPTIONS_MAX);
        Some(found)
    }

    /// The subscriptions to show, and of how many.
    pub(crate) fn subscription_list(&self, query: &SubszQuery) -> Option<(usize, Vec<SubscriptionRow>)> {
        let mut total = 0;
        let mut shown = Vec::new();
        let limit = query.limit.min(SUBSCRIPTIONS_MAX);
        self.subscriptions(query.filter(), |rows| {
            for row in rows {
                if total >= query.offset && shown.len() < limit {
                    shown.push(row);
                }
                total += 1;
            }
            true
        })?;
        Some((total, shown))
    }

    fn subscriptions(
        &self,
        filter: SubscriptionFilter,
        mut take: impl FnMut(Vec<SubscriptionRow>) -> bool,
    ) -> Option<()> {
        let filter = Arc::new(filter);
        for shard in self.control.shards() {
            let filter = Arc::clone(&filter);
            self.pages(shard, move |broker, from| broker.subscription_page(from, &filter), &mut take)?;
        }
        Some(())
    }

    /// Asks a shard for page after page, until there are no more or `take` has had enough.
    pub(crate) fn pages<T: Send + 'static>(
        &self,
        shard: ShardId,
        ask: impl Fn(&mut Broker, u64) -> Page<T> + Send + Sync + 'static,
        mut take: impl FnMut(Vec<T>) -> bool,
    ) -> Option<()> {
        let ask = Arc::new(ask);
        let mut from = Some(0);
        while let Some(at) = from {
            let ask = Arc::clone(&ask);
            let page = self.control.ask(shard, move |broker, _| ask(broker, at)).recv().ok()?;
            from = page.next;
            if !take(page.rows) {
                break;
            }
        }
        Some(())
    }
}

/// What accounts have together: subscriptions, and how they are looked up.
pub(crate) fn lookups<'a>(accounts: impl Iterator<Item = &'a AccountRow>) -> (u64, Lookups) {
    let mut sum = (0, Lookups::default());
    for row in accounts {
        sum.0 += row.subscriptions;
        sum.1.add(row.lookups);
    }
    sum
}
