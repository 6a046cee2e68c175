//! `/accountz` and `/accstatz`: accounts, and what they do.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::moment::Moment;
use crate::shown_sharing::{ShownExport, ShownImport, ShownResponse, ShownSharing};
use crate::snapshot::{AccountRow, Tally};
use crate::subsz::LookupsText;

/// Where messages to a subject go instead, in the order of the weights.
pub type ShownMappings = BTreeMap<String, Vec<MappedTo>>;

/// One of the places that messages to a subject go to instead.
#[derive(Debug, Clone, Serialize)]
pub struct MappedTo {
    /// As it was written in the configuration.
    pub subject: String,
    /// The percentage up to which it is chosen, from that of the one before it: nats-server shows it so.
    pub weight: u32,
}

/// All accounts, each put together from what the shards say of it.
#[derive(Debug, Default)]
pub struct Accounts {
    rows: BTreeMap<Box<str>, AccountRow>,
}

impl Accounts {
    /// What one shard says of an account.
    pub fn add(&mut self, row: AccountRow) {
        let Some(all) = self.rows.get_mut(&row.name) else {
            self.rows.insert(row.name.clone(), row);
            return;
        };
        all.connections += row.connections;
        all.connections_total += row.connections_total;
        all.subscriptions += row.subscriptions;
        all.input.add(row.input);
        all.output.add(row.output);
        all.slow_consumers += row.slow_consumers;
        all.lookups.add(row.lookups);
    }

    /// An account exists, whether or not any shard knows of it.
    pub fn know(&mut self, name: &str) {
        self.rows
            .entry(name.into())
            .or_insert_with(|| AccountRow { name: name.into(), ..AccountRow::default() });
    }

    /// The account of that name.
    pub fn find(&self, name: &str) -> Option<&AccountRow> {
        self.rows.get(name)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &AccountRow> {
        self.rows.values()
    }
}

/// Which accounts to tell what they do of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccstatzQuery {
    /// These, as often as they are named; all if there are none.
    pub accounts: Vec<String>,
    /// Those without connections too.
    pub unused: bool,
}

impl AccstatzQuery {
    /// Those that are asked for.
    pub fn select<'a>(&self, accounts: &'a Accounts) -> Vec<&'a AccountRow> {
        let is_shown = |account: &&AccountRow| self.unused || account.connections > 0;
        if self.accounts.is_empty() {
            return accounts.iter().filter(is_shown).collect();
        }
        self.accounts.iter().filter_map(|name| accounts.find(name)).filter(is_shown).collect()
    }
}

/// `/accountz`: the names of all accounts.
pub fn accountz<'a>(
    server_id: &'a str,
    now: Moment,
    system_account: &'a str,
    accounts: &'a Accounts,
) -> impl Serialize + use<'a> {
    let names = accounts.iter().map(|account| &*account.name).collect();
    AccountzText { server_id, now, system_account, accounts: Some(names), account_detail: None }
}

/// `/accountz?acc=`: all about one account.
pub fn accountz_of<'a>(
    server_id: &'a str,
    now: Moment,
    system_account: &'a str,
    detail: &'a AccountDetail<'a>,
) -> impl Serialize + use<'a> {
    AccountzText { server_id, now, system_account, accounts: None, account_detail: Some(detail) }
}

impl AccountRow {
    /// All about this account. It is as it was `updated`, and may have streams or not. What it maps and shares is as it is
    /// configured.
    pub fn detail<'a>(
        &'a self,
        system_account: &str,
        updated: Moment,
        jetstream_enabled: bool,
        mappings: Option<&'a ShownMappings>,
        sharing: &'a ShownSharing,
    ) -> AccountDetail<'a> {
        AccountDetail {
            account_name: &self.name,
            update_time: updated,
            is_system: *self.name == *system_account,
            expired: false,
            complete: true,
            jetstream_enabled,
            leafnode_connections: 0,
            client_connections: self.connections,
            subscriptions: self.subscriptions,
            mappings,
            exports: &sharing.exports,
            imports: &sharing.imports,
            name_tag: &self.name,
            sublist_stats: LookupsText::of(self.subscriptions, self.lookups),
            responses: &sharing.responses,
        }
    }

    /// What it does.
    pub fn stat(&self) -> AccountStat<'_> {
        AccountStat::of(self)
    }
}

/// What is said of an account that does not exist.
pub fn no_such_account(name: impl AsRef<[u8]>) -> Vec<u8> {
    [b"Account ", name.as_ref(), b" does not exist"].concat()
}

/// `/accstatz`: what accounts do.
pub fn accstatz<'a>(
    server_id: &'a str,
    now: Moment,
    accounts: &[&'a AccountRow],
) -> impl Serialize + use<'a> {
    let account_statz = accounts.iter().map(|account| account.stat()).collect();
    AccstatzText { server_id, now, account_statz }
}

#[derive(Serialize)]
struct AccountzText<'a> {
    server_id: &'a str,
    now: Moment,
    #[serde(skip_serializing_if = "str::is_empty")]
    system_account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_detail: Option<&'a AccountDetail<'a>>,
}

