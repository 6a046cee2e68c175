//! Messages that tell whom they are for.

use js_proto::headers::{PIN_ID, write_text};

const FIRST_LINE: &[u8] = b"NATS/1.0\r\n";
const LINE_END: &[u8] = b"\r\n";

/// Appends the header block of a message that is for whoever is pinned by that id. What it said of another one it says no
/// more.
pub fn with_pin(header: &[u8], id: &str, out: &mut Vec<u8>) {
    let lines = header.strip_suffix(LINE_END).filter(|lines| !lines.is_empty()).unwrap_or(FIRST_LINE);
    let others = lines.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_pin(line));
    out.extend(others.flatten());
    write_text(out, PIN_ID, id.as_bytes());
    out.extend_from_slice(LINE_END);
}

fn is_pin(line: &[u8]) -> bool {
    line.strip_prefix(PIN_ID.as_bytes()).is_some_and(|rest| rest.starts_with(b":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_last_header_and_the_only_one_of_its_name() {
        for (header, block) in [
            (&b""[..], "NATS/1.0\r\nNats-Pin-Id: x\r\n\r\n"),
            (b"NATS/1.0\r\nA: 1\r\n\r\n", "NATS/1.0\r\nA: 1\r\nNats-Pin-Id: x\r\n\r\n"),
            (b"NATS/1.0\r\nNats-Pin-Id: y\r\nA: 1\r\n\r\n", "NATS/1.0\r\nA: 1\r\nNats-Pin-Id: x\r\n\r\n"),
        ] {
            let mut out = Vec::new();
            with_pin(header, "x", &mut out);
            assert_eq!(str::from_utf8(&out), Ok(block));
        }
    }
}
