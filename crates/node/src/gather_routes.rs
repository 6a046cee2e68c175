//! Routes, gathered from the shard that speaks to other servers.

use std::collections::HashMap;

use broker::Broker;
use fabric::ShardId;
use monitor::{RouteRow, Subs};

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
