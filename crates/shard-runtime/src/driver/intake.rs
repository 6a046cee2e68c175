//! What comes in: events, connections, batches of other shards, bytes of clients.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use broker::{CloseReason, ConnId, Placed, Time};
use fabric::ShardId;

use super::stopping::Stage;
use super::turns::Behind;
use super::{Driver, MEASURES};
use crate::io::{End, Event, Notice, Received};
use crate::mesh_port::{MeshPort, Parcel};

impl Driver {
    /// Takes what happened and what other shards have sent. Until all of it is taken in nothing newer is heard,
    /// which would overtake it: if that is too much for a turn, not before the next one goes on with it.
    pub(super) fn take_events(&mut self, now: Time) -> io::Result<()> {
        let mut has_more = true;
        while has_more {
            if !std::mem::replace(&mut self.is_taking_in, true) {
                has_more = self.io.take_events(&mut self.events)?;
                self.note_parcels();
            }
            // Whatever made a client send what was just received may have come from another shard,
            // and what that shard sent us before counts first (docs/decisions/0001-interest-fence.md).
            if !self.take_parcels(now)? {
                return Ok(());
            }
            let mut events = std::mem::take(&mut self.events);
            self.take_in(now, &mut events)?;
            self.events = events;
            self.is_taking_in = false;
            has_more &= !self.broker.is_turn_long();
        }
        Ok(())
    }

    pub(super) fn on_event(&mut self, now: Time, event: Event) -> io::Result<()> {
        match event {
            Event::Received(id, received) => self.on_received(now, id, received, 0, Behind::Unknown)?,
            Event::ReceiveEnded(id, end) => self.on_receive_ended(id, end)?,
            Event::Writable(id) => self.on_writable(now, id)?,
            Event::Accepted(socket) => self.on_accepted(now, socket)?,
            Event::Own(Notice::AcceptEnded(error)) => {
                if let Some(acceptor) = &mut self.acceptor {
                    acceptor.on_ended(&mut self.io, now, error)?;
                }
            }
            Event::Own(Notice::BellFailed(shard)) => self.bells[shard.index()].ring_control(),
        }
        Ok(())
    }

    /// Bytes came in. The first `done` of them have been acted on.
    pub(super) fn on_received(
        &mut self,
        now: Time,
        id: ConnId,
        mut received: Received,
        done: usize,
        behind: Behind,
    ) -> io::Result<()> {
        if self.stage != Stage::Serving {
            self.io.give_back(received);
            return Ok(());
        }
        self.received_bytes += self.io.bytes(&received).len();
        if self.is_aside_full() {
            // Who waits has its turn now: what comes next would have to be copied.
            self.serve_line(now)?;
        }
        if self.links.has(id) {
            self.on_received_secured(now, id, &mut received)?;
            self.io.give_back(received);
        } else if let Some(mut received) = self.put_behind(id, received, done) {
            let alone = behind == Behind::Nothing;
            let (dirty_before, steps_before) = (self.broker.dirty_count(), self.broker.turn_steps());
            let mut done = self.act_on(now, id, &received, done, alone)?;
            while done == self.io.bytes(&received).len() && alone && self.goes_on(id, &mut received) {
                done = self.act_on(now, id, &received, 0, alone)?;
                self.flush_if_much(now)?;
            }
            let is_done = done == self.io.bytes(&received).len();
            if is_done && behind == Behind::Others && self.receives_now(id, &mut received) {
                // It has more to say, and a turn like everybody.
                done = 0;
            }
            self.put_aside(id, received, done);
            self.note_prompt(dirty_before, steps_before);
        }
        self.steer_receive(id)?;
        self.flush_if_much(now)
    }

    /// Receives more at once from a connection whose read is done with while nobody else has anything to say.
    fn goes_on(&mut self, id: ConnId, received: &mut Received) -> bool {
        let is_free = !self.broker.is_turn_long() && !self.broker.is_anyone_in_line();
        is_free && self.receives_now(id, received)
    }

    /// Has the broker act on what came in, share after share while nobody else has anything to say (`alone`: there
    /// is nothing behind it). Returns how many bytes are done with.
    fn act_on(
        &mut self,
        now: Time,
        id: ConnId,
        received: &Received,
        mut done: usize,
        alone: bool,
    ) -> io::Result<usize> {
        let len = self.io.bytes(received).len();
        if self.broker.is_anyone_in_line() && len > MEASURES.start_bytes {
            // It would only begin what it cannot go on with, and fill the outboxes of its readers in crumbs.
            return Ok(done);
        }
        loop {
            done = self.broker.take_in(now, id, self.io.bytes(received), done);
            if done == len
                || !alone
                || self.broker.is_turn_long()
                || self.broker.is_anyone_in_line()
                || self.has_news()
                || self.io.poll()?
            {
                return Ok(done);
            }
            self.flush_if_much(now)?;
            self.broker.renew_share(id);
        }
    }

