//! Streams and consumers: the API, publishes with expectations, pulls, pushes and acknowledgements, and key-value uses.
//!
//! Nothing here hangs on a clock: what has a time has one that does not come while a script is played. A step says one
//! thing, since what is told of a delivery counts what came meanwhile.

mod body;
mod consumers;
mod publishes;
mod streams;

use crate::js_waits::ANSWERED;
use crate::script::{Script, Step};
use seeded::Random;

use super::talk::{self, Hello, Talk};

/// Streams.
const STREAMS: [&str; 2] = ["A", "B"];

/// Consumers of each.
const CONSUMERS: [&str; 3] = ["c0", "c1", "c2"];

pub(crate) fn script(random: &mut Random) -> Script {
    let talk = Talk::new(random);
    let (is_kv, is_silent) = (talk.random.chance(20), talk.random.chance(4));
    let counts = !is_kv && talk.random.chance(15);
    let mut scene = Scene { talk, asker: 0, taker: 1, replies: 0, is_kv, counts, is_silent };
    scene.come_in();
    scene.set_up();
    for _ in 0..scene.talk.random.size(4, 16) {
        scene.act();
    }
    if scene.talk.random.chance(15) {
        scene.restart();
        for _ in 0..scene.talk.random.size(3, 8) {
            scene.act();
        }
    }
    scene.talk.script("jetstream { max_mem_store: 64MB, max_file_store: 256MB }\n")
}

/// A conversation about streams.
struct Scene<'r> {
    talk: Talk<'r>,
    /// Who asks and publishes.
    asker: usize,
    /// Who gets what consumers deliver.
    taker: usize,
    replies: usize,
    /// The streams are key-value buckets.
    is_kv: bool,
    /// The streams are counters, mostly.
    counts: bool,
    /// The streams are told to acknowledge nothing.
    is_silent: bool,
}

