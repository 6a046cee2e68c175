//! Peers that break the rules, and a machine that runs out.
//!
//! Whatever they do, two well-behaved clients beside them go on exchanging messages and the
//! server's memory stays bounded.

use std::{io, net::TcpStream, thread, time::Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use test_kit::{
    ANSWER_DEADLINE, CONNECT_LINE, RawClient, Server, ServerOp, ServerOptions, Setup, on_every_setup,
};

on_every_setup!(
    half_a_frame_holds_up_nobody_else,
    garbage_ends_its_own_connection_only,
    impossible_sizes_are_refused,
    an_announced_payload_costs_nothing_until_it_comes,
    a_peer_that_never_reads_is_cut_off,
    a_peer_that_vanishes_leaves_no_message_behind,
    connections_that_come_and_go_leave_nothing_behind,
    accepting_pauses_without_descriptors_and_resumes,
    a_crowd_that_speaks_at_once_is_heard,
);

const MIB: u64 = 1024 * 1024;

/// What abuse may add to resident memory where nothing has to be kept for anybody.
const GROWTH_BYTES_MAX: u64 = 48 * MIB;

/// Two clients that must never notice anything, and the memory the server had beside them.
struct Bystanders {
    publisher: RawClient,
    subscriber: RawClient,
    exchanged: u64,
    resident_before: u64,
}

impl Bystanders {
    fn of(server: &Server) -> Self {
        let (publisher, mut subscriber) = (server.connect(), server.connect());
        subscriber.subscribe("bystander", 1);
        let mut pair = Self { publisher, subscriber, exchanged: 0, resident_before: 0 };
        pair.exchange();
        pair.resident_before = server.resident_bytes().expect("the server runs");
        pair
    }

    /// One message, through the server and exactly that one.
    fn exchange(&mut self) {
        self.exchanged += 1;
        self.publisher.publish("bystander", self.exchanged.to_string());
        assert_eq!(self.subscriber.next_message().text(), self.exchanged.to_string());
    }

    fn assert_growth_within(&self, server: &Server, limit: u64) {
        let resident = server.resident_bytes().expect("the server runs");
        let growth = resident.saturating_sub(self.resident_before);
        assert!(growth <= limit, "resident memory grew by {} MiB", growth / MIB);
    }

    fn assert_unharmed(&mut self, server: &Server) {
        self.exchange();
        self.assert_growth_within(server, GROWTH_BYTES_MAX);
    }
}

/// A connection that has read INFO and sent nothing.
fn greeted(server: &Server) -> RawClient {
    let mut client = RawClient::dial(server.addr());
    assert!(matches!(client.next_op(), ServerOp::Info(_)));
    client
}

fn half_a_frame_holds_up_nobody_else(setup: Setup) {
    let server = Server::with(setup);
    let mut bystanders = Bystanders::of(&server);
    let long_subject = format!("SUB {}", "s".repeat(4000));
    let halves = [
        "C",
        "CONNECT {\"verbose\":",
        "PI",
        "SUB",
        "SUB bystander",
        "PUB bystander",
        &long_subject,
        "PUB bystander 5\r\n",
        "PUB bystander 5\r\nab",
        "PUB bystander 5\r\nabcde",
        "UNSUB ",
        "PUB bystander 5\r\nabcde\r",
        "HPUB bystander 12",
        "HPUB bystander 12 14\r\nNATS/1.0\r",
    ];
    let mut clients = Vec::new();
    for half in halves.iter().cycle().take(10 * halves.len()) {
        let mut client = greeted(&server);
        client.send(half);
        clients.push(client);
        bystanders.exchange();
    }
    for client in &mut clients {
        client.close_write();
        client.read_to_close();
    }
    bystanders.assert_unharmed(&server);
}

fn garbage_ends_its_own_connection_only(setup: Setup) {
    const CONNECTIONS: u64 = 200;
    let server = Server::with(setup);
    let mut bystanders = Bystanders::of(&server);
    for seed in 1..=CONNECTIONS {
        let mut client = greeted(&server);
        // The server may close after the first byte, and need not take the rest.
        let _ = client.try_send(garbage(seed, 16 * 1024));
        client.close_write();
        client.read_to_close();
        bystanders.exchange();
    }
    bystanders.assert_unharmed(&server);
}

/// Bytes from a xorshift generator; half of the streams begin like a real one.
fn garbage(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut bytes = if seed.is_multiple_of(2) { CONNECT_LINE.as_bytes().to_vec() } else { Vec::new() };
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}

fn impossible_sizes_are_refused(setup: Setup) {
    let server = Server::with(setup);
    let mut bystanders = Bystanders::of(&server);
    let too_large = "-ERR 'Maximum Payload Violation'\r\n";
    let refusals = [
        ("PUB bystander -1\r\n", ""),
        ("PUB bystander +1\r\n", ""),
        ("PUB bystander 1x\r\n", ""),
        ("PUB bystander 4294967296\r\n", ""),
        ("PUB bystander 18446744073709551615\r\n", ""),
        ("PUB bystander 99999999999999999999999999\r\n", ""),
        ("PUB bystander 1048577\r\n", too_large),
        ("PUB bystander 999999999\r\n", too_large),
        ("HPUB bystander -1 5\r\n", ""),
        ("HPUB bystander 5 -1\r\n", ""),
        ("HPUB bystander 6 5\r\n", ""),
        ("HPUB bystander 12 1048577\r\n", too_large),
        ("HPUB bystander 99999999999999999999 99999999999999999999\r\n", ""),
    ];
    for (frame, answer) in refusals {
        let mut client = server.connect();
        client.send(frame);
        let got = String::from_utf8_lossy(&client.read_to_close()).into_owned();
        let got: String = got.split_inclusive('\n').filter(|line| !line.starts_with("INFO ")).collect();
        assert_eq!(got, answer, "after {frame:?}");
        bystanders.exchange();
    }
    bystanders.assert_unharmed(&server);
}

/// 200 MiB announced, nothing sent.
fn an_announced_payload_costs_nothing_until_it_comes(setup: Setup) {
    let server = Server::with(setup);
    let mut bystanders = Bystanders::of(&server);
    let mut clients: Vec<RawClient> = (0..200).map(|_| server.connect()).collect();
    for client in &mut clients {
        // The PONG shows that the server has read up to here.
        client.send("PING\r\nPUB bystander 1048576\r\nx");
        client.read_to_pong();
    }
    bystanders.assert_unharmed(&server);
}

fn a_peer_that_never_reads_is_cut_off(setup: Setup) {
    /// More than `max_pending` (64 MiB) and all socket buffers on the way.
    const MESSAGES: u64 = 100;
    let server = Server::with(setup);
    let mut bystanders = Bystanders::of(&server);
    let mut stalled = server.connect();
    stalled.subscribe("flood", 1);
    let mut reader = server.connect();
    reader.subscribe("flood", 1);
    let mut publisher = server.connect();
    let payload = vec![b'f'; MIB as usize];
    for number in 0..MESSAGES {
        publisher.publish("flood", &payload);
        assert_eq!(reader.next_message().payload.len(), payload.len(), "message {number}");
        bystanders.exchange();
        // The backlog of the stalled peer, twice over while buffers are copied or collected.
        bystanders.assert_growth_within(&server, 3 * 64 * MIB);
    }
    let line = server.log().wait_for("Slow Consumer Detected", ANSWER_DEADLINE);
    assert!(line.is_some(), "the log names it:\n{}", server.log().text());
    stalled.read_to_close();
    publisher.flush();
    bystanders.exchange();
}

fn a_peer_that_vanishes_leaves_no_message_behind(setup: Setup) {
    let server = Server::with(setup);
    let mut bystanders = Bystanders::of(&server);
    for round in 0..200 {
        let mut client = server.connect();
        client.subscribe("bystander", 1);
        client.send("PUB bystander 1000000\r\n");
        client.send(vec![b'v'; round * 1000]);
        bystanders.exchange();
        client.reset();
    }
    bystanders.assert_unharmed(&server);
    assert_eq!(bystanders.subscriber.flush(), [], "half a message was delivered");
}

fn connections_that_come_and_go_leave_nothing_behind(setup: Setup) {
    const CONNECTIONS: usize = 20_000;
    const AT_ONCE: usize = 8;
    let server = Server::with(setup);
    let mut bystanders = Bystanders::of(&server);
    let open_before = server.open_files().expect("the server runs");
    thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let server = &server;
            scope.spawn(move || {
                for round in 0..CONNECTIONS / AT_ONCE {
                    come_and_go(server, worker + round);
                }
            });
        }
        for _ in 0..100 {
            bystanders.exchange();
        }
    });
    await_open_files(&server, &mut bystanders, |open| open <= open_before);
    bystanders.assert_unharmed(&server);
}

