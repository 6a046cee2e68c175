//! Sizes and counts, kept and overstepped.

use crate::script::{Script, Step};
use seeded::Random;

use super::talk::{self, Hello, Talk};

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    let has_pending_max = talk.random.chance(20);
    let (config, has_users) = config(talk.random, has_pending_max);
    let conns = talk.random.size(1, 4);
    for conn in 0..conns {
        connect(&mut talk, conn, has_users);
    }
    for _ in 0..talk.random.size(3, 12) {
        let conn = talk.random.size(0, conns - 1);
        match talk.random.size(0, 19) {
            0 => talk.step(Step::End { conn }),
            1 => connect(&mut talk, conn + conns, has_users),
            _ => {
                // How many of several messages are read at once is nobody's business.
                let ops = if has_pending_max { 1 } else { talk.random.size(1, 4) };
                let bytes: String = (0..ops).map(|_| op(&mut talk, has_pending_max)).collect();
                talk.send(conn, bytes);
            }
        }
    }
    talk.script(config)
}

fn connect(talk: &mut Talk<'_>, conn: usize, has_users: bool) {
    let fields = if has_users {
        let user = talk.random.pick(&["a", "b"]);
        format!("\"user\":\"{user}\",\"pass\":\"{user}\"")
    } else {
        String::new()
    };
    let is_modern = talk.random.chance(70);
    talk.connect(conn, &Hello { fields, is_modern });
}

/// The options, and whether clients have to be users of an account. `has_pending_max`: a message or two are more
/// than may wait for a reader.
fn config(random: &mut Random, has_pending_max: bool) -> (String, bool) {
    let mut text = String::new();
    let mut option = |random: &mut Random, percent, name: &str, values: &[&str]| {
        if random.chance(percent) {
            text += &format!("{name}: {}\n", random.pick(values));
        }
    };
    // As much as an INFO has to fit, and no less than a message may have (0 is the default for that).
    if has_pending_max {
        option(random, 100, "max_pending", &["1k", "1100", "1400"]);
        option(random, 100, "max_payload", &["64", "1k", "1k", "1k"]);
    } else {
        option(random, 50, "max_payload", &["16", "20", "64", "1k", "0", "1"]);
    }
    option(random, 40, "max_control_line", &["100", "256", "512", "1KB"]);
    option(random, 40, "max_subscriptions", &["1", "2", "3", "0", "-1"]);
    option(random, 30, "max_connections", &["1", "2", "3"]);
    option(random, 30, "max_sub_tokens", &["1", "2", "4"]);
    option(random, 15, "max_traced_msg_len", &["5", "1", "100"]);
    option(random, 10, "no_header_support", &["true"]);
    let has_users = random.chance(35);
    if has_users {
        let limit = |random: &mut Random, name: &str, values: &[&str]| {
            if random.chance(50) { format!("{name}: {}, ", random.pick(values)) } else { String::new() }
        };
        let limits = [
            limit(random, "max_subs", &["1", "2", "3", "-1"]),
            limit(random, "max_connections", &["1", "2", "-1"]),
            limit(random, "max_payload", &["10", "32", "-1"]),
            limit(random, "max_leafs", &["1"]),
        ];
        text += &format!(
            "accounts {{\n  A {{ users: [{{user: a, password: a}}], limits {{ {} }} }}\n  \
             B {{ users: [{{user: b, password: b}}] }}\n}}\n",
            limits.concat()
        );
    }
    (text, has_users)
}

fn op(talk: &mut Talk<'_>, has_pending_max: bool) -> String {
    if has_pending_max && talk.random.chance(40) {
        return large(talk);
    }
    match talk.random.size(0, 11) {
        0..=2 => {
            let subject = talk::subject(talk.random);
            talk.publish(&subject, None)
        }
        3 | 4 => sized(talk),
        5 => {
            let filler = "x".repeat(talk.random.pick(&[40, 90, 97, 100, 240, 500, 1000, 4090, 5000]));
            format!("SUB {filler} {}\r\n", talk.sid())
        }
        6 => {
            let filler = "y".repeat(talk.random.pick(&[40, 90, 97, 100, 240, 500, 1000, 4090, 5000]));
            talk.publish(&filler, None)
        }
        7 => format!("UNSUB {}\r\n", talk.some_sid()),
        8 => {
            let subject = talk::subject(talk.random);
            talk.hpublish(&subject, None, "NATS/1.0\r\nA: b\r\n\r\n")
        }
        9 => {
            let tokens = vec!["t"; talk.random.size(1, 6)].join(".");
            format!("SUB {tokens} grp q0_{}\r\n", talk.sid())
        }
        _ => {
            let filter = talk::filter(talk.random);
            talk.subscribe(&filter)
        }
    }
}

/// A message, or who gets it, where no more than one may wait.
fn large(talk: &mut Talk<'_>) -> String {
    match talk.random.size(0, 2) {
        0 => talk.subscribe("a"),
        _ => {
            let size = talk.random.pick(&[300, 500, 600, 1000, 1010, 1024]);
            let mut payload = talk.payload();
            payload.retain(|c| c.is_ascii());
            format!("PUB a {size}\r\n{payload:z<size$}\r\n")
        }
    }
}

/// A message near the limits.
fn sized(talk: &mut Talk<'_>) -> String {
    let filler = talk.random.pick(&[0, 1, 2, 10, 16, 17, 20, 21, 32, 33, 64, 65, 1000, 1024, 1025]);
    let mut payload = talk.payload();
    payload.extend(std::iter::repeat_n('z', filler));
    payload.truncate(filler);
    // A character cut in two would be no text.
    let payload: String = payload.chars().filter(char::is_ascii).collect();
    format!("PUB a {}\r\n{payload}\r\n", payload.len())
}
