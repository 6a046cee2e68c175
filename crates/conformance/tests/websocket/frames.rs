//! Frames, good and bad.

use std::io::Write as _;

use test_kit::{Server, Setup};

use super::client::{BINARY, CLOSE, Client, PING, PONG, frame};
use super::{BLOCK, awaits, start, web_address};

const CONNECT: &str = "CONNECT {\"verbose\":false,\"echo\":true}\r\n";
const COMPRESSION: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

fn compressing() -> String {
    BLOCK.replace("no_tls", "compression: true, no_tls")
}

pub(crate) fn frames_carry_the_protocol_however_they_are_cut(setup: Setup) {
    let server = start(setup, BLOCK);
    let address = web_address(&server);
    let payload = "x".repeat(70_000);
    let text = format!("{CONNECT}SUB a 1\r\nPUB a 5\r\nhello\r\nPUB a 70000\r\n{payload}\r\nPING\r\n");
    let answer = format!("MSG a 1 5\r\nhello\r\nMSG a 1 70000\r\n{payload}\r\nPONG\r\n");
    // As frames of so many bytes, each message one frame or several, sent in pieces of so many bytes.
    for (frame_bytes, is_fragmented, piece_bytes) in [
        (usize::MAX, false, usize::MAX),
        (1, false, 4096),
        (7, true, 3001),
        (1000, true, 1),
        (65_536, false, 77),
    ] {
        let mut bytes = Vec::new();
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(frame_bytes.min(text.len())).collect();
        for (at, chunk) in chunks.iter().enumerate() {
            let (is_first, is_last) = (at == 0, at + 1 == chunks.len());
            let first = match (is_fragmented, is_first, is_last) {
                (false, ..) => BINARY,
                (true, true, _) => 0x01,
                (true, _, false) => 0x00,
                (true, _, true) => 0x80,
            };
            bytes.extend(frame(first, chunk));
        }
        // A byte at a time only while that is quick.
        let slow = if piece_bytes == 1 { 500 } else { 0 };
        let mut client = Client::connect(address);
        bytes[..slow].chunks(1).for_each(|byte| client.send(byte));
        bytes[slow..].chunks(piece_bytes.max(64)).for_each(|piece| client.send(piece));
        assert!(client.text_until("PONG\r\n") == answer, "{frame_bytes} {is_fragmented} {piece_bytes}");
    }
}

pub(crate) fn control_frames_are_answered(setup: Setup) {
    let server = start(setup, BLOCK);
    let mut client = Client::connect(web_address(&server));
    client.send(
        &[frame(0x02, CONNECT.as_bytes()), frame(PING, b"?"), frame(PONG, b""), frame(0x80, b"PING\r\n")]
            .concat(),
    );
    let mut frames = [client.frame(), client.frame()];
    frames.sort();
    assert_eq!(frames, [Some((BINARY, b"PONG\r\n".to_vec())), Some((PONG, b"?".to_vec()))]);
    for (payload, answer) in [
        (&b"\x03\xe8bye"[..], "1000 bye"),
        (b"", "close"),
        (b"\x03\xe8\xff", "1007 invalid utf8 body in close frame"),
    ] {
        let mut client = Client::connect(web_address(&server));
        client.say("PUB a 1\r\nx\r\nPING\r\n");
        client.send_frame(CLOSE, payload);
        assert_eq!(client.last_words(), format!("+OK\r\nPONG\r\n{answer}"));
    }
    awaits(&server, "Client connection closed: Client Closed");
}

pub(crate) fn what_is_wrong_with_a_frame_is_told(setup: Setup) {
    let server = start(setup, BLOCK);
    let in_message = |next: Vec<u8>| [frame(0x02, b"PING\r\n"), next].concat();
    for (bytes, words) in [
        (vec![0x82, 6, b'P', b'I', b'N', b'G', b'\r', b'\n'], "mask bit missing"),
        (frame(0xa2, b""), "RSV2 and RSV3 must be clear"),
        (frame(0xc2, b"x"), "compressed frame received without negotiated permessage-deflate"),
        (frame(0x83, b""), "unknown opcode 3"),
        (frame(0x80, b""), "invalid continuation frame"),
        (
            in_message(frame(0x82, b"")),
            "new message started before final frame for previous message was received",
        ),
        (frame(0x09, b""), "control frame does not have final bit set"),
        (vec![0x89, 0xfe, 1, 0], "control frame length bigger than maximum allowed of 125 bytes"),
        (vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], "invalid 64-bit payload length"),
        (frame(CLOSE, b"x"), "close frame payload cannot be 1 byte"),
        (frame(CLOSE, b"\x03\xed"), "invalid close status code 1005"),
    ] {
        let mut client = Client::connect(web_address(&server));
        client.send(&bytes);
        let said = client.last_words();
        assert!(said.ends_with(&format!("1002 {words}")), "{said}");
        let line = awaits(&server, &format!("read error: {words}"));
        assert!(line.contains(&format!("{} - wid:", client.local_addr)), "{line}");
    }
    awaits(&server, "Client connection closed: Read Error");
}

