//! What a server acts on in a message's header.

/// Names of fields that a server acts on begin with one of these. Others are the sender's affair.
const OURS: [&[u8]; 2] = [b"Nats-", b"KV-"];

/// Appends those lines of a header, between its first line and an empty one. Returns whether there are any.
pub(super) fn append(header: &[u8], out: &mut Vec<u8>) -> bool {
    let mut lines = lines(header);
    out.extend_from_slice(lines.next().unwrap_or_default());
    out.extend_from_slice(b"\r\n");
    let mut has_any = false;
    for line in lines.filter(|line| OURS.iter().any(|ours| line.starts_with(ours))) {
        has_any = true;
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    has_any
}

/// The text between one CR LF and the next.
fn lines(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.windows(2).position(|two| two == b"\r\n");
        rest = end.map(|end| &text[end + 2..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_does_not_act_on_is_left_out() {
        let mut out = Vec::new();
        let header = b"NATS/1.0\r\nA: b\r\nNats-Rollup: sub\r\nnats-x: y\r\nKV-Operation: DEL\r\n\r\n";
        assert!(append(header, &mut out));
        assert_eq!(out, b"NATS/1.0\r\nNats-Rollup: sub\r\nKV-Operation: DEL\r\n\r\n");
        out.clear();
        assert!(!append(b"NATS/1.0\r\nA: Nats-B\r\n\r\n", &mut out));
        assert!(!append(b"Nats-A: a", &mut Vec::new()), "the first line says nothing");
        assert_eq!(out, b"NATS/1.0\r\n\r\n");
    }
}
