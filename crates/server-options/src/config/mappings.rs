//! `mappings`: where messages to a subject go instead.

use nats_auth::{Destination, Mapping};
use nats_conf::{Data, Entry, Value};
use nats_proto::quote;
use subject_trie::is_valid_filter;

use crate::config::report::Report;
use crate::config::row::Effect::{Any, Text};
use crate::config::row::{Row, Unknown, not_yet, read_block, row};

/// Percent of the messages: all.
const WEIGHT_MAX: u8 = 100;

const UNKNOWN: Unknown = |key| Some(format!("Unknown field {} for mapping destination", quote(key)));

/// Reads the mappings that are right, and reports the others.
pub(crate) fn read_mappings(entry: &Entry, report: &mut Report) -> Vec<Mapping> {
    let Some(map) = report.ok(entry.value.as_map()) else { return Vec::new() };
    let mut mappings = Vec::new();
    for mapping in map {
        let blank = mapping.key.contains(char::is_whitespace);
        if is_valid_filter(mapping.key.as_bytes()) && !blank {
            mappings.extend(read_mapping(mapping, report));
        } else {
            let reason = format!("Subject {} is not a valid subject", quote(&mapping.key));
            report.refuse(&entry.value, reason);
        }
    }
    mappings
}

fn read_mapping(entry: &Entry, report: &mut Report) -> Option<Mapping> {
    let (destinations, place) = match &entry.value.data {
        Data::String(subject) => {
            let all = Destination { subject: subject.clone(), weight: WEIGHT_MAX, cluster: None };
            (vec![all], format!(" to {}", quote(subject)))
        }
        _ => (read_weighted(&entry.value, report)?, String::new()),
    };
    let mapping = Mapping { source: entry.key.clone(), destinations };
    if let Some(reason) = mapping.fault() {
        report.refuse(
            &entry.value,
            format!("Error adding mapping for {}{place} : {reason}", quote(&entry.key)),
        );
        return None;
    }
    Some(mapping)
}

/// One destination or several; `None` if any is not right.
fn read_weighted(value: &Value, report: &mut Report) -> Option<Vec<Destination>> {
    let values = value.one_or_many();
    let destinations: Vec<_> = values.iter().filter_map(|value| read_destination(value, report)).collect();
    (destinations.len() == values.len()).then_some(destinations)
}

#[derive(Default)]
struct Block {
    subject: String,
    weight: Option<u8>,
    failed: bool,
}

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
static TABLE: &[Row<Block>] = &[
    row(&["dest", "destination"], Text(|block, subject| { block.subject = subject.to_owned(); Ok(()) })),
    row(&["weight"], Any(weight)),
    row(&["cluster"], Text(|block, _| { block.failed = true; Err(not_yet("cluster", "there are no clusters")) })),
];

fn read_destination(value: &Value, report: &mut Report) -> Option<Destination> {
    let Ok(map) = value.as_map() else {
        report.refuse(value, "Expected an entry for the mapping destination");
        return None;
    };
    let (mut block, before) = (Block::default(), report.errors.len());
    read_block(map, TABLE, UNKNOWN, &mut block, report);
    if report.errors.len() > before || block.failed {
        return None;
    }
    let Some(weight) = block.weight else {
        report.refuse(value, format!("Missing weight for mapping destination {}", quote(&block.subject)));
        return None;
    };
    Some(Destination { subject: block.subject, weight, cluster: None })
}

fn weight(block: &mut Block, entry: &Entry, report: &mut Report) {
    let weight = match &entry.value.data {
        Data::Integer(weight) => Ok(*weight),
        Data::String(text) => {
            let number = text.strip_suffix('%').unwrap_or(text);
            number.parse().map_err(|_| format!("Invalid weight {} for mapping destination", quote(number)))
        }
        other => Err(format!("Unknown entry type for weight of {}", other.type_name())),
    };
    let weight = weight.and_then(|weight| {
        let percent = u8::try_from(weight).ok().filter(|weight| *weight <= WEIGHT_MAX);
        percent.ok_or_else(|| format!("Invalid weight {weight} for mapping destination"))
    });
    match weight {
        Ok(weight) => block.weight = Some(weight),
        Err(reason) => report.refuse(&entry.value, reason),
    }
}
