//! What other shards tell this one, and what they are told of its subscriptions.
//!
//! A batch is read frame by frame, as far as the turn goes; what it says of its link counts once all of it was read.

use conns::{ConnId, Time};
use fabric::{Batch, FramePosition, Interest, MeshFrame, MeshFrames, MeshMessage, OfferReply, ShardId};

use crate::border::BORDER;
use crate::broker::Broker;
use crate::client::Hold;
use crate::dispatch::Arrived;
use crate::envelope::Envelope;
use crate::journey::{Journey, REPORT, Ticket};
use crate::members::{MemberChange, needs_fence};
use crate::pacing::PileWatch;
use crate::party::Party;
use crate::subscription::SubKey;
use crate::turn::{CHANGED_NODE_STEPS, INTEREST_TURN_STEPS};

/// What the readers here did with the messages of a batch.
#[derive(Debug, Default)]
struct Readers {
    /// The publisher that was stalled last.
    stalled: Option<u64>,
    pile: PileWatch,
}

impl Broker {
    /// A batch from another shard, as far as the turn goes. Returns what is left of it: to be taken in the next turn,
    /// before anything else from that shard.
    #[must_use]
    pub fn on_batch(&mut self, now: Time, from: ShardId, mut batch: Batch) -> Option<Batch> {
        self.egress.counters.now = now;
        if let Some(position) = self.apply(now, from, &batch) {
            batch.note_applied(position);
            return Some(batch);
        }
        if batch.connections != 0 {
            self.placer.on_change(from, batch.connections);
            self.note_vacant();
        }
        self.moves.on_quiet(from, batch.quiet);
        if batch.inhabited && self.placer.note_inhabited(from) {
            self.note_vacant();
        }
        let (vacated, is_full) = (batch.connections < 0, batch.full);
        let change = self.mesh.link(from).on_applied(batch);
        if change.confirmed_moved || vacated {
            self.on_rounds_confirmed();
            self.lift_fences();
        }
        if change.uncongested {
            self.mesh.on_uncongested(from);
        }
        let is_emptied = self.mesh.set_full(from, is_full) && !is_full;
        if change.uncongested || is_emptied {
            self.on_room();
        }
        self.advance_move(now);
        self.settle();
        None
    }

    /// Takes in all of a batch, however long the turn gets.
    pub fn on_whole_batch(&mut self, now: Time, from: ShardId, batch: Batch) {
        let mut left = Some(batch);
        while let Some(batch) = left {
            left = self.on_batch(now, from, batch);
        }
    }

    /// Applies the frames of a batch, at least one. Returns where it stopped because the turn has become long.
    fn apply(&mut self, now: Time, from: ShardId, batch: &Batch) -> Option<FramePosition> {
        let mut readers = Readers::default();
        let mut frames = batch.frames();
        loop {
            self.look_ahead_in_batch(&frames);
            let Some(frame) = frames.next() else { break };
            // By reference: a frame is a row of words, and would be copied.
            match frame.as_ref().expect("shards of one build understand each other") {
                MeshFrame::Message(message) => {
                    self.egress.begin();
                    self.on_message(from, message, &mut readers);
                    if message.is_bare() {
                        self.on_run(from, *message, &mut frames, &mut readers);
                    }
                }
                MeshFrame::Interest(interest) => {
                    let nodes = self.space_of(interest.account as usize).on_interest(from, interest);
                    self.turn.spend_beside(INTEREST_TURN_STEPS + nodes * CHANGED_NODE_STEPS);
                    self.egress.services.on_interest_changed();
                    if self.egress.peers.is_some() {
                        self.note_interest_of_shard(interest);
                    }
                }
                MeshFrame::OfferReply(reply) => self.on_offer_reply(from, reply),
                MeshFrame::Letter(letter) if letter.service == BORDER => {
                    self.on_response(from, letter);
                }
                MeshFrame::Letter(letter) if letter.service == REPORT => self.on_trace_report(letter),
                MeshFrame::Letter(letter) => self.on_letter(from, *letter),
                MeshFrame::Served(served) => {
                    self.egress.services.elsewhere.note(from, served);
                    self.turn.spend_beside(INTEREST_TURN_STEPS);
                }
                MeshFrame::Move(step) => self.on_move_step(now, from, *step),
                MeshFrame::Stall { origin } => self.stall(now, ConnId::from_bits(*origin)),
                MeshFrame::Piled { origin, deliveries } => {
                    self.on_piled(from, ConnId::from_bits(*origin), *deliveries);
                }
            }
            if self.turn.is_full() {
                break;
            }
        }
        readers.pile.tell(&mut self.mesh, from);
        self.heed_mailboxes();
        (!frames.is_empty()).then(|| frames.position())
    }

    /// Bytes gathered for the shard for which there are the most: the caller sends batches early when a
    /// turn gathers a lot, so that the other shard can begin.
    pub fn gathered_bytes(&self) -> usize {
        self.mesh.gathered_bytes()
    }

    /// Takes what there is to tell another shard.
    pub fn take_batch(&mut self, to: ShardId) -> Option<Batch> {
        self.mesh.take_batch(to)
    }

    /// A message that the egress has in hand.
    fn on_message(&mut self, from: ShardId, message: &MeshMessage<'_>, readers: &mut Readers) {
        if message.ticket != 0 {
            return self.on_asked_message(from, message, readers);
        }
        self.take_message::<false>(from, message, readers);
    }

