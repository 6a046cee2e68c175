//! Requests to JetStream's API, one at a time.

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::client;
use crate::frames;
use crate::inbox::Inbox;
use crate::jetstream::link::ANSWER_WAIT_MAX;
use crate::jetstream::pub_ack;
use crate::server::Server;
use crate::stream::Stream;

const READ_BYTES: usize = 16 * 1024;

pub(crate) struct Api {
    stream: Stream,
    inbox: Inbox,
    requests: u64,
}

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Held {
    pub(crate) messages: u64,
    pub(crate) last_seq: u64,
}

impl Api {
    pub(crate) fn open(server: &Server) -> Result<Self> {
        let subscription = frames::subscribe("_INBOX.bench.api.*", None, "1");
        let stream = client::open_saying(&mut server.dialer(), frames::CONNECT_WITH_HEADERS, &subscription)?;
        stream.set_waits_max(ANSWER_WAIT_MAX)?;
        Ok(Self { stream, inbox: Inbox::default(), requests: 0 })
    }

    /// Makes a stream, in files unless told otherwise; one that is there already has to be empty.
    pub(crate) fn create_stream(&mut self, name: &str, mut config: Value) -> Result<()> {
        config["name"] = json!(name);
        if config["storage"].is_null() {
            config["storage"] = json!("file");
        }
        let made = self.request(&format!("STREAM.CREATE.{name}"), &config)?;
        let held = held(&made).context("the answer to STREAM.CREATE")?;
        ensure!(held.last_seq == 0, "there is a stream {name} already, and it has been used: delete it");
        Ok(())
    }

    pub(crate) fn delete_stream(&mut self, name: &str) -> Result<()> {
        let answer = self.request(&format!("STREAM.DELETE.{name}"), &Value::Null)?;
        ensure!(answer["success"] == true, "the stream {name} was not deleted");
        Ok(())
    }

    pub(crate) fn held(&mut self, stream: &str) -> Result<Held> {
        let info = self.request(&format!("STREAM.INFO.{stream}"), &Value::Null)?;
        held(&info).context("the answer to STREAM.INFO")
    }

    pub(crate) fn create_consumer(&mut self, stream: &str, name: &str, mut config: Value) -> Result<()> {
        config["name"] = json!(name);
        let body = json!({ "stream_name": stream, "config": config });
        self.request(&format!("CONSUMER.CREATE.{stream}.{name}"), &body).map(drop)
    }

    /// Up to where a consumer's messages are acknowledged, by sequence number of the stream.
    pub(crate) fn ack_floor(&mut self, stream: &str, consumer: &str) -> Result<u64> {
        let info = self.request(&format!("CONSUMER.INFO.{stream}.{consumer}"), &Value::Null)?;
        info["ack_floor"]["stream_seq"].as_u64().context("the answer to CONSUMER.INFO has no ack floor")
    }

    /// The answer, unless it is an error.
    fn request(&mut self, name: &str, body: &Value) -> Result<Value> {
        let subject = format!("$JS.API.{name}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.requests += 1;
        let answer_to = format!("_INBOX.bench.api.{}", self.requests);
        let frame = format!("PUB {subject} {answer_to} {}\r\n{body}\r\n", body.len());
        self.stream.write_all(frame.as_bytes()).with_context(|| format!("asking {subject}"))?;
        let answer = self.await_answer(&answer_to).context(subject.clone())?;
        match &answer["error"] {
            Value::Null => Ok(answer),
            error => bail!("{subject}: {}", pub_ack::words(error)),
        }
    }

    fn await_answer(&mut self, subject: &str) -> Result<Value> {
        let give_up_at = Instant::now() + ANSWER_WAIT_MAX;
        let mut scratch = vec![0; READ_BYTES];
        let mut answer = None;
        while answer.is_none() {
            ensure!(Instant::now() < give_up_at, "no answer");
            // An answer to an earlier request that was given up is none to this one.
            self.inbox.read(&mut self.stream, &mut scratch, |message| {
                if message.subject == subject.as_bytes() {
                    pub_ack::confirm_responder(message)?;
                    answer = Some(serde_json::from_slice(message.payload())?);
                }
                Ok(())
            })?;
        }
        answer.context("no answer")
    }
}

fn held(answer: &Value) -> Option<Held> {
    let state = &answer["state"];
    Some(Held { messages: state["messages"].as_u64()?, last_seq: state["last_seq"].as_u64()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::fake;
    use std::sync::{Arc, Mutex};

    /// Asks a server that answers each request with the next of `answers`: what it was asked.
    fn asked(answers: Vec<&'static str>, ask: impl FnOnce(&mut Api)) -> Vec<(String, String)> {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, mut answers) = (Arc::clone(&requests), answers.into_iter());
        let server = fake::serve(move |request| {
            seen.lock().unwrap().push((request.subject.clone(), request.body.clone()));
            // An answer to something else comes first.
            let stray = fake::message("_INBOX.bench.api.0", "", b"{}");
            Some([stray, request.answered(answers.next()?)].concat())
        });
        ask(&mut Api::open(&server).unwrap());
        let requests = requests.lock().unwrap();
        requests.clone()
    }

    #[test]
    fn a_stream_is_made_and_asked() {
        let fresh = r#"{"type":"x","state":{"messages":0,"last_seq":0}}"#;
        let filled = r#"{"state":{"messages":3,"last_seq":5}}"#;
        let requests = asked(vec![fresh, filled, r#"{"success":true}"#], |api| {
            api.create_stream("bench", json!({ "subjects": ["bench.>"] })).unwrap();
            assert_eq!(api.held("bench").unwrap(), Held { messages: 3, last_seq: 5 });
            api.delete_stream("bench").unwrap();
        });
        let subjects: Vec<&str> = requests.iter().map(|(subject, _)| subject.as_str()).collect();
        let names =
            ["$JS.API.STREAM.CREATE.bench", "$JS.API.STREAM.INFO.bench", "$JS.API.STREAM.DELETE.bench"];
        assert_eq!(subjects, names);
        let config: Value = serde_json::from_str(&requests[0].1).unwrap();
        assert_eq!(config, json!({ "name": "bench", "storage": "file", "subjects": ["bench.>"] }));
        assert_eq!(requests[1].1, "");
    }

    #[test]
    fn a_used_stream_and_errors_are_told() {
        let used = r#"{"state":{"messages":0,"last_seq":5}}"#;
        let full = r#"{"error":{"code":503,"err_code":10023,"description":"insufficient resources"}}"#;
        asked(vec![used, full, "{}"], |api| {
            let mut make = || api.create_stream("bench", json!({})).unwrap_err().to_string();
            assert!(make().contains("it has been used"));
            assert_eq!(make(), "$JS.API.STREAM.CREATE.bench: insufficient resources (10023)");
            assert!(api.delete_stream("bench").is_err());
        });
    }
}
