//! What surrounds streams: `/jsz` and the other endpoints, requests by messages, health, series, lines of the log, and
//! what becomes of limits in a reload.
//!
//! All of this holds for nats-server 2.14.5 too (`BUSTER_SERVER_BIN=nats-server BUSTER_PEER=1`), but for series.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use test_kit::{
    ANSWER_DEADLINE, RawClient, START_DEADLINE, Server, ServerError, ServerOptions, Setup, on_every_setup,
};

on_every_setup!(
    accounts_streams_and_consumers_are_told,
    what_is_asked_for_is_found_or_named,
    other_endpoints_know_of_jetstream,
    messages_are_answered_alike,
    streams_and_consumers_have_series,
    limits_follow_the_configuration,
);

const ACCOUNTS: &str = r"
    A { users: [ { user: a, password: x } ], jetstream { max_mem: 10M, max_file: 100M, max_streams: 10 } }
    B { users: [ { user: b, password: x } ], jetstream: enabled }
    C { users: [ { user: c, password: x } ] }
    SYS { users: [ { user: sys, password: x } ] }
";

/// A server with streams, and where they are.
struct Kept {
    server: Server,
    monitor: SocketAddr,
    folder: TempDir,
}

/// A configuration with these words in `jetstream`, and these accounts.
fn config(folder: &Path, jetstream: &str, accounts: &str) -> String {
    let dir = folder.display();
    format!(
        "server_name: S1\njetstream {{ store_dir: \"{dir}\", max_mem: 64M, max_file: 1G, sync: always, {jetstream} }}\n\
         accounts {{ {accounts} }}\nsystem_account: SYS\n"
    )
}

impl Kept {
    fn start(setup: Setup) -> Self {
        let folder = TempDir::new().expect("a folder");
        let limits = "domain: hub, limits { max_ack_pending: 500, duplicate_window: \"5m\" }";
        let config = Some(config(folder.path(), limits, ACCOUNTS));
        let args = ["-m", "-1"].map(str::to_owned).to_vec();
        let server = Server::start(ServerOptions { setup, config, args, ..ServerOptions::default() });
        let server = server.expect("it starts");
        let begins = "Starting http monitor on ";
        let line = server.log().wait_for(begins, START_DEADLINE).expect("the log says where");
        let monitor = line.split_once(begins).expect("it was found").1.parse().expect("an address");
        Self { server, monitor, folder }
    }

    /// One with two streams in an account, one of them with two consumers, and one in another.
    fn with_streams(setup: Setup) -> Self {
        let kept = Self::start(setup);
        let mut client = Client::connect(&kept.server, "a");
        client.makes(
            "STREAM.CREATE.ORDERS",
            &json!({ "name": "ORDERS", "subjects": ["o.*"], "max_bytes": 1_000_000 }),
        );
        client.makes("STREAM.CREATE.MEM", &json!({ "name": "MEM", "subjects": ["m"], "storage": "memory" }));
        for number in 0..5 {
            let stored = client.asks(&format!("o.{number}"), "hello");
            assert_eq!(stored["seq"], number + 1);
        }
        for (name, filter) in [("zed", ""), ("anna", "o.1")] {
            let config = json!({ "durable_name": name, "name": name, "ack_policy": "explicit", "filter_subject": filter });
            let asked = json!({ "stream_name": "ORDERS", "config": config });
            client.makes(&format!("CONSUMER.CREATE.ORDERS.{name}"), &asked);
        }
        client.send("$JS.API.CONSUMER.MSG.NEXT.ORDERS.zed", "");
        assert_eq!(client.wire.next_message().payload, b"hello");
        let missing = client.asks("$JS.API.STREAM.INFO.NONE", "");
        assert_eq!(missing["error"]["err_code"], 10059);
        let mut other = Client::connect(&kept.server, "b");
        other.makes("STREAM.CREATE.BS", &json!({ "name": "BS", "subjects": ["b"] }));
        kept
    }

