//! Who speaks on a port that takes all: by the first bytes that a client says.
//!
//! A client of NATS waits for the server's first word; all others speak first. What is no HTTP and no TLS is NATS.

/// Words that a request begins with. Methods have a case, and NATS has no such verb.
const METHODS: [&[u8]; 7] = [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH "];

/// What HTTP/2 begins with where nobody has agreed on it before.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// The first byte of TLS.
const HANDSHAKE: u8 = 0x16;

/// Bytes of a head that are looked through for an upgrade.
pub const HEAD_BYTES_MAX: usize = 16 << 10;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstBytes {
    /// That is not known yet.
    Few,
    /// HTTP, and what it asks for is known when its head is over.
    Head,
    /// HTTP.
    Http,
    /// HTTP that asks to become a WebSocket.
    WebSocket,
    /// HTTP/2, which is not spoken here.
    Http2,
    /// TLS.
    Tls,
    /// NATS.
    Nats,
}

impl FirstBytes {
    /// What these are, which are all there are so far.
    pub fn of(bytes: &[u8]) -> Self {
        let Some(first) = bytes.first() else { return Self::Few };
        if *first == HANDSHAKE {
            return Self::Tls;
        }
        if let Some(method) = METHODS.iter().find(|method| bytes.starts_with(method)) {
            return if *method == METHODS[0] { of_get(bytes) } else { Self::Http };
        }
        if bytes.starts_with(PREFACE) {
            return Self::Http2;
        }
        let may_become = |word: &[u8]| word.starts_with(bytes);
        if METHODS.iter().any(|method| may_become(method)) || may_become(PREFACE) {
            Self::Few
        } else {
            Self::Nats
        }
    }
}

/// Only what is got can become a WebSocket.
fn of_get(bytes: &[u8]) -> FirstBytes {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut asks = false;
    // What stands behind the last line end may go on.
    let whole = bytes.iter().filter(|byte| **byte == b'\n').count();
    for line in lines.by_ref().take(whole) {
        if line.is_empty() {
            return if asks { FirstBytes::WebSocket } else { FirstBytes::Http };
        }
        asks |= asks_for_websocket(line);
    }
    if bytes.len() >= HEAD_BYTES_MAX { FirstBytes::Http } else { FirstBytes::Head }
}

fn asks_for_websocket(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let mut words = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    name.eq_ignore_ascii_case(b"upgrade") && words.any(|word| word.eq_ignore_ascii_case(b"websocket"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nupgrade: WebSocket\r\n\r\n";

    #[test]
    fn the_first_bytes_tell_who_speaks() {
        use FirstBytes::{Few, Head, Http, Http2, Nats, Tls, WebSocket};
        for (bytes, who) in [
            (&b""[..], Few),
            (b"G", Few),
            (b"GET", Few),
            (b"P", Few),
            (b"PU", Few),
            (b"PUB", Nats),
            (b"PUT ", Http),
            (b"PI", Nats),
            (b"PR", Few),
            (b"PRI * HTTP/2.0\r\n\r\nSM", Http2),
            (b"POST /", Http),
            (b"PATCH /", Http),
            (b"DELETE /x", Http),
            (b"OPTIONS *", Http),
            (b"HEAD /", Http),
            (b"get / HTTP/1.1\r\n", Nats),
            (b"CONN", Nats),
            (b"CONNECT {}", Nats),
            (b"SUB a 1\r\n", Nats),
            (b"GETX", Nats),
            (b"\x16\x03\x01", Tls),
            (b"\0", Nats),
            (b"GET / HTTP/1.1\r\nHost: h\r\n", Head),
            (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", Http),
            (b"GET / HTTP/1.1\nUpgrade: h2c, websocket\n\n", WebSocket),
            (b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nUpgrade: websocket\r\n\r\n", Http),
            (UPGRADE, WebSocket),
        ] {
            assert_eq!(FirstBytes::of(bytes), who, "{}", bytes.escape_ascii());
        }
    }

    /// What is known stays so, whatever follows; and nothing else is said on the way.
    #[test]
    fn more_bytes_change_no_mind() {
        for whole in
            [UPGRADE, b"PUT /x HTTP/1.1\r\n\r\n", b"PING\r\nPUB a 1\r\n", b"\x16\x03\x01\x02", PREFACE]
        {
            let last = FirstBytes::of(whole);
            for cut in 0..whole.len() {
                let so_far = FirstBytes::of(&whole[..cut]);
                assert!([FirstBytes::Few, FirstBytes::Head, last].contains(&so_far), "{so_far:?} at {cut}");
            }
        }
        let endless = [b"GET / HTTP/1.1\r\nA: ".to_vec(), vec![b'x'; HEAD_BYTES_MAX]].concat();
        assert_eq!(FirstBytes::of(&endless), FirstBytes::Http);
    }
}
