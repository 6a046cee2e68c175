//! `http_api`: NATS over HTTP. nats-server has no such block.

use std::time::Duration;

use http_gateway::{BoundRoute, Credentials};
use nats_conf::Entry;
use nats_proto::{GoDuration, quote};

use crate::config::host_port::host_port;
use crate::config::report::Report;
use crate::config::row::Effect::{Any, Integer, Switch, Text};
use crate::config::row::Idle::{EmptyBlock, Off};
use crate::config::row::{Row, Set, UNKNOWN_FIELD, read_block, row, texts};
use crate::draft::{Draft, HttpApiDraft};
use crate::reading::put;

/// The longest that a request may wait for an answer.
const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(60);

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
static TABLE: &[Row<HttpApiDraft>] = &[
    row(&["listen"], Any(listen)),
    row(&["port"], Integer(|block, port| put(&mut block.port, port))),
    row(&["host", "net"], Text(|block, host| put(&mut block.host, host.to_owned()))),
    row(&["allowed_origins"], Any(|block: &mut HttpApiDraft, entry, report| list(&mut block.config.guard.allowed_origins, entry, report))),
    row(&["hosts"], Any(|block: &mut HttpApiDraft, entry, report| list(&mut block.config.guard.hosts, entry, report))),
    row(&["request_timeout"], Text(request_timeout)),
    row(&["max_streams"], Integer(|block, number| put(&mut block.config.max_streams, at_least_one(number)?))),
    row(&["max_streams_per_user"], Integer(|block, number| put(&mut block.config.max_streams_per_user, at_least_one(number)?))),
    row(&["query_credentials"], Switch(|block, on| block.config.query_credentials = on)),
    row(&["routes"], Any(routes)),
    row(&["on_monitor"], Switch(|_, _| {})).until(Some((Off, "the API has a port of its own"))),
    row(&["tls"], Any(|_, _, _| {})).until(Some((EmptyBlock, "the API does not speak TLS: put a proxy before it"))),
];

pub(crate) fn read_http_api(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Ok(map) = entry.value.as_map() else {
        let found = entry.value.data.type_name();
        return report.refuse(&entry.value, format!("Expected http_api to be a map, got {found}"));
    };
    read_block(map, TABLE, UNKNOWN_FIELD, &mut draft.http_api, report);
}

fn listen(block: &mut HttpApiDraft, entry: &Entry, report: &mut Report) {
    match host_port(&entry.value) {
        Ok((host, port)) => (block.host, block.port) = (host, port),
        Err(reason) => report.refuse(&entry.value, reason),
    }
}

fn list(place: &mut Vec<String>, entry: &Entry, report: &mut Report) {
    let texts = texts(&entry.value, &format!("error parsing {}", entry.key), "in array ", report);
    *place = texts.unwrap_or_default();
}

/// A route with who asks there.
#[derive(Default)]
struct RouteDraft {
    subject: String,
    user: String,
    password: String,
    token: String,
}

#[rustfmt::skip]
static ROUTE: &[Row<RouteDraft>] = &[
    row(&["subject"], Text(|route, subject| put(&mut route.subject, subject.to_owned()))),
    row(&["user", "username"], Text(|route, user| put(&mut route.user, user.to_owned()))),
    row(&["password", "pass"], Text(|route, password| put(&mut route.password, password.to_owned()))),
    row(&["token"], Text(|route, token| put(&mut route.token, token.to_owned()))),
];

impl RouteDraft {
    /// Who asks there; nobody in particular if nothing is said.
    fn user(self) -> Result<Credentials, &'static str> {
        match (self.user.is_empty(), self.token.is_empty()) {
            (false, false) => Err("there is one of user and token"),
            (false, true) => Ok(Credentials::User(self.user, self.password)),
            (true, false) => Ok(Credentials::Token(self.token)),
            (true, true) if self.password.is_empty() => Ok(Credentials::None),
            (true, true) => Err("a password goes with a user"),
        }
    }
}

/// Paths, and the subjects that they lead to: text, or a block that says as well who asks there.
fn routes(block: &mut HttpApiDraft, entry: &Entry, report: &mut Report) {
    let Some(map) = report.ok(entry.value.as_map()) else { return };
    for route in map {
        let mut draft = RouteDraft::default();
        match route.value.as_map() {
            Ok(map) => read_block(map, ROUTE, UNKNOWN_FIELD, &mut draft, report),
            Err(_) => {
                let Some(subject) = report.ok(route.value.as_str()) else { continue };
                draft.subject = subject.to_owned();
            }
        }
        let bound = BoundRoute::read(&route.key, &draft.subject);
        let bound = bound.and_then(|bound| Ok(bound.asked_as(draft.user()?)));
        match bound {
            Ok(bound) => block.config.routes.push(bound),
            Err(reason) => report.refuse(&route.value, format!("route {}: {reason}", quote(&route.key))),
        }
    }
}

fn request_timeout(block: &mut HttpApiDraft, text: &str) -> Set {
    let time = GoDuration::parse(text).map_err(|error| error.to_string())?;
    let length = Some(time.length()).filter(|length| !time.is_negative() && !length.is_zero());
    let length = length.filter(|length| *length <= REQUEST_TIMEOUT_MAX);
    put(
        &mut block.config.limits.request_timeout,
        length.ok_or("request_timeout is above zero, and 60s at most")?,
    )
}

fn at_least_one(number: i64) -> Result<usize, String> {
    usize::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| "has to be above zero".to_owned())
}
