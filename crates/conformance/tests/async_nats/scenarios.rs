//! The scenarios that every client goes through.
//!
//! The same names run through the other clients in `foreign_clients.rs`; `conformance::SCENARIOS`
//! lists them.

use std::collections::BTreeSet;

use async_nats::{ConnectOptions, Event, HeaderMap, client::RequestErrorKind};
use bytes::Bytes;
use futures::StreamExt;
use test_kit::{ANSWER_DEADLINE, Server, ServerOptions, Setup, on_every_setup};
use tokio::sync::mpsc;

use crate::client::*;

on_every_setup!(
    pub_sub,
    wildcards,
    queue_spread,
    request_reply,
    many_replies,
    no_responders,
    headers,
    drain,
    auto_unsubscribe,
    reconnect,
    large_payload,
    many_subscriptions,
    slow_consumer,
);

/// A few clients on a server of their own, so that several shards take part.
fn pub_sub(setup: Setup) {
    run(async {
        let server = Server::with(setup);
        let clients = connect_many(&server, 5).await;
        let mut subscribers = Vec::new();
        for client in &clients {
            subscribers.push(subscribe(client, "news").await);
            settle(client).await;
        }
        for number in 0..200 {
            publish(&clients[0], "news", number.to_string()).await;
        }
        for subscriber in &mut subscribers {
            for number in 0..200 {
                assert_eq!(text(&next(subscriber).await), number.to_string());
            }
        }
    });
}

fn wildcards(setup: Setup) {
    let subjects = ["a", "a.b", "a.c", "a.b.c", "a.b.c.d", "b.b"];
    let heard_by = [
        ("a.*", vec!["a.b", "a.c"]),
        ("a.>", vec!["a.b", "a.c", "a.b.c", "a.b.c.d"]),
        ("*.b", vec!["a.b", "b.b"]),
        ("a.*.c", vec!["a.b.c"]),
        ("*", vec!["a"]),
        (">", subjects.to_vec()),
    ];
    run(async {
        let server = Server::with(setup);
        let publisher = connect(&server).await;
        let mut subscribers = Vec::new();
        for (filter, heard) in heard_by {
            let client = connect(&server).await;
            let messages = subscribe(&client, filter).await;
            settle(&client).await;
            // `>` also hears the other clients settle.
            let messages =
                messages.filter(|message| futures::future::ready(!message.subject.starts_with("_INBOX.")));
            subscribers.push((client, filter, heard, messages));
        }
        for subject in subjects {
            publish(&publisher, subject, "").await;
        }
        for (client, filter, heard, mut messages) in subscribers {
            for subject in heard {
                let message = messages.next().await.expect("a message before the end");
                assert_eq!(message.subject.as_str(), subject, "on {filter}");
            }
            client.drain().await.expect("drain");
            assert!(messages.next().await.is_none(), "{filter} hears too much");
        }
    });
}

fn queue_spread(setup: Setup) {
    const MEMBERS: usize = 6;
    const MESSAGES: usize = 600;
    run(async {
        let server = Server::with(setup);
        let publisher = connect(&server).await;
        let (heard, mut arrivals) = mpsc::channel(MESSAGES);
        for (member, client) in connect_many(&server, MEMBERS).await.into_iter().enumerate() {
            let jobs = client.queue_subscribe("jobs", "workers".to_owned()).await;
            let mut jobs = jobs.expect("subscribe");
            settle(&client).await;
            let heard = heard.clone();
            tokio::spawn(async move {
                while let Some(message) = jobs.next().await {
                    heard.send((member, text(&message))).await.expect("the test listens");
                }
                drop(client);
            });
        }
        for number in 0..MESSAGES {
            publish(&publisher, "jobs", number.to_string()).await;
        }
        let (mut members, mut numbers) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..MESSAGES {
            let (member, number) = arrivals.recv().await.expect("members are alive");
            assert!(numbers.insert(number.clone()), "{number} came twice");
            members.insert(member);
        }
        assert_eq!(members.len(), MEMBERS, "some member got nothing");
    });
}

