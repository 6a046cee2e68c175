//! `remotes` of `leafnodes`: the hubs to dial.

use std::path::PathBuf;

use nats_auth::GLOBAL_ACCOUNT;
use nats_conf::{Data, Entry, Map, Value};
use nats_proto::quote;
use nkeys::{KeyPair, KeyPairType};

use crate::config::permissions::plain_filters;
use crate::config::report::Report;
use crate::config::row::Effect::{Any, NotYet, Switch, Text};
use crate::config::row::Idle::{EmptyBlock, Never, Off, Uncompressed};
use crate::config::row::{Row, Set, UNKNOWN_FIELD, read_block, row};
use crate::config::time::some_time;
use crate::config::tls::read_tls_block;
use crate::config::urls::urls;
use crate::draft::RemoteDraft;
use crate::leaf_nodes::LeafRemote;
use crate::peer_url::PeerUrl;
use crate::reading::{given, put};

const BOTH: &str = "Remote leafnode can not have both creds and nkey defined";

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<RemoteDraft>] = &[
    row(&["no_randomize", "dont_randomize"], Switch(|block, on| block.remote.keeps_order = on)),
    row(&["url", "urls"], Any(url)),
    row(&["account", "local"], Text(|block, account| put(&mut block.remote.account, given(account)))),
    row(&["creds", "credentials"], Text(credentials)),
    row(&["nkey", "seed"], Text(seed)),
    row(&["tls"], Any(|block: &mut RemoteDraft, entry, report| block.remote.tls = read_tls_block(entry, report).map(|(tls, _)| tls))).until(Some((Never, "leaf nodes do not speak TLS"))),
    row(&["hub"], Switch(|block, on| block.remote.is_hub = on)),
    row(&["deny_imports", "deny_import"], Any(|block, entry, report| block.remote.deny_imports = plain_filters(&entry.value, report))),
    row(&["deny_exports", "deny_export"], Any(|block, entry, report| block.remote.deny_exports = plain_filters(&entry.value, report))),
    row(&["ws_compress", "ws_compression", "websocket_compress", "websocket_compression"], NotYet(Off, "no WebSocket is dialed")),
    row(&["ws_no_masking", "websocket_no_masking"], NotYet(Off, "no WebSocket is dialed")),
    row(&["jetstream_cluster_migrate", "js_cluster_migrate"], NotYet(Off, "streams have no other server to go to")),
    row(&["isolate_leafnode_interest", "isolate"], Switch(|block, on| block.remote.isolates = on)),
    row(&["request_isolation"], Switch(|block, on| block.remote.asks_isolation = on)),
    row(&["compression"], Any(|block: &mut RemoteDraft, entry, report| block.compression.read(entry, report))).until(Some((Uncompressed, "leaf nodes are not compressed"))),
    row(&["first_info_timeout"], Any(|block, entry, report| block.remote.info_timeout = some_time(entry, "first_info_timeout", report).unwrap_or(block.remote.info_timeout))),
    row(&["dial_timeout"], Any(|block, entry, report| block.remote.dial_timeout = some_time(entry, "dial_timeout", report))),
    row(&["disabled"], Switch(|block, on| block.remote.is_disabled = on)),
    row(&["proxy"], NotYet(EmptyBlock, "no WebSocket is dialed")),
    row(&["ignore_discovered_servers"], Switch(|block, on| block.remote.ignores_discovered = on)),
];

pub(crate) fn read_remotes(value: &Value, report: &mut Report) -> Vec<RemoteDraft> {
    let Ok(elements) = value.as_array() else {
        let found = value.data.type_name();
        report.refuse(value, format!("Expected remotes field to be an array, got {found}"));
        return Vec::new();
    };
    let mut remotes: Vec<RemoteDraft> = Vec::new();
    for element in elements {
        let Ok(map) = element.as_map() else {
            let found = element.data.type_name();
            report.refuse(element, format!("Expected remote leafnode entry to be a map/struct, got {found}"));
            continue;
        };
        let mut draft = RemoteDraft::default();
        read_block(map, TABLE, UNKNOWN_FIELD, &mut draft, report);
        if remotes.iter().any(|known| is_same(&known.remote, &draft.remote)) {
            let reason = format!("duplicate remote {}", shown(&draft.remote));
            report.refuse(last_value(map).unwrap_or(element), reason);
            continue;
        }
        remotes.push(draft);
    }
    remotes
}

/// Where nats-server says the mistake is: at the last key.
fn last_value(map: &Map) -> Option<&Value> {
    map.iter().last().map(|entry| &entry.value)
}

fn is_same(one: &LeafRemote, other: &LeafRemote) -> bool {
    let account = |remote: &LeafRemote| remote.account.clone().unwrap_or_else(|| GLOBAL_ACCOUNT.to_owned());
    (&one.urls, account(one), &one.credentials, &one.seed)
        == (&other.urls, account(other), &other.credentials, &other.seed)
}

/// A hub as nats-server names it.
pub(crate) fn shown(remote: &LeafRemote) -> String {
    let urls: Vec<String> = remote.urls.iter().map(|url| quote(url.to_string())).collect();
    let account = quote(remote.account.as_deref().unwrap_or(GLOBAL_ACCOUNT));
    let credentials = remote
        .credentials
        .as_ref()
        .map(|file| format!(", credentials={}", quote(file.display().to_string())));
    let seed = || remote.seed.as_ref().map(|_| ", nkey=\"[REDACTED]\"".to_owned());
    let more = credentials.or_else(seed).unwrap_or_default();
    format!("urls=[{}], account={account}{more}", urls.join(" "))
}

fn url(block: &mut RemoteDraft, entry: &Entry, report: &mut Report) {
    match &entry.value.data {
        Data::Array(_) => {
            if let Some(urls) = urls(&entry.value, "leafnode", report) {
                block.remote.urls = urls;
            }
        }
        Data::String(text) => match PeerUrl::read("leafnode", text) {
            Ok(url) => block.remote.urls.push(url),
            Err(reason) => report.refuse(&entry.value, reason),
        },
        other => {
            let found = other.type_name();
            let reason = format!("Expected remote leafnode url to be an array or string, got {found}");
            report.refuse(&entry.value, reason);
        }
    }
}

fn credentials(block: &mut RemoteDraft, file: &str) -> Set {
    if block.remote.seed.is_some() {
        return Err(BOTH.to_owned());
    }
    put(&mut block.remote.credentials, Some(PathBuf::from(file)).filter(|_| !file.is_empty()))
}

fn seed(block: &mut RemoteDraft, seed: &str) -> Set {
    let is_user = KeyPair::from_seed(seed).is_ok_and(|pair| pair.key_pair_type() == KeyPairType::User);
    if !is_user {
        return Err("Remote leafnode nkey is not a valid seed".to_owned());
    }
    if block.remote.credentials.is_some() {
        return Err(BOTH.to_owned());
    }
    put(&mut block.remote.seed, Some(seed.into()))
}
