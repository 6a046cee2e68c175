//! Keys and values, as clients keep them: a bucket is a stream, a key the end of a subject, a revision a sequence.

use std::time::Duration;

use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use crate::answer::{empty, json, put};
use crate::call::{Call, filter, literal};
use crate::headers::block;
use crate::js_ask::{gone, js_ask, js_ask_either, object, passed};
use crate::js_problem::js_problem;
use crate::js_read::Stored;
use crate::problem::{Kind, Problem};
use crate::step::{Outgoing, Step, ask_one};
use crate::subjects::replied;

/// Says what became of a key that has no value.
pub(crate) const OPERATION: &str = "KV-Operation";

/// The sequence that the last message of the subject has to have.
const EXPECTED: &[u8] = b"Nats-Expected-Last-Subject-Sequence";

/// A key of a bucket.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    bucket: String,
    key: String,
    timeout: Duration,
}

impl Key {
    pub(crate) fn of(call: &Call<'_>) -> Result<Self, Problem> {
        let key = Self {
            bucket: bucket(call)?.to_owned(),
            key: call.place(1).to_owned(),
            timeout: call.timeout()?,
        };
        literal(&key.key).map_err(|_| Problem::bad(format!("{:?} is no key", key.key)))?;
        Ok(key)
    }

    pub(crate) fn subject(&self) -> String {
        format!("$KV.{}.{}", self.bucket, self.key)
    }

    pub(crate) fn stream(&self) -> String {
        format!("KV_{}", self.bucket)
    }

    /// Asks for what is kept, of some revision or the last.
    fn get(
        &self,
        revision: Option<u64>,
        then: impl FnOnce(Result<Stored, Problem>) -> Step + 'static,
    ) -> Step {
        let subject = self.subject();
        let body = revision.map_or_else(|| json!({ "last_by_subj": subject }), |seq| json!({ "seq": seq }));
        let missing = self.missing();
        js_ask_either(&format!("STREAM.MSG.GET.{}", self.stream()), &body, self.timeout, move |answer| {
            let stored = answer.and_then(|said| Stored::read(&said));
            // A revision may be that of another key.
            then(
                stored.and_then(
                    |stored| if stored.message.subject == subject { Ok(stored) } else { Err(missing) },
                ),
            )
        })
    }

    fn missing(&self) -> Problem {
        Problem::new(Kind::NotFound, format!("there is no key {:?} in bucket {:?}", self.key, self.bucket))
    }

    /// Keeps a message; `then` hears its revision.
    fn keep(
        &self,
        fields: &[(&[u8], &[u8])],
        value: &[u8],
        then: impl FnOnce(Result<u64, Problem>) -> Step + 'static,
    ) -> Step {
        let headers = block(fields.iter().copied());
        let message = Outgoing { headers, ..Outgoing::new(self.subject(), value) };
        ask_one(message, self.timeout, move |reply| {
            let said: Value = serde_json::from_slice(&reply.payload).unwrap_or_default();
            let odd = || Problem::new(Kind::Failed, "what answered is no bucket");
            then(match js_problem(&said) {
                Some(problem) => Err(problem),
                None => said["seq"].as_u64().ok_or_else(odd),
            })
        })
    }

    fn kept(&self, status: StatusCode, revision: u64) -> Step {
        let body = json!({ "bucket": self.bucket, "key": self.key, "revision": revision });
        let mut answer = json(status, &body);
        put(&mut answer, ETAG, format!("\"{revision}\"").as_bytes());
        put(&mut answer, REVISION, revision.to_string().as_bytes());
        Step::Answer(answer)
    }
}

const REVISION: HeaderName = HeaderName::from_static("x-nats-kv-revision");
const KV_OPERATION: HeaderName = HeaderName::from_static("x-nats-kv-operation");

/// The bucket that the path names.
pub(crate) fn bucket<'c>(call: &'c Call<'_>) -> Result<&'c str, Problem> {
    let name = call.place(0);
    let is_one =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_one { Ok(name) } else { Err(Problem::bad(format!("{name:?} is no name of a bucket"))) }
}

