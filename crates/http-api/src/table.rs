//! All routes. The table is what routes, what the OpenAPI document says, and what its tests run through.

use crate::batch::publish_lines;
use crate::call::Call;
use crate::entries::{history, keys, watch};
use crate::explain::{explain_consumer, explain_message, explain_publish, explain_subscribe};
use crate::health::{healthz, me};
use crate::js_pull::{ack, next};
use crate::js_read::{delete_message, last, message, messages};
use crate::js_streams::{
    consumer_info, consumers, delete_consumer, delete_stream, pause_consumer, purge_stream, put_consumer,
    put_stream, reset_consumer, stream_info, streams,
};
use crate::kv::{
    bucket_info, buckets, create, delete, delete_bucket, get, purge_bucket, put_bucket, put_value,
};
use crate::objects::{
    delete_object, delete_object_bucket, get_object, object_bucket_info, object_buckets, object_info,
    objects, put_object, put_object_bucket,
};
use crate::open_api::open_api;
use crate::problem::Problem;
use crate::services::{call_service, service, services, stats};
use crate::step::Step;
use crate::subjects::{publish, request, subscribe};
use crate::tickets::ticket;

/// What a method on a path does.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// `{name}` is a place for one segment, and `{name*}` at the end one for all that are left, if any.
    pub(crate) path: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) parameters: &'static [Parameter],
    /// The type of the body, if there is to be one.
    pub(crate) body: Option<&'static str>,
    /// The status if it goes well, and the type of the answer.
    pub(crate) answer: (u16, &'static str),
    pub(crate) plan: fn(&Call<'_>) -> Result<Step, Problem>,
}

/// What may stand in the query: a name, and what it means.
pub(crate) type Parameter = (&'static str, &'static str);

const TIMEOUT: Parameter = ("timeout", "How long to wait: milliseconds, or 2s");
const ACK: Parameter = ("ack", "`stream`: wait until a stream has the message, and answer what it says");
const REPLY: Parameter = ("reply", "Where answers shall go");
const QUEUE: Parameter = ("queue", "The queue group to join");
const LIMIT: Parameter = ("limit", "End after so many messages");
const UNTIL: Parameter = ("timeout", "End after this time: milliseconds, or 2s");
/// A parameter of any name.
pub(crate) const ANY_NAME: &str = "*";

const OFFSET: Parameter = ("offset", "How many to leave out at the front");
const MAX: Parameter = ("max", "Collect up to so many replies, as lines of JSON");
const STALL: Parameter = ("stall", "Enough, once no reply has come for this long");
const REVISION: Parameter = ("previousRevision", "The revision that the key has to have; 0 for none");
const SAMPLE: Parameter = ("sample", "Tell so many messages a second at most, and how many were left out");
const KEY: Parameter =
    ("key", "Of this key, or of those that it fits as a filter; it may stand several times");
const IDLE: Parameter = ("idleHeartbeat", "How long nothing may be said: milliseconds, or 15s");

const ANY: Option<&str> = Some("application/octet-stream");
const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";
const BYTES: &str = "application/octet-stream";

// A line for what it is, and a line for what goes in and out.
#[rustfmt::skip]
pub(crate) static ROUTES: &[Route] = &[
    Route { method: "PUT", path: "/v1/nats/subjects/{subject}", plan: publish,
        summary: "Publish the body",
        parameters: &[REPLY, ACK, TIMEOUT], body: ANY, answer: (204, "") },
    Route { method: "POST", path: "/v1/nats/subjects/{subject}", plan: request,
        summary: "Ask, and answer what is replied",
        parameters: &[TIMEOUT], body: ANY, answer: (200, BYTES) },
    Route { method: "GET", path: "/v1/nats/subjects/{subject}", plan: subscribe,
        summary: "Listen: events, lines of JSON, or a list",
        parameters: &[QUEUE, LIMIT, UNTIL, IDLE, SAMPLE], body: None, answer: (200, EVENTS) },
    Route { method: "POST", path: "/v1/nats/publish", plan: publish_lines,
        summary: "Publish many messages, one a line",
        parameters: &[ACK, TIMEOUT], body: Some(NDJSON), answer: (200, NDJSON) },
    Route { method: "GET", path: "/v1/services", plan: services,
        summary: "The services that answer",
        parameters: &[], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/services/{name}", plan: service,
        summary: "A service: its instances and endpoints",
        parameters: &[], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/services/{name}/stats", plan: stats,
        summary: "What a service did, instance by instance and in all",
        parameters: &[], body: None, answer: (200, JSON) },
    Route { method: "POST", path: "/v1/svc/{name}/{endpoint}/{rest*}", plan: call_service,
        summary: "Call an endpoint; the rest of the path fills its wildcards",
        parameters: &[TIMEOUT, MAX, STALL], body: ANY, answer: (200, BYTES) },
    Route { method: "GET", path: "/v1/svc/{name}/{endpoint}/{rest*}", plan: call_service,
        summary: "The same for an endpoint whose metadata says http.method GET; the query is its body, as JSON",
        parameters: &[TIMEOUT, MAX, STALL, (ANY_NAME, "")], body: None, answer: (200, BYTES) },
    Route { method: "PUT", path: "/v1/svc/{name}/{endpoint}/{rest*}", plan: call_service,
        summary: "The same for an endpoint whose metadata says http.method PUT",
        parameters: &[TIMEOUT, MAX, STALL], body: ANY, answer: (200, BYTES) },
    Route { method: "DELETE", path: "/v1/svc/{name}/{endpoint}/{rest*}", plan: call_service,
        summary: "The same for an endpoint whose metadata says http.method DELETE",
        parameters: &[TIMEOUT, MAX, STALL], body: ANY, answer: (200, BYTES) },
    Route { method: "GET", path: "/v1/js/streams", plan: streams,
        summary: "Streams",
        parameters: &[OFFSET, ("subject", "Those with this subject"), TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/js/streams/{stream}", plan: stream_info,
        summary: "A stream: its configuration and its state",
        parameters: &[OFFSET, ("subjects", "Count messages of these subjects"), TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "PUT", path: "/v1/js/streams/{stream}", plan: put_stream,
        summary: "Make a stream, or change it",
        parameters: &[TIMEOUT], body: Some(JSON), answer: (200, JSON) },
    Route { method: "DELETE", path: "/v1/js/streams/{stream}", plan: delete_stream,
        summary: "Delete a stream",
        parameters: &[TIMEOUT], body: None, answer: (204, "") },
    Route { method: "POST", path: "/v1/js/streams/{stream}/purge", plan: purge_stream,
        summary: "Take messages out: all, or as filter, seq and keep say",
        parameters: &[TIMEOUT], body: Some(JSON), answer: (200, JSON) },
    Route { method: "GET", path: "/v1/js/streams/{stream}/messages", plan: messages,
        summary: "Read on from some place, and then what comes; Last-Event-ID resumes",
        parameters: &[
            ("start_seq", "From this sequence on"), ("start_time", "From this time on, as 2030-01-31T12:00:00Z"),
            ("last_per_subject", "The last message of each subject first"), ("filter", "Of this subject; it may stand several times"),
            LIMIT, UNTIL, IDLE, SAMPLE,
        ], body: None, answer: (200, EVENTS) },
    Route { method: "GET", path: "/v1/js/streams/{stream}/messages/{seq}", plan: message,
        summary: "A message by its sequence",
        parameters: &[TIMEOUT], body: None, answer: (200, BYTES) },
    Route { method: "DELETE", path: "/v1/js/streams/{stream}/messages/{seq}", plan: delete_message,
        summary: "Delete a message",
        parameters: &[("erase", "Overwrite it as well"), TIMEOUT], body: None, answer: (204, "") },
    Route { method: "GET", path: "/v1/js/streams/{stream}/last/{subject}", plan: last,
        summary: "The last message of a subject",
        parameters: &[TIMEOUT], body: None, answer: (200, BYTES) },
    Route { method: "GET", path: "/v1/js/streams/{stream}/consumers", plan: consumers,
        summary: "Consumers of a stream",
        parameters: &[OFFSET, TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/js/streams/{stream}/consumers/{consumer}", plan: consumer_info,
        summary: "A consumer: its configuration and its state",
        parameters: &[TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "PUT", path: "/v1/js/streams/{stream}/consumers/{consumer}", plan: put_consumer,
        summary: "Make a consumer, or change it",
        parameters: &[TIMEOUT], body: Some(JSON), answer: (200, JSON) },
    Route { method: "DELETE", path: "/v1/js/streams/{stream}/consumers/{consumer}", plan: delete_consumer,
        summary: "Delete a consumer",
        parameters: &[TIMEOUT], body: None, answer: (204, "") },
    Route { method: "POST", path: "/v1/js/streams/{stream}/consumers/{consumer}/pause", plan: pause_consumer,
        summary: "Have it deliver nothing until pause_until",
        parameters: &[TIMEOUT], body: Some(JSON), answer: (200, JSON) },
    Route { method: "POST", path: "/v1/js/streams/{stream}/consumers/{consumer}/reset", plan: reset_consumer,
        summary: "Have it deliver from elsewhere: seq, time, first, last, new or copy_of",
        parameters: &[TIMEOUT], body: Some(JSON), answer: (200, JSON) },
    Route { method: "POST", path: "/v1/js/streams/{stream}/consumers/{consumer}/next", plan: next,
        summary: "Messages, each with what it is acknowledged by; 204 if there are none",
        parameters: &[], body: Some(JSON), answer: (200, NDJSON) },
    Route { method: "POST", path: "/v1/js/ack", plan: ack,
        summary: "Acknowledge messages, a line in the answer for each",
        parameters: &[("sync", "Wait until the consumer has it"), TIMEOUT], body: Some(JSON), answer: (200, NDJSON) },
    Route { method: "GET", path: "/v1/kv/{bucket}/{key}", plan: get,
        summary: "The value of a key",
        parameters: &[("revision", "Of this revision"), TIMEOUT], body: None, answer: (200, BYTES) },
    Route { method: "PUT", path: "/v1/kv/{bucket}/{key}", plan: put_value,
        summary: "Keep a value",
        parameters: &[REVISION, TIMEOUT], body: ANY, answer: (200, JSON) },
    Route { method: "POST", path: "/v1/kv/{bucket}/{key}", plan: create,
        summary: "Keep a value if the key has none",
        parameters: &[TIMEOUT], body: ANY, answer: (201, JSON) },
    Route { method: "DELETE", path: "/v1/kv/{bucket}/{key}", plan: delete,
        summary: "Take the value away",
        parameters: &[("purge", "Earlier values as well"), REVISION, TIMEOUT], body: None, answer: (204, "") },
    Route { method: "GET", path: "/v1/kv/{bucket}/{key}/history", plan: history,
        summary: "All values that are kept of a key, and what became of them",
        parameters: &[LIMIT, UNTIL, IDLE], body: None, answer: (200, NDJSON) },
    Route { method: "GET", path: "/v1/kvm/buckets", plan: buckets,
        summary: "Names of buckets",
        parameters: &[TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/kvm/buckets/{bucket}", plan: bucket_info,
        summary: "A bucket, as the stream that it is",
        parameters: &[TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "PUT", path: "/v1/kvm/buckets/{bucket}", plan: put_bucket,
        summary: "Make a bucket",
        parameters: &[TIMEOUT], body: Some(JSON), answer: (201, JSON) },
    Route { method: "DELETE", path: "/v1/kvm/buckets/{bucket}", plan: delete_bucket,
        summary: "Delete a bucket",
        parameters: &[TIMEOUT], body: None, answer: (204, "") },
    Route { method: "GET", path: "/v1/kvm/buckets/{bucket}/keys", plan: keys,
        summary: "Keys that have a value",
        parameters: &[KEY, LIMIT, UNTIL, IDLE], body: None, answer: (200, NDJSON) },
    Route { method: "GET", path: "/v1/kvm/buckets/{bucket}/watch", plan: watch,
        summary: "What the keys have, and then what becomes of them; Last-Event-ID resumes",
        parameters: &[
            KEY, ("history", "All values that are kept first"), ("new", "Only what comes"), LIMIT, UNTIL, IDLE,
        ], body: None, answer: (200, EVENTS) },
    Route { method: "POST", path: "/v1/kvm/buckets/{bucket}/purge", plan: purge_bucket,
        summary: "Take all values out, or those of the keys that `key` fits",
        parameters: &[("key", "Of this key, or of those that it fits as a filter"), TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/obj/{bucket}/{name}", plan: get_object,
        summary: "An object; its digest is the ETag",
        parameters: &[TIMEOUT], body: None, answer: (200, BYTES) },
    Route { method: "PUT", path: "/v1/obj/{bucket}/{name}", plan: put_object,
        summary: "Keep the body as an object, of up to 64 MiB",
        parameters: &[TIMEOUT], body: ANY, answer: (200, JSON) },
    Route { method: "DELETE", path: "/v1/obj/{bucket}/{name}", plan: delete_object,
        summary: "Delete an object",
        parameters: &[TIMEOUT], body: None, answer: (204, "") },
    Route { method: "GET", path: "/v1/objm/buckets", plan: object_buckets,
        summary: "Names of buckets of objects",
        parameters: &[TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/objm/buckets/{bucket}", plan: object_bucket_info,
        summary: "A bucket of objects, as the stream that it is",
        parameters: &[TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "PUT", path: "/v1/objm/buckets/{bucket}", plan: put_object_bucket,
        summary: "Make a bucket of objects",
        parameters: &[TIMEOUT], body: Some(JSON), answer: (201, JSON) },
    Route { method: "DELETE", path: "/v1/objm/buckets/{bucket}", plan: delete_object_bucket,
        summary: "Delete a bucket of objects",
        parameters: &[TIMEOUT], body: None, answer: (204, "") },
    Route { method: "GET", path: "/v1/objm/buckets/{bucket}/objects", plan: objects,
        summary: "What is told of the objects of a bucket",
        parameters: &[LIMIT, UNTIL, IDLE], body: None, answer: (200, NDJSON) },
    Route { method: "GET", path: "/v1/objm/buckets/{bucket}/objects/{name}", plan: object_info,
        summary: "What is told of an object",
        parameters: &[TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/explain/publish/{subject}", plan: explain_publish,
        summary: "Whether one may publish there, and who would get it; nothing is done",
        parameters: &[TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/explain/subscribe/{subject}", plan: explain_subscribe,
        summary: "Whether one may subscribe; nothing is done",
        parameters: &[("queue", "In this queue group"), TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/explain/consumer/{stream}/{consumer}", plan: explain_consumer,
        summary: "Why a consumer delivers nothing",
        parameters: &[TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/explain/message/{stream}/{seq}", plan: explain_message,
        summary: "Where a message of a stream is, consumer by consumer",
        parameters: &[TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/me", plan: me,
        summary: "Who the server takes one for",
        parameters: &[TIMEOUT], body: None, answer: (200, JSON) },
    Route { method: "POST", path: "/v1/tickets", plan: ticket,
        summary: "A word that stands for one's credentials in ?ticket=, once, for one path, for 30 s",
        parameters: &[TIMEOUT], body: Some(JSON), answer: (201, JSON) },
    Route { method: "GET", path: "/v1/healthz", plan: healthz,
        summary: "Whether the server is there",
        parameters: &[], body: None, answer: (200, JSON) },
    Route { method: "GET", path: "/v1/openapi.json", plan: open_api,
        summary: "This document",
        parameters: &[], body: None, answer: (200, JSON) },
];
