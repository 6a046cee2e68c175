//! Servers of one cluster as processes: ours with ours, and ours with nats-server, whoever dials.
//!
//! The nats-server is the one of the machine, and with `BUSTER_PEER_BIN` that one as well. Without any only our own
//! are tried.

mod accounts;
#[path = "../tls/certificates.rs"]
#[allow(dead_code, reason = "the tests of clients need more of it")]
mod certificates;
mod kit;
mod node;
mod operators;
mod settings;
mod streams;
mod tls;
mod tracing;
mod troubles;

use std::time::{Duration, Instant};

use kit::{as_user, await_interest, ours, peers, texts};
use node::{Kind, Node, Place, Setting};
use test_kit::{ANSWER_DEADLINE, Message, RawClient};

/// Who dials, and who is dialed.
fn pairs() -> Vec<(Kind, Kind)> {
    let mut pairs = vec![(ours(1), ours(1)), (ours(2), ours(3))];
    for peer in peers() {
        pairs.push((ours(1), peer.clone()));
        pairs.push((peer, ours(2)));
    }
    pairs
}

/// A pair of servers, the second of which dials the first.
fn two(pair: &(Kind, Kind)) -> (Node, Node) {
    two_with(pair, Setting::default())
}

/// The same with other settings, for both.
fn two_with((dialer, dialed): &(Kind, Kind), setting: Setting<'_>) -> (Node, Node) {
    let places = [Place::take("A"), Place::take("B")];
    let [a, b] = &places;
    let a = Node::start_with(dialed, a, &[], setting);
    let b = Node::start_with(dialer, b, &[&a.place], setting);
    await_link(&a, &b);
    await_link(&b, &a);
    (a, b)
}

/// Messages reach `to` from `from`.
fn await_link(from: &Node, to: &Node) {
    await_link_between(from, to, to.connect(), from.connect());
}

/// The same of clients that are this user.
fn await_link_of(from: &Node, to: &Node, user: &str) {
    await_link_between(from, to, as_user(to, user), as_user(from, user));
}

