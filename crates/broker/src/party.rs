//! Who subscribes and who publishes: connections, services of this server, and peers, which are other servers.
//!
//! Both ends of a message are eight bytes that tell by their highest bits which of these it is. What is no
//! connection is found in no table of connections, so that the many pay nothing for the few.

use conns::ConnId;
use fabric::{MeshMessage, ShardId};

use crate::subscription::SubKey;

/// What is set in the upper half of ids that are no connection's: generations are below it.
const APART: u32 = 1 << 31;

/// The bits that tell them apart.
const KIND: u32 = 0b111 << 29;
const SERVICE: u32 = APART;
/// Both of these bits are in no other kind's of those that send.
const PEER: u32 = APART | 1 << 30;
const ELSEWHERE: u32 = APART | 1 << 29;
/// Of targets only.
const SHADOW: u32 = APART | 1 << 30 | 1 << 29;

/// A part of this server that subscribes and publishes as clients do. Its number is the same on every shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub(crate) u16);

impl ServiceId {
    /// The index of the service among all, in the order they were opened.
    pub fn index(self) -> usize {
        self.0.into()
    }
}

/// Another server that is connected to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u16);

/// A connection of another shard: which one, and its id there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FarConn {
    /// The shard.
    pub shard: ShardId,
    /// Its id there.
    pub conn: ConnId,
}

/// Bits of a slot in what tells of such a connection. Those of higher slots, of which there are few, are not told apart.
const FAR_SLOT_BITS: u32 = 22;

/// The same of a generation.
const FAR_GENERATION_BITS: u32 = 31;

/// Who a subscription is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Target(ConnId);

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Origin(ConnId);

/// One end of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// A connection of the shard in hand.
    Conn(ConnId),
    /// A service.
    Service(ServiceId),
    /// Another server.
    Peer(PeerId),
    /// A connection of another shard.
    Elsewhere,
}

impl Target {
    /// A service, which finds its subscription again by the tag.
    pub(crate) fn service(service: ServiceId, tag: u32) -> Self {
        Self(ConnId::from_parts(tag, SERVICE | u32::from(service.0)))
    }

    /// Whoever that subscription is of.
    pub(crate) fn shadow(of: SubKey) -> Self {
        Self(ConnId::from_parts(of.0, SHADOW))
    }

    /// The subscription that it stands for in another account, if it does.
    pub(crate) fn as_shadow(self) -> Option<SubKey> {
        let (of, upper) = self.0.to_parts();
        (upper & KIND == SHADOW).then_some(SubKey(of))
    }

    /// The connection. For what is none, an id that no connection has.
    #[inline]
    pub(crate) fn conn(self) -> ConnId {
        self.0
    }

    /// The server, if it is another one.
    pub(crate) fn as_peer(self) -> Option<PeerId> {
        let (_, upper) = self.0.to_parts();
        (upper & KIND == PEER).then_some(PeerId(upper as u16))
    }

    /// The service and its tag, if it is one.
    pub(crate) fn as_service(self) -> Option<(ServiceId, u32)> {
        let (tag, upper) = self.0.to_parts();
        (upper & KIND == SERVICE).then_some((ServiceId(upper as u16), tag))
    }
}

impl Party {
    /// Who sent a message that a service got.
    pub fn of(message: &MeshMessage<'_>) -> Self {
        Origin::from_bits(message.origin).party()
    }
}

impl FarConn {
    /// Who sent a message that a service got by a claim, if that is a connection of another shard.
    pub fn of(message: &MeshMessage<'_>) -> Option<Self> {
        let (lower, upper) = ConnId::from_bits(message.origin).to_parts();
        let packed = u64::from(upper & !KIND) << 32 | u64::from(lower);
        if upper & KIND != ELSEWHERE || packed == 0 {
            return None;
        }
        let generation = packed as u32 & ((1 << FAR_GENERATION_BITS) - 1);
        let slot = (packed >> FAR_GENERATION_BITS) as u32 & ((1 << FAR_SLOT_BITS) - 1);
        let shard = ShardId((packed >> (FAR_GENERATION_BITS + FAR_SLOT_BITS)) as u8);
        Some(Self { shard, conn: ConnId::from_parts(slot, generation) })
    }

