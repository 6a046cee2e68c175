//! Services by name: which there are, how they do, and calls by URL. Nobody registers here: services answer for themselves,
//! as ADR-32 has it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::answer::{json, put, text};
use crate::call::{Call, literal, token};
use crate::credentials::IN_QUERY;
use crate::events::{Format, Writer};
use crate::headers::of_request;
use crate::message::{Received, Shape, TEXT_JSON};
use crate::problem::{Kind, Problem};
use crate::step::{Ask, Failure, Outgoing, Step, Then, Wants};
use crate::subjects::{LIST_MAX, replied};

/// How long services have to say that they are there, in all and since the last one did.
const ROLL_CALL: Duration = Duration::from_secs(1);
const ROLL_CALL_STALL: Duration = Duration::from_millis(100);

/// How long what a service said of itself is good enough to call it by.
const KNOWN_FOR: Duration = Duration::from_secs(5);

/// How long no further reply may come, if nobody says.
const STALL: Duration = Duration::from_millis(300);

/// Parameters of a call that are none of a service's.
const OWN: [&str; 3] = ["timeout", "max", "stall"];

/// Asks all instances, and goes on with what they say.
fn roll_call(subject: String, keep: Duration, then: impl FnOnce(Vec<Value>) -> Step + 'static) -> Step {
    let about = subject.clone();
    let then: Then = Box::new(move |outcome| match outcome {
        Ok(replies) => {
            then(replies.iter().filter_map(|reply| serde_json::from_slice(&reply.payload).ok()).collect())
        }
        Err(Failure::NoResponders | Failure::TimedOut) => then(Vec::new()),
        Err(failure) => failure.problem(&about).into(),
    });
    let wants = Wants::Replies { max: LIST_MAX, stall: ROLL_CALL_STALL };
    Step::Ask(Ask { message: Outgoing::new(subject, ""), wants, timeout: ROLL_CALL, keep, then })
}

/// `GET /v1/services`.
pub(crate) fn services(_: &Call<'_>) -> Result<Step, Problem> {
    Ok(roll_call("$SRV.INFO".to_owned(), Duration::ZERO, |said| {
        Step::Answer(json(StatusCode::OK, &json!({ "services": by_name(&said) })))
    }))
}

/// `GET /v1/services/{n}`.
pub(crate) fn service(call: &Call<'_>) -> Result<Step, Problem> {
    let name = token(call.place(0), "service")?.to_owned();
    Ok(roll_call(format!("$SRV.INFO.{name}"), Duration::ZERO, move |said| match by_name(&said).pop() {
        Some(service) => Step::Answer(json(StatusCode::OK, &service)),
        None => missing(&name).into(),
    }))
}

fn missing(name: &str) -> Problem {
    Problem::new(Kind::NotFound, format!("no service {name:?} answers"))
}

/// Services with their instances; each instance says of itself what it is.
fn by_name(said: &[Value]) -> Vec<Value> {
    let mut services: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for instance in said {
        services.entry(instance["name"].as_str().unwrap_or_default()).or_default().push(instance);
    }
    let service = |(name, instances): (&str, Vec<&Value>)| {
        let versions: BTreeSet<&str> =
            instances.iter().filter_map(|instance| instance["version"].as_str()).collect();
        json!({ "name": name, "versions": versions, "instances": instances })
    };
    services.into_iter().map(service).collect()
}

/// `GET /v1/services/{n}/stats`.
pub(crate) fn stats(call: &Call<'_>) -> Result<Step, Problem> {
    let name = token(call.place(0), "service")?.to_owned();
    Ok(roll_call(format!("$SRV.STATS.{name}"), Duration::ZERO, move |said| {
        if said.is_empty() {
            return missing(&name).into();
        }
        Step::Answer(json(
            StatusCode::OK,
            &json!({ "name": name, "endpoints": sums(&said), "instances": said }),
        ))
    }))
}

/// What all instances did together, endpoint by endpoint.
fn sums(said: &[Value]) -> Vec<Value> {
    let mut sums: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    for endpoint in said.iter().filter_map(|instance| instance["endpoints"].as_array()).flatten() {
        let sum = sums.entry(endpoint["name"].as_str().unwrap_or_default()).or_default();
        for (place, field) in sum.iter_mut().zip(["num_requests", "num_errors", "processing_time"]) {
            *place = place.saturating_add(endpoint[field].as_u64().unwrap_or_default());
        }
    }
    let told = |(name, [requests, errors, time]): (&str, [u64; 3])| {
        let mean = time.checked_div(requests).unwrap_or_default();
        json!({ "name": name, "num_requests": requests, "num_errors": errors, "average_processing_time": mean })
    };
    sums.into_iter().map(told).collect()
}

