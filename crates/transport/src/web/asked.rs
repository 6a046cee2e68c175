//! Room for requests that are under way, on one shard.
//!
//! What there is of a head that is not over has to be kept. Small heads always have room; what goes beyond is counted,
//! for each network and in all. Where little room is left, whoever takes some waits until others are done: nothing
//! more is read from it. Where none is left it is refused.
//!
//! Always true: a connection that waits has taken room, and a network that takes none is not counted.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// Bytes of a request that there is always room for.
const SMALL_BYTES: usize = 2 << 10;

/// Bytes beyond those that all requests of a shard may have. One that has no room is refused as too large.
const ALL_BYTES_MAX: usize = 8 << 20;

/// The same of one network: an eighth, so that nobody takes it all. That is room for a hundred times the cookies of
/// most pages.
const NETWORK_BYTES_MAX: usize = ALL_BYTES_MAX / 8;

/// Requests of a shard that wait for others to be done. Further ones are refused as too large.
const WAITING_MAX: usize = 1 << 10;

/// Bytes kept of the requests of a shard, beyond small ones.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    bytes: usize,
    of_networks: BTreeMap<IpAddr, usize>,
    /// Connections that wait.
    waiting: usize,
    /// Somebody has left room since those who wait were last looked at.
    has_shrunk: bool,
}

/// What one connection takes of it.
#[derive(Debug)]
pub(crate) struct Claim {
    network: IpAddr,
    bytes: usize,
    is_waiting: bool,
}

/// Whether there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Free,
    /// So little that whoever takes it waits.
    Scarce,
    None,
}

impl Claim {
    /// Of a client at this address.
    pub(crate) fn new(address: IpAddr) -> Self {
        Self { network: network(address), bytes: 0, is_waiting: false }
    }

    /// Whether nothing is to be read for it until others are done.
    pub(crate) fn is_waiting(&self) -> bool {
        self.is_waiting
    }
}

impl Asked {
    /// So much is kept of a request now. Returns whether there is room for it; if so it may have to wait.
    pub(crate) fn admit(&mut self, claim: &mut Claim, kept: usize) -> bool {
        self.subtract(claim);
        (claim.bytes, claim.is_waiting) = (kept.saturating_sub(SMALL_BYTES), false);
        if claim.bytes == 0 {
            return true;
        }
        let room = self.room(claim.network, claim.bytes);
        if room == Room::None || (room == Room::Scarce && self.waiting == WAITING_MAX) {
            (claim.bytes, self.has_shrunk) = (0, true);
            return false;
        }
        claim.is_waiting = room == Room::Scarce;
        self.enter(claim);
        true
    }

    /// Nothing is kept of a request any more.
    pub(crate) fn withdraw(&mut self, claim: &mut Claim) {
        self.leave(claim);
        (claim.bytes, claim.is_waiting) = (0, false);
    }

    /// A connection comes with what it takes.
    pub(crate) fn enter(&mut self, claim: &Claim) {
        if claim.bytes > 0 {
            self.bytes += claim.bytes;
            *self.of_networks.entry(claim.network).or_default() += claim.bytes;
            self.waiting += usize::from(claim.is_waiting);
        }
    }

    /// A connection goes with what it takes.
    pub(crate) fn leave(&mut self, claim: &Claim) {
        self.subtract(claim);
        self.has_shrunk |= claim.bytes > 0;
    }

    fn subtract(&mut self, claim: &Claim) {
        if claim.bytes == 0 {
            return;
        }
        self.bytes -= claim.bytes;
        self.waiting -= usize::from(claim.is_waiting);
        let of_network = self.of_networks.get_mut(&claim.network).expect("it was counted");
        *of_network -= claim.bytes;
        if *of_network == 0 {
            self.of_networks.remove(&claim.network);
        }
    }

    /// Whether [`Self::has_shrunk`] has something to tell.
    pub(crate) fn may_have_shrunk(&self) -> bool {
        self.has_shrunk
    }

    /// Whether those who wait are to be looked at: somebody left room since that was last asked.
    pub(crate) fn has_shrunk(&mut self) -> bool {
        std::mem::take(&mut self.has_shrunk)
    }

    /// Ends the wait of a connection if there is room for more. Returns whether it waits no more.
    pub(crate) fn resume(&mut self, claim: &mut Claim) -> bool {
        if claim.is_waiting && self.room(claim.network, 0) == Room::Free {
            claim.is_waiting = false;
            self.waiting -= 1;
        }
        !claim.is_waiting
    }