/// In turn: a reset before INFO, an orderly close after it, and one with a subscription.
fn come_and_go(server: &Server, variant: usize) {
    match variant % 3 {
        0 => RawClient::dial(server.addr()).reset(),
        1 => drop(greeted(server)),
        _ => {
            let mut client = server.connect();
            client.send("SUB bystander.> 1\r\nPUB nobody 1\r\nx\r\n");
            client.reset();
        }
    }
}

/// Exchanges messages until the server's descriptors are as wanted: every look is one round trip.
fn await_open_files(server: &Server, bystanders: &mut Bystanders, wanted: impl Fn(usize) -> bool) {
    let deadline = Instant::now() + ANSWER_DEADLINE;
    loop {
        bystanders.exchange();
        let open = server.open_files().expect("the server runs");
        if wanted(open) {
            return;
        }
        assert!(Instant::now() < deadline, "the server still has {open} descriptors");
    }
}

fn accepting_pauses_without_descriptors_and_resumes(setup: Setup) {
    const OPEN_FILES_MAX: u32 = 256;
    /// More than can be open at once, so that some must wait for others to leave.
    const CROWD: usize = 400;
    let open_files_max = Some(OPEN_FILES_MAX);
    let options = ServerOptions { setup, open_files_max, ..ServerOptions::default() };
    let server = Server::start(options).expect("the server starts");
    let mut bystanders = Bystanders::of(&server);
    let mut crowd: Vec<TcpStream> = (0..CROWD)
        .map(|_| TcpStream::connect_timeout(&server.addr(), ANSWER_DEADLINE).expect("the backlog takes it"))
        .collect();
    // A few descriptors may be kept back for other ends.
    await_open_files(&server, &mut bystanders, |open| open + 16 >= OPEN_FILES_MAX as usize);
    for _ in 0..100 {
        bystanders.exchange();
    }
    // Whoever is greeted leaves and makes room for the next.
    while !crowd.is_empty() {
        let ready = await_readable(&crowd).expect("somebody is accepted");
        let mut client = RawClient::over(crowd.swap_remove(ready)).expect("options of a socket");
        let first = client.next_op();
        assert!(matches!(first, ServerOp::Info(_)), "{first:?} instead of INFO");
    }
    bystanders.assert_unharmed(&server);
    let _ = server.connect();
}

