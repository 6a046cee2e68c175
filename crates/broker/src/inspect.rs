//! What the shard says of itself to those who ask from outside.
//!
//! Long answers come in pages: each looks at a bounded number of rows, so that a shard with very many of
//! them is not held up. Between two pages rows come and go; what stays is seen once.

use std::time::Duration;

use conns::{CloseReason, Conn, ConnId};
use monitor::{
    AccountRow, ClosedRow, ConnectionFilter, ConnectionRow, Lookups, ShardTotals, Subjects,
    SubscriptionFilter, SubscriptionRow,
};
use nats_auth::ConnectionType;
use subject_trie::{filter_contains, filter_matches, filters_overlap};

use crate::broker::Broker;
use crate::client::Client;
use crate::page::{Page, stretch};
use crate::subscription::Subscription;

/// Connections looked at for one page: a tenth of a millisecond.
const CONNECTIONS_PER_PAGE: usize = 256;

/// Subscriptions looked at for one page.
const SUBSCRIPTIONS_PER_PAGE: usize = 1024;

/// Bytes of their subjects after which a page ends. Usual ones have less; a row with thousands of tokens takes some ten
/// microseconds.
const SUBJECT_BYTES_PER_PAGE: usize = 64 << 10;

/// Accounts looked at for one page, each with its whole match cache.
const ACCOUNTS_PER_PAGE: usize = 8;

/// The same where caches are left alone.
const TRAFFIC_PER_PAGE: usize = 1024;

/// Stands where the number of a connection does in what is told of the subscription of a service: connections count
/// from 1.
const CID_OF_SERVICES: u64 = 0;

/// Whether a subscription to that is asked for.
fn is_among(subjects: &Subjects, filter: &[u8]) -> bool {
    match subjects {
        Subjects::All => true,
        Subjects::Matching(subject) => filter_matches(filter, subject.as_bytes()),
        Subjects::Within(outer) => filter_contains(outer.as_bytes(), filter),
        Subjects::Overlapping(other) => filters_overlap(other.as_bytes(), filter),
    }
}

impl Broker {
    /// The sums of this shard.
    pub fn totals(&mut self) -> ShardTotals {
        self.egress.take_over_dirty();
        let counters = &self.egress.counters;
        let (routes, leafs) = (self.route_totals(), self.leaf_totals());
        ShardTotals {
            subscriptions: self.egress.subs.len() as u64,
            pending_bytes: self.egress.clients.pending_bytes() - routes.pending_bytes - leafs.pending_bytes,
            routes,
            leafs,
            mesh_bytes: self.mesh.pending_bytes() as u64,
            ..counters.totals
        }
    }

    /// The next connections that are wanted, those that are closing aside.
    pub fn connection_page(&mut self, from: u64, filter: &ConnectionFilter) -> Page<ConnectionRow> {
        self.egress.take_over_dirty();
        let (numbers, next) = stretch(from, self.egress.clients.rows(), CONNECTIONS_PER_PAGE);
        let clients = numbers.filter_map(|number| self.egress.clients.row(number));
        let open = clients.filter(|client| client.is_open() && !client.is_guest() && !client.is_peer());
        let wanted = open.filter(|client| filter.cid.is_none_or(|cid| client.cid == cid));
        let rows = wanted.map(|client| self.connection_row(client)).filter(|row| filter.wants(row)).collect();
        Page { rows, next }
    }

    /// The next subscriptions that are wanted.
    pub fn subscription_page(&self, from: u64, filter: &SubscriptionFilter) -> Page<SubscriptionRow> {
        self.page_of_subscriptions(from, &filter.subjects, |sub| self.wanted_subscription(sub, filter))
    }

    /// The next that are looked for, and of these those to such subjects.
    pub(crate) fn page_of_subscriptions(
        &self,
        from: u64,
        subjects: &Subjects,
        wanted: impl Fn(&Subscription) -> Option<SubscriptionRow>,
    ) -> Page<SubscriptionRow> {
        let (numbers, mut next) = stretch(from, self.egress.subs.rows(), SUBSCRIPTIONS_PER_PAGE);
        let (mut rows, mut bytes) = (Vec::new(), 0);
        for number in numbers {
            if bytes >= SUBJECT_BYTES_PER_PAGE {
                next = Some(number as u64);
                break;
            }
            let Some(sub) = self.egress.subs.row(number) else { continue };
            let Some(row) = wanted(sub) else { continue };
            bytes += row.subject.len();
            if is_among(subjects, &row.subject) {
                rows.push(row);
            }
        }
        Page { rows, next }
    }

    /// The next accounts.
    pub fn account_page(&mut self, from: u64) -> Page<AccountRow> {
        self.egress.take_over_dirty();
        let (numbers, next) = stretch(from, self.spaces.len(), ACCOUNTS_PER_PAGE);
        Page { rows: numbers.map(|number| self.account_row(number)).collect(), next }
    }

