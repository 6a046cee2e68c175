//! The keys of nats-server's top level, a row each, and ours.

use std::ffi::OsString;

use broker::WriteTimeout;
use nats_conf::{Data, Entry, Map, Value};

use crate::config::accounts::read_accounts;
use crate::config::authorization::read_authorization;
use crate::config::host_port::host_port;
use crate::config::mappings::read_mappings;
use crate::config::report::Report;
use crate::config::row::Effect::{Any, Integer, NotYet, Own, Switch, Text};
use crate::config::row::Idle::{EmptyBlock, EmptyList, EmptyText, Never, Off, Zero};
use crate::config::row::{Row, UNKNOWN_FIELD, not_yet, read_block, row, texts};
use crate::config::time::text_or_seconds;
use crate::config::tls::read_tls;
use crate::draft::Draft;

/// Largest number that nats-server takes for sizes that it keeps in 32 bits.
const INT32_MAX: i64 = i32::MAX as i64;

/// Fills a draft with what a configuration file says.
pub(crate) fn read(map: &Map, draft: &mut Draft, report: &mut Report) {
    read_block(map, TABLE, UNKNOWN_FIELD, draft, report);
    if let Some(error) = draft.credentials.conflict() {
        report.error(error);
    }
}

// What is missing for the keys that are refused.
const CLUSTER: &str = "there are no clusters";
const LEAFNODES: &str = "there are no leaf nodes";
const JETSTREAM: &str = "there is no JetStream";
const OPERATOR: &str = "there are no operators and no JWTs";
const OCSP: &str = "there is no OCSP";
const PROXY: &str = "there is no PROXY protocol and no proxy is trusted";
const PROFILE: &str = "there is no profile to ask for over HTTP";

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<Draft>] = &[
    row(&["listen"], Any(listen)),
    row(&["port"], Integer(|draft, port| draft.set_port(port).map_err(String::from))),
    row(&["host", "net"], Text(|draft, host| done(draft.set_host(host.into())))),
    row(&["client_advertise"], Text(|draft, address| done(draft.set_client_advertise(address.into())))),
    row(&["server_name"], Text(|draft, name| draft.set_server_name_in_file(name))),
    row(&["server_tags"], Any(server_tags)),
    row(&["server_metadata"], Any(server_metadata)),
    row(&["no_header_support"], Switch(|draft, on| draft.options.headers = !on)),

    row(&["debug"], Switch(Draft::set_debug)),
    row(&["trace"], Switch(Draft::set_trace)),
    row(&["logtime"], Switch(Draft::set_log_time)),
    row(&["logfile", "log_file"], Text(|draft, file| done(draft.set_log_file(file.into())))),
    row(&["trace_verbose"], Switch(Draft::set_trace)),
    row(&["trace_headers"], Switch(Draft::set_trace_headers)),
    row(&["logtime_utc"], Switch(Draft::set_log_utc)),
    row(&["logfile_size_limit", "log_size_limit"], Integer(|draft, bytes| done(draft.set_log_size_limit(bytes)))),
    row(&["logfile_max_num", "log_max_num"], Integer(|draft, number| done(draft.set_log_max_num(number)))),
    row(&["syslog"], Switch(Draft::set_syslog)),
    row(&["remote_syslog"], Text(|draft, address| done(draft.set_remote_syslog(address.into())))),
    row(&["max_traced_msg_len"], Integer(|draft, bytes| done(draft.set_max_traced_msg_len(bytes)))),

    row(&["pidfile", "pid_file"], Text(|draft, file| done(draft.set_pid_file(file.into())))),
    row(&["ports_file_dir"], Text(|draft, dir| done(draft.set_ports_file_dir(dir.into())))),

    row(&["max_connections", "max_conn"], Integer(|draft, number| draft.set_max_connections(number))),
    row(&["max_subscriptions", "max_subs"], Integer(|draft, number| draft.set_max_subscriptions(number))),
    row(&["max_sub_tokens", "max_subscription_tokens"], Integer(|draft, number| draft.set_max_sub_tokens(number))),
    row(&["max_control_line"], Any(max_control_line)),
    row(&["max_payload"], Any(max_payload)),
    row(&["max_pending"], Integer(|draft, number| draft.set_max_pending(number))),
    row(&["max_closed_clients"], Integer(|draft, number| draft.set_max_closed_clients(number))),
    row(&["ping_interval"], Any(ping_interval)),
    row(&["ping_max"], Integer(|draft, number| draft.set_ping_max(number))),
    row(&["write_deadline"], Any(write_deadline)),
    row(&["write_timeout"], Text(write_timeout)),
    row(&["lame_duck_duration"], Text(|draft, time| draft.set_lame_duck_duration(time))),
    row(&["lame_duck_grace_period"], Text(|draft, time| draft.set_lame_duck_grace_period(time))),
    row(&["no_fast_producer_stall"], Switch(|draft, on| draft.options.broker.stall_publishers = !on)),
    row(&["disable_sublist_cache", "no_sublist_cache"], Switch(|draft, on| draft.options.broker.match_cache = !on)),
    row(&["connect_error_reports"], Integer(|_, _| Ok(()))),
    row(&["reconnect_error_reports"], Integer(|_, _| Ok(()))),

    row(&["authorization"], Any(read_authorization)),
    row(&["accounts"], Any(read_accounts)),
    row(&["no_auth_user"], Text(|draft, user| { draft.options.auth.no_auth_user = given(user); Ok(()) })),
    row(&["system_account", "system"], Any(system_account)),
    row(&["no_system_account", "no_system", "no_sys_acc"], Switch(|draft, on| draft.options.auth.no_system_account = on)),
    row(&["mappings", "maps"], Any(|draft, entry, report| draft.options.auth.mappings = read_mappings(entry, report))),

    row(&["tls"], Any(read_tls)),
    row(&["allow_non_tls"], Switch(|draft, on| draft.allow_non_tls = on)),

    row(&["http"], Any(http)),
    row(&["https"], Any(https)),
    row(&["http_port", "monitor_port"], Integer(|draft, port| done(draft.set_http_port(port)))),
    row(&["https_port"], Integer(|draft, port| done(draft.set_https_port(port)))),
    row(&["http_base_path"], Text(|draft, path| { draft.monitor.base_path = path.to_owned(); Ok(()) })),

    row(&["shards"], Own(|draft, value| draft.set_shards(value.as_integer().map_err(|_| "must be a whole number")?))),
    row(&["placement"], Own(|draft, value| draft.set_placement(word(value)?))),
    row(&["route"], Own(|draft, value| { draft.set_route(on_or_off(value)?); Ok(()) })),
    row(&["io"], Own(|draft, value| draft.set_io(word(value)?))),
    row(&["busy_poll"], Own(|draft, value| draft.set_busy_poll(word(value)?).map_err(|_| "must be a time from 0s to 1s"))),
    row(&["ktls"], Own(|draft, value| { draft.set_ktls(on_or_off(value)?); Ok(()) })),

    row(&["store_dir", "storedir"], Text(|draft, dir| done(draft.set_store_dir(dir.into())))),
    row(&["jetstream"], Any(jetstream)),
    row(&["cluster"], NotYet(EmptyBlock, CLUSTER)),
    row(&["gateway"], NotYet(EmptyBlock, "there are no gateways")),
    row(&["leaf", "leafnodes"], NotYet(EmptyBlock, LEAFNODES)),
    row(&["websocket", "ws"], NotYet(EmptyBlock, "there are no WebSockets")),
    row(&["mqtt"], NotYet(EmptyBlock, "there is no MQTT")),
    row(&["operator", "operators", "roots", "root", "root_operators", "root_operator"], NotYet(EmptyList, OPERATOR)),
    row(&["resolver", "account_resolver", "accounts_resolver"], NotYet(Never, OPERATOR)),
    row(&["resolver_tls"], NotYet(EmptyBlock, OPERATOR)),
    row(&["resolver_preload"], NotYet(EmptyBlock, OPERATOR)),
    row(&["resolver_pinned_accounts"], NotYet(EmptyList, OPERATOR)),
    row(&["trusted", "trusted_keys"], NotYet(EmptyList, OPERATOR)),
    row(&["default_sentinel"], NotYet(EmptyText, OPERATOR)),
    row(&["default_js_domain"], NotYet(EmptyBlock, JETSTREAM)),
    row(&["ocsp"], NotYet(Off, OCSP)),
    row(&["ocsp_cache"], NotYet(Off, OCSP)),
    row(&["proxies"], NotYet(EmptyBlock, PROXY)),
    row(&["proxy_protocol"], NotYet(Off, PROXY)),
    row(&["prof_port"], NotYet(Zero, PROFILE)),
    row(&["prof_block_rate"], NotYet(Zero, PROFILE)),
    row(&["feature_flags"], NotYet(EmptyBlock, "there are no features to choose from")),
];