    fn get(&self, path: &str) -> (u16, String) {
        let mut socket = TcpStream::connect_timeout(&self.monitor, ANSWER_DEADLINE).expect("it accepts");
        socket.set_read_timeout(Some(ANSWER_DEADLINE)).expect("a deadline");
        // In the older version, so that no answer comes in chunks.
        write!(socket, "GET {path} HTTP/1.0\r\n\r\n").expect("it reads");
        let mut said = String::new();
        socket.read_to_string(&mut said).expect("it answers");
        let (head, body) = said.split_once("\r\n\r\n").expect("a head and a body");
        (head[9..12].parse().expect("a status"), body.to_owned())
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    fn reloads(&self, accounts: &str) -> String {
        let limits = "domain: hub, limits { max_ack_pending: 500, duplicate_window: \"5m\" }";
        self.server.reloaded(&config(self.folder.path(), limits, accounts))
    }
}

/// A client that listens to an inbox of its own.
struct Client {
    wire: RawClient,
    inbox: String,
}

impl Client {
    fn connect(server: &Server, user: &str) -> Self {
        let mut wire = RawClient::dial(server.addr());
        let inbox = format!("_INBOX.{user}");
        wire.send(format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"user\":\"{user}\",\
             \"pass\":\"x\"}}\r\nSUB {inbox} 1\r\nPING\r\n"
        ));
        wire.read_to_pong();
        Self { wire, inbox }
    }

    fn send(&mut self, subject: &str, body: &str) {
        let (inbox, len) = (&self.inbox, body.len());
        self.wire.send(format!("PUB {subject} {inbox} {len}\r\n{body}\r\n"));
    }

    fn asks(&mut self, subject: &str, body: &str) -> Value {
        self.send(subject, body);
        let message = self.wire.next_message();
        assert!(!message.is_no_responders(), "nobody answers {subject}");
        serde_json::from_slice(&message.payload).expect("JSON")
    }

    /// Asks the JetStream API for something, and gets it.
    fn makes(&mut self, what: &str, body: &Value) -> Value {
        let said = self.asks(&format!("$JS.API.{what}"), &body.to_string());
        assert!(said["error"].is_null(), "{said}");
        said
    }
}

/// Takes out what is another thing at each look. The peer tells of streams in any order.
fn settled(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for (key, of) in map.iter_mut() {
                match &key[..] {
                    "now" | "ts" | "time" | "created" | "first_ts" | "last_ts" | "last_active" => {
                        *of = "T".into()
                    }
                    "server_id" | "id" if of.as_str().is_some_and(|text| text.len() == 56) => {
                        *of = "ID".into()
                    }
                    "store_dir" => *of = "DIR".into(),
                    _ => *of = settled(of.take()),
                }
                if key == "stream_detail" {
                    let streams = of.as_array_mut().expect("a list");
                    streams.sort_by_key(|stream| stream["name"].to_string());
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|of| *of = settled(of.take())),
        _ => {}
    }
    value
}

fn state(messages: u64, bytes: u64, consumers: u64) -> Value {
    let mut state = json!({
        "messages": messages, "bytes": bytes, "first_seq": u64::from(messages > 0), "first_ts": "T",
        "last_seq": messages, "last_ts": "T", "consumer_count": consumers,
    });
    if messages > 0 {
        state["num_subjects"] = messages.into();
    }
    state
}

fn account(name: &str, storage: u64, limits: [u64; 2], [total, errors]: [u64; 2]) -> Value {
    json!({
        "name": name, "id": name, "memory": 0, "storage": storage, "reserved_memory": limits[0],
        "reserved_storage": limits[1], "accounts": 0, "ha_assets": 0,
        "api": { "level": 0, "total": total, "errors": errors },
    })
}

