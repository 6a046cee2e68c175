//! What the shard says of routes to those who ask from outside.

use cluster::passing::Side;
use monitor::{LeafRow, RouteRow, RouteTotals, Subjects, SubscriptionRow};

use super::Peer;
use crate::broker::Broker;
use crate::page::{Page, stretch};
use crate::subscription::Subscription;

/// Connections looked at for one page.
const ROUTES_PER_PAGE: usize = 64;

/// What nats-server says of those that do not speak of compression.
const COMPRESSION: &str = "not supported";

impl Broker {
    /// What the shard counts of routes.
    pub(crate) fn route_totals(&self) -> RouteTotals {
        let counted = self.egress.counters.totals.routes;
        let Some(peers) = &self.egress.peers else { return counted };
        let mut totals = RouteTotals { remotes: peers.control.servers() as u64, ..counted };
        for peer in peers.routes() {
            totals.routes += 1;
            totals.subscriptions += peer.wants.len() as u64;
            let client = peer.open_conn().and_then(|conn| self.egress.clients.peek(conn));
            totals.pending_bytes += client.map_or(0, |client| client.pending_bytes() as u64);
        }
        totals
    }

    /// The same of leaf nodes and hubs.
    pub(crate) fn leaf_totals(&self) -> RouteTotals {
        let counted = self.egress.counters.totals.leafs;
        let Some(peers) = &self.egress.peers else { return counted };
        let mut totals = counted;
        for peer in peers.rows.iter().flatten().filter(|peer| peer.is_leaf) {
            totals.routes += u64::from(peer.branch.is_some());
            totals.subscriptions += peer.wants.len() as u64;
            let client = peer.conn.and_then(|conn| self.egress.clients.peek(conn));
            totals.pending_bytes += client.map_or(0, |client| client.pending_bytes() as u64);
        }
        totals
    }

    /// The next routes.
    pub fn route_page(&mut self, from: u64) -> Page<RouteRow> {
        let Some(peers) = &self.egress.peers else { return Page { rows: Vec::new(), next: None } };
        let (numbers, next) = stretch(from, peers.rows.len(), ROUTES_PER_PAGE);
        let shown = numbers.filter_map(|number| self.route_row(peers.rows[number].as_ref()?));
        Page { rows: shown.collect(), next }
    }

    fn route_row(&self, peer: &Peer) -> Option<RouteRow> {
        let route = peer.route.as_ref()?;
        let client = self.egress.clients.peek_open(peer.conn?)?;
        let record = &client.record;
        Some(RouteRow {
            rid: client.cid,
            remote_id: route.server_id.as_str().into(),
            remote_name: route.server_name.as_str().into(),
            is_dialed: route.is_dialed,
            is_configured: route.is_configured,
            peer: client.peer().address(),
            start: record.start.0,
            last_activity: record.last_activity.0,
            rtt: record.rtt(),
            import: route.import.clone(),
            export: route.export.clone(),
            pending_bytes: client.pending_bytes() as u64,
            input: record.input,
            output: record.output,
            subscriptions: peer.wants.len() as u64,
            compression: COMPRESSION,
            ..RouteRow::default()
        })
    }

    /// The next leaf nodes and hubs.
    pub fn leaf_page(&mut self, from: u64) -> Page<LeafRow> {
        let Some(peers) = &self.egress.peers else { return Page { rows: Vec::new(), next: None } };
        let (numbers, next) = stretch(from, peers.rows.len(), ROUTES_PER_PAGE);
        let shown = numbers.filter_map(|number| self.leaf_row(peers.rows[number].as_ref()?));
        Page { rows: shown.collect(), next }
    }

    fn leaf_row(&self, peer: &Peer) -> Option<LeafRow> {
        let branch = peer.branch.as_ref()?;
        let client = self.egress.clients.peek_open(peer.conn?)?;
        let record = &client.record;
        Some(LeafRow {
            lid: client.cid,
            name: branch.leaf.server_name.as_str().into(),
            is_spoke: branch.ear.side == Side::Hub,
            is_isolated: branch.ear.is_isolated,
            account: (&**self.config.settings.directory.account(branch.account).name()).into(),
            peer: client.peer().address(),
            rtt: record.rtt(),
            pending_bytes: client.pending_bytes() as u64,
            input: record.input,
            output: record.output,
            subscriptions: peer.wants.len() as u64,
            compression: branch.compression,
            ..LeafRow::default()
        })
    }

    /// The next of what other servers want: a row for each member of a queue group.
    pub fn route_subscription_page(&self, from: u64) -> Page<SubscriptionRow> {
        self.page_of_subscriptions(from, &Subjects::All, |sub| self.subscription_row_of_peer(sub))
    }

    /// Its number is that of the connection over which it was told, its name how nats-server keeps it.
    fn subscription_row_of_peer(&self, sub: &Subscription) -> Option<SubscriptionRow> {
        let peer = sub.target.as_peer().filter(|_| !sub.is_leaving())?;
        let conn = self.egress.peers.as_ref()?.peek(peer)?.open_conn()?;
        let row = self.subscription_row(self.egress.clients.peek_open(conn)?.cid, sub);
        let mut sid = [b"R ", row.account.as_bytes(), b" ", &row.subject].concat();
        if let Some(queue) = &row.queue {
            sid.push(b' ');
            sid.extend_from_slice(queue);
        }
        Some(SubscriptionRow { sid: sid.into(), ..row })
    }
}
