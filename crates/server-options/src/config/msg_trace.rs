//! `msg_trace` of an account: where to tell what becomes of its messages.

use nats_auth::MsgTrace;
use nats_conf::{Data, Entry, Value};
use nats_proto::quote;
use subject_trie::is_valid_literal;

use crate::config::report::Report;
use crate::config::row::Effect::Any;
use crate::config::row::{Row, Unknown, read_block, row};

const UNKNOWN: Unknown =
    |key| Some(format!("Unknown field {} parsing account message trace map/struct", quote(key)));

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
static TABLE: &[Row<MsgTrace>] = &[
    row(&["dest"], Any(|block, entry, report| read_dest(entry, &entry.value, block, report))),
    row(&["sampling"], Any(sampling)),
];

/// Reads a subject, or a map of one and of how often.
pub(crate) fn read_msg_trace(entry: &Entry, into: &mut MsgTrace, report: &mut Report) {
    match &entry.value.data {
        Data::String(_) => read_dest(entry, &entry.value, into, report),
        Data::Map(map) => read_block(map, TABLE, UNKNOWN, into, report),
        other => {
            let (key, found) = (quote(&entry.key), other.type_name());
            let reason =
                format!("Expected account message trace {key} to be a string or a map/struct, got {found}");
            report.refuse(&entry.value, reason);
        }
    }
}

fn read_dest(entry: &Entry, value: &Value, into: &mut MsgTrace, report: &mut Report) {
    let Ok(dest) = value.as_str() else {
        let (key, found) = (quote(&entry.key), value.data.type_name());
        return report.refuse(value, format!("Field {key} should be a string, got {found}"));
    };
    if is_valid_literal(dest.as_bytes()) && !dest.contains(['\t', '\n', '\x0c', '\r', ' ']) {
        into.dest = dest.to_owned();
    } else {
        report.refuse(value, format!("Trace destination {} is not valid", quote(dest)));
    }
}

/// A number, or one with a percent sign.
fn sampling(block: &mut MsgTrace, entry: &Entry, report: &mut Report) {
    let value = &entry.value;
    let percent = match &value.data {
        Data::String(text) => match text.strip_suffix('%').unwrap_or(text).parse::<i64>() {
            Ok(percent) => percent,
            Err(_) => {
                let reason = format!("Invalid trace destination sampling value {}", quote(text));
                return report.refuse(value, reason);
            }
        },
        _ => match value.as_integer() {
            Ok(percent) => percent,
            Err(_) => {
                let (key, found) = (quote(&entry.key), value.data.type_name());
                let reason = format!(
                    "Trace destination sampling field {key} should be an integer or a percentage, got {found}"
                );
                return report.refuse(value, reason);
            }
        },
    };
    match u8::try_from(percent) {
        Ok(percent @ 1..=100) => block.percent = percent,
        _ => {
            // As nats-server spells it.
            let reason =
                format!("Ttrace destination sampling value {percent} is invalid, needs to be [1..100]");
            report.refuse(value, reason);
        }
    }
}
