//! What comes in: events, connections, bytes of clients.

use broker::Placed;
use conns::{CloseReason, ConnId, Peer, Time};
use nats_auth::ConnectionType;

use crate::event::{End, Event, Parcel};
use crate::receiving::{Behind, is_long};
use crate::shard_core::ShardCore;
use crate::shell::{EventOf, Shell};
use crate::stopping::Stage;

/// Connections from within the process that may wait until all streams are found. Those beyond are closed.
const EARLY_MAX: usize = 1024;

impl<S: Shell> ShardCore<S> {
    /// Takes what happened and what other shards have sent. Until all of it is taken in nothing newer is heard,
    /// which would overtake it: if that is too much for a turn, not before the next one goes on with it.
    ///
    /// # Errors
    /// The shell fails the shard.
    pub fn take_events(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        let mut has_more = true;
        while has_more {
            if !std::mem::replace(&mut self.is_taking_in, true) {
                has_more = shell.take_events(&mut self.events)?;
                self.note_parcels(shell);
            }
            if self.forged.input_first {
                self.take_in_all(shell, now)?;
            }
            // Whatever made a client send what was just received may have come from another shard,
            // and what that shard sent us before counts first (docs/decisions/0001-interest-fence.md).
            if !self.take_parcels(shell, now)? {
                return Ok(());
            }
            self.take_in_all(shell, now)?;
            self.is_taking_in = false;
            has_more &= !self.broker.is_turn_long();
        }
        Ok(())
    }

    fn take_in_all(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        let mut events = std::mem::take(&mut self.events);
        self.take_in(shell, now, &mut events)?;
        self.events = events;
        Ok(())
    }

    pub(crate) fn on_event(&mut self, shell: &mut S, now: Time, event: EventOf<S>) -> Result<(), S::Error> {
        match event {
            Event::Received(id, read) => self.on_received(shell, now, id, read, 0, Behind::Unknown),
            Event::ReceiveEnded(id, end) => self.on_receive_ended(shell, id, end),
            Event::Writable(id) => self.on_writable(shell, now, id),
            Event::Accepted(socket, how) => self.on_accepted(shell, now, socket, how),
            Event::Own(notice) => shell.on_notice(now, notice),
        }
    }

    /// Bytes came in. The first `done` of them have been acted on.
    pub(crate) fn on_received(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
        mut read: S::Read,
        done: usize,
        behind: Behind,
    ) -> Result<(), S::Error> {
        if self.stage != Stage::Serving {
            shell.give_back(read);
            return Ok(());
        }
        self.received_bytes += shell.bytes(&read).len();
        if self.is_aside_full() {
            // Who waits has its turn now: what comes next would have to be copied.
            self.serve_line_once(shell, now)?;
        }
        if self.transports.stays_in_place(id) {
            self.receive_frames(shell, now, id, read, behind)?;
        } else if self.transports.has(id) {
            self.receive_by_transport(shell, now, id, &mut read)?;
            shell.give_back(read);
        } else {
            self.receive_plain(shell, now, id, read, done, behind, &[])?;
        }
        self.heed_frames(shell, now)?;
        self.steer_receive(shell, id)?;
        self.flush_if_much(shell, now)
    }

    /// The same for what the broker understands as it is, or as these cuts say that frames ended in it.
    #[expect(clippy::too_many_arguments, reason = "a read and all that is known of it")]
    pub(crate) fn receive_plain(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
        read: S::Read,
        done: usize,
        behind: Behind,
        cuts: &[usize],
    ) -> Result<(), S::Error> {
        let Some(mut read) = self.put_behind(shell, id, read, done) else { return Ok(()) };
        let alone = behind == Behind::Nothing;
        let (dirty_before, steps_before) = (self.broker.dirty_count(), self.broker.turn_steps());
        let mut done = self.act_on(shell, now, id, &read, done, alone, cuts)?;
        while done == shell.bytes(&read).len() && alone && self.goes_on(shell, id, &mut read) {
            let may_act = self.opens_line(shell, now)?;
            done = if may_act { self.act_on(shell, now, id, &read, 0, alone, &[])? } else { 0 };
            self.flush_if_much(shell, now)?;
        }
        let is_done = done == shell.bytes(&read).len();
        if is_done && behind == Behind::Others && self.receives_now(shell, id, &mut read) {
            // It has more to say, and a turn like everybody.
            done = 0;
        }
        self.put_aside(shell, id, read, done);
        self.note_prompt(dirty_before, steps_before);
        Ok(())
    }

    /// Receives more at once from a connection whose read is done with while nobody else has anything to say.
    fn goes_on(&mut self, shell: &mut S, id: ConnId, read: &mut S::Read) -> bool {
        let is_free = !self.broker.is_turn_long() && !self.broker.is_anyone_in_line();
        is_free && self.receives_now(shell, id, read)
    }

