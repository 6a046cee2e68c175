//! The monitoring endpoints of a running server.

mod metrics;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use metrics::parsed;
use rustix::process::Signal;
use serde_json::Value;
use test_kit::{
    ANSWER_DEADLINE, RawClient, START_DEADLINE, Server, ServerBinary, ServerOptions, Setup, on_every_setup,
};

on_every_setup!(
    counts_agree_with_the_load,
    a_closed_connection_is_remembered,
    metrics_are_by_shard,
    a_server_in_lame_duck_mode_is_not_well,
);

const MESSAGES: u64 = 1000;

fn start(setup: Setup, args: &[&str]) -> (Server, SocketAddr) {
    let args = ["-m", "-1"].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
    let options = ServerOptions { setup, args, ..ServerOptions::default() };
    let server = Server::start(options).expect("the server starts");
    let monitor = monitor_of(&server);
    (server, monitor)
}

fn monitor_of(server: &Server) -> SocketAddr {
    let begins = "Starting http monitor on ";
    let line = server.log().wait_for(begins, START_DEADLINE).expect("the log says where");
    line.split_once(begins).expect("it was found").1.parse().expect("an address")
}

/// The status and the body.
fn get(monitor: SocketAddr, path: &str) -> (u16, String) {
    let mut socket = TcpStream::connect_timeout(&monitor, ANSWER_DEADLINE).expect("it accepts");
    socket.set_read_timeout(Some(ANSWER_DEADLINE)).expect("a deadline");
    write!(socket, "GET {path} HTTP/1.1\r\nHost: monitor\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut said = String::new();
    socket.read_to_string(&mut said).expect("it answers");
    let (head, body) = said.split_once("\r\n\r\n").expect("a head and a body");
    (head[9..12].parse().expect("a status"), body.to_owned())
}

fn json(monitor: SocketAddr, path: &str) -> Value {
    let (status, body) = get(monitor, path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("{key} in {value}"))
}

fn cid(client: &mut RawClient) -> u64 {
    let info: Value = match client.next_op() {
        test_kit::ServerOp::Info(text) => serde_json::from_str(&text).expect("JSON"),
        other => panic!("INFO comes first, not {other:?}"),
    };
    number(&info, "client_id")
}

/// A client of that name, and its number.
fn named(server: &Server, name: &str) -> (RawClient, u64) {
    let mut client = RawClient::dial(server.addr());
    let number = cid(&mut client);
    client.send(format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"name\":\"{name}\",\"lang\":\"raw\",\
         \"version\":\"1.0\"}}\r\n"
    ));
    client.flush();
    (client, number)
}

