//! The choice itself.
//!
//! Draw a member; if it cannot take the message, draw again. Every member that can is then as
//! likely as every other, and the share of one that cannot is spread over all of them rather than
//! handed to its neighbour. After a few misses most members cannot, so those that can are counted
//! and one of them is drawn, which is as even and bounds the work.

use crate::draws::Draws;

/// Draws before counting. With half of the members unable, all of these miss once in 256 times.
const BLIND_DRAWS_MAX: usize = 8;

/// What being local counts for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Locality {
    /// Members weigh the same wherever they are: the shards of one server.
    Even,
    /// A local member whenever one can take the message: the servers of a cluster.
    LocalFirst,
}

/// Members of the group in another place, where the choice among them is made.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Remote<K> {
    /// The place.
    pub at: K,
    /// How many members it has. None: it is never picked.
    pub weight: u32,
}

/// Who gets the message.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Pick<K> {
    /// The local member with this index.
    Local(usize),
    /// Some member in that place.
    Remote(K),
}

/// Chooses one of `local` members here or of the `remotes`; `None` only if no local member can
/// take the message and the remotes have no members.
///
/// `random` should differ from message to message; a counter will do, if nobody gains by guessing
/// the outcome. The same arguments give the same choice.
///
/// `can_take` is asked about an index below `local`, perhaps more than once, and should not
/// change its mind within one call. Remotes are taken to be able.
///
/// Takes one draw if members can take the message, and looks at every member at most twice more
/// if most cannot. The remotes are summed up each time they have a say: keep them few.
pub fn pick<K: Copy>(
    random: u64,
    local: usize,
    mut can_take: impl FnMut(usize) -> bool,
    remotes: &[Remote<K>],
    locality: Locality,
) -> Option<Pick<K>> {
    let mut draws = Draws::from(random);
    match locality {
        Locality::Even => pick_from(&mut draws, local, &mut can_take, remotes),
        Locality::LocalFirst => {
            let here = pick_from(&mut draws, local, &mut can_take, &[]);
            here.or_else(|| pick_from(&mut draws, 0, &mut can_take, remotes))
        }
    }
}

/// The first draw of [`pick`], whether or not the member can take the message: for callers who find
/// that out by giving it the message. If it cannot, `pick` with another number.
#[inline]
pub fn draw<K: Copy>(random: u64, local: usize, remotes: &[Remote<K>]) -> Option<Pick<K>> {
    let elsewhere: u64 = remotes.iter().map(|remote| u64::from(remote.weight)).sum();
    let total = local as u64 + elsewhere;
    if total == 0 {
        return None;
    }
    let drawn = Draws::from(random).below(total);
    match drawn.checked_sub(local as u64) {
        Some(nth) => remote_at(remotes, nth),
        None => Some(Pick::Local(drawn as usize)),
    }
}

fn pick_from<K: Copy>(
    draws: &mut Draws,
    local: usize,
    can_take: &mut impl FnMut(usize) -> bool,
    remotes: &[Remote<K>],
) -> Option<Pick<K>> {
    let elsewhere: u64 = remotes.iter().map(|remote| u64::from(remote.weight)).sum();
    let total = local as u64 + elsewhere;
    if total == 0 {
        return None;
    }
    for _ in 0..BLIND_DRAWS_MAX {
        let drawn = draws.below(total);
        if drawn >= local as u64 {
            return remote_at(remotes, drawn - local as u64);
        }
        if can_take(drawn as usize) {
            return Some(Pick::Local(drawn as usize));
        }
    }
    pick_counted(draws, local, can_take, remotes, elsewhere)
}

/// Draws among those that can take the message, once they are counted.
fn pick_counted<K: Copy>(
    draws: &mut Draws,
    local: usize,
    can_take: &mut impl FnMut(usize) -> bool,
    remotes: &[Remote<K>],
    elsewhere: u64,
) -> Option<Pick<K>> {
    let able = (0..local).filter(|&member| can_take(member)).count();
    let total = able as u64 + elsewhere;
    if total == 0 {
        return None;
    }
    let drawn = draws.below(total);
    if drawn >= able as u64 {
        return remote_at(remotes, drawn - able as u64);
    }
    (0..local).filter(|&member| can_take(member)).nth(drawn as usize).map(Pick::Local)
}

/// The place of the `nth` remote member.
fn remote_at<K: Copy>(remotes: &[Remote<K>], mut nth: u64) -> Option<Pick<K>> {
    for remote in remotes {
        match nth.checked_sub(u64::from(remote.weight)) {
            Some(rest) => nth = rest,
            None => return Some(Pick::Remote(remote.at)),
        }
    }
    None
}

#[cfg(test)]
mod tests;
