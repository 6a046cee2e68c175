//! Accounts that share: streams and services, under other subjects, and requests to them.
//!
//! A response cannot be written down before its subject is known, so there are none.

use crate::script::{Script, Step};
use seeded::Random;

use super::talk::{Hello, Talk};

/// Who the connections are, by their numbers.
const USERS: [&str; 4] = ["a", "b", "c", "b"];

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    let config = config(talk.random);
    for (conn, user) in USERS.iter().enumerate() {
        let fields = format!("\"user\":\"{user}\",\"pass\":\"{user}\"");
        talk.connect(conn, &Hello { fields, is_modern: true });
        let inbox = format!("SUB inbox.{conn} {}\r\n", talk.sid());
        talk.send(conn, inbox);
    }
    for _ in 0..talk.random.size(4, 14) {
        let conn = talk.random.size(0, USERS.len() - 1);
        if talk.random.chance(8) {
            let config = self::config(talk.random);
            talk.step(Step::Reload { config });
            continue;
        }
        let bytes: String = (0..talk.random.size(1, 3)).map(|_| op(&mut talk, conn)).collect();
        talk.send(conn, bytes);
    }
    talk.script(config)
}

/// B and C import some of what A exports, each subject once: of two imports nats-server takes either first.
fn config(random: &mut Random) -> String {
    let exports = EXPORTS.map(|export| format!("    {export}\n")).concat();
    let mut text =
        format!("accounts {{\n  A {{ users: [{{user: a, password: a}}]\n   exports: [\n{exports}   ] }}\n");
    for (name, user) in [("B", "b"), ("C", "c")] {
        let mut imports = String::new();
        for forms in &IMPORTS {
            if random.chance(70) {
                imports += &format!("    {}\n", random.pick(forms));
            }
        }
        text += &format!(
            "  {name} {{ users: [{{user: {user}, password: {user}}}]\n   imports: [\n{imports}   ] }}\n"
        );
    }
    text + "}\n"
}

const EXPORTS: [&str; 5] = [
    "{stream: \"s.>\"}",
    "{stream: \"m.*.*\"}",
    "{service: \"q.*\"}",
    "{service: \"many\", response_type: stream, threshold: \"5s\"}",
    "{service: \"w.*.*\", accounts: [B, C]}",
];

/// By row: ways to import the same.
const IMPORTS: [&[&str]; 5] = [
    &[
        "{stream: {account: A, subject: \"s.>\"}}",
        "{stream: {account: A, subject: \"s.>\"}, prefix: \"imp\"}",
        "{stream: {account: A, subject: \"s.a.*\"}, to: \"t.{{wildcard(1)}}\"}",
        "{stream: {account: A, subject: \"s.a.b\"}, to: \"one\"}",
    ],
    &[
        "{stream: {account: A, subject: \"m.*.*\"}, to: \"n.$2.$1\"}",
        "{stream: {account: A, subject: \"m.*.b\"}, prefix: \"p.\"}",
        "{stream: {account: A, subject: \"m.*.*\"}}",
    ],
    &[
        "{service: {account: A, subject: \"q.*\"}}",
        "{service: {account: A, subject: \"q.*\"}, to: \"r.*\"}",
        "{service: {account: A, subject: \"q.a\"}, to: \"r.x\"}",
    ],
    &["{service: {account: A, subject: \"many\"}}"],
    &["{service: {account: A, subject: \"w.*.*\"}, to: \"v.$2.{{wildcard(1)}}\"}"],
];

const FILTERS: [&str; 14] = [
    "s.>",
    "imp.>",
    "imp.s.a.*",
    "t.*",
    "t.b",
    "one",
    "m.*.*",
    "n.b.*",
    "n.*.a",
    "p.m.*.b",
    "q.*",
    "many",
    "w.>",
    "*.a.b",
];

const SUBJECTS: [&str; 15] = [
    "s.a.b",
    "s.a.c",
    "s.b",
    "m.a.b",
    "m.b.a",
    "q.a",
    "q.b",
    "r.a",
    "r.x",
    "many",
    "w.a.b",
    "v.a.b",
    "imp.s.a.b",
    "one",
    "n.b.a",
];

fn op(talk: &mut Talk<'_>, conn: usize) -> String {
    match talk.random.size(0, 9) {
        0..=3 => {
            let filter = talk.random.pick(&FILTERS);
            talk.subscribe(filter)
        }
        4 => {
            let sid = talk.some_sid();
            let max =
                if talk.random.chance(40) { format!(" {}", talk.random.size(1, 3)) } else { String::new() };
            format!("UNSUB {sid}{max}\r\n")
        }
        _ => {
            let subject = talk.random.pick(&SUBJECTS);
            let reply = talk.random.chance(50).then(|| format!("inbox.{conn}"));
            if talk.random.chance(20) {
                talk.hpublish(subject, reply.as_deref(), "NATS/1.0\r\nA: b\r\n\r\n")
            } else {
                talk.publish(subject, reply.as_deref())
            }
        }
    }
}
