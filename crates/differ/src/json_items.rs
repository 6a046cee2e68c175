//! JSON as a list of values, each with its path, so that two of them can be compared line by line.

use std::cmp::Ordering;

use serde_json::Value;

use crate::names::Names;
use crate::text::escape;

/// Fields whose values two servers cannot share: times, versions, what the machine or the process is. That
/// they are there is compared.
const BLANKED: [&str; 34] = [
    "server_id",
    "server_name",
    "version",
    "go",
    "port",
    "http_port",
    "client_id",
    "nonce",
    "xkey",
    "now",
    "start",
    "stop",
    "uptime",
    "last_activity",
    "rtt",
    "idle",
    "cpu",
    "mem",
    "cores",
    "gomaxprocs",
    "gomemlimit",
    "config_load_time",
    "config_digest",
    "update_time",
    "cache_hit_rate",
    "num_cache",
    "num_inserts",
    "num_removes",
    "num_matches",
    "max_fanout",
    "avg_fanout",
    "tls_cert_not_after",
    "waits",
    "wait_time",
];

/// The values of `json`, as `.path value`, sorted by path.
///
/// Lists of objects that have a `cid` are in the order of the connections; other lists keep theirs.
#[must_use]
pub fn items(json: &Value, names: &Names) -> Vec<String> {
    let mut items = Vec::new();
    walk(&mut items, "", json, names);
    items
}

fn walk(items: &mut Vec<String>, path: &str, value: &Value, names: &Names) {
    let name = path.rsplit(['.', ']']).next().unwrap_or(path);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            // serde_json keeps fields sorted by name.
            for (field, value) in fields {
                walk(items, &format!("{path}.{}", escape(field.as_bytes())), value, names);
            }
        }
        Value::Array(values) if !values.is_empty() => {
            for (index, value) in values.iter().enumerate() {
                walk(items, &format!("{path}[{index}]"), value, names);
            }
        }
        _ if BLANKED.contains(&name) => items.push(format!("{path} <{}>", kind(value))),
        Value::Number(cid) if name == "cid" => {
            let conn = cid.as_u64().and_then(|cid| names.conn_of(cid));
            items.push(format!("{path} {}", conn.map_or("unknown".to_owned(), |conn| format!("CONN{conn}"))));
        }
        Value::String(text) => items.push(format!("{path} \"{}\"", escape(names.apply(text).as_bytes()))),
        other => items.push(format!("{path} {other}")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        Value::Null => "null",
        Value::Array(_) | Value::Object(_) => "empty",
    }
}

/// Puts lists whose order is free into an order: subscriptions, and connections that the answer sorts by
/// something two of them share.
pub fn settle(json: &mut Value, names: &Names) {
    match json {
        Value::Object(fields) => {
            if let Some(Value::Array(subs)) = fields.get_mut("subscriptions_list") {
                let listed = subs.len();
                subs.retain(|sub| !is_inner(sub, names));
                let (inner, is_empty) = (listed - subs.len(), subs.is_empty());
                if let Some(total) = fields.get_mut("total") {
                    *total = total.as_u64().map(|total| total.saturating_sub(inner as u64)).into();
                }
                if is_empty {
                    fields.remove("subscriptions_list");
                }
            }
            for (name, value) in fields.iter_mut() {
                settle(value, names);
                if let (true, Value::Array(values)) = (FREE.contains(&name.as_str()), &mut *value) {
                    values.sort_by(|one, other| order(one, other, names));
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| settle(value, names)),
        _ => {}
    }
}

/// A subscription of no client: nats-server has some of its own (docs/differences.md).
fn is_inner(sub: &Value, names: &Names) -> bool {
    sub["cid"].as_u64().is_some_and(|cid| names.conn_of(cid).is_none())
}

/// Lists that nats-server fills from a map.
const FREE: [&str; 5] =
    ["subscriptions_list", "subscriptions_list_detail", "accounts", "account_statz", "mappings"];

fn order(one: &Value, other: &Value, names: &Names) -> Ordering {
    let key = |value: &Value| items(value, names);
    key(one).cmp(&key(other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_have_their_paths_and_what_cannot_be_alike_is_blanked() {
        let mut names = Names::default();
        names.learn_cid(7, 0);
        let value = json!({"b": [1, {"cid": 7, "x": "é"}], "now": "2026", "a": {}, "rtt": 1});
        let expected =
            [".a {}", ".b[0] 1", ".b[1].cid CONN0", ".b[1].x \"\\xc3\\xa9\"", ".now <text>", ".rtt <number>"];
        assert_eq!(items(&value, &names), expected);
    }

    #[test]
    fn subscriptions_of_no_client_are_left_out_and_not_counted() {
        let mut names = Names::default();
        names.learn_cid(7, 0);
        let mut value =
            json!({"total": 2, "subscriptions_list": [{"cid": 1, "sid": "1"}, {"cid": 7, "sid": "9"}]});
        settle(&mut value, &names);
        let expected = json!({"total": 1, "subscriptions_list": [{"cid": 7, "sid": "9"}]});
        assert_eq!(value, expected);
        let mut value = json!({"total": 1, "subscriptions_list": [{"cid": 1, "sid": "1"}]});
        settle(&mut value, &names);
        assert_eq!(value, json!({"total": 0}));
    }

    #[test]
    fn lists_without_an_order_get_one() {
        let names = Names::default();
        let mut value = json!({"list": [2, 1], "d": {"subscriptions_list": ["b", "a"]}});
        settle(&mut value, &names);
        assert_eq!(value, json!({"list": [2, 1], "d": {"subscriptions_list": ["a", "b"]}}));
    }
}