    fn on_receive_ended(&mut self, id: ConnId, end: End) -> io::Result<()> {
        if self.stage != Stage::Serving {
            return Ok(());
        }
        if end == End::Stopped {
            self.note_eager(id);
            return self.steer_receive(id);
        }
        if !self.fails_opening(id, end) {
            self.hang_up(id, end);
        }
        Ok(())
    }

    /// Nothing more comes from a connection that is open.
    pub(super) fn hang_up(&mut self, id: ConnId, end: End) {
        let reason = if end == End::Closed { CloseReason::ClientClosed } else { self.reason_to_end(id) };
        self.broker.on_hangup(id, reason);
    }

    /// Receives from a connection while the broker wants its input, and not while it does not.
    pub(super) fn steer_receive(&mut self, id: ConnId) -> io::Result<()> {
        let is_wanted =
            self.broker.wants_input(id) && self.links.peek(id).is_none_or(|link| link.wants_input());
        if is_wanted { self.io.receive(id) } else { self.io.stop_receiving(id).map(drop) }
    }

    fn on_accepted(&mut self, now: Time, socket: OwnedFd) -> io::Result<()> {
        let Some(acceptor) = &mut self.acceptor else { return Ok(()) };
        // Without a name the peer is gone already.
        let Ok(Some(peer)) = rustix::net::getpeername(&socket) else { return Ok(()) };
        let Ok(mut peer) = SocketAddr::try_from(peer) else { return Ok(()) };
        peer.set_ip(peer.ip().to_canonical());
        acceptor.on_accepted(&socket, peer.ip());
        self.patience.on_newcomer();
        self.place(now, socket, peer)
    }

    fn place(&mut self, now: Time, socket: OwnedFd, peer: SocketAddr) -> io::Result<()> {
        self.board.read(now, &mut self.loads);
        let placed = self.broker.place(&self.loads);
        if placed.shard == self.shard {
            return self.adopt(now, socket, placed, peer);
        }
        // The shard may not know yet what the others want.
        if let Some(batch) = self.broker.take_batch(placed.shard) {
            self.port(placed.shard).send(Parcel::Batch(batch));
        }
        self.port(placed.shard).send(Parcel::Connection { socket, placed, peer });
        self.ring_bell(placed.shard)
    }

    fn adopt(&mut self, now: Time, fd: OwnedFd, placed: Placed, peer: SocketAddr) -> io::Result<()> {
        let id = self.broker.on_accepted(now, placed, peer, self.greeting());
        self.io.adopt(id, fd)?;
        self.link_up(now, id);
        self.steer_receive(id)
    }

    /// Notes what other shards have sent so far.
    fn note_parcels(&mut self) {
        for port in self.ports.iter_mut().flatten() {
            port.due = port.inbound.slots();
        }
    }

    /// Takes what was noted, as far as the turn goes. Returns whether that was all.
    fn take_parcels(&mut self, now: Time) -> io::Result<bool> {
        for peer in ShardId::all(self.ports.len()) {
            while self.ports[peer.index()].as_ref().is_some_and(MeshPort::has_due) {
                if self.broker.is_turn_long() {
                    return Ok(false);
                }
                let port = self.port(peer);
                let Some(parcel) = port.next_due() else { break };
                match parcel {
                    Parcel::Batch(batch) => {
                        let rest = self.broker.on_batch(now, peer, batch);
                        let is_whole = rest.is_none();
                        self.port(peer).rest = rest;
                        self.flush_if_much(now)?;
                        if !is_whole {
                            return Ok(false);
                        }
                    }
                    Parcel::Connection { socket, placed, peer } => self.adopt(now, socket, placed, peer)?,
                    Parcel::Moved(moved) => self.on_moved(moved)?,
                    Parcel::Last => port.ended = true,
                }
            }
        }
        Ok(true)
    }

    pub(super) fn on_deadlines(&mut self, now: Time) -> io::Result<()> {
        self.broker.on_deadlines(now);
        self.on_link_deadlines(now);
        match &mut self.acceptor {
            Some(acceptor) => acceptor.on_deadline(&mut self.io, now),
            None => Ok(()),
        }
    }

    /// Receives again from connections that were held.
    pub(super) fn receive_from_resumed(&mut self) -> io::Result<()> {
        let mut ids = std::mem::take(&mut self.ids);
        self.broker.take_resumed(&mut ids);
        for id in &ids {
            self.steer_receive(*id)?;
        }
        self.ids = ids;
        Ok(())
    }
}
