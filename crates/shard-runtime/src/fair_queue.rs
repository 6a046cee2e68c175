//! A bounded queue that nobody can fill alone.
//!
//! What waits is told apart by the network it is for, and within that by the user. Networks take turns, and
//! in each of them its users do. There is a place for one more as long as fewer are taken by its user and by
//! its network than are free. So whoever floods the queue from one network as one user gets a third of it,
//! from `n` networks the `n + 2`nd part in each; the rest is free for others, who wait for one turn of each
//! network at most. Nobody can be told apart who shares both the network and the user.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

/// Who something that waits is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    network: IpAddr,
    /// Empty if it is not known.
    user: Box<str>,
}

impl Source {
    /// The network is the address itself, or the first 64 bits of one of IPv6: whoever has one of those
    /// has all of them.
    pub(crate) fn new(address: IpAddr, user: &str) -> Self {
        let network = match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address => address,
        };
        Self { network, user: user.into() }
    }
}

/// What waits, and whose turn it is.
pub(crate) struct FairQueue<T> {
    networks: Turns<IpAddr, Network<T>>,
    len: usize,
    len_max: usize,
}

struct Network<T> {
    users: Turns<Box<str>, VecDeque<T>>,
    len: usize,
}

impl<T> FairQueue<T> {
    pub(crate) fn new(len_max: usize) -> Self {
        Self { networks: Turns::default(), len: 0, len_max }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether there is a place for something of this source.
    pub(crate) fn has_room(&self, source: &Source) -> bool {
        let network = self.networks.find(&source.network);
        let of_network = network.map_or(0, |network| network.len);
        let of_user = network.and_then(|network| network.users.find(&source.user)).map_or(0, VecDeque::len);
        of_user + of_network < self.len_max - self.len
    }

    /// Takes in something there is room for.
    pub(crate) fn push(&mut self, source: Source, item: T) {
        assert!(self.has_room(&source), "who pushes has asked");
        let network = self.networks.line(source.network);
        network.users.line(source.user).push_back(item);
        network.len += 1;
        self.len += 1;
    }

    /// Takes out what is next.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let item = self.networks.take(|network| {
            network.len -= 1;
            (network.pop().expect("no network is empty"), network.len == 0)
        })?;
        self.len -= 1;
        Some(item)
    }
}

impl<T> Network<T> {
    fn pop(&mut self) -> Option<T> {
        self.users.take(|items| (items.pop_front().expect("no user has nothing"), items.is_empty()))
    }
}

impl<T> Default for Network<T> {
    fn default() -> Self {
        Self { users: Turns::default(), len: 0 }
    }
}

/// Lines that take turns. None of them is empty.
struct Turns<K, L> {
    lines: HashMap<K, L>,
    /// The next one first.
    order: VecDeque<K>,
}

impl<K: Clone + Eq + Hash, L: Default> Turns<K, L> {
    fn find(&self, key: &K) -> Option<&L> {
        self.lines.get(key)
    }

    /// The line of this key, to be added to. A new one has its turn after all others.
    fn line(&mut self, key: K) -> &mut L {
        let Self { lines, order } = self;
        lines.entry(key).or_insert_with_key(|key| {
            order.push_back(key.clone());
            L::default()
        })
    }

    /// Takes from the line whose turn it is. `take` also says whether that was the last of it.
    fn take<T>(&mut self, take: impl FnOnce(&mut L) -> (T, bool)) -> Option<T> {
        let key = self.order.pop_front()?;
        let (taken, is_over) = take(self.lines.get_mut(&key).expect("only lines have turns"));
        if is_over {
            self.lines.remove(&key);
        } else {
            self.order.push_back(key);
        }
        Some(taken)
    }
}

impl<K, L> Default for Turns<K, L> {
    fn default() -> Self {
        Self { lines: HashMap::new(), order: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str, user: &str) -> Source {
        Source::new(address.parse().unwrap(), user)
    }

    /// Pushes until there is no more room; returns how many went in.
    fn flood<T: Clone>(queue: &mut FairQueue<T>, source: &Source, item: &T) -> usize {
        let before = queue.len();
        while queue.has_room(source) {
            queue.push(source.clone(), item.clone());
        }
        queue.len() - before
    }

    #[test]
    fn one_user_of_one_network_gets_a_third_of_the_queue() {
        let mut queue = FairQueue::new(30);
        assert_eq!(flood(&mut queue, &source("10.0.0.1", "bob"), &"bob"), 10);
        assert!(queue.has_room(&source("10.0.0.1", "eve")), "as another user");
        assert!(queue.has_room(&source("10.0.0.2", "bob")), "from another network");
    }

    #[test]
    fn networks_take_turns_and_so_do_their_users() {
        let mut queue = FairQueue::new(100);
        for (address, user, item) in [
            ("10.0.0.1", "bob", 1),
            ("10.0.0.1", "bob", 5),
            ("10.0.0.1", "bob", 7),
            ("10.0.0.1", "eve", 3),
            ("10.0.0.2", "bob", 2),
            ("10.0.0.2", "bob", 4),
            ("10.0.0.2", "bob", 6),
        ] {
            queue.push(source(address, user), item);
        }
        let popped: Vec<i32> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(popped, [1, 2, 3, 4, 5, 6, 7]);
        assert!(queue.is_empty() && queue.networks.lines.is_empty());
    }

    #[test]
    fn however_many_flood_it_one_more_is_let_in_and_has_its_turn_soon() {
        const FLOODERS: usize = 20;
        let mut queue = FairQueue::new(96);
        let flooders: Vec<Source> = (0..FLOODERS).map(|n| source(&format!("10.0.0.{n}"), "bob")).collect();
        let honest = source("10.0.1.0", "bob");
        let mut let_in = 0;
        for round in 0..1000 {
            for flooder in &flooders {
                flood(&mut queue, flooder, &"bob");
            }
            assert!(queue.len() <= 96);
            // At first those that came first have more than their share.
            if round >= 96 && queue.has_room(&honest) {
                queue.push(honest.clone(), "honest");
                let_in += 1;
                let waits = std::iter::from_fn(|| queue.pop()).take_while(|item| *item != "honest").count();
                assert!(waits <= FLOODERS, "{waits}");
            } else {
                queue.pop();
            }
        }
        assert!(let_in > 0);
    }

    #[test]
    fn a_network_of_ipv6_is_its_first_64_bits() {
        let a = source("2001:db8::1", "bob");
        assert_eq!(a, source("2001:db8::ffff:1", "bob"));
        assert_ne!(a, source("2001:db8:0:1::1", "bob"));
        assert_eq!(source("::ffff:10.0.0.1", "bob"), source("10.0.0.1", "bob"));
        assert_ne!(source("::ffff:10.0.0.1", "bob"), source("::ffff:10.0.0.2", "bob"));
    }
}
