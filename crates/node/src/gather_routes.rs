//! Routes and leaf nodes, gathered from the shard that speaks to other servers.

use std::collections::{HashMap, HashSet};

use broker::Broker;
use fabric::ShardId;
use monitor::{LeafRow, LeafzQuery, RouteRow, Subs};

use crate::gather::{Gatherer, SUBSCRIPTIONS_MAX};

/// The shard that has them all.
const FIRST: ShardId = ShardId(0);

impl Gatherer {
    /// All routes, and what their servers want if that is asked for: in all so many filters as are shown of clients.
    pub(crate) fn routes(&self, subs: Subs) -> Option<Vec<RouteRow>> {
        let mut routes = Vec::new();
        self.pages(FIRST, Broker::route_page, |rows| {
            routes.extend(rows);
            true
        })?;
        if subs != Subs::Count && !routes.is_empty() {
            self.list_subscriptions(&mut routes)?;
        }
        Some(routes)
    }

    /// All leaf nodes and hubs of an account, or all there are, with what they want if that is asked for.
    pub(crate) fn leafs(&self, query: &LeafzQuery) -> Option<Vec<LeafRow>> {
        let mut leafs: Vec<LeafRow> = Vec::new();
        self.pages(FIRST, Broker::leaf_page, |rows| {
            leafs.extend(rows);
            true
        })?;
        leafs.retain(|leaf| query.account.is_empty() || *leaf.account == *query.account);
        if query.subs && !leafs.is_empty() {
            self.list_wants(&mut leafs)?;
        }
        Some(leafs)
    }

    fn list_wants(&self, leafs: &mut [LeafRow]) -> Option<()> {
        let of: HashMap<u64, usize> = leafs.iter().enumerate().map(|(at, leaf)| (leaf.lid, at)).collect();
        // Members of a queue group at one server are one there.
        let mut shown: HashSet<(usize, Box<[u8]>)> = HashSet::new();
        self.pages(
            FIRST,
            |broker, from| broker.route_subscription_page(from),
            |rows| {
                for row in rows {
                    let Some(at) = of.get(&row.cid) else { continue };
                    if shown.insert((*at, row.sid)) {
                        leafs[*at].subscriptions_list.push(row.subject);
                    }
                }
                shown.len() < SUBSCRIPTIONS_MAX
            },
        )
    }

    fn list_subscriptions(&self, routes: &mut [RouteRow]) -> Option<()> {
        let of: HashMap<u64, usize> = routes.iter().enumerate().map(|(at, route)| (route.rid, at)).collect();
        // Where each of them is shown: members of a queue group at one server are one there.
        let mut shown: HashMap<(usize, Box<[u8]>), usize> = HashMap::new();
        self.pages(
            FIRST,
            |broker, from| broker.route_subscription_page(from),
            |rows| {
                for row in rows {
                    let Some(at) = of.get(&row.cid) else { continue };
                    let list = &mut routes[*at].subscriptions_list;
                    let known = *shown.entry((*at, row.sid.clone())).or_insert(list.len());
                    match list.get_mut(known) {
                        Some(known) => known.msgs += row.msgs,
                        None => list.push(row),
                    }
                }
                shown.len() < SUBSCRIPTIONS_MAX
            },
        )
    }
}