/// `/v1/svc/{name}/{endpoint}/…`.
pub(crate) fn call_service(call: &Call<'_>) -> Result<Step, Problem> {
    let name = token(call.place(0), "service")?.to_owned();
    let calling = Calling {
        name: name.clone(),
        endpoint: call.place(1).to_owned(),
        rest: call.places[2..].to_vec(),
        method: call.asked.method.as_str().to_owned(),
        headers: of_request(call.asked.headers),
        body: body(call)?,
        timeout: call.timeout()?,
        max: call.parameters.number("max")?,
        stall: call.parameters.time("stall")?.unwrap_or(STALL),
        shape: if call.accepts(TEXT_JSON) { Shape::Text } else { Shape::Data },
    };
    Ok(roll_call(format!("$SRV.INFO.{name}"), KNOWN_FOR, move |said| {
        calling.go_on(&said).unwrap_or_else(Step::from)
    }))
}

/// What is said to the service: the body, or what the query says as a JSON object.
pub(crate) fn body(call: &Call<'_>) -> Result<Vec<u8>, Problem> {
    let own = |name: &str| OWN.contains(&name) || IN_QUERY.iter().any(|ours| name.eq_ignore_ascii_case(ours));
    let others: Map<String, Value> = call
        .parameters
        .iter()
        .filter(|(name, _)| !own(name))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    if call.asked.method != http::Method::GET {
        return match others.keys().next() {
            Some(name) => Err(Problem::bad(format!("no parameter {name:?}: there are {}", OWN.join(", ")))),
            None => Ok(call.asked.body.to_vec()),
        };
    }
    Ok(Value::from(others).to_string().into_bytes())
}

/// A call, before it is known where the endpoint is.
struct Calling {
    name: String,
    endpoint: String,
    rest: Vec<String>,
    method: String,
    headers: Vec<u8>,
    body: Vec<u8>,
    timeout: Duration,
    max: Option<usize>,
    stall: Duration,
    shape: Shape,
}

impl Calling {
    fn go_on(self, instances: &[Value]) -> Result<Step, Problem> {
        if instances.is_empty() {
            return Err(missing(&self.name));
        }
        let endpoints = || instances.iter().filter_map(|instance| instance["endpoints"].as_array()).flatten();
        let found: Vec<&Value> =
            endpoints().filter(|endpoint| endpoint["name"] == self.endpoint.as_str()).collect();
        let Some(endpoint) = found.first() else {
            let names: BTreeSet<&str> =
                endpoints().filter_map(|endpoint| endpoint["name"].as_str()).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            let detail =
                format!("service {:?} has no endpoint {:?}: it has {names}", self.name, self.endpoint);
            return Err(Problem::new(Kind::NotFound, detail));
        };
        if found.iter().any(|other| other["subject"] != endpoint["subject"]) {
            let versions: BTreeSet<&str> =
                instances.iter().filter_map(|one| one["version"].as_str()).collect();
            let versions = versions.into_iter().collect::<Vec<_>>().join(", ");
            let detail =
                format!("instances of {:?} listen to different subjects: versions {versions}", self.name);
            return Err(Problem::new(Kind::Conflict, detail));
        }
        self.check_method(endpoint)?;
        let filled = fill(endpoint["subject"].as_str().unwrap_or_default(), &self.rest)?;
        let subject = literal(&filled)?.to_owned();
        let who: Vec<String> =
            instances.iter().filter_map(|one| one["id"].as_str()).map(ToOwned::to_owned).collect();
        Ok(self.ask(subject, who))
    }

    /// POST is always right, and other methods where the endpoint says so.
    fn check_method(&self, endpoint: &Value) -> Result<(), Problem> {
        let own = endpoint["metadata"]["http.method"].as_str();
        if self.method == "POST" || own.is_some_and(|own| own.eq_ignore_ascii_case(&self.method)) {
            return Ok(());
        }
        let allow = own.map_or_else(|| "POST".to_owned(), |own| format!("POST, {own}"));
        let detail =
            format!("endpoint {:?} takes {allow}: its metadata says no other http.method", self.endpoint);
        Err(Problem { allow: Some(allow), ..Problem::new(Kind::Method, detail) })
    }

    fn ask(self, subject: String, who: Vec<String>) -> Step {
        let Self { headers, body, timeout, max, stall, shape, .. } = self;
        let wants = max.map_or(Wants::Reply, |max| Wants::Replies { max: max.clamp(1, LIST_MAX), stall });
        let message = Outgoing { headers, ..Outgoing::new(subject.as_str(), body) };
        let then: Then = Box::new(move |outcome| match outcome {
            Ok(replies) if max.is_some() => Step::Answer(collected(&replies, shape)),
            Ok(replies) => Step::Answer(served(replies.first().unwrap_or(&Received::default()))),
            Err(Failure::TimedOut) => {
                let detail = format!("nobody answered to {subject:?} in time; there are {}", who.join(", "));
                Problem::new(Kind::TimedOut, detail).about(&subject).into()
            }
            Err(failure) => failure.problem(&subject).into(),
        });
        Step::Ask(Ask { message, wants, timeout, keep: Duration::ZERO, then })
    }
}

