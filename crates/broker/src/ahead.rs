//! Looking ahead: memory that the next ops will need is read for several of them at once.
//!
//! Among a million subscriptions a lookup goes to memory three or four times, and only learns then where to go next:
//! most of a publish is waiting. So while more ops stand in the input, the first steps of all their lookups are taken
//! before the first op is carried out. The processor fetches for all of them together, and when an op has its turn,
//! what it needs is near.
//!
//! It is a hint: nothing depends on it, and what it read may have changed by then.

mod look;

use subject_trie::SubjectHash;

use crate::subscription::SubKey;

#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// Ops until the next look.
    left: usize,
    // Scratch.
    hashes: Vec<SubjectHash>,
    keys: Vec<SubKey>,
}