fn request_reply(setup: Setup) {
    run(async {
        let server = Server::with(setup);
        let (requester, responder) = (connect(&server).await, connect(&server).await);
        let mut requests = subscribe(&responder, "double").await;
        settle(&responder).await;
        tokio::spawn(async move {
            while let Some(request) = requests.next().await {
                let reply = request.reply.clone().expect("a request has a reply subject");
                publish(&responder, &reply, text(&request).repeat(2)).await;
            }
        });
        for number in 0..100 {
            let answer = requester.request("double", number.to_string().into()).await;
            assert_eq!(text(&answer.expect("an answer")), number.to_string().repeat(2));
        }
    });
}

fn many_replies(setup: Setup) {
    const RESPONDERS: usize = 5;
    const REPLIES: usize = 40;
    run(async {
        let server = Server::with(setup);
        let requester = connect(&server).await;
        for (index, responder) in connect_many(&server, RESPONDERS).await.into_iter().enumerate() {
            let mut requests = subscribe(&responder, "survey").await;
            settle(&responder).await;
            tokio::spawn(async move {
                let reply = next(&mut requests).await.reply.expect("a reply subject");
                for number in 0..REPLIES {
                    publish(&responder, &reply, format!("{index}.{number}")).await;
                }
                settle(&responder).await;
            });
        }
        let inbox = requester.new_inbox();
        let mut answers = subscribe(&requester, &inbox).await;
        let sent = requester.publish_with_reply("survey", inbox, Bytes::new()).await;
        sent.expect("publish");
        let mut got = BTreeSet::new();
        for _ in 0..RESPONDERS * REPLIES {
            got.insert(text(&next(&mut answers).await));
        }
        assert_eq!(got.len(), RESPONDERS * REPLIES, "some reply came twice");
    });
}

fn no_responders(setup: Setup) {
    run(async {
        let server = Server::with(setup);
        for client in connect_many(&server, 4).await {
            let answer = client.request("nobody.home", Bytes::new()).await;
            let error = answer.expect_err("nobody answers");
            assert_eq!(error.kind(), RequestErrorKind::NoResponders);
        }
    });
}

fn headers(setup: Setup) {
    run(async {
        let server = Server::with(setup);
        let (publisher, subscriber) = (connect(&server).await, connect(&server).await);
        let mut messages = subscribe(&subscriber, "letters").await;
        settle(&subscriber).await;
        let mut sent = HeaderMap::new();
        sent.append("Stamp", "one");
        sent.append("Stamp", "two");
        sent.append("Empty", "");
        for payload in ["", "with a body"] {
            let published = publisher.publish_with_headers("letters", sent.clone(), payload.into());
            published.await.expect("publish");
            let message = next(&mut messages).await;
            assert_eq!(message.headers.as_ref(), Some(&sent));
            assert_eq!(text(&message), payload);
        }
    });
}

fn drain(setup: Setup) {
    const MESSAGES: usize = 500;
    run(async {
        let server = Server::with(setup);
        let (publisher, draining) = (connect(&server).await, connect(&server).await);
        let mut messages = subscribe(&draining, "tank").await;
        settle(&draining).await;
        for number in 0..MESSAGES {
            publish(&publisher, "tank", number.to_string()).await;
        }
        settle(&publisher).await;
        draining.drain().await.expect("drain");
        for number in 0..MESSAGES {
            assert_eq!(text(&next(&mut messages).await), number.to_string());
        }
        assert!(messages.next().await.is_none(), "the subscription ends after the last message");
        let answer = publisher.request("tank", Bytes::new()).await;
        let error = answer.expect_err("the subscription is gone");
        assert_eq!(error.kind(), RequestErrorKind::NoResponders);
    });
}

