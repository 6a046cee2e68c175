//! `leafnodes`: the listener for leaf nodes; the hubs to dial are in `leaf_remotes`.

use std::time::Duration;

use nats_auth::{LeafAuthorization, LeafUser, Secret};
use nats_conf::{Entry, Value};
use nkeys::KeyPairType;

use crate::config::host_port::host_port;
use crate::config::leaf_remotes::read_remotes;
use crate::config::report::Report;
use crate::config::row::Effect::{Any, Integer, NotYet, Switch, Text};
use crate::config::row::Idle::{EmptyText, Never, Off, Uncompressed};
use crate::config::row::{Row, UNKNOWN_FIELD, read_block, read_users_block, row};
use crate::config::time::{seconds_or_text, some_time, warn_if_high};
use crate::config::tls::read_tls_block;
use crate::config::users::is_public_key;
use crate::draft::{Draft, LeafDraft};
use crate::reading::{given, put, write_timeout};

/// What is missing for what a leaf node is late with to be another thing than what others are.
const OWN_DEADLINE: &str = "leaf nodes have the deadline of all connections";

/// The oldest version that may be asked for at least.
const OLDEST: [u32; 3] = [2, 8, 0];

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<LeafDraft>] = &[
    row(&["listen"], Any(listen)),
    row(&["port"], Integer(|block, port| put(&mut block.port, port))),
    row(&["host", "net"], Text(|block, host| put(&mut block.host, host.to_owned()))),
    row(&["authorization"], Any(authorization)),
    row(&["remotes"], Any(|block, entry, report| block.remotes = read_remotes(&entry.value, report))),
    row(&["reconnect", "reconnect_delay", "reconnect_interval"], Any(|block, entry, report| block.options.reconnect = some_time(entry, "reconnect", report).unwrap_or(block.options.reconnect))),
    row(&["dial_timeout"], Any(|block, entry, report| block.options.dial_timeout = some_time(entry, "dial_timeout", report).unwrap_or(block.options.dial_timeout))),
    row(&["tls"], Any(|block: &mut LeafDraft, entry, report| block.listener.tls = read_tls_block(entry, report).map(|(tls, _)| tls))).until(Some((Never, "leaf nodes do not speak TLS"))),
    row(&["leafnode_advertise", "advertise"], Text(|block, address| put(&mut block.advertise, given(address)))),
    row(&["no_advertise"], Switch(|block, on| block.listener.no_advertise = on)),
    row(&["min_version", "minimum_version"], Text(|block, version| put(&mut block.listener.min_version, Some(min_version(version)?)))),
    row(&["compression"], Any(|block: &mut LeafDraft, entry, report| block.compression.read(entry, report))).until(Some((Uncompressed, "leaf nodes are not compressed"))),
    row(&["isolate_leafnode_interest", "isolate"], Switch(|block, on| block.listener.isolates = on)),
    row(&["write_deadline"], Any(|block: &mut LeafDraft, entry, report| block.listener.write_deadline = some_time(entry, "write_deadline", report))).until(Some((Never, OWN_DEADLINE))),
    row(&["write_timeout"], Text(|block: &mut LeafDraft, policy| put(&mut block.listener.write_timeout, write_timeout(policy)?))).until(Some((EmptyText, OWN_DEADLINE))),
];

/// What `authorization` has here.
#[derive(Default)]
pub(crate) struct Block {
    user: String,
    password: Secret,
    nkey: Option<String>,
    account: Option<String>,
    timeout: Option<Duration>,
    timeout_failed: bool,
    users: Vec<LeafUser>,
}

#[rustfmt::skip]
pub(crate) static AUTHORIZATION: &[Row<Block>] = &[
    row(&["user", "username"], Text(|block, user| put(&mut block.user, user.to_owned()))),
    row(&["pass", "password"], Text(|block, password| put(&mut block.password, password.into()))),
    row(&["nkey"], Text(nkey)),
    row(&["timeout"], Any(timeout)),
    row(&["users"], Any(|block, entry, report| block.users = users(&entry.value, report))),
    row(&["account"], Text(|block, account| put(&mut block.account, given(account)))),
    row(&["proxy_required"], NotYet(Off, "no proxy is trusted")),
];

