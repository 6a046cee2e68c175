//! Clients over WebSocket: requests that are granted and refused, frames that carry the protocol, and their end.
//!
//! nats-server closes a connection with a bad frame as it is, with what waits for it or without, as luck has it. So a
//! mistake stands in a step of its own, when nothing waits.

use std::fmt::Write as _;

use flate2::{Compress, Compression, FlushCompress};

use crate::script::{Script, Step};
use crate::web_frames::frame;
use seeded::Random;

use super::talk::{self, Hello, Talk};

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    let web = Listener::draw(talk.random);
    let config = web.config();
    let conns = talk.random.size(1, 3);
    let mut open: Vec<Option<Agreed>> = Vec::new();
    for conn in 0..conns {
        open.push(web.come_in(&mut talk, conn));
    }
    // One of the other listener, who hears the others and is heard.
    let plain = conns;
    talk.connect(plain, &Hello { is_modern: true, ..Hello::default() });
    for _ in 0..talk.random.size(3, 10) {
        let conn = talk.random.size(0, plain);
        if conn == plain {
            let text = op(&mut talk);
            talk.send(plain, text);
            continue;
        }
        let Some(agreed) = open[conn] else { continue };
        if talk.random.chance(15) {
            open[conn] = None;
            let bytes = end(&mut talk, agreed);
            talk.step(Step::Web { conn, pieces: vec![bytes] });
            continue;
        }
        let text: String = (0..talk.random.size(1, 3)).map(|_| op(&mut talk)).collect();
        let bytes = framed(talk.random, agreed, text.as_bytes());
        talk.web(conn, bytes);
    }
    talk.script(config)
}

/// What two sides agreed on.
#[derive(Debug, Clone, Copy)]
struct Agreed {
    compression: bool,
}

/// What the listener for WebSockets is like.
#[derive(Debug)]
struct Listener {
    compression: bool,
    same_origin: bool,
    origins: Vec<&'static str>,
    headers: bool,
    has_users: bool,
}

impl Listener {
    fn draw(random: &mut Random) -> Self {
        Self {
            compression: random.chance(50),
            same_origin: random.chance(25),
            origins: if random.chance(25) {
                random.some_of(60, &["http://h", "https://x:81"])
            } else {
                Vec::new()
            },
            headers: random.chance(20),
            has_users: random.chance(20),
        }
    }

    fn config(&self) -> String {
        let mut block = "websocket {\n  listen: \"127.0.0.1:-1\"\n  no_tls: true\n".to_owned();
        if self.compression {
            block += "  compression: true\n";
        }
        if self.same_origin {
            block += "  same_origin: true\n";
        }
        if !self.origins.is_empty() {
            let _ = writeln!(block, "  allowed_origins: {:?}", self.origins);
        }
        if self.headers {
            block += "  headers { X-A: b }\n";
        }
        if self.has_users {
            block += "  user_cookie: u\n  pass_cookie: p\n  no_auth_user: a\n";
        }
        block += "}\n";
        if self.has_users {
            block += "no_auth_user: a\nauthorization { users: [\n  {user: a, password: a}\n  {user: b, password: b}\n] }\n";
        }
        block
    }

    /// A connection asks, until it is granted or gives up.
    fn come_in(&self, talk: &mut Talk<'_>, conn: usize) -> Option<Agreed> {
        for _ in 0..talk.random.size(0, 2) {
            if talk.random.chance(40) {
                let request = self.refused(talk.random);
                talk.web(conn, request);
            }
        }
        let asks = talk.random.chance(50);
        let mut request = request(talk.random, "GET", "/");
        self.add_headers(talk.random, asks, &mut request);
        let is_granted = !talk.random.chance(8);
        if !is_granted {
            // What comes too soon ends it.
            request.extend(b"\r\n");
            request.extend(frame(0x82, b"PING\r\n"));
            talk.step(Step::Web { conn, pieces: vec![request] });
            return None;
        }
        talk.web(conn, [&request[..], b"\r\n"].concat());
        let is_modern = talk.random.chance(70);
        let hello = talk.connect_line(&Hello { is_modern, ..Hello::default() });
        let agreed = Agreed { compression: asks && self.compression };
        let bytes = framed(talk.random, agreed, hello.as_bytes());
        talk.web(conn, bytes);
        Some(agreed)
    }