/// As nats-py's tests look at it: what came in and went out, of the server and of each connection.
fn counts_agree_with_the_load(setup: Setup) {
    let (server, monitor) = start(setup, &[]);
    let (mut publisher, from) = named(&server, "publisher");
    let (mut first, one) = named(&server, "first");
    let (mut second, two) = named(&server, "second");
    first.subscribe("load.*", 1);
    second.subscribe("load.a", 1);
    second.subscribe("load.b", 2);
    for _ in 0..MESSAGES {
        publisher.send("PUB load.a 5\r\nhello\r\n");
    }
    publisher.send("HPUB load.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    publisher.flush();
    for _ in 0..=MESSAGES {
        first.next_message();
        second.next_message();
    }

    let varz = json(monitor, "/varz");
    let (msgs, bytes) = (MESSAGES + 1, 5 * MESSAGES + 14);
    for (key, expected) in [
        ("in_msgs", msgs),
        ("in_bytes", bytes),
        ("out_msgs", 2 * msgs),
        ("out_bytes", 2 * bytes),
        ("connections", 3),
        ("total_connections", 3),
        ("subscriptions", 3),
        ("slow_consumers", 0),
    ] {
        assert_eq!(number(&varz, key), expected, "{key} in {varz:#}");
    }
    let connz = json(monitor, "/connz?subs=1");
    assert_eq!((number(&connz, "num_connections"), number(&connz, "total")), (3, 3));
    let of = |cid: u64| {
        let rows = connz["connections"].as_array().expect("a list");
        rows.iter().find(|row| number(row, "cid") == cid).unwrap_or_else(|| panic!("{cid} in {connz:#}"))
    };
    let traffic = |cid| ["in_msgs", "in_bytes", "out_msgs", "out_bytes"].map(|key| number(of(cid), key));
    assert_eq!(traffic(from), [msgs, bytes, 0, 0]);
    assert_eq!(traffic(one), [0, 0, msgs, bytes]);
    assert_eq!(traffic(two), [0, 0, msgs, bytes]);
    assert_eq!(
        (&of(one)["name"], &of(one)["lang"], &of(one)["version"]),
        (&"first".into(), &"raw".into(), &"1.0".into())
    );
    let subjects: BTreeSet<&str> =
        of(two)["subscriptions_list"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(subjects, BTreeSet::from(["load.a", "load.b"]));
    assert_eq!(number(of(two), "subscriptions"), 2);

    let subsz = json(monitor, "/subsz?subs=1&test=load.b");
    assert_eq!((number(&subsz, "num_subscriptions"), number(&subsz, "total")), (3, 2));
    let detail = json(monitor, &format!("/connz?subs=detail&cid={one}"));
    let sub = &detail["connections"][0]["subscriptions_list_detail"][0];
    assert_eq!((&sub["subject"], number(sub, "msgs")), (&"load.*".into(), msgs));
}

fn a_closed_connection_is_remembered(setup: Setup) {
    let (server, monitor) = start(setup, &[]);
    let (mut bad, number_of_bad) = named(&server, "bad");
    bad.send("PUB a 2\r\nhi\r\nNONSENSE\r\n");
    // It is remembered before its socket is closed.
    bad.read_to_close();
    let closed = json(monitor, "/connz?state=closed");
    let row = &closed["connections"][0];
    assert_eq!((number(&closed, "total"), number(row, "cid")), (1, number_of_bad), "{closed:#}");
    assert_eq!(
        (&row["reason"], number(row, "in_msgs"), &row["name"]),
        (&"Protocol Violation".into(), 1, &"bad".into())
    );
    assert_eq!(number(&json(monitor, "/connz"), "total"), 0);
    assert_eq!(
        number(&json(monitor, &format!("/connz?state=any&cid={number_of_bad}")), "num_connections"),
        1
    );
    assert_eq!(number(&json(monitor, "/varz"), "connections"), 0);
}

fn metrics_are_by_shard(setup: Setup) {
    let (server, monitor) = start(setup, &[]);
    let mut clients: Vec<RawClient> = (0..8).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.publish("a", "hello");
        client.flush();
    }
    let samples = parsed(&get(monitor, "/metrics").1);
    let sum = |name: &str| -> f64 {
        let of_name = samples.iter().filter(|sample| sample["name"] == name);
        of_name.map(|sample| sample["value"].as_f64().expect("a number")).sum()
    };
    let shards = samples.iter().filter(|sample| sample["name"] == "buster_connections").count();
    assert_eq!(shards as u32, setup.shards);
    assert_eq!((sum("buster_connections"), sum("buster_received_messages_total")), (8.0, 8.0));
    assert_eq!((sum("buster_received_bytes_total"), sum("buster_sent_messages_total")), (40.0, 0.0));
    assert_eq!((sum("buster_account_connections"), sum("buster_account_received_bytes_total")), (8.0, 40.0));
    assert!(sum("buster_turn_seconds_count") > 0.0 && sum("buster_parks_total") > 0.0);
    assert!(sum("process_resident_memory_bytes") > 1e6);
    let of_shards = |name: &str| -> Vec<f64> {
        let of_name = samples.iter().filter(|sample| sample["name"] == name);
        of_name.map(|sample| sample["value"].as_f64().expect("a number")).collect()
    };
    let [longest, count, time] =
        ["buster_turn_longest_seconds", "buster_turn_seconds_count", "buster_turn_seconds_sum"]
            .map(of_shards);
    assert_eq!(longest.len() as u32, setup.shards);
    for ((longest, count), time) in longest.into_iter().zip(count).zip(time) {
        // It is one of those turns, and no shorter than they are on average.
        assert!(0.0 < longest && longest <= time, "{longest} of {time}");
        assert!(longest * count >= time * 0.999, "{longest} of {time} in {count} turns");
    }
}

#[test]
fn a_scan_and_a_thousand_slow_readers_disturb_nobody() {
    let (server, monitor) = start(Setup { shards: 2, ..Setup::default() }, &[]);
    let mut clients: Vec<RawClient> = (0..200).map(|_| server.connect()).collect();
    for (sid, client) in clients.iter_mut().enumerate() {
        for number in 0..20 {
            client.send(format!("SUB some.subject.of.some.length.{sid}.{number} {number}\r\n"));
        }
        client.flush();
    }
    let before = server.resident_bytes().expect("it runs");
    for line in [
        "\x16\x03\x01",
        "HELO\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\nA",
        "POST /varz HTTP/1.1\r\nContent-Length: 99999999\r\n\r\nx",
    ] {
        let mut socket = TcpStream::connect(monitor).expect("it accepts");
        let _ = socket.write_all(line.as_bytes());
    }
    let mut slow: Vec<TcpStream> = Vec::new();
    for _ in 0..1000 {
        let mut socket = TcpStream::connect(monitor).expect("it accepts");
        let _ = socket.write_all(b"GET /connz?subs=detail HTTP/1.1\r\nHost: monitor\r\n\r\n");
        slow.push(socket);
    }
    assert_eq!(get(monitor, "/healthz").1, "{\"status\":\"ok\"}");
    assert_eq!(number(&json(monitor, "/varz"), "connections"), 200);
    clients[0].subscribe("after", 99);
    clients[1].publish("after", "all");
    assert_eq!(clients[0].next_message().subject, "after");
    let grown = server.resident_bytes().expect("it runs").saturating_sub(before);
    assert!(grown < 256 << 20, "{} MiB for readers that do not read", grown >> 20);
    assert!(slow.len() == 1000);
}

/// Balancers take a server out as soon as it is in lame duck mode: the Helm chart's probe asks like this.
fn a_server_in_lame_duck_mode_is_not_well(setup: Setup) {
    let (server, monitor) = start(setup, &[]);
    let mut client = server.connect();
    client.flush();
    assert_eq!(get(monitor, "/healthz?js-server-only=true"), (200, "{\"status\":\"ok\"}".to_owned()));
    server.signal(Signal::USR2).expect("it runs");
    server.log().wait_for("Entering lame duck mode", START_DEADLINE).expect("it enters it");
    let not_ready = "failed to be ready for connections after 1ms: server";
    // The line is logged before anything is done.
    while get(monitor, "/healthz").0 == 200 {
        std::thread::yield_now();
    }
    let body = format!("{{\"status\":\"error\",\"error\":\"{not_ready}\"}}");
    assert_eq!(get(monitor, "/healthz?js-server-only=true"), (500, body));
    let body = format!(
        "{{\"status\":\"error\",\"errors\":[{{\"type\":\"CONNECTION\",\"error\":\"{not_ready}\"}}]}}"
    );
    assert_eq!(get(monitor, "/healthz?details=true"), (500, body));
    for line in
        [format!("[WRN] Healthcheck failed: {not_ready:?}"), "[WRN] Healthcheck failed: 1 errors".into()]
    {
        server.log().wait_for(&line, START_DEADLINE).expect("the log says so");
    }
}

/// The answers are those of nats-server 2.14.5.
#[test]
fn targets_that_only_go_takes_are_answered() {
    let (_server, monitor) = start(Setup::default(), &[]);
    for (target, status, body) in [
        ("/%76arz", 200, "\"server_id\""),
        ("/varz?x=<a>\"b\"{c}|^`\\", 200, "\"server_id\""),
        (
            "/connz?limit=<1>",
            400,
            "Error decoding int for 'limit': strconv.Atoi: parsing \"<1>\": invalid syntax",
        ),
        ("//varz?a=b", 307, "<a href=\"/varz?a=b\">Temporary Redirect</a>."),
        ("/./varz", 307, "<a href=\"/varz\">Temporary Redirect</a>."),
        ("/varz#x", 404, "404 page not found"),
        ("/%zz", 400, "400 Bad Request"),
    ] {
        let (got, text) = get(monitor, target);
        assert!(got == status && text.contains(body), "{target}: {got} {text}");
    }
}

/// As nats-server 2.14.5 shows limits that bar everybody or nobody.
#[test]
fn limits_are_shown_as_they_were_meant() {
    for (config, connections, subscriptions) in [
        ("", "65536", None),
        ("max_connections: 0\nmax_subscriptions: 0\n", "-1", None),
        ("max_connections: -5\nmax_subscriptions: -1\n", "-5", Some("-1")),
    ] {
        let options = ServerOptions {
            config: Some(config.into()),
            args: vec!["-m".into(), "-1".into()],
            ..ServerOptions::default()
        };
        let server = Server::start(options).expect("the server starts");
        let varz = json(monitor_of(&server), "/varz");
        assert_eq!(varz["max_connections"].to_string(), connections);
        assert_eq!(varz.get("max_subscriptions").map(Value::to_string).as_deref(), subscriptions);
    }
}

#[test]
fn the_base_path_stands_before_every_path() {
    let options = ServerOptions {
        config: Some("http_base_path: \"/base\"\nmax_closed_clients: 1\n".into()),
        args: vec!["-m".into(), "-1".into()],
        ..ServerOptions::default()
    };
    let server = Server::start(options).expect("the server starts");
    let monitor = monitor_of(&server);
    assert_eq!(
        (get(monitor, "/varz").0, get(monitor, "/base/varz").0, get(monitor, "/base").0),
        (404, 200, 200)
    );
    assert_eq!(json(monitor, "/base/varz")["http_base_path"], "/base");
    for _ in 0..2 {
        let mut bad = server.connect();
        bad.send("NONSENSE\r\n");
        bad.read_to_close();
    }
    let closed = json(monitor, "/base/connz?state=closed");
    assert_eq!((number(&closed, "total"), number(&closed["connections"][0], "cid")), (1, 2), "the latest");
}

#[test]
fn connections_are_found_by_account_and_user_and_secrets_stay_inside() {
    let config = r#"
        accounts: {
            A: { users: [ { user: alice, password: hush-1 }, { user: bob, password: hush-2 } ] }
            B: { users: [ { user: carl, password: hush-3 } ]
                 mappings: { "a.*": [ { dest: "b.$1", weight: 60% }, { dest: c, weight: 20% } ] } }
        }
    "#;
    let args = vec!["-m".into(), "-1".into()];
    let options = ServerOptions { config: Some(config.into()), args, ..ServerOptions::default() };
    let server = Server::start(options).expect("the server starts");
    let monitor = monitor_of(&server);
    let as_user = |user: &str, password: &str| {
        let mut client = RawClient::dial(server.addr());
        let number = cid(&mut client);
        client.send(format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\n"
        ));
        client.flush();
        (client, number)
    };
    let (mut alice, _) = as_user("alice", "hush-1");
    let (_bob, of_bob) = as_user("bob", "hush-2");
    let (_carl, of_carl) = as_user("carl", "hush-3");
    alice.subscribe("a", 1);

    let cids = |query: &str| -> Vec<(u64, Value, Value)> {
        let found = json(monitor, &format!("/connz?auth=1&{query}"));
        let rows = found["connections"].as_array().expect("a list").iter();
        rows.map(|row| (number(row, "cid"), row["authorized_user"].clone(), row["account"].clone())).collect()
    };
    assert_eq!(cids("user=bob"), [(of_bob, "bob".into(), "A".into())]);
    assert_eq!(cids("acc=B"), [(of_carl, "carl".into(), "B".into())]);
    assert_eq!(cids("acc=A").len(), 2);
    assert_eq!(cids("acc=A&user=carl"), []);
    assert_eq!(number(&json(monitor, "/connz?acc=A"), "total"), 2);
    let detail = &json(monitor, "/accountz?acc=A")["account_detail"];
    assert_eq!((number(detail, "client_connections"), number(detail, "subscriptions")), (2, 1));
    assert_eq!(detail.get("mappings"), None);
    let mappings = &json(monitor, "/accountz?acc=B")["account_detail"]["mappings"];
    let to = |subject: &str, weight: u32| serde_json::json!({ "subject": subject, "weight": weight });
    // As nats-server shows them: what stays is one of them, and each weight has those before it in it.
    assert_eq!(*mappings, serde_json::json!({ "a.*": [to("c", 20), to("a.$1", 40), to("b.$1", 100)] }));
    let names = &json(monitor, "/accountz")["accounts"];
    assert_eq!(*names, serde_json::json!(["$G", "$SYS", "A", "B"]));
    assert_eq!(json(monitor, "/varz")["auth_required"], true);
    for path in
        ["/varz", "/connz?auth=1&subs=detail&state=any", "/accountz?acc=A", "/accstatz?unused=1", "/metrics"]
    {
        assert!(!get(monitor, path).1.contains("hush"), "{path} tells a password");
    }
}

