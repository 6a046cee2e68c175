//! Consumers of a work queue want different messages: whether one wants what another one does.
//!
//! Each of its filters is held against each of all others, which may be very many: that goes over turns. Requests about
//! the stream wait meanwhile, so there are no others than those that were there at first.

use js_proto::{ApiError, ConsumerConfig, errors};
use subject_trie::filters_overlap;

use crate::consumer_set::{ConsumerId, ConsumerSet, filters_of};
use crate::turn::Turn;

/// Pairs of filters that are looked at before it is asked again whether there is time.
const PAIRS_AT_ONCE: usize = 512;

/// How far that is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uniqueness {
    /// The consumer that is being looked at: all before it want something else.
    at: ConsumerId,
    /// How many pairs with it were.
    pairs: usize,
}

impl Default for Uniqueness {
    fn default() -> Self {
        Self { at: ConsumerId(0), pairs: 0 }
    }
}

impl Uniqueness {
    /// Goes on with the consumer of that name, as far as the turn goes. Says whether that is all.
    ///
    /// # Errors
    /// Another one wants what it does.
    pub(crate) fn go_on(
        &mut self,
        consumers: &ConsumerSet,
        name: &str,
        config: &ConsumerConfig,
        turn: &mut Turn<'_>,
    ) -> Result<bool, ApiError> {
        let own = filters_of(config);
        for (id, theirs) in consumers.filters_of_others(name, self.at) {
            if id != self.at {
                (self.at, self.pairs) = (id, 0);
            }
            if !turn.may_go_on() {
                return Ok(false);
            }
            if theirs.is_empty() {
                return Err(errors::CONSUMER_WQ_CONSUMER_NOT_UNIQUE.error());
            }
            turn.spend(1);
            let all = own.len() * theirs.len();
            while self.pairs < all {
                if !turn.may_go_on() {
                    return Ok(false);
                }
                let end = all.min(self.pairs + PAIRS_AT_ONCE);
                let mut some = self.pairs..end;
                turn.spend(some.len() as u64);
                if some.any(|pair| filters_overlap(&own[pair / theirs.len()], &theirs[pair % theirs.len()])) {
                    return Err(errors::CONSUMER_WQ_CONSUMER_NOT_UNIQUE.error());
                }
                self.pairs = end;
            }
        }
        Ok(true)
    }
}
