use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{client_bytes, server_bytes};

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
];

proptest! {
    #[test]
    fn anything_at_all_keeps_the_invariants(data in vec(any::<u8>(), 0..200)) {
        client_bytes(&data);
        server_bytes(&data);
    }

    #[test]
    fn nearly_right_bytes_keep_the_invariants(pieces in vec(select(PIECES), 0..24)) {
        let data = pieces.concat();
        client_bytes(&data);
        server_bytes(&data);
    }
}
