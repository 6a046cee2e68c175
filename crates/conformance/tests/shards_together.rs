//! What one server process promises, whatever shards its clients sit on.
//!
//! A client cannot tell its shard, but connections are spread over all of them, so with several
//! connections in each role every promise is also tried across shards. The same promises hold on
//! one shard.

use std::{collections::BTreeMap, sync::mpsc, thread};

use test_kit::{ANSWER_DEADLINE, Message, RawClient, Server, Setup, on_every_setup};

on_every_setup!(
    each_publisher_is_heard_in_order,
    a_queue_group_gets_each_message_once,
    a_subscription_counts_from_its_pong_on,
    a_subscription_counts_once_others_can_know_of_it,
    an_unsubscription_counts_once_others_can_know_of_it,
    an_unsubscription_loses_nothing_published_before,
    a_pong_stands_behind_what_was_confirmed_before_its_ping,
    no_responders_means_nobody_listens,
    auto_unsubscribe_counts_messages_from_everywhere,
);

/// Connections per role: more than the most shards, so that no placement puts all on one.
const SPREAD: usize = 6;

/// So many raw clients, after their CONNECT.
fn clients(server: &Server, count: usize) -> Vec<RawClient> {
    (0..count).map(|_| server.connect()).collect()
}

/// Subjects `order.<publisher>`; payloads count up.
fn each_publisher_is_heard_in_order(setup: Setup) {
    const MESSAGES: usize = 3_000;
    let server = Server::with(setup);
    let filters = ["order.*", "order.>", ">", "order.0", "*.1", "order.*"];
    let mut subscribers = clients(&server, filters.len());
    for (subscriber, filter) in subscribers.iter_mut().zip(filters) {
        subscriber.subscribe(filter, 1);
    }
    let publishers = clients(&server, SPREAD);
    thread::scope(|scope| {
        for (index, publisher) in publishers.into_iter().enumerate() {
            scope.spawn(move || publish_counting(publisher, &format!("order.{index}"), MESSAGES));
        }
        for (subscriber, filter) in subscribers.iter_mut().zip(filters) {
            let heard = if matches!(filter, "order.0" | "*.1") { 1 } else { SPREAD };
            scope.spawn(move || expect_in_order(subscriber, heard * MESSAGES, filter));
        }
    });
}

/// Publishes in batches of a few hundred, so that reads end in the middle of frames.
fn publish_counting(mut publisher: RawClient, subject: &str, messages: usize) {
    for batch in (0..messages).collect::<Vec<_>>().chunks(300) {
        let frame = |number: &usize| {
            let payload = number.to_string();
            format!("PUB {subject} {}\r\n{payload}\r\n", payload.len())
        };
        publisher.send(batch.iter().map(frame).collect::<String>());
    }
    publisher.flush();
}

fn expect_in_order(subscriber: &mut RawClient, messages: usize, filter: &str) {
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..messages {
        let message = subscriber.next_message();
        let due = next.entry(message.subject.clone()).or_default();
        assert_eq!(message.text(), due.to_string(), "on {filter} from {}", message.subject);
        *due += 1;
    }
    assert_eq!(subscriber.flush(), [], "more than was published came on {filter}");
}

/// Two groups and a plain subscription on the same subject, with members on many connections.
fn a_queue_group_gets_each_message_once(setup: Setup) {
    const MESSAGES: usize = 2_000;
    let server = Server::with(setup);
    let (heard, arrivals) = mpsc::channel::<(&str, Message)>();
    let publishers = clients(&server, SPREAD);
    let total = publishers.len() * MESSAGES;
    let mut stop = Vec::new();
    thread::scope(|scope| {
        for role in ["first", "second", "plain"] {
            let members = if role == "plain" { 1 } else { SPREAD };
            for mut member in clients(&server, members) {
                let group = if role == "plain" { "" } else { role };
                member.subscribe(&format!("work.* {group}"), "job");
                stop.push(member.stream().try_clone().expect("a second handle"));
                let heard = heard.clone();
                scope.spawn(move || {
                    while let Some(message) = member.message_or_close() {
                        heard.send((role, message)).expect("the test still listens");
                    }
                });
            }
        }
        for (index, publisher) in publishers.into_iter().enumerate() {
            scope.spawn(move || publish_counting(publisher, &format!("work.{index}"), MESSAGES));
        }
        let mut seen: BTreeMap<(&str, String, String), usize> = BTreeMap::new();
        for _ in 0..3 * total {
            let (role, message) = arrivals.recv_timeout(ANSWER_DEADLINE).expect("all arrive");
            let text = message.text();
            *seen.entry((role, message.subject, text)).or_default() += 1;
        }
        for handle in stop {
            handle.shutdown(std::net::Shutdown::Both).expect("the connection is open");
        }
        drop(heard);
        let twice = seen.iter().find(|(_, count)| **count != 1);
        assert_eq!(twice, None, "every group gets every message once");
        assert_eq!(arrivals.iter().next(), None, "nothing comes after the last message");
    });
}