/// More than a shard acts on at a time, then a frame that cannot be read.
pub(crate) fn what_comes_before_a_broken_frame_counts(setup: Setup) {
    const COUNT: usize = 2000;
    let server = start(setup, BLOCK);
    let address = web_address(&server);
    let mut subscriber = Client::connect(address);
    subscriber.say(&format!("{CONNECT}SUB t 1\r\nPING\r\n"));
    subscriber.text_until("PONG\r\n");
    let mut publisher = Client::connect(address);
    let messages = (0..COUNT).map(|number| format!("PUB t 4\r\n{number:04}\r\n")).collect::<String>();
    publisher.send(&[frame(0x82, messages.as_bytes()), vec![0x82, 1, b'x']].concat());
    let all = (0..COUNT).map(|number| format!("MSG t 1 4\r\n{number:04}\r\n")).collect::<String>();
    assert_eq!(subscriber.text_until(&format!("{:04}\r\n", COUNT - 1)), all);
    assert!(publisher.last_words().ends_with("1002 mask bit missing"));
}

pub(crate) fn what_is_wrong_with_the_protocol_is_told_with_the_peers_codes(setup: Setup) {
    let server = start(setup, BLOCK);
    let long = format!("PING\r\nSUB {} 1\r\n", "a".repeat(5000));
    for (text, words) in [
        (&*long, "PONG\r\n-ERR 'maximum control line exceeded'\r\n1008 Maximum Control Line Exceeded"),
        ("PUB a 2000000\r\n", "-ERR 'Maximum Payload Violation'\r\n1009 Maximum Message Payload Exceeded"),
        ("FOO\r\n", "-ERR 'Unknown Protocol Operation'\r\n1002 Read Error"),
        (
            "CONNECT {\"no_responders\":true,\"headers\":false}\r\n",
            "-ERR 'no responders requires headers support'\r\n1011 No Responders Requires Headers",
        ),
    ] {
        let mut client = Client::connect(web_address(&server));
        client.say(text);
        assert_eq!(client.last_words(), words);
    }
    awaits(&server, "read error: maximum control line exceeded");
    awaits(&server, "read error: maximum payload exceeded");
    awaits(&server, "read error: no responders requires headers support");
    awaits(&server, "Client connection closed: Read Error");
}

/// The log names places as nats-server does, which reads frame by frame.
pub(crate) fn a_mistake_is_found_in_its_frame(setup: Setup) {
    let server = start(setup, &compressing());
    let ping = frame(BINARY, b"PING\r\n");
    let message = deflated(b"PING\r\nFOO bar\r\n");
    let pressed = frame(0xc2, &message);
    for (bytes, place) in [
        ([&ping[..], &frame(BINARY, b"FOO 1\r\n")].concat(), "i=0: proto='\"FOO 1\\r\""),
        (
            [&ping[..], &frame(BINARY, b"PING\r\nFO"), &frame(BINARY, b"O 2\r\n")].concat(),
            "i=6: proto='\"F\"",
        ),
        ([&frame(0x02, b"PING\r\n")[..], &frame(0x80, b"GOO 3\r\n")].concat(), "i=0: proto='\"GOO 3\\r\""),
        (pressed, "i=6: proto='\"FOO bar\\r\""),
    ] {
        let (mut client, _) = Client::connect_with(web_address(&server), COMPRESSION);
        client.say(CONNECT);
        client.send(&bytes);
        let words = client.last_words();
        assert!(words.ends_with("PONG\r\n-ERR 'Unknown Protocol Operation'\r\n1002 Read Error"), "{words}");
        awaits(&server, &format!("read error: Client parser ERROR, state=0, {place}"));
    }
}

/// What a client has said before a message turns out to be corrupt counts, and so do the answers.
pub(crate) fn what_comes_before_a_fault_counts(setup: Setup) {
    let server = start(setup, &compressing());
    let good = deflated(format!("{CONNECT}PING\r\n").as_bytes());
    let tail = [0, 0, 0xff, 0xff];
    for (bytes, words) in [
        ([&good[..], &tail, b"\xff\xff"].concat(), "PONG\r\n1007 flate: corrupt input"),
        (b"\xff\xff\xff".to_vec(), "1007 flate: corrupt input"),
        (Vec::new(), "1007 flate: corrupt input"),
    ] {
        let (mut client, _) = Client::connect_with(web_address(&server), COMPRESSION);
        client.send(&frame(0xc2, &bytes));
        assert_eq!(client.last_words(), words);
    }
    awaits(&server, "read error: flate: corrupt input");
}

