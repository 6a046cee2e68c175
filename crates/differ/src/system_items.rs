//! What the system account is answered, as items that can be compared: without what the machine and the process are.

use serde_json::{Map, Value};

use crate::json_items;
use crate::names::Names;
use crate::server_ops::Message;
use crate::text::escape;

/// Of what a server says of itself, the fields that two servers can share.
const SHARED: [&str; 3] = ["tags", "metadata", "jetstream"];

/// One that only nats-server has (docs/differences.md).
const FLAGS: &str = "feature_flags";

/// Counts of a server that tell what it has, and not what it did.
const KEPT: [&str; 2] = ["connections", "active_accounts"];

/// An answer by what is in it. What is asked for stands there as if it came over HTTP.
#[must_use]
pub fn items(message: &Message<'_>, names: &Names) -> Vec<String> {
    let first = message.verb.to_owned();
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(message.body) else {
        let text = names.apply(&escape(message.body));
        return vec![first, text];
    };
    let mut items = vec![first];
    if let Some(Value::Object(server)) = answer.remove("server") {
        items.extend(
            server.iter().filter(|(name, _)| *name != FLAGS).map(|(name, value)| of_server(name, value)),
        );
    }
    if let Some(Value::Object(statsz)) = answer.remove("statsz") {
        add(&mut items, Value::Object(blanked(statsz)), names);
    }
    if let Some(data) = answer.remove("data") {
        add(&mut items, data, names);
    }
    add(&mut items, Value::Object(answer), names);
    items
}

fn of_server(name: &str, value: &Value) -> String {
    if SHARED.contains(&name) { format!("server.{name} {value}") } else { format!("server.{name}") }
}

/// What hangs on how long answers are or on when a request counts, or is another one each time.
const BLANKED: [&str; 9] =
    ["bytes", "host", "id", "in_bytes", "in_msgs", "name", "out_bytes", "timestamp", "ver"];

/// Lists that nats-server fills from a map, and with some of its own (docs/differences.md).
const SHARED_SUBJECTS: [&str; 2] = ["exports", "imports"];

fn is_of_server(subject: &str) -> bool {
    subject.starts_with("$SYS.")
}

fn is_of_server_alone(list: &Value) -> bool {
    let mut rows = list.as_array().into_iter().flatten();
    rows.all(|row| row["subject"].as_str().is_some_and(is_of_server))
}

/// What two servers cannot share, as what it is of.
fn without_luck(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| {
                !(SHARED_SUBJECTS.contains(&name.as_str()) && is_of_server_alone(value))
            });
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::Array(rows) if SHARED_SUBJECTS.contains(&name.as_str()) => {
                        rows.retain(|row| !row["subject"].as_str().is_some_and(is_of_server));
                        rows.sort_by_key(Value::to_string);
                    }
                    Value::Number(_) | Value::String(_) if BLANKED.contains(&name.as_str()) => {
                        *value = Value::from("<any>");
                    }
                    value => without_luck(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(without_luck),
        _ => {}
    }
}

fn add(items: &mut Vec<String>, mut json: Value, names: &Names) {
    if json.as_object().is_some_and(Map::is_empty) {
        return;
    }
    json_items::settle(&mut json, names);
    without_luck(&mut json);
    items.extend(json_items::items(&json, names));
}

/// What a server did hangs on what it says to itself.
fn blanked(fields: Map<String, Value>) -> Map<String, Value> {
    let blank = |name: &str, value: Value| match value {
        Value::Number(_) if !KEPT.contains(&name) => Value::from("<number>"),
        Value::Object(inner) => Value::Object(blanked(inner)),
        value => value,
    };
    fields.into_iter().map(|(name, value)| (name.clone(), blank(&name, value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> Vec<String> {
        let message =
            Message { verb: "MSG", subject: b"_R.1", sid: b"y1_0", tail: b"1", body: body.as_bytes() };
        items(&message, &Names::default())
    }

    #[test]
    fn answers_are_taken_apart() {
        let answer = r#"{"server":{"name":"S","id":"N1","seq":7},"data":{"b":[1],"now":"2026"}}"#;
        assert_eq!(of(answer), ["MSG", "server.id", "server.name", "server.seq", ".b[0] 1", ".now <text>"]);
        let stats = r#"{"statsz":{"mem":5,"connections":2,"sent":{"msgs":3}}}"#;
        assert_eq!(of(stats), ["MSG", ".connections 2", ".mem <text>", ".sent.msgs \"<number>\""]);
        assert_eq!(of(r#"{"error":{"code":400}}"#), ["MSG", ".error.code 400"]);
        assert_eq!(of("NATS/1.0 503\r\n\r\n"), ["MSG", "NATS/1.0 503\\r\\n\\r\\n"]);
    }
}
