//! What monitoring tells, asked for by messages: by the system account of all, by others of their own.

use std::io::Read as _;

use serde_json::{Value, json};
use test_kit::{Server, Setup, on_every_setup};

use crate::client::{CONFIG, Client, SPREAD, clients};

on_every_setup!(
    connections_are_told,
    connections_that_ended_are_told,
    subscriptions_are_told_and_counted,
    accounts_are_told,
    what_accounts_share_is_told,
    an_account_learns_of_itself_alone,
    what_there_is_none_of_has_its_shape,
    options_are_read_as_the_peer_reads_them,
    answers_are_packed,
);

/// The keys of an object, in no order.
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn cids(said: &Value) -> Vec<u64> {
    let rows = said["data"]["connections"].as_array().expect("a list");
    rows.iter().map(|row| row["cid"].as_u64().expect("a number")).collect()
}

/// Without monitoring over HTTP, too.
fn connections_that_ended_are_told(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut client = Client::connect(&server, "sys");
    for mut other in clients(&server, "open") {
        client.asks_with(&format!("SERVER.{}.KICK", client.id), &format!("{{\"cid\":{}}}", other.cid));
        other.raw.read_to_close();
        let said = client.asks_with("SERVER.PING.CONNZ", r#"{"state":1}"#).expect("an answer");
        assert!(cids(&said).contains(&other.cid), "{said}");
    }
}

fn connections_are_told(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut others = clients(&server, "open");
    let mut client = Client::connect(&server, "sys");
    others[2].raw.send("SUB foo.bar 7\r\n");
    others[2].raw.flush();
    let said = client.learns("SERVER.PING.CONNZ");
    assert_eq!(said["data"]["server_id"], *client.id);
    assert_eq!((&said["data"]["total"], &said["data"]["limit"]), (&json!(SPREAD + 1), &json!(1024)));
    assert_eq!(cids(&said).len(), SPREAD + 1);
    assert!(said["data"]["connections"][0].get("authorized_user").is_none());
    let by_id = format!("SERVER.{}.CONNZ", client.id);
    let page = client.asks_with(&by_id, r#"{"limit":2,"offset":1,"auth":true}"#).expect("an answer");
    assert_eq!(cids(&page), cids(&said)[1..3]);
    assert_eq!(page["data"]["connections"][0]["account"], "A");
    let detail = r#"{"acc":"A","filter_subject":"foo.*","subscriptions":true}"#;
    let listener = client.asks_with("SERVER.PING.CONNZ", detail).expect("an answer");
    assert_eq!(cids(&listener), [others[2].cid]);
    let list = listener["data"]["connections"][0]["subscriptions_list"].as_array().expect("a list");
    assert!(list.contains(&json!("foo.bar")));
    assert_eq!(client.learns("ACCOUNT.A.CONNZ")["data"]["total"], SPREAD);
    for account in ["nope", "PING"] {
        let said = client.learns(&format!("ACCOUNT.{account}.CONNZ"));
        assert_eq!((&said["data"]["connections"], &said["data"]["server_id"]), (&Value::Null, &json!("")));
    }
    for (options, words) in [
        (r#"{"sort":"x"}"#, "invalid sorting option: x"),
        (r#"{"sort":"stop"}"#, "sort by stop only valid on closed connections"),
        (r#"{"filter_subject":"foo"}"#, "filter by subject only valid with account filtering"),
    ] {
        let said = client.asks_with("SERVER.PING.CONNZ", options).expect("an answer");
        assert_eq!(said["error"], json!({ "code": 500, "description": words }));
        assert!(said["data"].is_null());
    }
}

fn subscriptions_are_told_and_counted(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut others = clients(&server, "open");
    for other in &mut others {
        other.raw.send("SUB foo.bar 7\r\nSUB foo.* q 8\r\n");
        other.raw.flush();
    }
    let mut client = Client::connect(&server, "sys");
    let options = r#"{"subscriptions":true,"account":"A","test":"foo.bar","limit":3}"#;
    let said = client.asks_with("SERVER.PING.SUBSZ", options).expect("an answer");
    assert_eq!(said["data"]["total"], 2 * SPREAD);
    assert_eq!(said["data"]["subscriptions_list"].as_array().map(Vec::len), Some(3));
    let said = client.asks_with("ACCOUNT.A.SUBSZ", r#"{"test":"foo.x"}"#).expect("an answer");
    assert_eq!(said["data"]["total"], SPREAD);
    let said = client.asks_with("SERVER.PING.SUBSZ", r#"{"test":"a.*"}"#).expect("an answer");
    let words = "invalid test subject, must be valid publish subject: a.*";
    assert_eq!(said["error"], json!({ "code": 500, "description": words }));
    client.raw.send("SUB foo.bar 9\r\nSUB foo.> g 10\r\n");
    for (asked, count) in
        [("foo.bar", 2), ("foo.bar g", 1), ("foo.bar  g", 0), ("foo.*", 1), ("foo.> g", 1), ("", 0), ("x", 0)]
    {
        client.publish("$SYS.DEBUG.SUBSCRIBERS", asked);
        assert_eq!(client.raw.next_message().text(), count.to_string(), "{asked}");
    }
    for (asked, count) in [
        (r#"{"acc":"A","subject":"foo.bar"}"#, 2 * SPREAD),
        (r#"{"acc":"A","subject":"foo.bar","queue":"cQ=="}"#, SPREAD),
        (r#"{"acc":"A","subject":"foo.>"}"#, 2 * SPREAD),
    ] {
        client.publish("$SYS.REQ.ACCOUNT.NSUBS", asked);
        assert_eq!(client.raw.next_message().text(), count.to_string(), "{asked}");
    }
    for silent in ["", "x", r#"{"acc":"B","subject":"x"}"#, r#"{"acc":"nope","subject":"x"}"#] {
        client.publish("$SYS.REQ.ACCOUNT.NSUBS", silent);
    }
    assert_eq!(client.learns("SERVER.PING.IDZ")["name"], "S1");
}

/// nats-server shows what it imports itself as well.
fn what_accounts_share_is_told(setup: Setup) {
    let shared = "B { users: [ { user: b, password: x } ]
            exports: [ {stream: \"s.>\"}, {service: \"q.*\", accounts: [C]}, {service: z, response_type: stream} ] }
        C { users: [ { user: c, password: x } ], imports: [
            {service: {account: B, subject: z}, to: zz, share: true}
            {stream: {account: B, subject: \"s.>\"}, prefix: p}, {stream: {account: B, subject: \"s.*\"}, to: \"t.$1\"} ] }";
    let config = CONFIG.replace("B { users: [ { user: b, password: x } ] }", shared);
    let server = Server::configured(setup, &config);
    let mut client = Client::connect(&server, "sys");
    let said = client.asks_with("SERVER.PING.ACCOUNTZ", r#"{"account":"B"}"#).expect("an answer");
    let exports = said["data"]["account_detail"]["exports"].as_array().expect("a list");
    assert_eq!(exports.len(), 3, "{said}");
    for export in [
        json!({ "subject": "s.>", "type": "stream" }),
        json!({ "subject": "q.*", "type": "service", "response_type": "Singleton", "approved_accounts": ["C"] }),
        json!({ "subject": "z", "type": "service", "response_type": "Streamed" }),
    ] {
        assert!(exports.contains(&export), "{export} in {said}");
    }
    let said = client.learns("ACCOUNT.C.INFO");
    let imports = said["data"]["imports"].as_array().expect("a list");
    let import = |what: Value| {
        let mut import = json!({ "account": "B", "invalid": false, "share": false, "tracking": false });
        import.as_object_mut().expect("an object").extend(what.as_object().expect("an object").clone());
        import
    };
    for import in [
        import(
            json!({ "subject": "z", "to": "zz", "local_subject": "zz", "type": "service", "share": true }),
        ),
        import(json!({ "subject": "s.>", "local_subject": "p.s.>", "type": "stream" })),
        import(json!({ "subject": "s.*", "local_subject": "t.*", "type": "stream" })),
    ] {
        assert!(imports.contains(&import), "{import} in {said}");
    }
}

fn accounts_are_told(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let _others = clients(&server, "open");
    let mut client = Client::connect(&server, "sys");
    let said = client.learns("SERVER.PING.ACCOUNTZ");
    assert_eq!(said["data"]["system_account"], "SYS");
    let names = said["data"]["accounts"].as_array().expect("a list");
    assert!(["A", "B", "SYS"].iter().all(|name| names.contains(&json!(name))), "{said}");
    let said = client.asks_with("SERVER.PING.ACCOUNTZ", r#"{"account":"A"}"#).expect("an answer");
    let info = client.learns("ACCOUNT.A.INFO");
    for detail in [&said["data"]["account_detail"], &info["data"]] {
        assert_eq!((&detail["account_name"], &detail["client_connections"]), (&json!("A"), &json!(SPREAD)));
    }
    for what in ["ACCOUNT.nope.INFO", "ACCOUNT.PING.INFO"] {
        let name = what.split('.').nth(1).expect("a name");
        let words = format!("Account {name} does not exist");
        assert_eq!(client.learns(what)["error"], json!({ "code": 500, "description": words }));
    }
    let said = client.learns("ACCOUNT.A.STATZ");
    let stat = &said["data"]["account_statz"][0];
    let stats = "acc conns leafnodes name num_subscriptions received sent slow_consumers total_conns";
    assert_eq!(keys(stat), stats.split(' ').collect::<Vec<_>>());
    assert_eq!((&stat["acc"], &stat["conns"]), (&json!("A"), &json!(SPREAD)));
    let unused = client.asks_with("ACCOUNT.B.STATZ", r#"{"include_unused":true}"#).expect("an answer");
    assert_eq!(unused["data"]["account_statz"][0]["conns"], 0);
    let options = r#"{"accounts":["B","A","A","nope"],"include_unused":true}"#;
    let said = client.asks_with("ACCOUNT.PING.STATZ", options).expect("an answer");
    let names: Vec<&Value> =
        said["data"]["account_statz"].as_array().expect("a list").iter().map(|row| &row["acc"]).collect();
    assert_eq!(names, ["B", "A", "A"]);
    let conns = client.learns("ACCOUNT.A.CONNS");
    assert_eq!(conns["type"], "io.nats.server.advisory.v1.account_connections");
    let all = "acc conns id leafnodes name num_subscriptions received sent server slow_consumers timestamp total_conns type";
    assert_eq!(keys(&conns), all.split(' ').collect::<Vec<_>>());
    assert_eq!(conns["id"].as_str().map(str::len), Some(22));
    for silent in ["ACCOUNT.B.CONNS", "ACCOUNT.nope.CONNS", "ACCOUNT.B.STATZ", "ACCOUNT.nope.STATZ"] {
        client.send(silent, "");
    }
    client.send("ACCOUNT.A.CONNS", r#"{"acc":"B"}"#);
    assert_eq!(client.learns("SERVER.PING.IDZ")["name"], "S1");
}

fn an_account_learns_of_itself_alone(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let _b = Client::connect(&server, "b");
    for mut client in clients(&server, "open") {
        for what in ["SERVER.PING.CONNZ", "ACCOUNT.PING.CONNZ"] {
            let said = client.asks_with(what, r#"{"acc":"B","auth":true}"#).expect("an answer");
            let rows = said["data"]["connections"].as_array().expect("a list");
            assert!(rows.iter().all(|row| row["account"] == "A") && !rows.is_empty());
        }
        let said = client.asks_with("ACCOUNT.PING.STATZ", r#"{"accounts":["B"]}"#).expect("an answer");
        assert_eq!(said["data"]["account_statz"][0]["acc"], "A");
        for what in [
            "ACCOUNT.A.CONNZ",
            "ACCOUNT.A.STATZ",
            "ACCOUNT.PING.SUBSZ",
            "ACCOUNT.PING.INFO",
            "ACCOUNT.A.INFO",
        ] {
            assert_eq!(client.asks(what), None, "{what}");
        }
        client.publish("$SYS.DEBUG.SUBSCRIBERS", "x");
        assert!(client.raw.next_message().is_no_responders());
    }
}

fn what_there_is_none_of_has_its_shape(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut client = Client::connect(&server, "sys");
    for (what, expected) in [
        ("ROUTEZ", "now num_routes routes server_id server_name"),
        ("GATEWAYZ", "inbound_gateways now outbound_gateways server_id"),
        ("LEAFZ", "leafnodes leafs now server_id"),
    ] {
        let said = client.learns(&format!("SERVER.PING.{what}"));
        assert_eq!(keys(&said["data"]), expected.split(' ').collect::<Vec<_>>());
    }
    assert_eq!(client.learns("ACCOUNT.A.LEAFZ")["data"]["leafnodes"], 0);
    assert_eq!(client.learns("SERVER.PING.RAFTZ")["data"], json!({}));
    assert!(client.learns("SERVER.PING.IPQUEUESZ")["data"].is_object());
    for (options, words) in [
        ("", "Profile name not specified"),
        (r#"{"name":"no"}"#, "Profile \"no\" not found"),
        (r#"{"name":"cpu","duration":99000000000}"#, "Duration 1m39s should be between 0s and 15s"),
    ] {
        let said = client.asks_with("SERVER.PING.PROFILEZ", options).expect("an answer");
        assert_eq!(said["data"], json!({ "profile": null, "error": words }));
    }
}

fn options_are_read_as_the_peer_reads_them(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut client = Client::connect(&server, "sys");
    for (what, options, value, field) in [
        ("CONNZ", r#"{"sort":1}"#, "number", "ConnzEventOptions.sort of type server.SortOpt"),
        ("CONNZ", r#"{"state":"x"}"#, "string", "ConnzEventOptions.state of type server.ConnState"),
        ("CONNZ", r#"{"cid":-1}"#, "number -1", "ConnzEventOptions.cid of type uint64"),
        ("SUBSZ", r#"{"subscriptions":1}"#, "number", "SubszEventOptions.subscriptions of type bool"),
        ("ACCOUNTZ", r#"{"account":1}"#, "number", "AccountzEventOptions.account of type string"),
        ("ROUTEZ", r#"{"subscriptions":1}"#, "number", "RoutezEventOptions.subscriptions of type bool"),
        ("GATEWAYZ", r#"{"account_name":1}"#, "number", "GatewayzEventOptions.account_name of type string"),
        ("LEAFZ", r#"{"account":1}"#, "number", "LeafzEventOptions.account of type string"),
        ("PROFILEZ", r#"{"duration":"x"}"#, "string", "ProfilezEventOptions.duration of type time.Duration"),
        ("IPQUEUESZ", r#"{"all":1}"#, "number", "IpqueueszEventOptions.all of type bool"),
        ("RAFTZ", r#"{"account":1}"#, "number", "RaftzEventOptions.account of type string"),
    ] {
        let said = client.asks_with(&format!("SERVER.PING.{what}"), options).expect("an answer");
        let words = format!("json: cannot unmarshal {value} into Go struct field {field}");
        assert_eq!(said["error"], json!({ "code": 400, "description": words }), "{what}");
        client.send(&format!("SERVER.PING.{what}"), r#"{"server_name":"S2"}"#);
    }
    assert_eq!(client.learns("SERVER.PING.IDZ")["name"], "S1");
}

fn answers_are_packed(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut client = Client::connect(&server, "sys");
    let mut asks = |what: &str, accepted: &str, options: &str| {
        let headers = format!("NATS/1.0\r\nAccept-Encoding: {accepted}\r\n\r\n");
        let (head, all) = (headers.len(), headers.len() + options.len());
        let inbox = client.inbox.clone();
        client.raw.send(format!("HPUB $SYS.REQ.{what} {inbox} {head} {all}\r\n{headers}{options}\r\n"));
        let message = client.raw.next_message();
        (String::from_utf8(message.header).expect("text"), message.payload)
    };
    let (headers, packed) = asks("SERVER.PING.VARZ", "x, GZip", "");
    assert_eq!(headers, "NATS/1.0\r\nContent-Encoding: gzip\r\n\r\n");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).expect("gzip");
    let said: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(said["data"]["system_account"], "SYS");
    assert_eq!(asks("SERVER.PING.LEAFZ", "br", "").0, "NATS/1.0\r\nContent-Encoding: identity\r\n\r\n");
    for accepted in ["gzip, Snappy", "s2"] {
        let (headers, packed) = asks("SERVER.PING.LEAFZ", accepted, "");
        assert_eq!(headers, "NATS/1.0\r\nContent-Encoding: snappy\r\n\r\n");
        assert!(packed.starts_with(b"\xff\x06\x00\x00sNaPpY"));
    }
    assert_eq!(asks("SERVER.PING.CONNZ", "gzip", r#"{"sort":"x"}"#).0, "", "errors are not");
    assert_eq!(asks("SERVER.PING.STATSZ", "gzip", "").0, "");
    assert_eq!(asks("SERVER.PING.IDZ", "gzip", "").0, "");
}