/// After the PONG that follows a SUB, a publish from anywhere is delivered.
fn a_subscription_counts_from_its_pong_on(setup: Setup) {
    const ROUNDS: usize = 400;
    let server = Server::with(setup);
    let mut subscribers = clients(&server, SPREAD);
    let mut publishers = clients(&server, SPREAD - 1);
    for round in 0..ROUNDS {
        let subscriber = &mut subscribers[round % SPREAD];
        let publisher = &mut publishers[round % (SPREAD - 1)];
        let subject = format!("fresh.{round}");
        subscriber.subscribe(&subject, round);
        publisher.publish(&subject, round.to_string());
        assert_eq!(subscriber.next_message().text(), round.to_string());
        subscriber.send(format!("UNSUB {round}\r\n"));
    }
}

/// A chain: the subscriber tells a relay, the relay tells another, that one publishes. Nobody
/// waits for a PONG.
fn a_subscription_counts_once_others_can_know_of_it(setup: Setup) {
    const ROUNDS: usize = 400;
    let server = Server::with(setup);
    let mut chain = Chain::new(&server);
    for round in 0..ROUNDS {
        let subscriber = chain.subscriber(round);
        let sub_and_tell = format!("SUB told.{round} {round}\r\nPUB {} 0\r\n\r\n", chain.first_link(round));
        chain.subscribers[subscriber].send(sub_and_tell);
        chain.relay(round, |last| last.publish(&format!("told.{round}"), "seen"));
        let message = chain.subscribers[subscriber].next_message();
        assert_eq!((message.sid, message.payload), (round.to_string(), b"seen".to_vec()));
        chain.subscribers[subscriber].send(format!("UNSUB {round}\r\n"));
    }
}

/// The mirror: once a chain of others can know of an UNSUB, nothing more is delivered to it.
fn an_unsubscription_counts_once_others_can_know_of_it(setup: Setup) {
    const ROUNDS: usize = 400;
    let server = Server::with(setup);
    let mut chain = Chain::new(&server);
    for subscriber in &mut chain.subscribers {
        subscriber.subscribe("after.*", "after");
    }
    for round in 0..ROUNDS {
        let subscriber = chain.subscriber(round);
        let first_link = chain.first_link(round);
        let client = &mut chain.subscribers[subscriber];
        client.subscribe(&format!("gone.{round}"), round);
        client.send(format!("UNSUB {round}\r\nPUB {first_link} 0\r\n\r\n"));
        chain.relay(round, |last| {
            last.publish(&format!("gone.{round}"), "too late");
            last.publish(&format!("after.{round}"), "in time");
        });
        for client in &mut chain.subscribers {
            let message = client.next_message();
            assert_eq!((message.sid.as_str(), message.text().as_str()), ("after", "in time"));
        }
    }
    for client in &mut chain.subscribers {
        assert_eq!(client.flush(), []);
    }
}

/// What draining clients build on: the publisher has its PONG, then the subscriber sends UNSUB and
/// PING; every message stands before that PONG.
fn an_unsubscription_loses_nothing_published_before(setup: Setup) {
    const ROUNDS: usize = 300;
    const MESSAGES: usize = 100;
    let server = Server::with(setup);
    let mut subscribers = clients(&server, SPREAD);
    let mut publishers = clients(&server, SPREAD - 1);
    for round in 0..ROUNDS {
        let subscriber = &mut subscribers[round % SPREAD];
        let publisher = &mut publishers[round % (SPREAD - 1)];
        subscriber.subscribe(&format!("tank.{round}"), round);
        publisher.send(format!("PUB tank.{round} 1\r\nx\r\n").repeat(MESSAGES));
        publisher.flush();
        subscriber.send(format!("UNSUB {round}\r\n"));
        assert_eq!(subscriber.flush().len(), MESSAGES, "in round {round}");
    }
}

