//! One shard's end of the link to one other shard.
//!
//! Always true: `in_flight` is what left in batches and was not credited back, and a link that is
//! not congested holds less than [`LINK_BYTES_MAX`] plus the frames of one event. What services say may be beside that
//! up to [`SERVICE_BYTES_MAX`]. All that was consumed is credited, wherever it lies then.

use std::ops::Range;

use nats_proto::is_same;

use crate::batch::Batch;
use crate::frame::{
    self, FramePosition, Interest, Letter, MESSAGE_HEAD_BYTES, MeshMessage, MoveStep, Served,
};

/// Frame bytes that may be gathered or under way on one link before it counts as congested: enough
/// to keep the receiver busy for about a millisecond, and a few of the largest usual payloads.
pub const LINK_BYTES_MAX: usize = 4 << 20;

/// What services may put on a link beyond that. Clients wait for a link with [`LINK_BYTES_MAX`] and fill it again as soon
/// as there is room, so what they are answered needs room of its own: else shards whose clients flood each other's
/// services would wait for each other. The same again is enough to go on with until the peer has taken some.
pub const SERVICE_BYTES_MAX: usize = LINK_BYTES_MAX;

/// Consumed bytes are credited back at the latest when this much is owed, batch or no batch.
const CREDIT_BYTES_MIN: usize = LINK_BYTES_MAX / 8;

/// Frame bytes that gather for a peer in no hurry.
const GATHERED_BYTES_MAX: usize = 64 << 10;

/// Buffers kept for reuse, per link.
const SPARE_BUFFERS_MAX: usize = 4;

/// A buffer that grew past this is given back to the allocator instead of being kept.
const SPARE_BYTES_MAX: usize = 1 << 20;

/// What a batch did to the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkChange {
    /// The peer confirmed a newer round than before.
    pub confirmed_moved: bool,
    /// Credit ended a congestion.
    pub uncongested: bool,
}

/// A message with nothing to it but subject and payload.
#[derive(Debug)]
struct Bare {
    account: u32,
    origin: u64,
    plain: bool,
    /// Where its subject is in the frames.
    subject: Range<usize>,
}

/// The sending half towards one peer, and the accounts of the receiving half.
#[derive(Debug, Default)]
pub struct Link {
    frames: Vec<u8>,
    /// The last bare message in `frames`.
    bare: Option<Bare>,
    spare: Vec<Vec<u8>>,
    in_flight: usize,
    /// The newest round whose frames are in `frames` or already sent.
    round: u64,
    round_sent: u64,
    confirmed_by_peer: u64,
    /// The newest round of the peer that we have applied, and the newest that we told it of.
    applied: u64,
    applied_sent: u64,
    consumed: usize,
    connections: i32,
    quiet: u64,
    quiet_sent: u64,
    inhabited: bool,
    inhabited_sent: bool,
    full: bool,
    full_sent: bool,
}

