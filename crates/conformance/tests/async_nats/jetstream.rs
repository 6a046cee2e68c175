//! What the tests of JetStream do over and over.
//!
//! Configurations are said as JSON, as they stand on the wire: so each test shows what is asked of the server and not what
//! a client makes of it. What clients do on top (batches, ordered consumers, buckets) is done by the client.

use async_nats::jetstream::{self, Context, consumer::PullConsumer};
use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};
use test_kit::{ANSWER_DEADLINE, Server, ServerOptions, Setup};

use crate::client::*;

/// A server with streams, and a client of it.
pub(crate) struct Js {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) context: Context,
}

pub(crate) fn map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, *value);
    }
    map
}

pub(crate) fn options(setup: Setup) -> ServerOptions {
    ServerOptions { setup, has_streams: true, fixed_port: true, ..ServerOptions::default() }
}

impl Js {
    pub(crate) async fn start(setup: Setup) -> Self {
        Self::with(options(setup)).await
    }

    pub(crate) async fn with(options: ServerOptions) -> Self {
        let server = Server::start(options).expect("the server starts");
        let client = connect(&server).await;
        let context = jetstream::new(client.clone());
        Self { server, client, context }
    }

    /// Kills the server and starts it again. The client is another one.
    pub(crate) async fn restarted(mut self) -> Self {
        self.server.restart().expect("it starts again");
        let client = connect(&self.server).await;
        let context = jetstream::new(client.clone());
        Self { server: self.server, client, context }
    }

    /// What the API answers.
    pub(crate) async fn ask(&self, what: &str, body: Value) -> Value {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let answer = self.client.request(format!("$JS.API.{what}"), body).await.expect("an answer");
        serde_json::from_slice(&answer.payload).expect("JSON")
    }

    /// The number of the error that it answers.
    pub(crate) async fn refused(&self, what: &str, body: Value) -> u64 {
        let answer = self.ask(what, body).await;
        answer["error"]["err_code"].as_u64().unwrap_or_else(|| panic!("{what} was not refused: {answer}"))
    }

    /// The same for what has to be done.
    pub(crate) async fn done(&self, what: &str, body: Value) -> Value {
        let answer = self.ask(what, body).await;
        assert!(answer["error"].is_null(), "{what}: {answer}");
        answer
    }

    /// Makes a stream `S` of `s.>`, with more said of it.
    pub(crate) async fn stream(&self, more: Value) -> Value {
        self.done("STREAM.CREATE.S", with(json!({"name": "S", "subjects": ["s.>"]}), more)).await
    }

    /// Makes a consumer of `S` by that name, which acknowledges each message, with more said of it.
    pub(crate) async fn consumer(&self, name: &str, more: Value) -> Value {
        let config = with(json!({"name": name, "durable_name": name, "ack_policy": "explicit"}), more);
        let body = json!({"stream_name": "S", "config": config});
        self.done(&format!("CONSUMER.CREATE.S.{name}"), body).await
    }

    /// What there is of `S`.
    pub(crate) async fn state(&self) -> Value {
        self.done("STREAM.INFO.S", Value::Null).await["state"].clone()
    }

    /// What there is of a consumer of `S`.
    pub(crate) async fn consumer_info(&self, name: &str) -> Value {
        self.done(&format!("CONSUMER.INFO.S.{name}"), Value::Null).await
    }

    /// What a publisher is answered.
    pub(crate) async fn publish(&self, subject: &str, headers: &[(&str, &str)], payload: &str) -> Value {
        let (subject, payload) = (subject.to_owned(), payload.to_owned().into());
        let answer = match headers.is_empty() {
            true => self.client.request(subject, payload).await,
            false => self.client.request_with_headers(subject, map(headers), payload).await,
        };
        serde_json::from_slice(&answer.expect("an answer").payload).expect("JSON")
    }

    /// Has a message stored, and says as which one.
    pub(crate) async fn put(&self, subject: &str, payload: &str) -> u64 {
        let answer = self.publish(subject, &[], payload).await;
        answer["seq"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    /// The number of the error that a publisher is told.
    pub(crate) async fn not_put(&self, subject: &str, headers: &[(&str, &str)], payload: &str) -> u64 {
        let answer = self.publish(subject, headers, payload).await;
        answer["error"]["err_code"].as_u64().unwrap_or_else(|| panic!("it was stored: {answer}"))
    }

    /// So many messages of a consumer of `S` that is asked for them.
    pub(crate) async fn take(&self, name: &str, count: usize) -> Vec<jetstream::Message> {
        let consumer: PullConsumer =
            self.context.get_consumer_from_stream(name, "S").await.expect("the consumer");
        let batch = consumer.batch().max_messages(count).expires(ANSWER_DEADLINE).messages();
        let messages: Vec<_> = batch.await.expect("a request").collect().await;
        let messages: Vec<_> = messages.into_iter().map(|message| message.expect("a message")).collect();
        assert_eq!(messages.len(), count, "of {name}");
        messages
    }

    /// Those that are there for it now, without waiting for more.
    pub(crate) async fn rest(&self, name: &str) -> Vec<String> {
        let consumer: PullConsumer =
            self.context.get_consumer_from_stream(name, "S").await.expect("the consumer");
        let batch = consumer.fetch().max_messages(1_000).messages().await.expect("a request");
        let messages: Vec<_> = batch.collect().await;
        messages.into_iter().map(|message| said(&message.expect("a message"))).collect()
    }

    /// Hears what is published there from now on.
    pub(crate) async fn listen(&self, filter: &str) -> async_nats::Subscriber {
        let subscriber = subscribe(&self.client, filter).await;
        settle(&self.client).await;
        subscriber
    }
}

/// Both objects in one.
pub(crate) fn with(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}

pub(crate) fn said(message: &async_nats::Message) -> String {
    text(message)
}

/// Acknowledges, and waits for word of that.
pub(crate) async fn ack(message: &jetstream::Message) {
    message.double_ack().await.expect("it is taken note of");
}

/// Which message of its stream it is, and how often it was delivered.
pub(crate) fn seq_and_count(message: &jetstream::Message) -> (u64, i64) {
    let info = message.info().expect("it came from a consumer");
    (info.stream_sequence, info.delivered)
}
