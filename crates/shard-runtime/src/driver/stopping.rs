//! The way out: no more input, then the last batches, then the last output.

use std::io;
use std::time::Duration;

use broker::Time;
use fabric::ShardId;

use super::Driver;
use crate::mesh_port::Parcel;

/// How long a shard that stops waits for the other shards, and then for its clients to read.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Where a shard is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Serving,
    /// No more input; what was taken in still crosses to the other shards.
    Draining {
        deadline: Time,
        /// The other shards were told that nothing more comes.
        said: bool,
    },
    /// Connections end once their output left.
    Closing {
        deadline: Time,
    },
}

impl Driver {
    /// Begins to stop, as it was told to.
    pub(super) fn begin_to_stop(&mut self, now: Time) -> io::Result<()> {
        self.stage = Stage::Draining { deadline: now + STOP_PATIENCE, said: false };
        self.broker.on_stopping();
        self.stop_accepting()
    }

    /// Moves on to the next stage of stopping when this one is over; true after the last.
    pub(super) fn stage_ended(&mut self, now: Time) -> io::Result<bool> {
        if let Stage::Draining { deadline, said: false } = self.stage
            && !self.queue_full
        {
            self.stage = Stage::Draining { deadline, said: true };
            self.say_last_word()?;
        }
        if let Stage::Draining { deadline, said } = self.stage {
            let all_said = self.ports.iter().flatten().all(|port| port.ended && !port.has_late());
            if (said && all_said) || deadline <= now {
                self.broker.on_shutdown();
                self.stage = Stage::Closing { deadline: now + STOP_PATIENCE };
                self.flush(now)?;
            }
        }
        Ok(match self.stage {
            Stage::Closing { deadline } => {
                self.broker.connections() == 0 || (deadline <= now && !self.broker.has_chores())
            }
            Stage::Serving | Stage::Draining { .. } => false,
        })
    }

    fn say_last_word(&mut self) -> io::Result<()> {
        for peer in ShardId::all(self.ports.len()) {
            if let Some(port) = &mut self.ports[peer.index()] {
                port.send(Parcel::Last);
                self.ring_bell(peer)?;
            }
        }
        Ok(())
    }
}
