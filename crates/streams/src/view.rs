//! What a stream was at a moment, told row by row while it goes on.
//!
//! A message that goes before it was told is kept until it is: its row here, its bytes by not burying its record. What came
//! after the moment is not told. So whoever is told sees the stream of one moment, however long that takes.

use std::collections::BTreeMap;

use stream_index::{Place, Row};

/// Bytes of rows that are kept. If more go before they are told, no more can be told.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// What a kept row takes beside its subject.
const KEPT_BYTES: usize = 96;

/// How far it was told.
#[derive(Debug)]
pub(crate) struct View {
    /// All before were told.
    pub(crate) next: u64,
    /// What comes behind is not told.
    pub(crate) up_to: u64,
    /// Messages that are gone and are not told yet.
    kept: BTreeMap<u64, Kept>,
    kept_bytes: usize,
    /// More went than can be kept.
    pub(crate) is_torn: bool,
}

#[derive(Debug)]
struct Kept {
    time: i64,
    place: Place,
    subject: Box<[u8]>,
}

/// A message of the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewed {
    /// Its sequence.
    pub seq: u64,
    /// When it came, in nanoseconds since 1970.
    pub time: i64,
    /// Where it lies.
    pub place: Place,
    /// Where it was published.
    pub subject: Box<[u8]>,
}

impl View {
    /// Nothing was told, and all up to a sequence will be.
    pub(crate) fn new(up_to: u64) -> Self {
        Self { next: 0, up_to, kept: BTreeMap::new(), kept_bytes: 0, is_torn: false }
    }

    /// Keeps a message that goes, if it is one of the moment that was not told. Says whether it was.
    pub(crate) fn keep(&mut self, row: &Row, subject: &[u8]) -> bool {
        if self.is_torn || !(self.next..=self.up_to).contains(&row.seq) {
            return false;
        }
        self.kept_bytes += KEPT_BYTES + subject.len();
        self.is_torn = self.kept_bytes > KEPT_BYTES_MAX;
        let kept = Kept { time: row.time, place: row.place, subject: subject.into() };
        self.kept.insert(row.seq, kept).is_none()
    }

    /// A record lies elsewhere. Says whether it is kept.
    pub(crate) fn on_moved(&mut self, seq: u64, from: Place, to: Place) -> bool {
        let kept = self.kept.get_mut(&seq).filter(|kept| kept.place == from);
        kept.map(|kept| kept.place = to).is_some()
    }

    pub(crate) fn keeps(&self, seq: u64, place: Place) -> bool {
        self.kept.get(&seq).is_some_and(|kept| kept.place == place)
    }

    /// The first one that is kept.
    pub(crate) fn first_kept(&self) -> Option<Viewed> {
        let (seq, kept) = self.kept.first_key_value()?;
        Some(Viewed { seq: *seq, time: kept.time, place: kept.place, subject: kept.subject.clone() })
    }

    /// A message was told. Gives the place of one that was kept: nobody needs its record any more.
    pub(crate) fn pass(&mut self, seq: u64) -> Option<Place> {
        self.next = seq + 1;
        let kept = self.kept.remove(&seq)?;
        self.kept_bytes -= KEPT_BYTES + kept.subject.len();
        Some(kept.place)
    }

    /// Nobody is told any more: nothing further is kept. Gives where some of those lie that are.
    pub(crate) fn end_some(&mut self, most: usize) -> Vec<Place> {
        self.is_torn = true;
        let kept = std::iter::from_fn(|| self.kept.pop_first().map(|(_, kept)| kept.place));
        kept.take(most).collect()
    }
}
