//! Who gets in, as whom, and what they may do then.

use async_nats::{ConnectErrorKind, ConnectOptions, Event, ServerError, client::RequestErrorKind};
use bytes::Bytes;
use nkeys::KeyPair;
use test_kit::{Server, Setup, on_every_setup};

use crate::client::*;

on_every_setup!(
    users_get_in_with_what_is_theirs,
    a_token_lets_in,
    violations_are_told_and_the_connection_stays,
    who_is_asked_may_answer,
    accounts_hear_only_their_own,
    who_brings_nothing_is_the_no_auth_user,
    mappings_lead_to_other_subjects,
);

pub(crate) fn user(name: &str, password: &str) -> ConnectOptions {
    ConnectOptions::with_user_and_password(name.to_owned(), password.to_owned())
}

/// The server takes the client, which works.
async fn assert_in(options: ConnectOptions, server: &Server) {
    let client = options.connect(server.url()).await.expect("the server takes it");
    settle(&client).await;
}

/// The server says `Authorization Violation`.
async fn assert_refused(options: ConnectOptions, server: &Server) {
    let error = options.connect(server.url()).await.expect_err("the server refuses it");
    assert_eq!(error.kind(), ConnectErrorKind::AuthorizationViolation, "{error}");
}

fn users_get_in_with_what_is_theirs(setup: Setup) {
    let (pair, other) = (KeyPair::new_user(), KeyPair::new_user());
    // The hash is of "b-secret", as cheap as bcrypt goes.
    let config = format!(
        "authorization {{ users = [
           {{ user: plain, password: p-secret }}
           {{ user: hashed, password: \"$2b$04$abcdefghijklmnopqrstuujImsM0PWrHk7a0xy7hAR5fHBKsH.xFu\" }}
           {{ nkey: {} }}
         ] }}",
        pair.public_key()
    );
    run(async {
        let server = Server::configured(setup, &config);
        let nkey = |pair: &KeyPair| ConnectOptions::with_nkey(pair.seed().expect("a pair with its seed"));
        assert_in(user("plain", "p-secret"), &server).await;
        assert_in(user("hashed", "b-secret"), &server).await;
        assert_in(nkey(&pair), &server).await;
        for (name, password) in [("plain", "b-secret"), ("hashed", "p-secret"), ("nobody", "p-secret")] {
            assert_refused(user(name, password), &server).await;
        }
        assert_refused(nkey(&other), &server).await;
        assert_refused(ConnectOptions::with_token("p-secret".to_owned()), &server).await;
        assert_refused(ConnectOptions::new(), &server).await;
    });
}

fn a_token_lets_in(setup: Setup) {
    run(async {
        let server = Server::configured(setup, "authorization { token: t-secret }");
        assert_in(ConnectOptions::with_token("t-secret".to_owned()), &server).await;
        assert_refused(ConnectOptions::with_token("t-secreT".to_owned()), &server).await;
        assert_refused(user("t-secret", ""), &server).await;
        assert_refused(ConnectOptions::new(), &server).await;
    });
}

/// The next thing that the server complains about.
async fn next_complaint(events: &mut Events) -> String {
    loop {
        match next_event(events).await {
            Event::ServerError(ServerError::Other(text)) => return text,
            Event::Connected => {}
            other => panic!("{other:?} instead of a complaint"),
        }
    }
}

