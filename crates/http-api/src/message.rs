//! A message as it is shown.

use data_encoding::BASE64;
use nats_proto::{HeaderView, Message};
use serde_json::{Map, Value};

/// A message that came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Where it was published.
    pub subject: String,
    /// Where an answer shall go.
    pub reply: Option<String>,
    /// The header block; empty if there is none.
    pub headers: Vec<u8>,
    /// What follows the headers.
    pub payload: Vec<u8>,
}

impl Received {
    pub(crate) fn of(message: &Message<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            subject: text(message.subject),
            reply: message.reply.map(text),
            headers: message.headers().to_vec(),
            payload: message.payload().to_vec(),
        }
    }

    /// The status in the headers, such as 503.
    pub fn status(&self) -> Option<u16> {
        HeaderView::parse(&self.headers).ok()?.status()
    }

    /// The words behind the status.
    pub fn description(&self) -> String {
        let view = HeaderView::parse(&self.headers).ok();
        view.map_or_else(String::new, |view| String::from_utf8_lossy(view.description()).into_owned())
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<String> {
        let view = HeaderView::parse(&self.headers).ok()?;
        view.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Bytes that it has.
    pub fn bytes(&self) -> usize {
        self.headers.len() + self.payload.len() + self.subject.len()
    }

    /// The message as JSON.
    pub(crate) fn json(&self, shape: Shape) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("subject".into(), self.subject.as_str().into());
        if let Some(reply) = &self.reply {
            body.insert("reply".into(), reply.as_str().into());
        }
        if let Some(headers) = headers(&self.headers) {
            body.insert("header".into(), headers.into());
        }
        match std::str::from_utf8(&self.payload) {
            Ok(text) if shape == Shape::Text => body.insert("text".into(), text.into()),
            _ => body.insert("data".into(), BASE64.encode(&self.payload).into()),
        };
        body
    }
}

/// How the payload of a message stands in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// `data`, in base 64.
    #[default]
    Data,
    /// `text` as it is, and `data` where it is no text.
    Text,
}

/// Asks for the second.
pub(crate) const TEXT_JSON: &str = "application/vnd.nats.text+json";

/// Names, and what each of them says; `None` if nothing is said.
fn headers(block: &[u8]) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    for (name, value) in HeaderView::parse(block).ok()? {
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        let values = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(value.into());
        }
    }
    Some(fields).filter(|fields| !fields.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_has_what_there_is() {
        let message = Received {
            subject: "a".into(),
            reply: Some("r".into()),
            headers: b"NATS/1.0\r\nK: 1\r\nK: 2\r\n\r\n".to_vec(),
            payload: b"hi".to_vec(),
        };
        let json = |shape| Value::from(message.json(shape)).to_string();
        let rest = r#""header":{"K":["1","2"]},"reply":"r","subject":"a""#;
        assert_eq!(json(Shape::Data), format!(r#"{{"data":"aGk=",{rest}}}"#));
        assert_eq!(json(Shape::Text), format!(r#"{{{rest},"text":"hi"}}"#));
        let bytes = Received { payload: b"\xff".to_vec(), ..Received::default() };
        assert_eq!(Value::from(bytes.json(Shape::Text)).to_string(), r#"{"data":"/w==","subject":""}"#);
    }

    #[test]
    fn a_status_is_read_from_the_headers() {
        let headers = b"NATS/1.0 404 No Messages\r\nA: b\r\n\r\n".to_vec();
        let message = Received { headers, ..Received::default() };
        assert_eq!((message.status(), message.description()), (Some(404), "No Messages".into()));
        assert_eq!((message.header("A"), message.header("B")), (Some("b".into()), None));
        assert_eq!(Received::default().status(), None);
    }
}
