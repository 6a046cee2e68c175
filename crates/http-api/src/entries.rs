//! What a bucket of keys and values has, one entry after the other: its keys, what became of a key, and what becomes of them
//! from now on. And objects of a bucket, which are kept in the same way.

use serde_json::{Map, Value, json};

use crate::answer::JSON;
use crate::call::{Call, filter};
use crate::events::{Format, Writer};
use crate::js_messages::OfStream;
use crate::js_read::{from_seq, reading, seen};
use crate::kv::{Key, OPERATION, bucket};
use crate::message::Received;
use crate::problem::Problem;
use crate::step::{Follow, Source, Step};

/// `GET /v1/kvm/buckets/{b}/keys`: those that have a value, as a list of names.
pub(crate) fn keys(call: &Call<'_>) -> Result<Step, Problem> {
    let policy = json!({ "deliver_policy": "last_per_subject", "headers_only": true });
    let follow = entries(call, "key", policy)?;
    Ok(Step::Follow(whole(call, Source::Keys, follow)?))
}

/// `GET /v1/kvm/buckets/{b}/watch`: what the keys have now, and then what becomes of them.
pub(crate) fn watch(call: &Call<'_>) -> Result<Step, Problem> {
    let (history, new) = (call.parameters.switch("history")?, call.parameters.switch("new")?);
    let policy = match (seen(call)?, history, new) {
        (Some(seen), ..) => from_seq(seen.saturating_add(1)),
        (None, true, true) => return Err(Problem::bad("there is one of history and new")),
        (None, true, false) => json!({ "deliver_policy": "all" }),
        (None, false, true) => json!({ "deliver_policy": "new" }),
        (None, false, false) => json!({ "deliver_policy": "last_per_subject" }),
    };
    Ok(Step::Follow(Follow { source: Source::Values, ..entries(call, "key", policy)? }))
}

/// `GET /v1/kv/{b}/{k}/history`: all values that are kept of a key, the first one first.
pub(crate) fn history(call: &Call<'_>) -> Result<Step, Problem> {
    let key = Key::of(call)?;
    let start = fields(json!({ "deliver_policy": "all" }));
    let follow = reading(call, &key.stream(), &[&key.subject()], start)?;
    Ok(Step::Follow(whole(call, Source::Values, follow)?))
}

/// Ends with the last one that is there. So it may be a list, however long.
pub(crate) fn whole(call: &Call<'_>, source: Source, follow: Follow) -> Result<Follow, Problem> {
    let format = if call.accepts(JSON) { Format::List } else { follow.format };
    let (limit, timeout) = (call.parameters.number("limit")?, call.parameters.time("timeout")?);
    Ok(Follow { source, format, limit, timeout, ends_at_last: true, ..follow })
}

fn entries(call: &Call<'_>, parameter: &str, policy: Value) -> Result<Follow, Problem> {
    let name = bucket(call)?;
    let keys: Result<Vec<&str>, Problem> = call.parameters.texts(parameter).map(filter).collect();
    let mut subjects: Vec<String> = keys?.iter().map(|key| format!("$KV.{name}.{key}")).collect();
    if subjects.is_empty() {
        subjects.push(format!("$KV.{name}.>"));
    }
    let filters: Vec<&str> = subjects.iter().map(String::as_str).collect();
    reading(call, &format!("KV_{name}"), &filters, fields(policy))
}

/// The fields of what is said of a consumer.
pub(crate) fn fields(policy: Value) -> Map<String, Value> {
    policy.as_object().cloned().unwrap_or_default()
}

/// Tells an entry of a bucket as its source has it; nothing of one that does not count. Messages as they are have no business
/// here.
pub fn entry(source: Source, of: &OfStream, writer: &mut Writer) -> Option<Vec<u8>> {
    match source {
        Source::Subject | Source::Stream => None,
        Source::Keys => {
            let (_, key) = placed(&of.message)?;
            let is_there = of.message.header(OPERATION).is_none();
            is_there.then(|| writer.value("key", Some(of.seq), &key.into()))
        }
        Source::Values => {
            let (name, key) = placed(&of.message)?;
            let operation = of.message.header(OPERATION).unwrap_or_else(|| "PUT".to_owned());
            let mut body = of.message.json(writer.shape());
            // Headers are what servers are told with a value, and no part of it.
            body.remove("subject");
            body.remove("header");
            body.extend(fields(
                json!({ "bucket": name, "key": key, "revision": of.seq, "operation": operation }),
            ));
            Some(writer.value("update", Some(of.seq), &body.into()))
        }
        Source::Objects => {
            let told: Value = serde_json::from_slice(&of.message.payload).ok()?;
            (told["deleted"] != true).then(|| writer.value("object", Some(of.seq), &told))
        }
    }
}

/// The bucket and the key that a message is of.
fn placed(message: &Received) -> Option<(&str, &str)> {
    message.subject.strip_prefix("$KV.")?.split_once('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Shape;

    fn told(source: Source, headers: &str) -> Option<String> {
        let message = Received {
            subject: "$KV.prices.a.b".into(),
            headers: headers.into(),
            payload: b"{}".to_vec(),
            ..Received::default()
        };
        let of = OfStream { message, seq: 7, pending: 0 };
        let mut writer = Writer::new(Format::Lines, Shape::Text);
        Some(String::from_utf8(entry(source, &of, &mut writer)?).unwrap())
    }

    #[test]
    fn what_is_deleted_is_no_key_but_something_that_became_of_it() {
        let deleted = "NATS/1.0\r\nKV-Operation: DEL\r\n\r\n";
        assert_eq!(told(Source::Keys, "").as_deref(), Some("\"a.b\"\n"));
        assert_eq!(told(Source::Keys, deleted), None);
        let value: Value = serde_json::from_str(&told(Source::Values, deleted).unwrap()).unwrap();
        assert_eq!(
            (&value["key"], &value["revision"], &value["operation"]),
            (&json!("a.b"), &json!(7), &json!("DEL"))
        );
        assert_eq!(told(Source::Objects, "").as_deref(), Some("{}\n"));
        assert_eq!(told(Source::Stream, ""), None);
    }
}
