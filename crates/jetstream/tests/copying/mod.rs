//! A client that takes snapshots and sends them.

use crate::rig::{Conn, Rig};

/// Something that a client was sent.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) subject: String,
    pub(crate) reply: Option<String>,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

/// What a client was sent, but for words of the protocol.
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(at) = bytes.windows(2).position(|two| two == b"\r\n") {
        let line = String::from_utf8_lossy(&bytes[..at]).into_owned();
        bytes = &bytes[at + 2..];
        let words: Vec<&str> = line.split(' ').collect();
        let numbers = match words[0] {
            "MSG" => 1,
            "HMSG" => 2,
            _ => continue,
        };
        let number = |back: usize| words[words.len() - back].parse::<usize>().expect("a length");
        let (len, head) = (number(1), if numbers == 2 { number(2) } else { 0 });
        let has_reply = words.len() == 4 + numbers;
        let (body, rest) = bytes.split_at(len);
        bytes = &rest[2..];
        frames.push(Frame {
            subject: words[1].to_owned(),
            reply: has_reply.then(|| words[3].to_owned()),
            header: body[..head].to_vec(),
            payload: body[head..].to_vec(),
        });
    }
    frames
}

/// A snapshot that is being taken.
pub(crate) struct Copying {
    client: Conn,
    acks: Vec<String>,
    pub(crate) bytes: Vec<u8>,
    /// The header of the last message.
    pub(crate) end: Vec<u8>,
    pub(crate) is_over: bool,
    pub(crate) answer: String,
}

impl Copying {
    pub(crate) fn begin(rig: &mut Rig, client: Conn, stream: &str, more: &str) -> Self {
        rig.shards.feed(client, "SUB snap 9\r\n");
        let body = format!(r#"{{"deliver_subject":"snap"{more}}}"#);
        let request = format!("PUB $JS.API.STREAM.SNAPSHOT.{stream} r.s {}\r\n{body}\r\n", body.len());
        rig.shards.feed(client, &request);
        rig.settle();
        let (acks, bytes) = (Vec::new(), Vec::new());
        let mut copying =
            Self { client, acks, bytes, end: Vec::new(), is_over: false, answer: String::new() };
        // Somebody is seen to listen a little later.
        rig.wait(25);
        copying.look(rig);
        copying
    }

    fn look(&mut self, rig: &mut Rig) {
        let sent = rig.shards.output_bytes(self.client);
        for frame in frames(&sent) {
            match &*frame.subject {
                "r.s" => self.answer = String::from_utf8(frame.payload).expect("JSON"),
                "snap" if frame.payload.is_empty() => (self.end, self.is_over) = (frame.header, true),
                "snap" => {
                    self.bytes.extend(frame.payload);
                    self.acks.extend(frame.reply);
                }
                _ => {}
            }
        }
    }

    /// Acknowledges what came.
    pub(crate) fn acknowledge(&mut self, rig: &mut Rig) {
        for ack in std::mem::take(&mut self.acks) {
            rig.shards.feed(self.client, &format!("PUB {ack} 0\r\n\r\n"));
        }
        rig.settle();
    }

    /// The same, and waits for more. Says whether there is.
    pub(crate) fn step(&mut self, rig: &mut Rig) -> bool {
        let had = self.bytes.len();
        self.acknowledge(rig);
        self.look(rig);
        assert!(self.is_over || self.bytes.len() > had, "it stands still: {}", self.answer);
        !self.is_over
    }
}

/// A whole snapshot: the answer, the archive, and the header of what it ends with.
pub(crate) fn snapshot(rig: &mut Rig, client: Conn, stream: &str, more: &str) -> (String, Vec<u8>, Vec<u8>) {
    let mut copying = Copying::begin(rig, client, stream, more);
    while !copying.is_over {
        copying.step(rig);
    }
    rig.say(client, "UNSUB 9\r\n");
    (copying.answer, copying.bytes, copying.end)
}

/// Where the parts go.
pub(crate) fn begin_restore(rig: &mut Rig, client: Conn, stream: &str, request: &str) -> String {
    let answer = rig.ask(client, &format!("STREAM.RESTORE.{stream}"), request);
    let (_, rest) = answer.split_once(r#""deliver_subject":""#).expect(&answer);
    rest.split_once('"').expect("texts end").0.to_owned()
}

/// What a part is answered, if it is.
pub(crate) fn send_part(rig: &mut Rig, client: Conn, to: &str, part: &[u8]) -> Option<Vec<u8>> {
    let line = format!("PUB {to} r.r {}\r\n", part.len());
    rig.shards.feed_bytes(client, &[line.as_bytes(), part, b"\r\n"].concat());
    rig.settle();
    let sent = rig.shards.output_bytes(client);
    frames(&sent).into_iter().find(|frame| frame.subject == "r.r").map(|frame| frame.payload)
}

/// Makes a stream of an archive, sent in parts of that size. Returns the answer.
pub(crate) fn restore(
    rig: &mut Rig,
    client: Conn,
    stream: &str,
    request: &str,
    bytes: &[u8],
    part_bytes: usize,
) -> String {
    let to = begin_restore(rig, client, stream, request);
    for part in bytes.chunks(part_bytes).chain([&[][..]]) {
        match send_part(rig, client, &to, part) {
            Some(answer) if answer.is_empty() => {}
            Some(answer) => return String::from_utf8(answer).expect("JSON"),
            None => panic!("a part of {} bytes is not answered", part.len()),
        }
    }
    panic!("the end is answered with nothing")
}
