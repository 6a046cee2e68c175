//! The way out: no more input, then the last batches, then the last output.

use std::time::Duration;

use conns::Time;

use crate::event::Parcel;
use crate::shard_core::ShardCore;
use crate::shell::Shell;

/// How long a shard that stops waits for the other shards, and then for its clients to read.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Where a shard is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Serving,
    /// No more input; what was acted on still crosses to the other shards.
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

impl Stage {
    pub(crate) fn deadline(self) -> Option<Time> {
        match self {
            Self::Serving => None,
            Self::Draining { deadline, .. } | Self::Closing { deadline } => Some(deadline),
        }
    }
}

impl<S: Shell> ShardCore<S> {
    /// Begins to stop, as it was told to.
    pub(crate) fn begin_to_stop(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        self.stage = Stage::Draining { deadline: now + STOP_PATIENCE, said: false };
        if let Some(jetstream) = &mut self.jetstream {
            jetstream.on_no_more_input(&mut self.broker, now, shell.wall_clock());
        }
        self.broker.on_stopping();
        if self.forged.last_word_first {
            self.stage = Stage::Draining { deadline: now + STOP_PATIENCE, said: true };
            self.say_last_word(shell)?;
        }
        shell.stop_accepting()
    }

    /// Moves on to the next stage of stopping when this one is over; true after the last.
    pub(crate) fn stage_ended(&mut self, shell: &mut S, now: Time) -> Result<bool, S::Error> {
        if let Stage::Draining { deadline, said: false } = self.stage {
            self.stage = Stage::Draining { deadline, said: true };
            self.say_last_word(shell)?;
        }
        if let Stage::Draining { deadline, said } = self.stage {
            let all_said = self.others.iter().all(|other| other.has_ended && !shell.has_late(other.shard));
            if (said && all_said) || deadline <= now {
                self.broker.on_shutdown();
                self.stage = Stage::Closing { deadline: now + STOP_PATIENCE };
                if let Some(jetstream) = &mut self.jetstream {
                    jetstream.on_stopping();
                }
                self.flush(shell, now)?;
            }
        }
        Ok(match self.stage {
            Stage::Closing { deadline } => {
                let is_over = self.broker.connections() == 0 && self.has_log_stopped();
                is_over || (deadline <= now && !self.broker.has_chores())
            }
            Stage::Serving | Stage::Draining { .. } => false,
        })
    }

    /// Whether other shards are not told anything any more: all have said their last word, and some may have ended.
    /// Output is not to wait for room towards those.
    pub(crate) fn has_said_all(&self) -> bool {
        matches!(self.stage, Stage::Closing { .. })
    }

    fn say_last_word(&mut self, shell: &mut S) -> Result<(), S::Error> {
        for to in self.others.iter().map(|other| other.shard) {
            // In this order even where there is no room: two shards whose queues are full would wait for each other.
            if !self.forged.last_word_first
                && let Some(batch) = self.broker.take_batch(to)
            {
                shell.send_parcel(to, Parcel::Batch(batch));
            }
            shell.send_parcel(to, Parcel::Last);
            shell.wake(to)?;
        }
        Ok(())
    }
}
