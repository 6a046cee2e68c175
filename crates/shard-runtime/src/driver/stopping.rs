//! The way out: no more input, then the last batches, then the last output.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use broker::Time;
use fabric::ShardId;

use super::{Driver, TOKEN_IGNORED};
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
    },
    /// Connections end once their output left.
    Closing {
        deadline: Time,
    },
}

impl Driver {
    pub(super) fn on_control(&mut self, now: Time) -> io::Result<()> {
        let mut count = [0; 8];
        // Someone else's wake-up may have been taken together with ours.
        let _ = rustix::io::read(&*self.control, &mut count);
        if self.stage == Stage::Serving && self.stop.load(Ordering::Acquire) {
            self.stage = Stage::Draining { deadline: now + STOP_PATIENCE };
            if let Some(acceptor) = self.acceptor.take() {
                acceptor.stop(&mut self.ring, TOKEN_IGNORED)?;
            }
            // What this turn still decides goes out with the batches; then comes the last word.
            self.send_batches()?;
            for peer in ShardId::all(self.ports.len()) {
                if let Some(port) = &mut self.ports[peer.index()] {
                    port.send(Parcel::Last);
                    self.ring_bell(peer)?;
                }
            }
        }
        Ok(())
    }

    /// Moves on to the next stage of stopping when this one is over; true after the last.
    pub(super) fn stage_ended(&mut self, now: Time) -> io::Result<bool> {
        match self.stage {
            Stage::Serving => Ok(false),
            Stage::Draining { deadline } => {
                let all_said = self.ports.iter().flatten().all(|port| port.ended && !port.has_late());
                if all_said || deadline <= now {
                    self.broker.on_shutdown();
                    self.stage = Stage::Closing { deadline: now + STOP_PATIENCE };
                    self.flush(now)?;
                }
                Ok(self.stage != Stage::Draining { deadline } && self.broker.connections() == 0)
            }
            Stage::Closing { deadline } => Ok(self.broker.connections() == 0 || deadline <= now),
        }
    }
}
