//! Who gets a message, on this shard and on the others.

mod groups;

use std::iter;

use fabric::{MeshMessage, Names, ShardId, ShardSet};
use nats_proto::{Groups, Publish};
use queue_group::Remote;
use smallvec::SmallVec;

use self::groups::{bounce, members_of, serve, serve_here};
use crate::egress::Egress;
use crate::envelope::Envelope;
use crate::journey::Ticket;
use crate::mesh::Mesh;
use crate::offers::Refusals;
use crate::party::Origin;
use crate::random::Random;
use crate::subject_space::{ShardInterest, SubjectSpace};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Dispatched {
    /// Someone has it, or is sure to get it.
    pub(crate) taken: bool,
    /// Shards that were asked to say whether they took it.
    pub(crate) offers: u32,
}

/// What became of a message that another shard sent.
#[derive(Debug, Default)]
pub(crate) struct Arrived<'a> {
    pub(crate) taken: bool,
    /// Groups without a member that could take it.
    pub(crate) refused: SmallVec<[&'a [u8]; 2]>,
}

/// Finds who gets a message, and hands it over: the parts of a shard that this takes.
pub(crate) struct Dispatcher<'a> {
    pub(crate) account: usize,
    pub(crate) space: &'a mut SubjectSpace,
    pub(crate) egress: &'a mut Egress,
    pub(crate) mesh: &'a mut Mesh,
    pub(crate) random: &'a mut Random,
}

/// What goes to the other shards, gathered so that a message crosses once to each.
#[derive(Debug, Default)]
struct Crossing<'a> {
    /// Shards whose plain subscriptions get it.
    plain: ShardSet,
    /// Those of them where every subscription may have run out.
    doubtful: ShardSet,
    groups: SmallVec<[(ShardId, &'a [u8]); 4]>,
    /// Shards that have to say whether they took it.
    offered: ShardSet,
}

impl Crossing<'_> {
    fn shards(&self) -> ShardSet {
        let mut all = self.plain;
        for (shard, _) in &self.groups {
            all.insert(*shard);
        }
        all
    }
}