/// What the server tells of itself, with the accounts that are shown.
fn jsz(accounts: &[Value]) -> Value {
    let mut jsz = json!({
        "memory": 0, "storage": 190, "reserved_memory": 0, "reserved_storage": 1_000_000, "accounts": 2, "ha_assets": 0,
        "api": { "level": 4, "total": 6, "errors": 1 }, "server_id": "ID", "now": "T", "config": jetstream_config(),
        "limits": limits(), "streams": 3, "consumers": 2, "messages": 5, "bytes": 190, "total": 2,
    });
    if !accounts.is_empty() {
        jsz["account_details"] = accounts.into();
    }
    jsz
}

fn jetstream_config() -> Value {
    json!({
        "max_memory": 64_000_000, "max_storage": 1_000_000_000, "store_dir": "DIR", "sync_interval": 120_000_000_000_u64,
        "sync_always": true, "domain": "hub", "compress_ok": true, "strict": true,
    })
}

fn limits() -> Value {
    json!({ "max_ack_pending": 500, "max_duplicate_window": 300_000_000_000_u64 })
}

fn of_a() -> Value {
    account("A", 190, [10_000_000, 100_000_000], [5, 1])
}

fn of_b() -> Value {
    account("B", 0, [u64::MAX; 2], [1, 0])
}

fn with_streams(mut account: Value, streams: &[Value]) -> Value {
    account["stream_detail"] = streams.into();
    account
}

fn stream(name: &str, state: &Value) -> Value {
    json!({ "name": name, "created": "T", "cluster": { "leader": "S1" }, "state": state })
}

fn consumer(name: &str, delivered: u64, pending: u64) -> Value {
    let mut consumer = json!({
        "stream_name": "ORDERS", "name": name, "created": "T",
        "delivered": { "consumer_seq": delivered, "stream_seq": delivered },
        "ack_floor": { "consumer_seq": 0, "stream_seq": 0 }, "num_ack_pending": delivered, "num_redelivered": 0,
        "num_waiting": 0, "num_pending": pending, "ts": "T",
    });
    if delivered > 0 {
        consumer["delivered"]["last_active"] = "T".into();
    }
    consumer
}

fn accounts_streams_and_consumers_are_told(setup: Setup) {
    let kept = Kept::with_streams(setup);
    let told = |query: &str| settled(kept.json(&format!("/jsz{query}")));
    let (mem, bs) = (stream("MEM", &state(0, 0, 0)), stream("BS", &state(0, 0, 0)));
    let orders = stream("ORDERS", &state(5, 190, 2));
    let of_a_with = |orders: &Value| with_streams(of_a(), &[mem.clone(), orders.clone()]);
    let of_b_with = || with_streams(of_b(), std::slice::from_ref(&bs));
    let mut consumed = orders.clone();
    consumed["consumer_detail"] = json!([consumer("zed", 1, 4), consumer("anna", 0, 1)]);
    for (query, accounts) in [
        ("", vec![]),
        ("?leader-only=1", vec![]),
        ("?accounts=1", vec![of_a(), of_b()]),
        ("?streams=1", vec![of_a_with(&orders), of_b_with()]),
        ("?stream-leader-only=1&streams=1", vec![of_a_with(&orders), of_b_with()]),
        ("?consumers=1&direct-consumers=1", vec![of_a_with(&consumed), of_b_with()]),
        ("?acc=A", vec![of_a()]),
        ("?acc=B&streams=1&limit=1&offset=7", vec![of_b_with()]),
        ("?acc=C&streams=1", vec![]),
        ("?acc=NONE&accounts=1", vec![of_a(), of_b()]),
        ("?accounts=1&limit=1", vec![of_a()]),
        ("?accounts=1&limit=1&offset=1", vec![of_b()]),
        ("?accounts=1&offset=9", vec![]),
    ] {
        assert_eq!(told(query), jsz(&accounts), "{query}");
    }
    let mut led = jsz(&[]);
    (led["streams_leader"], led["consumers_leader"]) = (3.into(), 2.into());
    assert_eq!(told("?raft=1"), led);
    let configured = told("?acc=A&consumers=1&config=1");
    let orders = &configured["account_details"][0]["stream_detail"][1];
    assert_eq!(orders["config"]["metadata"], json!({ "_nats.req.level": "0" }));
    assert_eq!(orders["config"]["max_bytes"], 1_000_000);
    let anna = &orders["consumer_detail"][1]["config"];
    assert_eq!(
        (&anna["filter_subject"], &anna["metadata"]),
        (&"o.1".into(), &json!({ "_nats.req.level": "0" }))
    );
    let keys = |text: &str| -> Vec<String> {
        let keys = text.lines().filter_map(|line| line.trim_start().strip_prefix('"')?.split_once("\":"));
        keys.map(|(key, _)| key.to_owned()).collect()
    };
    let expected = "memory storage reserved_memory reserved_storage accounts ha_assets api level total errors server_id now \
        config max_memory max_storage store_dir sync_interval sync_always domain compress_ok strict limits \
        max_ack_pending max_duplicate_window streams consumers messages bytes account_details name id memory storage \
        reserved_memory reserved_storage accounts ha_assets api level total errors stream_detail name created cluster \
        leader state messages bytes first_seq first_ts last_seq last_ts consumer_count total";
    let body = kept.get("/jsz?acc=B&streams=1").1;
    assert_eq!(keys(&body), expected.split_whitespace().collect::<Vec<_>>(), "{body}");
}

