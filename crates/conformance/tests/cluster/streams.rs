//! JetStream in a cluster: one of our servers that has it, reached from all others; one that has none before others that
//! do; and a second one that has it, too, which is kept out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use test_kit::RawClient;

use crate::await_link;
use crate::kit::{as_user, await_interest, eventually, ours, peers};
use crate::node::{Node, Place, Setting};

/// Streams of user `x`.
const ACCOUNTS: &str = "\
    accounts {\n\
      SYS { users: [{ user: s, password: s }] }\n\
      X { users: [{ user: x, password: x }], jetstream: enabled }\n\
    }\n\
    system_account: SYS\n\
    no_auth_user: x\n";

const STORE: &str = "jetstream { store_dir: \"DIR\", max_memory_store: 64MB, max_file_store: 256MB }\n";

/// A client that hears answers.
fn client(node: &Node) -> RawClient {
    let mut client = as_user(node, "x");
    client.send("SUB answers.* 1\r\nSUB pulled.* 2\r\n");
    client.flush();
    client
}

fn ask(client: &mut RawClient, subject: &str, body: &str) -> Value {
    let answer = client.ask(subject, body);
    serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{subject}: {answer}"))
}

/// Asks until it is not refused any more, and again only if there is no answer.
fn ask_until(client: &mut RawClient, subject: &str, body: &str) -> Value {
    eventually(subject, || {
        client.send(format!("PUB {subject} answers.1 {}\r\n{body}\r\n", body.len()));
        let answer = (0..40).find_map(|_| {
            std::thread::sleep(Duration::from_millis(100));
            client.flush().into_iter().next()
        })?;
        serde_json::from_str::<Value>(&answer.text()).ok().filter(|answer| answer["error"].is_null())
    })
}

fn code(answer: &Value) -> u64 {
    answer["error"]["err_code"].as_u64().unwrap_or_else(|| panic!("no error in {answer}"))
}

/// Publishes, and waits for so long: the sequence number, if it was acknowledged.
fn published(client: &mut RawClient, subject: &str, number: usize) -> Option<u64> {
    client.send(format!("PUB {subject} answers.{number} {}\r\n{number}\r\n", number.to_string().len()));
    let answers = (0..20).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let mut answers = client.flush().into_iter();
        answers.rfind(|answer| answer.subject == format!("answers.{number}"))
    });
    serde_json::from_str::<Value>(&answers?.text()).ok()?["seq"].as_u64()
}

/// What a consumer hands out until it has no more: by sequence number in the stream.
fn pulled_all(client: &mut RawClient, name: &str, count: usize) -> BTreeMap<u64, String> {
    let mut pulled = BTreeMap::new();
    eventually("messages are missing", || {
        client.send(format!("PUB $JS.API.CONSUMER.MSG.NEXT.{name}.C pulled.1 2\r\n50\r\n"));
        std::thread::sleep(Duration::from_millis(100));
        for message in client.flush() {
            let ack = message.reply.clone().unwrap_or_default();
            if let Some(seq) = ack.split('.').nth(5).and_then(|seq| seq.parse().ok()) {
                pulled.insert(seq, message.text());
                client.publish(&ack, "+ACK");
            }
        }
        (pulled.len() >= count).then_some(())
    });
    pulled
}

