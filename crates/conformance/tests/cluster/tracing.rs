//! Messages that are traced through servers: each tells of its part.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use test_kit::RawClient;

use crate::kit::{as_user, await_interest};
use crate::node::{Kind, Node, Setting};
use crate::{pairs, two_with};

const ACCOUNTS: &str = "\
    accounts {\n\
      SYS { users: [{ user: s, password: s }] }\n\
      X { users: [{ user: x, password: x }], exports: [{ service: \"svc.*\", allow_trace: true }, { service: \"quiet.*\" }] }\n\
      Y { users: [{ user: y, password: y }], imports: [\n\
        { service: { account: X, subject: \"svc.*\" }, to: \"far.*\" }, { service: { account: X, subject: \"quiet.*\" } }\n\
      ] }\n\
    }\n\
    system_account: SYS\n\
    no_auth_user: x\n";

const SETTING: Setting<'static> = Setting { cluster: "C", password: "right", routes: "", other: ACCOUNTS };

/// Whether the server tells of messages: nats-server does since 2.11.
fn tells(kind: &Kind) -> bool {
    match kind {
        Kind::Ours { .. } => true,
        Kind::Peer { path } => {
            let said = std::process::Command::new(path).arg("-v").output().expect("it starts");
            !String::from_utf8_lossy(&said.stdout).contains("v2.9")
        }
    }
}

fn hpub(subject: &str, headers: &str) -> String {
    let block = format!("NATS/1.0\r\nNats-Trace-Dest: tr.d\r\n{headers}\r\n");
    format!("HPUB {subject} {} {}\r\n{block}x\r\n", block.len(), block.len() + 1)
}

/// The next so many messages of the kind, by the server that tells.
fn told(reader: &mut RawClient, count: usize) -> BTreeMap<String, Value> {
    let told = (0..count).map(|_| {
        let told: Value = serde_json::from_slice(&reader.next_message().payload).expect("JSON");
        (told["server"]["name"].as_str().expect("a name").to_owned(), told)
    });
    told.collect()
}

/// What became of a message, without times and numbers.
fn events(told: &Value) -> Vec<Value> {
    let mut events = told["events"].as_array().expect("a list").clone();
    for event in events.iter_mut().map(|event| event.as_object_mut().expect("an object")) {
        event.remove("ts");
        event.remove("cid");
    }
    events
}

fn listens(node: &Node, writer: &mut RawClient, user: &str, subject: &str) -> RawClient {
    let mut reader = as_user(node, user);
    reader.send(format!("SUB {subject} 1\r\nSUB ready.{subject} 2\r\n"));
    await_interest(&mut reader, writer, &format!("ready.{subject}"));
    reader
}

#[test]
fn each_server_tells_of_its_part_of_the_way() {
    for pair in pairs().into_iter().filter(|pair| tells(&pair.0) && tells(&pair.1)) {
        let (a, b) = two_with(&pair, SETTING);
        for (here, there) in [(&a, &b), (&b, &a)] {
            let (near, far) = (here.place.name, there.place.name);
            let mut writer = as_user(here, "x");
            let mut reader = listens(there, &mut writer, "x", "foo.*");
            let mut listener = as_user(here, "x");
            listener.subscribe("tr.d", 1);
            listener.flush();
            await_interest_of(here, there, "x", "tr.d");
            listener.flush();
            for only in ["", "Nats-Trace-Only: true\r\n"] {
                writer.send(hpub("foo.x", only));
                let told = told(&mut listener, 2);
                assert_eq!(told[near]["hops"], 1);
                let sent = json!({"type": "eg", "kind": 1, "name": far, "hop": "1"});
                assert_eq!(events(&told[near])[1..], [sent], "{near} to {far}");
                assert_eq!(told[far]["request"]["header"]["Nats-Trace-Hop"], json!(["1"]));
                let came = json!({"type": "in", "kind": 1, "name": near, "acc": "X", "subj": "foo.x"});
                let given = json!({"type": "eg", "kind": 0, "sub": "foo.*"});
                assert_eq!(events(&told[far]), [came, given]);
                let got = reader.flush().len();
                assert_eq!(got, usize::from(only.is_empty()), "{near} to {far}");
            }
        }
    }
}

/// Waits until what is published there comes here: then a subscription made before is known there.
fn await_interest_of(here: &Node, there: &Node, user: &str, subject: &str) {
    let mut probe = as_user(here, user);
    probe.subscribe(subject, 7);
    await_interest(&mut probe, &mut as_user(there, user), subject);
}

#[test]
fn a_request_is_traced_through_accounts_and_servers_where_its_export_allows_that() {
    for pair in pairs().into_iter().filter(|pair| tells(&pair.0) && tells(&pair.1)) {
        let (a, b) = two_with(&pair, SETTING);
        for (here, there) in [(&a, &b), (&b, &a)] {
            let (near, far) = (here.place.name, there.place.name);
            let mut responder = listens(there, &mut as_user(here, "x"), "x", "svc.*");
            responder.subscribe("quiet.*", 3);
            responder.flush();
            await_interest_of(there, here, "x", "quiet.q");
            let mut listener = as_user(here, "y");
            listener.subscribe("tr.d", 1);
            listener.flush();
            let mut writer = as_user(here, "y");
            writer.send(hpub("far.add", ""));
            let both = told(&mut listener, 2);
            let asked = json!({"type": "si", "acc": "X", "from": "far.add", "to": "svc.add"});
            let sent = json!({"type": "eg", "kind": 1, "name": far, "hop": "1"});
            assert_eq!(events(&both[near])[1..], [asked, sent], "{near} to {far}");
            let came = json!({"type": "in", "kind": 1, "name": near, "acc": "X", "subj": "svc.add"});
            assert_eq!(events(&both[far])[0], came);
            responder.flush();
            writer.send(hpub("quiet.x", ""));
            let one = told(&mut listener, 1);
            let asked = json!({"type": "si", "acc": "X", "from": "quiet.x", "to": "quiet.x"});
            assert_eq!(events(&one[near])[1..], [asked]);
            assert_eq!(responder.next_message().subject, "quiet.x");
            assert!(listener.flush().is_empty(), "nothing of it is told there");
        }
    }
}

#[test]
fn a_server_that_tells_nothing_gets_no_message_of_which_only_that_is_wanted() {
    for pair in pairs().into_iter().filter(|pair| !tells(&pair.0) || !tells(&pair.1)) {
        // It knows no such key either.
        let accounts = ACCOUNTS.replace(", allow_trace: true", "");
        let (a, b) = two_with(&pair, Setting { other: &accounts, ..SETTING });
        let (here, there) = if tells(&pair.1) { (&a, &b) } else { (&b, &a) };
        let mut writer = as_user(here, "x");
        let mut reader = listens(there, &mut writer, "x", "foo.*");
        let mut listener = as_user(here, "x");
        listener.subscribe("tr.d", 1);
        listener.flush();
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
            let sent = json!({"type": "eg", "kind": 1, "name": there.place.name, "hop": "1", "error": error});
            assert_eq!(events(&one[here.place.name])[1..], [sent]);
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
