//! Who of a queue group gets a message: one member, wherever it is, and one behind a leaf node or a hub only if there is
//! no other.

use nats_proto::Publish;
use queue_group::{Locality, Pick, Remote, draw, pick};
use smallvec::SmallVec;
use subject_trie::QueueMatch;

use super::Crossing;
use crate::egress::Egress;
use crate::envelope::Envelope;
use crate::party::Origin;
use crate::random::Random;
use crate::subject_space::ShardInterest;
use crate::subscription::SubKey;

pub(super) fn members_of<'a>(
    groups: &'a [QueueMatch<Remote<ShardInterest>>],
    name: &[u8],
) -> &'a [Remote<ShardInterest>] {
    groups.iter().find(|group| group.name.as_ref() == name).map_or(&[], |group| &group.members)
}

/// Gives the message to one member of the group on this shard.
pub(super) fn serve_here(
    egress: &mut Egress,
    random: &mut Random,
    group: &QueueMatch<SubKey>,
    origin: Origin,
    publish: &Publish<'_>,
) -> bool {
    if egress.has_branches()
        && let Some((near, far)) = parted(egress, &group.members)
    {
        return serve_among(egress, random, &near, origin, publish)
            || serve_among(egress, random, &far, origin, publish);
    }
    if let Some(Pick::Local(member)) = draw(random.count(), group.members.len(), &[] as &[Remote<()>])
        && egress.deliver(group.members[member], origin, publish)
    {
        return true;
    }
    serve_among(egress, random, &group.members, origin, publish)
}

/// Gives the message to one of these members.
fn serve_among(
    egress: &mut Egress,
    random: &mut Random,
    members: &[SubKey],
    origin: Origin,
    publish: &Publish<'_>,
) -> bool {
    // A member that turns out to be cut off for reading too slowly is passed over in the next try,
    // so this ends.
    loop {
        let chosen = pick(
            random.count(),
            members.len(),
            |member| egress.can_take(members[member], origin, publish),
            &[] as &[Remote<()>],
            Locality::Even,
        );
        let Some(Pick::Local(member)) = chosen else { return false };
        if egress.deliver(members[member], origin, publish) {
            return true;
        }
    }
}

/// Members of a group.
type Members = SmallVec<[SubKey; 8]>;

/// The members of a group without those behind leaf nodes and hubs, and those: they get a message only if nobody nearer
/// does. `None` if there are none.
#[cold]
fn parted(egress: &Egress, members: &[SubKey]) -> Option<(Members, Members)> {
    let (far, near): (Members, Members) =
        members.iter().copied().partition(|key| egress.is_behind_branch(*key));
    (!far.is_empty()).then_some((near, far))
}

/// Gives the message to one member of the group, here or on another shard: the shards are one
/// server, so a member weighs the same wherever it is. Returns whether it is sure to be taken.
pub(super) fn serve<'a>(
    egress: &mut Egress,
    random: &mut Random,
    name: &'a [u8],
    here: &[SubKey],
    elsewhere: &[Remote<ShardInterest>],
    envelope: &Envelope<'_>,
    crossing: &mut Crossing<'a>,
) -> bool {
    if egress.has_branches()
        && let Some((near, far)) = parted(egress, here)
    {
        let is_asking = crossing.groups.len();
        return serve_near(egress, random, name, &near, elsewhere, envelope, crossing)
            || (crossing.groups.len() == is_asking
                && serve_among(egress, random, &far, envelope.origin, envelope.publish));
    }
    if elsewhere.iter().any(|shard| shard.at.far) {
        return serve_afar(egress, random, name, here, elsewhere, envelope, crossing);
    }
    serve_near(egress, random, name, here, elsewhere, envelope, crossing)
}

/// The same where a shard has none but those behind leaf nodes and hubs.
#[cold]
fn serve_afar<'a>(
    egress: &mut Egress,
    random: &mut Random,
    name: &'a [u8],
    here: &[SubKey],
    elsewhere: &[Remote<ShardInterest>],
    envelope: &Envelope<'_>,
    crossing: &mut Crossing<'a>,
) -> bool {
    type Shards = SmallVec<[Remote<ShardInterest>; 8]>;
    let (far, near): (Shards, Shards) = elsewhere.iter().copied().partition(|shard| shard.at.far);
    let is_asking = crossing.groups.len();
    serve_near(egress, random, name, here, &near, envelope, crossing)
        || (crossing.groups.len() == is_asking
            && serve_near(egress, random, name, &[], &far, envelope, crossing))
}

/// The same for members that are all alike.
fn serve_near<'a>(
    egress: &mut Egress,
    random: &mut Random,
    name: &'a [u8],
    here: &[SubKey],
    elsewhere: &[Remote<ShardInterest>],
    envelope: &Envelope<'_>,
    crossing: &mut Crossing<'a>,
) -> bool {
    let Envelope { origin, publish, .. } = *envelope;
    loop {
        let chosen = pick(
            random.count(),
            here.len(),
            |member| egress.can_take(here[member], origin, publish),
            elsewhere,
            Locality::Even,
        );
        match chosen {
            None => return false,
            Some(Pick::Local(member)) => {
                if egress.deliver(here[member], origin, publish) {
                    return true;
                }
            }
            Some(Pick::Remote(interest)) => {
                crossing.groups.push((interest.shard, name));
                if !interest.firm {
                    crossing.offered.insert(interest.shard);
                }
                return interest.firm;
            }
        }
    }
}

/// Hands a message of another server that no member of a group here can take to a server that has some. Returns whether
/// there is any.
pub(super) fn bounce(
    egress: &mut Egress,
    random: &mut Random,
    here: &[SubKey],
    envelope: &Envelope<'_>,
) -> bool {
    let Envelope { origin, publish, .. } = *envelope;
    if !origin.is_peer() {
        return false;
    }
    egress.let_bounce(true);
    // Not to one of which it is known that it leaves: it would come back.
    let can_take = |member: usize| {
        egress.can_take(here[member], origin, publish) && !egress.subs.at(here[member]).is_leaving()
    };
    let chosen = pick(random.count(), here.len(), can_take, &[] as &[Remote<()>], Locality::Even);
    let is_taken =
        matches!(chosen, Some(Pick::Local(member)) if egress.deliver(here[member], origin, publish));
    egress.let_bounce(false);
    is_taken
}
