//! A connection to a server.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use nats_proto::{ConnectOptions, Limits, ServerDecoder, ServerOp, Step, encode};
use serde_json::Value;

use crate::CopyError;
use crate::url::Url;

/// How long to wait for a word of the server: it may have much to store before it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that are received at a time.
const RECEIVED_AT_ONCE: usize = 64 << 10;

/// A connection, on which one thing is asked after the other.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    address: String,
    decoder: ServerDecoder,
    /// What came, and was read up to there.
    input: Vec<u8>,
    at: usize,
    /// What answers are sent to begins like that.
    inbox: String,
    requests: u64,
    subscriptions: u64,
    payload_bytes_max: usize,
}

/// A message that came.
#[derive(Debug)]
pub struct Received {
    pub(crate) subject: String,
    /// Where it is to be answered.
    pub reply: Option<String>,
    /// Its header block, or nothing.
    pub header: Vec<u8>,
    /// What it says.
    pub payload: Vec<u8>,
}

/// What a server says.
enum Word {
    Message(Received),
    Pong,
    /// How large a message may be.
    PayloadMax(usize),
    Other,
}

impl Link {
    /// Connects to a server: `nats://[user:password@]host[:port]`, or with a token in the user's place.
    ///
    /// # Errors
    /// It cannot be reached, or does not let us in.
    pub fn connect(url: &str) -> Result<Self, CopyError> {
        let url = Url::parse(url)?;
        let address = url.address();
        let failed = |source| CopyError::Link { address: address.clone(), source };
        let stream = TcpStream::connect((&*url.host, url.port)).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        let inbox = format!("_INBOX.copies{}.{}", std::process::id(), local_port(&stream));
        let mut link = Self {
            stream,
            address,
            decoder: ServerDecoder::default(),
            input: Vec::new(),
            at: 0,
            inbox,
            requests: 0,
            subscriptions: 0,
            payload_bytes_max: usize::MAX,
        };
        link.introduce(&url)?;
        Ok(link)
    }

    fn introduce(&mut self, url: &Url) -> Result<(), CopyError> {
        let token = if url.password.is_none() { url.user.clone() } else { String::new() };
        let options = ConnectOptions {
            user: if token.is_empty() { url.user.clone() } else { String::new() },
            pass: url.password.clone().unwrap_or_default(),
            auth_token: token,
            name: "buster-server copies".into(),
            lang: "rust".into(),
            protocol: 1,
            headers: true,
            no_responders: true,
            verbose: false,
            pedantic: false,
            ..ConnectOptions::default()
        };
        let mut out = Vec::new();
        encode::connect(&mut out, &options);
        encode::subscribe(&mut out, format!("{}.>", self.inbox).as_bytes(), None, b"0");
        encode::ping(&mut out);
        self.send(&out)?;
        loop {
            match self.next_word()? {
                Word::Pong => return Ok(()),
                Word::PayloadMax(bytes) => self.payload_bytes_max = bytes,
                Word::Message(_) | Word::Other => {}
            }
        }
    }

    /// Bytes that a message to the server may have.
    pub(crate) fn payload_bytes_max(&self) -> usize {
        self.payload_bytes_max
    }

    /// Listens to a subject of its own. Returns it.
    pub(crate) fn listen(&mut self) -> String {
        self.subscriptions += 1;
        format!("{}.snapshot.{}", self.inbox, self.subscriptions)
    }

    pub(crate) fn publish(&mut self, subject: &str, payload: &[u8]) -> Result<(), CopyError> {
        let mut out = Vec::new();
        encode::publish(&mut out, subject.as_bytes(), None, payload);
        self.send(&out)
    }

    /// What is answered.
    ///
    /// # Errors
    /// Nobody is there who would answer, or the server is not.
    pub fn request(&mut self, subject: &str, payload: &[u8]) -> Result<Received, CopyError> {
        self.request_with(subject, b"", payload)
    }

