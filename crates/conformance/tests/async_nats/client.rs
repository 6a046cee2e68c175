//! What the tests do with a client over and over.

use std::{future::Future, time::Duration};

use async_nats::{Client, ConnectOptions, Event, Message, Subscriber};
use bytes::Bytes;
use futures::{StreamExt, future::join_all};
use test_kit::{ANSWER_DEADLINE, Server};
use tokio::sync::mpsc;

/// Longer than any single wait inside; only a hang reaches it.
const SCENARIO_DEADLINE: Duration = ANSWER_DEADLINE.saturating_mul(4);

/// Runs one scenario; clients do their work on the same thread.
pub(crate) fn run(scenario: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let within = async { tokio::time::timeout(SCENARIO_DEADLINE, scenario).await };
    runtime.expect("a runtime").block_on(within).expect("the scenario ends in time");
}

pub(crate) async fn connect(server: &Server) -> Client {
    async_nats::connect(server.url()).await.expect("async-nats connects")
}

pub(crate) async fn connect_many(server: &Server, count: usize) -> Vec<Client> {
    join_all((0..count).map(|_| connect(server))).await
}

/// Returns once the server has done everything this client asked before: its own echo came back.
/// (async-nats' `flush` only empties the client's buffer.)
pub(crate) async fn settle(client: &Client) {
    let inbox = client.new_inbox();
    let mut echo = client.subscribe(inbox.clone()).await.expect("subscribe");
    client.publish(inbox, Bytes::new()).await.expect("publish");
    next(&mut echo).await;
}

pub(crate) async fn subscribe(client: &Client, filter: &str) -> Subscriber {
    client.subscribe(filter.to_owned()).await.expect("subscribe")
}

pub(crate) async fn publish(client: &Client, subject: &str, payload: impl Into<Bytes>) {
    client.publish(subject.to_owned(), payload.into()).await.expect("publish");
}

pub(crate) async fn next(subscriber: &mut Subscriber) -> Message {
    let message = tokio::time::timeout(ANSWER_DEADLINE, subscriber.next()).await;
    message.expect("a message in time").expect("a message before the end")
}

pub(crate) fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.payload).into_owned()
}

/// What happens to a client.
pub(crate) type Events = mpsc::UnboundedReceiver<Event>;

/// A client that tells what happens to it and tries again soon when it has lost the server.
pub(crate) async fn watched(options: ConnectOptions, server: &Server) -> (Client, Events) {
    let (happened, events) = mpsc::unbounded_channel();
    let client = options
        .reconnect_delay_callback(|_| Duration::from_millis(5))
        .event_callback(move |event| {
            let _ = happened.send(event);
            async {}
        })
        .connect(server.url())
        .await
        .expect("async-nats connects");
    (client, events)
}

/// Returns once `awaited` has happened.
pub(crate) async fn await_event(events: &mut Events, awaited: &Event) {
    while next_event(events).await != *awaited {}
}

pub(crate) async fn next_event(events: &mut Events) -> Event {
    let event = tokio::time::timeout(ANSWER_DEADLINE, events.recv()).await;
    event.expect("an event in time").expect("the client is alive")
}
