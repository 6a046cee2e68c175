//! Requests over a raw connection: one at a time, or many on their way.

use std::net::SocketAddr;

use serde_json::Value;
use test_kit::{Message, RawClient, ServerOp};

/// Requests that are on their way at a time.
const ON_THE_WAY_MAX: usize = 100;

/// The server is gone, or the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A body.
    Body(Value),
    /// The error of a body: its `err_code` and words.
    Error(u64, String),
    /// Nobody answers on that subject.
    NoResponders,
}

impl Answer {
    pub(crate) fn of(message: &Message) -> Self {
        if message.is_no_responders() {
            return Self::NoResponders;
        }
        let body: Value = match serde_json::from_slice(&message.payload) {
            Ok(body) => body,
            Err(_) => return Self::Error(0, format!("not JSON: {}", message.text())),
        };
        let error = &body["error"];
        if error.is_null() {
            return Self::Body(body);
        }
        let words = error["description"].as_str().unwrap_or_default();
        Self::Error(error["err_code"].as_u64().unwrap_or(0), words.to_owned())
    }
}

/// A connection that asks.
#[derive(Debug)]
pub struct Requests {
    client: RawClient,
    inbox: String,
    next: u64,
}

impl Requests {
    /// Connects; `name` tells its inboxes from those of others.
    ///
    /// # Panics
    ///
    /// When the server does not accept.
    #[must_use]
    pub fn connect(addr: SocketAddr, name: &str) -> Self {
        let mut client = RawClient::connect(addr);
        let inbox = format!("_INBOX.{name}");
        client.subscribe(&format!("{inbox}.>"), 1);
        Self { client, inbox, next: 0 }
    }

    /// Asks and waits.
    ///
    /// # Panics
    ///
    /// When no answer comes within the deadline, or the connection ends.
    pub fn ask(&mut self, subject: &str, body: &str) -> Answer {
        self.try_ask(subject, body).expect("an answer before the end")
    }

    /// The same, unless the server is gone before.
    ///
    /// # Errors
    ///
    /// It is.
    ///
    /// # Panics
    ///
    /// When no answer comes within the deadline.
    pub fn try_ask(&mut self, subject: &str, body: &str) -> Result<Answer, Gone> {
        let reply = self.fresh_inbox();
        self.publish(subject, &reply, "", body.as_bytes())?;
        loop {
            let message = self.next_message()?;
            if message.subject == reply {
                return Ok(Answer::of(&message));
            }
        }
    }

    /// Asks all of these on one subject, some on their way at a time: the answers, in the order of the questions.
    ///
    /// # Errors
    ///
    /// The server is gone.
    ///
    /// # Panics
    ///
    /// When no answer comes within the deadline.
    pub fn ask_all(&mut self, subject: &str, bodies: &[String]) -> Result<Vec<Answer>, Gone> {
        let mut answers = vec![Answer::NoResponders; bodies.len()];
        let (mut asked, mut answered) = (0, 0);
        while answered < bodies.len() {
            while asked < bodies.len() && asked - answered < ON_THE_WAY_MAX {
                let reply = format!("{}.{asked}", self.inbox);
                self.publish(subject, &reply, "", bodies[asked].as_bytes())?;
                asked += 1;
            }
            let message = self.next_message()?;
            let number = message.subject.strip_prefix(&self.inbox).and_then(|rest| rest.strip_prefix('.'));
            if let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) {
                answers[number] = Answer::of(&message);
                answered += 1;
            }
        }
        Ok(answers)
    }

    /// A reply subject nobody had before.
    #[must_use]
    pub fn fresh_inbox(&mut self) -> String {
        self.next += 1;
        format!("{}.once.{}", self.inbox, self.next)
    }

    /// A reply subject that ends in this.
    pub(crate) fn inbox(&self, end: &str) -> String {
        format!("{}.{end}", self.inbox)
    }

    /// Sends a message. `header` is a whole block, or empty.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub fn publish(&mut self, subject: &str, reply: &str, header: &str, payload: &[u8]) -> Result<(), Gone> {
        let line = match header {
            "" => format!("PUB {subject} {reply} {}\r\n", payload.len()),
            _ => format!(
                "HPUB {subject} {reply} {} {}\r\n{header}",
                header.len(),
                header.len() + payload.len()
            ),
        };
        let bytes = [line.as_bytes(), payload, b"\r\n"].concat();
        self.client.try_send(bytes).map_err(|_| Gone)
    }

    /// The next message.
    ///
    /// # Errors
    ///
    /// The server is gone.
    ///
    /// # Panics
    ///
    /// When none comes within the deadline, or the server reports an error.
    pub fn next_message(&mut self) -> Result<Message, Gone> {
        loop {
            match self.client.next_op() {
                ServerOp::Msg(message) => return Ok(message),
                ServerOp::Closed => return Err(Gone),
                ServerOp::Info(_) | ServerOp::Ok | ServerOp::Pong | ServerOp::Ping => {}
                ServerOp::Err(words) => panic!("the server says {words}"),
            }
        }
    }

    /// Sends a PING and returns the messages that came before its PONG.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub fn flush(&mut self) -> Vec<Message> {
        self.client.flush()
    }
}
