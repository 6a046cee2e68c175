//! Users that may publish and subscribe to some things and not to others.

use crate::script::Script;
use seeded::Random;

use super::talk::{self, Hello, Talk};

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    let users = users(talk.random);
    let conns = talk.random.size(2, 3);
    for conn in 0..conns {
        login(&mut talk, conn);
    }
    for _ in 0..talk.random.size(3, 14) {
        let conn = talk.random.size(0, conns - 1);
        let ops = talk.random.size(1, 4);
        let bytes: String = (0..ops).map(|_| op(&mut talk)).collect();
        talk.send(conn, bytes);
    }
    talk.script(users)
}

/// A configuration with the users `u0` to `u2`, whose passwords are `p0` to `p2`.
pub(crate) fn users(random: &mut Random) -> String {
    let mut text = "authorization {\n".to_owned();
    if random.chance(30) {
        text += &format!("  default_permissions: {{ {} }}\n", permissions(random));
    }
    text += "  users: [\n";
    for user in 0..3 {
        text += &format!("    {{ user: u{user}, password: p{user}");
        if random.chance(80) {
            text += &format!(", permissions: {{ {} }}", permissions(random));
        }
        text += " }\n";
    }
    text += "  ]\n}\n";
    if random.chance(20) {
        text += "no_auth_user: u1\n";
    }
    text
}

fn permissions(random: &mut Random) -> String {
    let mut parts = Vec::new();
    for what in ["publish", "subscribe"] {
        if !random.chance(75) {
            continue;
        }
        let is_for_subs = what == "subscribe";
        let allow = |random: &mut Random| list(random, is_for_subs, is_for_subs);
        let deny = |random: &mut Random| list(random, is_for_subs, false);
        parts.push(match random.size(0, 4) {
            0 => format!("{what}: {}", allow(random)),
            1 => format!("{what}: {{ deny: {} }}", deny(random)),
            2 => format!("{what}: {{ allow: {} }}", allow(random)),
            _ => {
                let (allow, deny) = (allow(random), deny(random));
                format!("{what}: {{ allow: {allow}, deny: {deny} }}")
            }
        });
    }
    if random.chance(25) {
        parts.push(random.pick(&RESPONSES).to_owned());
    }
    parts.join(", ")
}

const RESPONSES: [&str; 4] = [
    "allow_responses: true",
    "allow_responses: { max: 2, expires: \"1m\" }",
    "allow_responses: { max: -1, expires: \"1m\" }",
    "allow_responses: false",
];

/// `is_closed`: no entry ends in a star. Who may subscribe to `a.*` gets `a.>` from nats-server, and not from
/// us (docs/differences.md).
fn list(random: &mut Random, with_queue: bool, is_closed: bool) -> String {
    let entries: Vec<String> = (0..random.size(1, 3)).map(|_| entry(random, with_queue, is_closed)).collect();
    if entries.len() == 1 && random.chance(50) {
        entries[0].clone()
    } else {
        format!("[{}]", entries.join(", "))
    }
}

fn entry(random: &mut Random, with_queue: bool, is_closed: bool) -> String {
    let mut filter = match random.size(0, 9) {
        0 => ">".to_owned(),
        1 => "_INBOX.>".to_owned(),
        _ => plain_filter(random),
    };
    if is_closed && filter.ends_with('*') {
        filter.pop();
        filter.push('b');
    }
    let queue =
        if with_queue && random.chance(15) { random.pick(&[" grp", " g*", " >", " grp.*"]) } else { "" };
    format!("\"{filter}{queue}\"")
}

/// Without what is no filter: that would be a mistake of the file.
fn plain_filter(random: &mut Random) -> String {
    let mut tokens: Vec<&str> =
        (0..random.size(1, 3)).map(|_| random.pick(&["a", "b", "c", "*", "*"])).collect();
    if random.chance(30) {
        tokens.push(">");
    }
    tokens.join(".")
}

/// Mostly as one of the users.
pub(crate) fn login(talk: &mut Talk<'_>, conn: usize) {
    let user = talk.random.size(0, 2);
    let fields = match talk.random.size(0, 19) {
        0 => String::new(),
        1 => format!("\"user\":\"u{user}\""),
        2 => format!("\"user\":\"u{user}\",\"pass\":\"wrong\""),
        3 => "\"user\":\"nobody\",\"pass\":\"p0\"".to_owned(),
        4 => "\"auth_token\":\"t\"".to_owned(),
        _ => format!("\"user\":\"u{user}\",\"pass\":\"p{user}\""),
    };
    let is_modern = talk.random.chance(70);
    talk.connect(conn, &Hello { fields, is_modern });
}

pub(crate) fn op(talk: &mut Talk<'_>) -> String {
    match talk.random.size(0, 11) {
        0..=4 => {
            let subject = talk::subject(talk.random);
            let reply = talk.random.chance(30).then(|| reply(talk.random));
            talk.publish(&subject, reply.as_deref())
        }
        5..=8 => {
            let filter = talk::filter(talk.random);
            talk.subscribe(&filter)
        }
        9 => {
            let filter = talk::filter(talk.random);
            let queue = talk.random.pick(&["grp", "g1", "grp.x"]);
            format!("SUB {filter} {queue} q0_{}\r\n", talk.sid())
        }
        10 => format!("UNSUB {}\r\n", talk.some_sid()),
        _ => {
            let reply = reply(talk.random);
            talk.publish(&reply, None)
        }
    }
}

fn reply(random: &mut Random) -> String {
    format!("_INBOX.{}", random.size(1, 3))
}