/// The index of a connection that has something to read.
fn await_readable(crowd: &[TcpStream]) -> io::Result<usize> {
    let timeout = Timespec::try_from(ANSWER_DEADLINE).expect("the deadline is short");
    let mut polled: Vec<PollFd<'_>> = crowd.iter().map(|stream| PollFd::new(stream, PollFlags::IN)).collect();
    poll(&mut polled, Some(&timeout))?;
    let ready = polled.iter().position(|entry| !entry.revents().is_empty());
    ready.ok_or_else(|| io::Error::other("nobody was accepted in time"))
}

/// Many more than the server has buffers to receive into, at the same moment, again and again.
fn a_crowd_that_speaks_at_once_is_heard(setup: Setup) {
    const CROWD: usize = 200;
    const ROUNDS: usize = 10;
    let server = Server::with(setup);
    let mut listener = server.connect();
    listener.subscribe("crowd.*", 1);
    let mut crowd: Vec<_> = (0..CROWD).map(|_| server.connect()).collect();
    for round in 0..ROUNDS {
        for (index, speaker) in crowd.iter_mut().enumerate() {
            speaker.publish(&format!("crowd.{index}"), round.to_string());
        }
        let mut heard: Vec<String> = (0..CROWD)
            .map(|_| {
                let message = listener.next_message();
                assert_eq!(message.text(), round.to_string());
                message.subject
            })
            .collect();
        heard.sort_unstable();
        heard.dedup();
        assert_eq!(heard.len(), CROWD, "each is heard once");
    }
}
