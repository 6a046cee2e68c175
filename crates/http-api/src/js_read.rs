//! Messages of a stream, read without a consumer of one's own: one of them, or all from some place on and then what comes.

use data_encoding::BASE64;
use http::{HeaderName, StatusCode};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, JSON, json, put};
use crate::call::{Call, filter};
use crate::js_ask::{gone, js_ask, stream};
use crate::message::{Received, Shape, TEXT_JSON};
use crate::problem::{Kind, Problem};
use crate::step::{Follow, Outgoing, Source, Step};
use crate::subjects::{following, replied, sample};

/// How often a consumer that has nothing to deliver says so, in nanoseconds.
const HEARTBEAT_NS: u64 = 5_000_000_000;

/// A message as a stream keeps it.
pub(crate) struct Stored {
    pub(crate) message: Received,
    pub(crate) seq: u64,
    pub(crate) time: String,
}

impl Stored {
    /// Reads what JetStream says of it.
    pub(crate) fn read(said: &Value) -> Result<Self, Problem> {
        let stored = &said["message"];
        let text = |field: &str| stored[field].as_str().unwrap_or_default().to_owned();
        let bytes = |field: &str| BASE64.decode(text(field).as_bytes());
        let odd = |_| Problem::new(Kind::Failed, "what JetStream answers is not understood");
        let (headers, payload) = (bytes("hdrs").map_err(odd)?, bytes("data").map_err(odd)?);
        let message = Received { subject: text("subject"), reply: None, headers, payload };
        Ok(Self { message, seq: stored["seq"].as_u64().unwrap_or_default(), time: text("time") })
    }

    /// The message as it is, or in an envelope; where it is kept, and since when, stands beside it.
    fn answer(&self, shape: Option<Shape>) -> Answer {
        if let Some(shape) = shape {
            let mut body = self.message.json(shape);
            body.insert("seq".into(), self.seq.into());
            body.insert("time".into(), self.time.as_str().into());
            return json(StatusCode::OK, &body.into());
        }
        let mut answer = replied(&self.message, None);
        self.mark(&mut answer);
        put(&mut answer, HeaderName::from_static("nats-subject"), self.message.subject.as_bytes());
        answer
    }

    /// Where it is kept, and since when.
    pub(crate) fn mark(&self, answer: &mut Answer) {
        put(answer, HeaderName::from_static("nats-sequence"), self.seq.to_string().as_bytes());
        put(answer, HeaderName::from_static("nats-time-stamp"), self.time.as_bytes());
    }
}

/// `GET …/messages/{seq}`.
pub(crate) fn message(call: &Call<'_>) -> Result<Step, Problem> {
    let seq = seq(call)?;
    stored(call, json!({ "seq": seq }))
}

/// `GET …/last/{subject}`.
pub(crate) fn last(call: &Call<'_>) -> Result<Step, Problem> {
    let subject = call.filter(1)?.to_owned();
    stored(call, json!({ "last_by_subj": subject }))
}

fn stored(call: &Call<'_>, body: Value) -> Result<Step, Problem> {
    let shape = shape(call);
    let subject = format!("STREAM.MSG.GET.{}", stream(call)?);
    Ok(js_ask(&subject, &body, call.timeout()?, move |said| match Stored::read(&said) {
        Ok(stored) => Step::Answer(stored.answer(shape)),
        Err(problem) => problem.into(),
    }))
}

fn shape(call: &Call<'_>) -> Option<Shape> {
    match (call.accepts(TEXT_JSON), call.accepts(JSON)) {
        (true, _) => Some(Shape::Text),
        (_, true) => Some(Shape::Data),
        _ => None,
    }
}

pub(crate) fn seq(call: &Call<'_>) -> Result<u64, Problem> {
    let text = call.place(1);
    text.parse().map_err(|_| Problem::bad(format!("{text:?} is no sequence")))
}

