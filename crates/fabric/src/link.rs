//! One shard's end of the link to one other shard.
//!
//! Always true: `in_flight` is what left in batches and was not credited back, and a link that is
//! not congested holds less than [`LINK_BYTES_MAX`] plus the frames of one event. What was consumed and lies where
//! there is no room for it is credited when it is taken from there ([`Link::withhold`]).

use std::ops::Range;

use nats_proto::is_same;

use crate::frame::{self, Frames, Interest, Letter, MESSAGE_HEAD_BYTES, MeshMessage, MoveStep, Position};

/// Frame bytes that may be gathered or under way on one link before it counts as congested: enough
/// to keep the receiver busy for about a millisecond, and a few of the largest usual payloads.
pub const LINK_BYTES_MAX: usize = 4 << 20;

/// Consumed bytes are credited back at the latest when this much is owed, batch or no batch.
const CREDIT_BYTES_MIN: usize = LINK_BYTES_MAX / 8;

/// Frame bytes that gather for a peer in no hurry.
const GATHERED_BYTES_MAX: usize = 64 << 10;

/// Buffers kept for reuse, per link.
const SPARE_BUFFERS_MAX: usize = 4;

/// A buffer that grew past this is given back to the allocator instead of being kept.
const SPARE_BYTES_MAX: usize = 1 << 20;

/// What one turn of a shard has to say to another shard.
#[derive(Debug, Default)]
pub struct Batch {
    frames: Vec<u8>,
    /// Where those begin that have yet to be applied.
    position: Position,
    /// The newest interest round of the sender whose frames the receiver has once it read this.
    pub round: u64,
    /// The newest interest round of the receiver that the sender has applied.
    pub confirmed: u64,
    /// Frame bytes of the receiver that the sender has consumed since its last batch.
    pub credit: usize,
    /// By how many the connections of the sender changed since its last batch.
    pub connections: i32,
    /// The newest pause for which the sender says that no message from it comes behind this.
    pub quiet: u64,
    /// Services of the sender rely on being told everything, as connections do.
    pub inhabited: bool,
}

impl Batch {
    /// The frames that have yet to be applied, in the order they were pushed.
    pub fn frames(&self) -> Frames<'_> {
        Frames::at(&self.frames, self.position)
    }

    /// Notes that those before a position that [`Frames::position`] named have been applied.
    pub fn note_applied(&mut self, position: Position) {
        self.position = position;
    }

    /// Bytes of frames.
    pub fn frame_bytes(&self) -> usize {
        self.frames.len()
    }
}

