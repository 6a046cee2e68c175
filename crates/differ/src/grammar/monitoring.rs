//! Questions to the monitoring listener, after something has happened.

use crate::script::{Script, Step};
use seeded::Random;

use super::talk::{self, Hello, Talk};

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    let (config, fields) = talk.random.pick(&CONFIGS);
    let conns = talk.random.size(0, 3);
    for conn in 0..conns {
        let is_modern = talk.random.chance(50);
        talk.connect(conn, &Hello { fields: fields.to_owned(), is_modern });
        let mut bytes = String::new();
        for _ in 0..talk.random.size(0, 4) {
            let filter = talk::filter(talk.random);
            bytes += &talk.subscribe(&filter);
        }
        for _ in 0..talk.random.size(0, 3) {
            let subject = talk::subject(talk.random);
            bytes += &talk.publish(&subject, None);
        }
        talk.send(conn, bytes);
        if talk.random.chance(25) {
            talk.step(Step::End { conn });
        }
    }
    for _ in 0..talk.random.size(2, 6) {
        let request = request(talk.random);
        talk.step(Step::Ask { request });
    }
    let script = talk.script(config);
    // What is asked for is the same with any number of shards; the numbers of connections are not.
    Script { shards: 1, ..script }
}

/// A configuration, and what a client has to say to get in.
const CONFIGS: [(&str, &str); 6] = [
    ("", ""),
    ("", ""),
    ("authorization { user: u, password: p }\n", "\"user\":\"u\",\"pass\":\"p\""),
    (
        "accounts { A { users: [{user: u, password: p}], mappings: { x: y } }, B { users: [{user: b, password: b}] } }\n",
        "\"user\":\"u\",\"pass\":\"p\"",
    ),
    (
        "authorization { users: [{user: u, password: p, permissions: {publish: \"a.>\"}}] }\nserver_tags: [\"a:b\", c]\n",
        "\"user\":\"u\",\"pass\":\"p\"",
    ),
    (
        "max_payload: 100\nmax_connections: 10\nping_interval: \"1m\"\nwrite_deadline: \"3s\"\nserver_name: srv\n",
        "",
    ),
];

fn request(random: &mut Random) -> Vec<u8> {
    if random.chance(8) {
        return random.pick(&ODD).as_bytes().to_vec();
    }
    let (path, keys) = random.pick(&ENDPOINTS);
    let mut target = path.to_owned();
    for index in 0..random.size(0, 3) {
        if keys.is_empty() {
            break;
        }
        let key = random.pick(keys);
        let value = random.pick(values(key));
        target += &format!("{}{key}={value}", if index == 0 { '?' } else { '&' });
    }
    let mut request = format!("GET {target}").into_bytes();
    if random.chance(8) {
        let at = random.size("GET /".len(), request.len());
        request.insert(at, random.pick(b"<>\"`{}|\\^%+#&=;\x7f\xff"));
    }
    request
}

const ENDPOINTS: [(&str, &[&str]); 16] = [
    ("/", &[]),
    ("/varz", &["x", "mode"]),
    ("/connz", CONNZ),
    ("/connz", CONNZ),
    ("/connz", CONNZ),
    // Without offset and limit: nats-server counts its own subscriptions too.
    ("/subsz", &["subs", "acc", "test"]),
    ("/subscriptionsz", &["subs", "test"]),
    ("/accountz", &["acc"]),
    ("/accstatz", &["unused"]),
    (
        "/healthz",
        &["js-enabled-only", "js-server-only", "details", "account", "stream", "consumer", "js-enabled"],
    ),
    ("/routez", &["subs"]),
    ("/gatewayz", &["accs", "gw_name", "acc_name"]),
    ("/leafz", &["subs"]),
    ("/jsz", &["acc", "accounts", "streams", "config", "leader-only"]),
    ("/expvarz", &[]),
    ("/raftz", &["acc", "group"]),
];

const CONNZ: &[&str] = &[
    "subs",
    "auth",
    "limit",
    "offset",
    "state",
    "cid",
    "user",
    "acc",
    "sort",
    "filter_subject",
    "mqtt_client",
    "unknown",
];

fn values(key: &str) -> &'static [&'static str] {
    const FLAGS: &[&str] = &["1", "true", "0", "false", "detail", "x", "", "2", "T", "yes"];
    const NUMBERS: &[&str] =
        &["0", "1", "2", "-1", "x", "", "1.5", "99999999999999999999", "+1", "0x1", "%31"];
    // None that a connection has: each server counts from another number.
    const CIDS: &[&str] = &["0", "-1", "x", "", "1.5", "99999999999999999999", "+9", "0x1", "%39%39%39"];
    const STATES: &[&str] = &["open", "closed", "all", "any", "x", "", "OPEN"];
    const SORTS: &[&str] = &["cid", "start", "x", "", "stop", "reason", "CID"];
    const NAMES: &[&str] = &["$G", "%24G", "A", "u", "", "nobody", "a%20b", "%zz", "$SYS", "a+b"];
    const SUBJECTS: &[&str] = &["a", "a.*", ">", "*", "%3E", "a..b", "", "a b", "a%20b", "_INBOX.x"];
    match key {
        "limit" | "offset" | "js-enabled" => NUMBERS,
        "cid" => CIDS,
        "state" => STATES,
        "sort" => SORTS,
        "user" | "acc" | "account" | "stream" | "consumer" | "gw_name" | "acc_name" | "group"
        | "mqtt_client" => NAMES,
        "filter_subject" | "test" => SUBJECTS,
        _ => FLAGS,
    }
}

/// Whole requests that are odd in some way.
const ODD: [&str; 14] = [
    "HEAD /varz",
    "POST /varz",
    "PUT /healthz",
    "OPTIONS /connz",
    "DELETE /",
    "GET /nothing",
    "GET /varz/",
    "GET //varz",
    "GET /./varz",
    "GET /%76arz",
    "GET /VARZ",
    "GET /connz?limit=1;offset=2",
    "GET /connz?limit=%",
    "GET http://localhost/healthz",
];
