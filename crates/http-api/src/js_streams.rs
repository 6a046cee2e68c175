//! Streams, and consumers of them: made, looked at, changed and deleted. Bodies and answers are JetStream's own.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::answer::json;
use crate::call::{Call, token};
use crate::js_ask::{consumer, gone, js_ask, js_ask_either, name_it, object, page, passed, stream};
use crate::problem::Problem;
use crate::step::Step;

/// The number of the error that there is a stream of that name, which is otherwise.
const STREAM_IS_OTHERWISE: u32 = 10058;

/// The number of the error that there is no such message.
pub(crate) const NO_MESSAGE: u32 = 10037;

pub(crate) fn streams(call: &Call<'_>) -> Result<Step, Problem> {
    let mut body = page(call)?;
    if let Some(subject) = call.parameters.text("subject") {
        body.insert("subject".into(), crate::call::filter(subject)?.into());
    }
    Ok(js_ask("STREAM.LIST", &body.into(), call.timeout()?, passed))
}

pub(crate) fn stream_info(call: &Call<'_>) -> Result<Step, Problem> {
    let mut body = page(call)?;
    if let Some(subjects) = call.parameters.text("subjects") {
        body.insert("subjects_filter".into(), crate::call::filter(subjects)?.into());
    }
    Ok(js_ask(&format!("STREAM.INFO.{}", stream(call)?), &body.into(), call.timeout()?, passed))
}

/// Makes it, or changes it if it is there and otherwise.
pub(crate) fn put_stream(call: &Call<'_>) -> Result<Step, Problem> {
    let (name, timeout, mut config) = (stream(call)?.to_owned(), call.timeout()?, object(call)?);
    name_it(&mut config, "name", &name)?;
    let config = Value::from(config);
    let create = format!("STREAM.CREATE.{name}");
    Ok(js_ask_either(&create, &config.clone(), timeout, move |answer| match answer {
        Ok(said) => made(said),
        Err(problem)
            if problem.nats.as_ref().is_some_and(|(_, number, _)| *number == STREAM_IS_OTHERWISE) =>
        {
            js_ask(&format!("STREAM.UPDATE.{name}"), &config, timeout, passed)
        }
        Err(problem) => problem.into(),
    }))
}

fn made(said: Value) -> Step {
    let is_new = said.get("did_create").and_then(Value::as_bool) == Some(true);
    Step::Answer(json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &said))
}

pub(crate) fn delete_stream(call: &Call<'_>) -> Result<Step, Problem> {
    Ok(js_ask(&format!("STREAM.DELETE.{}", stream(call)?), &Value::Null, call.timeout()?, gone))
}

pub(crate) fn purge_stream(call: &Call<'_>) -> Result<Step, Problem> {
    let body = object(call)?.into();
    Ok(js_ask(&format!("STREAM.PURGE.{}", stream(call)?), &body, call.timeout()?, passed))
}

pub(crate) fn consumers(call: &Call<'_>) -> Result<Step, Problem> {
    let body = page(call)?.into();
    Ok(js_ask(&format!("CONSUMER.LIST.{}", stream(call)?), &body, call.timeout()?, passed))
}

pub(crate) fn consumer_info(call: &Call<'_>) -> Result<Step, Problem> {
    let subject = format!("CONSUMER.INFO.{}.{}", stream(call)?, consumer(call)?);
    Ok(js_ask(&subject, &Value::Null, call.timeout()?, passed))
}

/// Makes it or changes it. It outlives who uses it, unless it is said after what time it goes.
pub(crate) fn put_consumer(call: &Call<'_>) -> Result<Step, Problem> {
    let (of, name, mut config) = (stream(call)?, consumer(call)?, object(call)?);
    name_it(&mut config, "name", name)?;
    if config.contains_key("durable_name") || !config.contains_key("inactive_threshold") {
        name_it(&mut config, "durable_name", name)?;
    }
    let body = json!({ "stream_name": of, "config": config });
    Ok(js_ask(&format!("CONSUMER.CREATE.{of}.{name}"), &body, call.timeout()?, passed))
}

pub(crate) fn delete_consumer(call: &Call<'_>) -> Result<Step, Problem> {
    let subject = format!("CONSUMER.DELETE.{}.{}", stream(call)?, consumer(call)?);
    Ok(js_ask(&subject, &Value::Null, call.timeout()?, gone))
}

pub(crate) fn pause_consumer(call: &Call<'_>) -> Result<Step, Problem> {
    let subject = format!("CONSUMER.PAUSE.{}.{}", stream(call)?, consumer(call)?);
    Ok(js_ask(&subject, &object(call)?.into(), call.timeout()?, passed))
}

