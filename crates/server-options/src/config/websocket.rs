//! `websocket`: the listener for WebSockets.

use std::time::Duration;

use nats_auth::{ListenerAuth, Secret};
use nats_conf::{Data, Entry};
use nats_proto::GoDuration;

use crate::config::host_port::host_port;
use crate::config::report::Report;
use crate::config::row::Effect::{Any, Integer, Switch, Text, Time};
use crate::config::row::{Row, UNKNOWN_FIELD, read_block, row, texts};
use crate::config::tls::read_tls_block;
use crate::draft::{Draft, WebSocketDraft};
use crate::reading::{given, put};

/// A timeout that is neither a whole number nor one with a point, in seconds.
const ODD_TIMEOUT: Duration = Duration::from_secs(1);

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<WebSocketDraft>] = &[
    row(&["listen"], Any(listen)),
    row(&["port"], Integer(|block, port| put(&mut block.port, port))),
    row(&["host", "net"], Text(|block, host| put(&mut block.host, host.to_owned()))),
    row(&["advertise"], Text(|block, address| put(&mut block.advertise, given(address)))),
    row(&["no_tls"], Switch(|block, on| block.options.no_tls = on)),
    row(&["tls"], Any(tls)),
    row(&["same_origin"], Switch(|block, on| block.options.same_origin = on)),
    row(&["allowed_origins", "allowed_origin", "allow_origins", "allow_origin", "origins", "origin"], Any(origins)),
    row(&["handshake_timeout"], Any(handshake_timeout)),
    row(&["compress", "compression"], Switch(|block, on| block.options.compression = on)),
    row(&["authorization", "authentication"], Any(authorization)),
    row(&["jwt_cookie"], Text(|block, name| put(&mut block.options.cookies.jwt, given(name)))),
    row(&["user_cookie"], Text(|block, name| put(&mut block.options.cookies.user, given(name)))),
    row(&["pass_cookie"], Text(|block, name| put(&mut block.options.cookies.password, given(name)))),
    row(&["token_cookie"], Text(|block, name| put(&mut block.options.cookies.token, given(name)))),
    row(&["no_auth_user"], Text(|block, user| put(&mut block.auth.no_auth_user, given(user)))),
    row(&["headers"], Any(headers)),
    row(&["ping_interval"], Time(|block, time| block.options.ping_interval = Some(time).filter(|time| !time.is_zero()))),
];

/// What `authorization` has here: one user or token for all.
#[derive(Default)]
pub(super) struct Simple {
    user: String,
    password: Secret,
    token: Secret,
    timeout: Option<Duration>,
}

#[rustfmt::skip]
static SIMPLE: &[Row<Simple>] = &[
    row(&["user", "username"], Text(|block, user| { block.user = user.to_owned(); Ok(()) })),
    row(&["pass", "password"], Text(|block, password| { block.password = password.into(); Ok(()) })),
    row(&["token"], Text(|block, token| { block.token = token.into(); Ok(()) })),
    row(&["timeout"], Any(timeout)),
];

pub(crate) fn read_websocket(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Ok(map) = entry.value.as_map() else {
        let found = entry.value.data.type_name();
        return report.refuse(&entry.value, format!("Expected websocket to be a map, got {found}"));
    };
    read_block(map, TABLE, UNKNOWN_FIELD, &mut draft.websocket, report);
}

fn listen(block: &mut WebSocketDraft, entry: &Entry, report: &mut Report) {
    match host_port(&entry.value) {
        Ok((host, port)) => (block.host, block.port) = (host, port),
        Err(reason) => report.refuse(&entry.value, reason),
    }
}

fn tls(block: &mut WebSocketDraft, entry: &Entry, report: &mut Report) {
    if let Some((tls, maps)) = read_tls_block(entry, report) {
        block.options.tls = Some(tls);
        block.auth.verify_and_map = maps;
    }
}

fn origins(block: &mut WebSocketDraft, entry: &Entry, report: &mut Report) {
    let texts = texts(&entry.value, "error parsing allowed origins", "in array ", report);
    block.options.origins = texts.unwrap_or_default();
}

fn handshake_timeout(block: &mut WebSocketDraft, entry: &Entry, report: &mut Report) {
    let length = match &entry.value.data {
        Data::Integer(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Data::String(text) => match GoDuration::parse(text) {
            Ok(length) => u64::try_from(length.0).ok().map(Duration::from_nanos),
            Err(error) => return report.refuse(&entry.value, error.to_string()),
        },
        other => {
            let found = other.type_name();
            let reason = format!("error parsing handshake timeout: unsupported type {found}");
            return report.refuse(&entry.value, reason);
        }
    };
    block.options.handshake_timeout = length.filter(|length| !length.is_zero());
}

fn authorization(block: &mut WebSocketDraft, entry: &Entry, report: &mut Report) {
    let Some(map) = report.ok(entry.value.as_map()) else { return };
    let mut simple = Simple::default();
    read_block(map, SIMPLE, UNKNOWN_FIELD, &mut simple, report);
    let Simple { user, password, token, timeout } = simple;
    block.auth = ListenerAuth {
        single_user: Some((user, password)).filter(|(user, _)| !user.is_empty()),
        token: Some(token).filter(|token| !token.is_empty()),
        timeout: timeout.filter(|timeout| !timeout.is_zero()),
        ..std::mem::take(&mut block.auth)
    };
}

fn timeout(block: &mut Simple, entry: &Entry, report: &mut Report) {
    let seconds = match &entry.value.data {
        Data::Integer(seconds) => *seconds as f64,
        Data::Float(seconds) => *seconds,
        // Whatever else it is, nats-server takes it for a second.
        _ => ODD_TIMEOUT.as_secs_f64(),
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(length) => block.timeout = Some(length),
        Err(_) => report
            .refuse(&entry.value, "error parsing websocket authorization, 'timeout' needs to be positive"),
    }
}

fn headers(block: &mut WebSocketDraft, entry: &Entry, report: &mut Report) {
    let Ok(map) = entry.value.as_map() else {
        let found = entry.value.data.type_name();
        return report.refuse(&entry.value, format!("error parsing headers: unsupported type {found}"));
    };
    for header in map {
        let (name, value) = (&header.key, &header.value);
        let Ok(text) = value.as_str() else {
            let found = value.data.type_name();
            report.refuse(value, format!("error parsing header key {name}: unsupported type {found}"));
            continue;
        };
        // Nobody could tell such a header from the ones behind it.
        if [name.as_str(), text].iter().any(|part| part.contains(['\r', '\n'])) {
            report.refuse(value, format!("error parsing header key {name}: a line ends in it"));
            continue;
        }
        block.headers.push((name.clone(), text.to_owned()));
    }
}
