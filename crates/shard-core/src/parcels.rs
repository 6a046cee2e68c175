//! Taking what other shards sent: batches, and connections.
//!
//! What had been sent when something was received from a client is taken before that is acted on: whatever made the
//! client send may be among it (docs/decisions/0001-interest-fence.md).

use conns::Time;
use fabric::{Batch, ShardId};

use crate::event::Parcel;
use crate::shard_core::ShardCore;
use crate::shell::{ParcelOf, Shell};

/// What is to be taken of another shard's parcels.
#[derive(Debug)]
pub(crate) struct ParcelSource {
    pub(crate) shard: ShardId,
    /// Parcels that came before what was received last, and are to be taken before it.
    due: usize,
    /// What is left of the batch that was taken last.
    rest: Option<Batch>,
    /// It has said its last word.
    pub(crate) has_ended: bool,
}

impl ParcelSource {
    pub(crate) fn new(shard: ShardId) -> Self {
        Self { shard, due: 0, rest: None, has_ended: false }
    }

    /// Whether something is to be taken before what was received last.
    fn has_due(&self) -> bool {
        self.rest.is_some() || self.due > 0
    }

    /// Takes the next parcel that is due.
    fn next_due<S: Shell>(&mut self, shell: &mut S) -> Option<ParcelOf<S>> {
        if let Some(batch) = self.rest.take() {
            return Some(Parcel::Batch(batch));
        }
        self.due = self.due.checked_sub(1)?;
        shell.take_parcel(self.shard)
    }
}

impl<S: Shell> ShardCore<S> {
    /// Whether other shards have sent something.
    pub fn has_parcels(&self, shell: &S) -> bool {
        self.others.iter().any(|other| other.rest.is_some() || shell.parcels_from(other.shard) > 0)
    }

    /// Notes what other shards have sent so far.
    pub(crate) fn note_parcels(&mut self, shell: &S) {
        for other in &mut self.others {
            other.due = shell.parcels_from(other.shard);
        }
    }

    /// Something was received in the middle of a batch: what other shards have sent by now comes before it.
    pub(crate) fn on_newer_input(&mut self, shell: &S) {
        if !self.forged.newer_first {
            self.note_parcels(shell);
            self.line_waits = self.others.iter().any(ParcelSource::has_due);
        }
    }

    /// Takes what comes before those who wait in line, if something does. Returns whether they may be served.
    pub(crate) fn opens_line(&mut self, shell: &mut S, now: Time) -> Result<bool, S::Error> {
        Ok(!self.line_waits || self.take_parcels(shell, now)?)
    }

    /// Takes what was noted, as far as the turn goes. Returns whether that was all.
    pub(crate) fn take_parcels(&mut self, shell: &mut S, now: Time) -> Result<bool, S::Error> {
        for at in 0..self.others.len() {
            while self.others[at].has_due() {
                if self.broker.is_turn_long() || !self.take_parcel(shell, now, at)? {
                    return Ok(false);
                }
            }
        }
        self.line_waits = false;
        Ok(true)
    }

    /// Takes the next parcel of another shard. Returns whether that was all of it.
    fn take_parcel(&mut self, shell: &mut S, now: Time, at: usize) -> Result<bool, S::Error> {
        let other = &mut self.others[at];
        let from = other.shard;
        match other.next_due(shell) {
            None => {}
            Some(Parcel::Batch(batch)) => {
                other.rest = self.broker.on_batch(now, from, batch);
                let is_whole = other.rest.is_none();
                self.flush_if_much(shell, now)?;
                return Ok(is_whole);
            }
            Some(Parcel::Connection { socket, placed, peer, how }) => {
                self.adopt(shell, now, socket, placed, peer, how)?;
            }
            Some(Parcel::Moved(moved)) => self.on_moved(shell, moved)?,
            Some(Parcel::Last) => other.has_ended = true,
        }
        Ok(true)
    }
}
