//! Requests to the server itself, by clients of the system account and of another, with options good and bad.
//!
//! There is one request a step, and its answer stands where that of a monitoring request does.

use crate::js_waits::ANSWERED;
use crate::script::{SERVER_ID, Script, Step};
use seeded::Random;

use super::talk::{Hello, Talk};

const CONFIG: &str = "server_name: S\nserver_tags: [\"x:y\", z]\naccounts {
  A { users: [{user: a, password: a}], mappings: {x: y}, exports: [{stream: s}, {service: q}] }
  B { users: [{user: b, password: b}], imports: [{stream: {account: A, subject: s}}] }
  SYS { users: [{user: s, password: s}] }
}\nsystem_account: SYS\n";

/// Who the connections are, by their numbers.
const USERS: [&str; 3] = ["s", "a", "b"];

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    for (conn, user) in USERS.iter().enumerate() {
        let fields = format!("\"user\":\"{user}\",\"pass\":\"{user}\"");
        talk.connect(conn, &Hello { fields, is_modern: true });
        let mut bytes = String::new();
        for _ in 0..talk.random.size(0, 3) {
            let filter = talk.random.pick(&["foo", "foo.*", "bar.>"]);
            bytes += &talk.subscribe(filter);
        }
        talk.send(conn, bytes + "PING\r\n");
    }
    for number in 0..talk.random.size(3, 8) {
        let request = request(talk.random, number);
        talk.step(request);
    }
    // The numbers of connections and what a shard holds are told with one shard alone as nats-server tells them.
    Script { shards: 1, ..talk.script(CONFIG) }
}

/// A request, and a subscription for its answer alone.
fn request(random: &mut Random, number: usize) -> Step {
    let conn = if random.chance(75) { 0 } else { 1 };
    let subject = subject(random);
    let mut body = body(random);
    if subject.ends_with("SUBSZ") && (body.contains("offset") || body.contains("limit")) {
        body.clear(); // nats-server counts its own, too.
    }
    if subject.ends_with("PING.STATZ") && !body.is_empty() {
        body = "{}".to_owned(); // nats-server says twice what is wrong with its options.
    }
    let is_sure = !may_be_silent(&subject, &body);
    let reply = format!("{}{number}", if is_sure { ANSWERED } else { "_S." });
    let len = body.len();
    Step::send(conn, format!("SUB {reply} y{number}_0\r\nPUB {subject} {reply} {len}\r\n{body}\r\n"))
}

fn subject(random: &mut Random) -> String {
    match random.size(0, 9) {
        0..=4 => {
            let server = random.pick(&["PING", "PING", SERVER_ID]);
            format!("$SYS.REQ.SERVER.{server}.{}", random.pick(&OF_SERVERS))
        }
        5..=7 => {
            let account = random.pick(&["A", "A", "B", "SYS", "$G", "NOBODY", "PING"]);
            format!("$SYS.REQ.ACCOUNT.{account}.{}", random.pick(&OF_ACCOUNTS))
        }
        _ => random.pick(&OTHERS).to_owned(),
    }
}

/// Profiles, expvars and the whole of what the process is have nothing to be held against.
const OF_SERVERS: [&str; 12] = [
    "IDZ", "STATSZ", "SUBSZ", "CONNZ", "CONNZ", "ROUTEZ", "GATEWAYZ", "LEAFZ", "ACCOUNTZ", "ACCOUNTZ", "JSZ",
    "HEALTHZ",
];

const OF_ACCOUNTS: [&str; 7] = ["SUBSZ", "CONNZ", "LEAFZ", "JSZ", "INFO", "STATZ", "CONNS"];

const OTHERS: [&str; 9] = [
    "$SYS.REQ.USER.INFO",
    "$SYS.REQ.SERVER.PING",
    "$SYS.REQ.SERVER.PING.NOPE",
    "$SYS.REQ.SERVER.NOBODY.IDZ",
    "$SYS.REQ.SERVER.PING.IDZ.x",
    "$SYS.REQ.ACCOUNT.NSUBS",
    "$SYS.REQ.ACCOUNT.PING.STATZ",
    "$SYS.REQ.ACCOUNT.PING.CONNZ",
    "$SYS.DEBUG.SUBSCRIBERS",
];

fn body(random: &mut Random) -> String {
    match random.size(0, 9) {
        0..=2 => String::new(),
        3 => random.pick(&ODD).to_owned(),
        4 => random.pick(&FILTERS).to_owned(),
        _ => {
            let mut options: Vec<&str> = (0..random.size(1, 3)).map(|_| random.pick(&OPTIONS)).collect();
            options.dedup();
            format!("{{{}}}", options.join(","))
        }
    }
}

/// What is no object, or is none that ends as it should.
const ODD: [&str; 12] =
    ["{", "[]", "nul", "null", "\"x\"", "7", " ", "{}x", "{\"a\"}", "{\"limit\":}", "{,}", "\u{e9}"];

/// Which servers are asked: this one or another.
const FILTERS: [&str; 9] = [
    "{\"server_name\":\"S\"}",
    "{\"server_name\":\"T\"}",
    "{\"server_name\":7}",
    "{\"tags\":[\"x:y\"]}",
    "{\"tags\":[\"nope\"]}",
    "{\"tags\":\"x:y\"}",
    "{\"cluster\":\"c\"}",
    "{\"domain\":\"d\"}",
    "{\"host\":\"nowhere\"}",
];

const OPTIONS: [&str; 32] = [
    "\"account\":\"A\"",
    "\"account\":\"NOBODY\"",
    "\"account\":1",
    "\"acc\":\"A\"",
    "\"acc\":\"SYS\"",
    "\"accounts\":[\"A\"]",
    "\"accounts\":[\"A\",\"A\",\"B\"]",
    "\"accounts\":\"A\"",
    "\"include_unused\":true",
    "\"subscriptions\":true",
    "\"subscriptions\":\"x\"",
    "\"subscriptions_detail\":true",
    "\"username\":true",
    "\"auth\":true",
    "\"limit\":1",
    "\"limit\":-1",
    "\"limit\":\"1\"",
    "\"limit\":1.5",
    "\"offset\":1",
    "\"offset\":-1",
    "\"sort\":\"cid\"",
    "\"sort\":\"nope\"",
    "\"sort\":7",
    "\"state\":0",
    "\"state\":\"any\"",
    "\"state\":9",
    "\"user\":\"a\"",
    "\"filter_subject\":\"foo.*\"",
    "\"test\":\"foo.x\"",
    "\"test\":\"foo..x\"",
    "\"js-enabled-only\":true",
    "\"unknown\":[1,{}]",
];

/// Whether there may be no answer at all.
fn may_be_silent(subject: &str, body: &str) -> bool {
    FILTERS.contains(&body)
        || ["NSUBS", "SUBSCRIBERS", "STATZ", "CONNS"].iter().any(|end| subject.ends_with(end))
}