/// `GET`.
pub(crate) fn get(call: &Call<'_>) -> Result<Step, Problem> {
    let key = Key::of(call)?;
    let revision = call.parameters.number("revision")?;
    let missing = key.missing();
    Ok(key.get(revision, move |stored| match stored {
        Ok(stored) if stored.message.header(OPERATION).is_none() => Step::Answer(entry(&stored)),
        Ok(stored) => {
            let mut answer = missing.answer();
            put(&mut answer, KV_OPERATION, stored.message.header(OPERATION).unwrap_or_default().as_bytes());
            put(&mut answer, REVISION, stored.seq.to_string().as_bytes());
            Step::Answer(answer)
        }
        Err(problem) => problem.into(),
    }))
}

fn entry(stored: &Stored) -> crate::Answer {
    let mut answer = replied(&stored.message, None);
    stored.mark(&mut answer);
    put(&mut answer, ETAG, format!("\"{}\"", stored.seq).as_bytes());
    put(&mut answer, REVISION, stored.seq.to_string().as_bytes());
    answer
}

/// `PUT`: keeps the value, of a revision if one is said.
pub(crate) fn put_value(call: &Call<'_>) -> Result<Step, Problem> {
    if call.asked.headers.get(IF_NONE_MATCH).is_some_and(|tag| tag == "*") {
        return create(call);
    }
    let key = Key::of(call)?;
    let (expected, is_condition) = expected(call)?;
    let expected = expected.map(|revision| revision.to_string());
    let fields: Vec<(&[u8], &[u8])> =
        expected.iter().map(|revision| (EXPECTED, revision.as_bytes())).collect();
    let told = key.clone();
    Ok(key.keep(&fields, call.asked.body, move |kept| match kept {
        Ok(revision) => told.kept(StatusCode::OK, revision),
        Err(problem) => conditional(problem, is_condition).into(),
    }))
}

/// The revision that is to be there, and whether `If-Match` says so.
fn expected(call: &Call<'_>) -> Result<(Option<u64>, bool), Problem> {
    if let Some(revision) = call.parameters.number("previousRevision")? {
        return Ok((Some(revision), false));
    }
    let Some(tag) = call.asked.headers.get(IF_MATCH) else { return Ok((None, false)) };
    let revision = tag.to_str().ok().and_then(|tag| tag.trim_matches('"').parse().ok());
    let odd = || Problem::bad("If-Match is the ETag of a value, as \"7\"");
    Ok((Some(revision.ok_or_else(odd)?), true))
}

/// A condition in a header that does not hold has a status of its own.
fn conditional(problem: Problem, is_condition: bool) -> Problem {
    match problem.kind {
        Kind::Conflict if is_condition => Problem { kind: Kind::Precondition, ..problem },
        _ => problem,
    }
}

/// `POST`: keeps the value if there is none. One that was deleted is none.
pub(crate) fn create(call: &Call<'_>) -> Result<Step, Problem> {
    let (key, value) = (Key::of(call)?, call.asked.body.to_vec());
    let is_condition = call.asked.headers.contains_key(IF_NONE_MATCH);
    let again = key.clone();
    Ok(key.keep(&[(EXPECTED, b"0")], call.asked.body, move |kept| match kept {
        Ok(revision) => again.kept(StatusCode::CREATED, revision),
        Err(problem) if problem.kind == Kind::Conflict => {
            let told = again.clone();
            again.get(None, move |stored| match stored {
                Ok(stored) if stored.message.header(OPERATION).is_some() => revive(told, stored.seq, &value),
                _ => {
                    conditional(Problem { detail: "the key has a value".to_owned(), ..problem }, is_condition)
                        .into()
                }
            })
        }
        Err(problem) => problem.into(),
    }))
}

fn revive(key: Key, deleted: u64, value: &[u8]) -> Step {
    let told = key.clone();
    key.keep(&[(EXPECTED, deleted.to_string().as_bytes())], value, move |kept| match kept {
        Ok(revision) => told.kept(StatusCode::CREATED, revision),
        Err(problem) => problem.into(),
    })
}

