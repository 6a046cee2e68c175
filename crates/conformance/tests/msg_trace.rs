//! What becomes of a message, as who has it traced is told: what nats-server 2.14.5 told of the same messages.
//!
//! With `BUSTER_PEER_BIN` a nats-server is asked beside ours.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use test_kit::{
    ANSWER_DEADLINE, Message, RawClient, Server, ServerBinary, ServerOp, ServerOptions, Setup, on_every_setup,
};

on_every_setup!(
    the_way_of_a_message_is_told,
    who_asks_for_a_trace_only_has_nobody_get_the_message,
    what_is_stored_is_not_traced_again,
    many_who_get_it_are_told_of_once_each,
    who_wants_it_packed_gets_it_packed,
);

const CONFIG: &str = r#"
server_name: S
no_auth_user: a
accounts {
  A {
    jetstream: enabled
    users: [
      {user: a, password: a}
      {user: l, password: l, permissions: {publish: {deny: ["no", "nowhere"]}, subscribe: {deny: "secret"}}}
    ]
    exports: [{stream: "st.>"}, {stream: "ut.>"}]
    imports: [
      {service: {account: B, subject: "sv.*"}, to: "ask.*"}, {service: {account: B, subject: "ns.*"}, to: "nask.*"}
    ]
    mappings: {"map.*": "mapped.$1"}
    msg_trace: "tr.ext"
  }
  B {
    users: [{user: b, password: b}]
    imports: [
      {stream: {account: A, subject: "st.>"}, prefix: imp, allow_trace: true}
      {stream: {account: A, subject: "ut.>"}, to: "imu.>"}
    ]
    exports: [{service: "sv.*", allow_trace: true}, {service: "ns.*"}]
  }
  SYS { users: [{user: s, password: s}] }
}
system_account: SYS
"#;

const DEST: &str = "Nats-Trace-Dest: tr.d\r\n";
const ONLY: &str = "Nats-Trace-Only: true\r\n";

/// A server, and clients of it.
struct Scene {
    server: Server,
    a: RawClient,
    /// Listens in the same account.
    w: RawClient,
    /// Listens there, and may not everything.
    l: RawClient,
    /// Listens in the other account.
    b: RawClient,
    /// Is told of traces.
    t: RawClient,
    names: BTreeMap<u64, String>,
}

impl Scene {
    fn new(server: Server) -> Self {
        let mut names = BTreeMap::new();
        let mut client = |user: &str, name: &str, subscribes: &str| {
            let mut client = RawClient::dial(server.addr());
            let ServerOp::Info(info) = client.next_op() else { panic!("INFO comes first") };
            let info: Value = serde_json::from_str(&info).expect("JSON");
            names.insert(info["client_id"].as_u64().expect("a number"), name.to_owned());
            client.send(format!(
                "CONNECT {{\"verbose\":false,\"headers\":true,\"no_responders\":true,\"user\":\"{user}\",\"pass\":\"{user}\",\"name\":\"{name}\"}}\r\n{subscribes}"
            ));
            client.flush();
            client
        };
        let a = client("a", "publisher", "SUB inb 9\r\n");
        let w = client(
            "a",
            "w",
            "SUB foo.* 1\r\nSUB foo.x q1 2\r\nSUB foo.x q1 22\r\nSUB mapped.* 3\r\nSUB st.x 4\r\nSUB no 5\r\n",
        );
        let l = client("l", "l", "SUB foo.x 1\r\nSUB * 2\r\n");
        let b = client(
            "b",
            "b",
            "SUB imp.st.* 1\r\nSUB imp.st.x qq 7\r\nSUB imu.x 2\r\nSUB sv.* 3\r\nSUB ns.* 8\r\n",
        );
        let t = client("a", "t", "SUB tr.> 1\r\n");
        Self { a, w, l, b, t, names, server }
    }

    /// What is told of the next message: to which subject, and what became of it in the order of its text.
    fn told(&mut self) -> (Message, Value) {
        let message = self.t.next_message();
        let told: Value = serde_json::from_slice(&message.payload).expect("JSON");
        assert_eq!((&told["server"]["name"], &told["server"]["ver"]), (&json!("S"), &json!("2.14.5")));
        (message, told)
    }

