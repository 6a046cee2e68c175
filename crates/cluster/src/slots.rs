//! Which of a route's connections an account uses.

/// How many connections two servers have between them, beside those of single accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// One, for everything: one of them knows of no pools, or wants none.
    None,
    /// So many, at least one. Accounts are spread over them.
    Of(u32),
}

impl Pool {
    /// Between servers that want so many. Zero is one that knows of no pools or wants none.
    pub fn between(own: u32, theirs: u32) -> Self {
        if own == 0 || theirs == 0 { Self::None } else { Self::Of(own.max(theirs)) }
    }

    /// How many there are.
    pub fn size(self) -> u32 {
        match self {
            Self::None => 1,
            Self::Of(size) => size,
        }
    }

    /// The connection of an account that has none for itself. Both servers come to the same.
    pub fn slot(self, account: &str) -> u32 {
        match self {
            Self::None => 0,
            Self::Of(size) => fnv(account) % size.max(1),
        }
    }
}

/// FNV-1a with 32 bits.
fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_where_nats_server_has_them() {
        let slots = |account| [2, 3, 5].map(|size| Pool::between(size, 1).slot(account));
        assert_eq!((slots("$G"), slots("B")), ([0, 2, 3], [1, 0, 4]));
        assert_eq!((Pool::between(3, 3).slot("A"), Pool::between(3, 3).slot("E")), (0, 1));
    }

    #[test]
    fn the_larger_wish_counts_and_none_is_none_for_both() {
        assert_eq!((Pool::between(3, 5), Pool::between(5, 3)), (Pool::Of(5), Pool::Of(5)));
        assert_eq!((Pool::between(0, 3), Pool::between(3, 0)), (Pool::None, Pool::None));
        assert_eq!((Pool::None.slot("$G"), Pool::between(1, 1).slot("$G")), (0, 0));
    }
}
