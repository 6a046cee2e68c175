//! The other servers of the cluster, as far as they tell how they are.

use std::collections::BTreeMap;
use std::time::Duration;

/// Who told nothing for so long is forgotten, as by nats-server: it tells each ten seconds.
const SILENCE_MAX: Duration = Duration::from_secs(150);

/// Servers that are remembered. Of a cluster that is larger the rest is new whenever it tells something.
const OTHERS_MAX: usize = 4096;

/// By id, when each told something last, on the shard's clock in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Others(BTreeMap<Box<[u8]>, u64>);

/// What another server tells unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// How it is.
    Statsz,
    /// That it ends.
    Shutdown,
}

impl Told {
    /// All of it, each with the filter that it is heard by.
    pub(crate) const ALL: [(Self, &'static [u8]); 2] =
        [(Self::Statsz, b"$SYS.SERVER.*.STATSZ"), (Self::Shutdown, b"$SYS.SERVER.*.SHUTDOWN")];

    /// What the service's letters carry that are of this.
    pub(crate) fn tag(self) -> u32 {
        self as u32
    }

    pub(crate) fn of_tag(tag: u32) -> Option<Self> {
        Self::ALL.iter().map(|(told, _)| *told).find(|told| told.tag() == tag)
    }
}

impl Others {
    /// Another server tells something, on that subject. Returns whether it is new.
    pub(crate) fn on_told(&mut self, now: u64, told: Told, subject: &[u8]) -> bool {
        let id = subject.split(|byte| *byte == b'.').nth(2).unwrap_or_default();
        if told == Told::Shutdown {
            self.0.remove(id);
            return false;
        }
        if let Some(last) = self.0.get_mut(id) {
            *last = now;
            return false;
        }
        let oldest = now.saturating_sub(SILENCE_MAX.as_nanos() as u64);
        self.0.retain(|_, last| *last >= oldest);
        if self.0.len() < OTHERS_MAX {
            self.0.insert(id.into(), now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_new_once_until_it_ends_or_is_silent() {
        let mut others = Others::default();
        let mut statsz = |now: u64, id: &str| {
            let subject = format!("$SYS.SERVER.{id}.STATSZ");
            others.on_told(now * 1_000_000_000, Told::Statsz, subject.as_bytes())
        };
        assert_eq!([statsz(1, "A"), statsz(2, "A"), statsz(3, "B")], [true, false, true]);
        // A third one that is new has those forgotten that were silent.
        assert_eq!([statsz(100, "B"), statsz(200, "C"), statsz(201, "A")], [false, true, true]);
        assert!(!others.on_told(0, Told::Shutdown, b"$SYS.SERVER.B.SHUTDOWN"));
        assert!(others.on_told(202_000_000_000, Told::Statsz, b"$SYS.SERVER.B.STATSZ"));
        let tags = Told::ALL.map(|(told, _)| Told::of_tag(told.tag()));
        assert_eq!(tags, [Some(Told::Statsz), Some(Told::Shutdown)]);
        assert_eq!(Told::of_tag(broker::CLAIMED), None);
    }
}