    /// The same, with names in place of numbers and without times. How it came stands first.
    fn events(&mut self, told: &Value) -> Vec<Value> {
        let mut events = told["events"].as_array().expect("a list").clone();
        for event in &mut events {
            let event = event.as_object_mut().expect("an object");
            assert!(event.remove("ts").expect("a time").as_str().expect("text").ends_with('Z'));
            if let Some(cid) = event.remove("cid") {
                assert_eq!(event["name"], self.names[&cid.as_u64().expect("a number")]);
            }
        }
        events[1..].sort_by_key(Value::to_string);
        events
    }

    /// What all but who publishes got since.
    fn got(&mut self) -> Vec<String> {
        let clients = [&mut self.w, &mut self.l, &mut self.b];
        clients.into_iter().flat_map(|client| client.flush()).map(|message| message.subject).collect()
    }
}

fn ours(setup: Setup) -> Scene {
    let options =
        ServerOptions { setup, has_streams: true, config: Some(CONFIG.into()), ..ServerOptions::default() };
    Scene::new(Server::start(options).expect("it starts"))
}

fn hpub(subject: &str, reply: &str, headers: &str) -> String {
    let block = format!("NATS/1.0\r\n{headers}\r\n");
    format!("HPUB {subject} {reply} {} {}\r\n{block}x\r\n", block.len(), block.len() + 1)
}

fn came(name: &str, subject: &str) -> Value {
    json!({"type": "in", "kind": 0, "name": name, "acc": "A", "subj": subject})
}

fn given(name: &str, subscription: &str) -> Value {
    json!({"type": "eg", "kind": 0, "name": name, "sub": subscription})
}

fn with(mut event: Value, key: &str, value: &str) -> Value {
    event[key] = json!(value);
    event
}

fn sorted(mut events: Vec<Value>) -> Vec<Value> {
    events[1..].sort_by_key(Value::to_string);
    events
}

/// Messages, and what nats-server 2.14.5 told of each, whether or not somebody gets it.
fn ways() -> Vec<(&'static str, Vec<Value>)> {
    let of_foo = |subject: &str| {
        vec![
            came("publisher", subject),
            given("l", "foo.x"),
            given("w", "foo.*"),
            with(given("w", "foo.x"), "queue", "q1"),
        ]
    };
    let imported = |subject: &str| json!({"type": "se", "acc": "B", "to": subject});
    let asked = |from: &str, to: &str| json!({"type": "si", "acc": "B", "from": from, "to": to});
    let in_b = |subscription: &str| with(given("b", subscription), "acc", "B");
    vec![
        ("foo.x", of_foo("foo.x")),
        (
            "map.k",
            vec![came("publisher", "map.k"), json!({"type": "sm", "to": "mapped.k"}), given("w", "mapped.*")],
        ),
        ("no.body", vec![came("publisher", "no.body")]),
        (
            "secret",
            vec![
                came("publisher", "secret"),
                with(given("l", "*"), "error", "Not delivered because subscription denies this subject"),
            ],
        ),
        (
            "st.x",
            vec![
                came("publisher", "st.x"),
                given("w", "st.x"),
                imported("imp.st.x"),
                in_b("st.*"),
                imported("imp.st.x"),
                with(in_b("st.x"), "queue", "qq"),
            ],
        ),
        ("ut.x", vec![came("publisher", "ut.x"), imported("imu.x")]),
        ("ask.k", vec![came("publisher", "ask.k"), asked("ask.k", "sv.k"), in_b("sv.*")]),
        ("nask.k", vec![came("publisher", "nask.k"), asked("nask.k", "ns.k")]),
    ]
}

fn ways_are_told(scene: &mut Scene) {
    for (subject, expected) in ways() {
        scene.a.send(hpub(subject, "", DEST));
        let (message, told) = scene.told();
        assert_eq!(message.subject, "tr.d");
        let request = json!({"header": {"Nats-Trace-Dest": ["tr.d"]}, "msgsize": 36});
        assert_eq!((&told["request"], &told["hops"]), (&request, &Value::Null), "{subject}");
        assert_eq!(scene.events(&told), sorted(expected), "{subject}");
    }
}