    /// Whether there is room for so much more of a network.
    fn room(&self, network: IpAddr, bytes: usize) -> Room {
        let of_network = self.of_networks.get(&network).copied().unwrap_or_default() + bytes;
        let all = self.bytes + bytes;
        // A quarter is for those who come when it is scarce.
        let is_free = |bytes: usize, max: usize| bytes <= max / 4 * 3;
        if of_network > NETWORK_BYTES_MAX || all > ALL_BYTES_MAX {
            Room::None
        } else if is_free(of_network, NETWORK_BYTES_MAX) && is_free(all, ALL_BYTES_MAX) {
            Room::Free
        } else {
            Room::Scarce
        }
    }
}

/// What counts as one who asks: an address, or a network of IPv6, of which everybody has as many addresses as they
/// like.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 32 << 10;

    /// Takes room for a large request, if there is any.
    fn ask(asked: &mut Asked, address: &str) -> Option<Claim> {
        let mut claim = Claim::new(address.parse().expect("an address"));
        asked.admit(&mut claim, LARGE).then_some(claim)
    }

    fn ask_often(asked: &mut Asked, address: &str) -> Vec<Claim> {
        std::iter::from_fn(|| ask(asked, address)).collect()
    }

    #[test]
    fn one_network_takes_its_share_and_leaves_the_rest() {
        let mut asked = Asked::default();
        let greedy = ask_often(&mut asked, "10.0.0.1");
        assert!(asked.bytes <= NETWORK_BYTES_MAX && asked.bytes > NETWORK_BYTES_MAX - LARGE);
        assert!(ask(&mut asked, "::ffff:10.0.0.1").is_none(), "it is the same address");
        assert!(greedy.last().expect("there are some").is_waiting());
        let other = ask(&mut asked, "10.0.0.2").expect("there is room for others");
        assert!(!other.is_waiting());
        let six = ask_often(&mut asked, "2001:db8::1");
        assert!(!six.is_empty() && ask(&mut asked, "2001:db8::2").is_none());
        assert!(ask(&mut asked, "2001:db8:0:1::2").is_some_and(|claim| !claim.is_waiting()));
    }

    #[test]
    fn where_room_is_scarce_others_wait_until_there_is_more() {
        let mut asked = Asked::default();
        let mut greedy: Vec<_> =
            (0..6).flat_map(|host| ask_often(&mut asked, &format!("10.0.0.{host}"))).collect();
        let mut late =
            std::iter::from_fn(|| ask(&mut asked, "10.1.0.1")).find(Claim::is_waiting).expect("one");
        assert!(!asked.resume(&mut late), "nobody has left");
        for mut claim in greedy.drain(..) {
            asked.withdraw(&mut claim);
        }
        assert!(asked.has_shrunk() && !asked.has_shrunk());
        assert!(asked.resume(&mut late) && !late.is_waiting() && asked.waiting == 0);
    }

    #[test]
    fn small_requests_always_have_room() {
        let mut asked = Asked::default();
        let claims: Vec<_> =
            (0..12).flat_map(|host| ask_often(&mut asked, &format!("10.0.0.{host}"))).collect();
        assert!(asked.bytes <= ALL_BYTES_MAX && ask(&mut asked, "10.2.0.1").is_none());
        let mut small = Claim::new(IpAddr::from([10, 0, 0, 1]));
        assert!(asked.admit(&mut small, SMALL_BYTES) && !small.is_waiting());
        claims.into_iter().for_each(|mut claim| asked.withdraw(&mut claim));
        assert_eq!((asked.bytes, asked.waiting, asked.of_networks.len()), (0, 0, 0));
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let mut asked = Asked::default();
        (0..6).for_each(|host| drop(ask_often(&mut asked, &format!("10.0.0.{host}"))));
        let mut hosts = (0..=u16::MAX).map(|host| {
            let [high, low] = host.to_be_bytes();
            Claim::new(IpAddr::from([10, 1, high, low]))
        });
        assert!(hosts.any(|mut claim| !asked.admit(&mut claim, SMALL_BYTES + 1)));
        assert!(asked.waiting == WAITING_MAX && asked.bytes < ALL_BYTES_MAX);
    }
}
