//! Memory that was used for clients goes back when they are gone, as docs/operations.md promises.

use std::time::{Duration, Instant};

use test_kit::{RawClient, Server, Setup, on_every_setup};

const MIB: u64 = 1 << 20;

/// What may stay.
const KEPT_BYTES_MAX: u64 = 40 * MIB;

/// How long it may take.
const PROMISED: Duration = Duration::from_secs(60);

/// Below and above what is shared between readers, what is received at once, and what a heap keeps apart.
const PAYLOADS: [usize; 7] = [1 << 10, 16 << 10, 20_000, 32 << 10, 64 << 10, 256 << 10, 1_000_000];

const READERS: usize = 4;

/// For each reader, in all: less than makes its publishers wait.
const WAITING_BYTES: usize = 40 << 20;

// Of 275 MB that had waited for slow readers 268 stayed: payloads from 16 KiB were in the heap, and something
// small was above them.
fn what_waited_for_readers_goes_back_when_they_are_gone(setup: Setup) {
    let server = Server::configured(setup, "write_deadline: \"120s\"\n");
    let resident = || server.resident_bytes().expect("the server runs");
    let mut publisher = server.connect();
    let mut readers: Vec<RawClient> = (0..READERS).map(|_| server.connect()).collect();
    for (number, reader) in readers.iter_mut().enumerate() {
        reader.subscribe(&format!("reader.{number}"), 1);
    }
    let before = resident();
    let bodies = PAYLOADS.map(|bytes| vec![b'x'; bytes]);
    let mut waiting = [0; READERS];
    for round in 0.. {
        let reader = round % READERS;
        // By turns of the sizes that differ from reader to reader, with something small in between.
        let body = &bodies[(round / READERS + reader) % bodies.len()];
        publisher.publish(&format!("reader.{reader}"), body);
        publisher.send("SUB small 1\r\nUNSUB 1\r\n");
        waiting[reader] += body.len();
        if waiting.iter().all(|bytes| *bytes >= WAITING_BYTES) {
            break;
        }
    }
    publisher.flush();
    let held = resident() - before;
    assert!(held > 2 * KEPT_BYTES_MAX, "only {} MiB waited", held / MIB);

    readers.into_iter().for_each(RawClient::reset);
    let deadline = Instant::now() + PROMISED;
    loop {
        publisher.flush();
        let kept = resident().saturating_sub(before);
        if kept <= KEPT_BYTES_MAX {
            return;
        }
        assert!(Instant::now() < deadline, "{} MiB of {} are kept", kept / MIB, held / MIB);
    }
}

on_every_setup!(what_waited_for_readers_goes_back_when_they_are_gone);