    /// As it stands in messages. Zero, where nobody is told apart, is the first connection of the first shard, too.
    fn packed(self) -> u64 {
        let (slot, generation) = self.conn.to_parts();
        if slot >> FAR_SLOT_BITS != 0 || generation >> FAR_GENERATION_BITS != 0 {
            return 0;
        }
        (u64::from(self.shard.0) << FAR_SLOT_BITS | u64::from(slot)) << FAR_GENERATION_BITS
            | u64::from(generation)
    }
}

impl From<ConnId> for Target {
    fn from(conn: ConnId) -> Self {
        Self(conn)
    }
}

impl From<ConnId> for Origin {
    fn from(conn: ConnId) -> Self {
        Self(conn)
    }
}

impl From<ServiceId> for Origin {
    fn from(service: ServiceId) -> Self {
        Self(ConnId::from_parts(u32::MAX, SERVICE | u32::from(service.0)))
    }
}

impl Origin {
    /// The number that other shards know it by.
    pub(crate) fn to_bits(self) -> u64 {
        self.0.to_bits()
    }

    /// What the shard itself knows by this number.
    fn from_bits(bits: u64) -> Self {
        Self(ConnId::from_bits(bits))
    }

    /// What it is to a shard to which its messages crossed: that has other connections of the same ids.
    pub(crate) fn across(bits: u64) -> Self {
        let (_, upper) = ConnId::from_bits(bits).to_parts();
        if upper & APART == 0 { Self(ConnId::from_parts(0, ELSEWHERE)) } else { Self::from_bits(bits) }
    }

    /// The same, and it can be told which of that shard's connections it was.
    pub(crate) fn across_from(shard: ShardId, bits: u64) -> Self {
        let far = Self::across(bits);
        let (_, upper) = far.0.to_parts();
        if upper & KIND != ELSEWHERE {
            return far;
        }
        let packed = FarConn { shard, conn: ConnId::from_bits(bits) }.packed();
        Self(ConnId::from_parts(packed as u32, ELSEWHERE | (packed >> 32) as u32))
    }

    /// Whether it is another server.
    pub(crate) fn is_peer(self) -> bool {
        matches!(self.party(), Party::Peer(_))
    }

    /// Whether the subscription is its own.
    #[inline]
    pub(crate) fn is(self, target: Target) -> bool {
        self.0 == target.0
    }

    /// Which kind it is of.
    pub(crate) fn party(self) -> Party {
        let (_, upper) = self.0.to_parts();
        match upper & KIND {
            SERVICE => Party::Service(ServiceId(upper as u16)),
            PEER => Party::Peer(PeerId(upper as u16)),
            ELSEWHERE => Party::Elsewhere,
            _ => Party::Conn(self.0),
        }
    }
}

impl From<PeerId> for Origin {
    fn from(peer: PeerId) -> Self {
        Self(ConnId::from_parts(u32::MAX, PEER | u32::from(peer.0)))
    }
}

impl From<PeerId> for Target {
    fn from(peer: PeerId) -> Self {
        Self(ConnId::from_parts(u32::MAX, PEER | u32::from(peer.0)))
    }
}

/// Whether a message may go to someone who wants it. A client gets its own if it likes its `echo`, and a service
/// gets its own. What one server sent does not go to another: that has it from there.
///
/// Services are sent to by this rule, and so must peers be by whoever sends to them. Clients have a shorter form of it,
/// [`may_pass_to_client`].
#[inline]
pub(crate) fn may_pass(origin: Origin, target: Target, echo: bool) -> bool {
    let are_peers = origin.0.to_parts().1 & target.0.to_parts().1 >= PEER;
    (!origin.is(target) || echo) && !are_peers
}

