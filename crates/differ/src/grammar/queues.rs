//! Queue groups, requests and their answers, and nobody there to answer.
//!
//! Which member gets a message is open, so what is counted is what the group gets; only a member that is alone in
//! its group has a maximum.

use crate::script::{Script, Step};
use seeded::Random;

use super::talk::{Hello, Talk};

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    let conns = talk.random.size(2, 4);
    for conn in 0..conns {
        // All read headers: else what a group gets would depend on who gets it.
        let fields = talk.random.pick(&["", "", "\"echo\":false", "\"no_responders\":false"]).to_owned();
        talk.connect(conn, &Hello { fields, is_modern: true });
        let inbox = format!("SUB _INBOX.{conn}.* {}\r\n", talk.sid());
        talk.send(conn, inbox);
    }
    if talk.random.chance(40) {
        let (conn, sid, max) = (talk.random.size(0, conns - 1), talk.sid(), talk.random.size(1, 3));
        talk.send(conn, format!("SUB u.* alone q2_{sid}\r\nUNSUB q2_{sid} {max}\r\n"));
    }
    for _ in 0..talk.random.size(4, 14) {
        let conn = talk.random.size(0, conns - 1);
        if talk.random.chance(4) {
            talk.step(Step::End { conn });
            continue;
        }
        let bytes: String = (0..talk.random.size(1, 3)).map(|_| op(&mut talk, conn)).collect();
        talk.send(conn, bytes);
    }
    talk.script("")
}

fn op(talk: &mut Talk<'_>, conn: usize) -> String {
    match talk.random.size(0, 9) {
        0..=2 => {
            let (filter, queue, group) = talk.random.pick(&GROUPS);
            format!("SUB {filter} {queue} {group}_{}\r\n", talk.sid())
        }
        3 => {
            let filter = talk.random.pick(&["s.a", "s.*", "t.b", ">"]);
            talk.subscribe(filter)
        }
        4 => {
            let sid = talk.some_sid();
            let group = talk.random.size(0, 2);
            if talk.random.chance(70) {
                format!("UNSUB q{group}_{sid}\r\n")
            } else {
                format!("UNSUB {sid}\r\n")
            }
        }
        _ => {
            let subject = talk.random.pick(&["s.a", "s.b", "t.b", "u.a", "nobody"]);
            let reply = talk.random.chance(60).then(|| {
                let to = if talk.random.chance(80) { conn } else { talk.random.size(0, 3) };
                format!("_INBOX.{to}.{}", talk.random.size(1, 3))
            });
            if talk.random.chance(25) {
                talk.hpublish(subject, reply.as_deref(), "NATS/1.0\r\nA: b\r\n\r\n")
            } else {
                talk.publish(subject, reply.as_deref())
            }
        }
    }
}

/// What members listen to, the group's name, and what their sids begin with. Those of one name are one
/// group, whatever they listen to.
const GROUPS: [(&str, &str, &str); 3] =
    [("s.*", "workers", "q0"), ("s.a", "workers", "q0"), ("t.>", "others", "q1")];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case_file::{self, Case};

    #[test]
    fn members_are_known_by_their_sids() {
        let files = (0..20).map(|case| {
            let script = script(&mut Random::new(1, case));
            case_file::print(&Case { script, ..Case::default() })
        });
        let text: String = files.collect();
        assert!(text.contains(" workers q0_") && text.contains(" others q1_"));
        assert!(text.contains(" alone q2_") && text.contains("UNSUB q2_"));
    }
}
