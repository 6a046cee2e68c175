//! Samples of who talks to whom, and which connections should live elsewhere for it.
//!
//! One message in some hundreds is looked at, so that it costs the others a countdown.

mod judge;

use balance::{PlacementRule, Relief, Traffic};
use conns::ConnId;

use crate::config::Config;

/// One message in this many is sampled, on average.
const SAMPLE_EVERY: u32 = 256;

/// What is known from samples.
#[derive(Debug)]
pub(crate) struct Sampling {
    /// Messages until the next sample.
    countdown: u32,
    balance: bool,
    colocate: bool,
    traffic: Traffic,
    relief: Relief,
    /// The votes that count: a new poll begins with each pause.
    poll: u32,
    /// Connections whose votes were decided in this poll, as many as can move.
    decided: Vec<ConnId>,
}

impl Sampling {
    pub(crate) fn new(config: &Config) -> Self {
        let shared = config.shards > 1;
        Self {
            countdown: SAMPLE_EVERY,
            balance: shared && config.settings.options.placement == PlacementRule::Load,
            colocate: shared && config.settings.options.colocate,
            traffic: Traffic::default(),
            relief: Relief::default(),
            poll: 0,
            decided: Vec::new(),
        }
    }

    /// Counts a message; whether it is one to look at.
    #[inline]
    pub(crate) fn is_due(&mut self) -> bool {
        self.countdown -= 1;
        self.countdown == 0
    }

    /// Connections change places: what was seen is not so any more.
    pub(crate) fn forget(&mut self) {
        self.traffic.clear();
        self.decided.clear();
        self.poll += 1;
    }
}