/// A client that has not read what waits for it, and breaks the protocol, reads all of it and then why it ends.
pub(crate) fn what_waits_leaves_before_the_last_frame(setup: Setup) {
    const COUNT: usize = 12;
    let server = start(setup, BLOCK);
    let mut reader = Client::connect(web_address(&server));
    reader.say(&format!("{CONNECT}SUB big 1\r\n"));
    let payload = "0123456789abcdef".repeat(62_500);
    for _ in 0..COUNT {
        reader.say(&format!("PUB big 1000000\r\n{payload}\r\n"));
    }
    // Most of it waits now, half a frame of it on its way.
    reader.send(&[BINARY, 1, b'x']);
    awaits(&server, "read error: mask bit missing");
    let one = format!("MSG big 1 1000000\r\n{payload}\r\n");
    let words = reader.last_words();
    let end = words.strip_prefix(&one.repeat(COUNT));
    assert_eq!(end, Some("1002 mask bit missing"), "{} bytes", words.len());
}

/// Two that hear each other, whatever others do.
struct Bystanders(Client, Client);

impl Bystanders {
    fn of(server: &Server) -> Self {
        let address = web_address(server);
        let (publisher, mut subscriber) = (Client::connect(address), Client::connect(address));
        subscriber.say(&format!("{CONNECT}SUB bystander 1\r\nPING\r\n"));
        subscriber.text_until("PONG\r\n");
        Self(publisher, subscriber)
    }

    fn exchange(&mut self) {
        self.0.say("PUB bystander 2\r\nhi\r\n");
        assert_eq!(self.1.text_until("hi\r\n"), "MSG bystander 1 2\r\nhi\r\n");
    }
}

pub(crate) fn half_a_frame_holds_up_nobody_else(setup: Setup) {
    let server = start(setup, BLOCK);
    let mut bystanders = Bystanders::of(&server);
    let whole = frame(BINARY, b"PING\r\n");
    let mut halves: Vec<Client> = Vec::new();
    for cut in 1..whole.len() {
        let mut client = Client::connect(web_address(&server));
        client.send(&whole[..cut]);
        halves.push(client);
    }
    // One that announces the longest frame there is, and sends nothing of it.
    let mut endless = Client::connect(web_address(&server));
    endless.send(&[BINARY, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]);
    bystanders.exchange();
    for (at, client) in halves.iter_mut().enumerate() {
        client.send(&whole[at + 1..]);
        assert_eq!(client.text(), "PONG\r\n");
    }
    bystanders.exchange();
}

fn deflated(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("memory takes it");
    encoder.flush().expect("memory takes it");
    let mut bytes = encoder.get_ref().clone();
    bytes.truncate(bytes.len() - 4);
    bytes
}

fn inflated(bytes: &[u8]) -> String {
    let mut decoder = flate2::write::DeflateDecoder::new(Vec::new());
    decoder.write_all(&[bytes, &[0, 0, 0xff, 0xff]].concat()).expect("it is compressed");
    decoder.flush().expect("it is whole");
    String::from_utf8(decoder.get_ref().clone()).expect("it is text")
}

pub(crate) fn compressed_messages_go_both_ways(setup: Setup) {
    let server = start(setup, &compressing());
    let payload = "text ".repeat(2000);
    let text = format!("{CONNECT}SUB a 1\r\nPUB a 10000\r\n{payload}\r\n");
    let answer = format!("MSG a 1 10000\r\n{payload}\r\n");
    let message = deflated(text.as_bytes());
    let (one, rest) = message.split_at(5);
    let (two, three) = rest.split_at(30);
    let in_pieces = [frame(0x42, one), frame(PING, b""), frame(0x00, two), frame(0x80, three)].concat();
    for bytes in [frame(0xc2, &message), in_pieces] {
        let (mut client, _) = Client::connect_with(web_address(&server), COMPRESSION);
        client.send(&bytes);
        let mut seen = String::new();
        while seen.len() < answer.len() {
            let (first, payload) = client.frame().expect("there is more");
            match first {
                0xc2 => seen += &inflated(&payload),
                BINARY => seen += std::str::from_utf8(&payload).expect("it is text"),
                other => assert_eq!(other, PONG),
            }
        }
        assert!(seen == answer, "{seen}");
        // What is not compressed may come as well, and what is short is not compressed.
        client.say("PING\r\n");
        assert_eq!(client.text(), "PONG\r\n");
    }
    // Who does not ask for it gets none.
    let mut plain = Client::connect(web_address(&server));
    plain.say(&text);
    assert!(plain.text_until(&format!("{payload}\r\n")) == answer);
}

