//! Looking ahead: memory that the next ops will need is read for several of them at once.
//!
//! Among a million subscriptions each lookup goes to memory three or four times, and each time knows only
//! then where to go next: most of a publish is waiting. While more ops stand in the input, the first
//! steps of all their lookups are taken before the first op is carried out; the processor makes them
//! wait together. When the ops come to their turn, what they need is near.
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
