//! `latency` of an export: where to tell how long its service takes.

use std::num::{IntErrorKind, ParseIntError};

use nats_auth::{Latency, SAMPLING, Sampling};
use nats_conf::{Data, Entry, Value};
use nats_proto::quote;

use crate::config::report::Report;

const BAD_SAMPLING: &str = "bad sampling percentage, should be 1-100";

/// Reads a subject, or a map of one and of how often. Other keys of it are not looked at, nor is their case other than
/// small, as in nats-server.
pub(crate) fn read_latency(entry: &Entry, report: &mut Report) -> Option<Latency> {
    let value = &entry.value;
    let map = match &value.data {
        Data::String(subject) => return Some(Latency { sampling: SAMPLING, subject: subject.clone() }),
        Data::Map(map) => map,
        other => {
            let found = other.type_name();
            report.refuse(value, format!("Expected latency entry to be a map/struct or string, got {found}"));
            return None;
        }
    };
    let named = |key: &str| map.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let sampling = match named("sampling") {
        Some(value) => read_sampling(value, report)?,
        None => SAMPLING,
    };
    let Some(subject) = named("subject") else {
        report.refuse(value, "Latency subject required, but missing");
        return None;
    };
    let Ok(text) = subject.as_str() else {
        // nats-server names what it wanted, not what it found.
        report.refuse(subject, "Expected latency subject to be a string, got string");
        return None;
    };
    Some(Latency { sampling, subject: text.to_owned() })
}

/// A number, one with a percent sign, or `headers`.
fn read_sampling(value: &Value, report: &mut Report) -> Option<Sampling> {
    let percent = match &value.data {
        Data::Integer(percent) => *percent,
        Data::String(text) if text.trim().eq_ignore_ascii_case("headers") => return Some(Sampling::Headers),
        Data::String(text) => {
            let number = text.strip_suffix('%').unwrap_or(text);
            match number.parse() {
                Ok(percent) => percent,
                Err(error) => {
                    report.refuse(value, no_number(number, &error));
                    return None;
                }
            }
        }
        other => {
            let found = other.type_name();
            let reason = format!("Expected latency sample to be a string or map/struct, got {found}");
            report.refuse(value, reason);
            return None;
        }
    };
    match u8::try_from(percent) {
        Ok(percent @ 1..=100) => Some(Sampling::Percent(percent)),
        _ => {
            report.refuse(value, BAD_SAMPLING);
            None
        }
    }
}

/// As Go says it.
fn no_number(text: &str, error: &ParseIntError) -> String {
    let reason = match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
        _ => "invalid syntax",
    };
    format!("Failed to parse latency sample: strconv.Atoi: parsing {}: {reason}", quote(text))
}
