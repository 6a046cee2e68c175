//! What the grammars share: a script being written, and the words that clients use.

use crate::script::{Script, Step};
use seeded::Random;

/// A script being written.
pub(crate) struct Talk<'r> {
    pub(crate) random: &'r mut Random,
    steps: Vec<Step>,
    /// Of the next message.
    payload: usize,
    sid: usize,
}

/// How a client introduces itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hello {
    /// Credentials, or other fields: `"user":"a","pass":"b"`.
    pub(crate) fields: String,
    /// Never verbose, always with headers and no responders.
    pub(crate) is_modern: bool,
}

impl<'r> Talk<'r> {
    pub(crate) fn new(random: &'r mut Random) -> Self {
        Self { random, steps: Vec::new(), payload: 0, sid: 0 }
    }

    /// The script: one in four has two shards, one in three is traced.
    pub(crate) fn script(self, config: impl Into<String>) -> Script {
        let shards = if self.random.chance(25) { 2 } else { 1 };
        let trace = self.random.chance(35);
        Script { shards, trace, config: Some(config.into()), steps: self.steps }
    }

    pub(crate) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// `conn` sends, sometimes in several pieces.
    pub(crate) fn send(&mut self, conn: usize, bytes: impl Into<Vec<u8>>) {
        let pieces = if self.random.chance(15) { self.cut(bytes.into()) } else { vec![bytes.into()] };
        self.steps.push(Step::Send { conn, pieces });
    }

    /// The same to the listener for WebSockets.
    pub(crate) fn web(&mut self, conn: usize, bytes: Vec<u8>) {
        let pieces = if self.random.chance(25) { self.cut(bytes) } else { vec![bytes] };
        self.steps.push(Step::Web { conn, pieces });
    }

    fn cut(&mut self, mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        for _ in 0..self.random.size(1, 3) {
            if bytes.len() > 1 {
                let rest = bytes.split_off(self.random.size(1, bytes.len() - 1));
                pieces.push(std::mem::replace(&mut bytes, rest));
            }
        }
        pieces.push(bytes);
        pieces
    }

    /// `conn` connects.
    pub(crate) fn connect(&mut self, conn: usize, hello: &Hello) {
        let line = self.connect_line(hello);
        self.send(conn, line + "PING\r\n");
    }

    pub(crate) fn connect_line(&mut self, hello: &Hello) -> String {
        let random = &mut *self.random;
        let mut fields: Vec<String> = Vec::new();
        if hello.is_modern {
            fields
                .push("\"verbose\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1".to_owned());
        } else {
            for (name, percent) in [("verbose", 85), ("pedantic", 85), ("echo", 25), ("headers", 70)] {
                if random.chance(percent) {
                    let is_on = random.chance(if name == "headers" { 85 } else { 25 });
                    fields.push(format!("\"{name}\":{is_on}"));
                }
            }
            if fields.iter().any(|field| field == "\"headers\":true") && random.chance(60) {
                fields.push("\"no_responders\":true".to_owned());
            }
            if random.chance(70) {
                fields.push(format!("\"protocol\":{}", random.pick(&[0, 1, 1, 1])));
            }
            if random.chance(30) {
                let name = random.pick(&["app", "a b", "x\\\"y", "\\u00e9", "a\\nb"]);
                fields.push(format!("\"name\":\"{name}\",\"lang\":\"go\",\"version\":\"1.2.3\""));
            }
        }
        if !hello.fields.is_empty() {
            fields.push(hello.fields.clone());
        }
        format!("CONNECT {{{}}}\r\n", fields.join(","))
    }

    /// A payload that no other message has.
    pub(crate) fn payload(&mut self) -> String {
        self.payload += 1;
        let filler = self.random.pick(&["", "", "", " with words", "\r\n", "PING\r\n", "%s%d", "\u{e9}"]);
        format!("m{}{filler}", self.payload)
    }

    pub(crate) fn sid(&mut self) -> usize {
        self.sid += 1;
        self.sid
    }