impl Dispatcher<'_> {
    /// Whether a message on the subject could cross to one of these shards.
    pub(crate) fn reaches(&mut self, subject: &[u8], shards: ShardSet) -> bool {
        let (_, elsewhere) = self.space.matches(subject);
        elsewhere.is_some_and(|elsewhere| elsewhere.reaches(shards))
    }

    /// Whether a service here subscribes to the subject.
    pub(crate) fn is_served_here(&mut self, subject: &[u8]) -> bool {
        let (local, _) = self.space.matches(subject);
        let groups = local.queues.iter().flat_map(|group| &group.members);
        let egress = &*self.egress;
        local.plain.iter().chain(groups).any(|key| egress.is_of_service(*key))
    }

    /// Gives a message that was sent here, which the egress has in hand, to those who want it. With `answer_wanted`
    /// the publisher has to learn if nobody took it.
    // In line: a call a message costs one to one 6 % more instructions.
    #[inline(always)]
    pub(crate) fn dispatch(
        &mut self,
        envelope: Envelope<'_>,
        answer_wanted: bool,
        ticket: u64,
    ) -> Dispatched {
        let dispatched = self.hand_out(envelope, answer_wanted, ticket);
        self.send_to_peers(envelope.origin, envelope.selects, envelope.publish);
        dispatched
    }

    /// Sends the message in hand to the servers that were found to want it.
    #[inline(always)]
    pub(crate) fn send_to_peers(&mut self, origin: Origin, selects: &[u8], publish: &Publish<'_>) {
        if !self.egress.gathered.is_empty() {
            self.egress.send_gathered(origin, &self.space.name, selects, publish);
        }
    }

    #[inline(always)]
    fn hand_out(&mut self, envelope: Envelope<'_>, answer_wanted: bool, ticket: u64) -> Dispatched {
        let Envelope { origin, selects, publish } = envelope;
        let cursor = self.egress.cursor();
        if cursor.is_alone() {
            // Those of the lookup before.
            self.egress.steps += self.space.take_lookup_steps();
        }
        let (local, remote) = self.space.matches_at(cursor, selects);
        self.egress.steps += (local.plain.len() + local.queues.len()) as u64;
        let mut dispatched = Dispatched::default();
        for key in &local.plain {
            dispatched.taken |= self.egress.deliver(*key, origin, publish);
        }
        let Some(remote) = remote else {
            for group in &local.queues {
                dispatched.taken |= serve_here(self.egress, self.random, group, origin, publish);
            }
            return dispatched;
        };

        // Put together again where it is needed, so that it need not be in memory elsewhere.
        let envelope = &Envelope { origin, selects, publish };
        dispatched.taken |= !remote.firm.is_empty();
        let has_groups = !local.queues.is_empty() || !remote.queues.is_empty();
        let is_plain = !has_groups && self.egress.journey.is_none();
        if is_plain && (remote.doubtful.is_empty() || dispatched.taken || !answer_wanted) {
            let message = bare(self.account, envelope);
            for shard in remote.firm.union(remote.doubtful).iter() {
                self.mesh.send(shard, &message, iter::empty());
            }
            return dispatched;
        }
        let mut crossing = Crossing {
            plain: remote.firm.union(remote.doubtful),
            doubtful: remote.doubtful,
            ..Crossing::default()
        };
        for group in &local.queues {
            let elsewhere = members_of(remote.queues, group.name.as_ref());
            let name = group.name.as_ref();
            dispatched.taken |=
                serve(self.egress, self.random, name, &group.members, elsewhere, envelope, &mut crossing);
        }
        for group in remote.queues {
            let name = group.name.as_ref();
            if !local.queues.iter().any(|here| here.name.as_ref() == name) {
                dispatched.taken |=
                    serve(self.egress, self.random, name, &[], &group.members, envelope, &mut crossing);
            }
        }
        if answer_wanted && !dispatched.taken {
            for shard in crossing.doubtful.iter() {
                crossing.offered.insert(shard);
            }
        }
        dispatched.offers = send(self.mesh, self.egress, self.account, envelope, &crossing, ticket);
        dispatched
    }

    /// Whether a subscription would take a message: owners of subjects are not asked. What another shard may refuse yet
    /// counts as taken.
    pub(crate) fn has_taker_among_subscriptions(&mut self, envelope: &Envelope<'_>) -> bool {
        let Envelope { origin, selects, publish } = *envelope;
        let egress = &*self.egress;
        let (local, remote) = self.space.matches(selects);
        let groups = local.queues.iter().flat_map(|group| &group.members);
        let mut here = local.plain.iter().chain(groups);
        let elsewhere = remote.is_some_and(|remote| {
            let plain = remote.firm.union(remote.doubtful);
            !plain.is_empty() || !remote.queues.is_empty()
        });
        elsewhere || here.any(|key| egress.can_take(*key, origin, publish))
    }

    /// Whether there are subscriptions to a subject in a queue group, or without one: owners are not asked.
    pub(crate) fn is_wanted_by(&mut self, subject: &[u8], queue: Option<&[u8]>) -> bool {
        let (local, remote) = self.space.matches(subject);
        match queue {
            None => {
                let elsewhere =
                    remote.is_some_and(|remote| !remote.firm.is_empty() || !remote.doubtful.is_empty());
                elsewhere || !local.plain.is_empty()
            }
            Some(queue) => {
                local.queues.iter().any(|group| group.name.as_ref() == queue)
                    || remote.is_some_and(|remote| !members_of(remote.queues, queue).is_empty())
            }
        }
    }

    /// Gives a message again to the groups whose chosen shard had no member left.
    pub(crate) fn dispatch_again(
        &mut self,
        envelope: &Envelope<'_>,
        groups: Names<'_>,
        refusals: &Refusals,
        ticket: u64,
    ) -> Dispatched {
        self.egress.begin();
        self.egress.set_other_subject(envelope.other_subject());
        let (local, remote) = self.space.matches(envelope.selects);
        let mut crossing = Crossing::default();
        let mut dispatched = Dispatched::default();
        for name in groups.iter() {
            let here = local.queues.iter().find(|group| group.name.as_ref() == name);
            let here = here.map_or(&[][..], |group| &group.members);
            let elsewhere = remote.map_or(&[][..], |remote| members_of(remote.queues, name));
            let may_ask = |member: &&Remote<ShardInterest>| refusals.may_ask(name, member.at.shard);
            let asked: SmallVec<[Remote<ShardInterest>; 8]> =
                elsewhere.iter().filter(may_ask).copied().collect();
            let is_asking = crossing.groups.len();
            let is_taken = serve(self.egress, self.random, name, here, &asked, envelope, &mut crossing);
            let is_refused = !is_taken && crossing.groups.len() == is_asking;
            dispatched.taken |= is_taken || (is_refused && bounce(self.egress, self.random, here, envelope));
        }
        dispatched.offers = send(self.mesh, self.egress, self.account, envelope, &crossing, ticket);
        self.send_to_peers(envelope.origin, envelope.selects, envelope.publish);
        dispatched
    }

    /// Gives a message of another server, which the egress has in hand, to those here who want it, and to one member of
    /// each of the groups that it names: to no other. A group without a member here may have one on a server, be it
    /// the one that it comes from: its last member left while the message was on its way.
    pub(crate) fn dispatch_of_peer<'m>(
        &mut self,
        envelope: &Envelope<'m>,
        groups: Groups<'m>,
        ticket: u64,
    ) -> Dispatched {
        let Envelope { origin, selects, publish } = *envelope;
        self.egress.steps += self.space.take_lookup_steps();
        let (local, remote) = self.space.matches(selects);
        self.egress.steps += (local.plain.len() + local.queues.len()) as u64;
        let mut dispatched = Dispatched::default();
        for key in &local.plain {
            dispatched.taken |= self.egress.deliver(*key, origin, publish);
        }
        let plain = remote.map_or(ShardSet::EMPTY, |remote| remote.firm.union(remote.doubtful));
        let mut crossing = Crossing { plain, ..Crossing::default() };
        for name in groups.iter() {
            let here = local.queues.iter().find(|group| group.name.as_ref() == name);
            let here = here.map_or(&[][..], |group| &group.members);
            let elsewhere = remote.map_or(&[][..], |remote| members_of(remote.queues, name));
            let is_asking = crossing.groups.len();
            let is_taken = serve(self.egress, self.random, name, here, elsewhere, envelope, &mut crossing);
            if !is_taken && crossing.groups.len() == is_asking {
                bounce(self.egress, self.random, here, envelope);
            }
        }
        dispatched.offers = send(self.mesh, self.egress, self.account, envelope, &crossing, ticket);
        self.send_to_peers(origin, selects, publish);
        dispatched
    }

    /// Delivers a message of another shard, which the egress has in hand, to this shard's clients.
    pub(crate) fn arrive<'m>(&mut self, message: &MeshMessage<'m>) -> Arrived<'m> {
        let publish = &message.publish;
        let origin = Origin::across(message.origin);
        let cursor = self.egress.cursor();
        if cursor.is_alone() {
            self.egress.steps += self.space.take_lookup_steps();
            self.egress.set_other_subject(message.other_subject);
        }
        let local = self.space.local_matches_at(cursor, message.selects());
        let mut arrived = Arrived::default();
        if message.plain {
            self.egress.steps += local.plain.len() as u64;
            for key in &local.plain {
                arrived.taken |= self.egress.deliver(*key, origin, publish);
            }
        }
        for name in message.groups.iter() {
            self.egress.steps += 1;
            let group = local.queues.iter().find(|group| group.name.as_ref() == name);
            match group {
                Some(group) if serve_here(self.egress, self.random, group, origin, publish) => {
                    arrived.taken = true
                }
                _ => arrived.refused.push(name),
            }
        }
        self.send_to_peers(origin, message.selects(), publish);
        arrived
    }
}

