//! Lengths of time in the configuration file.

use std::time::Duration;

use nats_conf::{Data, Entry};
use nats_proto::GoDuration;

use crate::config::report::Report;

/// Most seconds that may wait for a client to identify itself before it is found odd.
const PATIENCE_SECONDS_MAX: f64 = 60.0;

/// A length of time as text, or as it once was a number of seconds, which earns a warning. `name` is the
/// key as the warning has it.
pub(crate) fn text_or_seconds(entry: &Entry, name: &str, report: &mut Report) -> Option<Duration> {
    if let Data::String(text) = &entry.value.data {
        let time = GoDuration::parse(text).map_err(|reason| format!("error parsing {name}: {reason}"));
        return positive(entry, name, time.map(|time| (time.is_negative(), time.length())), report);
    }
    report.warn(entry, &format!("{name} should be converted to a duration"));
    let seconds = report.ok(entry.value.as_integer())?;
    let length = Duration::from_secs(seconds.unsigned_abs());
    positive(entry, name, Ok((seconds < 0, length)), report)
}

/// The same where zero stands for what is usual.
pub(crate) fn some_time(entry: &Entry, name: &str, report: &mut Report) -> Option<Duration> {
    text_or_seconds(entry, name, report).filter(|time| !time.is_zero())
}

/// The length, unless it is below zero.
fn positive(
    entry: &Entry,
    name: &str,
    time: Result<(bool, Duration), String>,
    report: &mut Report,
) -> Option<Duration> {
    match time {
        Ok((false, length)) => return Some(length),
        Ok((true, _)) => report.refuse(&entry.value, format!("invalid {name}, needs to be positive")),
        Err(reason) => report.refuse(&entry.value, reason),
    }
    None
}

/// A number of seconds, with or without a point, or a length of time as text. `block` names the block in
/// errors.
pub(crate) fn seconds_or_text(entry: &Entry, block: &str, report: &mut Report) -> Option<Duration> {
    let value = &entry.value;
    let seconds = match &value.data {
        Data::Integer(seconds) => Ok(*seconds as f64),
        Data::Float(seconds) => Ok(*seconds),
        Data::String(text) => GoDuration::parse(text)
            .map(|time| time.length().as_secs_f64() * if time.is_negative() { -1.0 } else { 1.0 })
            .map_err(|reason| reason.to_string()),
        _ => Err("wrong type".to_owned()),
    };
    let length = seconds.and_then(|seconds| {
        Duration::try_from_secs_f64(seconds).map_err(|_| "needs to be positive".to_owned())
    });
    match length {
        Ok(length) => Some(length),
        Err(reason) => {
            report.refuse(value, format!("error parsing {block} config, 'timeout' {reason}"));
            None
        }
    }
}

/// Warns of a time in which a client may do nothing that looks like a mistake: `1m` without quotes is a
/// million.
pub(crate) fn warn_if_high(entry: &Entry, length: Duration, report: &mut Report) {
    let seconds = length.as_secs_f64();
    if seconds > PATIENCE_SECONDS_MAX {
        let written = match &entry.value.data {
            Data::String(text) => text.clone(),
            Data::Float(number) => number.to_string(),
            _ => length.as_secs().to_string(),
        };
        let reason = format!(
            "timeout of {written} ({seconds:.6} seconds) is high, consider keeping it under 60 seconds. \
             possibly caused by unquoted duration; use '1m' instead of 1m, for example"
        );
        report.warn(entry, &reason);
    }
}