    fn add_headers(&self, random: &mut Random, asks_for_compression: bool, request: &mut Vec<u8>) {
        let mut add = |line: &str| request.extend(format!("{line}\r\n").bytes());
        if asks_for_compression {
            add(random.pick(&[
                "Sec-WebSocket-Extensions: permessage-deflate",
                "sec-websocket-extensions: x, permessage-deflate; client_max_window_bits",
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
            ]));
        }
        if random.chance(20) {
            add(random
                .pick(&["User-Agent: Mozilla/5.0", "User-Agent: Mozilla/5.0 Version/18.0 Safari/605.1"]));
        }
        if random.chance(15) {
            add("X-Forwarded-For: 1.2.3.4");
        }
        if self.has_users && random.chance(50) {
            add(random.pick(&["Cookie: u=b; p=b", "Cookie: u=b", "Cookie: x=y; u=\"a\"; p=a"]));
        }
        if random.chance(10) {
            // It is the page's, or allowed; or nobody asks.
            let origin =
                if self.same_origin || !self.origins.is_empty() { "http://h" } else { "https://other" };
            if self.origins.is_empty() || self.origins.contains(&origin) {
                add(&format!("Origin: {origin}"));
            }
        }
    }

    /// A request that does not become a WebSocket.
    fn refused(&self, random: &mut Random) -> Vec<u8> {
        if (self.same_origin || !self.origins.is_empty()) && random.chance(40) {
            let mut bytes = request(random, "GET", "/");
            let origin = random.pick(&[
                "null",
                "http://other",
                "https://x",
                "http://h:1:2",
                "http://[::1",
                "x",
                "http://h%41",
                "ftp://h",
            ]);
            bytes.extend(format!("Origin: {origin}\r\n\r\n").bytes());
            return bytes;
        }
        random.pick(&REFUSED).replace("KEY", "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==").into_bytes()
    }
}

/// The start of a request that is as it should be, or looks so.
fn request(random: &mut Random, method: &str, path: &str) -> Vec<u8> {
    let path = random.pick(&[path, path, "/x", "/?a=b", "/a/leaf"]);
    let host = random.pick(&["h", "h", "h:80", "H"]);
    let upgrade = random.pick(&["websocket", "WebSocket", "x, websocket"]);
    let connection = random.pick(&["Upgrade", "upgrade", "keep-alive, Upgrade"]);
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: {upgrade}\r\nConnection: {connection}\r\n\
         Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n"
    )
    .into_bytes()
}

/// Each of them is refused, and another may follow where it does not end the connection.
const REFUSED: [&str; 22] = [
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: x\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: x close\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h i\r\n\r\n",
    "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
    "FOO\r\n\r\n",
    "PING\r\n",
    "GET //a HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nKEY\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: Upgrade\r\nKEY\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: x\r\nKEY\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nKEY\r\nSec-WebSocket-Version: 12\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nKEY\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nKEY\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
];

fn op(talk: &mut Talk<'_>) -> String {
    match talk.random.size(0, 9) {
        0..=3 => {
            let subject = talk::subject(talk.random);
            talk.publish(&subject, None)
        }
        4..=6 => {
            let filter = talk::filter(talk.random);
            talk.subscribe(&filter)
        }
        7 => format!("UNSUB {}\r\n", talk.some_sid()),
        8 => {
            let filler = "y".repeat(talk.random.pick(&[100, 600, 4096, 5000, 70_000]));
            let payload = talk.payload() + &filler;
            format!("PUB a {}\r\n{payload}\r\n", payload.len())
        }
        _ => "PING\r\n".to_owned(),
    }
}

/// Text as messages, whole and in parts, compressed and not, with control frames in between.
fn framed(random: &mut Random, agreed: Agreed, text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let len = if random.chance(60) { rest.len() } else { random.size(1, rest.len()) };
        let (message, later) = rest.split_at(len);
        let is_compressed = agreed.compression && random.chance(50);
        push_message(random, is_compressed, message, &mut bytes);
        rest = later;
    }
    bytes
}

fn push_message(random: &mut Random, is_compressed: bool, message: &[u8], into: &mut Vec<u8>) {
    let message = if is_compressed { deflated(message) } else { message.to_vec() };
    let mut rest = &message[..];
    let frames = if random.chance(70) { 1 } else { random.size(2, 4) };
    for number in 1..=frames {
        let is_last = number == frames;
        let (payload, later) = rest.split_at(if is_last { rest.len() } else { random.size(0, rest.len()) });
        let opcode = if number == 1 { random.pick(&[1, 2]) } else { 0 };
        let bits = u8::from(is_last) << 7 | u8::from(is_compressed && number == 1) << 6;
        into.extend(frame(bits | opcode, payload));
        rest = later;
        if random.chance(10) {
            let payload = random.pick(&["", "?", "some text"]);
            into.extend(frame(random.pick(&[0x89, 0x8a]), payload.as_bytes()));
        }
    }
}

