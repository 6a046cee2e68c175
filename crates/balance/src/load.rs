//! How busy a shard is.

use std::time::Duration;

/// The part of a stretch of time that a shard spent at work rather than asleep, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Load(u16);

impl Load {
    /// Asleep throughout.
    pub const NONE: Self = Self(0);
    /// At work throughout.
    pub const FULL: Self = Self(1000);

    /// So many thousandths; more than 1000 counts as 1000.
    pub const fn permille(permille: u16) -> Self {
        if permille > 1000 { Self::FULL } else { Self(permille) }
    }

    /// The share of `busy` in `whole`. No time at all is no load.
    pub fn of(busy: Duration, whole: Duration) -> Self {
        let permille = (busy.as_nanos() * 1000).checked_div(whole.as_nanos()).unwrap_or(0);
        Self::permille(permille.min(1000) as u16)
    }

    /// The load in thousandths.
    pub const fn as_permille(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_a_share_of_time() {
        let ms = Duration::from_millis;
        assert_eq!(Load::of(ms(25), ms(100)), Load::permille(250));
        assert_eq!(Load::of(ms(101), ms(100)), Load::FULL);
        assert_eq!(Load::of(ms(0), ms(0)), Load::NONE);
    }
}
