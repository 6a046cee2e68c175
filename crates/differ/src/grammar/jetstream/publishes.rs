//! What is published to streams, with what the publisher expects of them.

use super::Scene;

impl Scene<'_> {
    pub(super) fn publish(&mut self) {
        let subject = self.subject();
        let reply = if self.is_silent { "_A.p".to_owned() } else { self.reply() };
        let headers = self.headers();
        let message = match headers {
            None => self.talk.publish(&subject, Some(&reply)),
            Some(headers) => self.talk.hpublish(&subject, Some(&reply), &headers),
        };
        self.say(self.asker, message);
    }

    fn headers(&mut self) -> Option<String> {
        let random = &mut *self.talk.random;
        if self.is_kv {
            return match random.size(0, 7) {
                0 => Some(block(&[("KV-Operation", "DEL".into())])),
                1 => Some(block(&[("KV-Operation", "PURGE".into()), ("Nats-Rollup", "sub".into())])),
                2 | 3 => {
                    let last = random.size(0, 5).to_string();
                    Some(block(&[("Nats-Expected-Last-Subject-Sequence", last)]))
                }
                4 => Some(block(&[("Nats-TTL", "1h".into())])),
                _ => None,
            };
        }
        if random.chance(55) {
            return None;
        }
        let mut fields = Vec::new();
        for (name, values) in HEADERS {
            if random.chance(12) {
                fields.push((*name, random.pick(values).to_owned()));
            }
        }
        if fields.is_empty() {
            fields.push(("Nats-Msg-Id", random.pick(&["i1", "i2"]).to_owned()));
        }
        Some(block(&fields))
    }
}

fn block(fields: &[(&str, String)]) -> String {
    let lines: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("NATS/1.0\r\n{lines}\r\n")
}

const HEADERS: &[(&str, &[&str])] = &[
    ("Nats-Msg-Id", &["i1", "i2", "i3", ""]),
    ("Nats-Expected-Stream", &["A", "A", "B", "x"]),
    ("Nats-Expected-Last-Sequence", &["0", "1", "2", "3", "4", "x"]),
    ("Nats-Expected-Last-Msg-Id", &["i1", "i2", ""]),
    ("Nats-Expected-Last-Subject-Sequence", &["0", "1", "2", "3", "x"]),
    ("Nats-Expected-Last-Subject-Sequence-Subject", &["a.x", "a.>", "a.y", "a..b"]),
    ("Nats-Rollup", &["sub", "all", "x"]),
    ("Nats-TTL", &["1h", "3600", "never", "500ms", "x", "0"]),
    ("X", &["y", " z ", ""]),
];
