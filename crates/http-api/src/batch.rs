//! Many messages in one request: each has a line in the answer, in their order.

use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::call::{Call, literal};
use crate::headers::{block, checked};
use crate::problem::{Kind, Problem};
use crate::step::{Ask, Outgoing, Step};
use crate::subjects::{acks, publishing};

/// Lines of one request.
const LINES_MAX: usize = 10_000;

/// Many messages.
#[derive(Debug)]
pub struct Batch {
    /// In their order.
    pub items: Vec<BatchItem>,
}

/// One of them: what is to be done, or what is answered since nothing can be. What an ask leads to is an answer.
#[derive(Debug)]
pub enum BatchItem {
    /// To be published.
    Ask(Ask),
    /// It is none.
    Refused(Problem),
}

impl Batch {
    /// The line that an answer is in the answer to all.
    pub fn line(answer: &Answer) -> Vec<u8> {
        let mut line = Map::new();
        line.insert("status".into(), answer.status().as_u16().into());
        if let Ok(Value::Object(said)) = serde_json::from_slice(answer.body()) {
            line.extend(said);
        }
        let mut text = Value::from(line).to_string().into_bytes();
        text.push(b'\n');
        text
    }
}

/// `POST /v1/nats/publish`.
pub(crate) fn publish_lines(call: &Call<'_>) -> Result<Step, Problem> {
    let (is_acked, timeout) = (acks(call)?, call.timeout()?);
    let lines = lines(call.asked.body)?;
    let item = |line: &[u8]| match item(line, is_acked, timeout) {
        Ok(ask) => BatchItem::Ask(ask),
        Err(problem) => BatchItem::Refused(problem),
    };
    Ok(Step::Batch(Batch { items: lines.into_iter().map(item).collect() }))
}

/// The lines of a body; empty ones mean nothing.
fn lines(body: &[u8]) -> Result<Vec<&[u8]>, Problem> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let lines: Vec<&[u8]> = lines.take(LINES_MAX + 1).collect();
    match lines.len() {
        0 => Err(Problem::bad("there is no line in the body: each is a message as JSON")),
        number if number > LINES_MAX => {
            Err(Problem::new(Kind::TooLarge, format!("there are more than {LINES_MAX} lines")))
        }
        _ => Ok(lines),
    }
}

fn item(line: &[u8], is_acked: bool, timeout: Duration) -> Result<Ask, Problem> {
    let fields: Map<String, Value> = serde_json::from_slice(line)
        .map_err(|error| Problem::bad(format!("a line is no JSON object: {error}")))?;
    let known = ["subject", "reply", "header", "data", "text", "json"];
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Problem::bad(format!("no field {unknown:?}: there are {}", known.join(", "))));
    }
    let subject = string(&fields, "subject")?.ok_or_else(|| Problem::bad("a line has no subject"))?;
    let subject = literal(subject)?.to_owned();
    let reply = string(&fields, "reply")?.map(literal).transpose()?.map(ToOwned::to_owned);
    if is_acked && reply.is_some() {
        return Err(Problem::bad("with ack=stream the acknowledgement is the answer, so there is no reply"));
    }
    let message = Outgoing { subject, reply, headers: header(&fields)?, payload: payload(&fields)? };
    Ok(publishing(message, is_acked, timeout))
}

fn string<'f>(fields: &'f Map<String, Value>, name: &str) -> Result<Option<&'f str>, Problem> {
    let text = |value: &'f Value| value.as_str().ok_or_else(|| Problem::bad(format!("{name:?} is no text")));
    fields.get(name).map(text).transpose()
}

/// `data` is in base 64, `text` as it is, and `json` anything; one of them, or nothing.
fn payload(fields: &Map<String, Value>) -> Result<Vec<u8>, Problem> {
    let given = ["data", "text", "json"].iter().filter(|name| fields.contains_key(**name)).count();
    if given > 1 {
        return Err(Problem::bad("a message has one of data, text and json"));
    }
    if let Some(data) = string(fields, "data")? {
        return BASE64.decode(data.as_bytes()).map_err(|_| Problem::bad("\"data\" is not in base 64"));
    }
    if let Some(text) = string(fields, "text")? {
        return Ok(text.as_bytes().to_vec());
    }
    Ok(fields.get("json").map_or_else(Vec::new, |json| json.to_string().into_bytes()))
}

/// Names, and a text or a list of texts for each.
fn header(fields: &Map<String, Value>) -> Result<Vec<u8>, Problem> {
    let Some(header) = fields.get("header") else { return Ok(Vec::new()) };
    let odd = || Problem::bad("\"header\" is an object of texts, or of lists of texts");
    let mut all = Vec::new();
    for (name, value) in header.as_object().ok_or_else(odd)? {
        let values = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            all.push(checked(name, value.as_str().ok_or_else(odd)?)?);
        }
    }
    Ok(block(all.into_iter()))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn message(line: &str) -> Result<Outgoing, String> {
        let ask = item(line.as_bytes(), false, Duration::ZERO);
        ask.map(|ask| ask.message).map_err(|problem| problem.detail)
    }

    #[test]
    fn a_line_is_a_message() {
        let got =
            message(r#"{"subject":"a","reply":"r","header":{"K":["1","2"],"L":"3"},"data":"aGk="}"#).unwrap();
        assert_eq!(
            (got.subject.as_str(), got.reply.as_deref(), &got.payload[..]),
            ("a", Some("r"), &b"hi"[..])
        );
        assert_eq!(got.headers, b"NATS/1.0\r\nK: 1\r\nK: 2\r\nL: 3\r\n\r\n");
        assert_eq!(message(r#"{"subject":"a","text":"hi"}"#).unwrap().payload, b"hi");
        assert_eq!(message(r#"{"subject":"a","json":{"x":[1]}}"#).unwrap().payload, br#"{"x":[1]}"#);
        assert_eq!(message(r#"{"subject":"a"}"#).unwrap(), Outgoing::new("a", ""));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told() {
        for (line, words) in [
            ("[]", "no JSON object"),
            ("{", "no JSON object"),
            ("{}", "no subject"),
            (r#"{"subject":1}"#, "no text"),
            (r#"{"subject":"a b"}"#, "not valid"),
            (r#"{"subject":"a","reply":"*"}"#, "not valid"),
            (r#"{"subject":"a","payload":"x"}"#, "no field \"payload\""),
            (r#"{"subject":"a","data":"x","text":"y"}"#, "one of data"),
            (r#"{"subject":"a","data":"!"}"#, "base 64"),
            (r#"{"subject":"a","header":{"K":1}}"#, "texts"),
            (r#"{"subject":"a","header":{"K":"a\r\nX: b"}}"#, "a line ends"),
        ] {
            let told = message(line).unwrap_err();
            assert!(told.contains(words), "{line}: {told}");
        }
        let many = "{}\n".repeat(LINES_MAX + 1);
        assert_eq!(lines(many.as_bytes()).unwrap_err().kind, Kind::TooLarge);
        assert!(lines(b"\n \n").is_err());
        assert_eq!(lines(b"{}\r\n\n{}").unwrap().len(), 2);
    }

    #[test]
    fn a_line_of_the_answer_has_its_status() {
        let told = String::from_utf8(Batch::line(&Problem::bad("x").answer())).unwrap();
        assert!(told.starts_with('{') && told.contains("\"status\":400") && told.ends_with("}\n"), "{told}");
        assert_eq!(Batch::line(&crate::answer::empty(StatusCode::NO_CONTENT)), b"{\"status\":204}\n");
    }
}
