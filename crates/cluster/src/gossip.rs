//! Who tells whom of a server that joined.

/// Why there is a connection to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was dialed because a setting names it.
    Configured,
    /// It was dialed because another server told of it.
    Heard,
    /// The other side dialed.
    Accepted,
}

/// What stands as `gossip_mode` in INFO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Not written: who was told and dials tells nobody.
    #[default]
    Plain,
    /// Who was told, dials, and the one it reaches tells nobody either.
    Silent,
    /// Who was told and dials tells others all the same.
    Anyway,
}

impl Mode {
    /// Reads the number of an INFO. One that is none is the plain one, as the peer has it.
    pub fn of_info(number: u8) -> Self {
        match number {
            1 => Self::Silent,
            2 => Self::Anyway,
            _ => Self::Plain,
        }
    }

    /// The number for an INFO.
    pub fn number(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::Silent => 1,
            Self::Anyway => 2,
        }
    }
}

/// A server that joined, as the others are to hear of it.
#[derive(Debug, Clone, Copy)]
pub struct Joined {
    /// Why there is a connection to it.
    pub origin: Origin,
    /// What this server was told when it heard of it; plain if it did not.
    pub told: Mode,
    /// What its INFO says.
    pub says: Mode,
}

impl Joined {
    /// Whether the others are told at all.
    pub fn is_told(&self) -> bool {
        let only_heard = self.origin == Origin::Heard && self.told != Mode::Anyway;
        !only_heard && self.says != Mode::Silent
    }

    /// The mode that another server is told with. `is_configured`: a setting names that one.
    pub fn mode_for(&self, is_configured: bool) -> Mode {
        match self.origin {
            Origin::Configured => Mode::Anyway,
            Origin::Accepted if is_configured => Mode::Anyway,
            Origin::Accepted => Mode::Silent,
            Origin::Heard => Mode::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_is_told_on_only_if_it_was_to_be() {
        let joined = |origin, told, says| Joined { origin, told, says };
        for (joined, is_told) in [
            (joined(Origin::Accepted, Mode::Plain, Mode::Plain), true),
            (joined(Origin::Configured, Mode::Plain, Mode::Plain), true),
            (joined(Origin::Heard, Mode::Plain, Mode::Plain), false),
            (joined(Origin::Heard, Mode::Silent, Mode::Plain), false),
            (joined(Origin::Heard, Mode::Anyway, Mode::Plain), true),
            (joined(Origin::Heard, Mode::Anyway, Mode::Silent), false),
            (joined(Origin::Accepted, Mode::Plain, Mode::Silent), false),
        ] {
            assert_eq!(joined.is_told(), is_told, "{joined:?}");
        }
        let mode = |origin, is_configured| joined(origin, Mode::Plain, Mode::Plain).mode_for(is_configured);
        assert_eq!(
            (mode(Origin::Configured, false), mode(Origin::Accepted, true)),
            (Mode::Anyway, Mode::Anyway)
        );
        assert_eq!((mode(Origin::Accepted, false), mode(Origin::Heard, true)), (Mode::Silent, Mode::Plain));
    }

    /// Servers that join one after the other, each with one or two of the others in its settings, and all that
    /// follows from what they tell.
    struct Cluster {
        configured: Vec<Vec<usize>>,
        links: Vec<(usize, usize)>,
        dials: usize,
    }

    impl Cluster {
        fn of(configured: Vec<Vec<usize>>) -> Self {
            let mut cluster = Self { configured, links: Vec::new(), dials: 0 };
            for at in 0..cluster.configured.len() {
                for to in cluster.configured[at].clone() {
                    cluster.dial(at, to, Origin::Configured, Mode::Plain);
                }
            }
            cluster
        }

        fn is_linked(&self, a: usize, b: usize) -> bool {
            a == b || self.links.contains(&(a.min(b), a.max(b)))
        }

        /// A dialer announces the mode it was told with, and both tell the others.
        fn dial(&mut self, from: usize, to: usize, origin: Origin, told: Mode) {
            self.dials += 1;
            if self.is_linked(from, to) {
                return;
            }
            self.links.push((from.min(to), from.max(to)));
            self.tell(to, from, Joined { origin: Origin::Accepted, told: Mode::Plain, says: told });
            self.tell(from, to, Joined { origin, told, says: Mode::Plain });
        }

        fn tell(&mut self, teller: usize, of: usize, joined: Joined) {
            let others: Vec<_> = (0..self.configured.len())
                .filter(|other| ![teller, of].contains(other) && self.is_linked(teller, *other))
                .collect();
            for other in others.into_iter().filter(|_| joined.is_told()) {
                let mode = joined.mode_for(self.configured[teller].contains(&other));
                // Who knows the server already, or has it in its settings, does nothing.
                if !self.is_linked(other, of) {
                    self.dial(other, of, Origin::Heard, mode);
                }
            }
        }
    }

    #[test]
    fn servers_that_know_one_of_them_come_to_know_all() {
        for count in 2..9_usize {
            let star: Vec<Vec<usize>> = (0..count).map(|at| if at == 0 { vec![] } else { vec![0] }).collect();
            let chain: Vec<Vec<usize>> =
                (0..count).map(|at| at.checked_sub(1).into_iter().collect()).collect();
            for configured in [star, chain] {
                let cluster = Cluster::of(configured.clone());
                let pairs = count * (count - 1) / 2;
                assert_eq!(cluster.links.len(), pairs, "{configured:?}");
                assert!(cluster.dials <= 2 * pairs, "{} dials for {pairs} pairs", cluster.dials);
            }
        }
    }
}