/// An account, as nats-server tells of it.
#[derive(Debug, Serialize)]
pub struct AccountDetail<'a> {
    account_name: &'a str,
    update_time: Moment,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_system: bool,
    expired: bool,
    complete: bool,
    jetstream_enabled: bool,
    leafnode_connections: u64,
    client_connections: u64,
    subscriptions: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mappings: Option<&'a ShownMappings>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    exports: &'a [ShownExport],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    imports: &'a [ShownImport],
    name_tag: &'a str,
    sublist_stats: LookupsText,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    responses: &'a BTreeMap<String, ShownResponse>,
}

#[derive(Serialize)]
struct AccstatzText<'a> {
    server_id: &'a str,
    now: Moment,
    account_statz: Vec<AccountStat<'a>>,
}

/// What an account does, as nats-server tells it.
#[derive(Debug, Serialize)]
pub struct AccountStat<'a> {
    acc: &'a str,
    name: &'a str,
    conns: u64,
    leafnodes: u64,
    total_conns: u64,
    num_subscriptions: u64,
    sent: TrafficText,
    received: TrafficText,
    slow_consumers: u64,
}

impl<'a> AccountStat<'a> {
    fn of(account: &'a AccountRow) -> Self {
        Self {
            acc: &account.name,
            name: &account.name,
            conns: account.connections,
            leafnodes: 0,
            // nats-server means clients and leaf nodes that are there.
            total_conns: account.connections,
            num_subscriptions: account.subscriptions,
            sent: TrafficText::of(account.output),
            received: TrafficText::of(account.input),
            slow_consumers: account.slow_consumers,
        }
    }
}

#[derive(Debug, Serialize)]
struct TrafficText {
    msgs: u64,
    bytes: u64,
    gateways: TallyText,
    routes: TallyText,
    leafs: TallyText,
}

impl TrafficText {
    fn of(all: Tally) -> Self {
        let [gateways, routes, leafs] = Default::default();
        Self { msgs: all.msgs, bytes: all.bytes, gateways, routes, leafs }
    }
}

#[derive(Debug, Serialize, Default)]
struct TallyText {
    msgs: u64,
    bytes: u64,
}

#[cfg(test)]
mod tests {
    use nats_proto::go_json::pretty;

    use super::*;

    fn row(connections: u64, msgs: u64) -> AccountRow {
        let input = Tally { msgs, bytes: 2 * msgs };
        AccountRow { name: "A".into(), connections, subscriptions: 1, input, ..AccountRow::default() }
    }

    /// The order is nats-server 2.14.5's.
    #[test]
    fn what_shards_say_of_an_account_is_added_up() {
        let mut accounts = Accounts::default();
        accounts.add(row(2, 3));
        accounts.add(row(1, 4));
        accounts.know("$SYS");
        accounts.know("A");
        let told = |unused| {
            let query = AccstatzQuery { unused, ..AccstatzQuery::default() };
            pretty(&accstatz("ID", Moment(0), &query.select(&accounts)))
        };
        let body = told(false);
        let traffic = |msgs: u64, bytes: u64| {
            let part = |name: &str| format!("\"{name}\":{{\"msgs\":0,\"bytes\":0}}");
            let parts = [part("gateways"), part("routes"), part("leafs")].join(",");
            format!("{{\"msgs\":{msgs},\"bytes\":{bytes},{parts}}}")
        };
        let expected = format!(
            "{{\"server_id\":\"ID\",\"now\":\"1970-01-01T00:00:00Z\",\"account_statz\":[{{\"acc\":\"A\",\"name\":\"A\",\
             \"conns\":3,\"leafnodes\":0,\"total_conns\":3,\"num_subscriptions\":2,\"sent\":{},\"received\":{},\
             \"slow_consumers\":0}}]}}",
            traffic(0, 0),
            traffic(7, 14)
        );
        assert_eq!(body.split_whitespace().collect::<String>(), expected);
        assert!(told(true).contains("$SYS"));
    }

    #[test]
    fn an_account_is_told_in_full() {
        let told = |jetstream, mappings| {
            let row = row(2, 3);
            let sharing = ShownSharing::default();
            let detail = row.detail("$SYS", Moment(0), jetstream, mappings, &sharing);
            pretty(&accountz_of("ID", Moment(0), "$SYS", &detail))
        };
        let body = told(false, None);
        let keys: Vec<&str> =
            body.lines().filter_map(|line| line.trim_start().strip_prefix('"')?.split('"').next()).collect();
        let expected = "server_id now system_account account_detail account_name update_time expired complete \
            jetstream_enabled leafnode_connections client_connections subscriptions name_tag sublist_stats \
            num_subscriptions num_cache num_inserts num_removes num_matches cache_hit_rate max_fanout avg_fanout";
        assert_eq!(keys, expected.split_whitespace().collect::<Vec<_>>());
        let to = MappedTo { subject: "b.$1".into(), weight: 100 };
        let mappings = ShownMappings::from([("a.*".into(), vec![to])]);
        let body = told(true, Some(&mappings));
        let body: String = body.split_whitespace().collect();
        let expected =
            "\"subscriptions\":1,\"mappings\":{\"a.*\":[{\"subject\":\"b.$1\",\"weight\":100}]},\"name_tag\"";
        assert!(body.contains(expected) && body.contains("\"jetstream_enabled\":true"), "{body}");
        assert_eq!(no_such_account("NOPE"), b"Account NOPE does not exist");
    }
}
