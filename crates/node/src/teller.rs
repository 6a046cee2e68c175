//! What there is to tell of connections, subscriptions and accounts, whoever asks.

use std::sync::Arc;

use monitor::{
    AccountDetail, AccountRow, Accounts, AccstatzQuery, Connz, ConnzQuery, Facts, LeafzQuery, Moment, Routez,
    RoutezQuery, ShownSharing, Subsz, SubszQuery, accountz, accountz_of, accstatz, leafz, no_such_account,
};
use shard_runtime::wall_clock;
use system::SubscribersQuery;

use crate::audience::Audience;
use crate::board::Board;
use crate::gather::{Gatherer, lookups};
use crate::shown_sharing::shown_sharing;

/// Who finds it out. `None` from any of its methods says that the shards stop.
#[derive(Clone)]
pub(crate) struct Teller {
    pub(crate) gatherer: Gatherer,
    pub(crate) board: Arc<Board>,
}

impl Teller {
    /// The connections that are asked for.
    pub(crate) fn connz<A: Audience>(&self, query: &ConnzQuery, to: A) -> Option<A::Told> {
        let clock = self.gatherer.clock()?;
        let facts = self.board.facts();
        let open = match &query.account {
            None => self.gatherer.sum()?.connections,
            Some(name) => match self.find_account(&facts, name)? {
                Some(account) => account.connections,
                None => return Some(to.tell(&Connz::no_such_account(clock, query))),
            },
        };
        let found = self.gatherer.connections(query, clock, open as usize)?;
        let (server_id, total) = (&*facts.server.server_id, found.total);
        let connz = Connz { server_id, clock, total, shown: found.shown, subscriptions: found.subscriptions };
        Some(to.tell(&connz.text(query)))
    }

    /// The subscriptions that are asked for.
    pub(crate) fn subsz<A: Audience>(&self, query: &SubszQuery, to: A) -> Option<A::Told> {
        let (subscriptions, lookups) = match &query.account {
            Some(name) => lookups(self.gatherer.account(name)?.iter()),
            None => lookups(self.gatherer.accounts()?.iter()),
        };
        let (total, shown) =
            if query.subs { self.gatherer.subscription_list(query)? } else { (0, Vec::new()) };
        let facts = self.board.facts();
        let (server_id, clock) = (&*facts.server.server_id, self.gatherer.clock()?);
        let subsz = Subsz { server_id, clock, subscriptions, lookups, total, shown };
        Some(to.tell(&subsz.text(query)))
    }

    /// Connections to other servers.
    pub(crate) fn routez<A: Audience>(&self, query: &RoutezQuery, to: A) -> Option<A::Told> {
        let (facts, clock) = (self.board.facts(), self.gatherer.clock()?);
        let (server_id, server_name) = (&*facts.server.server_id, &*facts.server.server_name);
        let routes = self.gatherer.routes(query.subs)?;
        let (import, export) = self.board.route_permissions();
        let routez = Routez { server_id, server_name, clock, import, export, routes };
        Some(to.tell(&routez.text(query)))
    }

    /// Leaf nodes and hubs.
    pub(crate) fn leafz<A: Audience>(&self, query: &LeafzQuery, to: A) -> Option<A::Told> {
        let (facts, leafs) = (self.board.facts(), self.gatherer.leafs(query)?);
        Some(to.tell(&leafz(&facts.server.server_id, wall_clock(), &leafs)))
    }

    /// The accounts, or all about one.
    pub(crate) fn accountz<A: Audience>(&self, name: Option<&str>, to: A) -> Option<A::Told> {
        let facts = self.board.facts();
        let (id, now, system) = (&facts.server.server_id, wall_clock(), &facts.config.system_account);
        match name {
            None => Some(to.tell(&accountz(id, now, system, &self.accounts(&facts)?))),
            Some(name) => self
                .with_account(&facts, name, to, |detail, to| to.tell(&accountz_of(id, now, system, detail))),
        }
    }

    /// All about an account, and nothing else.
    pub(crate) fn account_info<A: Audience>(&self, name: &str, to: A) -> Option<A::Told> {
        self.with_account(&self.board.facts(), name, to, |detail, to| to.tell(detail))
    }

    fn with_account<A: Audience>(
        &self,
        facts: &Facts,
        name: &str,
        to: A,
        tell: impl FnOnce(&AccountDetail<'_>, A) -> A::Told,
    ) -> Option<A::Told> {
        let Some(account) = self.find_account(facts, name)? else {
            return Some(to.refuse(no_such_account(name)));
        };
        let has_jetstream = match self.gatherer.streams() {
            Some(streams) => streams.has(name)?,
            None => false,
        };
        let (loaded, mappings) = (facts.config.config_load_time, facts.mappings.get(name));
        let directory = self.gatherer.directory()?;
        let responses = self.gatherer.responses(name)?;
        let sharing = ShownSharing { responses, ..shown_sharing(&directory, name) };
        let system = &facts.config.system_account;
        Some(tell(&account.detail(system, loaded, has_jetstream, mappings, &sharing), to))
    }

    /// What accounts do. Nothing is told where `may_be_silent` and there is nothing to show.
    pub(crate) fn accstatz<A: Audience>(
        &self,
        query: &AccstatzQuery,
        may_be_silent: bool,
        to: A,
    ) -> Option<A::Told> {
        let facts = self.board.facts();
        let accounts = self.accounts(&facts)?;
        let shown = query.select(&accounts);
        if shown.is_empty() && may_be_silent && !query.unused {
            return None;
        }
        Some(to.tell(&accstatz(&facts.server.server_id, wall_clock(), &shown)))
    }

    /// What an account does; `None` also if there is none of that name.
    pub(crate) fn account(&self, name: &str) -> Option<AccountRow> {
        self.gatherer.account(name)?
    }

    /// The same of one that has clients.
    pub(crate) fn account_in_use(&self, name: &str) -> Option<AccountRow> {
        self.account(name).filter(|account| account.connections > 0)
    }

    /// How many subscriptions there are; `None` where nothing is said.
    pub(crate) fn subscribers(&self, query: &SubscribersQuery) -> Option<usize> {
        let account = self.account(&query.account)?;
        if query.needs_clients && account.connections == 0 {
            return None;
        }
        self.gatherer.count_subscriptions(query)
    }

    /// The account of that name, also before a shard knows of it, if there is one.
    fn find_account(&self, facts: &Facts, name: &str) -> Option<Option<AccountRow>> {
        let is_system = !name.is_empty() && *name == *facts.config.system_account;
        let unknown = || is_system.then(|| AccountRow { name: name.into(), ..AccountRow::default() });
        Some(self.gatherer.account(name)?.or_else(unknown))
    }

    /// All accounts, also before a shard knows of any.
    fn accounts(&self, facts: &Facts) -> Option<Accounts> {
        let mut accounts = self.gatherer.accounts()?;
        if !facts.config.system_account.is_empty() {
            accounts.know(&facts.config.system_account);
        }
        Some(accounts)
    }

    /// What time it is on the wall, and which server this is.
    pub(crate) fn place(&self) -> (Moment, String) {
        (wall_clock(), self.board.facts().server.server_id)
    }
}
