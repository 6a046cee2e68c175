//! `/connz`: connections, those that ended included.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nats_proto::GoDuration;
use serde::Serialize;

use crate::connz_query::{ConnzQuery, Sort, Subs};
use crate::moment::{Moment, uptime};
use crate::snapshot::{ClosedRow, ConnectionRow, PeerCert, SubscriptionRow};
use crate::subsz::{SubscriptionText, text};
use crate::{Clock, GLOBAL_ACCOUNT};

/// Connections kept beyond those that will be shown, so that they are sorted rarely.
const SLACK: usize = 1024;

/// A connection to show.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "a list is mostly of either kind: boxes would only add allocations"
)]
pub enum Shown {
    /// One that is there.
    Open(ConnectionRow),
    /// One that ended.
    Closed(Arc<ClosedRow>),
}

impl Shown {
    fn row(&self) -> &ConnectionRow {
        match self {
            Self::Open(row) => row,
            Self::Closed(closed) => &closed.row,
        }
    }

    fn closed(&self) -> Option<&ClosedRow> {
        match self {
            Self::Open(_) => None,
            Self::Closed(closed) => Some(closed),
        }
    }

    /// When it ended, or `now`.
    fn end(&self, now: u64) -> u64 {
        self.closed().map_or(now, |closed| closed.stop)
    }
}

/// Of all connections that come by, those that will be shown. It keeps no more of them than twice what
/// is shown and a little.
#[derive(Debug)]
pub struct Selection {
    query: ConnzQuery,
    now: u64,
    kept: Vec<Shown>,
}

impl Selection {
    /// Nothing yet. `now` is on the shards' clock.
    pub fn new(query: ConnzQuery, now: u64) -> Self {
        Self { query, now, kept: Vec::new() }
    }

    /// A connection that was asked for.
    pub fn push(&mut self, shown: Shown) {
        self.kept.push(shown);
        let wanted = self.query.offset.saturating_add(self.query.limit);
        if self.kept.len() > wanted.saturating_mul(2).saturating_add(SLACK) {
            self.sort();
            self.kept.truncate(wanted);
        }
    }

    /// The connections to show, in order. One that changed shards meanwhile may have come twice.
    pub fn finish(mut self) -> Vec<Shown> {
        self.sort();
        self.kept.dedup_by_key(|shown| shown.row().cid);
        self.kept.drain(..self.query.offset.min(self.kept.len()));
        self.kept.truncate(self.query.limit);
        self.kept
    }

    fn sort(&mut self) {
        let (sort, now) = (self.query.sort, self.now);
        self.kept.sort_by(|a, b| order(sort, now, a, b).then_with(|| a.row().cid.cmp(&b.row().cid)));
    }
}

fn order(sort: Sort, now: u64, a: &Shown, b: &Shown) -> Ordering {
    let descending = |key: fn(&ConnectionRow) -> u64| key(b.row()).cmp(&key(a.row()));
    let uptime = |shown: &Shown| shown.end(now).saturating_sub(shown.row().start);
    match sort {
        Sort::Cid => Ordering::Equal,
        Sort::Subs => descending(|row| row.subscriptions.into()),
        Sort::Pending => descending(|row| row.pending_bytes),
        Sort::MsgsTo => descending(|row| row.output.msgs),
        Sort::MsgsFrom => descending(|row| row.input.msgs),
        Sort::BytesTo => descending(|row| row.output.bytes),
        Sort::BytesFrom => descending(|row| row.input.bytes),
        Sort::Last => descending(|row| row.last_activity),
        Sort::Idle => a.row().last_activity.cmp(&b.row().last_activity),
        Sort::Uptime => uptime(a).cmp(&uptime(b)),
        Sort::Stop => b.end(now).cmp(&a.end(now)),
        Sort::Reason => {
            let reason = |shown: &Shown| shown.closed().map_or("", |closed| closed.reason).to_owned();
            reason(a).cmp(&reason(b))
        }
        Sort::Rtt => descending(|row| row.rtt.unwrap_or_default().as_nanos() as u64),
    }
}

/// What `/connz` needs to answer.
#[derive(Debug)]
pub struct Connz<'a> {
    /// The server's id.
    pub server_id: &'a str,
    /// The shards' clock.
    pub clock: Clock,
    /// Connections in the state and account that was asked for, whoever's they are.
    pub total: usize,
    /// Those to show, in order.
    pub shown: Vec<Shown>,
    /// Subscriptions of those that are there.
    pub subscriptions: Vec<SubscriptionRow>,
}