fn violations_are_told_and_the_connection_stays(setup: Setup) {
    let config = "authorization { users = [
        { user: free, password: f }
        { user: bound, password: b, permissions: {
            publish: { allow: [\"open.>\", \"_INBOX.>\"], deny: \"open.secret\" }
            subscribe: { allow: [\"open.>\", \"_INBOX.>\", \"jobs workers\"], deny: \"open.hidden.*\" }
        } }
      ] }";
    run(async {
        let server = Server::configured(setup, config);
        let free = user("free", "f").connect(server.url()).await.expect("free gets in");
        let (bound, mut events) = watched(user("bound", "b"), &server).await;

        publish(&bound, "open.secret", "").await;
        let said = next_complaint(&mut events).await;
        assert_eq!(said, "Permissions Violation for Publish to \"open.secret\"");
        publish(&bound, "closed", "").await;
        let said = next_complaint(&mut events).await;
        assert_eq!(said, "Permissions Violation for Publish to \"closed\"");
        let _closed = subscribe(&bound, "closed").await;
        let said = next_complaint(&mut events).await;
        assert_eq!(said, "Permissions Violation for Subscription to \"closed\"");
        let _jobs = bound.queue_subscribe("jobs", "others".to_owned()).await.expect("sent");
        let said = next_complaint(&mut events).await;
        assert_eq!(said, "Permissions Violation for Subscription to \"jobs\" using queue \"others\"");

        // What is denied below an allowed wildcard is left out at delivery.
        let mut open = subscribe(&bound, "open.>").await;
        let mut jobs = bound.queue_subscribe("jobs", "workers".to_owned()).await.expect("sent");
        settle(&bound).await;
        for subject in ["open.hidden.x", "open.plain", "jobs"] {
            publish(&free, subject, subject).await;
        }
        assert_eq!(text(&next(&mut open).await), "open.plain");
        assert_eq!(text(&next(&mut jobs).await), "jobs");
    });
}

fn who_is_asked_may_answer(setup: Setup) {
    let config = "authorization { users = [
        { user: asker, password: a }
        { user: service, password: s, permissions: {
            publish: { allow: [] }, subscribe: \"ask\"
            allow_responses: { max: 1, expires: \"1m\" }
        } }
      ] }";
    run(async {
        let server = Server::configured(setup, config);
        let asker = user("asker", "a").connect(server.url()).await.expect("asker gets in");
        let (service, mut events) = watched(user("service", "s"), &server).await;
        let mut asked = service.subscribe("ask").await.expect("sent");
        // No inbox is allowed, so the echo of `settle` is not: a flush and a complaint tell instead.
        publish(&service, "unasked", "").await;
        let said = next_complaint(&mut events).await;
        assert_eq!(said, "Permissions Violation for Publish to \"unasked\"");
        let answering = tokio::spawn(async move {
            let reply = next(&mut asked).await.reply.expect("a reply subject");
            publish(&service, &reply, "first").await;
            publish(&service, &reply, "second").await;
            (reply, next_complaint(&mut events).await)
        });
        let answer = asker.request("ask", Bytes::new()).await.expect("an answer");
        assert_eq!(text(&answer), "first");
        let (reply, said) = answering.await.expect("the service ends");
        assert_eq!(said, format!("Permissions Violation for Publish to \"{reply}\""));
    });
}

fn accounts_hear_only_their_own(setup: Setup) {
    const MESSAGES: usize = 100;
    let config = "accounts {
        A: { users = [ { user: a, password: a } ] }
        B: { users = [ { user: b, password: b } ] }
      }";
    run(async {
        let server = Server::configured(setup, config);
        let mut heard = Vec::new();
        // Several of each, so that they share shards with the others.
        for name in ["a", "b", "a", "b"] {
            let client = user(name, name).connect(server.url()).await.expect("it gets in");
            let mut everything = subscribe(&client, "news").await;
            let mut share = client.queue_subscribe("news", "share".to_owned()).await.expect("sent");
            settle(&client).await;
            heard.push((
                name,
                client.clone(),
                tokio::spawn(async move {
                    for number in 0..MESSAGES {
                        let message = next(&mut everything).await;
                        assert_eq!(text(&message), format!("{name}{number}"));
                    }
                    let _ = &mut share;
                    share
                }),
            ));
        }
        let publishers = [heard[0].1.clone(), heard[1].1.clone()];
        for number in 0..MESSAGES {
            publish(&publishers[0], "news", format!("a{number}")).await;
            publish(&publishers[1], "news", format!("b{number}")).await;
        }
        let mut shares = [0, 0];
        for (name, client, hearing) in heard {
            let mut share = hearing.await.expect("it hears all of its own");
            client.drain().await.expect("drain");
            while let Some(message) = futures::StreamExt::next(&mut share).await {
                assert!(text(&message).starts_with(name), "{} in {name}", text(&message));
                shares[usize::from(name == "b")] += 1;
            }
        }
        assert_eq!(shares, [MESSAGES, MESSAGES], "one member of each account's group gets a message");
    });
}

fn who_brings_nothing_is_the_no_auth_user(setup: Setup) {
    let config = "accounts {
        A: { users = [ { user: a, password: a } ] }
        B: { users = [ { user: b, password: b } ] }
      }
      no_auth_user: b";
    run(async {
        let server = Server::configured(setup, config);
        let (anybody, b) = (connect(&server).await, user("b", "b").connect(server.url()).await);
        let (a, b) = (user("a", "a").connect(server.url()).await.expect("a gets in"), b.expect("b gets in"));
        let mut messages = subscribe(&anybody, "where.am.i").await;
        settle(&anybody).await;
        let error = a.request("where.am.i", Bytes::new()).await.expect_err("nobody is there");
        assert_eq!(error.kind(), RequestErrorKind::NoResponders);
        publish(&b, "where.am.i", "here").await;
        assert_eq!(text(&next(&mut messages).await), "here");
        assert_refused(user("a", "b"), &server).await;
    });
}

fn mappings_lead_to_other_subjects(setup: Setup) {
    const MESSAGES: usize = 400;
    let config = "mappings {
        \"orders.*.*\": \"sorted.{{wildcard(2)}}.{{wildcard(1)}}\"
        \"split\": [ { destination: \"split.one\", weight: 50% }, { destination: \"split.two\", weight: 50% } ]
      }";
    run(async {
        let server = Server::configured(setup, config);
        let (publisher, subscriber) = (connect(&server).await, connect(&server).await);
        let mut sorted = subscribe(&subscriber, "sorted.>").await;
        let mut split = subscribe(&subscriber, "split.*").await;
        settle(&subscriber).await;
        publish(&publisher, "orders.a.b", "").await;
        assert_eq!(next(&mut sorted).await.subject.as_str(), "sorted.b.a");
        for _ in 0..MESSAGES {
            publish(&publisher, "split", "").await;
        }
        let mut ones = 0;
        for _ in 0..MESSAGES {
            ones += usize::from(next(&mut split).await.subject.as_str() == "split.one");
        }
        // Ten standard deviations around the half.
        assert!((100..300).contains(&ones), "{ones} of {MESSAGES}");
    });
}
