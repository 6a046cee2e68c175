//! What goes out: batches to other shards, then output to clients.

use broker::Broker;
use conns::{CloseReason, ConnId, Flush, Time};

use crate::event::{Parcel, Sent};
use crate::shard_core::ShardCore;
use crate::shell::Shell;

/// What was sent in a row: since others were heard.
#[derive(Debug, Default)]
pub(crate) struct Burst {
    sends: usize,
    bytes: usize,
}

/// What came of sending the output of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flushed {
    /// How much left.
    pub(crate) bytes: usize,
    /// All has left that ever will: the connection is to be closed.
    pub(crate) is_over: bool,
}

impl<S: Shell> ShardCore<S> {
    pub(crate) fn flush_if_much(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        if self.is_flushing {
            // Those who are heard between sends: what they cause leaves with the rest.
            Ok(())
        } else if self.has_much_output() {
            self.flush(shell, now)
        } else if self.broker.gathered_bytes() >= S::MEASURES.gathered_bytes_max {
            self.send_batches(shell)
        } else {
            Ok(())
        }
    }

    fn has_much_output(&self) -> bool {
        let unflushed = self.broker.unflushed_bytes();
        unflushed >= S::MEASURES.unflushed_bytes_min
            && (unflushed / S::MEASURES.unflushed_per_reader >= self.broker.dirty_count()
                || unflushed >= S::MEASURES.unflushed_bytes_max)
    }

    /// Sends output to clients, after what the other shards have to know first: a client must not
    /// see an effect that a shard it talks to next has not heard of. If a queue to another shard is full,
    /// output waits for the next turn, which then comes soon. Where there are many to send to, who says
    /// something meanwhile is heard, and what that causes leaves in the next turn.
    ///
    /// # Errors
    /// The shell fails the shard.
    pub fn flush(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        self.send_batches(shell)?;
        self.output_waits = self.has_to_wait();
        let mut ids = std::mem::take(&mut self.unsent);
        self.is_flushing = true;
        while !self.output_waits {
            self.broker.take_dirty(&mut ids);
            if ids.is_empty() || self.flush_all(shell, now, &ids)? {
                break;
            }
        }
        self.is_flushing = false;
        self.unsent = ids;
        // Connections that closed are news.
        self.send_batches(shell)
    }

    /// Whether a batch is still here that has to leave before any output.
    fn has_to_wait(&self) -> bool {
        self.is_queue_full && !self.forged.output_first
    }

    /// Sends all of it before a turn takes in more: what gathers for a reader that keeps up is bounded by the
    /// turn. Returns whether anything was heard meanwhile.
    fn flush_all(&mut self, shell: &mut S, now: Time, ids: &[ConnId]) -> Result<bool, S::Error> {
        let mut has_heard = false;
        let mut left = ids.iter();
        while let Some(id) = left.next() {
            self.flush_one(shell, now, *id)?;
            if !self.is_burst_over() || left.len() == 0 {
                continue;
            }
            self.burst = Burst::default();
            if !self.broker.is_turn_long() && self.hear(shell, now)? {
                has_heard = true;
                self.send_batches(shell)?;
                if self.has_to_wait() {
                    self.output_waits = true;
                    self.broker.flush_later(left.as_slice());
                    break;
                }
            }
        }
        Ok(has_heard)
    }

    /// Whether it is time to hear others.
    fn is_burst_over(&self) -> bool {
        self.burst.sends >= S::MEASURES.sends_in_a_row_max
            || self.burst.bytes >= S::MEASURES.bytes_in_a_row_max
    }

    /// Sends the output that does not wait for the end of the turn.
    pub(crate) fn flush_prompt(&mut self, shell: &mut S, now: Time) -> Result<(), S::Error> {
        if self.prompt.is_empty() {
            return Ok(());
        }
        self.send_batches(shell)?;
        let mut ids = std::mem::take(&mut self.prompt);
        if self.has_to_wait() {
            self.broker.flush_later(&ids);
        } else {
            for id in &ids {
                self.flush_one(shell, now, *id)?;
            }
        }
        ids.clear();
        self.prompt = ids;
        Ok(())
    }

    fn flush_one(&mut self, shell: &mut S, now: Time, id: ConnId) -> Result<(), S::Error> {
        let flushed = if self.transports.has(id) {
            self.flush_by_transport(shell, now, id)?
        } else {
            flush_plain(&mut self.broker, shell, now, id)?
        };
        self.burst.sends += 1;
        self.burst.bytes += flushed.bytes;
        if flushed.is_over { self.close(shell, id) } else { Ok(()) }
    }

    pub(crate) fn close(&mut self, shell: &mut S, id: ConnId) -> Result<(), S::Error> {
        self.take_over_reads(shell, id);
        self.close_transport(shell, id)?;
        shell.close(id)
    }

    /// Queues a batch for each other shard that has one coming.
    ///
    /// # Errors
    /// The shell fails the shard.
    pub fn send_batches(&mut self, shell: &mut S) -> Result<(), S::Error> {
        self.is_queue_full = false;
        if self.has_said_all() {
            return Ok(());
        }
        for to in self.others.iter().map(|other| other.shard) {
            let mut has_sent = shell.send_late(to);
            if !shell.has_room_for(to) {
                self.is_queue_full = true;
            } else if let Some(batch) = self.broker.take_batch(to) {
                shell.send_parcel(to, Parcel::Batch(batch));
                has_sent = true;
            }
            if has_sent {
                shell.wake(to)?;
            }
        }
        Ok(())
    }
}

/// Sends what there is for a connection as it is, as far as its socket takes it.
pub(crate) fn flush_plain<S: Shell>(
    broker: &mut Broker,
    shell: &mut S,
    now: Time,
    id: ConnId,
) -> Result<Flushed, S::Error> {
    let mut flushed = Flushed::default();
    loop {
        let sent = match broker.flush(id) {
            Flush::Nothing => return Ok(flushed),
            Flush::Close => return Ok(Flushed { is_over: true, ..flushed }),
            Flush::Send(outbox) => shell.send(id, outbox)?,
        };
        match sent {
            Sent::Bytes(count) => {
                flushed.bytes += count;
                broker.on_sent(id, count);
            }
            Sent::Full => {
                broker.on_blocked(now, id);
                return Ok(flushed);
            }
            Sent::Broken => broker.on_hangup(id, CloseReason::WriteError),
            Sent::Gone => return Ok(flushed),
        }
    }
}
