//! Streams on all shards of a server that ships, over restarts with other numbers of shards.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use test_kit::{RawClient, Server, Setup, on_every_setup};

const STREAMS: usize = 7;

/// After each restart one of these, round and round.
const SHARDS: [u32; 4] = [3, 1, 4, 2];

fn ask(client: &mut RawClient, subject: &str, body: &str) -> Value {
    client.send(format!("PUB {subject} reply {}\r\n{body}\r\n", body.len()));
    let answer = client.next_message();
    serde_json::from_slice(&answer.payload).unwrap_or_else(|_| panic!("{subject}: {}", answer.text()))
}

fn connect(server: &Server) -> RawClient {
    let mut client = server.connect();
    client.subscribe("reply", 1);
    client
}

/// Whoever gets in first finds all there is.
fn find_all(server: &Server, messages: u64) {
    let mut client = connect(server);
    for number in 0..STREAMS {
        let info = ask(&mut client, &format!("$JS.API.STREAM.INFO.S{number}"), "");
        assert_eq!(info["state"]["messages"], messages - 1, "S{number}: {info}");
    }
    let names = ask(&mut client, "$JS.API.STREAM.NAMES", "");
    assert_eq!(names["total"], STREAMS, "{names}");
    for number in 0..STREAMS {
        let stored = ask(&mut client, &format!("s.{number}"), "hello");
        assert_eq!(stored["seq"], messages, "S{number}: {stored}");
    }
}

fn streams_are_there_after_any_stop_on_any_number_of_shards(setup: Setup) {
    let store = TempDir::new().expect("a folder");
    let config = format!("jetstream {{ store_dir: \"{}\" }}\n", store.path().display());
    let mut server = Server::configured(setup, &config);
    let mut client = connect(&server);
    for number in 0..STREAMS {
        let config = format!(r#"{{"name":"S{number}","subjects":["s.{number}"],"storage":"file"}}"#);
        let made = ask(&mut client, &format!("$JS.API.STREAM.CREATE.S{number}"), &config);
        assert_eq!(made["did_create"], true, "{made}");
    }
    find_all(&server, 1);
    let node_file = store.path().join("jetstream/node.json");
    for (round, shards) in (2..).zip(SHARDS) {
        let stops = round % 2 == 0;
        if stops {
            server.stop().expect("it stops");
            let text = fs::read_to_string(&node_file).expect("it is there");
            let node: Value = serde_json::from_str(&text).expect("it is JSON");
            assert_eq!(node["stopped"], true, "all logs came to a clean stop");
        }
        server.restart_on(Setup { shards, ..setup }).expect("it starts");
        find_all(&server, round);
    }
}

/// The way of docs/decisions/0019-partitioned-streams.md: several streams, one name to publish to, and a group by key in each.
fn a_family_of_streams_is_published_to_by_one_name(setup: Setup) {
    const FAMILY: usize = 4;
    let store = TempDir::new().expect("a folder");
    let mapping =
        r#"mappings: { "orders.*.*": "{{partition(4,1)}}.orders.{{wildcard(1)}}.{{wildcard(2)}}" }"#;
    let config = format!("jetstream {{ store_dir: \"{}\" }}\n{mapping}\n", store.path().display());
    let server = Server::configured(setup, &config);
    let mut client = connect(&server);
    for number in 0..FAMILY {
        let config = format!(r#"{{"name":"ORDERS_{number}","subjects":["{number}.orders.>"]}}"#);
        let made = ask(&mut client, &format!("$JS.API.STREAM.CREATE.ORDERS_{number}"), &config);
        assert_eq!(made["did_create"], true, "{made}");
        let member = format!(
            r#"{{"stream_name":"ORDERS_{number}","config":{{"name":"anna","ack_policy":"explicit","inactive_threshold":30000000000,"metadata":{{"buster.group":"billing","buster.key":"3"}}}}}}"#
        );
        let made = ask(&mut client, &format!("$JS.API.CONSUMER.CREATE.ORDERS_{number}.anna"), &member);
        assert!(made["error"].is_null(), "{made}");
    }
    let mut streams = BTreeSet::new();
    for customer in 0..40 {
        let stored: Vec<Value> = (1..=3)
            .map(|number| ask(&mut client, &format!("orders.c{customer}.new"), &number.to_string()))
            .collect();
        let first = &stored[0]["stream"];
        assert!(stored.iter().all(|stored| stored["stream"] == *first), "{stored:?}");
        assert!(stored.windows(2).all(|two| two[0]["seq"].as_u64() < two[1]["seq"].as_u64()), "{stored:?}");
        streams.insert(stored[0]["stream"].as_str().expect("a name").to_owned());
    }
    assert_eq!(streams.len(), FAMILY, "keys fall into all of them");
    // Of a customer there is one message at a time with a member, whatever stream it is in.
    for stream in streams {
        let request = r#"{"batch":100,"no_wait":true}"#;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.anna");
        client.send(format!("PUB {subject} reply {}\r\n{request}\r\n", request.len()));
        let mut customers = BTreeSet::new();
        loop {
            let message = client.next_message();
            let Some(ack) = message.reply.filter(|ack| ack.starts_with("$JS.ACK.")) else { break };
            assert_eq!(message.payload, b"1", "{ack}");
            assert!(customers.insert(message.subject), "{customers:?}");
        }
        assert!(customers.len() > 1, "{stream}: {customers:?}");
    }
}

on_every_setup!(
    streams_are_there_after_any_stop_on_any_number_of_shards,
    a_family_of_streams_is_published_to_by_one_name,
);
