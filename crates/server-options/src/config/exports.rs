//! `exports` of an account: what others may import.

use std::sync::Arc;
use std::time::Duration;

use nats_auth::{Export, ExportKind, Latency, ResponseType, ServiceTerms};
use nats_conf::{Entry, Value};
use nats_proto::{GoDuration, quote};

use crate::config::latency::read_latency;
use crate::config::report::Report;
use crate::config::row::Effect::Any;
use crate::config::row::{Row, UNKNOWN_FIELD, read_block, row};

/// One entry being read.
#[derive(Default)]
pub(crate) struct Block {
    stream: Option<String>,
    service: Option<String>,
    accounts: Vec<String>,
    account_token_position: usize,
    responses: Option<ResponseType>,
    threshold: Option<Duration>,
    /// What it says, and where.
    allow_trace: Option<(bool, Value)>,
    /// The same, where it can be read.
    latency: Option<(Option<Latency>, Value)>,
    /// Whether there was such a key, right or wrong.
    has_responses: bool,
    has_threshold: bool,
    /// Values of keys that only services have.
    of_services: Vec<Value>,
}

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<Block>] = &[
    row(&["stream"], Any(stream)),
    row(&["service"], Any(service)),
    row(&["accounts"], Any(accounts)),
    row(&["account_token_position"], Any(|block, entry, report| block.account_token_position = position(entry, report))),
    row(&["response", "response_type"], Any(responses)),
    row(&["threshold", "response_threshold", "response_max_time", "response_time"], Any(threshold)),
    row(&["latency"], Any(|block, entry, report| block.latency = Some((read_latency(entry, report), entry.value.clone())))),
    row(&["allow_trace"], Any(allow_trace)),
];

/// Reads those that are right, and reports the others.
pub(crate) fn read_exports(entry: &Entry, report: &mut Report) -> Vec<Export> {
    let Ok(values) = entry.value.as_array() else {
        let found = entry.value.data.type_name();
        report.refuse(&entry.value, format!("Exports should be an array, got {found}"));
        return Vec::new();
    };
    values.iter().filter_map(|value| read_export(value, report)).collect()
}

/// As with nats-server, one that names neither a stream nor a service is none.
fn read_export(value: &Value, report: &mut Report) -> Option<Export> {
    let Ok(map) = value.as_map() else {
        let found = value.data.type_name();
        report.refuse(value, format!("Export Items should be a map with type entry, got {found}"));
        return None;
    };
    let mut block = Block::default();
    read_block(map, TABLE, UNKNOWN_FIELD, &mut block, report);
    let (subject, kind) = match (block.stream, block.service) {
        (Some(stream), _) => {
            for value in &block.of_services {
                report.refuse(value, "Detected response directive on non-service");
            }
            if let Some((_, value)) = &block.latency {
                report.refuse(value, "Detected latency directive on non-service");
            }
            if let Some((_, value)) = &block.allow_trace {
                report.refuse(value, "Detected allow_trace directive on non-service");
            }
            (stream, ExportKind::Stream)
        }
        (None, service) => {
            let terms = ServiceTerms {
                responses: block.responses.unwrap_or_default(),
                threshold: block.threshold,
                allow_trace: block.allow_trace.is_some_and(|(allow, _)| allow),
                latency: block.latency.and_then(|(latency, _)| latency).map(Arc::new),
            };
            (service?, ExportKind::Service(terms))
        }
    };
    let Block { accounts, account_token_position, .. } = block;
    Some(Export { subject, accounts, account_token_position, kind })
}

fn stream(block: &mut Block, entry: &Entry, report: &mut Report) {
    match entry.value.as_str() {
        _ if block.service.is_some() => {
            let shown = entry.value.as_str().map_or_else(|_| entry.value.data.type_name().to_owned(), quote);
            report.refuse(&entry.value, format!("Detected stream {shown} but already saw a service"));
        }
        Ok(stream) => block.stream = Some(stream.to_owned()),
        Err(_) => not_text("stream name to be string", &entry.value, report),
    }
}

fn service(block: &mut Block, entry: &Entry, report: &mut Report) {
    match entry.value.as_str() {
        _ if block.stream.is_some() => {
            let shown = entry.value.as_str().map_or_else(|_| entry.value.data.type_name().to_owned(), quote);
            report.refuse(&entry.value, format!("Detected service {shown} but already saw a stream"));
        }
        Ok(service) => block.service = Some(service.to_owned()),
        Err(_) => not_text("service name to be string", &entry.value, report),
    }
}

fn accounts(block: &mut Block, entry: &Entry, report: &mut Report) {
    let Some(names) = report.ok(entry.value.as_array()) else { return };
    let names = names.iter().filter_map(|name| report.ok(name.as_str()));
    block.accounts.extend(names.map(str::to_owned));
}

/// What is below zero is a token that no subject has.
fn position(entry: &Entry, report: &mut Report) -> usize {
    let position = report.ok(entry.value.as_integer()).unwrap_or(0);
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn responses(block: &mut Block, entry: &Entry, report: &mut Report) {
    let value = &entry.value;
    if std::mem::replace(&mut block.has_responses, true) {
        return report.refuse(value, "Duplicate response type definition");
    }
    block.of_services.push(value.clone());
    let Ok(name) = value.as_str() else { return not_text("response type to be string", value, report) };
    match &*name.to_lowercase() {
        "single" | "singleton" => block.responses = Some(ResponseType::Singleton),
        "stream" => block.responses = Some(ResponseType::Stream),
        "chunk" | "chunked" => block.responses = Some(ResponseType::Chunked),
        _ => report.refuse(value, format!("Unknown response type: {}", quote(name))),
    }
}

/// Zero is the default; what is below it is over at once.
fn threshold(block: &mut Block, entry: &Entry, report: &mut Report) {
    const WANTED: &str = "response threshold to be a parseable time duration";
    let value = &entry.value;
    if std::mem::replace(&mut block.has_threshold, true) {
        return report.refuse(value, "Duplicate response threshold detected");
    }
    block.of_services.push(value.clone());
    let Ok(text) = value.as_str() else { return not_text(WANTED, value, report) };
    match GoDuration::parse(text) {
        Ok(time) if time.is_negative() => block.threshold = Some(Duration::ZERO),
        Ok(time) => block.threshold = Some(time.length()).filter(|length| !length.is_zero()),
        Err(_) => report.refuse(value, format!("Expected {WANTED}, got {}", quote(text))),
    }
}

fn allow_trace(block: &mut Block, entry: &Entry, report: &mut Report) {
    block.allow_trace = report.ok(entry.value.as_bool()).map(|allow| (allow, entry.value.clone()));
}

fn not_text(wanted: &str, value: &Value, report: &mut Report) {
    report.refuse(value, format!("Expected {wanted}, got {}", value.data.type_name()));
}