fn the_way_of_a_message_is_told(setup: Setup) {
    let mut scene = ours(setup);
    ways_are_told(&mut scene);
    let got = scene.got();
    assert!(
        ["foo.x", "mapped.k", "st.x", "imp.st.x", "imu.x", "sv.k", "ns.k"]
            .iter()
            .all(|subject| got.iter().any(|other| other == subject))
    );
    refusals_are_told(&mut scene);
    others_rules_are_heeded(&mut scene);
}

/// What may not be published, or not be told.
fn refusals_are_told(scene: &mut Scene) {
    scene.l.send(hpub("no", "", DEST));
    let refused = "Permissions Violation for Publish to \"no\"";
    let (_, told) = scene.told();
    assert_eq!(scene.events(&told), [with(came("l", "no"), "error", refused)]);
    scene
        .a
        .send("HPUB foo.x 60 2000000\r\nNATS/1.0\r\nNats-Trace-Dest: tr.d\r\nXXXXXXXXXX: aaaaa\r\n\r\n\r\n");
    let (_, told) = scene.told();
    assert_eq!(told["request"]["msgsize"], 2_000_000);
    assert_eq!(scene.events(&told), [with(came("publisher", "foo.x"), "error", "maximum payload exceeded")]);
    let logged = scene.server.log().wait_for("maximum payload exceeded: 2000000 vs 1048576", ANSWER_DEADLINE);
    assert!(logged.is_some());
    scene.l.send(hpub("foo.x", "", "Nats-Trace-Dest: nowhere\r\n"));
    scene.l.send("PING\r\n");
    let wanted = "Permissions Violation for Publish to \"nowhere\"";
    while !matches!(scene.l.next_op(), ServerOp::Err(text) if text == wanted) {}
}

/// What other systems trace by counts where the account says so.
fn others_rules_are_heeded(scene: &mut Scene) {
    let parent = |name: &str, flags: &str| {
        format!("{name}: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}\r\n")
    };
    scene.w.send(hpub("foo.y", "", &parent("traceparent", "00")));
    scene.w.send(hpub("foo.y", "", &(parent("TraceParent", "01") + ONLY)));
    let (message, told) = scene.told();
    assert_eq!(message.subject, "tr.ext");
    assert!(
        told["request"]["header"]["TraceParent"][0].as_str().is_some_and(|parent| parent.ends_with("01"))
    );
    assert_eq!(scene.events(&told), [came("w", "foo.y"), given("w", "foo.*")]);
    let got = scene.got();
    assert_eq!(got.iter().filter(|subject| *subject == "foo.y").count(), 2, "it is no trace only: {got:?}");
}

fn who_asks_for_a_trace_only_has_nobody_get_the_message(setup: Setup) {
    let mut scene = ours(setup);
    nobody_gets_what_is_traced_only(&mut scene);
}

fn nobody_gets_what_is_traced_only(scene: &mut Scene) {
    for (subject, expected) in ways() {
        scene.a.send(hpub(subject, "inb", &format!("{DEST}{ONLY}X: y\r\nX: z\r\n")));
        let (_, told) = scene.told();
        let headers = json!({"Nats-Trace-Dest": ["tr.d"], "Nats-Trace-Only": ["true"], "X": ["y", "z"]});
        assert_eq!(told["request"], json!({"header": headers, "msgsize": 71}));
        assert_eq!(scene.events(&told), sorted(expected), "{subject}");
    }
    assert!(scene.got().is_empty(), "nobody gets it");
    let statuses = scene.a.flush();
    assert!(statuses.len() == 3 && statuses.iter().all(is_no_responders), "{statuses:?}");
}

fn is_no_responders(message: &Message) -> bool {
    message.header.starts_with(b"NATS/1.0 503\r\n")
}

fn what_is_stored_is_not_traced_again(setup: Setup) {
    let mut scene = ours(setup);
    streams_tell(&mut scene);
}