    /// The same where the sender waits to hear what became of it.
    fn on_asked_message(&mut self, from: ShardId, message: &MeshMessage<'_>, readers: &mut Readers) {
        let arrived = match Ticket::of(message.ticket) {
            Some(ticket) => {
                self.egress.set_out(Journey::across(from, ticket, message.account as usize));
                self.take_message::<true>(from, message, readers)
            }
            None => self.take_message::<false>(from, message, readers),
        };
        let offer = Ticket::offer_of(message.ticket);
        if offer != 0 {
            let refused = arrived.refused.iter().copied();
            self.mesh.link(from).push_offer_reply(offer, arrived.taken, refused);
        }
        // A group that refused a message without a ticket lost its members to closed connections
        // only; the message shares the fate of what lay in their outboxes.
    }

    #[inline(always)]
    fn take_message<'m, const TRACED: bool>(
        &mut self,
        from: ShardId,
        message: &MeshMessage<'m>,
        readers: &mut Readers,
    ) -> Arrived<'m> {
        if self.sampling.is_due() {
            self.sample_arrival(from, message);
        }
        let before = self.egress.deliveries();
        let arrived = self.dispatcher(message.account as usize).arrive(message);
        if self.egress.reader_behind() && readers.stalled != Some(message.origin) {
            readers.stalled = Some(message.origin);
            self.mesh.link(from).push_stall(message.origin);
        }
        let deliveries = self.egress.deliveries().since(before);
        self.turn.spend_on_arrival(1 + deliveries.all);
        readers.pile.note(&mut self.mesh, from, message.origin, deliveries);
        if TRACED {
            self.end_part(from);
        }
        // Interest that ended with this message has to reach the sender before the answer does.
        self.settle();
        arrived
    }

    /// Messages that differ from the one before in their payloads only: nothing else of them is looked
    /// at again.
    fn on_run<'b>(
        &mut self,
        from: ShardId,
        mut message: MeshMessage<'b>,
        frames: &mut MeshFrames<'b>,
        readers: &mut Readers,
    ) {
        // Else each is looked up, and that counts.
        let is_answered = self.space_of(message.account as usize).remembers_answer();
        while !self.turn.is_full()
            && let Some((size_text, body)) = frames.next_payload()
        {
            (message.publish.size_text, message.publish.body) = (size_text, body);
            self.egress.begin_next(self.egress.cursor().number(), &message.publish);
            if !is_answered {
                self.egress.look_up_anew();
            }
            self.on_message(from, &message, readers);
        }
    }

    /// Whose messages other shards have yet to say of whether they took them, and a number of each message, which may be
    /// under offer in several accounts: each connection and each service has one such message at most.
    pub fn offering(&self) -> impl Iterator<Item = (Party, u64)> {
        self.offers.of_this_shard().map(|(origin, message)| (origin.party(), message))
    }

    fn on_offer_reply(&mut self, from: ShardId, reply: &OfferReply<'_>) {
        let mut offer = self.offers.take(reply.ticket);
        offer.awaiting -= 1;
        offer.taken |= reply.taken;
        if !reply.refused.is_empty() {
            offer.refusals.note(reply.refused.iter(), from);
            let publish = &offer.message.as_publish();
            let envelope = Envelope { origin: offer.origin, selects: offer.message.selects(), publish };
            let dispatched = self.dispatcher(offer.account).dispatch_again(
                &envelope,
                reply.refused,
                &offer.refusals,
                reply.ticket,
            );
            self.settle();
            offer.taken |= dispatched.taken;
            offer.awaiting += dispatched.offers;
        }
        if offer.awaiting > 0 {
            self.offers.put_back(reply.ticket, offer);
            return;
        }
        if self.offers.leave_to_others(&mut offer) || offer.is_from_afar {
            return;
        }
        let publisher = match offer.origin.party() {
            Party::Conn(publisher) => publisher,
            Party::Service(service) => return self.on_service_offer_over(service),
            Party::Peer(peer) => return self.on_peer_offer_over(peer),
            // Those are never offered: they are not from here.
            Party::Elsewhere => return,
        };
        if offer.answer_wanted && !offer.taken {
            let asked = offer.asked.as_ref().unwrap_or(&offer.message);
            self.answer_no_responders(publisher, &asked.as_publish());
        }
        self.resume(publisher, Hold::Offer);
    }

    /// Tells the other shards of a change of one of this shard's subscriptions. Returns the round to
    /// wait for if the change must not take effect before all shards know of it.
    pub(crate) fn announce(&mut self, key: SubKey, change: MemberChange) -> Option<u64> {
        if self.egress.peers.is_some() {
            self.note_own_interest(key, change);
        }
        if !self.mesh.has_others() {
            return None;
        }
        // A join that adds nothing to tell still relies on what was told for others before it.
        let relies_on_news = change == MemberChange::Join && !self.mesh.is_settled();
        let sub = self.egress.subs.at(key);
        let is_far = sub.queue().is_some() && self.egress.has_branches() && self.egress.is_behind_branch(key);
        let space = &mut self.spaces[sub.account()];
        let Some((before, now)) = space.count(sub.filter, sub.queue(), change, is_far) else {
            return relies_on_news.then(|| self.mesh.round());
        };
        space.local.filter(sub.filter, &mut self.filter);
        let index = sub.account() as u32;
        let interest = Interest { account: index, filter: &self.filter, queue: sub.queue(), before, now };
        let round = self.mesh.announce(&interest);
        ((relies_on_news || needs_fence(before, now)) && !self.mesh.is_settled()).then_some(round)
    }
}
