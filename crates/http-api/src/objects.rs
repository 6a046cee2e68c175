//! Objects, as clients keep them: a message tells of one, and others have its parts, each as large as a message may well be.

use std::time::Duration;

use data_encoding::BASE64URL;
use http::header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::answer::{empty, json, put};
use crate::call::Call;
use crate::entries::{fields, whole};
use crate::events::Format;
use crate::headers::block;
use crate::js_ask::{gone, js_ask, js_ask_either, object, passed};
use crate::js_problem::js_problem;
use crate::js_read::{Stored, reading};
use crate::js_streams::{NO_MESSAGE, nanoseconds};
use crate::kv::bucket;
use crate::problem::{Kind, Problem};
use crate::step::{Follow, Outgoing, Source, Step, ask_one};

/// Bytes of a part, as clients have it.
const PART_BYTES: usize = 128 << 10;

/// Bytes of an object that is put: all of it is kept here meanwhile. A client of NATS puts larger ones.
pub(crate) const OBJECT_BYTES_MAX: usize = 64 << 20;

/// An object of a bucket.
#[derive(Debug, Clone)]
struct Object {
    bucket: String,
    name: String,
    timeout: Duration,
}

impl Object {
    fn of(call: &Call<'_>) -> Result<Self, Problem> {
        let name = call.place(1).to_owned();
        if name.is_empty() {
            return Err(Problem::bad("an object has a name"));
        }
        Ok(Self { bucket: bucket(call)?.to_owned(), name, timeout: call.timeout()? })
    }

    fn stream(&self) -> String {
        format!("OBJ_{}", self.bucket)
    }

    /// Where it is told of.
    fn subject(&self) -> String {
        format!("$O.{}.M.{}", self.bucket, BASE64URL.encode(self.name.as_bytes()))
    }

    /// Where the parts of one are.
    fn parts(&self, nuid: &str) -> String {
        format!("$O.{}.C.{nuid}", self.bucket)
    }

    /// Asks what is told of it; `then` hears nothing if there is none.
    fn look(&self, then: impl FnOnce(Option<Value>) -> Step + 'static) -> Step {
        let body = json!({ "last_by_subj": self.subject() });
        js_ask_either(
            &format!("STREAM.MSG.GET.{}", self.stream()),
            &body,
            self.timeout,
            |answer| match answer.and_then(|said| Stored::read(&said)) {
                Ok(stored) => {
                    let told: Option<Value> = serde_json::from_slice(&stored.message.payload).ok();
                    then(told.filter(|told| told["deleted"] != true))
                }
                Err(problem) if problem.nats.as_ref().is_some_and(|(_, number, _)| *number == NO_MESSAGE) => {
                    then(None)
                }
                Err(problem) => problem.into(),
            },
        )
    }

    fn missing(&self) -> Step {
        let detail = format!("there is no object {:?} in bucket {:?}", self.name, self.bucket);
        Problem::new(Kind::NotFound, detail).into()
    }

    /// Keeps a message; `then` hears what went wrong.
    fn keep(&self, message: Outgoing, then: impl FnOnce(Result<(), Problem>) -> Step + 'static) -> Step {
        ask_one(message, self.timeout, move |reply| {
            let said: Value = serde_json::from_slice(&reply.payload).unwrap_or_default();
            let odd = || Problem::new(Kind::Failed, "what answered is no bucket");
            then(match js_problem(&said) {
                Some(problem) => Err(problem),
                None => said["seq"].as_u64().map(|_| ()).ok_or_else(odd),
            })
        })
    }

    /// Tells of it; what was told before goes.
    fn tell(&self, told: &Value, then: impl FnOnce(Result<(), Problem>) -> Step + 'static) -> Step {
        let headers = block([(&b"Nats-Rollup"[..], &b"sub"[..])].into_iter());
        let message = Outgoing { headers, ..Outgoing::new(self.subject(), told.to_string()) };
        self.keep(message, then)
    }

    /// Takes the parts of one away, and goes on whether that went well or not: what nobody tells of harms nobody.
    fn clear(&self, nuid: &str, then: impl FnOnce() -> Step + 'static) -> Step {
        let body = json!({ "filter": self.parts(nuid) });
        js_ask_either(&format!("STREAM.PURGE.{}", self.stream()), &body, self.timeout, |_| then())
    }
}