/// The message for a shard's plain subscriptions.
fn bare<'m>(account: usize, envelope: &Envelope<'m>) -> MeshMessage<'m> {
    MeshMessage {
        account: account as u32,
        origin: envelope.origin.to_bits(),
        ticket: 0,
        plain: true,
        other_subject: envelope.other_subject(),
        publish: *envelope.publish,
        groups: Names::default(),
    }
}

/// Sends the message once to each shard that is to have it; returns how many were offered it.
fn send(
    mesh: &mut Mesh,
    egress: &mut Egress,
    account: usize,
    envelope: &Envelope<'_>,
    crossing: &Crossing<'_>,
    ticket: u64,
) -> u32 {
    let shards = crossing.shards();
    let traced = egress.journey.as_mut().map(|journey| journey.cross(account, shards.iter().count()));
    let mut offers = 0;
    for shard in shards.iter() {
        // What nobody gets nobody is asked about.
        let offered = crossing.offered.contains(shard) && !traced.is_some_and(Ticket::only);
        offers += u32::from(offered);
        let offer = if offered { ticket } else { 0 };
        let message = MeshMessage {
            ticket: traced.map_or(offer, |traced| traced.with_offer(offer)),
            plain: crossing.plain.contains(shard),
            ..bare(account, envelope)
        };
        let groups = crossing.groups.iter().filter(|(at, _)| *at == shard).map(|(_, name)| *name);
        mesh.send(shard, &message, groups);
    }
    offers
}