/// The rule for a target that is known to be a client of this shard, which makes the look for peers superfluous. With
/// that look a load of one publisher and one subscriber takes 4 % more instructions.
#[inline]
pub(crate) fn may_pass_to_client(origin: Origin, target: Target, echo: bool) -> bool {
    let may = !origin.is(target) || echo;
    debug_assert_eq!(may, may_pass(origin, target, echo), "it is the same for clients");
    may
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: u64 = 7 << 32 | 3;

    fn origins() -> [Origin; 4] {
        [ConnId::from_bits(HERE).into(), Origin::across(HERE), ServiceId(1).into(), PeerId(1).into()]
    }

    #[test]
    fn who_gets_what_whom_sent() {
        let conn = |slot, generation| Target::from(ConnId::from_parts(slot, generation));
        // By row: what a connection, one of another shard, a service and a peer send.
        for (target, echo, may) in [
            (conn(3, 7), true, [true; 4]),
            (conn(3, 7), false, [false, true, true, true]),
            (conn(4, 7), false, [true; 4]),
            (conn(3, 8), false, [true; 4]),
            (Target::service(ServiceId(1), 5), true, [true; 4]),
            (Target::service(ServiceId(1), u32::MAX), true, [true; 4]),
            (PeerId(1).into(), true, [true, true, true, false]),
            (PeerId(2).into(), false, [true, true, true, false]),
        ] {
            assert_eq!(origins().map(|origin| may_pass(origin, target, echo)), may, "{target:?} {echo}");
            if target == conn(3, 7) || target == conn(4, 7) {
                assert_eq!(origins().map(|origin| may_pass_to_client(origin, target, echo)), may);
            }
        }
    }

    #[test]
    fn connections_of_other_shards_are_told_apart() {
        let publish =
            nats_proto::Publish { subject: b"s", reply: None, header: None, size_text: b"0", body: b"" };
        let told = |shard: u8, slot, generation| {
            let bits = ConnId::from_parts(slot, generation).to_bits();
            let origin = Origin::across_from(ShardId(shard), bits).to_bits();
            let message = crate::services::shown(0, Origin::from_bits(origin), &publish);
            assert_eq!(Party::of(&message), Party::Elsewhere);
            FarConn::of(&message).map(|far| (far.shard.0, far.conn.to_parts()))
        };
        for (shard, slot, generation) in [(1, 0, 0), (0, 7, 0), (255, (1 << 22) - 1, (1 << 31) - 1)] {
            assert_eq!(told(shard, slot, generation), Some((shard, (slot, generation))));
        }
        assert_eq!(told(1, 1 << 22, 5), None, "it is one of very many");
        let service = Origin::from(ServiceId(1)).to_bits();
        assert_eq!(Origin::across_from(ShardId(1), service).party(), Party::Service(ServiceId(1)));
    }

    #[test]
    fn ids_tell_whose_they_are() {
        let conn = ConnId::from_bits(HERE);
        let parties =
            [Party::Conn(conn), Party::Elsewhere, Party::Service(ServiceId(1)), Party::Peer(PeerId(1))];
        assert_eq!(origins().map(Origin::party), parties);
        let across = origins().map(|origin| Origin::across(origin.to_bits()).party());
        assert_eq!(across, [Party::Elsewhere, parties[1], parties[2], parties[3]]);
        assert_eq!(Target::service(ServiceId(9), 4).as_service(), Some((ServiceId(9), 4)));
        for target in [Target::from(conn), PeerId(3).into(), Target::shadow(SubKey(9))] {
            assert_eq!(target.as_service(), None);
        }
        assert_eq!(Target::from(PeerId(3)).as_peer(), Some(PeerId(3)));
        for target in [Target::from(conn), Target::service(ServiceId(3), 4), Target::shadow(SubKey(9))] {
            assert_eq!(target.as_peer(), None);
        }
        assert_eq!(Target::shadow(SubKey(9)).as_shadow(), Some(SubKey(9)));
        assert_eq!(Target::service(ServiceId(9), 4).as_shadow(), None);
        assert_eq!(size_of::<Target>(), 8);
    }
}