#[rustfmt::skip]
static USERS: &[Row<LeafUser>] = &[
    row(&["user", "username"], Text(|user, name| put(&mut user.user, name.to_owned()))),
    row(&["pass", "password"], Text(|user, password| put(&mut user.password, password.into()))),
    row(&["account"], Text(|user, account| put(&mut user.account, given(account)))),
    row(&["proxy_required"], NotYet(Off, "no proxy is trusted")),
];

pub(crate) fn read_leaf_nodes(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Ok(map) = entry.value.as_map() else {
        let found = entry.value.data.type_name();
        return report.refuse(&entry.value, format!("Expected map to define a leafnode, got {found}"));
    };
    read_block(map, TABLE, UNKNOWN_FIELD, &mut draft.leaf_nodes, report);
}

fn listen(block: &mut LeafDraft, entry: &Entry, report: &mut Report) {
    match host_port(&entry.value) {
        Ok((host, port)) => (block.host, block.port) = (host, port),
        Err(reason) => report.refuse(&entry.value, reason),
    }
}

fn min_version(text: &str) -> Result<[u32; 3], String> {
    let parts: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    let version: Option<[u32; 3]> = parts.and_then(|parts| parts.try_into().ok());
    match version {
        None => Err("invalid leafnode's minimum version: invalid semver".to_owned()),
        Some(version) if version < OLDEST => Err("the minimum version should be at least 2.8.0".to_owned()),
        Some(version) => Ok(version),
    }
}

fn authorization(draft: &mut LeafDraft, entry: &Entry, report: &mut Report) {
    let Some(map) = report.ok(entry.value.as_map()) else { return };
    let mut block = Block::default();
    if !read_users_block(map, AUTHORIZATION, &mut block, report) || block.timeout_failed {
        return;
    }
    draft.auth_timeout = block.timeout;
    let authorization = LeafAuthorization {
        user: Some((block.user, block.password)).filter(|(user, _)| !user.is_empty()),
        nkey: block.nkey,
        account: block.account,
        users: block.users,
    };
    if let Some(reason) = conflict(&authorization) {
        report.refuse(&entry.value, reason);
    }
    draft.listener.authorization = authorization;
}

/// What does not go together, in nats-server's words.
fn conflict(authorization: &LeafAuthorization) -> Option<String> {
    let users = &authorization.users;
    if users.is_empty() {
        None
    } else if authorization.user.is_some() {
        Some("can not have a single user/pass and a users array".to_owned())
    } else if authorization.nkey.is_some() {
        Some("can not have a single nkey and a users array".to_owned())
    } else {
        let is_twice = |(at, user): &(usize, &LeafUser)| users[..*at].iter().any(|one| one.user == user.user);
        let (_, twice) = users.iter().enumerate().find(is_twice)?;
        Some(format!("duplicate user {} detected in leafnode authorization", nats_proto::quote(&twice.user)))
    }
}

fn nkey(block: &mut Block, key: &str) -> Result<(), String> {
    if !is_public_key(key, KeyPairType::User) {
        return Err("Not a valid public nkey for leafnode authorization".to_owned());
    }
    put(&mut block.nkey, given(key))
}

fn timeout(block: &mut Block, entry: &Entry, report: &mut Report) {
    let length = seconds_or_text(entry, "leafnode authorization", report);
    if let Some(length) = length {
        warn_if_high(entry, length, report);
    }
    block.timeout_failed = length.is_none();
    block.timeout = length.filter(|length| !length.is_zero());
}

fn users(value: &Value, report: &mut Report) -> Vec<LeafUser> {
    let Ok(elements) = value.as_array() else {
        let found = value.data.type_name();
        report.refuse(value, format!("Expected users field to be an array, got {found}"));
        return Vec::new();
    };
    let mut users = Vec::new();
    for element in elements {
        let Ok(map) = element.as_map() else {
            let found = element.data.type_name();
            report.refuse(element, format!("Expected user entry to be a map/struct, got {found}"));
            continue;
        };
        let mut user = LeafUser::default();
        read_block(map, USERS, UNKNOWN_FIELD, &mut user, report);
        users.push(user);
    }
    users
}
