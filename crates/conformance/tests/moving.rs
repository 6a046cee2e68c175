//! Connections that change shards while they are in use: nobody notices.
//!
//! Connections are spread over the shards and talk to one other each, mostly on another shard;
//! `--colocate` lets them move together. The log tells that they did. Phase by phase new ones come, or
//! talk to others, until enough have moved.

use std::{collections::BTreeMap, thread};

use futures::{
    StreamExt,
    future::{join, join_all},
};
use test_kit::{Message, RawClient, Server, ServerOptions, Setup};

/// Connections in each role.
const CLIENTS: usize = 4;

/// How the server says that a connection changed shards.
const MOVED: &str = "Client connection moved to shard";

/// Phases at most; the first few do, unless the machine is very slow.
const PHASES_MAX: usize = 60;

/// Changes of shard to be seen before a test is done.
const MOVES_MIN: usize = 4;

fn start(setup: Setup) -> Server {
    let args = vec!["--colocate".to_owned(), "-D".to_owned()];
    Server::start(ServerOptions { setup, args, ..ServerOptions::default() }).expect("the server starts")
}

fn clients(server: &Server) -> Vec<RawClient> {
    (0..CLIENTS).map(|_| server.connect()).collect()
}

/// Goes through phases until connections have moved often enough.
fn until_moved(server: &Server, mut phase: impl FnMut(usize)) {
    for number in 0..PHASES_MAX {
        phase(number);
        if server.log().text().matches(MOVED).count() >= MOVES_MIN {
            return;
        }
    }
    panic!("connections did not move:\n{}", server.log().text());
}

/// Each publisher counts up to a listener, and a witness hears all of them.
fn counting(setup: Setup) {
    const MESSAGES: usize = 20_000;
    let server = start(setup);
    until_moved(&server, |phase| {
        let mut publishers = clients(&server);
        let mut listeners = clients(&server);
        let mut witness = server.connect();
        witness.subscribe(&format!("count.{phase}.*"), "w");
        thread::scope(|scope| {
            for (index, listener) in listeners.iter_mut().enumerate() {
                listener.subscribe(&format!("count.{phase}.{index}"), 1);
                scope.spawn(move || expect_counting(listener, MESSAGES));
            }
            for (index, publisher) in publishers.iter_mut().enumerate() {
                // One further on, so that the two begin on different shards.
                let to = (index + 1) % CLIENTS;
                scope.spawn(move || count_up(publisher, &format!("count.{phase}.{to}"), MESSAGES));
            }
            scope.spawn(|| expect_counting(&mut witness, CLIENTS * MESSAGES));
        });
        for client in listeners.iter_mut().chain([&mut witness]) {
            assert_eq!(client.flush(), [], "more than was published");
        }
    });
}

/// Each publisher's messages come in order, none is missing and none comes twice.
fn expect_counting(listener: &mut RawClient, messages: usize) {
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..messages {
        let message = listener.next_message();
        let text = message.text();
        let due = next.entry(message.subject).or_default();
        assert_eq!(text, due.to_string());
        *due += 1;
    }
}

fn count_up(publisher: &mut RawClient, subject: &str, messages: usize) {
    for batch in (0..messages).collect::<Vec<_>>().chunks(200) {
        let frame = |number: &usize| {
            let payload = number.to_string();
            format!("PUB {subject} {}\r\n{payload}\r\n", payload.len())
        };
        publisher.send(batch.iter().map(frame).collect::<String>());
    }
    publisher.flush();
}

/// Requesters ask one thing after the other, each its own responder, which is a queue group of one.
fn asking(setup: Setup) {
    const REQUESTS: usize = 2_000;
    let server = start(setup);
    until_moved(&server, |phase| {
        let mut requesters = clients(&server);
        let mut responders = clients(&server);
        thread::scope(|scope| {
            for (index, responder) in responders.iter_mut().enumerate() {
                responder.subscribe(&format!("ask.{phase}.{index} crowd"), 1);
                scope.spawn(move || answer(responder, REQUESTS));
            }
            for (index, requester) in requesters.iter_mut().enumerate() {
                let inbox = format!("inbox.{phase}.{index}");
                requester.subscribe(&format!("{inbox}.>"), "in");
                // One further on, so that the two begin on different shards.
                let subject = format!("ask.{phase}.{}", (index + 1) % CLIENTS);
                scope.spawn(move || ask(requester, &subject, &inbox, REQUESTS));
            }
        });
    });
}

