//! Connections that go to another shard, and that come from one.

use std::io;

use balance::{Load, Relief};
use broker::{ConnId, Moved, Time};
use fabric::ShardId;

use super::Driver;
use super::stopping::Stage;
use crate::link::State;
use crate::mesh_port::{Carried, Parcel};

impl Driver {
    /// Goes on with what it takes to let connections leave.
    pub(super) fn let_leave(&mut self, now: Time) -> io::Result<()> {
        let mut acted = false;
        if !self.broker.leaving().is_empty() && self.leaving_are_still()? {
            self.broker.on_leaving_still(now);
            acted = true;
        }
        if let Some(to) = self.broker.hands_over_to() {
            self.hand_over(now, to)?;
            acted = true;
        }
        if acted {
            self.receive_from_resumed()?;
            self.flush(now)?;
        }
        Ok(())
    }

    /// A window of load is over, and the shard was awake for so much of it: connections may have to live
    /// elsewhere.
    pub(super) fn on_window(&mut self, now: Time, awake: Load) -> io::Result<()> {
        if self.stage != Stage::Serving {
            return Ok(());
        }
        self.board.read(now, &mut self.loads);
        let idle = if Relief::is_overload(awake) && self.broker.balances() {
            self.cores.idle()
        } else {
            self.cores.forget()
        };
        self.broker.on_window(now, awake, &self.loads, idle);
        self.let_leave(now)
    }

    /// Whether the kernel has nothing more to report of the connections that are about to leave.
    fn leaving_are_still(&mut self) -> io::Result<bool> {
        let mut all_still = true;
        for id in self.broker.leaving() {
            all_still &= self.io.stop_receiving(*id)?;
        }
        Ok(all_still)
    }

    fn hand_over(&mut self, now: Time, to: ShardId) -> io::Result<()> {
        let mut moved = Vec::new();
        for (id, one) in self.broker.hand_over(now) {
            let socket = self.io.release(id)?.expect("a connection has its socket until it is closed");
            let link = self.unlink(id).map(|mut link| {
                link.blocked = false;
                link
            });
            moved.push((Carried { socket, link }, one));
        }
        self.port(to).send(Parcel::Moved(moved));
        self.ring_bell(to)
    }

    /// Takes in what another shard handed over.
    pub(super) fn on_moved(&mut self, moved: Vec<(Carried, Moved)>) -> io::Result<()> {
        let mut sockets = Vec::with_capacity(moved.len());
        let mut states = Vec::with_capacity(moved.len());
        for (Carried { socket, link }, state) in moved {
            sockets.push((socket, link));
            states.push(state);
        }
        let ids: Vec<ConnId> = self.broker.on_moved(states);
        for (id, (socket, link)) in ids.into_iter().zip(sockets) {
            self.io.adopt(id, socket)?;
            if let Some(mut link) = link {
                link.offload = link.offload.put_off();
                if matches!(link.state, State::InKernel) {
                    self.io.on_records(id);
                }
                self.links.insert(id, link);
                self.note_eager(id);
            }
            self.steer_receive(id)?;
        }
        Ok(())
    }
}