/// Flush here, then flush there: the publisher has its PONG, so what it published stands before
/// the PONG of any PING sent afterwards.
fn a_pong_stands_behind_what_was_confirmed_before_its_ping(setup: Setup) {
    const ROUNDS: usize = 600;
    const MESSAGES: usize = 20;
    let server = Server::with(setup);
    let mut subscribers = clients(&server, SPREAD);
    let mut publishers = clients(&server, SPREAD - 1);
    for subscriber in &mut subscribers {
        subscriber.subscribe("flushed", 1);
    }
    for round in 0..ROUNDS {
        let publisher = &mut publishers[round % (SPREAD - 1)];
        publisher.send("PUB flushed 1\r\nx\r\n".repeat(MESSAGES));
        publisher.flush();
        // Another one begins each time.
        for index in 0..SPREAD {
            let subscriber = &mut subscribers[(round + index) % SPREAD];
            assert_eq!(subscriber.flush().len(), MESSAGES, "in round {round}");
        }
    }
}

/// Subscribers, and two rows of relays that hear of a round one after the other.
struct Chain {
    subscribers: Vec<RawClient>,
    first: Vec<RawClient>,
    second: Vec<RawClient>,
}

impl Chain {
    fn new(server: &Server) -> Self {
        // Odd sizes, so that over the rounds all combinations of connections occur.
        let mut chain = Self {
            subscribers: clients(server, SPREAD),
            first: clients(server, SPREAD - 1),
            second: clients(server, SPREAD + 1),
        };
        for (row, relays) in [("first", &mut chain.first), ("second", &mut chain.second)] {
            for (index, relay) in relays.iter_mut().enumerate() {
                relay.subscribe(&format!("{row}.{index}"), "relay");
            }
        }
        chain
    }

    fn subscriber(&self, round: usize) -> usize {
        round % self.subscribers.len()
    }

    fn first_link(&self, round: usize) -> String {
        format!("first.{}", round % self.first.len())
    }

    /// The round's first relay hears, passes it on, and the second one acts.
    fn relay(&mut self, round: usize, act: impl FnOnce(&mut RawClient)) {
        let second = round % self.second.len();
        let first = round % self.first.len();
        self.first[first].next_message();
        self.first[first].publish(&format!("second.{second}"), "");
        self.second[second].next_message();
        act(&mut self.second[second]);
    }
}

/// 503 when no shard has interest, and never while one has.
fn no_responders_means_nobody_listens(setup: Setup) {
    const ROUNDS: usize = 200;
    let server = Server::with(setup);
    let mut requesters = clients(&server, SPREAD);
    let mut responders = clients(&server, SPREAD - 1);
    for (index, requester) in requesters.iter_mut().enumerate() {
        requester.subscribe(&format!("inbox.{index}"), "inbox");
    }
    for round in 0..ROUNDS {
        let asking = round % requesters.len();
        let requester = &mut requesters[asking];
        let responder = &mut responders[round % (SPREAD - 1)];
        let request = format!("PUB help.{round} inbox.{asking} 1\r\n?\r\n");

        requester.send(&request);
        assert!(requester.next_message().is_no_responders(), "nobody listened yet");

        let group = if round % 2 == 0 { "" } else { "helpers" };
        responder.subscribe(&format!("help.* {group}"), round);
        requester.send(&request);
        let heard = responder.next_message();
        assert_eq!(heard.reply, Some(format!("inbox.{asking}")));
        responder.publish(heard.reply.as_deref().expect("just checked"), "!");
        let answer = requester.next_message();
        assert_eq!((answer.text().as_str(), answer.header.len()), ("!", 0), "503 despite a listener");

        responder.send(format!("UNSUB {round}\r\n"));
        responder.flush();
        requester.send(&request);
        assert!(requester.next_message().is_no_responders(), "nobody listens any more");
    }
}

/// `UNSUB sid max` takes exactly `max` messages, whoever published them.
fn auto_unsubscribe_counts_messages_from_everywhere(setup: Setup) {
    const ROUNDS: usize = 50;
    const MAX: usize = 7;
    let server = Server::with(setup);
    let mut publishers = clients(&server, SPREAD);
    let mut subscribers = clients(&server, SPREAD);
    for round in 0..ROUNDS {
        let subscriber = &mut subscribers[round % SPREAD];
        subscriber.send(format!("SUB few.{round} {round}\r\nUNSUB {round} {MAX}\r\nSUB end.* end\r\n"));
        subscriber.flush();
        for publisher in &mut publishers {
            publisher.send(format!("PUB few.{round} 1\r\nx\r\n").repeat(3));
        }
        for publisher in &mut publishers {
            publisher.publish(&format!("end.{round}"), "");
        }
        let (mut few, mut ends) = (0, 0);
        while ends < SPREAD || few < MAX {
            match subscriber.next_message().sid.as_str() {
                "end" => ends += 1,
                _ => few += 1,
            }
        }
        few += subscriber.flush().len();
        assert_eq!(few, MAX);
        subscriber.send("UNSUB end\r\n");
        subscriber.flush();
    }
}