/// What a service replied; its errors are statuses.
pub(crate) fn served(reply: &Received) -> crate::Answer {
    let mut answer = replied(reply, None);
    let code = reply.header("Nats-Service-Error-Code");
    if code.is_none() && reply.header("Nats-Service-Error").is_none() {
        return answer;
    }
    let code =
        code.and_then(|code| code.parse().ok()).filter(|code| (400..600).contains(code)).unwrap_or(500);
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let words = reply.header("Nats-Service-Error").unwrap_or_default();
    put(&mut answer, http::HeaderName::from_static("x-nats-api-gateway-error"), words.as_bytes());
    answer
}

fn collected(replies: &[Received], shape: Shape) -> crate::Answer {
    let mut writer = Writer::new(Format::Lines, shape);
    let lines: Vec<u8> = replies.iter().flat_map(|reply| writer.message(reply, None, None)).collect();
    text(StatusCode::OK, Format::Lines.content_type(), lines)
}

/// Puts what follows in the path where the subject has wildcards.
pub(crate) fn fill(subject: &str, rest: &[String]) -> Result<String, Problem> {
    let mut rest = rest.iter();
    let mut filled: Vec<&str> = Vec::new();
    for token in subject.split('.') {
        match token {
            "*" => {
                let too_few = || Problem::bad(format!("the path has too few parts for {subject:?}"));
                filled.push(one_token(rest.next().ok_or_else(too_few)?)?);
            }
            ">" => {
                for part in rest.by_ref() {
                    filled.push(one_token(part)?);
                }
            }
            token => filled.push(token),
        }
    }
    match rest.next() {
        None => Ok(filled.join(".")),
        Some(_) => Err(Problem::bad(format!("the path has too many parts for {subject:?}"))),
    }
}

/// A part of the path is one token: nobody reaches another subject by it.
fn one_token(part: &str) -> Result<&str, Problem> {
    token(part, "part of a subject")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fill_wildcards_and_reach_no_other_subject() {
        let fill = |subject, parts: &[&str]| {
            let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            fill(subject, &parts).map_err(|problem| problem.kind)
        };
        assert_eq!(fill("a.b", &[]), Ok("a.b".into()));
        assert_eq!(fill("a.*.b.*", &["x", "y"]), Ok("a.x.b.y".into()));
        assert_eq!(fill("a.>", &["x", "y"]), Ok("a.x.y".into()));
        for (subject, parts) in [
            ("a", &["x"][..]),
            ("a.*", &[]),
            ("a.*", &["x.y"]),
            ("a.*", &["*"]),
            ("a.>", &["x", ">"]),
            ("a.*", &["x y"]),
        ] {
            assert_eq!(fill(subject, parts), Err(Kind::BadRequest), "{subject} {parts:?}");
        }
    }

    #[test]
    fn errors_of_services_are_statuses() {
        let served = |fields: &str| {
            let headers = format!("NATS/1.0\r\n{fields}\r\n").into_bytes();
            served(&Received { headers, payload: b"why".to_vec(), ..Received::default() })
        };
        assert_eq!(served("A: b\r\n").status(), 200);
        let answer = served("Nats-Service-Error: no such order\r\nNats-Service-Error-Code: 404\r\n");
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (404, &b"why"[..]));
        assert_eq!(answer.headers()["nats-service-error"], "no such order");
        for odd in ["200", "999", "x"] {
            assert_eq!(served(&format!("Nats-Service-Error-Code: {odd}\r\n")).status(), 500, "{odd}");
        }
    }

    #[test]
    fn instances_are_told_together() {
        let instance = |id: &str, version: &str| json!({ "name": "orders", "id": id, "version": version });
        let told = by_name(&[instance("1", "1.0.0"), instance("2", "1.1.0")]);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["versions"], json!(["1.0.0", "1.1.0"]));
        let endpoint = json!({ "name": "get", "num_requests": 2, "num_errors": 1, "processing_time": 10 });
        let stats = json!({ "endpoints": [endpoint] });
        let told = sums(&[stats.clone(), stats]);
        assert_eq!(
            told,
            [json!({ "name": "get", "num_requests": 4, "num_errors": 2, "average_processing_time": 5 })]
        );
    }
}