fn ask(requester: &mut RawClient, subject: &str, inbox: &str, requests: usize) {
    for number in 0..requests {
        let payload = number.to_string();
        requester.send(format!("PUB {subject} {inbox}.{number} {}\r\n{payload}\r\n", payload.len()));
        let reply = requester.next_message();
        assert_eq!((reply.subject, reply.payload), (format!("{inbox}.{number}"), payload.into_bytes()));
    }
}

fn answer(responder: &mut RawClient, requests: usize) {
    for due in 0..requests {
        let Message { reply, payload, .. } = responder.next_message();
        assert_eq!(payload, due.to_string().into_bytes(), "each request once and in order");
        responder.publish(&reply.expect("a request has a reply subject"), payload);
    }
}

/// Subscriptions come and go on connections that move: each counts from its PONG on, and not after
/// its UNSUB.
fn subscribing(setup: Setup) {
    let server = start(setup);
    until_moved(&server, |phase| {
        let mut publishers = clients(&server);
        let mut listeners = clients(&server);
        // One further on, so that the two begin on different shards.
        listeners.rotate_left(1);
        thread::scope(|scope| {
            for (index, pair) in publishers.iter_mut().zip(&mut listeners).enumerate() {
                scope.spawn(move || hear_afresh(pair, &format!("fresh.{phase}.{index}")));
            }
        });
    });
}

fn hear_afresh((publisher, listener): (&mut RawClient, &mut RawClient), subject: &str) {
    const ROUNDS: usize = 100;
    const MESSAGES: usize = 150;
    for round in 0..ROUNDS {
        let subject = format!("{subject}.{round}");
        listener.subscribe(&subject, round);
        count_up(publisher, &subject, MESSAGES);
        expect_counting(listener, MESSAGES);
        listener.send(format!("UNSUB {round}\r\n"));
        assert_eq!(listener.flush(), []);
        publisher.publish(&subject, "late");
        publisher.flush();
        assert_eq!(listener.flush(), [], "a message after the UNSUB was confirmed");
    }
}

/// async-nats asks and is answered, over several connections at once.
fn through_async_nats(setup: Setup) {
    const REQUESTS: usize = 2_000;
    let server = start(setup);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    until_moved(&server, |phase| {
        runtime.block_on(join_all((0..CLIENTS).map(|pair| {
            let (url, subject) = (server.url(), format!("echo.{phase}.{pair}"));
            async move { ask_and_echo(&url, subject, REQUESTS).await }
        })));
    });
}

async fn ask_and_echo(url: &str, subject: String, requests: usize) {
    let requester = async_nats::connect(url).await.expect("a requester");
    let responder = async_nats::connect(url).await.expect("a responder");
    let mut asked = responder.subscribe(subject.clone()).await.expect("a subscription");
    // An answer to itself: the subscription is there.
    responder.publish(subject.clone(), "ready".into()).await.expect("a message");
    assert_eq!(asked.next().await.expect("itself").payload, "ready");
    let echo = async {
        for due in 0..requests {
            let message = asked.next().await.expect("a request");
            assert_eq!(message.payload, due.to_string(), "each request once and in order");
            let reply = message.reply.expect("a request has a reply subject");
            responder.publish(reply, message.payload).await.expect("a reply");
        }
    };
    let ask = async {
        for number in 0..requests {
            let answer = requester.request(subject.clone(), number.to_string().into()).await;
            assert_eq!(answer.expect("an answer").payload, number.to_string());
        }
    };
    join(echo, ask).await;
}

/// Each test where there is more than one shard.
macro_rules! on_several_shards {
    ($($test:ident),* $(,)?) => {
        mod two_shards { $(#[test] fn $test() { super::$test(test_kit::SETUPS[1]) })* }
        mod four_shards { $(#[test] fn $test() { super::$test(test_kit::SETUPS[2]) })* }
        mod two_shards_on_epoll { $(#[test] fn $test() { super::$test(test_kit::SETUPS[4]) })* }
    };
}

on_several_shards!(counting, asking, subscribing, through_async_nats);