/// The text of a key of our own.
fn word(value: &Value) -> Result<OsString, &'static str> {
    value.as_str().map(OsString::from).map_err(|_| "must be text")
}

/// The switch of a key of our own.
fn on_or_off(value: &Value) -> Result<bool, &'static str> {
    value.as_bool().map_err(|_| "must be true or false")
}

/// Empty text counts as not given.
fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn system_account(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    match entry.value.as_str() {
        Ok(name) => draft.options.auth.system_account = given(name),
        Err(_) => report.refuse(&entry.value, "system account name must be a string"),
    }
}

fn http(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    if let Some((host, port)) = monitor_address(entry, report) {
        (draft.monitor.host, draft.monitor.http_port) = (host, port);
    }
}

fn https(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    if let Some((host, port)) = monitor_address(entry, report) {
        (draft.monitor.host, draft.monitor.https_port) = (host, port);
    }
}

fn monitor_address(entry: &Entry, report: &mut Report) -> Option<(String, i64)> {
    host_port(&entry.value).map_err(|reason| report.refuse(&entry.value, reason)).ok()
}

/// For setters whose only reason to refuse cannot come from a file.
fn done(set: Result<(), &'static str>) -> Result<(), String> {
    set.map_err(String::from)
}

fn listen(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    match host_port(&entry.value) {
        Ok((host, port)) => {
            draft.port = port;
            report.ok(draft.set_host(host.into()).map_err(|reason| entry.value.refused(reason)));
        }
        Err(reason) => report.refuse(&entry.value, reason),
    }
}