impl Link {
    /// Queues a message with the groups the peer is to serve.
    pub fn push_message<'g>(
        &mut self,
        message: &MeshMessage<'_>,
        groups: impl Iterator<Item = &'g [u8]> + Clone,
    ) {
        let is_bare = message.is_bare() && groups.clone().next().is_none();
        if is_bare && self.goes_on(message) {
            return frame::put_next_message(&mut self.frames, &message.publish);
        }
        let frames = self.frames_mut();
        let subject = frames.len() + MESSAGE_HEAD_BYTES;
        frame::put_message(frames, message, groups);
        if is_bare {
            let MeshMessage { account, origin, plain, publish, .. } = message;
            let subject = subject..subject + publish.subject.len();
            self.bare = Some(Bare { account: *account, origin: *origin, plain: *plain, subject });
        }
    }

    /// Whether the message differs from the last bare one in its payload only.
    fn goes_on(&self, message: &MeshMessage<'_>) -> bool {
        self.bare.as_ref().is_some_and(|bare| {
            (bare.account, bare.origin, bare.plain) == (message.account, message.origin, message.plain)
                && is_same(&self.frames[bare.subject.clone()], message.publish.subject)
        })
    }

    /// Queues a change of interest that belongs to `round`.
    pub fn push_interest(&mut self, interest: &Interest<'_>, round: u64) {
        debug_assert!(round >= self.round, "rounds only grow");
        frame::put_interest(self.frames_mut(), interest);
        self.round = round;
    }

    /// Queues the answer to an offered message.
    pub fn push_offer_reply<'g>(
        &mut self,
        ticket: u64,
        taken: bool,
        refused: impl Iterator<Item = &'g [u8]> + Clone,
    ) {
        frame::put_offer_reply(self.frames_mut(), ticket, taken, refused);
    }

    /// Queues the request to slow a publisher down.
    pub fn push_stall(&mut self, origin: u64) {
        frame::put_stall(self.frames_mut(), origin);
    }

    /// Queues the news that a publisher's readers here take nothing.
    pub fn push_piled(&mut self, origin: u64, deliveries: u64) {
        frame::put_piled(self.frames_mut(), origin, deliveries);
    }

    /// Queues a message for a service.
    pub fn push_letter(&mut self, letter: &Letter<'_>) {
        frame::put_letter(self.frames_mut(), letter);
    }

    /// Queues the news of what services here subscribe to.
    pub fn push_served(&mut self, served: &Served<'_>) {
        frame::put_served(self.frames_mut(), served);
    }

    /// Queues a step of connections that change shards.
    pub fn push_move(&mut self, step: MoveStep) {
        frame::put_move(self.frames_mut(), step);
    }

    /// Opens a round without news: the peer confirms it when it has applied all that was queued
    /// before.
    pub fn push_round(&mut self, round: u64) {
        debug_assert!(round >= self.round, "rounds only grow");
        self.round = round;
    }

    /// Counts connections that came (or went, if negative), to be told with the next batch.
    pub fn count_connections(&mut self, change: i32) {
        self.connections += change;
    }

    /// Says that services here rely on being told everything, from now on.
    pub fn inhabit(&mut self) {
        self.inhabited = true;
    }

    /// Says that no message follows what is queued until the pause of that number is over.
    pub fn fall_quiet(&mut self, epoch: u64) {
        self.quiet = epoch;
    }

    /// The newest pause for which that has left in a batch.
    pub fn quiet_sent(&self) -> u64 {
        self.quiet_sent
    }

    /// Says whether a mailbox of the services here is full. What the peer had sent by the time it hears of that is more
    /// by a link's bytes at most.
    pub fn set_full(&mut self, is_full: bool) {
        self.full = is_full;
    }

    /// Whether publishers towards this peer should wait.
    pub fn is_congested(&self) -> bool {
        self.pending_bytes() >= LINK_BYTES_MAX
    }

    /// Whether services should wait as well.
    pub fn is_stuffed(&self) -> bool {
        self.pending_bytes() >= LINK_BYTES_MAX + SERVICE_BYTES_MAX
    }

    /// The newest of our rounds that the peer has applied.
    pub fn confirmed_by_peer(&self) -> u64 {
        self.confirmed_by_peer
    }

    /// Whether there is anything worth a batch.
    pub fn wants_batch(&self) -> bool {
        !self.frames.is_empty() || self.round > self.round_sent || self.needs_batch()
    }

    /// The same for a peer that has no use for our messages and interest yet: whether it waits for
    /// something else, or much has gathered.
    pub fn needs_batch(&self) -> bool {
        self.frames.len() >= GATHERED_BYTES_MAX
            || self.applied > self.applied_sent
            || self.consumed >= CREDIT_BYTES_MIN
            || self.connections != 0
            || self.quiet > self.quiet_sent
            || self.inhabited != self.inhabited_sent
            || self.full != self.full_sent
    }

    /// Bytes of frames gathered since the last batch.
    pub fn gathered_bytes(&self) -> usize {
        self.frames.len()
    }

    /// Bytes of frames gathered since the last batch, or under way.
    pub fn pending_bytes(&self) -> usize {
        self.in_flight + self.frames.len()
    }

    /// Takes everything gathered since the last batch.
    pub fn take_batch(&mut self) -> Batch {
        self.in_flight += self.frames.len();
        self.bare = None;
        let credit = std::mem::take(&mut self.consumed);
        if self.frames.is_empty() {
            // Nothing to say but credit: let a spare buffer go back to who fills them.
            self.frames = self.spare.pop().unwrap_or_default();
        }
        self.round_sent = self.round;
        self.applied_sent = self.applied;
        self.quiet_sent = self.quiet;
        self.inhabited_sent = self.inhabited;
        self.full_sent = self.full;
        Batch {
            frames: std::mem::take(&mut self.frames),
            position: FramePosition::default(),
            round: self.round,
            confirmed: self.applied,
            credit,
            connections: std::mem::take(&mut self.connections),
            quiet: self.quiet,
            inhabited: self.inhabited,
            full: self.full,
        }
    }

    /// Takes in what a batch says of this link. Call it once its frames have been applied: it is
    /// what later confirms them. The batch's buffer is kept for reuse.
    pub fn on_applied(&mut self, batch: Batch) -> LinkChange {
        let was_congested = self.is_congested();
        self.in_flight = self.in_flight.checked_sub(batch.credit).expect("credit only for what was sent");
        self.consumed += batch.frames.len();
        self.applied = batch.round;
        let confirmed_moved = batch.confirmed > self.confirmed_by_peer;
        self.confirmed_by_peer = batch.confirmed;
        self.keep(batch.frames);
        LinkChange { confirmed_moved, uncongested: was_congested && !self.is_congested() }
    }

    fn frames_mut(&mut self) -> &mut Vec<u8> {
        if self.frames.capacity() == 0
            && let Some(buffer) = self.spare.pop()
        {
            self.frames = buffer;
        }
        &mut self.frames
    }

    fn keep(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > 0
            && buffer.capacity() <= SPARE_BYTES_MAX
            && self.spare.len() < SPARE_BUFFERS_MAX
        {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests;