fn deflated(text: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(text.len() + 1024);
    let mut compress = Compress::new(Compression::fast(), false);
    compress.compress_vec(text, &mut message, FlushCompress::Sync).expect("anything can be compressed");
    message.truncate(message.len() - 4);
    message
}

/// How a connection ends: with a close, or with a mistake.
fn end(talk: &mut Talk<'_>, agreed: Agreed) -> Vec<u8> {
    let random = &mut *talk.random;
    match random.size(0, 9) {
        0..=3 => {
            let status = random
                .pick(&[1000_u16, 1001, 1003, 1007, 1011, 3000, 4999, 1004, 1005, 1015, 999, 5000, 2000]);
            let reason = random.pick(&[&b""[..], b"bye", b"\xff", &[b'r'; 123]]);
            frame(0x88, &[&status.to_be_bytes()[..], reason].concat())
        }
        4 => frame(0x88, random.pick(&[&b""[..], b"\x03"])),
        5 if agreed.compression => {
            let message = random.pick(&[&b"\xff\xff\xff"[..], b"", b"\x07"]);
            frame(0xc2, message)
        }
        5 | 6 => frame(
            0x82,
            random.pick(&["FOO 1\r\n", "PUB a x\r\n", "PUB a 1\r\nxyz\r\n", "SUB a\r\n"]).as_bytes(),
        ),
        7 => frame(
            0x82,
            random
                .pick(&["PUB a 2000000\r\n", "CONNECT {\"no_responders\":true,\"headers\":false}\r\n"])
                .as_bytes(),
        ),
        _ => random.pick(&BAD_FRAMES).to_vec(),
    }
}

/// Each of them is against the protocol, whatever came before. The mask is zeros where there is one.
const BAD_FRAMES: [&[u8]; 12] = [
    b"\x82\x06PING\r\n",
    b"\xa2\x80\0\0\0\0",
    b"\x92\x80\0\0\0\0",
    b"\x83\x80\0\0\0\0",
    b"\x8b\x80\0\0\0\0",
    b"\x80\x80\0\0\0\0",
    b"\x09\x80\0\0\0\0",
    b"\x89\xfe\x01\0",
    b"\xc9\x80\0\0\0\0",
    b"\xc0\x80\0\0\0\0",
    b"\x82\xff\x80\0\0\0\0\0\0\0",
    b"\x02\x81\0\0\0\0\r\x82\x80\0\0\0\0",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web_frames::{Frames, Part};

    #[test]
    fn frames_carry_the_text_however_they_are_cut() {
        let mut random = Random::new(1, 1);
        for number in 0..200 {
            let text = format!("PING {number}\r\n").repeat(1 + number % 7);
            let bytes = framed(&mut random, Agreed { compression: number % 2 == 0 }, text.as_bytes());
            let parts = Frames::default().take(&bytes);
            let said = parts.iter().filter_map(|part| match part {
                Part::Text(text) => Some(&text[..]),
                Part::Control(_) => None,
                Part::Broken => panic!("{}", bytes.escape_ascii()),
            });
            assert_eq!(said.collect::<Vec<_>>().concat(), text.as_bytes());
        }
    }

    #[test]
    fn requests_are_granted_and_refused() {
        let scripts: Vec<Script> = (0..60).map(|case| script(&mut Random::new(1, case))).collect();
        let said: Vec<Vec<u8>> = scripts
            .iter()
            .flat_map(|script| &script.steps)
            .filter_map(|step| match step {
                Step::Web { pieces, .. } => Some(pieces.concat()),
                _ => None,
            })
            .collect();
        let says =
            |part: &[u8]| said.iter().any(|bytes| bytes.windows(part.len()).any(|window| window == part));
        assert!(says(b"permessage-deflate") && says(b"Origin: ") && says(b"Cookie: "));
        assert!(BAD_FRAMES.iter().filter(|bad| says(bad)).count() > 3);
        assert!(REFUSED.iter().filter(|bad| says(bad.as_bytes())).count() > 3);
    }
}
