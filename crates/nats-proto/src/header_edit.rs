//! Header blocks with one field changed.

const VERSION: &[u8] = b"NATS/1.0\r\n";

/// Puts a header block into `out` in which the field of that name has that value: others of the name are gone, and it
/// stands last. What stands behind a blank line, where nobody looks for headers, is gone too. Returns how many bytes the
/// block has. Where there is none it is a new one.
pub fn put_with_field(out: &mut Vec<u8>, block: &[u8], name: &[u8], value: &[u8]) -> usize {
    let before = out.len();
    let block = if block.is_empty() { VERSION } else { block };
    let lines = block.split_inclusive(|byte| *byte == b'\n');
    for line in lines.take_while(|line| !is_blank(line)).filter(|line| !is_field(line, name)) {
        out.extend_from_slice(line);
    }
    // A line that does not end would go on with the field.
    while out.len() > before && matches!(out.last(), Some(b'\r' | b'\n')) {
        out.pop();
    }
    for part in [&b"\r\n"[..], name, b": ", value, b"\r\n\r\n"] {
        out.extend_from_slice(part);
    }
    out.len() - before
}

fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\r\n" | b"\n")
}

fn is_field(line: &[u8], name: &[u8]) -> bool {
    line.split_at_checked(name.len())
        .is_some_and(|(front, rest)| front.eq_ignore_ascii_case(name) && rest.first() == Some(&b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_changed_and_all_else_stays() {
        let with = |block: &str| {
            let mut out = b"x".to_vec();
            let len = put_with_field(&mut out, block.as_bytes(), b"K", b"v");
            assert_eq!(len, out.len() - 1);
            String::from_utf8(out.split_off(1)).unwrap()
        };
        assert_eq!(with(""), "NATS/1.0\r\nK: v\r\n\r\n");
        assert_eq!(with("NATS/1.0\r\nk:1\r\nA: b\r\nK: 2\r\n\r\n"), "NATS/1.0\r\nA: b\r\nK: v\r\n\r\n");
        assert_eq!(with("NATS/1.0\r\nKey: 1\r\nA: b"), "NATS/1.0\r\nKey: 1\r\nA: b\r\nK: v\r\n\r\n");
        assert_eq!(with("NATS/1.0\r\n\r\nA: b\r\n\r\n"), "NATS/1.0\r\nK: v\r\n\r\n");
    }
}