    /// Has the broker act on what came in, share after share while nobody else has anything to say (`alone`: there
    /// is nothing behind it). Returns how many bytes are done with.
    #[expect(clippy::too_many_arguments, reason = "a read and all that is known of it")]
    fn act_on(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
        read: &S::Read,
        mut done: usize,
        alone: bool,
        cuts: &[usize],
    ) -> Result<usize, S::Error> {
        let len = shell.bytes(read).len();
        if self.broker.is_anyone_in_line() && is_long(shell, read) && !self.is_round_had {
            // It would only begin what it cannot go on with, and fill the outboxes of its readers in crumbs. But it
            // does not wait for two rounds.
            return Ok(done);
        }
        loop {
            done = self.broker.take_in_frames(now, id, shell.bytes(read), done, cuts);
            shell.on_served(&self.broker, id);
            if done == len
                || !alone
                || self.broker.is_turn_long()
                || self.broker.is_anyone_in_line()
                || self.has_news(shell)
                || shell.poll()?
            {
                return Ok(done);
            }
            self.flush_if_much(shell, now)?;
            self.broker.renew_share(id);
        }
    }

    fn on_receive_ended(&mut self, shell: &mut S, id: ConnId, end: End) -> Result<(), S::Error> {
        if self.stage != Stage::Serving {
            return Ok(());
        }
        if self.transports.has(id) {
            self.on_transport_ended(shell, id, end);
        } else {
            match end {
                End::Stopped => {}
                End::Closed => self.broker.on_hangup(id, CloseReason::ClientClosed),
                End::Failed => self.broker.on_hangup(id, CloseReason::ReadError),
            }
        }
        if end == End::Stopped { self.steer_receive(shell, id) } else { Ok(()) }
    }

    fn on_writable(&mut self, shell: &mut S, now: Time, id: ConnId) -> Result<(), S::Error> {
        self.broker.on_writable(id);
        self.on_transport_writable(shell, now, id)
    }

    /// Receives from a connection while its input is wanted, and not while it is not.
    pub(crate) fn steer_receive(&mut self, shell: &mut S, id: ConnId) -> Result<(), S::Error> {
        let wants = self.broker.wants_input(id) && self.transports.want_input(id);
        if wants { shell.receive(id) } else { shell.stop_receiving(id).map(drop) }
    }

    /// Receives again from connections that were held.
    pub(crate) fn receive_from_resumed(&mut self, shell: &mut S) -> Result<(), S::Error> {
        let mut ids = std::mem::take(&mut self.ids);
        self.broker.take_resumed(&mut ids);
        self.transports.take_resumed(&mut ids);
        for id in &ids {
            self.steer_receive(shell, *id)?;
        }
        self.ids = ids;
        Ok(())
    }

    pub(crate) fn on_accepted(
        &mut self,
        shell: &mut S,
        now: Time,
        socket: S::Socket,
        how: ConnectionType,
    ) -> Result<(), S::Error> {
        if self.stage != Stage::Serving {
            return Ok(()); // It came too late, and its socket closes here.
        }
        let Some(peer) = shell.on_accepted(&socket, how) else { return Ok(()) };
        let placed = self.broker.place(shell.loads(now));
        if placed.shard == self.shard {
            return self.adopt(shell, now, socket, placed, peer, how);
        }
        // The shard may not know yet what the others want.
        if let Some(batch) = self.broker.take_batch(placed.shard) {
            shell.send_parcel(placed.shard, Parcel::Batch(batch));
        }
        shell.send_parcel(placed.shard, Parcel::Connection { socket, placed, peer, how });
        shell.wake(placed.shard)
    }

    /// A connection that the shard is handed came before any may.
    pub(crate) fn wait_to_connect(&mut self, socket: S::Socket, how: ConnectionType) {
        if self.early.len() < EARLY_MAX {
            self.early.push((socket, how));
        }
    }

    /// Connections may come from here on: those that waited do.
    ///
    /// # Errors
    /// The shell fails the shard.
    pub fn begin_to_accept(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        for (socket, how) in std::mem::take(&mut self.early) {
            self.on_accepted(shell, now, socket, how)?;
        }
        Ok(())
    }

    pub(crate) fn adopt(
        &mut self,
        shell: &mut S,
        now: Time,
        socket: S::Socket,
        placed: Placed,
        peer: Peer,
        how: ConnectionType,
    ) -> Result<(), S::Error> {
        let id = self.broker.on_accepted(now, placed, peer, self.greeting(how));
        shell.adopt(id, socket)?;
        self.open_transport(shell, now, id, how);
        self.steer_receive(shell, id)
    }
}
