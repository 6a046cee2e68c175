use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{body, client_bytes, header_block, peer_bytes, server_bytes};

/// Pieces of both directions, so that random strings of them often come close to real ops.
const PIECES: &[&[u8]] = &[
    b"PUB ",
    b"pub\t",
    b"HPUB ",
    b"SUB ",
    b"Unsub ",
    b"CONNECT ",
    b"CONNECT",
    b"{}",
    b"PING",
    b"PONG",
    b"+OK",
    b"-ERR ",
    b"INFO ",
    b"MSG ",
    b"hmsg ",
    b"a",
    b"b.c",
    b" ",
    b"\t",
    b" \t ",
    b"0",
    b"2",
    b"002",
    b"12",
    b"14",
    b"999999999",
    b"-1",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n",
    b"\r\n",
    b"hi",
    b"NATS/1.0\r\n\r\n",
    b"'",
    b"x",
    b"PUB a 2\r\nhi\r\n",
    b"MSG a 1 2\r\nhi\r\n",
    b"SUB a 1\n",
    b"aaaaaaaaaaaa",
    b"RS+ ",
    b"RS- ",
    b"LS+ ",
    b"ls- ",
    b"RMSG ",
    b"LMSG ",
    b"A+ ",
    b" + ",
    b" | ",
    b"RS+ A a q 1\r\n",
    b"RMSG A a | q 2\r\nhi\r\n",
];

/// Pieces of header blocks.
const BLOCK_PIECES: &[&[u8]] = &[
    b"NATS/1.0",
    b" ",
    b"\t",
    b"503",
    b" 100 Idle",
    b"\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"a",
    b"B",
    b":",
    b": x",
    b"a: b\r\n",
    b"\r\n\r\n",
];

/// Pieces of JSON bodies, secrets among them.
const BODY_PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\"pass\":",
    "\"pa\u{17f}s\":",
    "\"P\\u0061ss\":",
    "\"n\u{212a}ey\":",
    "\"auth_token\":",
    "\"user\":",
    "\"verbose\":",
    "\"import\":{\"allow\":",
    "\"x\"",
    "\"x\",",
    "true",
    "null",
    "1",
    "-0.5e3",
    " ",
    "{\"sig\":\"x\"}",
    "\"lnoc\":",
    "\"compression\":",
    "\"s2_auto\"",
    "\"deny_pub\":[",
];

proptest! {
    #[test]
    fn anything_at_all_keeps_the_invariants(data in vec(any::<u8>(), 0..200)) {
        client_bytes(&data);
        server_bytes(&data);
        peer_bytes(&data);
    }

    #[test]
    fn nearly_right_bytes_keep_the_invariants(pieces in vec(select(PIECES), 0..24)) {
        let data = pieces.concat();
        client_bytes(&data);
        server_bytes(&data);
        peer_bytes(&data);
    }

    #[test]
    fn nearly_right_blocks_keep_the_invariants(pieces in vec(select(BLOCK_PIECES), 0..24)) {
        header_block(&pieces.concat());
        header_block(&[b"NATS/1.0\r\n", &pieces.concat()[..], b"\r\n\r\n"].concat());
    }

    #[test]
    fn nearly_right_bodies_keep_the_invariants(pieces in vec(select(BODY_PIECES), 0..24)) {
        body(pieces.concat().as_bytes());
    }

    #[test]
    fn objects_keep_the_invariants(fields in vec((0..BODY_PIECES.len(), 0..BODY_PIECES.len()), 0..5)) {
        let fields = fields.iter().map(|(name, value)| format!("{}{}", BODY_PIECES[*name], BODY_PIECES[*value]));
        body(format!("{{{}}}", fields.collect::<Vec<_>>().join(",")).as_bytes());
    }
}