#[test]
fn a_monitoring_port_in_use_is_a_fatal_line_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let binary = ServerBinary::locate().expect("the server builds");
    let mut command = Command::new(binary.path);
    let output = command.args(["-a", "127.0.0.1", "-p", "-1", "-m", &port]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    let fatal = format!(
        "[FTL] Can't start monitoring: can't listen to the monitor port: listen tcp 127.0.0.1:{port}: "
    );
    assert!(said.contains(&fatal), "{said}");
}

/// Files for a server with TLS and monitoring.
struct Secured {
    dir: tempfile::TempDir,
}

impl Secured {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    /// Writes a certificate that is good until this year.
    fn renew(&self, year: i32) {
        let pair = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.not_after = rcgen::date_time_ymd(year, 1, 2);
        let certificate = params.self_signed(&pair).expect("a certificate");
        fs::write(self.dir.path().join("cert.pem"), certificate.pem()).expect("a file");
        fs::write(self.dir.path().join("key.pem"), pair.serialize_pem()).expect("a file");
    }

    fn config(&self) -> String {
        let dir = self.dir.path().display();
        format!("tls {{ cert_file: \"{dir}/cert.pem\", key_file: \"{dir}/key.pem\" }}\n")
    }

    fn start(&self) -> (Server, SocketAddr) {
        let args = ["-m", "-1"].map(str::to_owned).to_vec();
        let options = ServerOptions { config: Some(self.config()), args, ..ServerOptions::default() };
        let server = Server::start(options).expect("the server starts");
        let monitor = monitor_of(&server);
        (server, monitor)
    }
}

// Where clients spoke TLS `http` did so, too.
#[test]
fn http_is_plain_where_clients_use_tls() {
    let secured = Secured::new();
    secured.renew(2040);
    let (_server, monitor) = secured.start();
    assert_eq!(get(monitor, "/healthz"), (200, "{\"status\":\"ok\"}".to_owned()));
}

/// Who watches for certificates that end looks at it.
#[test]
fn the_end_of_the_certificate_is_told_and_follows_a_reload() {
    let secured = Secured::new();
    secured.renew(2040);
    let (server, monitor) = secured.start();
    assert_eq!(json(monitor, "/varz")["tls_cert_not_after"], "2040-01-02T00:00:00Z");
    secured.renew(2041);
    server.reload(&secured.config()).expect("it reloads");
    assert_eq!(json(monitor, "/varz")["tls_cert_not_after"], "2041-01-02T00:00:00Z");
}