/// Has it deliver from elsewhere: from a sequence or a time, from the first or the last message, from what comes next, or from where
/// another consumer is.
pub(crate) fn reset_consumer(call: &Call<'_>) -> Result<Step, Problem> {
    let (of, name, timeout) = (stream(call)?.to_owned(), consumer(call)?.to_owned(), call.timeout()?);
    let reset = move |of: &str, seq: u64| {
        js_ask(&format!("CONSUMER.RESET.{of}.{name}"), &json!({ "seq": seq }), timeout, passed)
    };
    match place(&object(call)?)? {
        Place::Seq(seq) => Ok(reset(&of, seq)),
        Place::Stream(field, more) => {
            Ok(js_ask(&format!("STREAM.INFO.{of}"), &Value::Null, timeout, move |said| {
                reset(&of, number(&said["state"][field]) + more)
            }))
        }
        // The first message at that time or later; what comes next, if there is none.
        Place::Time(time) => {
            let body = json!({ "start_time": time, "next_by_subj": ">" });
            let ask = format!("STREAM.MSG.GET.{of}");
            Ok(js_ask_either(&ask, &body, timeout, move |answer| match answer {
                Ok(said) => reset(&of, number(&said["message"]["seq"])),
                Err(problem) if problem.nats.as_ref().is_some_and(|(_, number, _)| *number == NO_MESSAGE) => {
                    js_ask(&format!("STREAM.INFO.{of}"), &Value::Null, timeout, move |said| {
                        reset(&of, number(&said["state"]["last_seq"]) + 1)
                    })
                }
                Err(problem) => problem.into(),
            }))
        }
        Place::CopyOf(other) => {
            Ok(js_ask(&format!("CONSUMER.INFO.{of}.{other}"), &Value::Null, timeout, move |said| {
                reset(&of, number(&said["ack_floor"]["stream_seq"]) + 1)
            }))
        }
    }
}

/// From where to deliver.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Seq(u64),
    /// So many behind what the state of the stream says there.
    Stream(&'static str, u64),
    Time(String),
    CopyOf(String),
}

fn place(fields: &Map<String, Value>) -> Result<Place, Problem> {
    let wrong = || Problem::bad("the body has one of seq, time, first, last, new and copy_of");
    let mut fields = fields.iter();
    let (Some((field, value)), None) = (fields.next(), fields.next()) else { return Err(wrong()) };
    Ok(match (field.as_str(), value) {
        ("seq", seq) => Place::Seq(seq.as_u64().ok_or_else(wrong)?),
        ("first", Value::Bool(true)) => Place::Stream("first_seq", 0),
        ("last", Value::Bool(true)) => Place::Stream("last_seq", 0),
        ("new", Value::Bool(true)) => Place::Stream("last_seq", 1),
        ("time", Value::String(time)) => Place::Time(time.clone()),
        ("copy_of", Value::String(other)) => Place::CopyOf(token(other, "consumer")?.to_owned()),
        _ => return Err(wrong()),
    })
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// A length of time in nanoseconds: a number of them, or text as `2s`.
pub(crate) fn nanoseconds(value: &Value, field: &str) -> Result<u64, Problem> {
    let of_text = |text: &str| {
        crate::parameters::duration(text).and_then(|time: Duration| u64::try_from(time.as_nanos()).ok())
    };
    let time = value.as_u64().or_else(|| value.as_str().and_then(of_text));
    time.ok_or_else(|| Problem::bad(format!("{field:?} is a time: nanoseconds, or text as \"2s\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Place, String> {
        let value: Value = serde_json::from_str(text).unwrap();
        place(value.as_object().unwrap()).map_err(|problem| problem.detail)
    }

    #[test]
    fn a_place_is_one_of_several() {
        assert_eq!(read(r#"{"seq":7}"#), Ok(Place::Seq(7)));
        assert_eq!(read(r#"{"new":true}"#), Ok(Place::Stream("last_seq", 1)));
        assert_eq!(
            read(r#"{"time":"2030-01-31T12:00:00Z"}"#),
            Ok(Place::Time("2030-01-31T12:00:00Z".into()))
        );
        assert_eq!(read(r#"{"copy_of":"c"}"#), Ok(Place::CopyOf("c".into())));
        for wrong in
            ["{}", r#"{"seq":-1}"#, r#"{"seq":1,"new":true}"#, r#"{"last":false}"#, r#"{"copy_of":"a.b"}"#]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_nanoseconds_or_text() {
        assert_eq!(nanoseconds(&json!(5), "x"), Ok(5));
        assert_eq!(nanoseconds(&json!("2s"), "x"), Ok(2_000_000_000));
        assert!(nanoseconds(&json!("2h"), "x").is_err() && nanoseconds(&json!(-1), "x").is_err());
    }
}
