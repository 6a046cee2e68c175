//! The bytes a client sends, and how long the server's answer to them is.

/// What a client says first. Protocol level 0 asks the server not to send INFO again on its own,
/// so that a subscriber's input is nothing but messages and the odd PING.
pub(crate) const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false,\
\"lang\":\"rust\",\"name\":\"buster-bench\",\"version\":\"0.1.0\",\"protocol\":0}\r\n";

/// The same for one who wants headers, and to be told when nobody listens: JetStream's answers need both.
pub(crate) const CONNECT_WITH_HEADERS: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false,\
\"lang\":\"rust\",\"name\":\"buster-bench\",\"version\":\"0.1.0\",\"protocol\":0,\
\"headers\":true,\"no_responders\":true}\r\n";

pub(crate) const PING: &[u8] = b"PING\r\n";
pub(crate) const PONG: &[u8] = b"PONG\r\n";

const CRLF: &str = "\r\n";

/// `PUB <subject> [reply] <size>`, then a payload of `payload_bytes` arbitrary bytes.
pub(crate) fn publish(subject: &str, reply: Option<&str>, payload_bytes: usize) -> Vec<u8> {
    let mut frame = match reply {
        Some(reply) => format!("PUB {subject} {reply} {payload_bytes}{CRLF}"),
        None => format!("PUB {subject} {payload_bytes}{CRLF}"),
    }
    .into_bytes();
    frame.resize(frame.len() + payload_bytes, b'x');
    frame.extend_from_slice(CRLF.as_bytes());
    frame
}

/// `HPUB <subject> [reply] <header size> <size>`: the header and the payload come next.
pub(crate) fn publish_head(
    subject: &str,
    reply: Option<&str>,
    header_bytes: usize,
    payload_bytes: usize,
) -> String {
    let reply = reply.map(|reply| format!("{reply} ")).unwrap_or_default();
    format!("HPUB {subject} {reply}{header_bytes} {}{CRLF}", header_bytes + payload_bytes)
}

/// The subject of a frame `publish` built.
pub(crate) fn published_subject(frame: &[u8]) -> &[u8] {
    let subject = &frame[b"PUB ".len()..];
    let end = subject.iter().position(|byte| *byte == b' ');
    &subject[..end.expect("a PUB has a blank behind its subject")]
}

/// The payload of a frame `publish` built.
pub(crate) fn published_payload(frame: &mut [u8], payload_bytes: usize) -> &mut [u8] {
    let end = frame.len() - CRLF.len();
    &mut frame[end - payload_bytes..end]
}

/// `SUB <filter> [queue] <sid>`.
pub(crate) fn subscribe(filter: &str, queue: Option<&str>, sid: &str) -> Vec<u8> {
    match queue {
        Some(queue) => format!("SUB {filter} {queue} {sid}{CRLF}"),
        None => format!("SUB {filter} {sid}{CRLF}"),
    }
    .into_bytes()
}

/// `UNSUB <sid>`.
pub(crate) fn unsubscribe(sid: &str) -> Vec<u8> {
    format!("UNSUB {sid}{CRLF}").into_bytes()
}

/// How many bytes the server sends for one message without a reply subject.
pub(crate) fn delivery_bytes(subject: &str, sid: &str, payload_bytes: usize) -> usize {
    format!("MSG {subject} {sid} {payload_bytes}{CRLF}").len() + payload_bytes + CRLF.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_the_protocol_says() {
        assert_eq!(publish("a.b", None, 3), b"PUB a.b 3\r\nxxx\r\n");
        assert_eq!(publish("a", Some("r.1"), 0), b"PUB a r.1 0\r\n\r\n");
        assert_eq!(publish_head("a", Some("r.1"), 12, 3), "HPUB a r.1 12 15\r\n");
        assert_eq!(publish_head("a", None, 12, 0), "HPUB a 12 12\r\n");
        assert_eq!(subscribe("a.>", None, "7"), b"SUB a.> 7\r\n");
        assert_eq!(subscribe("a", Some("g"), "7"), b"SUB a g 7\r\n");
        assert_eq!(unsubscribe("7"), b"UNSUB 7\r\n");
    }

    #[test]
    fn connect_is_one_line_of_json() {
        for (connect, headers) in [(CONNECT, None), (CONNECT_WITH_HEADERS, Some(true))] {
            let line = std::str::from_utf8(connect).unwrap().strip_suffix(CRLF).unwrap();
            let body = line.strip_prefix("CONNECT ").unwrap();
            let options: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(options["verbose"], false);
            assert_eq!(options["protocol"], 0);
            assert_eq!(
                (options["headers"].as_bool(), options["no_responders"].as_bool()),
                (headers, headers)
            );
        }
    }

    #[test]
    fn a_delivery_is_counted_to_the_byte() {
        assert_eq!(delivery_bytes("a.b", "1", 3), b"MSG a.b 1 3\r\nxxx\r\n".len());
    }

    #[test]
    fn a_publish_is_taken_apart_again() {
        let mut frame = publish("a.b", None, 3);
        assert_eq!(published_subject(&frame), b"a.b");
        assert_eq!(published_payload(&mut frame, 3), b"xxx");
    }
}