/// All that a client does with a stream, by way of that server: of the name, with so many replicas.
fn streams_work(node: &Node, name: &str, replicas: usize) {
    let mut client = client(node);
    let subject = |of: &str| format!("{name}.{of}");
    let config = format!(
        r#"{{"name":"{name}","subjects":["{name}.*"],"storage":"file","allow_direct":true,"num_replicas":{replicas}}}"#
    );
    let made = ask_until(&mut client, &format!("$JS.API.STREAM.CREATE.{name}"), &config);
    assert_eq!(made["config"]["name"], name, "{made}");
    for sequence in 1..=3 {
        // Nobody takes it before the stream has a leader who listens.
        let ack = eventually("it is not stored", || {
            let answer = client.ask(&subject("a"), &sequence.to_string());
            serde_json::from_str::<Value>(&answer).ok()
        });
        assert_eq!((&ack["stream"], &ack["seq"]), (&name.into(), &sequence.into()), "{ack}");
    }
    let consumer = format!(
        r#"{{"stream_name":"{name}","config":{{"durable_name":"C","ack_policy":"explicit","deliver_policy":"all"}}}}"#
    );
    let made = ask(&mut client, &format!("$JS.API.CONSUMER.DURABLE.CREATE.{name}.C"), &consumer);
    assert_eq!(made["name"], "C", "{made}");
    for sequence in 1..=2 {
        client.send(format!("PUB $JS.API.CONSUMER.MSG.NEXT.{name}.C pulled.1 1\r\n1\r\n"));
        let pulled = client.next_message();
        assert_eq!((pulled.subject.clone(), pulled.text()), (subject("a"), sequence.to_string()));
        // The answer to an acknowledgement says that it is known.
        let ack = pulled.reply.expect("it is to be acknowledged");
        assert!(ack.starts_with("$JS.ACK."), "{ack}");
        client.send(format!("PUB {ack} answers.1 4\r\n+ACK\r\n"));
        assert_eq!(client.next_message().text(), "");
    }
    let info = ask(&mut client, &format!("$JS.API.CONSUMER.INFO.{name}.C"), "");
    assert_eq!((&info["num_pending"], &info["ack_floor"]["stream_seq"]), (&1.into(), &2.into()), "{info}");
    client.send(format!("SUB delivered.{name} 3\r\n"));
    client.flush();
    let push = format!(
        r#"{{"stream_name":"{name}","config":{{"durable_name":"P","deliver_subject":"delivered.{name}","ack_policy":"explicit"}}}}"#
    );
    ask_push(&mut client, name, &push, 3);
    client.send(format!("PUB $JS.API.DIRECT.GET.{name} answers.1 9\r\n{{\"seq\":2}}\r\n"));
    let direct = client.next_message();
    assert_eq!(direct.text(), "2", "{}", String::from_utf8_lossy(&direct.header));
    let gone = ask(&mut client, &format!("$JS.API.STREAM.DELETE.{name}"), "");
    assert_eq!(gone["success"], true, "{gone}");
    let missing = ask(&mut client, &format!("$JS.API.STREAM.INFO.{name}"), "");
    assert_eq!(code(&missing), 10059);
}

/// Makes a consumer that pushes, and acknowledges what comes: its answer and its messages come in any order.
fn ask_push(client: &mut RawClient, name: &str, body: &str, count: usize) {
    client
        .send(format!("PUB $JS.API.CONSUMER.DURABLE.CREATE.{name}.P answers.1 {}\r\n{body}\r\n", body.len()));
    let all: Vec<_> = (0..=count).map(|_| client.next_message()).collect();
    let delivered: Vec<_> = all.iter().filter(|message| message.sid == "3").collect();
    assert_eq!(delivered.len(), count);
    for (number, message) in delivered.iter().enumerate() {
        assert_eq!(
            (message.subject.clone(), message.text()),
            (format!("{name}.a"), (number + 1).to_string())
        );
        let ack = message.reply.clone().expect("it is to be acknowledged");
        client.publish(&ack, "");
    }
    // Replicas of a consumer know of it one after the other.
    eventually("it is not acknowledged", || {
        let info = ask(client, &format!("$JS.API.CONSUMER.INFO.{name}.P"), "");
        (info["num_ack_pending"] == 0 && info["ack_floor"]["stream_seq"] == count).then_some(())
    });
}

fn with<'a>(other: &'a str) -> Setting<'a> {
    Setting { other, ..Setting::default() }
}

#[test]
fn streams_of_one_server_are_reached_from_all() {
    let mut others = vec![ours(1), ours(2)];
    others.extend(peers());
    let streams = format!("{ACCOUNTS}{STORE}");
    for (shards, other) in (1..4).cycle().zip(others) {
        let places = [Place::take("A"), Place::take("B"), Place::take("D")];
        let a = Node::start_with(&ours(shards), &places[0], &[], with(&streams));
        let b = Node::start_with(&other, &places[1], &[&places[0]], with(ACCOUNTS));
        let d = Node::start_with(&ours(2), &places[2], &[&places[0]], with(ACCOUNTS));
        for pair in [[&a, &b], [&b, &a], [&a, &d], [&d, &a]] {
            await_link(pair[0], pair[1]);
        }
        for (node, name) in [(&a, "HERE"), (&b, "THERE"), (&d, "FAR")] {
            streams_work(node, name, 1);
        }
        replicas_are_refused(&b);
        a_stream_takes_from_all(&[&a, &b, &d]);
    }
}

