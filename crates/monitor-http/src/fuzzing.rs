//! The body of the fuzz target: what must hold for any bytes that come to the monitoring listener.
//!
//! A plain function that panics when something does not hold, so a saved crash becomes a unit test by calling it
//! with the saved bytes.

use http_head::Refusal;

use crate::heads::Heads;
use crate::targets::target;

/// Reads `data` as what one client sends.
pub fn heads(data: &[u8]) {
    let whole = read(data, data.len().max(1));
    for size in [1, 2, 3, 7, 61] {
        assert_eq!(read(data, size), whole, "cut every {size} bytes");
    }
    let (seen, refusal) = whole;
    let behind = end_of_heads(data);
    check_plain(&seen[..behind], data);
    assert!(data.ends_with(&seen[behind..]), "what follows the last head stays as it is");
    if let Some(refusal) = refusal {
        assert_eq!(behind, seen.len(), "nothing is looked at behind the last head");
        assert!(refusal.answer().starts_with(b"HTTP/1.1 "));
    }
}

/// What hyper sees if the data comes so many bytes at a time.
fn read(data: &[u8], size: usize) -> (Vec<u8>, Option<Refusal>) {
    let (mut heads, mut seen) = (Heads::default(), Vec::new());
    let refusal = data.chunks(size).find_map(|piece| heads.read(piece, &mut seen).err());
    (seen, refusal)
}

/// How much of what hyper sees are heads.
fn end_of_heads(data: &[u8]) -> usize {
    let (mut heads, mut seen) = (Heads::default(), Vec::new());
    for byte in data.chunks(1) {
        if heads.are_over() || heads.read(byte, &mut seen).is_err() {
            break;
        }
    }
    seen.len()
}

/// Heads as plain as can be, so that hyper and Go agree on where each of them ends and what it asks for.
fn check_plain(mut heads: &[u8], data: &[u8]) {
    while !heads.is_empty() {
        let (first, mut rest) = line(heads);
        let [method, path, version] = first.split(|byte| *byte == b' ').collect::<Vec<_>>()[..] else {
            panic!("{}", first.escape_ascii())
        };
        assert!(!method.is_empty() && contains(data, method));
        let asked = str::from_utf8(path).ok().and_then(target).expect("a path of digits");
        assert!(asked.is_empty() || contains(data, &asked));
        assert!([b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2.0"].iter().any(|known| *known == version));
        let mut bodies = 0;
        loop {
            let (header, behind) = line(rest);
            rest = behind;
            if header.is_empty() {
                break;
            }
            bodies += usize::from(check_header(header));
        }
        assert!(bodies == 0 || (bodies == 1 && rest.is_empty()), "a body in the middle, or of two lengths");
        heads = rest;
    }
}

/// Returns whether it tells of a body.
fn check_header(header: &[u8]) -> bool {
    assert!(
        header.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control()),
        "{}",
        header.escape_ascii()
    );
    let colon = header.iter().position(|byte| *byte == b':').expect("a name");
    match (&header[..colon], header[colon..].strip_prefix(b": ").expect("a value")) {
        (b"connection" | b"expect" | b"accept-encoding" | b"if-none-match", _) => false,
        (b"transfer-encoding", b"chunked") => true,
        (b"content-length", digits) => {
            assert!(str::from_utf8(digits).is_ok_and(|digits| digits.parse::<u64>().is_ok()));
            true
        }
        _ => panic!("{}", header.escape_ascii()),
    }
}

fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.windows(2).position(|window| window == b"\r\n").expect("lines have an end");
    (&text[..end], &text[end + 2..])
}

fn contains(data: &[u8], part: &[u8]) -> bool {
    data.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    const PIECES: [&[u8]; 36] = [
        b"GET / HTTP/1.1\r\n",
        b"POST /a HTTP/1.1\n",
        b"PRI * HTTP/2.0\r\n",
        b"GET ",
        b"HTTP/1.0",
        b" ",
        b"/",
        b"\r",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"Host: h\r\n",
        b"Host: h\n",
        b"HOST:",
        b"Connection: ",
        b"close",
        b"keep-alive",
        b"Content-Length: ",
        b"5",
        b"05",
        b"-1",
        b"Transfer-Encoding: ",
        b"chunked",
        b"gzip",
        b"Trailer: ",
        b"Expect: 100-continue\r\n",
        b":",
        b",",
        b"\t",
        b"a",
        b"\xff",
        b"\0",
        b" folded\r\n",
    ];

    proptest! {
        #[test]
        fn any_bytes_are_heads_or_refused(data in vec(any::<u8>(), 0..120)) {
            heads(&data);
        }

        #[test]
        fn any_pieces_are_heads_or_refused(pieces in vec(select(&PIECES[..]), 0..24)) {
            heads(&pieces.concat());
            heads(&[b"GET / HTTP/1.1\r\nHost: h\r\n", &pieces.concat()[..]].concat());
        }
    }
}
