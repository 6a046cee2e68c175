//! A short name for a stored filter.

/// Names a filter of one [`SubjectTrie`](crate::SubjectTrie) for as long as it has a subscription
/// there, in four bytes instead of a copy of the filter. After that the key may name another filter.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FilterKey(u32);

/// Where the filter of a key is kept.
pub(crate) enum Whereabouts {
    Literal { at: u32 },
    Wildcard { node: u32, has_tail: bool },
}

impl FilterKey {
    pub(crate) fn of(place: Whereabouts) -> Self {
        let (number, low, low_bits) = match place {
            Whereabouts::Literal { at } => (at, 0, 1),
            Whereabouts::Wildcard { node, has_tail } => (node, 1 | u32::from(has_tail) << 1, 2),
        };
        assert!(number >> (u32::BITS - low_bits) == 0, "memory ends long before keys do");
        Self(number << low_bits | low)
    }

    pub(crate) fn whereabouts(self) -> Whereabouts {
        match self.0 & 1 {
            0 => Whereabouts::Literal { at: self.0 >> 1 },
            _ => Whereabouts::Wildcard { node: self.0 >> 2, has_tail: self.0 & 2 != 0 },
        }
    }
}
