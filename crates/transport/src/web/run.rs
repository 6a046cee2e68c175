//! Payloads that follow each other in what was received.
//!
//! Small ones are moved together where they are, so that the protocol hears of them at once: that costs less than to
//! tell it of each.

use std::ops::Range;

use crate::news::News;

/// A payload up to this size is moved.
const MOVED_BYTES_MAX: usize = 2 << 10;

/// Payloads that were not told of yet.
#[derive(Debug, Default)]
pub(super) struct Run {
    range: Range<usize>,
    /// Where one ends and the next begins, counted from the first.
    cuts: Vec<usize>,
    /// All of them stay where they are, and nobody is told.
    pub(super) stays: bool,
}

impl Run {
    /// Puts a payload behind those before it, or tells of those.
    pub(super) fn gather(
        &mut self,
        bytes: &mut [u8],
        payload: Range<usize>,
        tell: &mut impl FnMut(News<'_>),
    ) {
        if payload.is_empty() {
            return;
        }
        if !self.range.is_empty() && payload.len() > MOVED_BYTES_MAX && !self.stays {
            self.tell(bytes, tell);
        }
        if self.range.is_empty() {
            self.range = payload;
            return;
        }
        self.cuts.push(self.range.len());
        let end = self.range.end + payload.len();
        bytes.copy_within(payload, self.range.end);
        self.range.end = end;
    }

    /// Tells of those there are, unless they stay.
    pub(super) fn tell(&mut self, bytes: &[u8], tell: &mut impl FnMut(News<'_>)) {
        if self.stays {
            return;
        }
        let bytes = &bytes[std::mem::take(&mut self.range)];
        match &self.cuts[..] {
            _ if bytes.is_empty() => {}
            [] => tell(News::Said(bytes)),
            cuts => tell(News::Frames { bytes, cuts }),
        }
        self.cuts.clear();
    }

    /// Takes those that stayed: where they are, and where they are cut.
    pub(super) fn take(&mut self) -> (Range<usize>, Vec<usize>) {
        self.stays = false;
        (std::mem::take(&mut self.range), std::mem::take(&mut self.cuts))
    }

    /// The cuts are not needed any more.
    pub(super) fn put_back(&mut self, mut cuts: Vec<usize>) {
        cuts.clear();
        self.cuts = cuts;
    }
}
