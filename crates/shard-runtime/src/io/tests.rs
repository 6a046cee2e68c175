//! What both backends promise the driver.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use rustix::event::{EventfdFlags, eventfd};

use super::*;
use crate::bell;

const BACKENDS: [Backend; 2] = [Backend::Uring, Backend::Epoll];

/// Only a hang reaches it.
const PATIENCE: Wait = Wait::For(Duration::from_secs(30));

/// An event without its buffer.
#[derive(Debug, PartialEq)]
enum Seen {
    Bytes(ConnId, Vec<u8>),
    Ended(ConnId, End),
    Writable(ConnId),
}

struct Rig {
    io: Io,
    control: Arc<OwnedFd>,
}

impl Rig {
    fn on(backend: Backend) -> Self {
        let control = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap());
        Self { io: Io::new(backend, Arc::clone(&control)).unwrap(), control }
    }

    /// A connection, and its other end.
    fn connection(&mut self, slot: u64) -> (ConnId, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let id = ConnId::from_bits(slot);
        self.io.adopt(id, near.into()).unwrap();
        (id, far)
    }

    fn turn(&mut self, wait: Wait) -> Vec<Seen> {
        self.io.wait(wait).unwrap();
        let (mut events, mut seen) = (Vec::new(), Vec::new());
        loop {
            let has_more = self.io.take_events(&mut events).unwrap();
            for event in events.drain(..) {
                seen.push(match event {
                    Event::Received(id, received) => {
                        let bytes = self.io.bytes(&received).to_vec();
                        self.io.give_back(received);
                        Seen::Bytes(id, bytes)
                    }
                    Event::ReceiveEnded(id, end) => Seen::Ended(id, end),
                    Event::Writable(id) => Seen::Writable(id),
                    other => panic!("nobody asked for {other:?}"),
                });
            }
            if !has_more {
                return seen;
            }
        }
    }

    fn next_events(&mut self) -> Vec<Seen> {
        loop {
            let seen = self.turn(PATIENCE);
            if !seen.is_empty() {
                return seen;
            }
        }
    }
}

#[test]
fn what_was_sent_comes_before_the_end_and_nothing_after() {
    for backend in BACKENDS {
        let mut rig = Rig::on(backend);
        let (id, mut far) = rig.connection(3);
        rig.io.receive(id).unwrap();
        far.write_all(b"last words").unwrap();
        drop(far);
        let mut seen = Vec::new();
        while seen.len() < 2 {
            seen.extend(rig.next_events());
        }
        assert_eq!(seen, [Seen::Bytes(id, b"last words".to_vec()), Seen::Ended(id, End::Closed)]);
        rig.io.receive(id).unwrap();
        assert_eq!(rig.turn(Wait::No), []);
    }
}

/// What comes behind the end of a stopped receive stays in the socket, for whoever gets it next.
#[test]
fn a_stopped_receive_leaves_the_rest_to_the_next_owner() {
    for backend in BACKENDS {
        let mut rig = Rig::on(backend);
        let (id, mut far) = rig.connection(0);
        rig.io.receive(id).unwrap();
        far.write_all(b"a").unwrap();
        assert_eq!(rig.next_events(), [Seen::Bytes(id, b"a".to_vec())]);
        if !rig.io.stop_receiving(id).unwrap() {
            assert_eq!(rig.next_events(), [Seen::Ended(id, End::Stopped)]);
        }
        assert!(rig.io.stop_receiving(id).unwrap(), "it has stopped");
        far.write_all(b"b").unwrap();
        assert_eq!(rig.turn(Wait::No), []);

        let socket = rig.io.release(id).unwrap().expect("it was there");
        let mut rig = Rig::on(backend);
        rig.io.adopt(id, socket).unwrap();
        rig.io.receive(id).unwrap();
        far.write_all(b"c").unwrap();
        let mut rest = Vec::new();
        while rest.len() < 2 {
            let seen = rig.next_events();
            rest.extend(seen.into_iter().flat_map(|event| match event {
                Seen::Bytes(_, bytes) => bytes,
                other => panic!("{other:?} before the end"),
            }));
        }
        assert_eq!(rest, b"bc");
    }
}

#[test]
fn a_receive_that_was_stopped_can_be_asked_for_again() {
    for backend in BACKENDS {
        let mut rig = Rig::on(backend);
        let (id, mut far) = rig.connection(0);
        rig.io.receive(id).unwrap();
        assert_eq!(rig.turn(Wait::No), []);
        if !rig.io.stop_receiving(id).unwrap() {
            assert_eq!(rig.next_events(), [Seen::Ended(id, End::Stopped)]);
        }
        far.write_all(b"x").unwrap();
        rig.io.receive(id).unwrap();
        assert_eq!(rig.next_events(), [Seen::Bytes(id, b"x".to_vec())]);
    }
}