/// `GET /v1/objm/buckets/{b}/objects/{name}`: what is told of it.
pub(crate) fn object_info(call: &Call<'_>) -> Result<Step, Problem> {
    let object = Object::of(call)?;
    let told = object.clone();
    Ok(object.look(move |info| match info {
        Some(info) => Step::Answer(json(StatusCode::OK, &info)),
        None => told.missing(),
    }))
}

/// `GET /v1/objm/buckets/{b}/objects`: what is told of each, as a list.
pub(crate) fn objects(call: &Call<'_>) -> Result<Step, Problem> {
    let name = bucket(call)?;
    let start = fields(json!({ "deliver_policy": "last_per_subject" }));
    let follow = reading(call, &format!("OBJ_{name}"), &[&format!("$O.{name}.M.>")], start)?;
    Ok(Step::Follow(whole(call, Source::Objects, follow)?))
}

/// `GET`: its parts, one behind the other.
pub(crate) fn get_object(call: &Call<'_>) -> Result<Step, Problem> {
    let object = Object::of(call)?;
    let seen = call.asked.headers.get(IF_NONE_MATCH).cloned();
    // Parts are read as a stream is, once it is known which.
    let any = reading(call, &object.stream(), &[ANY_PARTS], fields(json!({ "deliver_policy": "all" })))?;
    let told = object.clone();
    Ok(object.look(move |info| match info {
        None => told.missing(),
        Some(info) => told.read(&info, seen.as_ref(), any),
    }))
}

/// Stands for the parts of the object before it is known which they are.
const ANY_PARTS: &str = "$O.*.C.*";

impl Object {
    fn read(&self, info: &Value, seen: Option<&HeaderValue>, any: Follow) -> Step {
        if !info["options"]["link"].is_null() {
            let detail = format!("{:?} is a link to {}", self.name, info["options"]["link"]);
            return Problem::new(Kind::Conflict, detail).into();
        }
        let head = head(info);
        if seen.is_some() && seen == head.get(ETAG) {
            return Step::Answer(marked(empty(StatusCode::NOT_MODIFIED), head));
        }
        let number = |field: &str| info[field].as_u64().and_then(|number| usize::try_from(number).ok());
        let (Some(chunks), Some(nuid)) = (number("chunks"), info["nuid"].as_str()) else {
            return Problem::new(Kind::Failed, "what is told of the object is not understood").into();
        };
        if chunks == 0 {
            return Step::Answer(marked(empty(StatusCode::OK), head));
        }
        let begin = any.begin.map(|begin| {
            let asked =
                String::from_utf8_lossy(&begin.payload).replace(ANY_PARTS, &escaped(&self.parts(nuid)));
            Outgoing { payload: asked.into_bytes(), ..begin }
        });
        Step::Follow(Follow {
            begin,
            head,
            format: Format::Payloads,
            limit: Some(chunks),
            timeout: None,
            ..any
        })
    }
}

/// Text as it stands within a string of JSON.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// What goes with the bytes of an object.
fn head(info: &Value) -> HeaderMap {
    let mut answer = empty(StatusCode::OK);
    let size = info["size"].as_u64().unwrap_or_default();
    put(&mut answer, CONTENT_LENGTH, size.to_string().as_bytes());
    if let Some(digest) = info["digest"].as_str() {
        put(&mut answer, ETAG, format!("\"{digest}\"").as_bytes());
    }
    // What somebody kept is shown by no browser as a page of this server's.
    put(&mut answer, X_CONTENT_TYPE_OPTIONS, b"nosniff");
    put(&mut answer, CONTENT_SECURITY_POLICY, b"sandbox; default-src 'none'");
    std::mem::take(answer.headers_mut())
}

fn marked(mut answer: crate::Answer, mut head: HeaderMap) -> crate::Answer {
    head.remove(CONTENT_LENGTH);
    answer.headers_mut().extend(head);
    answer
}

