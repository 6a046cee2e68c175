//! Connections that go to another shard, and that come from one.

use balance::{Load, Relief};
use broker::Moved;
use conns::{ConnId, Time};
use fabric::ShardId;

use crate::event::{Carried, Parcel};
use crate::shard_core::ShardCore;
use crate::shell::Shell;
use crate::stopping::Stage;

impl<S: Shell> ShardCore<S> {
    /// Goes on with what it takes to let connections leave. None leaves a shard that stops: behind its last word the
    /// other may have ended.
    pub(crate) fn let_leave(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        if self.stage != Stage::Serving {
            return Ok(());
        }
        let mut acted = false;
        if !self.broker.leaving().is_empty() && self.leaving_are_still(shell)? {
            self.broker.on_leaving_still(now);
            acted = true;
        }
        if let Some(to) = self.broker.hands_over_to() {
            self.hand_over(shell, now, to)?;
            acted = true;
        }
        if acted {
            self.receive_from_resumed(shell)?;
            self.flush(shell, now)?;
        }
        Ok(())
    }

    /// A window of load is over, and the shard was awake for so much of it: connections may have to live
    /// elsewhere.
    ///
    /// # Errors
    /// The shell fails the shard.
    pub fn on_window(&mut self, shell: &mut S, now: Time, awake: Load) -> Result<(), S::Error> {
        if self.stage != Stage::Serving {
            return Ok(());
        }
        let loads = shell.loads(now).to_vec();
        let idle = shell.idle_cores(Relief::is_overload(awake) && self.broker.balances());
        self.broker.on_window(now, awake, &loads, idle);
        self.let_leave(shell, now)
    }

    /// Whether the shell has nothing more to report of the connections that are about to leave.
    fn leaving_are_still(&mut self, shell: &mut S) -> Result<bool, S::Error> {
        let mut all_still = true;
        for id in self.broker.leaving() {
            all_still &= shell.stop_receiving(*id)?;
        }
        Ok(all_still)
    }

    fn hand_over(&mut self, shell: &mut S, now: Time, to: ShardId) -> Result<(), S::Error> {
        let mut moved = Vec::new();
        for (id, one) in self.broker.hand_over(now) {
            moved.push((self.release(shell, id)?, one));
        }
        shell.send_parcel(to, Parcel::Moved(moved));
        shell.wake(to)
    }

    /// Lets go of a connection that goes to another shard. It is not received from any more.
    fn release(&mut self, shell: &mut S, id: ConnId) -> Result<Carried<S::Socket>, S::Error> {
        Ok(Carried { socket: shell.release(id)?, transport: self.transports.remove(id) })
    }

    /// Takes in what another shard handed over.
    pub(crate) fn on_moved(
        &mut self,
        shell: &mut S,
        moved: Vec<(Carried<S::Socket>, Moved)>,
    ) -> Result<(), S::Error> {
        let (carried, states): (Vec<_>, Vec<_>) = moved.into_iter().unzip();
        let ids = self.broker.on_moved(states);
        for (id, carried) in ids.into_iter().zip(carried) {
            shell.adopt_moved(id, carried.socket)?;
            if let Some(transport) = carried.transport {
                self.adopt_transport(shell, id, transport);
            }
            self.steer_receive(shell, id)?;
        }
        Ok(())
    }
}
