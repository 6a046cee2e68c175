//! What surrounds streams: `/jsz` and the other endpoints, requests by messages, health, series.
//!
//! All of this holds for nats-server 2.14.5 too (`BUSTER_SERVER_BIN=nats-server BUSTER_PEER=1`), but for series.

mod kept;

use kept::{Client, Kept};
use serde_json::{Value, json};
use test_kit::{START_DEADLINE, Setup, on_every_setup};

on_every_setup!(
    accounts_streams_and_consumers_are_told,
    what_is_asked_for_is_found_or_named,
    other_endpoints_know_of_jetstream,
    messages_are_answered_alike,
    streams_and_consumers_have_series,
);

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
