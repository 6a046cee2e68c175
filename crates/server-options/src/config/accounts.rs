//! `accounts`: subject spaces of their own, with their users.

use std::collections::BTreeSet;

use js_proto::JetStreamLimits;
use nats_auth::{AccountConfig, AccountLimits, sharing_faults};
use nats_conf::{Data, Entry, Map, Value};
use nats_proto::quote;
use nkeys::KeyPairType;

use crate::config::exports::read_exports;
use crate::config::imports::read_imports;
use crate::config::jetstream;
use crate::config::mappings::read_mappings;
use crate::config::msg_trace::read_msg_trace;
use crate::config::permissions::read_permissions;
use crate::config::report::Report;
use crate::config::row::Effect::{Any, Integer};
use crate::config::row::{Row, UNKNOWN_FIELD, Unknown, read_block, row};
use crate::config::users::{is_public_key, read_users};
use crate::draft::Draft;

/// The account of those who are in no other.
const GLOBAL_ACCOUNT: &str = "$G";

#[derive(Default)]
pub(crate) struct Block {
    account: AccountConfig,
    /// Where `users` stands.
    users: Option<Value>,
    /// What it may have of streams, if any.
    jetstream: Option<JetStreamLimits>,
}

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<Block>] = &[
    row(&["nkey"], Any(nkey)),
    row(&["users"], Any(users)),
    row(&["default_permissions"], Any(|block, entry, report| block.account.default_permissions = read_permissions(&entry.value, report))),
    row(&["mappings", "maps"], Any(|block, entry, report| block.account.mappings = read_mappings(entry, report))),
    row(&["limits"], Any(limits)),
    row(&["jetstream"], Any(|block, entry, report| block.jetstream = jetstream::of_account(entry, report))),
    row(&["imports"], Any(|block, entry, report| block.account.imports = read_imports(entry, report))),
    row(&["exports"], Any(|block, entry, report| block.account.exports = read_exports(entry, report))),
    row(&["msg_trace", "trace_dest"], Any(|block, entry, report| read_msg_trace(entry, &mut block.account.msg_trace, report))),
];

const UNKNOWN_LIMIT: Unknown = |key| Some(format!("Unknown field {} parsing account limits", quote(key)));

#[rustfmt::skip]
static LIMITS: &[Row<AccountLimits>] = &[
    row(&["max_connections", "max_conn"], Integer(|limits, max| { limits.connections = limit(max); Ok(()) })),
    row(&["max_subscriptions", "max_subs"], Integer(|limits, max| { limits.subscriptions = limit(max); Ok(()) })),
    row(&["max_payload", "max_pay"], Integer(|limits, max| { limits.payload_bytes = limit(max); Ok(()) })),
    row(&["max_leafnodes", "max_leafs"], Integer(|limits, max| { limits.leafnodes = limit(max); Ok(()) })),
];

/// Less than 0 is no limit.
fn limit(max: i64) -> Option<usize> {
    usize::try_from(max).ok()
}

pub(crate) fn read_accounts(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    match &entry.value.data {
        Data::Array(names) => read_names(draft, names, report),
        Data::Map(map) => {
            read_blocks(draft, map, report);
            check_sharing(draft, &entry.value, report);
        }
        _ => report.error(entry.value.wrong_type(Data::MAP)),
    }
}

fn read_names(draft: &mut Draft, names: &[Value], report: &mut Report) {
    let mut seen = BTreeSet::new();
    for value in names {
        // As in nats-server the list is read no further.
        let Some(name) = report.ok(value.as_str()) else { return };
        if is_reserved(name, value, report) {
            continue;
        }
        if !seen.insert(name) {
            report.refuse(value, format!("Duplicate Account Entry: {name}"));
            continue;
        }
        let account = AccountConfig { name: name.to_owned(), ..AccountConfig::default() };
        draft.options.auth.accounts.push(account);
    }
}

fn read_blocks(draft: &mut Draft, map: &Map, report: &mut Report) {
    for entry in map {
        // Variables may stand among the accounts.
        if entry.used_as_variable {
            continue;
        }
        let Ok(map) = entry.value.as_map() else {
            report.refuse(&entry.value, "Expected map entries for accounts");
            continue;
        };
        if is_reserved(&entry.key, &entry.value, report) {
            continue;
        }
        let mut block = Block::default();
        block.account.name.clone_from(&entry.key);
        read_block(map, TABLE, UNKNOWN_FIELD, &mut block, report);
        if let Some(users) = &block.users {
            draft.credentials.enter_account(&block.account.users, users, report);
        }
        if let Some(limits) = block.jetstream {
            draft.options.jetstream.accounts.insert(block.account.name.clone(), limits);
        }
        draft.options.auth.accounts.push(block.account);
    }
}

/// What accounts share is looked at once all of them are there, and nothing else is wrong.
fn check_sharing(draft: &Draft, accounts: &Value, report: &mut Report) {
    if report.errors.is_empty() {
        let faults = sharing_faults(&draft.options.auth.accounts);
        faults.into_iter().for_each(|fault| report.refuse(accounts, fault));
    }
}

fn is_reserved(name: &str, value: &Value, report: &mut Report) -> bool {
    if name == GLOBAL_ACCOUNT {
        report.refuse(value, format!("{} is a Reserved Account", quote(name)));
    }
    name == GLOBAL_ACCOUNT
}

/// An account's public key changes nothing here, as with nats-server; but it has to be one.
fn nkey(_: &mut Block, entry: &Entry, report: &mut Report) {
    if !entry.value.as_str().is_ok_and(|key| is_public_key(key, KeyPairType::Account)) {
        let shown = entry.value.as_str().unwrap_or(entry.value.data.type_name());
        report.refuse(&entry.value, format!("Not a valid public nkey for an account: {}", quote(shown)));
    }
}

fn users(block: &mut Block, entry: &Entry, report: &mut Report) {
    block.account.users = read_users(&entry.value, report).unwrap_or_default();
    block.users = Some(entry.value.clone());
}

fn limits(block: &mut Block, entry: &Entry, report: &mut Report) {
    let Ok(map) = entry.value.as_map() else {
        let found = entry.value.data.type_name();
        let reason = format!("Expected account limits to be a map/struct, got {found}");
        return report.refuse(&entry.value, reason);
    };
    read_block(map, LIMITS, UNKNOWN_LIMIT, &mut block.account.limits, report);
}