/// There is one server that could have one.
fn replicas_are_refused(node: &Node) {
    let mut client = client(node);
    let config = |replicas| format!(r#"{{"name":"R","subjects":["r.*"],"num_replicas":{replicas}}}"#);
    assert_eq!(code(&ask(&mut client, "$JS.API.STREAM.CREATE.R", &config(3))), 10074);
    assert!(ask(&mut client, "$JS.API.STREAM.CREATE.R", &config(1))["error"].is_null());
    assert_eq!(code(&ask(&mut client, "$JS.API.STREAM.UPDATE.R", &config(3))), 10074);
    let consumer =
        r#"{"stream_name":"R","config":{"durable_name":"C","ack_policy":"explicit","num_replicas":3}}"#;
    let refused = ask(&mut client, "$JS.API.CONSUMER.DURABLE.CREATE.R.C", consumer);
    assert!(!refused["error"].is_null(), "{refused}");
    ask(&mut client, "$JS.API.STREAM.DELETE.R", "");
}

/// What is published on any server is in the stream, once.
fn a_stream_takes_from_all(nodes: &[&Node; 3]) {
    const MESSAGES: usize = 200;
    let mut asker = client(nodes[1]);
    let config = r#"{"name":"ALL","subjects":["all.>"],"storage":"memory"}"#;
    assert!(ask(&mut asker, "$JS.API.STREAM.CREATE.ALL", config)["error"].is_null());
    drop(asker);
    for node in nodes {
        let mut writer = client(node);
        for number in 0..MESSAGES {
            writer.publish(&format!("all.{}", node.place.name), number.to_string());
        }
        let ack = ask(&mut writer, &format!("all.{}", node.place.name), "last");
        assert_eq!(ack["stream"], "ALL", "{ack}");
    }
    // One that has not heard the writers' answers.
    let mut asker = client(nodes[1]);
    let info = ask(&mut asker, "$JS.API.STREAM.INFO.ALL", r#"{"subjects_filter":">"}"#);
    assert_eq!(info["state"]["messages"], 3 * (MESSAGES + 1), "{info}");
    for node in nodes {
        assert_eq!(info["state"]["subjects"][format!("all.{}", node.place.name)], MESSAGES + 1, "{info}");
    }
    ask(&mut asker, "$JS.API.STREAM.DELETE.ALL", "");
}

/// Three servers of nats-server's with streams that have replicas, and ours before them.
#[test]
fn a_server_without_streams_is_a_front_of_those_that_have_some() {
    for (peer, accounts) in peers().into_iter().flat_map(|peer| [(peer.clone(), ACCOUNTS), (peer, "")]) {
        let places = ["A", "B", "D", "F"].map(Place::take);
        let [a, b, d, f] = &places;
        let streams = format!("{accounts}{STORE}");
        let setting = with(&streams);
        let servers = [(a, [b, d]), (b, [a, d]), (d, [a, b])];
        let servers = servers.map(|(own, others)| Node::start_with(&peer, own, &others, setting));
        let front = Node::start_with(&ours(2), f, &[a, b, d], with(accounts));
        for server in &servers {
            await_link(&front, server);
            await_link(server, &front);
        }
        let mut client = client(&front);
        // The group has yet to have a leader.
        ask_until(&mut client, "$JS.API.INFO", "");
        streams_work(&front, "ONE", 1);
        streams_work(&front, "THREE", 3);
    }
}

/// Leaders are killed while messages are published and pulled by way of two of ours: what was acknowledged is there, each
/// under its number.
#[test]
fn f17_what_is_acknowledged_through_a_front_outlives_leaders() {
    for peer in peers() {
        let places = ["A", "B", "D", "F", "G"].map(Place::take);
        let streams = format!("{ACCOUNTS}{STORE}");
        let others = |own: usize| -> Vec<&Place> {
            (0..3).filter(|other| *other != own).map(|other| &places[other]).collect()
        };
        let start = |own: usize| Node::start_with(&peer, &places[own], &others(own), with(&streams));
        let mut servers: Vec<Node> = (0..3).map(start).collect();
        let fronts =
            [3, 4].map(|own| Node::start_with(&ours(own - 2), &places[own], &others(own), with(ACCOUNTS)));
        let mut writer = client(&fronts[0]);
        ask_until(&mut writer, "$JS.API.INFO", "");
        let config = r#"{"name":"R","subjects":["r.*"],"num_replicas":3}"#;
        ask_until(&mut writer, "$JS.API.STREAM.CREATE.R", config);
        let consumer = r#"{"stream_name":"R","config":{"durable_name":"C","ack_policy":"explicit"}}"#;
        ask_until(&mut writer, "$JS.API.CONSUMER.DURABLE.CREATE.R.C", consumer);

        let mut acknowledged = BTreeMap::new();
        let mut numbers = 0_usize..;
        for kills in 0..2 {
            let info = ask_until(&mut writer, "$JS.API.STREAM.INFO.R", "");
            let leader = info["cluster"]["leader"].as_str().expect("there is a leader").to_owned();
            let at = servers.iter().position(|server| server.place.name == leader).expect("it is known");
            let mut until = |writer: &mut RawClient, count: usize| {
                while acknowledged.len() < count {
                    let number = numbers.next().expect("there are many");
                    if let Some(seq) = published(writer, "r.x", number) {
                        let before = acknowledged.insert(seq, number.to_string());
                        assert_eq!(before, None, "{seq} was given twice");
                    }
                }
                count
            };
            let count = until(&mut writer, kills * 20 + 10);
            servers[at].kill();
            until(&mut writer, count + 10);
            let stopped = servers.remove(at);
            servers.insert(at, stopped.restart());
        }
        let mut reader = client(&fronts[1]);
        let pulled = pulled_all(&mut reader, "R", acknowledged.len());
        for (seq, text) in &acknowledged {
            assert_eq!(pulled.get(seq), Some(text), "of {seq}");
        }
    }
}

#[test]
fn nobody_answers_for_streams_that_no_server_has() {
    let places = [Place::take("A"), Place::take("B")];
    let a = Node::start_with(&ours(1), &places[0], &[], with(ACCOUNTS));
    let b = Node::start_with(&ours(2), &places[1], &[&places[0]], with(ACCOUNTS));
    await_link(&a, &b);
    for node in [&a, &b] {
        let mut client = client(node);
        client.send("PUB $JS.API.INFO answers.1 0\r\n\r\n");
        assert!(client.next_message().is_no_responders());
    }
}

#[test]
fn what_is_not_there_is_refused_at_once_to_those_on_other_servers() {
    let places = [Place::take("A"), Place::take("B")];
    let streams = format!("{ACCOUNTS}{STORE}");
    for (shards, other) in [(1, ours(2)), (2, peers().remove(0))] {
        let a = Node::start_with(&ours(shards), &places[0], &[], with(&streams));
        let b = Node::start_with(&other, &places[1], &[&places[0]], with(ACCOUNTS));
        await_link(&a, &b);
        await_link(&b, &a);
        for node in [&a, &b] {
            let mut client = client(node);
            for subject in
                ["$JS.API.DIRECT.GET.NONE", "$JS.API.CONSUMER.MSG.NEXT.NONE.NONE", "$JS.ACK.N.N.1.1.1.1.1"]
            {
                client.send(format!("PUB {subject} answers.1 0\r\n\r\n"));
                assert!(client.next_message().is_no_responders(), "{subject} at {}", node.place.name);
            }
            assert!(ask(&mut client, "$JS.API.INFO", "")["error"].is_null());
        }
    }
}

#[test]
fn a_second_server_with_streams_is_kept_out_and_the_others_go_on() {
    let mut seconds = vec![ours(1)];
    seconds.extend(peers());
    let streams = format!("{ACCOUNTS}{STORE}");
    for second in seconds {
        let places = [Place::take("A"), Place::take("B"), Place::take("D")];
        let a = Node::start_with(&ours(2), &places[0], &[], with(&streams));
        let b = Node::start_with(&ours(1), &places[1], &[&places[0]], with(ACCOUNTS));
        await_link(&a, &b);
        await_link(&b, &a);
        let d = Node::start_with(&second, &places[2], &[&places[0], &places[1]], with(&streams));
        let words = "Rejecting server \"D\" with JetStream: \"A\" has it";
        for node in [&a, &b, &d] {
            eventually("the log does not say so", || node.log().contains(words).then_some(()));
        }
        let mut apart = as_user(&d, "x");
        apart.subscribe("news", 1);
        let (mut reader, mut writer) = (a.connect(), b.connect());
        reader.subscribe("news", 1);
        await_interest(&mut reader, &mut writer, "news");
        assert!(apart.flush().is_empty());
        streams_work(&b, "GOES", 1);
    }
}

#[test]
fn streams_are_there_again_when_their_server_is() {
    let places = [Place::take("A"), Place::take("B")];
    let streams = format!("{ACCOUNTS}{STORE}");
    let mut a = Node::start_with(&ours(2), &places[0], &[], with(&streams));
    let b = Node::start_with(&ours(1), &places[1], &[&places[0]], with(ACCOUNTS));
    await_link(&b, &a);
    let mut client = client(&b);
    let made = ask(&mut client, "$JS.API.STREAM.CREATE.S", r#"{"name":"S","subjects":["s"]}"#);
    assert!(made["error"].is_null(), "{made}");
    for round in 0..2_u64 {
        assert_eq!(ask(&mut client, "s", "x")["seq"], round + 1);
        a.kill();
        client.flush();
        let alone = eventually("its interest is not gone", || {
            client.send("PUB s answers.1 1\r\nx\r\n");
            client.flush().into_iter().find(test_kit::Message::is_no_responders)
        });
        assert_eq!(alone.subject, "answers.1");
        a = a.restart();
        await_link(&b, &a);
    }
    let info = ask(&mut client, "$JS.API.STREAM.INFO.S", "");
    assert_eq!(info["state"]["messages"], 2, "{info}");
    drop(a);
}
