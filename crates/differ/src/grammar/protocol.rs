//! The ops of clients: well formed, badly formed, in any case, cut anywhere.

use crate::script::{Script, Step};
use seeded::Random;

use super::talk::{self, Hello, Talk};

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    let conns = talk.random.size(1, 3);
    for conn in 0..conns {
        hello(&mut talk, conn);
    }
    for _ in 0..talk.random.size(3, 14) {
        let conn = talk.random.size(0, conns - 1);
        if talk.random.chance(3) {
            talk.step(Step::End { conn });
            continue;
        }
        let mut bytes = Vec::new();
        for _ in 0..talk.random.size(1, 4) {
            bytes.extend(op(&mut talk));
        }
        if talk.random.chance(8) {
            bytes = talk::damage(talk.random, bytes);
        }
        talk.send(conn, bytes);
    }
    talk.script("")
}

fn hello(talk: &mut Talk<'_>, conn: usize) {
    match talk.random.size(0, 19) {
        0..=2 => {
            let line = talk.random.pick(&STRANGE_HELLOS);
            talk.send(conn, format!("{line}\r\nPING\r\n"));
        }
        3 => talk.send(conn, "PING\r\n"),
        _ => talk.connect(conn, &Hello::default()),
    }
}

const STRANGE_HELLOS: [&str; 24] = [
    "CONNECT {}",
    "connect\t{}",
    "CONNECT",
    "CONNECT ",
    "CONNECT {",
    "CONNECT []",
    "CONNECT null",
    "CONNECT foo",
    "CONNECT {} {}",
    "CONNECT {\"verbose\":\"x\"}",
    "CONNECT {\"verbose\":1}",
    "CONNECT {\"verbose\":null}",
    "CONNECT {\"VERBOSE\":false}",
    "CONNECT {\"verbose\":false,\"verbose\":true}",
    "CONNECT {\"name\":7}",
    "CONNECT {\"name\":\"a\\ud83d\"}",
    "CONNECT {\"unknown\":1e999,\"verbose\":false}",
    "CONNECT {\"protocol\":2}",
    "CONNECT {\"protocol\":-1}",
    "CONNECT {\"headers\":false,\"no_responders\":true}",
    "CONNECT {\"tls_required\":true,\"verbose\":false}",
    "CONNECT {\"user\":\"a\",\"pass\":\"b\",\"verbose\":false}",
    "CONNECT {\"account\":\"A\",\"verbose\":false}",
    "CONNECT {\"jwt\":\"x\",\"nkey\":\"y\",\"sig\":\"z\",\"verbose\":false}",
];

fn op(talk: &mut Talk<'_>) -> Vec<u8> {
    let text = match talk.random.size(0, 29) {
        0..=8 => publish(talk),
        9..=14 => {
            let filter = talk::filter(talk.random);
            talk.subscribe(&filter)
        }
        15..=17 => {
            let sid = talk.some_sid();
            let max = talk.random.pick(&["", "", " 1", " 2", " 3", " 0", " -1", " x", " 99999999999"]);
            format!("UNSUB {sid}{max}\r\n")
        }
        18 => {
            let filter = talk::filter(talk.random);
            format!("SUB {filter} {}\r\n", talk.some_sid())
        }
        19 => {
            let filter = talk::filter(talk.random);
            format!("SUB {filter} grp q0_{}\r\n", talk.sid())
        }
        20 => "PING\r\n".to_owned(),
        21 => "PONG\r\n".to_owned(),
        22 => talk
            .random
            .pick(&["+OK\r\n", "+ok x\r\n", "PINGx\r\n", "PONG \t\r\n", "ping\n", "INFO {}\r\n"])
            .to_owned(),
        23 => talk.connect_line(&Hello::default()),
        24 => talk.random.pick(&WRONG).to_owned(),
        25 | 26 => {
            let subject = talk::subject(talk.random);
            talk.hpublish(&subject, None, "NATS/1.0\r\nA: b\r\n\r\n")
        }
        _ => {
            let subject = talk::subject(talk.random);
            let line = talk.publish(&subject, None);
            talk::restyle(talk.random, &line)
        }
    };
    text.into_bytes()
}

fn publish(talk: &mut Talk<'_>) -> String {
    let subject = talk::subject(talk.random);
    let reply = talk.random.chance(20).then(|| talk::subject(talk.random));
    talk.publish(&subject, reply.as_deref())
}

/// Each of them is some mistake, or looks like one.
const WRONG: [&str; 34] = [
    "FOO\r\n",
    "\r\n",
    "\n",
    " PING\r\n",
    "PIN\r\n",
    "PUB\r\n",
    "PUB \r\n",
    "PUB a\r\n",
    "PUB a b\r\n",
    "PUB a b c d\r\n",
    "PUB a -1\r\n",
    "PUB a 1x\r\nx\r\n",
    "PUB a 1048577\r\n",
    "PUB a 9999999999\r\n",
    "PUB a 2\r\nabcd\r\n",
    "PUB a 0\r\n\n",
    "PUB a 00\r\n\r\n",
    "PUB a +1\r\nx\r\n",
    "SUB\r\n",
    "SUB a\r\n",
    "SUB a b c d\r\n",
    "SUB a _sys_ 1\r\n",
    "UNSUB\r\n",
    "UNSUB 1 2 3\r\n",
    "UNSUB  \r\n",
    "HPUB a 1\r\n",
    "HPUB a 3 2\r\nxxx\r\n",
    "HPUB a x 2\r\n",
    "HPUB a 0 0\r\n\r\n",
    "MSG a 1 1\r\nx\r\n",
    "HMSG a 1 1 1\r\nx\r\n",
    "-ERR 'x'\r\n",
    "-ERR\r\n",
    "GET / HTTP/1.1\r\n",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_and_good_ops_are_both_said() {
        let scripts = (0..50).map(|case| script(&mut Random::new(1, case)));
        let said: Vec<String> = scripts
            .flat_map(|script| script.steps)
            .filter_map(|step| match step {
                Step::Send { pieces, .. } => Some(String::from_utf8_lossy(&pieces.concat()).into_owned()),
                _ => None,
            })
            .collect();
        let says = |part: &str| said.iter().any(|text| text.contains(part));
        assert!(WRONG.iter().filter(|wrong| says(wrong)).count() > WRONG.len() / 3);
        assert!(says("SUB ") && says("UNSUB ") && says("HPUB ") && says("CONNECT {"));
    }
}