fn streams_tell(scene: &mut Scene) {
    scene.a.subscribe("answers.*", 11);
    let created = scene.a.ask("$JS.API.STREAM.CREATE.JS", r#"{"name":"JS","subjects":["js.>"]}"#);
    assert!(created.contains("\"did_create\":true"), "{created}");
    let stored = |extra: Value| {
        let mut event = json!({"type": "js", "stream": "JS"});
        event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        event
    };
    let wrong = "Nats-Expected-Last-Sequence: 7\r\n";
    for (headers, expected, answers) in [
        (ONLY.to_owned(), json!({"subject": "js.x"}), false),
        (String::new(), json!({"subject": "js.x"}), true),
        (ONLY.to_owned() + wrong, json!({"error": "last sequence mismatch: 7 vs 1"}), true),
        (wrong.to_owned(), json!({"error": "last sequence mismatch: 7 vs 1"}), true),
    ] {
        scene.a.send(hpub("js.x", "answers.1", &format!("{DEST}{headers}")));
        let (_, told) = scene.told();
        assert_eq!(scene.events(&told), [came("publisher", "js.x"), stored(expected)]);
        let has_answer = !answers || scene.a.next_message().subject == "answers.1";
        assert!(has_answer && scene.a.flush().is_empty());
    }
    let stored = scene.a.ask("$JS.API.STREAM.MSG.GET.JS", r#"{"seq":1}"#);
    // NATS/1.0, and a destination that is none: `trace disabled`.
    assert!(stored.contains("TkFUUy8xLjANCk5hdHMtVHJhY2UtRGVzdDogdHJhY2UgZGlzYWJsZWQNCg0K"), "{stored}");
    let info = scene.a.ask("$JS.API.STREAM.INFO.JS", "");
    assert!(info.contains("\"messages\":1"), "{info}");
    scene.a.send(hpub("$JS.API.STREAM.INFO.JS", "answers.1", &format!("{DEST}{ONLY}")));
    let (_, told) = scene.told();
    let api = "$JS.API.STREAM.INFO.JS";
    let asked = json!({"type": "si", "acc": "SYS", "from": api, "to": api});
    assert_eq!(scene.events(&told), [came("publisher", api), asked]);
    assert!(is_no_responders(&scene.a.next_message()));
}

fn many_who_get_it_are_told_of_once_each(setup: Setup) {
    let mut scene = ours(setup);
    let mut clients: Vec<RawClient> = (0..8).map(|_| scene.server.connect()).collect();
    for client in &mut clients {
        (0..4).for_each(|sid| client.subscribe("many", sid));
        client.flush();
    }
    for _ in 0..20 {
        scene.a.send(hpub("many", "", DEST));
        let (_, told) = scene.told();
        let mut cids = BTreeMap::new();
        for event in &told["events"].as_array().unwrap()[1..] {
            *cids.entry(event["cid"].as_u64()).or_insert(0) += u32::from(event["sub"] == "many");
        }
        let l = scene.names.iter().find(|(_, name)| **name == *"l").map(|(cid, _)| *cid);
        cids.remove(&l);
        assert_eq!((cids.len(), cids.values().all(|count| *count == 4)), (8, true), "{told}");
    }
    for client in &mut clients {
        assert_eq!(client.flush().len(), 80);
    }
}

fn who_wants_it_packed_gets_it_packed(setup: Setup) {
    let mut scene = ours(setup);
    scene.a.send(hpub("foo.x", "", &format!("{DEST}Accept-Encoding: gzip\r\n")));
    let told = scene.t.next_message();
    let header = String::from_utf8_lossy(&told.header).into_owned();
    assert!(header.contains("Content-Encoding: gzip"), "{header}");
    assert_eq!(told.payload[..2], [0x1f, 0x8b]);
}

/// What is expected of ours is what a nats-server tells.
#[test]
fn the_peer_tells_the_same() {
    let Some(path) = std::env::var_os("BUSTER_PEER_BIN") else {
        eprintln!("NOT TESTED: that nats-server tells the same of messages: BUSTER_PEER_BIN names none");
        return;
    };
    let binary = Some(ServerBinary { path: path.into(), is_peer: true });
    let peer = || {
        let options = ServerOptions {
            binary: binary.clone(),
            has_streams: true,
            config: Some(CONFIG.into()),
            ..ServerOptions::default()
        };
        Scene::new(Server::start(options).expect("it starts"))
    };
    let mut scene = peer();
    ways_are_told(&mut scene);
    refusals_are_told(&mut scene);
    others_rules_are_heeded(&mut scene);
    nobody_gets_what_is_traced_only(&mut peer());
    streams_tell(&mut peer());
}
