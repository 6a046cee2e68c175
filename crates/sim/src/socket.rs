//! A client's socket, both directions.

use std::collections::VecDeque;

use crate::random::Random;

/// How a client ends its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// It sends no more; what it sent still arrives.
    Graceful,
    /// What has not arrived never will.
    Reset,
}

#[derive(Debug, Default)]
pub(crate) struct Socket {
    /// From the client, not yet read by the server.
    pub(crate) up: VecDeque<u8>,
    /// From the server, not yet read by the client.
    pub(crate) down: VecDeque<u8>,
    capacity: usize,
    /// Takes nothing before this time.
    shut_until: u64,
    /// The server was told that the socket is full.
    pub(crate) told_full: bool,
    pub(crate) hangup: Option<Hangup>,
}

impl Socket {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    pub(crate) fn is_writable(&self, now: u64) -> bool {
        self.room(now) > 0
    }

    fn room(&self, now: u64) -> usize {
        if self.hangup.is_some() {
            return usize::MAX;
        }
        if now < self.shut_until { 0 } else { self.capacity - self.down.len() }
    }

    /// Takes some of the bytes, as the socket pleases. What is sent to a client that hung up
    /// disappears.
    pub(crate) fn write<'a>(
        &mut self,
        now: u64,
        random: &mut Random,
        slices: impl Iterator<Item = &'a [u8]>,
    ) -> usize {
        if random.chance(2) {
            self.shut_until = now + random.between(10_000, 5_000_000);
        }
        let mut room = self.room(now);
        if room > 1 && random.chance(20) {
            room = random.size(1, room.min(300));
        }
        let mut taken = 0;
        for slice in slices {
            let part = slice.len().min(room - taken);
            if self.hangup.is_none() {
                self.down.extend(&slice[..part]);
            }
            taken += part;
        }
        taken
    }

    /// The server reads up to `max` bytes.
    pub(crate) fn read_up(&mut self, max: usize) -> Vec<u8> {
        take_front(&mut self.up, max)
    }

    /// The client reads up to `max` bytes.
    pub(crate) fn read_down(&mut self, max: usize) -> Vec<u8> {
        take_front(&mut self.down, max)
    }
}

/// Up to `max` bytes, copied in two pieces rather than one by one.
fn take_front(bytes: &mut VecDeque<u8>, max: usize) -> Vec<u8> {
    let count = bytes.len().min(max);
    let (front, back) = bytes.as_slices();
    let mut taken = front[..count.min(front.len())].to_vec();
    taken.extend_from_slice(&back[..count - taken.len()]);
    bytes.drain(..count);
    taken
}
