//! `permissions`: what a user may publish to and subscribe to.

use std::time::Duration;

use nats_auth::{Permissions, RESPONSES_UNLIMITED, ResponsePermission, SubjectPermission};
use nats_conf::{Data, Entry, Value};
use nats_proto::{GoDuration, quote};
use subject_trie::is_valid_filter;

use crate::config::report::Report;
use crate::config::row::Effect::{Any, Integer};
use crate::config::row::{Row, Unknown, read_block, row};

const UNKNOWN: Unknown = |key| Some(format!("Unknown field {} parsing permissions", quote(key)));

const UNKNOWN_LIST: Unknown = |key| {
    Some(format!(
        "Unknown field name {} parsing subject permissions, only 'allow' or 'deny' are permitted",
        quote(key)
    ))
};

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
static TABLE: &[Row<Permissions>] = &[
    row(&["pub", "publish", "import"], Any(|all, entry, report| all.publish = subjects(entry, false, report))),
    row(&["sub", "subscribe", "export"], Any(|all, entry, report| all.subscribe = subjects(entry, true, report))),
    row(&["publish_allow_responses", "allow_responses"], Any(|all, entry, report| all.responses = responses(entry, report))),
];

/// Reads what is right, and reports the rest. `None` if there is no map.
pub(crate) fn read_permissions(value: &Value, report: &mut Report) -> Option<Permissions> {
    let Ok(map) = value.as_map() else {
        let found = value.data.type_name();
        report.refuse(value, format!("Expected permissions to be a map/struct, got {found}"));
        return None;
    };
    let mut permissions = Permissions::default();
    read_block(map, TABLE, UNKNOWN, &mut permissions, report);
    Some(permissions)
}

// One line a row. Which filters may have queues depends on the block around them.
#[rustfmt::skip]
static PLAIN_LISTS: &[Row<SubjectPermission>] = &[
    row(&["allow"], Any(|lists, entry, report| lists.allow = filters(&entry.value, false, report).unwrap_or_default())),
    row(&["deny"], Any(|lists, entry, report| lists.deny = filters(&entry.value, false, report).unwrap_or_default())),
];

#[rustfmt::skip]
static QUEUE_LISTS: &[Row<SubjectPermission>] = &[
    row(&["allow"], Any(|lists, entry, report| lists.allow = filters(&entry.value, true, report).unwrap_or_default())),
    row(&["deny"], Any(|lists, entry, report| lists.deny = filters(&entry.value, true, report).unwrap_or_default())),
];

/// A filter or an array of them, which are allowed; or a map of what is allowed and denied.
fn subjects(entry: &Entry, queues: bool, report: &mut Report) -> Option<SubjectPermission> {
    let Data::Map(map) = &entry.value.data else {
        let allow = filters(&entry.value, queues, report)?;
        return Some(SubjectPermission { allow, deny: Vec::new() });
    };
    if map.is_empty() {
        return None;
    }
    let mut lists = SubjectPermission::default();
    let table = if queues { QUEUE_LISTS } else { PLAIN_LISTS };
    read_block(map, table, UNKNOWN_LIST, &mut lists, report);
    Some(lists)
}

/// A filter or an array of them, none with a queue; none at all if one is wrong.
pub(crate) fn plain_filters(value: &Value, report: &mut Report) -> Vec<String> {
    filters(value, false, report).unwrap_or_default()
}

fn filters(value: &Value, queues: bool, report: &mut Report) -> Option<Vec<String>> {
    let is_array = value.as_array().is_ok();
    let mut filters = Vec::new();
    for element in value.one_or_many() {
        let checked = match element.as_str() {
            Ok(filter) => check(filter, queues).map(|()| filters.push(filter.to_owned())),
            Err(_) if is_array => Err("Subject in permissions array cannot be cast to string".to_owned()),
            Err(_) => Err(format!(
                "Expected subject permissions to be a subject, or array of subjects, got {}",
                element.data.type_name()
            )),
        };
        if let Err(reason) = checked {
            report.refuse(element, reason);
            return None;
        }
    }
    Some(filters)
}

/// A filter, or where queues may be named a filter, blanks and a queue.
fn check(filter: &str, queues: bool) -> Result<(), String> {
    let is_subject = |text: &str| is_valid_filter(text.as_bytes()) && !text.contains(char::is_whitespace);
    if is_subject(filter) {
        return Ok(());
    }
    let no_subject = |text: &str| Err(format!("subject {} is not a valid subject", quote(text)));
    let words: Vec<&str> = filter.split_whitespace().collect();
    match words[..] {
        [subject, queue] if queues => match (is_subject(subject), is_subject(queue)) {
            (false, _) => no_subject(subject),
            (true, false) => Err(format!("queue {} is not a valid queue", quote(queue))),
            (true, true) => Ok(()),
        },
        _ => no_subject(filter),
    }
}

const ANY_RESPONSE: ResponsePermission = ResponsePermission { max: None, expires: None };

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
static RESPONSES: &[Row<ResponsePermission>] = &[
    row(&["max", "max_msgs", "max_messages", "max_responses"], Integer(|responses, max| { responses.max = response_max(max); Ok(()) })),
    row(&["expires", "expiration", "ttl"], Any(expires)),
];

fn responses(entry: &Entry, report: &mut Report) -> Option<ResponsePermission> {
    match &entry.value.data {
        Data::Bool(on) => on.then_some(ANY_RESPONSE),
        Data::Map(map) => {
            let mut responses = ANY_RESPONSE;
            read_block(map, RESPONSES, UNKNOWN, &mut responses, report);
            Some(responses)
        }
        _ => {
            let reason = "error parsing response permissions, expected a boolean or a map";
            report.refuse(&entry.value, reason);
            None
        }
    }
}

/// 0 is the default, and less no limit.
fn response_max(max: i64) -> Option<u64> {
    match max {
        0 => None,
        ..0 => Some(RESPONSES_UNLIMITED),
        1.. => Some(max.unsigned_abs()),
    }
}

/// 0 is the default, and less no limit.
fn expires(responses: &mut ResponsePermission, entry: &Entry, report: &mut Report) {
    let Ok(text) = entry.value.as_str() else {
        return report.refuse(&entry.value, "error parsing expires, not a duration string");
    };
    match GoDuration::parse(text) {
        Ok(GoDuration(0)) => responses.expires = None,
        Ok(time) if time.is_negative() => responses.expires = Some(Duration::MAX),
        Ok(time) => responses.expires = Some(time.length()),
        Err(reason) => report.refuse(&entry.value, format!("error parsing expires: {reason}")),
    }
}