fn await_link_between(from: &Node, to: &Node, mut reader: RawClient, mut writer: RawClient) {
    reader.subscribe("link.probe", 1);
    let until = Instant::now() + ANSWER_DEADLINE;
    while Instant::now() < until {
        writer.publish("link.probe", "x");
        writer.flush();
        if !reader.flush().is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no message from {} to {}:\n{}\n{}", from.place.name, to.place.name, from.log(), to.log());
}

/// Reads so many messages, and no more come.
fn read(reader: &mut RawClient, count: usize) -> Vec<Message> {
    let messages = (0..count).map(|_| reader.next_message()).collect();
    assert_eq!(texts(&reader.flush()), Vec::<String>::new());
    messages
}

#[test]
fn messages_cross_in_order_with_wildcards_and_headers_until_unsubscribed() {
    for pair in pairs() {
        let (a, b) = two(&pair);
        for (here, there) in [(&a, &b), (&b, &a)] {
            let (mut reader, mut writer) = (here.connect(), there.connect());
            reader.subscribe("news.*.x", 1);
            await_interest(&mut reader, &mut writer, "news.probe.x");
            for number in 0..100 {
                writer.publish("news.a.x", number.to_string());
                writer.publish("news.a.y", "not wanted");
            }
            writer.send("HPUB news.h.x re.ply 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n");
            let got = read(&mut reader, 101);
            assert_eq!(texts(&got[..100]), (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
            let last = &got[100];
            assert_eq!(
                (last.reply.as_deref(), &*last.header),
                (Some("re.ply"), &b"NATS/1.0\r\nA: b\r\n\r\n"[..])
            );
            reader.send("UNSUB 1\r\n");
            reader.flush();
            reader.subscribe("news.end", 2);
            await_interest(&mut reader, &mut writer, "news.end");
            writer.publish("news.a.x", "too late");
            writer.publish("news.end", "end");
            assert_eq!(texts(&read(&mut reader, 1)), ["end"]);
        }
    }
}

#[test]
fn a_group_is_served_by_all_servers_and_each_message_once() {
    const MESSAGES: usize = 400;
    for pair in pairs() {
        let (a, b) = two(&pair);
        let mut members = [a.connect(), b.connect()];
        let mut writers = [a.connect(), b.connect()];
        for member in &mut members {
            member.send("SUB jobs.* workers 1\r\nSUB ready 2\r\n");
            member.flush();
        }
        let [one, other] = &mut members;
        await_interest(one, &mut writers[1], "ready");
        await_interest(other, &mut writers[0], "ready");
        members.iter_mut().for_each(|member| drop(member.flush()));
        for writer in &mut writers {
            let before: usize = members.iter_mut().map(|member| member.flush().len()).sum();
            assert_eq!(before, 0);
            for number in 0..MESSAGES {
                writer.publish("jobs.a", number.to_string());
            }
            writer.flush();
            let mut got = [0, 0];
            let until = Instant::now() + ANSWER_DEADLINE;
            while got.iter().sum::<usize>() < MESSAGES && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(20));
                for (member, got) in members.iter_mut().zip(&mut got) {
                    *got += member.flush().len();
                }
            }
            assert_eq!(got.iter().sum::<usize>(), MESSAGES);
            assert!(got.iter().all(|got| (MESSAGES / 4..MESSAGES * 3 / 4).contains(got)), "{got:?}");
        }
    }
}

#[test]
fn requests_are_answered_across_and_refused_where_nobody_is() {
    for pair in pairs() {
        let (a, b) = two(&pair);
        for (here, there) in [(&a, &b), (&b, &a)] {
            let mut server = there.connect();
            server.send("SUB svc.add adders 1\r\nSUB svc.known 2\r\n");
            server.flush();
            let mut client = RawClient::dial(here.addr());
            client.next_op();
            client.send(
                "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n",
            );
            client.subscribe("inbox.>", 1);
            await_interest(&mut server, &mut client, "svc.known");
            for number in 0..50 {
                client.send(format!("PUB svc.add inbox.{number} 1\r\n1\r\n"));
                let request = server.next_message();
                server.publish(&request.reply.expect("it asks for an answer"), number.to_string());
                let answer = client.next_message();
                let wanted = (format!("inbox.{number}"), number.to_string());
                assert_eq!((answer.subject.clone(), answer.text()), wanted);
            }
            client.send("PUB svc.nobody inbox.x 1\r\n1\r\n");
            assert!(client.next_message().is_no_responders());
        }
    }
}

#[test]
fn a_server_that_was_killed_comes_back_with_all_it_wants() {
    for pair in pairs() {
        let (a, mut b) = two(&pair);
        let mut kept = a.connect();
        kept.subscribe("kept", 1);
        for _ in 0..2 {
            b.kill();
            // Nobody is there: what is published to it goes nowhere, and others are served.
            let mut writer = a.connect();
            writer.publish("kept", "alone");
            assert_eq!(texts(&read(&mut kept, 1)), ["alone"]);
            b = b.restart();
            await_link(&a, &b);
            let mut writer = b.connect();
            await_interest(&mut kept, &mut writer, "kept");
            writer.publish("kept", "again");
            assert_eq!(texts(&read(&mut kept, 1)), ["again"]);
        }
    }
}

#[test]
fn clients_hear_of_servers_that_come_and_gossip_makes_a_mesh() {
    let kinds = peers();
    let third = kinds.last().cloned().unwrap_or_else(|| ours(1));
    for kinds in [[ours(1), ours(2), ours(1)], [ours(1), ours(1), third.clone()], [third, ours(1), ours(2)]] {
        let places = [Place::take("A"), Place::take("B"), Place::take("C")];
        let a = Node::start(&kinds[0], &places[0], &[]);
        let b = Node::start(&kinds[1], &places[1], &[&places[0]]);
        let c = Node::start(&kinds[2], &places[2], &[&places[0]]);
        let all = [&a, &b, &c];
        for (from, to) in all.iter().flat_map(|from| all.iter().map(move |to| (from, to))) {
            if from.place.name != to.place.name {
                await_link(from, to);
            }
        }
        for node in all {
            let urls = node.connect_urls();
            for other in all {
                assert!(urls.contains(&other.addr().to_string()), "{urls:?} of {}", node.place.name);
            }
        }
    }
}

#[test]
fn a_wrong_password_and_a_wrong_cluster_keep_a_server_out() {
    let mut kinds = vec![ours(1)];
    kinds.extend(peers());
    for dialer in kinds {
        let (a, stranger, other) = (Place::take("A"), Place::take("B"), Place::take("C"));
        let a = Node::start(&ours(1), &a, &[]);
        let b = Node::start_with(
            &dialer,
            &stranger,
            &[&a.place],
            Setting { password: "wrong", ..Setting::default() },
        );
        let c =
            Node::start_with(&dialer, &other, &[&a.place], Setting { cluster: "D", ..Setting::default() });
        for outsider in [&b, &c] {
            let (mut reader, mut writer) = (outsider.connect(), a.connect());
            reader.subscribe("secret", 1);
            std::thread::sleep(Duration::from_millis(300));
            writer.publish("secret", "x");
            writer.flush();
            std::thread::sleep(Duration::from_millis(100));
            assert!(reader.flush().is_empty());
        }
        assert!(a.log().contains("authentication error - User \"ruser\""), "{}", a.log());
        let words = "Rejecting connection, cluster name \"D\" does not match \"C\"";
        assert!(a.log().contains(words), "{}", a.log());
    }
}
