//! What goes out: batches to other shards, then output to clients.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};

use broker::{CloseReason, ConnId, Flush, Outbox, Time};
use fabric::ShardId;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};

use super::{Driver, MEASURES};
use crate::kernel_tls;
use crate::link::{Link, State};
use crate::mesh_port::Parcel;

/// What was sent since others were heard.
#[derive(Debug, Default)]
pub(super) struct Row {
    sends: usize,
    pub(super) bytes: usize,
}

impl Row {
    fn is_over(&self) -> bool {
        self.sends >= MEASURES.sends_in_a_row_max || self.bytes >= MEASURES.bytes_in_a_row_max
    }
}

/// Chunks handed to one `sendmsg`.
const SLICES_PER_SEND: usize = 32;

/// Input of a closing connection that is read to be forgotten: the rest of what it sent at once.
const DISCARDED_BYTES_MAX: usize = 16 << 10;

impl Driver {
    pub(super) fn flush_if_much(&mut self, now: Time) -> io::Result<()> {
        if self.is_flushing {
            // Those who are heard between sends: what they cause leaves with the rest.
            Ok(())
        } else if self.has_much_output() {
            self.flush(now)
        } else if self.broker.gathered_bytes() >= MEASURES.gathered_bytes_max {
            self.send_batches()
        } else {
            Ok(())
        }
    }

    fn has_much_output(&self) -> bool {
        let unflushed = self.broker.unflushed_bytes();
        unflushed >= MEASURES.unflushed_bytes_min
            && (unflushed / MEASURES.unflushed_per_reader >= self.broker.dirty_count()
                || unflushed >= MEASURES.unflushed_bytes_max)
    }

    /// Sends output to clients, after what the other shards have to know first: a client must not
    /// see an effect that a shard it talks to next has not heard of. If a queue to another shard is full,
    /// output waits for the next turn, which then comes soon. Where there are many to send to, who says
    /// something meanwhile is heard, and what that causes leaves in the next turn.
    pub(super) fn flush(&mut self, now: Time) -> io::Result<()> {
        self.send_batches()?;
        self.output_waits = self.queue_full;
        let mut ids = std::mem::take(&mut self.unsent);
        self.is_flushing = true;
        while !self.output_waits {
            self.broker.take_dirty(&mut ids);
            if ids.is_empty() || self.flush_all(now, &ids)? {
                break;
            }
        }
        self.is_flushing = false;
        self.unsent = ids;
        // Connections that closed are news.
        self.send_batches()
    }

    /// Sends all of it before a turn takes in more: what gathers for a reader that keeps up is bounded by the
    /// turn. Returns whether anything was heard meanwhile.
    fn flush_all(&mut self, now: Time, ids: &[ConnId]) -> io::Result<bool> {
        let mut has_heard = false;
        let mut left = ids.iter();
        while let Some(id) = left.next() {
            self.flush_one(now, *id)?;
            if !self.row.is_over() || left.len() == 0 {
                continue;
            }
            self.row = Row::default();
            if !self.broker.is_turn_long() && self.hear(now)? {
                has_heard = true;
                self.send_batches()?;
                if self.queue_full {
                    self.output_waits = true;
                    self.broker.flush_later(left.as_slice());
                    break;
                }
            }
        }
        Ok(has_heard)
    }

    /// Sends the output that does not wait for the end of the turn.
    pub(super) fn flush_prompt(&mut self, now: Time) -> io::Result<()> {
        if self.prompt.is_empty() {
            return Ok(());
        }
        self.send_batches()?;
        let mut ids = std::mem::take(&mut self.prompt);
        if self.queue_full {
            self.broker.flush_later(&ids);
        } else {
            for id in &ids {
                self.flush_one(now, *id)?;
            }
        }
        ids.clear();
        self.prompt = ids;
        Ok(())
    }

    fn flush_one(&mut self, now: Time, id: ConnId) -> io::Result<()> {
        self.row.sends += 1;
        if self.links.has(id) { self.flush_secured(now, id) } else { self.flush_plain(now, id) }
    }

    pub(super) fn flush_plain(&mut self, now: Time, id: ConnId) -> io::Result<()> {
        loop {
            match self.broker.flush(id) {
                Flush::Nothing => return Ok(()),
                Flush::Close => return self.close(id),
                Flush::Send(outbox) => {
                    let Some(socket) = self.io.socket(id) else { return Ok(()) };
                    match send(socket, outbox) {
                        Ok(count) => {
                            self.row.bytes += count;
                            self.broker.on_sent(id, count);
                        }
                        Err(Errno::INTR) => {}
                        Err(Errno::AGAIN) => {
                            self.io.await_writable(id)?;
                            self.broker.on_blocked(now, id);
                            return Ok(());
                        }
                        Err(_) => self.broker.on_hangup(id, CloseReason::WriteError),
                    }
                }
            }
        }
    }

    pub(super) fn close(&mut self, id: ConnId) -> io::Result<()> {
        let link = self.unlink(id);
        self.take_over_reads(id);
        let Some(socket) = self.io.release(id)? else { return Ok(()) };
        if let Some(link) = link {
            say_goodbye(socket.as_fd(), *link);
        }
        // Unread input would turn the close into a reset, which may overtake our last words.
        let mut discarded = [0; DISCARDED_BYTES_MAX];
        let _ = rustix::net::recv(&socket, &mut discarded[..], RecvFlags::DONTWAIT);
        // The kernel may hold the file a little longer: the peer learns of the end from this. It fails
        // only if the peer ended first.
        let _ = rustix::net::shutdown(&socket, Shutdown::Both);
        Ok(())
    }

    /// Queues a batch for each other shard that has one coming.
    pub(super) fn send_batches(&mut self) -> io::Result<()> {
        self.queue_full = false;
        for peer in ShardId::all(self.ports.len()) {
            let Some(port) = &mut self.ports[peer.index()] else { continue };
            let mut sent = port.send_late();
            if !port.has_room() {
                self.queue_full = true;
            } else if let Some(batch) = self.broker.take_batch(peer) {
                port.send(Parcel::Batch(batch));
                sent = true;
            }
            if sent {
                self.ring_bell(peer)?;
            }
        }
        Ok(())
    }

    pub(super) fn ring_bell(&mut self, peer: ShardId) -> io::Result<()> {
        let bell = &self.bells[peer.index()];
        if bell.needs_ringing() {
            self.io.wake(peer, bell)?;
        }
        Ok(())
    }
}

/// Tells the peer that nothing more comes. It is a courtesy: what does not fit is not said.
fn say_goodbye(socket: BorrowedFd<'_>, mut link: Link) {
    if matches!(link.state, State::InKernel) {
        kernel_tls::say_goodbye(socket);
    } else if !link.blocked
        && let Some(session) = link.session()
    {
        session.close();
        let _ = send_bytes(socket, session.outgoing());
    }
}

pub(super) fn send_bytes(socket: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    rustix::net::send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
}

fn send(socket: BorrowedFd<'_>, outbox: &Outbox) -> Result<usize, Errno> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    let mut slices = [IoSlice::new(&[]); SLICES_PER_SEND];
    let mut count = 0;
    for (slot, bytes) in slices.iter_mut().zip(outbox.slices()) {
        *slot = IoSlice::new(bytes);
        count += 1;
    }
    match count {
        1 => rustix::net::send(socket, &slices[0], flags),
        _ => rustix::net::sendmsg(socket, &slices[..count], &mut SendAncillaryBuffer::default(), flags),
    }
}
