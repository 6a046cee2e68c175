//! Reads that wait outside of the broker for their connection's turn, as the runtime keeps them in the buffers
//! they came in.

use std::collections::VecDeque;

use broker::{ConnId, Time};

use crate::world::{Connection, World};

/// Reads of one connection, of the first of which some bytes are done with.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    reads: VecDeque<Vec<u8>>,
    done: usize,
}

impl World {
    /// A shard takes in what a client has said. What is left of it waits here, or with the broker.
    pub(crate) fn take_in(&mut self, shard: usize, id: ConnId, bytes: Vec<u8>) {
        if let Some(aside) = self.aside[shard].get_mut(&id) {
            if self.schedule.chance(50) {
                return aside.reads.push_back(bytes);
            }
            self.take_over_reads(shard, id);
        }
        let broker = &mut self.brokers[shard];
        let done = broker.take_in(Time(self.now), id, &bytes, 0);
        if done < bytes.len() && self.schedule.chance(60) && broker.line_up_with_read(id) {
            self.aside[shard].insert(id, Aside { reads: [bytes].into(), done });
            self.stats.aside += 1;
        } else {
            broker.keep(id, &bytes, done);
        }
    }

    /// Serves the next in line for a stretch.
    pub(crate) fn serve(&mut self, shard: usize, id: ConnId) {
        let now = Time(self.now);
        let broker = &mut self.brokers[shard];
        let Some(mut aside) = self.aside[shard].remove(&id) else { return broker.serve(now, id) };
        let Some(first) = aside.reads.front() else { unreachable!("nothing waits without a read") };
        aside.done = broker.serve_read(now, id, first, aside.done, aside.reads.len() > 1);
        let mut stays = broker.is_in_line(id);
        if aside.done == first.len() {
            aside.reads.pop_front();
            aside.done = 0;
            if !aside.reads.is_empty() {
                stays = broker.is_in_line(id);
            } else if let Some(more) = self.read_more(shard, id) {
                aside.reads.push_back(more);
                stays = self.brokers[shard].go_on_with_read(id);
            } else {
                return;
            }
        }
        self.aside[shard].insert(id, aside);
        if !stays {
            self.take_over_reads(shard, id);
        }
    }

    /// What the client of a connection has said meanwhile, if the connection may go on with it at once.
    fn read_more(&mut self, shard: usize, id: ConnId) -> Option<Vec<u8>> {
        let broker = &self.brokers[shard];
        let may_go_on = broker.wants_input(id) && !broker.has_had_its_share(id);
        if !may_go_on || !self.schedule.chance(50) {
            return None;
        }
        let index = *self.by_id[shard].get(&id)?;
        let Connection { socket, .. } = &mut self.connections[index];
        if socket.up.is_empty() || socket.hangup.is_some() {
            return None;
        }
        let count = self.schedule.size(1, 2000);
        Some(socket.read_up(count))
    }

    fn take_over_reads(&mut self, shard: usize, id: ConnId) {
        let Some(Aside { reads, mut done }) = self.aside[shard].remove(&id) else { return };
        for read in reads {
            self.brokers[shard].take_over_read(id, &read, std::mem::take(&mut done));
        }
    }
}
