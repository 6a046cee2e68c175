//! Whether the kernel is to go on with a connection's records, and how often that is tried.

/// How often a connection stops receiving for the kernel to go on with it. If it stops in the middle of a
/// record each time it stays where it is: to stop costs more than it is worth.
const OFFLOAD_TRIES_MAX: u8 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offload {
    /// It is not.
    No,
    /// As soon as it can.
    Wanted { tries_left: u8 },
    /// Nothing is received any more for that to happen.
    Stopping { tries_left: u8 },
}

impl Offload {
    pub(crate) const WANTED: Self = Self::Wanted { tries_left: OFFLOAD_TRIES_MAX };

    pub(crate) fn stopping(self) -> Self {
        match self {
            Self::Wanted { tries_left } => Self::Stopping { tries_left },
            other => other,
        }
    }

    /// It cannot be now.
    pub(crate) fn put_off(self) -> Self {
        match self {
            Self::Stopping { tries_left: 0 } => Self::No,
            Self::Stopping { tries_left } => Self::Wanted { tries_left: tries_left - 1 },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_never_between_records_stays() {
        let mut offload = Offload::WANTED;
        for _ in 0..OFFLOAD_TRIES_MAX {
            offload = offload.stopping().put_off();
            assert!(matches!(offload, Offload::Wanted { .. }));
        }
        assert_eq!(offload.stopping().put_off(), Offload::No);
    }
}