/// `DELETE`: takes the value away; with `purge` all earlier ones as well.
pub(crate) fn delete(call: &Call<'_>) -> Result<Step, Problem> {
    let key = Key::of(call)?;
    let (expected, is_condition) = expected(call)?;
    let expected = expected.map(|revision| revision.to_string());
    let mut fields: Vec<(&[u8], &[u8])> =
        expected.iter().map(|revision| (EXPECTED, revision.as_bytes())).collect();
    if call.parameters.switch("purge")? {
        fields.extend([(OPERATION.as_bytes(), &b"PURGE"[..]), (b"Nats-Rollup", b"sub")]);
    } else {
        fields.push((OPERATION.as_bytes(), b"DEL"));
    }
    Ok(key.keep(&fields, b"", move |kept| match kept {
        Ok(_) => Step::Answer(empty(StatusCode::NO_CONTENT)),
        Err(problem) => conditional(problem, is_condition).into(),
    }))
}

/// `GET /v1/kvm/buckets`: their names.
pub(crate) fn buckets(call: &Call<'_>) -> Result<Step, Problem> {
    let body = json!({ "subject": "$KV.*.>" });
    Ok(js_ask("STREAM.NAMES", &body, call.timeout()?, |said| {
        let names = said["streams"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let buckets: Vec<&str> = names.filter_map(|name| name.strip_prefix("KV_")).collect();
        Step::Answer(json(StatusCode::OK, &json!({ "buckets": buckets })))
    }))
}

/// `GET /v1/kvm/buckets/{b}`: the stream that it is.
pub(crate) fn bucket_info(call: &Call<'_>) -> Result<Step, Problem> {
    Ok(js_ask(&format!("STREAM.INFO.KV_{}", bucket(call)?), &Value::Null, call.timeout()?, passed))
}

/// `PUT /v1/kvm/buckets/{b}`.
pub(crate) fn put_bucket(call: &Call<'_>) -> Result<Step, Problem> {
    let (name, asked) = (bucket(call)?, object(call)?);
    let known = ["description", "history", "ttl", "max_bytes", "max_value_size", "storage", "replicas"];
    if let Some(unknown) = asked.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Problem::bad(format!("no field {unknown:?}: there are {}", known.join(", "))));
    }
    let given = |field: &str, default: Value| asked.get(field).cloned().unwrap_or(default);
    let ttl = asked
        .get("ttl")
        .map(|ttl| crate::js_streams::nanoseconds(ttl, "ttl"))
        .transpose()?
        .unwrap_or_default();
    /// How long the stream remembers which messages it has, in nanoseconds: as clients have it.
    const DUPLICATES_NS: u64 = 120_000_000_000;
    let duplicates = if ttl == 0 { DUPLICATES_NS } else { ttl.min(DUPLICATES_NS) };
    let body = json!({
        "name": format!("KV_{name}"),
        "subjects": [format!("$KV.{name}.>")],
        "description": given("description", "".into()),
        "max_msgs_per_subject": given("history", 1.into()),
        "max_age": ttl,
        "max_bytes": given("max_bytes", (-1).into()),
        "max_msg_size": given("max_value_size", (-1).into()),
        "storage": given("storage", "file".into()),
        "num_replicas": given("replicas", 1.into()),
        "discard": "new", "deny_delete": true, "allow_rollup_hdrs": true, "allow_direct": true,
        "max_consumers": -1, "max_msgs": -1, "duplicate_window": duplicates,
    });
    Ok(js_ask(&format!("STREAM.CREATE.KV_{name}"), &body, call.timeout()?, |said| {
        Step::Answer(json(StatusCode::CREATED, &said))
    }))
}

/// `POST /v1/kvm/buckets/{b}/purge`: takes all values out, or those of the keys that are named.
pub(crate) fn purge_bucket(call: &Call<'_>) -> Result<Step, Problem> {
    let name = bucket(call)?;
    let key = call.parameters.text("key").map(filter).transpose()?;
    let body = key.map_or(Value::Null, |key| json!({ "filter": format!("$KV.{name}.{key}") }));
    Ok(js_ask(&format!("STREAM.PURGE.KV_{name}"), &body, call.timeout()?, passed))
}

/// `DELETE /v1/kvm/buckets/{b}`.
pub(crate) fn delete_bucket(call: &Call<'_>) -> Result<Step, Problem> {
    Ok(js_ask(&format!("STREAM.DELETE.KV_{}", bucket(call)?), &Value::Null, call.timeout()?, gone))
}
