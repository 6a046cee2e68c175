//! Messages with headers, to connections that read them and to such that do not.

use crate::script::Script;
use seeded::Random;

use super::talk::{self, Hello, Talk};

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    for conn in 0..3 {
        let headers = talk.random.pick(&["true", "true", "false"]);
        let fields = format!("\"verbose\":false,\"headers\":{headers}");
        let line = format!("CONNECT {{{fields}}}\r\nPING\r\n");
        if talk.random.chance(85) {
            talk.send(conn, line)
        } else {
            talk.connect(conn, &Hello::default())
        }
        let filter = talk::filter(talk.random);
        let bytes = talk.subscribe(&filter) + &talk.subscribe(">");
        talk.send(conn, bytes);
    }
    for _ in 0..talk.random.size(2, 10) {
        let conn = talk.random.size(0, 2);
        let bytes: String = (0..talk.random.size(1, 3)).map(|_| op(&mut talk)).collect();
        let bytes = if talk.random.chance(8) {
            talk::damage(talk.random, bytes.into_bytes())
        } else {
            bytes.into_bytes()
        };
        talk.send(conn, bytes);
    }
    let config = talk.random.pick(&["", "", "", "no_header_support: true\n", "max_payload: 40\n"]);
    talk.script(config)
}

fn op(talk: &mut Talk<'_>) -> String {
    let subject = talk::subject(talk.random);
    let reply = talk.random.chance(20).then(|| talk::subject(talk.random));
    match talk.random.size(0, 9) {
        0 => talk.publish(&subject, reply.as_deref()),
        1 => sizes(talk, &subject),
        _ => {
            let headers = talk.random.pick(&BLOCKS);
            talk.hpublish(&subject, reply.as_deref(), headers)
        }
    }
}

/// The block is not looked into, whatever it holds.
const BLOCKS: [&str; 16] = [
    "NATS/1.0\r\n\r\n",
    "NATS/1.0\r\nA: b\r\n\r\n",
    "NATS/1.0\r\nA:b\r\nA:c\r\n\r\n",
    "NATS/1.0 503\r\n\r\n",
    "NATS/1.0 100 Idle Heartbeat\r\n\r\n",
    "NATS/1.0\r\n",
    "NATS/1.0\n\n",
    "NATS/2.0\r\n\r\n",
    "junk",
    "\r\n\r\n",
    "NATS/1.0\r\nLong: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n",
    "NATS/1.0\r\n: empty\r\n\r\n",
    "NATS/1.0\r\nno colon\r\n\r\n",
    "NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n",
    "NATS/1.0\r\nStatus: 1\r\nDescription: x\r\n\r\n",
    "NATS/1.0\r\nA: \u{e9}\r\n\r\n",
];

/// Sizes that fit together, and such that do not.
fn sizes(talk: &mut Talk<'_>, subject: &str) -> String {
    let payload = talk.payload();
    let block = "NATS/1.0\r\n\r\n";
    let (header, total) = (block.len(), block.len() + payload.len());
    let (header, total) = talk.random.pick(&[
        (header, total),
        (0, total),
        (total, total),
        (total + 1, total),
        (1, total),
        (header, total - 1),
        (header, header),
    ]);
    format!("HPUB {subject} {header} {total}\r\n{block}{payload}\r\n")
}