pub(crate) fn a_bomb_ends_its_own_connection_only(setup: Setup) {
    let server = start(setup, &compressing());
    let mut bystanders = Bystanders::of(&server);
    bystanders.exchange();
    let before = server.resident_bytes().expect("it runs");
    // Many good messages, together more than one compressed message may come to.
    let good = format!("PUB a 1000000\r\n{}\r\n", "x".repeat(1_000_000));
    let bomb = deflated(good.repeat(4).as_bytes());
    for _ in 0..8 {
        let (mut client, _) = Client::connect_with(web_address(&server), COMPRESSION);
        client.send(&frame(0xc2, &bomb));
        assert_eq!(client.last_words(), "+OK\r\n1009 maximum payload exceeded", "the first was a good one");
    }
    let (mut client, _) = Client::connect_with(web_address(&server), COMPRESSION);
    // A message that never ends, and compresses to more than it may come to.
    let noise = noise(1 << 20);
    let _ = client.try_send(&frame(0x42, &noise));
    let _ = client.try_send(&frame(0x00, &noise));
    let words = client.last_words();
    assert!(words.is_empty() || words == "1009 maximum payload exceeded", "{words}");
    awaits(&server, "read error: maximum payload exceeded");
    bystanders.exchange();
    let growth = server.resident_bytes().expect("it runs").saturating_sub(before);
    assert!(growth < 48 << 20, "{growth} bytes more");
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

pub(crate) fn browsers_get_small_frames(setup: Setup) {
    let server = start(setup, &compressing());
    let payload = "x".repeat(9000);
    let text = format!("{CONNECT}SUB a 1\r\nPUB a 9000\r\n{payload}\r\n");
    let answer = format!("MSG a 1 9000\r\n{payload}\r\n");
    let (mut client, _) = Client::connect_with(web_address(&server), "User-Agent: Mozilla/5.0\r\n");
    client.say(&text);
    let mut seen = Vec::new();
    while seen.len() < answer.len() {
        let (first, payload) = client.frame().expect("there is more");
        assert!(first == BINARY && payload.len() <= 4096, "{first} {}", payload.len());
        seen.extend(payload);
    }
    assert!(seen == answer.as_bytes());

    let noise: String = noise(20_000).into_iter().map(|byte| char::from(33 + byte % 90)).collect();
    let text = format!("{CONNECT}SUB a 1\r\nPUB a 20000\r\n{noise}\r\n");
    for (agent, is_cut) in [("Mozilla/5.0", true), ("Mozilla/5.0 Version/18.0 Safari/605.1", false)] {
        let headers = format!("{COMPRESSION}User-Agent: {agent}\r\n");
        let (mut client, _) = Client::connect_with(web_address(&server), &headers);
        client.say(&text);
        let mut message = Vec::new();
        let mut frames = 0;
        loop {
            let (first, payload) = client.frame().expect("there is more");
            assert_eq!(
                (first & 0x40 != 0, first & 0x0f != 0),
                (frames == 0, frames == 0),
                "of the first only"
            );
            assert!(payload.len() <= 4096 || !is_cut);
            message.extend(payload);
            frames += 1;
            if first & 0x80 != 0 {
                break;
            }
        }
        assert_eq!(frames > 1, is_cut);
        assert!(inflated(&message) == format!("MSG a 1 20000\r\n{noise}\r\n"));
    }
}

pub(crate) fn large_messages_come_whole_through_a_slow_reader(setup: Setup) {
    let server = start(setup, &compressing());
    let payload = "0123456789abcdef".repeat(62_500);
    for headers in ["", COMPRESSION, "User-Agent: Mozilla/5.0\r\n"] {
        let (mut reader, _) = Client::connect_with(web_address(&server), headers);
        reader.say(&format!("{CONNECT}SUB big 1\r\nPING\r\n"));
        assert_eq!(reader.text(), "PONG\r\n");
        let mut writer = server.connect();
        for _ in 0..12 {
            writer.publish("big", &payload);
        }
        writer.flush();
        // Far more than sockets hold waits now; a pong has to wait for the end of a frame.
        reader.send_frame(PING, b"later");
        let (mut text, mut has_pong, mut message) = (String::new(), false, Vec::new());
        let whole = 12 * (payload.len() + "MSG big 1 1000000\r\n\r\n".len());
        while text.len() < whole || !has_pong {
            let (first, bytes) = reader.frame().expect("there is more");
            match first {
                PONG => has_pong = true,
                BINARY => text += std::str::from_utf8(&bytes).expect("it is text"),
                _ => {
                    message.extend(bytes);
                    if first & 0x80 != 0 {
                        text += &inflated(&std::mem::take(&mut message));
                    }
                }
            }
        }
        let one = format!("MSG big 1 1000000\r\n{payload}\r\n");
        assert!(text == one.repeat(12), "{headers}");
    }
}
