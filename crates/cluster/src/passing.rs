//! Where a message may go on to, by where it came from: one table.
//!
//! It is what keeps a message from passing a server twice, with nothing in it that says where it has been but the leaf
//! cluster it comes from. Gateways have no place in it yet.

/// The other end of a connection, as this server sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// A client, or a service of this server.
    Client,
    /// Another server of the cluster.
    Route,
    /// A leaf node whose hub this server is.
    Leaf,
    /// The hub whose leaf node this server is.
    Hub,
}

impl Side {
    /// How many there are.
    pub const COUNT: usize = 4;

    /// Each of them, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [Self::Client, Self::Route, Self::Leaf, Self::Hub];
}

/// Whether a message may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// It may.
    Yes,
    /// It may not.
    No,
    /// Only for a queue group that it names and that has no member here.
    Bounce,
    /// Not to the leaf cluster that it comes from.
    OtherOrigin,
    /// Not over the connection that it came over, and not to the leaf cluster that it comes from.
    Others,
    /// Only if it answers what a service was asked.
    Answers,
}

/// Whether a message that came `from` there may go `to` there.
pub fn passing(from: Side, to: Side) -> Passing {
    match (from, to) {
        (_, Side::Client) | (Side::Client, _) => Passing::Yes,
        (Side::Route, Side::Route) => Passing::Bounce,
        (Side::Route, Side::Leaf) => Passing::OtherOrigin,
        (Side::Route, Side::Hub) => Passing::Answers,
        (Side::Leaf, Side::Route | Side::Hub) | (Side::Hub, Side::Leaf) => Passing::Yes,
        (Side::Leaf, Side::Leaf) | (Side::Hub, Side::Hub) => Passing::Others,
        (Side::Hub, Side::Route) => Passing::No,
    }
}

/// Whether interest that was learned `from` there is told `to` there.
pub fn is_told(from: Side, to: Side) -> bool {
    match (from, to) {
        // Nobody is told anything but servers.
        (_, Side::Client) => false,
        (Side::Client, _) => true,
        (Side::Route, Side::Leaf) => true,
        // One hop; and every server of a leaf cluster has a hub of its own to hear what is wanted here.
        (Side::Route, Side::Route | Side::Hub) => false,
        (Side::Leaf, _) => true,
        (Side::Hub, Side::Leaf | Side::Hub) => true,
        (Side::Hub, Side::Route) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// A cluster and leaf clusters of it, each a full mesh; every server of a leaf cluster has a server of the first
    /// one for its hub.
    #[derive(Debug)]
    struct Net {
        /// The cluster of each server; 0 is the hubs'.
        clusters: Vec<usize>,
        /// The hub of each server of a leaf cluster.
        hubs: Vec<Option<usize>>,
        /// How often each server was passed.
        passed: Vec<usize>,
    }

    impl Net {
        fn of(hubs: usize, leafs: &[Vec<usize>]) -> Self {
            let (mut clusters, mut of) = (vec![0; hubs], vec![None; hubs]);
            for (at, members) in leafs.iter().enumerate() {
                clusters.extend(members.iter().map(|_| at + 1));
                of.extend(members.iter().map(|hub| Some(hub % hubs)));
            }
            Self { passed: vec![0; clusters.len()], clusters, hubs: of }
        }

        /// What the server at `of` is to the one at `at`, if they are connected.
        fn side(&self, at: usize, of: usize) -> Option<Side> {
            match () {
                () if at == of => None,
                () if self.clusters[at] == self.clusters[of] => Some(Side::Route),
                () if self.hubs[of] == Some(at) => Some(Side::Leaf),
                () if self.hubs[at] == Some(of) => Some(Side::Hub),
                () => None,
            }
        }

        /// The message is at that server, for which it has an origin, and goes on.
        fn pass(&mut self, at: usize, from: Option<usize>, origin: usize) {
            self.passed[at] += 1;
            assert!(self.passed[at] < 9, "it goes round");
            let side = from.map_or(Side::Client, |from| self.side(at, from).expect("it came from there"));
            for to in 0..self.clusters.len() {
                let Some(target) = self.side(at, to) else { continue };
                let is_other = Some(to) != from && self.clusters[to] != origin;
                let goes = match passing(side, target) {
                    Passing::Yes => true,
                    Passing::No | Passing::Bounce | Passing::Answers => false,
                    Passing::OtherOrigin | Passing::Others => is_other,
                };
                if goes {
                    // A hub knows a message of a leaf node by the leaf node's cluster.
                    let origin = if target == Side::Hub { self.clusters[at] } else { origin };
                    self.pass(to, Some(at), origin);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_message_passes_every_server_once(
            hubs in 1..4_usize,
            leafs in vec(vec(0..4_usize, 1..4), 0..4),
            at in any::<prop::sample::Index>(),
        ) {
            let mut net = Net::of(hubs, &leafs);
            let at = at.index(net.clusters.len());
            net.pass(at, None, usize::MAX);
            prop_assert!(net.passed.iter().all(|times| *times == 1), "from {}: {:?}", at, net);
        }
    }

    #[test]
    fn where_interest_goes_messages_come_back() {
        let sides = [Side::Client, Side::Route, Side::Leaf, Side::Hub];
        for (from, to) in sides.into_iter().flat_map(|from| sides.map(|to| (from, to))) {
            if is_told(from, to) {
                // Who was told by `to` sends from there, and it has to reach who wanted it.
                assert_ne!(passing(to, from), Passing::No, "{from:?} and {to:?}");
            }
        }
    }
}