impl Scene<'_> {
    fn come_in(&mut self) {
        let modern = Hello { is_modern: true, ..Hello::default() };
        self.talk.connect(self.asker, &modern);
        self.say(self.asker, "SUB _R.> jr_1\r\nSUB _A.> ja_1\r\n");
        self.talk.connect(self.taker, &modern);
        let mut subs = String::new();
        for stream in STREAMS {
            for consumer in CONSUMERS {
                subs += &format!("SUB _D.{stream}.{consumer} j{stream}{consumer}_{}\r\n", self.talk.sid());
            }
        }
        if self.talk.random.chance(20) {
            subs += "SUB $JS.EVENT.> jxe_1\r\n";
        }
        if self.talk.random.chance(20) {
            subs += "SUB rep.> jrep_1\r\n";
        }
        self.say(self.taker, subs);
    }

    fn restart(&mut self) {
        self.talk.step(Step::Restart);
        (self.asker, self.taker) = (self.asker + 2, self.taker + 2);
        self.come_in();
    }

    /// Streams with a few messages in them, and perhaps a consumer.
    fn set_up(&mut self) {
        for stream in STREAMS.into_iter().take(self.talk.random.size(1, 2)) {
            self.create_stream(stream);
            for _ in 0..self.talk.random.size(0, 5) {
                self.publish();
            }
            if self.talk.random.chance(60) {
                self.create_consumer();
            }
        }
    }

    fn act(&mut self) {
        match self.talk.random.size(0, 19) {
            0 => self.about_streams(),
            1 => self.update_stream(),
            2 => self.purge(),
            3 => self.get_message(),
            4 => self.get_directly(),
            5 => self.delete_message(),
            6 | 7 => self.create_consumer(),
            8 => self.about_consumers(),
            9..=11 => self.pull(),
            12..=14 => self.acknowledge(),
            _ => self.publish(),
        }
    }

    /// Asks the API something that it answers.
    fn ask(&mut self, api: &str, body: &str) {
        let reply = self.reply();
        let body = self.spoilt(body);
        let len = body.len();
        self.say(
            self.asker,
            [format!("PUB $JS.API.{api} {reply} {len}\r\n").as_bytes(), &body, b"\r\n"].concat(),
        );
    }

    /// Rarely something is wrong with it.
    fn spoilt(&mut self, body: &str) -> Vec<u8> {
        let random = &mut *self.talk.random;
        match random.size(0, 59) {
            0 => talk::damage(random, body.as_bytes().to_vec()),
            1 => random.pick(&["", "{}", "null", "[]", "x", "{\"bogus\":1}", "\"a\"", "1"]).into(),
            _ => body.into(),
        }
    }

    /// In one piece: what is cut is for other grammars.
    fn say(&mut self, conn: usize, bytes: impl Into<Vec<u8>>) {
        self.talk.step(Step::send(conn, bytes));
    }

    fn reply(&mut self) -> String {
        self.replies += 1;
        format!("{ANSWERED}{}", self.replies)
    }

    /// The name of a stream, mostly of one that may be there.
    fn stream(&mut self) -> &'static str {
        self.talk.random.pick(&["A", "A", "A", "A", "A", "A", "B", "B", "B", "none"])
    }

    fn consumer(&mut self) -> &'static str {
        self.talk.random.pick(&["c0", "c0", "c0", "c1", "c1", "c2", "none"])
    }

    /// A subject that some stream may take.
    fn subject(&mut self) -> String {
        let random = &mut *self.talk.random;
        if self.is_kv {
            let bucket = random.pick(&["A", "A", "B"]);
            return format!("$KV.{bucket}.{}", random.pick(&["k", "k", "l", "m.n"]));
        }
        random.pick(&["a.x", "a.x", "a.x", "a.y", "a.y", "a.x.z", "b.x", "b.y", "c", "none.x"]).to_owned()
    }

    fn filter(&mut self) -> String {
        if self.is_kv && self.talk.random.chance(80) {
            return self.talk.random.pick(&["$KV.A.>", "$KV.A.k", "$KV.A.*", "$KV.B.>"]).to_owned();
        }
        let filters =
            ["a.x", "a.x", "a.*", "a.>", "a.y", ">", "*.x", "a.x.*", "b.*", "b.x", "none", "a..b", "a.>.b"];
        self.talk.random.pick(&filters).to_owned()
    }

    fn sequence(&mut self) -> u64 {
        let random = &mut *self.talk.random;
        if random.chance(90) { random.between(1, 7) } else { random.pick(&[0, 10, 1000, 1 << 40]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case_file::{self, Case};

    #[test]
    fn all_that_can_be_asked_is() {
        let files = (0..200).map(|case| {
            let script = script(&mut Random::new(1, case));
            case_file::print(&Case { script, ..Case::default() })
        });
        let text: String = files.collect();
        for words in [
            "STREAM.CREATE.A",
            "STREAM.UPDATE.A",
            "STREAM.DELETE.",
            "STREAM.INFO.",
            "STREAM.NAMES",
            "STREAM.LIST",
            "STREAM.PURGE.",
            "STREAM.MSG.GET.",
            "STREAM.MSG.DELETE.",
            "DIRECT.GET.A",
            "CONSUMER.CREATE.A.c0",
            "CONSUMER.DURABLE.CREATE.A.c0",
            "CONSUMER.INFO.",
            "CONSUMER.LIST.",
            "CONSUMER.NAMES.",
            "CONSUMER.DELETE.",
            "CONSUMER.PAUSE.",
            "CONSUMER.RESET.",
            "CONSUMER.MSG.NEXT.",
            "$JS.ACK.A.c0.",
            "$KV.A.k",
            "Nats-Expected-Last-Sequence",
            "Nats-Rollup",
            "allow_msg_counter",
            "allow_msg_schedules",
            "Nats-Schedule: @every 9h",
            "Nats-Schedule-Next: purge",
            "Nats-Incr: +2",
        ] {
            assert!(text.contains(words), "nobody says {words}");
        }
    }
}
