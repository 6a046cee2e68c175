//! What was said lately, and is good enough for who asks the same again.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use http_api::{Outgoing, Received};
use tokio::time::Instant;

use crate::pool::Identity;

/// Questions whose answers are kept. Where there are so many, those whose time is over go, and then all.
const KEPT_MAX: usize = 1024;

/// Messages and bytes of an answer that is kept; a longer one is asked for again each time.
const BYTES_MAX: usize = 64 << 10;

type Question = (Identity, String);

/// What was said lately.
#[derive(Debug, Default)]
pub(crate) struct Kept(RefCell<HashMap<Question, (Instant, Vec<Received>)>>);

impl Kept {
    /// What was said to that, if it is good enough still.
    pub(crate) fn find(&self, identity: &Identity, asked: &Outgoing) -> Option<Vec<Received>> {
        if !is_plain(asked) {
            return None;
        }
        let kept = self.0.borrow();
        let (until, said) = kept.get(&(identity.clone(), asked.subject.clone()))?;
        (Instant::now() < *until).then(|| said.clone())
    }

    /// Keeps what was said for so long.
    pub(crate) fn keep(&self, identity: &Identity, asked: &Outgoing, said: &[Received], time: Duration) {
        let bytes: usize = said.iter().map(Received::bytes).sum();
        if time.is_zero() || !is_plain(asked) || bytes > BYTES_MAX {
            return;
        }
        let (mut kept, now) = (self.0.borrow_mut(), Instant::now());
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, (until, _)| now < *until);
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert((identity.clone(), asked.subject.clone()), (now + time, said.to_vec()));
    }
}

/// A question that its subject says whole.
fn is_plain(asked: &Outgoing) -> bool {
    asked.bytes() == 0
}
