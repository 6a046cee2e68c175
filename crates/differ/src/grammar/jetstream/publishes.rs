//! What is published to streams, with what the publisher expects of them.

use super::Scene;

impl Scene<'_> {
    pub(super) fn publish(&mut self) {
        let subject = self.subject();
        let reply = if self.is_silent { "_A.p".to_owned() } else { self.reply() };
        if self.counts && self.talk.random.chance(90) {
            let add = self.increment(&subject, &reply);
            return self.say(self.asker, add);
        }
        let headers = if self.talk.random.chance(12) { Some(self.schedule()) } else { self.headers() };
        let message = match headers {
            None => self.talk.publish(&subject, Some(&reply)),
            Some(headers) => self.talk.hpublish(&subject, Some(&reply), &headers),
        };
        self.say(self.asker, message);
    }

    /// Nothing but a header, mostly with nothing else in it.
    fn increment(&mut self, subject: &str, reply: &str) -> String {
        let random = &mut *self.talk.random;
        let mut fields = vec![("Nats-Incr", random.pick(&INCREMENTS).to_owned())];
        for (name, values) in HEADERS {
            if random.chance(3) {
                fields.push((*name, random.pick(values).to_owned()));
            }
        }
        let headers = block(&fields);
        format!("HPUB {subject} {reply} {0} {0}\r\n{headers}\r\n", headers.len())
    }

    /// A schedule for a time that does not come, or a word about one: mostly a good one.
    fn schedule(&mut self) -> String {
        let random = &mut *self.talk.random;
        let about = if random.chance(25) { SCHEDULE_ENDS } else { SCHEDULE };
        let mut fields = Vec::new();
        for (name, percent, values) in about {
            if random.chance(*percent) {
                // Mostly the first one, which is good.
                let good = values[0].to_owned();
                fields.push((*name, if random.chance(70) { good } else { random.pick(values).to_owned() }));
            }
        }
        block(&fields)
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
    ("Nats-Incr", &["1", "x", ""]),
    ("Nats-Counter-Sources", &["{\"A\":{\"a.x\":\"4\"}}", "x", ""]),
    ("X", &["y", " z ", ""]),
];

const SCHEDULE: &[(&str, u64, &[&str])] = &[
    (
        "Nats-Schedule",
        95,
        &[
            "@every 9h",
            "@at 2100-01-01T00:00:00Z",
            "0 0 0 1 1 *",
            "@yearly",
            "@every 1ms",
            "60 * * * * *",
            "@",
            "",
        ],
    ),
    ("Nats-Schedule-Target", 95, &["a.y", "a.x", "b.x", "none.x", "a.*", ""]),
    ("Nats-Schedule-Time-Zone", 10, &["Europe/Paris", "UTC", "utc", "Nowhere/City", ""]),
    ("Nats-Schedule-Source", 15, &["a.z", "a.y", "a.x", "c", "a.*", ""]),
    ("Nats-Schedule-TTL", 15, &["1h", "never", "1ms", "x", ""]),
    ("Nats-Schedule-Rollup", 15, &["sub", "all", "SUB", ""]),
    ("Nats-Rollup", 10, &["sub", "SUB", "all"]),
    ("Nats-Msg-Id", 10, &["i1", "i2"]),
];

const SCHEDULE_ENDS: &[(&str, u64, &[&str])] = &[
    ("Nats-Scheduler", 90, &["a.x", "a.y", "b.x", "a.*", ""]),
    ("Nats-Schedule-Next", 90, &["purge", "2100-01-01T00:00:00Z", "x", ""]),
];

const INCREMENTS: [&str; 10] =
    ["1", "1", "+2", "+2", "-3", "0", "-0", "007", "99999999999999999999999999", "1e3"];