    /// The next accounts that have had clients here, without how they are looked up.
    pub fn account_traffic_page(&mut self, from: u64) -> Page<AccountRow> {
        self.egress.take_over_dirty();
        let (numbers, next) = stretch(from, self.spaces.len(), TRAFFIC_PER_PAGE);
        // Clients may have come from other shards.
        let has_traffic =
            |row: &AccountRow| row.connections_total + row.connections + row.input.msgs + row.output.msgs > 0;
        let rows = numbers.map(|number| self.account_traffic(number)).filter(has_traffic).collect();
        Page { rows, next }
    }

    /// What the shard knows of the account of that name, if anything.
    pub fn accounts_named(&mut self, name: &str) -> Vec<AccountRow> {
        self.egress.take_over_dirty();
        let named = (0..self.spaces.len()).filter(|number| *self.spaces[*number].name == *name);
        named.map(|number| self.account_row(number)).collect()
    }

    /// The thread that drives the shard finished a turn that took so long.
    pub fn on_turn_ended(&mut self, took: Duration) {
        self.egress.counters.totals.turns.on_turn(took);
    }

    /// It waited so long for something to happen.
    pub fn on_parked(&mut self, time: Duration) {
        self.egress.counters.totals.turns.on_parked(time);
    }

    /// What is remembered of a connection that ends, its subscriptions aside. Nothing when the server stops:
    /// nobody will ask.
    pub(crate) fn closed_row(&self, id: ConnId, reason: CloseReason) -> Option<ClosedRow> {
        let is_asked_for = self.config.closed.is_on() && reason != CloseReason::ServerShutdown;
        let client = self.egress.clients.peek(id).filter(|_| is_asked_for)?;
        Some(ClosedRow {
            subscriptions: Vec::new(),
            row: self.connection_row(client),
            stop: self.egress.counters.now.0,
            reason: reason.text(),
        })
    }

    /// One connection of this shard; `None` if it is gone, or has moved to another shard.
    pub fn connection_row_of(&self, id: ConnId) -> Option<ConnectionRow> {
        self.egress.clients.peek(id).map(|client| self.connection_row(client))
    }

    fn connection_row(&self, client: &Conn<Client>) -> ConnectionRow {
        let record = &client.record;
        let introduction = record.introduction();
        ConnectionRow {
            cid: client.cid,
            peer: client.peer().address(),
            start: record.start.0,
            last_activity: record.last_activity.0,
            rtt: record.rtt(),
            pending_bytes: client.pending_bytes() as u64,
            input: record.input,
            output: record.output,
            stalls: record.stalls,
            subscriptions: client.subs.len() as u32,
            name: introduction.name.into(),
            lang: introduction.lang.into(),
            version: introduction.version.into(),
            tls: client.security().map(|security| Box::new(security.tls.clone())),
            user: client.who().map(|who| Box::from(&**who.name())).unwrap_or_default(),
            account: self.spaces[client.account].name.clone(),
            is_websocket: client.how() == ConnectionType::Websocket,
        }
    }

    /// The row of a subscription that is wanted, its subject aside. Those of services are shown as those of clients are,
    /// since they are counted with them.
    fn wanted_subscription(
        &self,
        sub: &Subscription,
        filter: &SubscriptionFilter,
    ) -> Option<SubscriptionRow> {
        let holder = match sub.target.as_shadow() {
            Some(of) if filter.through_imports => self.egress.subs.at(of),
            _ => sub,
        };
        let cid = match holder.target.as_service() {
            Some(_) => CID_OF_SERVICES,
            None => self.egress.clients.peek_open(holder.conn())?.cid,
        };
        let is_wanted = !sub.is_leaving()
            && filter.cids.as_ref().is_none_or(|cids| cids.binary_search(&cid).is_ok())
            && filter.account.as_deref().is_none_or(|name| *name == *self.spaces[sub.account()].name);
        is_wanted.then(|| self.subscription_row(cid, sub))
    }

    pub(crate) fn subscription_row(&self, cid: u64, sub: &Subscription) -> SubscriptionRow {
        let space = &self.spaces[sub.account()];
        let mut subject = Vec::new();
        space.local.filter(sub.filter, &mut subject);
        SubscriptionRow {
            cid,
            account: space.name.clone(),
            subject: subject.into(),
            queue: sub.queue().map(Box::from),
            sid: sub.sid[..].into(),
            msgs: sub.delivered,
            max: sub.max(),
        }
    }

    fn account_row(&self, number: usize) -> AccountRow {
        let lookups = self.spaces[number].lookups();
        let row = self.account_traffic(number);
        let Lookups { inserts, removes, .. } = row.lookups;
        AccountRow { lookups: Lookups { inserts, removes, ..lookups }, ..row }
    }

    fn account_traffic(&self, number: usize) -> AccountRow {
        let space = &self.spaces[number];
        let counters = self.egress.counters.of_account(number);
        AccountRow {
            name: space.name.clone(),
            connections: counters.connections,
            connections_total: counters.connections_total,
            subscriptions: space.local.len() as u64,
            input: counters.input,
            output: counters.output,
            slow_consumers: counters.slow_consumers,
            lookups: Lookups { inserts: counters.inserts, removes: counters.removes, ..Lookups::default() },
        }
    }
}