    pub(crate) fn publish(&mut self, subject: &str, reply: Option<&str>) -> String {
        let payload = self.payload();
        let reply = reply.map(|reply| format!(" {reply}")).unwrap_or_default();
        format!("PUB {subject}{reply} {}\r\n{payload}\r\n", payload.len())
    }

    pub(crate) fn hpublish(&mut self, subject: &str, reply: Option<&str>, headers: &str) -> String {
        let payload = self.payload();
        let reply = reply.map(|reply| format!(" {reply}")).unwrap_or_default();
        let (header_len, len) = (headers.len(), headers.len() + payload.len());
        format!("HPUB {subject}{reply} {header_len} {len}\r\n{headers}{payload}\r\n")
    }

    pub(crate) fn subscribe(&mut self, filter: &str) -> String {
        format!("SUB {filter} {}\r\n", self.sid())
    }

    /// A number of a subscription that may exist.
    pub(crate) fn some_sid(&mut self) -> usize {
        self.random.size(1, self.sid.max(1) + 1)
    }
}

/// A subject of few tokens, so that they meet.
pub(crate) fn subject(random: &mut Random) -> String {
    if random.chance(6) {
        return random.pick(&STRANGE).to_owned();
    }
    let tokens: Vec<&str> = (0..random.size(1, 3)).map(|_| random.pick(&["a", "b", "c"])).collect();
    tokens.join(".")
}

/// What a subscription may be for.
pub(crate) fn filter(random: &mut Random) -> String {
    if random.chance(6) {
        return random.pick(&STRANGE).to_owned();
    }
    let mut tokens: Vec<&str> =
        (0..random.size(1, 3)).map(|_| random.pick(&["a", "b", "c", "*", "*"])).collect();
    if random.chance(25) {
        tokens.push(">");
    }
    tokens.join(".")
}

/// Subjects and filters at the edge of the grammar.
const STRANGE: [&str; 20] = [
    ">",
    "*",
    "a..b",
    ".a",
    "a.",
    ".",
    "a.>.b",
    "a*",
    "*a",
    "a.>b",
    "_INBOX.x",
    "$SYS.x",
    "$JS.API.x",
    "a.\u{e9}",
    "a\"b",
    "%s",
    "a.'b'",
    "a\\b",
    "a,b",
    "a.b.c.d.e.f.g.h",
];

/// `bytes` with one small thing wrong.
pub(crate) fn damage(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let at = random.size(0, bytes.len() - 1);
    match random.size(0, 5) {
        0 => drop(bytes.remove(at)),
        1 => bytes[at] = random.pick(b"\0\t \r\n\x1b\x7f\xffAa0.*>"),
        2 => bytes.insert(at, random.pick(b"\0\t \r\n\x1b\x7f\xffAa0.*>")),
        3 => bytes[at] ^= 0x20,
        4 => bytes.insert(at, bytes[at]),
        _ => bytes.truncate(at + 1),
    }
    bytes
}

/// The same bytes with another case, other blanks and other line ends.
pub(crate) fn restyle(random: &mut Random, line: &str) -> String {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let verb = match random.size(0, 3) {
        0 => verb.to_lowercase(),
        1 => verb
            .chars()
            .enumerate()
            .map(|(i, c)| if i % 2 == 0 { c.to_ascii_lowercase() } else { c })
            .collect(),
        _ => verb.to_owned(),
    };
    let blank = random.pick(&[" ", "  ", "\t", " \t "]);
    if rest.is_empty() { verb } else { format!("{verb}{blank}{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_loses_nothing() {
        let mut random = Random::new(1, 1);
        let mut talk = Talk::new(&mut random);
        for len in 0..50_u8 {
            let bytes: Vec<u8> = (0..len).collect();
            let pieces = talk.cut(bytes.clone());
            assert_eq!(pieces.concat(), bytes);
            assert!(len < 2 || pieces.len() > 1);
        }
    }

    #[test]
    fn no_two_payloads_are_alike() {
        let mut random = Random::new(1, 1);
        let mut talk = Talk::new(&mut random);
        let one = talk.publish("a", None);
        assert!(one.starts_with("PUB a ") && one != talk.publish("a", None));
    }
}