/// `DELETE …/messages/{seq}`.
pub(crate) fn delete_message(call: &Call<'_>) -> Result<Step, Problem> {
    let body = json!({ "seq": seq(call)?, "no_erase": !call.parameters.switch("erase")? });
    Ok(js_ask(&format!("STREAM.MSG.DELETE.{}", stream(call)?), &body, call.timeout()?, gone))
}

/// `GET …/messages`: from some place on, and then what comes.
pub(crate) fn messages(call: &Call<'_>) -> Result<Step, Problem> {
    let filters: Result<Vec<&str>, Problem> = call.parameters.texts("filter").map(filter).collect();
    let follow = Follow { sample: sample(call)?, ..reading(call, stream(call)?, &filters?, start(call)?)? };
    Ok(Step::Follow(follow))
}

/// Reads a stream by a consumer that nobody else sees, and that goes with who reads. `start` says from where.
pub(crate) fn reading(
    call: &Call<'_>,
    of: &str,
    filters: &[&str],
    start: Map<String, Value>,
) -> Result<Follow, Problem> {
    let deliver = format!("_INBOX.{}.messages", (call.asked.unique)());
    let mut config = start;
    config.insert("deliver_subject".into(), deliver.as_str().into());
    match filters {
        [] => {}
        // As servers before 2.10 know it.
        [one] => drop(config.insert("filter_subject".into(), (*one).into())),
        several => drop(config.insert("filter_subjects".into(), several.to_vec().into())),
    }
    let fixed = json!({
        "ack_policy": "none", "replay_policy": "instant", "max_deliver": 1, "mem_storage": true, "num_replicas": 1,
        "flow_control": true, "idle_heartbeat": HEARTBEAT_NS,
    });
    config.extend(fixed.as_object().cloned().unwrap_or_default());
    let body = json!({ "stream_name": of, "config": config });
    let begin = Outgoing::new(format!("$JS.API.CONSUMER.CREATE.{of}"), body.to_string());
    Ok(Follow { subject: deliver, begin: Some(begin), source: Source::Stream, ..following(call)? })
}

/// What a page says that it has seen.
pub(crate) fn seen(call: &Call<'_>) -> Result<Option<u64>, Problem> {
    let seen = call.asked.headers.get("last-event-id").and_then(|id| id.to_str().ok());
    seen.map(|id| id.parse().map_err(|_| Problem::bad(format!("{id:?} is no id of an event")))).transpose()
}

/// From that sequence on.
pub(crate) fn from_seq(seq: u64) -> Value {
    json!({ "deliver_policy": "by_start_sequence", "opt_start_seq": seq.max(1) })
}

/// Where to begin: behind what a page has seen, if it comes back; else where the query says, else at the first.
fn start(call: &Call<'_>) -> Result<Map<String, Value>, Problem> {
    let seq = call.parameters.number::<u64>("start_seq")?;
    let time = call.parameters.text("start_time");
    let last = call.parameters.switch("last_per_subject")?;
    let given = [seq.is_some(), time.is_some(), last].iter().filter(|given| **given).count();
    if given > 1 {
        return Err(Problem::bad("there is one of start_seq, start_time and last_per_subject"));
    }
    let policy = match (seen(call)?, seq, time) {
        (Some(seen), ..) => from_seq(seen.saturating_add(1)),
        (_, Some(seq), _) => from_seq(seq),
        (.., Some(time)) => json!({ "deliver_policy": "by_start_time", "opt_start_time": time }),
        _ if last => json!({ "deliver_policy": "last_per_subject" }),
        _ => json!({ "deliver_policy": "all" }),
    };
    Ok(policy.as_object().cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_message_is_read() {
        let said = json!({ "message": { "subject": "a", "seq": 7, "data": "aGk=", "hdrs": "TkFUUy8xLjANCg0K", "time": "t" } });
        let stored = Stored::read(&said).unwrap();
        assert_eq!((stored.seq, &stored.message.payload[..], stored.time.as_str()), (7, &b"hi"[..], "t"));
        assert_eq!(stored.answer(None).headers()["nats-sequence"], "7");
        assert!(Stored::read(&json!({ "message": { "data": "!" } })).is_err());
    }
}