/// `PUT`: keeps the body as an object; what it was before goes once it is there.
pub(crate) fn put_object(call: &Call<'_>) -> Result<Step, Problem> {
    let object = Object::of(call)?;
    let body = call.asked.body;
    let nuid = (call.asked.unique)();
    let part_bytes = PART_BYTES.min(call.asked.limits.payload_bytes_max.max(1));
    let digest = format!("SHA-256={}", BASE64URL.encode(&Sha256::digest(body)));
    let told = json!({
        "name": object.name, "bucket": object.bucket, "nuid": nuid, "size": body.len(),
        "chunks": body.len().div_ceil(part_bytes), "digest": digest,
        "options": { "max_chunk_size": part_bytes },
    });
    let putting =
        Putting { object: object.clone(), nuid, body: body.to_vec(), part_bytes, told, at: 0, old: None };
    Ok(object.look(move |old| Putting { old, ..putting }.go_on()))
}

/// An object on its way.
struct Putting {
    object: Object,
    nuid: String,
    body: Vec<u8>,
    part_bytes: usize,
    told: Value,
    /// Bytes that are kept already.
    at: usize,
    /// What was told of it before.
    old: Option<Value>,
}

impl Putting {
    /// The next part, or that all are there. Each is kept before the next one is sent.
    fn go_on(mut self) -> Step {
        let object = self.object.clone();
        let Some(part) = self.body.get(self.at..).and_then(|rest| rest.chunks(self.part_bytes).next()) else {
            let told = self.told.clone();
            return object.tell(&told, |kept| self.end(kept));
        };
        let message = Outgoing::new(object.parts(&self.nuid), part);
        self.at += part.len();
        object.keep(message, |kept| match kept {
            Ok(()) => self.go_on(),
            Err(problem) => self.end(Err(problem)),
        })
    }

    fn end(self, kept: Result<(), Problem>) -> Step {
        let object = self.object;
        let answer = match &kept {
            Ok(()) => json(StatusCode::OK, &self.told),
            Err(problem) => problem.answer(),
        };
        let old = self.old.as_ref().and_then(|old| old["nuid"].as_str()).map(ToOwned::to_owned);
        let gone = if kept.is_ok() { old } else { Some(self.nuid) };
        match gone {
            Some(nuid) => object.clear(&nuid, || Step::Answer(answer)),
            None => Step::Answer(answer),
        }
    }
}

/// `DELETE`.
pub(crate) fn delete_object(call: &Call<'_>) -> Result<Step, Problem> {
    let object = Object::of(call)?;
    let asked = object.clone();
    Ok(asked.look(move |info| {
        let Some(mut info) = info else { return object.missing() };
        let nuid = info["nuid"].as_str().unwrap_or_default().to_owned();
        for (field, value) in
            [("deleted", json!(true)), ("size", json!(0)), ("chunks", json!(0)), ("digest", json!(""))]
        {
            info[field] = value;
        }
        let told = object.clone();
        told.tell(&info, move |kept| match kept {
            Ok(()) => object.clear(&nuid, || Step::Answer(empty(StatusCode::NO_CONTENT))),
            Err(problem) => problem.into(),
        })
    }))
}

