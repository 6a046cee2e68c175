//! Messages that are traced over leaf nodes: each side tells of its part.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};
use test_kit::RawClient;

use crate::kit::{as_user as user, await_interest};
use crate::node::{Kind, Node};
use crate::{Pair, pairs};

/// Whether the server tells of messages: nats-server does since 2.11.
fn tells(kind: &Kind) -> bool {
    match kind {
        Kind::Ours { .. } => true,
        Kind::Peer { path } => {
            let said = Command::new(path).arg("-v").output().expect("it starts");
            !String::from_utf8_lossy(&said.stdout).contains("v2.9")
        }
    }
}

fn hpub(subject: &str, headers: &str) -> String {
    let block = format!("NATS/1.0\r\nNats-Trace-Dest: tr.d\r\n{headers}\r\n");
    format!("HPUB {subject} {} {}\r\n{block}x\r\n", block.len(), block.len() + 1)
}

/// What the next so many messages tell, without times and numbers, by the server that does.
fn told(reader: &mut RawClient, count: usize) -> BTreeMap<String, Vec<Value>> {
    let told = (0..count).map(|_| {
        let told: Value = serde_json::from_slice(&reader.next_message().payload).expect("JSON");
        let mut events = told["events"].as_array().expect("a list").clone();
        for event in events.iter_mut().map(|event| event.as_object_mut().expect("an object")) {
            event.remove("ts");
            event.remove("cid");
        }
        (told["server"]["name"].as_str().expect("a name").to_owned(), events)
    });
    told.collect()
}

/// Clients on either side: who writes and who is told of traces here, and who reads there.
fn clients(here: &Node, there: &Node) -> [RawClient; 3] {
    let (mut writer, mut reader, mut listener) = (user(here, "a"), user(there, "a"), user(here, "a"));
    reader.subscribe("foo.*", 1);
    await_interest(&mut reader, &mut writer, "foo.probe");
    listener.subscribe("tr.d", 1);
    await_interest(&mut listener, &mut user(there, "a"), "tr.d");
    [writer, reader, listener]
}

#[test]
fn each_side_tells_of_its_part_of_the_way() {
    for kinds in pairs().into_iter().filter(|kinds| tells(&kinds.0) && tells(&kinds.1)) {
        let pair = Pair::start(&kinds);
        for (here, there) in pair.both() {
            let (near, far) = (here.place.name, there.place.name);
            let [mut writer, mut reader, mut listener] = clients(here, there);
            for only in ["", "Nats-Trace-Only: true\r\n"] {
                writer.send(hpub("foo.x", only));
                let told = told(&mut listener, 2);
                assert_eq!(told[near][1..], [json!({"type": "eg", "kind": 4, "name": far, "hop": "1"})]);
                let came = json!({"type": "in", "kind": 4, "name": near, "acc": "A", "subj": "foo.x"});
                let given = json!({"type": "eg", "kind": 0, "sub": "foo.*"});
                assert_eq!(told[far], [came, given], "{near} to {far}");
                assert_eq!(reader.flush().len(), usize::from(only.is_empty()), "{near} to {far}");
            }
        }
    }
}

#[test]
fn a_side_that_tells_nothing_gets_no_message_of_which_only_that_is_wanted() {
    for kinds in pairs().into_iter().filter(|kinds| !tells(&kinds.0) || !tells(&kinds.1)) {
        let pair = Pair::start(&kinds);
        let (here, there) = if tells(&kinds.1) { (&pair.hub, &pair.leaf) } else { (&pair.leaf, &pair.hub) };
        let [mut writer, mut reader, mut listener] = clients(here, there);
        for (only, error, count) in [
            (
                "",
                "Message delivered but remote does not support message tracing so no trace event generated from there",
                1,
            ),
            ("Nats-Trace-Only: true\r\n", "Not delivered because remote does not support message tracing", 0),
        ] {
            writer.send(hpub("foo.x", only));
            let one = told(&mut listener, 1);
            let sent = json!({"type": "eg", "kind": 4, "name": there.place.name, "hop": "1", "error": error});
            assert_eq!(one[here.place.name][1..], [sent]);
            // Behind it, on the same way.
            writer.publish("foo.y", "last");
            let mut got = 0;
            while reader.next_message().subject != "foo.y" {
                got += 1;
            }
            assert_eq!(got, count);
        }
    }
}
