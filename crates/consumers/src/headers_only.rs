//! Messages without what they say: a header tells how long it is.

use js_proto::headers::{MSG_SIZE, write_number};

const FIRST_LINE: &[u8] = b"NATS/1.0\r\n";
const END: &[u8] = b"\r\n";

/// Appends the header block of a message that comes without what it says.
pub fn headers_only(header: &[u8], payload: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(header.strip_suffix(END).unwrap_or(FIRST_LINE));
    write_number(out, MSG_SIZE, payload as u64);
    out.extend_from_slice(END);
}

/// Bytes of it.
pub(crate) fn len(header: usize, payload: usize) -> usize {
    let front = if header == 0 { FIRST_LINE.len() } else { header - END.len() };
    let digits = payload.checked_ilog10().map_or(1, |log| log as usize + 1);
    front + MSG_SIZE.len() + ": ".len() + digits + 2 * END.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_the_last_header() {
        for (header, payload, block) in [
            (&b""[..], 0, "NATS/1.0\r\nNats-Msg-Size: 0\r\n\r\n"),
            (b"NATS/1.0\r\nA: 1\r\n\r\n", 1_234, "NATS/1.0\r\nA: 1\r\nNats-Msg-Size: 1234\r\n\r\n"),
        ] {
            let mut out = Vec::new();
            headers_only(header, payload, &mut out);
            assert_eq!(str::from_utf8(&out), Ok(block));
            assert_eq!(len(header.len(), payload), block.len());
        }
    }
}