fn server_tags(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    if let Some(tags) = texts(&entry.value, "error parsing tags", "", report) {
        draft.add_server_tags(tags);
    }
}

fn server_metadata(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Data::Map(map) = &entry.value.data else {
        let found = entry.value.data.type_name();
        return report.refuse(&entry.value, format!("error parsing metadata: unsupported type {found}"));
    };
    for pair in map {
        if let Some(text) = report.ok(pair.value.as_str()) {
            draft.options.server_metadata.insert(pair.key.clone(), text.to_owned());
        }
    }
}

fn max_control_line(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    if let Some(bytes) = int32(entry, report) {
        report.ok(draft.set_max_control_line(bytes).map_err(|reason| entry.value.refused(reason)));
    }
}

fn max_payload(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    if let Some(bytes) = int32(entry, report) {
        report.ok(draft.set_max_payload(bytes).map_err(|reason| entry.value.refused(reason)));
    }
}

fn int32(entry: &Entry, report: &mut Report) -> Option<i64> {
    let number = report.ok(entry.value.as_integer())?;
    if number > INT32_MAX {
        report.refuse(&entry.value, format!("{} value is too big", entry.key));
        return None;
    }
    Some(number)
}

fn ping_interval(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    if let Some(time) = text_or_seconds(entry, "ping_interval", report) {
        draft.set_ping_interval(time);
    }
}

fn write_deadline(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    if let Some(time) = text_or_seconds(entry, "write_deadline", report) {
        draft.set_write_deadline(time);
    }
}

fn write_timeout(draft: &mut Draft, policy: &str) -> Result<(), String> {
    draft.options.broker.write_timeout = match policy {
        "default" => WriteTimeout::Default,
        "close" => WriteTimeout::Close,
        "retry" => WriteTimeout::Retry,
        _ => return Err("write_timeout must be 'default', 'close' or 'retry'".to_owned()),
    };
    Ok(())
}

fn jetstream(_: &mut Draft, entry: &Entry, report: &mut Report) {
    jetstream_is_off(entry, report);
}

/// JetStream may be configured as long as it is off.
pub(crate) fn jetstream_is_off(entry: &Entry, report: &mut Report) {
    let is_off = match &entry.value.data {
        Data::Bool(on) => !on,
        Data::String(word) => word.eq_ignore_ascii_case("disabled") || word.eq_ignore_ascii_case("disable"),
        Data::Map(map) => ["enabled", "enable"]
            .iter()
            .filter_map(|key| map.get(key))
            .any(|value| value.as_bool() == Ok(false)),
        other => {
            let found = other.type_name();
            let reason = format!("Expected map, bool or string to define JetStream, got {found}");
            return report.refuse(&entry.value, reason);
        }
    };
    if !is_off {
        report.refuse(&entry.value, not_yet(&entry.key, JETSTREAM));
    }
}
