//! Header blocks with a line more or less.

use js_proto::headers;

/// What requests from other accounts say of who asks. It is not stored.
const CLIENT_INFO: &str = "Nats-Request-Info";

const VERSION: &[u8] = b"NATS/1.0";
const FIRST_LINE: &[u8] = b"NATS/1.0\r\n";
const LINE_END: &[u8] = b"\r\n";

/// Whether a line has that name.
pub(crate) fn has(block: &[u8], name: &str) -> bool {
    next_line(block, name, 0).is_some()
}

/// The block as it is stored: without what is said of who asks, and without a status. Says
/// whether that is another one than came.
pub(crate) fn to_store(block: &[u8], out: &mut Vec<u8>) -> bool {
    let status = status_len(block);
    if status == 0 && !has(block, CLIENT_INFO) {
        return false;
    }
    without(block, CLIENT_INFO, out);
    if status > 0 && !out.is_empty() {
        out.drain(VERSION.len()..VERSION.len() + status);
        if out.len() <= FIRST_LINE.len() + LINE_END.len() {
            out.clear();
        }
    }
    true
}

/// Bytes of what stands behind the version in the first line.
fn status_len(block: &[u8]) -> usize {
    let behind = block.strip_prefix(VERSION).unwrap_or_default();
    behind.iter().position(|byte| *byte == b'\r').unwrap_or(0)
}

/// The block without lines of that name; nothing if none is left.
pub(crate) fn without(block: &[u8], name: &str, out: &mut Vec<u8>) {
    out.clear();
    let mut copied = 0;
    while let Some((start, end)) = next_line(block, name, copied) {
        out.extend_from_slice(&block[copied..start]);
        copied = end;
    }
    out.extend_from_slice(&block[copied..]);
    if out.len() <= FIRST_LINE.len() + LINE_END.len() {
        out.clear();
    }
}

/// The block with those of its lines whose names will do; nothing if none is left.
pub fn keep(block: &[u8], will_do: impl Fn(&[u8]) -> bool, out: &mut Vec<u8>) {
    out.clear();
    let mut rest = block;
    while let Some(len) = rest.windows(LINE_END.len()).position(|bytes| bytes == LINE_END) {
        let (line, behind) = rest.split_at(len + LINE_END.len());
        let name = line.split(|byte| *byte == b':').next().unwrap_or(line);
        if rest.len() == block.len() || will_do(name) {
            out.extend_from_slice(line);
        }
        rest = behind;
    }
    if out.len() <= FIRST_LINE.len() + LINE_END.len() {
        out.clear();
    }
}

/// Adds a line behind all others.
pub fn add(block: &mut Vec<u8>, name: &str, value: &[u8]) {
    if block.len() > LINE_END.len() {
        block.truncate(block.len() - LINE_END.len());
    } else {
        block.clear();
        block.extend_from_slice(FIRST_LINE);
    }
    headers::write_text(block, name, value);
    block.extend_from_slice(LINE_END);
}

/// Gives the first line of that name another value, or adds one behind all others.
pub(crate) fn set(block: &mut Vec<u8>, name: &str, value: &[u8]) {
    let Some((start, end)) = next_line(block, name, 0) else { return add(block, name, value) };
    let colon = start + name.len();
    let from = if block[colon + 1] == b' ' { colon + 2 } else { colon + 1 };
    block.splice(from..end - LINE_END.len(), value.iter().copied());
}

/// Where the next line of that name is, from a place on, its end included.
fn next_line(block: &[u8], name: &str, from: usize) -> Option<(usize, usize)> {
    let mut start = from;
    loop {
        let len =
            block[start..].windows(LINE_END.len()).position(|bytes| bytes == LINE_END)? + LINE_END.len();
        let line = &block[start..start + len];
        if start > 0 && line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b":")) {
            return Some((start, start + len));
        }
        start += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(block: &str, name: &str) -> String {
        let mut out = vec![1];
        without(block.as_bytes(), name, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_go_by_their_whole_name() {
        let block = "NATS/1.0\r\nA: 1\r\nB: 2\r\nA: 3\r\nAB: 4\r\n\r\n";
        assert_eq!(stripped(block, "A"), "NATS/1.0\r\nB: 2\r\nAB: 4\r\n\r\n");
        assert_eq!(stripped(block, "C"), block);
        assert_eq!(stripped("NATS/1.0\r\nA: 1\r\n\r\n", "A"), "");
        assert!(has(block.as_bytes(), "AB") && !has(block.as_bytes(), "NATS/1.0"));
        assert!(!has(b"", "A"));
    }

    #[test]
    fn lines_are_kept_by_their_names() {
        let kept = |block: &[u8]| {
            let mut out = vec![1];
            keep(block, |name| !name.starts_with(b"A"), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(kept(b"NATS/1.0\r\nA: 1\r\nB: A\r\nAB:\r\n\r\n"), "NATS/1.0\r\nB: A\r\n\r\n");
        assert_eq!(kept(b"NATS/1.0\r\nA: 1\r\n\r\n"), "");
        assert_eq!(kept(b""), "");
    }

    #[test]
    fn a_line_gets_another_value_or_is_added() {
        let mut block = b"NATS/1.0\r\nA: 1\r\nB:\r\nA: 3\r\n\r\n".to_vec();
        set(&mut block, "A", b"22");
        set(&mut block, "B", b"x");
        set(&mut block, "C", b"");
        assert_eq!(block, b"NATS/1.0\r\nA: 22\r\nB:x\r\nA: 3\r\nC: \r\n\r\n");
    }

    #[test]
    fn no_status_is_stored() {
        let stored = |block: &str| {
            let mut out = vec![1];
            to_store(block.as_bytes(), &mut out).then(|| String::from_utf8(out).unwrap())
        };
        assert_eq!(stored("NATS/1.0 100 Idle\r\nA: 1\r\n\r\n").as_deref(), Some("NATS/1.0\r\nA: 1\r\n\r\n"));
        assert_eq!(stored("NATS/1.0 503\r\n\r\n").as_deref(), Some(""));
        assert_eq!(stored("NATS/1.0 503\r\nNats-Request-Info: {}\r\n\r\n").as_deref(), Some(""));
        for as_it_is in ["NATS/1.0\r\nA: 1\r\n\r\n", "NATS/1.0\r\n\r\n", "", "NATS/1.0", "NATS 503\r\n\r\n"] {
            assert_eq!(stored(as_it_is), None, "{as_it_is}");
        }
    }

    #[test]
    fn a_line_is_added_behind_all_others() {
        let mut block = b"NATS/1.0\r\nA: 1\r\n\r\n".to_vec();
        add(&mut block, "B", b"2");
        assert_eq!(block, b"NATS/1.0\r\nA: 1\r\nB: 2\r\n\r\n");
        let mut block = Vec::new();
        add(&mut block, "B", b"2");
        assert_eq!(block, b"NATS/1.0\r\nB: 2\r\n\r\n");
    }
}
