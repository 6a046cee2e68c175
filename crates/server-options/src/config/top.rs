//! The keys of nats-server's top level that are read in a way of their own.

use std::ffi::OsStr;
use std::time::Duration;

use nats_conf::{Data, Entry};
use nats_proto::{GoDuration, Limits, quote};

use crate::config::host_port::host_port;
use crate::config::report::Report;
use crate::config::row::{Set, texts};
use crate::draft::Draft;
use crate::error::OptionsError;
use crate::options::{LONG_ACKS, LameDuck, Options};
use crate::reading::{self, given, put};

/// Largest number that nats-server takes for sizes that it keeps in 32 bits.
const INT32_MAX: i64 = i32::MAX as i64;

/// Shortest time over which nats-server closes connections in lame duck mode.
const LAME_DUCK_DURATION_MIN: Duration = Duration::from_secs(30);

/// Unlike the flag it is looked at at once.
pub(crate) fn server_name(draft: &mut Draft, name: &str) -> Set {
    if name.contains(' ') {
        return Err(OptionsError::ServerNameHasSpaces.to_string());
    }
    put(&mut draft.options.server_name, given(name))
}

pub(crate) fn host(draft: &mut Draft, host: &str) -> Set {
    put(&mut draft.options.host, given(host).unwrap_or_else(|| Options::default().host))
}

pub(crate) fn busy_poll(draft: &mut Draft, time: &OsStr) -> Set {
    let time = reading::busy_poll(time).map_err(|_| "must be a time from 0s to 1s")?;
    put(&mut draft.options.runtime.busy_poll, Some(time))
}

pub(crate) fn system_account(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    match entry.value.as_str() {
        Ok(name) => draft.options.auth.system_account = given(name),
        Err(_) => report.refuse(&entry.value, "system account name must be a string"),
    }
}

pub(crate) fn http(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    if let Some((host, port)) = monitor_address(entry, report) {
        (draft.monitor.host, draft.monitor.http_port) = (host, port);
    }
}

pub(crate) fn https(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    if let Some((host, port)) = monitor_address(entry, report) {
        (draft.monitor.host, draft.monitor.https_port) = (host, port);
    }
}

fn monitor_address(entry: &Entry, report: &mut Report) -> Option<(String, i64)> {
    host_port(&entry.value).map_err(|reason| report.refuse(&entry.value, reason)).ok()
}

pub(crate) fn listen(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    match host_port(&entry.value) {
        Ok((host, port)) => {
            draft.port = port;
            report.ok(self::host(draft, &host).map_err(|reason| entry.value.refused(reason)));
        }
        Err(reason) => report.refuse(&entry.value, reason),
    }
}

pub(crate) fn server_tags(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let tags = texts(&entry.value, "error parsing tags", "", report).unwrap_or_default();
    for tag in tags {
        let tag = tag.trim().to_lowercase();
        if !tag.is_empty() && !draft.options.server_tags.contains(&tag) {
            draft.options.server_tags.push(tag);
        }
    }
}

pub(crate) fn server_metadata(draft: &mut Draft, entry: &Entry, report: &mut Report) {
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

/// Features that may be asked for, or may be declined.
const FLAGS: [(&str, Option<&str>); 2] =
    [(LONG_ACKS, None), ("js_raft_delete_range", Some("there are no clusters"))];

pub(crate) fn feature_flags(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Data::Map(map) = &entry.value.data else {
        let found = entry.value.data.type_name();
        return report.refuse(&entry.value, format!("error parsing feature flags: unsupported type {found}"));
    };
    for pair in map {
        let flag = quote(&pair.key);
        let Data::Bool(on) = pair.value.data else {
            let found = pair.value.data.type_name();
            let reason = format!("error parsing feature flag {flag}: expected bool, got {found}");
            return report.refuse(&pair.value, reason);
        };
        match FLAGS.iter().find(|(known, _)| *known == pair.key) {
            None => report.refuse(&pair.value, format!("feature flag {flag} is not known")),
            Some((_, Some(missing))) if on => {
                report.refuse(&pair.value, format!("feature flag {flag} is not supported yet: {missing}"));
            }
            Some(_) => drop(draft.options.feature_flags.insert(pair.key.clone(), on)),
        }
    }
}

pub(crate) fn max_control_line(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Some(bytes) = int32(entry, report) else { return };
    let place = &mut draft.options.broker.limits.control_line_bytes_max;
    match usize::try_from(bytes) {
        Ok(0) => *place = Limits::default().control_line_bytes_max,
        Ok(bytes) => *place = bytes,
        Err(_) => report.refuse(&entry.value, "max_control_line is negative"),
    }
}

pub(crate) fn max_payload(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Some(bytes) = int32(entry, report) else { return };
    let place = &mut draft.options.broker.limits.payload_bytes_max;
    match usize::try_from(bytes) {
        Ok(0) => *place = Limits::default().payload_bytes_max,
        Ok(bytes) => *place = bytes,
        Err(_) if bytes == -1 => *place = usize::MAX,
        Err(_) => report.refuse(&entry.value, "max_payload is negative, no limit is -1"),
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

pub(crate) fn lame_duck_duration(draft: &mut Draft, text: &str) -> Set {
    let time =
        GoDuration::parse(text).map_err(|reason| format!("error parsing lame_duck_duration: {reason}"))?;
    if time < GoDuration::of(LAME_DUCK_DURATION_MIN) {
        return Err(format!("invalid lame_duck_duration of {time}, minimum is 30 seconds"));
    }
    put(&mut draft.options.lame_duck.duration, time.length())
}

pub(crate) fn lame_duck_grace_period(draft: &mut Draft, text: &str) -> Set {
    let time = GoDuration::parse(text)
        .map_err(|reason| format!("error parsing lame_duck_grace_period: {reason}"))?;
    if time.is_negative() {
        return Err("invalid lame_duck_grace_period, needs to be positive".to_owned());
    }
    let default = LameDuck::default().grace_period;
    put(
        &mut draft.options.lame_duck.grace_period,
        if time == GoDuration(0) { default } else { time.length() },
    )
}