fn what_is_asked_for_is_found_or_named(setup: Setup) {
    let kept = Kept::with_streams(setup);
    let well = || (200, r#"{"status":"ok"}"#.to_owned());
    for query in [
        "",
        "?details=1",
        "?js-enabled-only=1",
        "?account=A",
        "?account=A&stream=ORDERS",
        "?account=A&stream=ORDERS&consumer=zed&details=true",
        "?account=NONE&js-server-only=1",
    ] {
        assert_eq!(kept.get(&format!("/healthz{query}")), well(), "{query}");
    }
    for (query, error) in [
        ("account=C", "JetStream account \"C\" not found"),
        ("account=SYS", "JetStream account \"SYS\" not found"),
        ("account=NONE&stream=S&consumer=C", "JetStream account \"NONE\" not found"),
        ("account=A&stream=BS", "JetStream stream \"BS\" not found on account \"A\""),
        // It is not in files.
        ("account=A&stream=MEM", "JetStream stream \"MEM\" not found on account \"A\""),
        (
            "account=A&stream=ORDERS&consumer=no",
            "JetStream consumer \"no\" not found for stream \"ORDERS\" on account \"A\"",
        ),
    ] {
        let (status, body) = kept.get(&format!("/healthz?{query}"));
        let expected = json!({ "status": "unavailable", "error": error });
        assert_eq!((status, serde_json::from_str::<Value>(&body).expect("JSON")), (404, expected), "{query}");
        let line = format!("[WRN] Healthcheck failed: {error:?}");
        kept.server.log().wait_for(&line, START_DEADLINE).expect("the log says so");
    }
    let (status, body) = kept.get("/healthz?account=A&stream=ORDERS&consumer=no&details=1");
    let expected = concat!(
        r#"{"status":"error","errors":[{"type":"CONSUMER","account":"A","stream":"ORDERS","consumer":"no","error":"#,
        r#""JetStream consumer \"no\" not found for stream \"ORDERS\" on account \"A\""}]}"#
    );
    assert_eq!((status, &*body), (404, expected));
}

fn other_endpoints_know_of_jetstream(setup: Setup) {
    let kept = Kept::with_streams(setup);
    let stats = json!({
        "memory": 0, "storage": 190, "reserved_memory": 0, "reserved_storage": 1_000_000, "accounts": 2, "ha_assets": 0,
        "api": { "level": 4, "total": 6, "errors": 1 },
    });
    let varz = settled(kept.json("/varz")["jetstream"].clone());
    assert_eq!(varz, json!({ "config": jetstream_config(), "stats": stats, "limits": limits() }));
    for (name, is_enabled) in [("A", true), ("C", false), ("SYS", false)] {
        let accountz = kept.json(&format!("/accountz?acc={name}"));
        assert_eq!(accountz["account_detail"]["jetstream_enabled"], is_enabled, "{name}");
    }
    let info = Client::connect(&kept.server, "a").makes("INFO", &Value::Null);
    let of_a = &kept.json("/jsz?acc=A")["account_details"][0];
    for key in ["memory", "storage"] {
        assert_eq!(info[key], of_a[key], "{key}");
    }
    assert_eq!((&info["streams"], &info["consumers"]), (&2.into(), &2.into()));
}

fn messages_are_answered_alike(setup: Setup) {
    let kept = Kept::with_streams(setup);
    let mut system = Client::connect(&kept.server, "sys");
    let id = kept.json("/varz")["server_id"].as_str().expect("text").to_owned();
    let mut asks = |what: &str, options: &str| settled(system.asks(&format!("$SYS.REQ.{what}"), options));
    let said = asks("SERVER.PING.JSZ", "");
    assert_eq!(said["data"], jsz(&[]));
    let server = &said["server"];
    assert_eq!(
        (&server["jetstream"], &server["flags"], &server["domain"]),
        (&true.into(), &7.into(), &"hub".into())
    );
    let said = asks(&format!("SERVER.{id}.JSZ"), r#"{"accounts":true,"offset":1,"domain":"hub"}"#);
    assert_eq!(said["data"], jsz(&[of_b()]));
    let listed = asks("SERVER.PING.JSZ", r#"{"consumer":true,"account":"A"}"#);
    let streams = &listed["data"]["account_details"][0]["stream_detail"];
    assert_eq!(streams[1]["consumer_detail"], json!([consumer("zed", 1, 4), consumer("anna", 0, 1)]));
    let words = "json: cannot unmarshal string into Go struct field JszEventOptions.limit of type int";
    assert_eq!(
        asks("SERVER.PING.JSZ", r#"{"limit":"x"}"#)["error"],
        json!({ "code": 400, "description": words })
    );
    // Of one account consumers are not told without streams.
    assert_eq!(asks("ACCOUNT.A.JSZ", r#"{"consumer":true,"account":"B"}"#)["data"], of_a());
    let said = asks("ACCOUNT.A.JSZ", r#"{"consumer":true,"streams":true}"#);
    assert_eq!(said["data"]["stream_detail"][1]["consumer_detail"][1], consumer("anna", 0, 1));
    for (name, why) in
        [("C", "not jetstream enabled"), ("SYS", "not jetstream enabled"), ("NONE", "not found")]
    {
        let said = asks(&format!("ACCOUNT.{name}.JSZ"), "");
        let words = format!("account \"{name}\" {why}");
        assert_eq!(
            (&said["data"], &said["error"]),
            (&Value::Null, &json!({ "code": 500, "description": words }))
        );
        assert!(said.as_object().expect("an object").contains_key("data"));
    }
    let said = asks("SERVER.PING.HEALTHZ", r#"{"account":"A","stream":"NONE"}"#);
    let words = "JetStream stream \"NONE\" not found on account \"A\"";
    assert_eq!(said["data"], json!({ "status": "unavailable", "status_code": 404, "error": words }));
    let statsz = &asks("SERVER.PING", "")["statsz"]["jetstream"];
    assert_eq!((&statsz["stats"]["storage"], &statsz["limits"]), (&190.into(), &limits()));
    assert!(statsz["config"]["store_dir"].is_null(), "that concerns nobody else: {statsz}");
}

/// Ours alone.
fn streams_and_consumers_have_series(setup: Setup) {
    if std::env::var_os("BUSTER_PEER").is_some() {
        return;
    }
    let kept = Kept::with_streams(setup);
    let text = kept.get("/metrics").1;
    let value = |series: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} in {text}")).parse().expect("a number")
    };
    let sum = |name: &str| -> f64 {
        let lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        lines.map(|line| line.rsplit_once(' ').expect("a value").1.parse::<f64>().expect("a number")).sum()
    };
    let of_zed = "{account=\"A\",stream=\"ORDERS\",consumer=\"zed\"}";
    for (series, expected) in [
        ("buster_stream_messages{account=\"A\",stream=\"ORDERS\"}", 5.0),
        ("buster_stream_last_sequence{account=\"A\",stream=\"ORDERS\"}", 5.0),
        ("buster_stream_consumers{account=\"A\",stream=\"MEM\"}", 0.0),
        (&format!("buster_consumer_pending_messages{of_zed}"), 4.0),
        (&format!("buster_consumer_ack_pending_messages{of_zed}"), 1.0),
        (&format!("buster_consumer_delivered_total{of_zed}"), 1.0),
        ("buster_jetstream_limit_bytes{storage=\"memory\"}", 64_000_000.0),
        ("buster_jetstream_series_left_out{of=\"streams\"}", 0.0),
        ("buster_jetstream_api_errors_total", 1.0),
    ] {
        assert_eq!(value(series), expected, "{series}");
    }
    assert_eq!((sum("buster_jetstream_streams"), sum("buster_jetstream_messages")), (3.0, 5.0));
    assert_eq!(sum("buster_jetstream_reserved_bytes"), 1_000_000.0);
    // What was acknowledged is on the disk, and that was noted before.
    assert!(sum("buster_log_batches_total") > 0.0 && sum("buster_log_written_bytes_total") > 190.0, "{text}");
    assert!(
        sum("buster_log_sync_seconds_count") > 0.0 && sum("buster_log_sync_longest_seconds") > 0.0,
        "{text}"
    );
}

fn limits_follow_the_configuration(setup: Setup) {
    let kept = Kept::with_streams(setup);
    let mut client = Client::connect(&kept.server, "a");
    let promised = || {
        let jsz = kept.json("/jsz?acc=A");
        let account = &jsz["account_details"][0];
        (account["reserved_memory"].as_u64(), account["reserved_storage"].as_u64())
    };
    // Less than there is: nothing more is taken.
    kept.reloads(&ACCOUNTS.replace("max_file: 100M", "max_file: 100"));
    assert_eq!(promised(), (Some(10_000_000), Some(100)));
    assert_eq!(client.asks("o.1", "hello")["error"]["err_code"], 10002);
    // More than the server has: it stays as it was.
    let log = kept.reloads(&ACCOUNTS.replace("max_file: 100M", "max_file: 2G"));
    let line = "[ERR] Error enabling jetstream on configured accounts: insufficient storage resources available (10047)\n";
    assert!(log.contains(line), "{log}");
    assert_eq!(promised(), (Some(10_000_000), Some(100)));
    kept.reloads(&ACCOUNTS.replace("max_mem: 10M", "max_mem: 20M"));
    assert_eq!(promised(), (Some(20_000_000), Some(100_000_000)));
    assert_eq!(client.asks("o.1", "hello")["seq"], 6);
    let info = client.makes("INFO", &Value::Null);
    assert_eq!(
        (&info["limits"]["max_memory"], &info["limits"]["max_streams"]),
        (&20_000_000.into(), &10.into())
    );
    let new = "D { users: [ { user: d, password: x } ], jetstream { max_mem: 1M, max_file: 1M } }";
    kept.reloads(&format!("{ACCOUNTS} {new}"));
    let mut fresh = Client::connect(&kept.server, "d");
    fresh.makes("STREAM.CREATE.DS", &json!({ "name": "DS", "subjects": ["d"], "storage": "memory" }));
    assert_eq!(kept.json("/jsz")["total"], 3);
}

#[test]
fn what_the_server_has_is_said_at_its_start() {
    let kept = Kept::start(Setup::default());
    let dir = kept.folder.path().join("jetstream");
    let log = kept.server.log().text();
    for line in [
        "[INF] Starting JetStream".to_owned(),
        "[INF] ---------------- JETSTREAM ----------------".to_owned(),
        "[INF]   Strict:          true".to_owned(),
        "[INF]   Max Memory:      61.04 MB".to_owned(),
        "[INF]   Max Storage:     953.67 MB".to_owned(),
        format!("[INF]   Store Directory: \"{}\"", dir.display()),
        "[INF]   Domain:          hub".to_owned(),
        "[INF]   API Level:       4".to_owned(),
        "[INF] -------------------------------------------".to_owned(),
    ] {
        assert!(log.lines().any(|there| there.ends_with(&line)), "{line} in {log}");
    }
}

/// The last line of the log of a server that does not start with this configuration.
fn refusal(config: &str) -> String {
    let options = ServerOptions { config: Some(config.to_owned()), ..ServerOptions::default() };
    match Server::start(options) {
        Err(ServerError::EndedEarly { log, .. }) => log.lines().last().unwrap_or_default().to_owned(),
        other => panic!("it is to end: {other:?}"),
    }
}

#[test]
fn a_server_without_a_place_for_streams_does_not_start() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("it can be written");
    let refused = |place: &Path| refusal(&config(place, "", ACCOUNTS));
    let line = "[FTL] Can't start JetStream: storage directory is not a directory";
    assert!(refused(&file).ends_with(line), "{}", refused(&file));
    let line = "[FTL] Can't start JetStream: could not create storage directory - mkdir /proc/none: no such file or directory";
    let nowhere = refused(Path::new("/proc/none/streams"));
    assert!(nowhere.ends_with(line), "{nowhere}");
    let greedy = refusal(&config(folder.path(), "", &ACCOUNTS.replace("max_mem: 10M", "max_mem: 65M")));
    let line = "[FTL] Can't start JetStream: Error enabling jetstream on configured accounts: \
                insufficient memory resources available (10028)";
    assert!(greedy.ends_with(line), "{greedy}");
}

/// Ours alone: nats-server lets two servers write the same files.
#[test]
fn a_second_server_keeps_off_the_store_of_the_first() {
    if std::env::var_os("BUSTER_PEER").is_some() {
        return;
    }
    let kept = Kept::start(Setup::default());
    let dir = kept.folder.path();
    let refused = refusal(&config(dir, "", ACCOUNTS));
    let words = format!("store directory {} is in use by another server", dir.join("jetstream").display());
    assert!(refused.ends_with(&format!("[FTL] Can't start JetStream: {words}")), "{refused}");
}

#[test]
fn a_reload_gives_the_server_more_but_not_less() {
    let kept = Kept::start(Setup::default());
    let limits = "domain: hub, limits { max_ack_pending: 500, duplicate_window: \"5m\" }";
    let text = config(kept.folder.path(), limits, ACCOUNTS);
    let log = kept
        .server
        .reloaded(&text.replace("max_mem: 64M", "max_mem: 128M").replace("max_file: 1G", "max_file: 2G"));
    for line in ["JetStream max_mem_store = 122.07 MB", "JetStream max_file_store = 1.86 GB"] {
        assert!(log.contains(&format!("[INF] Reloaded: {line}\n")), "{log}");
    }
    let jsz = kept.json("/jsz");
    assert_eq!(jsz["config"]["max_memory"], 128_000_000);
    for (change, words) in [
        (text.clone(), "decreasing jetstream max memory and store"),
        (text.replace("domain: hub", "domain: other"), "decreasing jetstream max memory and store"),
        (text.replace("max_mem: 64M, max_file: 1G,", ""), "jetstream max memory and max store"),
    ] {
        let said = kept.server.reload(&change).expect("it answers");
        assert!(said.ends_with(&format!("config reload not supported for {words}")), "{said}");
    }
}