#[test]
fn a_full_socket_tells_once_when_it_takes_bytes_again() {
    for backend in BACKENDS {
        let mut rig = Rig::on(backend);
        let (id, mut far) = rig.connection(5);
        let mut near = UnixStream::from(rig.io.socket(id).unwrap().try_clone_to_owned().unwrap());
        let full = loop {
            if let Err(error) = near.write(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        rig.io.await_writable(id).unwrap();
        assert_eq!(rig.turn(Wait::No), []);
        far.set_nonblocking(true).unwrap();
        while far.read(&mut [0; 4096]).is_ok() {}
        assert_eq!(rig.next_events(), [Seen::Writable(id)]);
        assert_eq!(rig.turn(Wait::No), []);
    }
}

#[test]
fn polling_finds_what_came_and_nothing_else() {
    for backend in BACKENDS {
        let mut rig = Rig::on(backend);
        let (id, mut far) = rig.connection(1);
        rig.io.receive(id).unwrap();
        assert_eq!(rig.turn(Wait::No), []);
        assert!(!rig.io.poll().unwrap());
        far.write_all(b"x").unwrap();
        assert!(rig.io.poll().unwrap(), "bytes are there");
        let mut events = Vec::new();
        rig.io.take_events(&mut events).unwrap();
        assert!(matches!(events[..], [Event::Received(from, _)] if from == id));
    }
}

/// The more a turn takes in, the larger are the sends that carry it on.
#[test]
fn on_epoll_whoever_has_more_comes_again_in_the_turn_behind_the_others() {
    let mut rig = Rig::on(Backend::Epoll);
    let mut open = |slot| {
        let (id, mut far) = rig.connection(slot);
        rig.io.receive(id).unwrap();
        far.write_all(&[b'x'; 100_000]).unwrap();
        (id, far)
    };
    let ends = [open(0), open(1)];
    let heard: Vec<_> = rig
        .turn(PATIENCE)
        .into_iter()
        .map(|event| match event {
            Seen::Bytes(id, bytes) => (id, bytes.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    let (first, second) = (heard[0].0, heard[1].0);
    assert_ne!(first, second);
    assert_eq!(heard.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [first, second, first, second]);
    assert_eq!(heard.iter().map(|(_, len)| len).sum::<usize>(), 200_000);
    drop(ends);
}

/// More of them than io_uring has buffers, and each has more to say than a turn takes.
#[test]
fn a_crowd_is_heard_to_the_end() {
    const CROWD: u64 = 100;
    for backend in BACKENDS {
        let mut rig = Rig::on(backend);
        let speech = |id: ConnId| -> Vec<u8> {
            (0..100_000_u32).map(|position| (position % 251) as u8 ^ id.slot() as u8).collect()
        };
        for slot in 0..CROWD {
            let (id, mut far) = rig.connection(slot);
            rig.io.receive(id).unwrap();
            far.write_all(&speech(id)).unwrap();
        }
        let mut heard = vec![Vec::new(); CROWD as usize];
        let mut ended = 0;
        while ended < CROWD {
            for event in rig.next_events() {
                match event {
                    Seen::Bytes(id, bytes) => heard[id.slot()].extend(bytes),
                    Seen::Ended(id, End::Closed) => {
                        assert_eq!(heard[id.slot()], speech(id));
                        ended += 1;
                    }
                    // It filled a buffer, and gets the next when it is asked for.
                    Seen::Ended(id, End::Stopped) => rig.io.receive(id).unwrap(),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn the_event_counter_wakes_each_time() {
    for backend in BACKENDS {
        let mut rig = Rig::on(backend);
        for _ in 0..3 {
            bell::ring(&rig.control);
            assert_eq!(rig.turn(Wait::Forever), []);
        }
    }
}

/// Shorter and longer than what the kernel's plain wait counts in.
#[test]
fn a_wait_ends_with_its_time_and_sees_what_comes_meanwhile() {
    for backend in BACKENDS {
        for time in [Duration::from_micros(50), Duration::from_micros(1_500)] {
            let mut rig = Rig::on(backend);
            let (id, mut far) = rig.connection(0);
            rig.io.receive(id).unwrap();
            assert_eq!(rig.turn(Wait::For(time)), []);
            far.write_all(b"x").unwrap();
            let seen = std::iter::repeat_with(|| rig.turn(Wait::For(time))).find(|seen| !seen.is_empty());
            assert_eq!(seen.unwrap(), [Seen::Bytes(id, b"x".to_vec())]);
        }
    }
}