/// What a batch did to the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
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
    /// How much of that is not credited yet, if it is so much.
    withheld: usize,
    connections: i32,
    quiet: u64,
    quiet_sent: u64,
    inhabited: bool,
    inhabited_sent: bool,
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

    /// So many bytes more of what the peer sent lie where there is no room for them: they are not credited before
    /// [`Self::release`], so the peer sends no more than the link takes.
    pub fn withhold(&mut self, bytes: usize) {
        self.withheld += bytes;
    }

    /// They do not any more.
    pub fn release(&mut self) {
        self.withheld = 0;
    }

    fn credit(&self) -> usize {
        self.consumed.saturating_sub(self.withheld)
    }

    /// Whether publishers towards this peer should wait.
    pub fn is_congested(&self) -> bool {
        self.in_flight + self.frames.len() >= LINK_BYTES_MAX
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
            || self.credit() >= CREDIT_BYTES_MIN
            || self.connections != 0
            || self.quiet > self.quiet_sent
            || self.inhabited != self.inhabited_sent
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
        let credit = self.credit();
        self.consumed -= credit;
        if self.frames.is_empty() {
            // Nothing to say but credit: let a spare buffer go back to who fills them.
            self.frames = self.spare.pop().unwrap_or_default();
        }
        self.round_sent = self.round;
        self.applied_sent = self.applied;
        self.quiet_sent = self.quiet;
        self.inhabited_sent = self.inhabited;
        Batch {
            frames: std::mem::take(&mut self.frames),
            position: Position::default(),
            round: self.round,
            confirmed: self.applied,
            credit,
            connections: std::mem::take(&mut self.connections),
            quiet: self.quiet,
            inhabited: self.inhabited,
        }
    }

    /// Takes in what a batch says of this link. Call it once its frames have been applied: it is
    /// what later confirms them. The batch's buffer is kept for reuse.
    pub fn on_applied(&mut self, batch: Batch) -> Received {
        let was_congested = self.is_congested();
        self.in_flight = self.in_flight.checked_sub(batch.credit).expect("credit only for what was sent");
        self.consumed += batch.frames.len();
        self.applied = batch.round;
        let confirmed_moved = batch.confirmed > self.confirmed_by_peer;
        self.confirmed_by_peer = batch.confirmed;
        self.keep(batch.frames);
        Received { confirmed_moved, uncongested: was_congested && !self.is_congested() }
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
mod tests {
    use nats_proto::Publish;

    use super::*;
    use crate::frame::{Frame, Names, Told};

    fn interest(filter: &[u8]) -> Interest<'_> {
        Interest {
            account: 0,
            filter,
            queue: None,
            before: Told::default(),
            now: Told { weight: 1, firm: true },
        }
    }

    #[test]
    fn a_round_is_confirmed_once_the_peer_applied_it() {
        let (mut a, mut b) = (Link::default(), Link::default());
        a.push_interest(&interest(b"x"), 1);
        let batch = a.take_batch();
        assert_eq!(batch.round, 1);
        b.on_applied(batch);
        assert!(b.wants_batch(), "the confirmation has to travel");
        let received = a.on_applied(b.take_batch());
        assert!(received.confirmed_moved);
        assert_eq!(a.confirmed_by_peer(), 1);
        assert!(!a.wants_batch() && !b.wants_batch(), "a confirmation is not confirmed again");
    }

    proptest::proptest! {
        /// Whatever goes on from what before, messages come as they were sent.
        #[test]
        fn messages_come_as_they_were_sent(
            sent in proptest::collection::vec((0..2_u64, 0..2_usize, 0..6_u8, 0..40_usize), 0..30),
            cut in 0..30_usize,
            pause in 0..30_usize,
        ) {
            let subjects = [&b"a.b"[..], b"a.c"];
            let texts: Vec<String> = sent.iter().map(|(.., len)| len.to_string()).collect();
            let bodies: Vec<Vec<u8>> = sent.iter().map(|(.., len)| vec![*len as u8; *len]).collect();
            let message = |index: usize| {
                let (origin, subject, kind, _) = sent[index];
                MeshMessage {
                    account: 3,
                    origin,
                    ticket: u64::from(kind == 1),
                    plain: kind != 2,
                    other_subject: None,
                    publish: Publish {
                        subject: subjects[subject],
                        reply: (kind == 3).then_some(&b"r"[..]),
                        header: None,
                        size_text: texts[index].as_bytes(),
                        body: &bodies[index],
                    },
                    groups: Names::default(),
                }
            };
            let mut link = Link::default();
            let mut batches = Vec::new();
            for (index, (_, _, kind, _)) in sent.iter().enumerate() {
                if index == cut {
                    batches.push(link.take_batch());
                }
                let group = (*kind == 4).then_some(&b"q"[..]);
                link.push_message(&message(index), group.into_iter());
            }
            batches.push(link.take_batch());
            // The first is read in two goes.
            let mut first = batches[0].frames();
            let mut read: Vec<_> = first.by_ref().take(pause).map(Result::unwrap).collect();
            let mut rest = Batch { frames: batches[0].frames.clone(), ..Batch::default() };
            rest.note_applied(first.position());
            read.extend(rest.frames().map(Result::unwrap));
            read.extend(batches[1..].iter().flat_map(Batch::frames).map(Result::unwrap));
            let mut frames = read.into_iter();
            for (index, (_, _, kind, _)) in sent.iter().enumerate() {
                let Some(Frame::Message(read)) = frames.next() else { panic!("a message") };
                proptest::prop_assert_eq!(read.groups.is_empty(), *kind != 4);
                proptest::prop_assert_eq!(MeshMessage { groups: Names::default(), ..read }, message(index));
            }
            proptest::prop_assert!(frames.next().is_none());
        }
    }

    #[test]
    fn of_messages_that_go_on_the_payloads_can_be_taken_alone() {
        let message = |subject: &'static [u8], body: &'static [u8]| MeshMessage {
            account: 0,
            origin: 1,
            ticket: 0,
            plain: true,
            other_subject: None,
            publish: Publish { subject, reply: None, header: None, size_text: b"1", body },
            groups: Names::default(),
        };
        let mut link = Link::default();
        for (subject, body) in [(b"a", b"1"), (b"a", b"2"), (b"a", b"3"), (b"b", b"4")] {
            link.push_message(&message(subject, body), std::iter::empty());
        }
        let batch = link.take_batch();
        let mut frames = batch.frames();
        assert_eq!(frames.next_payload(), None, "there is nothing yet to go on from");
        assert_eq!(frames.next(), Some(Ok(Frame::Message(message(b"a", b"1")))));
        assert_eq!(frames.next_payload(), Some((&b"1"[..], &b"2"[..])));
        assert_eq!(frames.next_payload(), Some((&b"1"[..], &b"3"[..])));
        assert_eq!(frames.next_payload(), None);
        assert_eq!(frames.next(), Some(Ok(Frame::Message(message(b"b", b"4")))));
    }

    #[test]
    fn congestion_ends_with_credit() {
        let (mut a, mut b) = (Link::default(), Link::default());
        let filter = vec![b'x'; 64 << 10];
        let mut round = 0;
        while !a.is_congested() {
            round += 1;
            a.push_interest(&interest(&filter), round);
        }
        let batch = a.take_batch();
        assert!(a.is_congested(), "sent is not consumed");
        b.on_applied(batch);
        assert!(b.wants_batch());
        let received = a.on_applied(b.take_batch());
        assert!(received.uncongested && !a.is_congested());
    }

    #[test]
    fn a_small_debt_of_credit_rides_along_later() {
        let (mut a, mut b) = (Link::default(), Link::default());
        a.push_stall(1);
        b.on_applied(a.take_batch());
        assert!(!b.wants_batch());
        b.push_stall(2);
        let batch = b.take_batch();
        assert!(batch.credit > 0);
        assert_eq!(batch.frames().next(), Some(Ok(Frame::Stall { origin: 2 })));
    }

    #[test]
    fn what_finds_no_room_is_credited_when_it_is_taken() {
        let (mut a, mut b) = (Link::default(), Link::default());
        for _ in 0..2 {
            a.push_interest(&interest(&vec![b'x'; CREDIT_BYTES_MIN]), 1);
        }
        let batch = a.take_batch();
        let sent = batch.frame_bytes();
        b.withhold(CREDIT_BYTES_MIN);
        b.on_applied(batch);
        assert_eq!(b.take_batch().credit, sent - CREDIT_BYTES_MIN);
        b.push_stall(1);
        assert_eq!(b.take_batch().credit, 0);
        b.release();
        assert!(b.wants_batch());
        assert_eq!(b.take_batch().credit, CREDIT_BYTES_MIN);
    }

    /// What is withheld can be more than what the frames took that caused it: messages in a row say less there.
    #[test]
    fn no_more_is_withheld_than_was_consumed() {
        let (mut a, mut b) = (Link::default(), Link::default());
        a.push_stall(1);
        b.withhold(1000);
        let batch = a.take_batch();
        let sent = batch.frame_bytes();
        b.on_applied(batch);
        assert_eq!(b.take_batch().credit, 0);
        b.release();
        assert_eq!(b.take_batch().credit, sent);
    }

    #[test]
    fn connections_are_told_once() {
        let mut link = Link::default();
        link.count_connections(3);
        link.count_connections(-1);
        assert!(link.wants_batch());
        assert_eq!(link.take_batch().connections, 2);
        assert!(!link.wants_batch());
    }

    #[test]
    fn falling_quiet_is_news_once_and_known_when_it_left() {
        let mut link = Link::default();
        link.fall_quiet(7);
        assert!(link.wants_batch() && link.quiet_sent() == 0);
        assert_eq!(link.take_batch().quiet, 7);
        assert!(!link.wants_batch() && link.quiet_sent() == 7);
    }

    #[test]
    fn a_round_without_news_is_confirmed_like_any_other() {
        let (mut a, mut b) = (Link::default(), Link::default());
        a.push_round(3);
        assert!(a.wants_batch());
        b.on_applied(a.take_batch());
        assert!(a.on_applied(b.take_batch()).confirmed_moved && a.confirmed_by_peer() == 3);
    }
}
