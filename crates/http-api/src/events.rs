//! Messages one after the other, as they come: server-sent events, JSON on lines, or a list.

use serde_json::Value;

use crate::message::{Received, Shape};

/// How long a page waits before it comes back, in milliseconds.
const RETRY_MS: u32 = 2000;

/// In what form they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As `EventSource` reads them.
    Events,
    /// One JSON object a line.
    Lines,
    /// A list, once all of it is there.
    List,
    /// Their payloads one behind the other, and nothing else.
    Payloads,
}

impl Format {
    /// The type of the answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream",
            Self::Lines => "application/x-ndjson",
            Self::List => "application/json",
            Self::Payloads => "application/octet-stream",
        }
    }
}

/// Writes what a stream of messages says.
#[derive(Debug)]
pub struct Writer {
    format: Format,
    shape: Shape,
    /// Messages so far.
    written: u64,
}

impl Writer {
    /// One that has written nothing.
    pub fn new(format: Format, shape: Shape) -> Self {
        Self { format, shape, written: 0 }
    }

    /// What comes before all.
    pub fn opening(&self) -> Vec<u8> {
        match self.format {
            Format::Events => format!("retry: {RETRY_MS}\n\n").into_bytes(),
            Format::Lines | Format::Payloads => Vec::new(),
            Format::List => b"[".to_vec(),
        }
    }

    /// A message; `id` is where to resume behind it, and `ack` how it is acknowledged.
    pub fn message(&mut self, message: &Received, id: Option<u64>, ack: Option<&str>) -> Vec<u8> {
        if self.format == Format::Payloads {
            return message.payload.clone();
        }
        let mut body = message.json(self.shape);
        if let Some(id) = id {
            body.insert("seq".into(), id.into());
        }
        if let Some(ack) = ack {
            body.remove("reply");
            body.insert("ack".into(), ack.into());
        }
        self.value("msg", id, &body.into())
    }

    /// Something that is told as an event of that name.
    pub fn value(&mut self, name: &str, id: Option<u64>, value: &Value) -> Vec<u8> {
        let is_first = self.written == 0;
        self.written += 1;
        // JSON has no line ends in it.
        let json = value.to_string();
        let text = match (self.format, id) {
            (Format::Events, Some(id)) => format!("event: {name}\nid: {id}\ndata: {json}\n\n"),
            (Format::Events, None) => format!("event: {name}\ndata: {json}\n\n"),
            (Format::Lines | Format::Payloads, _) => format!("{json}\n"),
            (Format::List, _) if is_first => json,
            (Format::List, _) => format!(",{json}"),
        };
        text.into_bytes()
    }

    /// In what shape messages are told.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// That so many messages are left out, since they were more than are asked for.
    pub fn skipped(&mut self, count: u64) -> Vec<u8> {
        self.value("skipped", None, &serde_json::json!({ "skipped": count }))
    }

    /// That it is still there, though nothing came.
    pub fn heartbeat(&self) -> Vec<u8> {
        match self.format {
            Format::Events => b": idle\n\n".to_vec(),
            Format::Lines => b"\n".to_vec(),
            // Blanks mean nothing in JSON.
            Format::List => b" ".to_vec(),
            Format::Payloads => Vec::new(),
        }
    }

    /// That no more comes, and why if it is the server who ends it.
    pub fn closing(&self, reason: Option<&str>) -> Vec<u8> {
        let said = |reason: &str| serde_json::json!({ "closed": reason }).to_string();
        match (self.format, reason) {
            (Format::List, _) => b"]\n".to_vec(),
            (_, None) | (Format::Payloads, _) => Vec::new(),
            (Format::Events, Some(reason)) => {
                format!("event: closed\ndata: {}\n\n", said(reason)).into_bytes()
            }
            (Format::Lines, Some(reason)) => format!("{}\n", said(reason)).into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format) -> String {
        let mut writer = Writer::new(format, Shape::Text);
        let message = |text: &str| Received {
            subject: "a".into(),
            reply: Some("r".into()),
            payload: text.into(),
            ..Received::default()
        };
        let mut all = writer.opening();
        all.extend(writer.message(&message("x\ndata: y"), Some(7), None));
        all.extend(writer.heartbeat());
        all.extend(writer.message(&message("z"), None, Some("$JS.ACK.x")));
        all.extend(writer.closing(Some("the server is closing")));
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn events_are_read_by_pages() {
        let lines = [
            "retry: 2000\n",
            "event: msg\nid: 7\ndata: {\"reply\":\"r\",\"seq\":7,\"subject\":\"a\",\"text\":\"x\\ndata: y\"}\n",
            ": idle\n",
            "event: msg\ndata: {\"ack\":\"$JS.ACK.x\",\"subject\":\"a\",\"text\":\"z\"}\n",
            "event: closed\ndata: {\"closed\":\"the server is closing\"}\n",
            "",
        ];
        assert_eq!(written(Format::Events), lines.join("\n"));
    }

    #[test]
    fn lines_and_lists_are_json() {
        for line in written(Format::Lines).lines().filter(|line| !line.is_empty()) {
            assert!(serde_json::from_str::<Value>(line).unwrap().is_object());
        }
        let list: Value = serde_json::from_str(&written(Format::List)).unwrap();
        assert_eq!(list.as_array().map(Vec::len), Some(2));
        let none = Writer::new(Format::List, Shape::Data);
        assert_eq!([none.opening(), none.closing(None)].concat(), b"[]\n");
    }
}
