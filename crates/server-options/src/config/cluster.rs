//! `cluster`: the listener for routes, and what is dialed.

use nats_auth::{Permissions, SubjectPermission};
use nats_conf::{Entry, Value};
use nats_proto::{GoDuration, quote};

use crate::cluster::{ROUTE_PING_INTERVAL_MAX, RoutePermissions};
use crate::config::authorization::read_authorization_block;
use crate::config::host_port::host_port;
use crate::config::permissions::read_permissions;
use crate::config::report::Report;
use crate::config::row::Effect::{Any, Integer, Switch, Text};
use crate::config::row::Idle::{EmptyList, NotPositive, Uncompressed};
use crate::config::row::{Row, Set, UNKNOWN_FIELD, read_block, row, texts};
use crate::config::time::some_time;
use crate::config::tls::read_tls_block;
use crate::config::urls::urls;
use crate::draft::{ClusterDraft, Draft};
use crate::error::OptionsError;
use crate::reading::{given, limit, put, write_timeout};

/// The most connections between two servers. Each has its own accounts; beyond that there is nothing left to spread.
const POOL_SIZE_MAX: i64 = 1024;

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<ClusterDraft>] = &[
    row(&["name"], Text(name)),
    row(&["listen"], Any(listen)),
    row(&["port"], Integer(|block, port| put(&mut block.port, port))),
    row(&["host", "net"], Text(|block, host| put(&mut block.host, host.to_owned()))),
    row(&["authorization"], Any(authorization)),
    row(&["routes"], Any(routes)),
    row(&["tls"], Any(tls)),
    row(&["cluster_advertise", "advertise"], Text(|block, address| put(&mut block.advertise, given(address)))),
    row(&["no_advertise"], Switch(|block, on| block.options.no_advertise = on)),
    row(&["connect_retries"], Integer(|block, number| put(&mut block.options.connect_retries, number))),
    row(&["connect_backoff"], Switch(|block, on| block.options.connect_backoff = on)),
    row(&["permissions"], Any(permissions)),
    row(&["pool_size"], Integer(|block: &mut ClusterDraft, number| put(&mut block.pool_size, pool_size(number)?))).until(Some((NotPositive, "there is one connection between two servers"))),
    row(&["accounts"], Any(accounts)).until(Some((EmptyList, "no account has a route for itself"))),
    row(&["compression"], Any(|block: &mut ClusterDraft, entry, report| block.compression.read(entry, report))).until(Some((Uncompressed, "routes are not compressed"))),
    row(&["ping_interval"], Any(ping_interval)),
    row(&["ping_max"], Integer(|block, number| put(&mut block.options.ping_max, limit(number)))),
    row(&["write_deadline"], Any(write_deadline)),
    row(&["write_timeout"], Text(|block, policy| put(&mut block.options.write_timeout, write_timeout(policy)?))),
];

pub(crate) fn read_cluster(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Ok(map) = entry.value.as_map() else {
        let found = entry.value.data.type_name();
        return report.refuse(&entry.value, format!("Expected map to define cluster, got {found}"));
    };
    read_block(map, TABLE, UNKNOWN_FIELD, &mut draft.cluster, report);
}

/// Unlike the flag it is looked at at once.
fn name(block: &mut ClusterDraft, name: &str) -> Set {
    if name.contains(' ') {
        return Err(OptionsError::ClusterNameHasSpaces.to_string());
    }
    put(&mut block.name, given(name))
}

fn listen(block: &mut ClusterDraft, entry: &Entry, report: &mut Report) {
    match host_port(&entry.value) {
        Ok((host, port)) => (block.host, block.port) = (host, port),
        Err(reason) => report.refuse(&entry.value, reason),
    }
}

/// One user for all servers.
fn authorization(block: &mut ClusterDraft, entry: &Entry, report: &mut Report) {
    let Some((auth, true)) = read_authorization_block(entry, report) else { return };
    if auth.users.is_some() {
        return report.refuse(&entry.value, "Cluster authorization does not allow multiple users");
    }
    if !auth.token.is_empty() {
        return report.refuse(&entry.value, "Cluster authorization does not support tokens");
    }
    (block.user, block.password, block.auth_timeout) = (auth.user, auth.password, auth.timeout);
    if let Some(permissions) = auth.default_permissions {
        report.warn(entry, r#"setting "permissions" within cluster authorization block is deprecated"#);
        let permissions = of_routes(&entry.value, permissions, report);
        block.options.permissions = block.options.permissions.take().or(permissions);
    }
}

fn routes(block: &mut ClusterDraft, entry: &Entry, report: &mut Report) {
    if let Some(routes) = urls(&entry.value, "route", report) {
        block.options.routes = routes;
    }
}

/// Who dials is who its password says.
fn tls(block: &mut ClusterDraft, entry: &Entry, report: &mut Report) {
    let read = read_tls_block(entry, report);
    if read.as_ref().is_some_and(|(_, maps)| *maps) {
        report.refuse(
            &entry.value,
            "verify_and_map is not supported yet: certificates of routes name no users",
        );
    }
    block.options.tls = read.map(|(tls, _)| tls);
}

fn permissions(block: &mut ClusterDraft, entry: &Entry, report: &mut Report) {
    let Some(permissions) = read_permissions(&entry.value, report) else { return };
    if permissions.responses.is_some() {
        return report.refuse(&entry.value, "Cluster permissions do not support dynamic responses");
    }
    block.options.permissions = of_routes(&entry.value, permissions, report);
}

/// `import` stands for `publish` and `export` for `subscribe`, here without queues.
fn of_routes(value: &Value, permissions: Permissions, report: &mut Report) -> Option<RoutePermissions> {
    let export = permissions.subscribe;
    if let Some((list, filter)) = export.as_ref().and_then(with_queue) {
        let reason = format!("cluster export {list}: subject {} is not a valid subject", quote(filter));
        report.refuse(value, reason);
        return None;
    }
    Some(RoutePermissions { import: permissions.publish, export })
}

fn with_queue(lists: &SubjectPermission) -> Option<(&'static str, &String)> {
    let find = |list: &'_ Vec<String>| list.iter().position(|filter| filter.contains(char::is_whitespace));
    let allowed = find(&lists.allow).map(|at| ("allow", &lists.allow[at]));
    allowed.or_else(|| find(&lists.deny).map(|at| ("deny", &lists.deny[at])))
}

fn pool_size(number: i64) -> Result<i64, String> {
    if number > POOL_SIZE_MAX { Err("value is too big".to_owned()) } else { Ok(number) }
}

fn accounts(block: &mut ClusterDraft, entry: &Entry, report: &mut Report) {
    let accounts = texts(&entry.value, "error parsing accounts", "in array ", report);
    block.options.accounts = accounts.unwrap_or_default();
}

fn ping_interval(block: &mut ClusterDraft, entry: &Entry, report: &mut Report) {
    block.options.ping_interval = some_time(entry, "ping_interval", report);
    if block.options.ping_interval > Some(ROUTE_PING_INTERVAL_MAX) {
        let (position, max) = (&entry.value.position, GoDuration::of(ROUTE_PING_INTERVAL_MAX));
        let reason = format!("Cluster 'ping_interval' will reset to {max} which is the max for routes");
        report.warnings.push(format!("{position}: {reason}"));
    }
}

fn write_deadline(block: &mut ClusterDraft, entry: &Entry, report: &mut Report) {
    block.options.write_deadline = some_time(entry, "write_deadline", report);
}
