//! What the disk allows: messages written and synced by a loop that does nothing else.

use super::measure::Bench;

/// How the loop is made up for a load: as many messages without an answer, and as long ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ceiling {
    /// Of all publishers together.
    pub(crate) window: u32,
    pub(crate) payload_bytes: u32,
}

/// What our log has for a message beside its payload: the head of its record, and a subject such as `bench.0`.
const RECORD_HEAD_BYTES: u32 = 38 + 7;

/// Whoever reaches this part of what the disk allows has done what can be done.
pub(crate) const SHARE_MIN: f64 = 0.85;

/// Measured before and after a load: the higher one counts.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// Messages per second.
    highest: Option<f64>,
}

impl Disk {
    /// Looks once more.
    pub(crate) fn look(&mut self, bench: &Bench, ceiling: Option<Ceiling>) {
        let Some(Ceiling { window, payload_bytes }) = ceiling else { return };
        match bench.disk(window, payload_bytes + RECORD_HEAD_BYTES) {
            Ok(rate) => self.highest = Some(self.highest.map_or(rate, |highest| highest.max(rate))),
            Err(error) => eprintln!("the disk's ceiling: {error:#}"),
        }
    }

    pub(crate) fn highest(&self) -> Option<f64> {
        self.highest
    }
}
