//! Another configuration, good or bad, while clients are there.

use crate::script::{Script, Step};
use seeded::Random;

use super::talk::{Hello, Talk};
use super::{mappings, permissions};

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    let mut file = File::new(talk.random);
    let config = file.text();
    let conns = talk.random.size(1, 3);
    for conn in 0..conns {
        match file.who {
            Who::Users(_) => permissions::login(&mut talk, conn),
            Who::Anyone => talk.connect(conn, &Hello { is_modern: true, ..Hello::default() }),
        }
        let bytes: String = (0..talk.random.size(1, 4)).map(|_| permissions::op(&mut talk)).collect();
        talk.send(conn, bytes);
    }
    for _ in 0..talk.random.size(1, 3) {
        file.change(talk.random);
        let mut config = file.text();
        if talk.random.chance(12) {
            config += talk.random.pick(&WRONG);
        }
        talk.step(Step::Reload { config });
        for _ in 0..talk.random.size(1, 3) {
            let conn = talk.random.size(0, conns - 1);
            let bytes: String = (0..talk.random.size(1, 3)).map(|_| permissions::op(&mut talk)).collect();
            talk.send(conn, bytes);
        }
    }
    talk.script(config)
}

/// Who may come. There is no single user of `authorization`: nats-server closes its connections at most
/// reloads (docs/differences.md).
enum Who {
    Anyone,
    Users(String),
}

struct File {
    who: Who,
    options: Vec<(&'static str, &'static str)>,
    mappings: String,
}

impl File {
    fn new(random: &mut Random) -> Self {
        let who = match random.size(0, 5) {
            0..=2 => Who::Anyone,
            _ => Who::Users(permissions::users(random)),
        };
        let mappings = if random.chance(20) { mappings::config(random) } else { String::new() };
        Self { who, options: options(random), mappings }
    }

    fn change(&mut self, random: &mut Random) {
        match random.size(0, 6) {
            0 => self.options = options(random),
            1 => self.options.extend(options(random).into_iter().next()),
            2 => {
                self.mappings =
                    if self.mappings.is_empty() { mappings::config(random) } else { String::new() }
            }
            3 => *self = Self::new(random),
            _ => {
                if let Who::Users(_) = self.who {
                    self.who = Who::Users(permissions::users(random));
                } else {
                    self.options = options(random);
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        self.options.retain(|(name, _)| seen.insert(*name));
    }

    fn text(&self) -> String {
        let options: String = self.options.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let who = match &self.who {
            Who::Anyone => "",
            Who::Users(text) => text,
        };
        options + who + &self.mappings
    }
}

fn options(random: &mut Random) -> Vec<(&'static str, &'static str)> {
    let chosen = random.some_of(12, &OPTIONS);
    chosen.into_iter().map(|(name, values)| (name, random.pick(values))).collect()
}

/// Those that may change while the server runs, and some that may not.
const OPTIONS: [(&str, &[&str]); 23] = [
    ("max_payload", &["1k", "2k", "1mb"]),
    ("max_control_line", &["1k", "2k"]),
    // Never fewer than there are: which of them nats-server closes is luck.
    ("max_connections", &["10", "20"]),
    ("max_pending", &["10mb", "20mb"]),
    ("max_subscriptions", &["10", "20"]),
    ("max_sub_tokens", &["3", "4"]),
    ("max_traced_msg_len", &["10", "20"]),
    ("ping_interval", &["\"1m\"", "\"3m\""]),
    ("ping_max", &["3", "4"]),
    ("write_deadline", &["\"3s\"", "\"4s\""]),
    ("lame_duck_duration", &["\"40s\"", "\"50s\""]),
    ("lame_duck_grace_period", &["\"5s\"", "\"6s\""]),
    ("logtime", &["true", "true"]),
    ("connect_error_reports", &["10", "20"]),
    ("reconnect_error_reports", &["10", "20"]),
    ("no_header_support", &["true", "false"]),
    ("no_fast_producer_stall", &["true", "false"]),
    ("disable_sublist_cache", &["true", "false"]),
    ("server_name", &["one", "two"]),
    ("server_tags", &["[\"a:b\"]", "[c, d]"]),
    ("client_advertise", &["\"h:1\"", "\"h:2\""]),
    ("http_base_path", &["\"/x\"", "\"/y\""]),
    ("max_closed_clients", &["10", "20"]),
];

const WRONG: [&str; 10] = [
    "bogus: 1\n",
    "max_payload: x\n",
    "authorization {\n",
    "a b c\n",
    "max_connections: \"x\"\n",
    "no_auth_user: nobody\n",
    "mappings { \"a.*\": \"b.{{wildcard(2)}}\" }\n",
    "include \"nothing.conf\"\n",
    "x: $NOWHERE\n",
    "}\n",
];