fn auto_unsubscribe(setup: Setup) {
    const MAX: usize = 5;
    run(async {
        let server = Server::with(setup);
        let (publisher, subscriber) = (connect(&server).await, connect(&server).await);
        let mut messages = subscribe(&subscriber, "limited").await;
        messages.unsubscribe_after(MAX as u64).await.expect("unsubscribe");
        settle(&subscriber).await;
        for number in 0..MAX {
            publish(&publisher, "limited", number.to_string()).await;
        }
        for number in 0..MAX {
            assert_eq!(text(&next(&mut messages).await), number.to_string());
        }
        assert!(messages.next().await.is_none(), "the subscription ends after {MAX} messages");
        // The server has dropped it as well: it is the server that knows of no responder.
        let answer = publisher.request("limited", Bytes::new()).await;
        let error = answer.expect_err("the subscription is gone");
        assert_eq!(error.kind(), RequestErrorKind::NoResponders);
    });
}

fn reconnect(setup: Setup) {
    run(async {
        let options = ServerOptions { setup, fixed_port: true, ..ServerOptions::default() };
        let mut server = Server::start(options).expect("the server starts");
        let (client, mut events) = watched(ConnectOptions::new(), &server).await;
        let mut messages = subscribe(&client, "still.here").await;
        settle(&client).await;
        await_event(&mut events, &Event::Connected).await;

        server.restart().expect("the server starts again");
        await_event(&mut events, &Event::Disconnected).await;
        await_event(&mut events, &Event::Connected).await;
        settle(&client).await;
        let other = connect(&server).await;
        publish(&other, "still.here", "again").await;
        assert_eq!(text(&next(&mut messages).await), "again");
    });
}

fn large_payload(setup: Setup) {
    run(async {
        let server = Server::with(setup);
        let (publisher, subscriber) = (connect(&server).await, connect(&server).await);
        assert_eq!(publisher.max_payload(), 1024 * 1024);
        let mut messages = subscribe(&subscriber, "large").await;
        settle(&subscriber).await;
        for round in 0..8_usize {
            let payload: Vec<u8> = (0..1024 * 1024).map(|at| (at * 7 + round) as u8).collect();
            publish(&publisher, "large", payload.clone()).await;
            assert!(next(&mut messages).await.payload == payload, "round {round} differs");
        }
    });
}

fn many_subscriptions(setup: Setup) {
    const SUBSCRIPTIONS: usize = 10_000;
    run(async {
        let server = Server::with(setup);
        let (publisher, subscriber) = (connect(&server).await, connect(&server).await);
        let mut subscriptions = Vec::new();
        for number in 0..SUBSCRIPTIONS {
            subscriptions.push(subscribe(&subscriber, &format!("many.{number}")).await);
        }
        settle(&subscriber).await;
        for number in 0..SUBSCRIPTIONS {
            publish(&publisher, &format!("many.{number}"), number.to_string()).await;
        }
        for (number, subscription) in subscriptions.iter_mut().enumerate() {
            assert_eq!(text(&next(subscription).await), number.to_string());
        }
    });
}

fn slow_consumer(setup: Setup) {
    /// More MiB than `max_pending` and the socket buffers hold.
    const MESSAGES: usize = 100;
    run(async {
        let server = Server::with(setup);
        let (publisher, subscriber) = (connect(&server).await, connect(&server).await);
        let mut messages = subscribe(&subscriber, "flood").await;
        settle(&subscriber).await;
        let mut stalled = server.connect();
        stalled.subscribe("flood", 1);
        let payload = Bytes::from(vec![b'f'; 1024 * 1024]);
        for _ in 0..MESSAGES {
            publish(&publisher, "flood", payload.clone()).await;
            assert_eq!(next(&mut messages).await.payload.len(), payload.len());
        }
        let line = server.log().wait_for("Slow Consumer Detected", ANSWER_DEADLINE);
        assert!(line.is_some(), "the log names it:\n{}", server.log().text());
        stalled.read_to_close();
        settle(&publisher).await;
        settle(&subscriber).await;
    });
}