/// `GET /v1/objm/buckets`: their names.
pub(crate) fn object_buckets(call: &Call<'_>) -> Result<Step, Problem> {
    let body = json!({ "subject": "$O.*.M.>" });
    Ok(js_ask("STREAM.NAMES", &body, call.timeout()?, |said| {
        let names = said["streams"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let buckets: Vec<&str> = names.filter_map(|name| name.strip_prefix("OBJ_")).collect();
        Step::Answer(json(StatusCode::OK, &json!({ "buckets": buckets })))
    }))
}

/// `GET /v1/objm/buckets/{b}`: the stream that it is.
pub(crate) fn object_bucket_info(call: &Call<'_>) -> Result<Step, Problem> {
    Ok(js_ask(&format!("STREAM.INFO.OBJ_{}", bucket(call)?), &Value::Null, call.timeout()?, passed))
}

/// `PUT /v1/objm/buckets/{b}`.
pub(crate) fn put_object_bucket(call: &Call<'_>) -> Result<Step, Problem> {
    let (name, asked) = (bucket(call)?, object(call)?);
    let known = ["description", "ttl", "max_bytes", "storage", "replicas"];
    if let Some(unknown) = asked.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Problem::bad(format!("no field {unknown:?}: there are {}", known.join(", "))));
    }
    let given = |field: &str, default: Value| asked.get(field).cloned().unwrap_or(default);
    let ttl = asked.get("ttl").map(|ttl| nanoseconds(ttl, "ttl")).transpose()?;
    let body = json!({
        "name": format!("OBJ_{name}"),
        "subjects": [format!("$O.{name}.C.>"), format!("$O.{name}.M.>")],
        "description": given("description", "".into()),
        "max_age": ttl.unwrap_or_default(),
        "max_bytes": given("max_bytes", (-1).into()),
        "storage": given("storage", "file".into()),
        "num_replicas": given("replicas", 1.into()),
        "discard": "new", "allow_rollup_hdrs": true, "allow_direct": true,
    });
    Ok(js_ask(&format!("STREAM.CREATE.OBJ_{name}"), &body, call.timeout()?, |said| {
        Step::Answer(json(StatusCode::CREATED, &said))
    }))
}

/// `DELETE /v1/objm/buckets/{b}`.
pub(crate) fn delete_object_bucket(call: &Call<'_>) -> Result<Step, Problem> {
    Ok(js_ask(&format!("STREAM.DELETE.OBJ_{}", bucket(call)?), &Value::Null, call.timeout()?, gone))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn an_object() -> Object {
        Object { bucket: "b".into(), name: "a/b".into(), timeout: Duration::from_secs(1) }
    }

    /// The subjects that are published to, while each is answered that it is kept.
    fn subjects(mut step: Step) -> (Vec<String>, u16) {
        let mut subjects = Vec::new();
        loop {
            step = match step {
                Step::Answer(answer) => return (subjects, answer.status().as_u16()),
                Step::Ask(ask) => {
                    subjects.push(ask.message.subject.clone());
                    let payload = br#"{"stream":"OBJ_b","seq":1,"success":true}"#.to_vec();
                    (ask.then)(Ok(vec![crate::Received { payload, ..crate::Received::default() }]))
                }
                step => panic!("{step:?}"),
            };
        }
    }

    #[test]
    fn parts_come_before_what_tells_of_them_and_old_ones_go_last() {
        let putting = Putting {
            object: an_object(),
            nuid: "new".into(),
            body: vec![0; 5],
            part_bytes: 2,
            told: json!({}),
            at: 0,
            old: Some(json!({ "nuid": "old" })),
        };
        let (told, status) = subjects(putting.go_on());
        let part = "$O.b.C.new";
        assert_eq!(told, [part, part, part, "$O.b.M.YS9i", "$JS.API.STREAM.PURGE.OBJ_b"]);
        assert_eq!(status, 200);
    }

    #[test]
    fn a_link_is_not_followed_and_what_is_there_already_is_not_sent() {
        let any = || Follow {
            subject: "x".into(),
            queue: None,
            begin: Some(Outgoing::new("c", ANY_PARTS)),
            source: Source::Stream,
            head: HeaderMap::new(),
            format: Format::Lines,
            shape: crate::Shape::Data,
            limit: None,
            ends_at_last: false,
            sample: None,
            timeout: None,
            idle_heartbeat: Duration::from_secs(1),
        };
        let status = |step| match step {
            Step::Answer(answer) => answer.status().as_u16(),
            step => panic!("{step:?}"),
        };
        let link = json!({ "options": { "link": { "bucket": "c" } } });
        assert_eq!(status(an_object().read(&link, None, any())), 409);
        let info = json!({ "size": 3, "chunks": 1, "nuid": "n", "digest": "SHA-256=x" });
        let seen = HeaderValue::from_static("\"SHA-256=x\"");
        assert_eq!(status(an_object().read(&info, Some(&seen), any())), 304);
        let Step::Follow(follow) = an_object().read(&info, None, any()) else { panic!("it is read") };
        assert_eq!((follow.limit, &follow.begin.unwrap().payload[..]), (Some(1), &b"$O.b.C.n"[..]));
        assert_eq!(follow.head["content-length"], "3");
    }
}