impl Connz<'_> {
    /// What there is to say.
    pub fn text<'s>(&'s self, query: &ConnzQuery) -> impl Serialize + use<'s> {
        let mut subs: HashMap<u64, Vec<&SubscriptionRow>> = HashMap::new();
        for row in &self.subscriptions {
            subs.entry(row.cid).or_default().push(row);
        }
        let connections = self.shown.iter().map(|shown| {
            let subs = match shown {
                Shown::Open(row) => subs.remove(&row.cid).unwrap_or_default(),
                Shown::Closed(closed) => closed.subscriptions.iter().collect(),
            };
            self.connection(query, shown, &subs)
        });
        let connections: Vec<ConnectionText<'_>> = connections.collect();
        ConnzText {
            server_id: self.server_id,
            now: self.clock.now,
            num_connections: connections.len(),
            total: self.total,
            offset: query.offset,
            limit: query.limit,
            connections: Some(connections),
        }
    }

    /// What there is to say of an account that does not exist.
    pub fn no_such_account(clock: Clock, query: &ConnzQuery) -> impl Serialize + use<> {
        ConnzText {
            server_id: "",
            now: clock.now,
            num_connections: 0,
            total: 0,
            offset: query.offset,
            limit: query.limit,
            connections: None,
        }
    }

    fn connection<'s>(
        &self,
        query: &ConnzQuery,
        shown: &'s Shown,
        subs: &[&'s SubscriptionRow],
    ) -> ConnectionText<'s> {
        let (row, closed) = (shown.row(), shown.closed());
        let end = self.clock.moment(shown.end(self.clock.shards_now));
        let (start, last) = (self.clock.moment(row.start), self.clock.moment(row.last_activity));
        let account = Some(&*row.account).filter(|name| query.auth && *name != GLOBAL_ACCOUNT);
        let tls = row.tls.as_deref();
        let detail = |sub: &&'s SubscriptionRow| SubscriptionText::of(sub, closed.is_some());
        ConnectionText {
            cid: row.cid,
            kind: "Client",
            r#type: if row.is_websocket { "websocket" } else { "nats" },
            ip: row.peer.map(|peer| peer.ip().to_string()).unwrap_or_default(),
            port: row.peer.map_or(0, |peer| peer.port()),
            start,
            last_activity: last,
            stop: closed.map(|_| end),
            reason: closed.map(|closed| closed.reason),
            rtt: GoDuration::of(shown_rtt(row.rtt)).to_string(),
            uptime: uptime(end.since(start)),
            idle: uptime(end.since(last)),
            pending_bytes: row.pending_bytes,
            in_msgs: row.input.msgs,
            out_msgs: row.output.msgs,
            in_bytes: row.input.bytes,
            out_bytes: row.output.bytes,
            stalls: row.stalls,
            subscriptions: row.subscriptions,
            name: &row.name,
            lang: &row.lang,
            version: &row.version,
            tls_version: tls.map_or("", |tls| &tls.version),
            tls_cipher_suite: tls.map_or("", |tls| &tls.cipher_suite),
            tls_peer_certs: tls.filter(|_| query.auth).map_or(&[][..], |tls| &tls.peer_certs),
            tls_first: tls.is_some_and(|tls| tls.first),
            authorized_user: if query.auth { &row.user } else { "" },
            account: account.unwrap_or_default(),
            subscriptions_list: if query.subs == Subs::List {
                subs.iter().map(|sub| text(&sub.subject)).collect()
            } else {
                Vec::new()
            },
            subscriptions_list_detail: if query.subs == Subs::Detail {
                subs.iter().map(detail).collect()
            } else {
                Vec::new()
            },
            name_tag: if closed.is_none() && query.auth { &row.account } else { account.unwrap_or_default() },
        }
    }
}

/// Below a millisecond it is shown in whole microseconds.
pub(crate) fn shown_rtt(rtt: Option<Duration>) -> Duration {
    let rtt = rtt.unwrap_or_default();
    match rtt.as_nanos() {
        1_001..1_000_000 => Duration::from_micros(rtt.as_micros() as u64),
        _ => rtt,
    }
}

#[derive(Serialize)]
struct ConnzText<'a> {
    server_id: &'a str,
    now: Moment,
    num_connections: usize,
    total: usize,
    offset: usize,
    limit: usize,
    connections: Option<Vec<ConnectionText<'a>>>,
}

#[derive(Serialize)]
struct ConnectionText<'a> {
    cid: u64,
    kind: &'static str,
    r#type: &'static str,
    ip: String,
    port: u16,
    start: Moment,
    last_activity: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    rtt: String,
    uptime: String,
    idle: String,
    pending_bytes: u64,
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
    #[serde(skip_serializing_if = "is_zero")]
    stalls: u32,
    subscriptions: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    lang: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    tls_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    tls_cipher_suite: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tls_peer_certs: &'a [PeerCert],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_first: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    authorized_user: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    account: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list_detail: Vec<SubscriptionText>,
    #[serde(skip_serializing_if = "str::is_empty")]
    name_tag: &'a str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests;
