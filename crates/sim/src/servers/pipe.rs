//! A connection between two servers: bytes that come late, in pieces, or never.

use std::collections::VecDeque;

use conns::{ConnId, Time};

use super::server::Server;
use crate::random::Random;

/// Bytes that arrive at once.
const PIECE_BYTES_MAX: usize = 400;

/// One connection, and its two ends: who dialed, and who was dialed.
#[derive(Debug)]
pub(super) struct Pipe {
    ends: [End; 2],
    is_cut: bool,
}

#[derive(Debug)]
struct End {
    server: usize,
    id: ConnId,
    /// What is under way to it.
    arriving: VecDeque<u8>,
    /// It was told that the connection is over, or closed it itself.
    is_over: bool,
}

impl End {
    fn new((server, id): (usize, ConnId)) -> Self {
        Self { server, id, arriving: VecDeque::new(), is_over: false }
    }
}

impl Pipe {
    pub(super) fn new(dialer: (usize, ConnId), dialed: (usize, ConnId)) -> Self {
        Self { ends: [End::new(dialer), End::new(dialed)], is_cut: false }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.is_cut && self.ends.iter().all(|end| !end.is_over)
    }

    pub(super) fn is_of(&self, server: usize, id: ConnId) -> bool {
        self.ends.iter().any(|end| (end.server, end.id) == (server, id) && !end.is_over)
    }

    /// It breaks: what was under way is lost.
    pub(super) fn cut(&mut self) {
        self.is_cut = true;
        self.ends.iter_mut().for_each(|end| end.arriving.clear());
    }

    /// The server closed it: the other end hears what was said before.
    pub(super) fn close(&mut self, server: usize) {
        let own = usize::from(self.ends[1].server == server);
        self.ends[own].is_over = true;
    }

    /// The server says something.
    pub(super) fn put(&mut self, server: usize, bytes: &[u8]) {
        let other = usize::from(self.ends[0].server == server);
        if !self.is_cut {
            self.ends[other].arriving.extend(bytes);
        }
    }

    /// Some of what is under way to a server arrives, or all of it.
    pub(super) fn deliver_to(
        &mut self,
        at: usize,
        server: &mut Server,
        now: Time,
        random: &mut Random,
        all: bool,
    ) {
        let own = usize::from(self.ends[1].server == at);
        if self.ends[own].server != at || self.ends[own].is_over {
            return;
        }
        let is_other_over = self.ends[1 - own].is_over;
        let end = &mut self.ends[own];
        let count = if all { end.arriving.len() } else { random.size(0, PIECE_BYTES_MAX) };
        let piece: Vec<u8> = end.arriving.drain(..count.min(end.arriving.len())).collect();
        if !piece.is_empty() {
            server.feed(now, 0, end.id, &piece);
        }
        if end.arriving.is_empty() && (self.is_cut || is_other_over) {
            end.is_over = true;
            server.hang_up(end.id);
        }
    }
}