    /// The same, with a header block.
    ///
    /// # Errors
    /// The same.
    pub fn request_with(
        &mut self,
        subject: &str,
        header: &[u8],
        payload: &[u8],
    ) -> Result<Received, CopyError> {
        self.requests += 1;
        let reply = format!("{}.{}", self.inbox, self.requests);
        let (to, back, mut out) = (subject.as_bytes(), Some(reply.as_bytes()), Vec::new());
        match header.is_empty() {
            true => encode::publish(&mut out, to, back, payload),
            false => encode::hpublish(&mut out, to, back, header, payload),
        }
        self.send(&out)?;
        let answer = self.next_on(&reply)?;
        if answer.header.starts_with(b"NATS/1.0 503") {
            return Err(CopyError::NoJetStream);
        }
        Ok(answer)
    }

    /// What the API answers.
    ///
    /// # Errors
    /// It refuses, or nobody answers.
    pub fn ask(&mut self, what: &str, body: &Value) -> Result<Value, CopyError> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.request(&format!("$JS.API.{what}"), body.as_bytes())?;
        read_answer(&answer.payload)
    }

    /// The next message to a subject. Others are passed over.
    pub(crate) fn next_on(&mut self, subject: &str) -> Result<Received, CopyError> {
        loop {
            if let Word::Message(message) = self.next_word()?
                && message.subject == subject
            {
                return Ok(message);
            }
        }
    }

    fn next_word(&mut self) -> Result<Word, CopyError> {
        loop {
            let step = self
                .decoder
                .step(&self.input[self.at..], &Limits { payload_bytes_max: usize::MAX, ..Limits::default() });
            let word = match step.map_err(|error| CopyError::Said(error.to_string()))? {
                Step::NeedMore { .. } => {
                    self.receive()?;
                    continue;
                }
                Step::Op { used, op } => {
                    let word = word_of(op)?;
                    self.at += used;
                    word
                }
            };
            match word {
                Some(word) => return Ok(word),
                None => self.send(b"PONG\r\n")?,
            }
        }
    }

    fn receive(&mut self) -> Result<(), CopyError> {
        self.input.drain(..std::mem::take(&mut self.at));
        let had = self.input.len();
        self.input.resize(had + RECEIVED_AT_ONCE, 0);
        let received = self.stream.read(&mut self.input[had..]);
        self.input.truncate(had + *received.as_ref().unwrap_or(&0));
        match received {
            Ok(0) => Err(self.failed(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), CopyError> {
        self.stream.write_all(bytes).map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> CopyError {
        CopyError::Link { address: self.address.clone(), source }
    }
}

/// None is a question whether we are there.
fn word_of(op: ServerOp<'_>) -> Result<Option<Word>, CopyError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Some(match op {
        ServerOp::Ping => return Ok(None),
        ServerOp::Pong => Word::Pong,
        ServerOp::Err(words) => return Err(CopyError::Said(text(words))),
        ServerOp::Message(message) => Word::Message(Received {
            subject: text(message.subject),
            reply: message.reply.map(text),
            header: message.headers().to_vec(),
            payload: message.payload().to_vec(),
        }),
        ServerOp::Info(info) => payload_max(info).map_or(Word::Other, Word::PayloadMax),
        ServerOp::Ok => Word::Other,
    }))
}

fn payload_max(info: &[u8]) -> Option<usize> {
    let info: Value = serde_json::from_slice(info).ok()?;
    usize::try_from(info["max_payload"].as_u64()?).ok()
}

/// An answer of the API, if it is none that refuses.
pub(crate) fn read_answer(payload: &[u8]) -> Result<Value, CopyError> {
    let answer: Value =
        serde_json::from_slice(payload).map_err(|error| CopyError::Said(error.to_string()))?;
    match answer["error"]["description"].as_str() {
        Some(why) => Err(CopyError::Refused(format!("{why} ({})", answer["error"]["err_code"]))),
        None => Ok(answer),
    }
}

fn local_port(stream: &TcpStream) -> u16 {
    stream.local_addr().map_or(0, |address| address.port())
}
