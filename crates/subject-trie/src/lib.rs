//! NATS subjects: the grammar, and an index from filters to subscriptions.
//!
//! A *subject* is what a message is published to, a *filter* is what a subscription names. Both
//! are tokens joined by dots. In a filter the token `*` stands for any one token and `>`, as the
//! last token, for one or more. Both are bytes, never checked to be UTF-8.
//!
//! [`SubjectTrie`] holds subscriptions and answers which of them a subject matches;
//! [`MatchCache`] remembers answers and never gives a stale one. [`Transform`] turns one subject into
//! another. However many subscriptions there are, one that comes or goes moves a few thousand others at most:
//! see [`steady`].
//!
//! ```
//! use subject_trie::{MatchCache, Matches, SubjectTrie};
//!
//! let mut trie = SubjectTrie::new();
//! trie.insert(b"orders.eu", None, 1)?;
//! trie.insert(b"orders.*", None, 2)?;
//! trie.insert(b"orders.>", Some(b"workers"), 3)?;
//!
//! let mut matches = Matches::default();
//! trie.collect(b"orders.eu", &mut matches);
//! assert_eq!(matches.plain, [1, 2]);
//! assert_eq!(matches.queues[0].name.as_ref(), b"workers");
//! assert_eq!(matches.queues[0].members, [3]);
//!
//! let mut cache = MatchCache::new(1024);
//! assert_eq!(cache.lookup(&trie, b"orders.us").plain, [2]);
//! trie.remove(b"orders.*", None, &2);
//! assert!(cache.lookup(&trie, b"orders.us").plain.is_empty());
//! # Ok::<(), subject_trie::SubjectError>(())
//! ```

#![forbid(unsafe_code)]

mod change_stamps;
mod filter;
mod filter_key;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod grammar;
mod hashing;
mod literal_table;
mod match_cache;
mod matches;
mod members;
mod name;
mod queues;
pub mod steady;
mod stem;
mod subscribers;
mod transform;
mod trie;
mod wildcard_trie;

pub use filter::{
    filter_contains, filter_covers, filter_intersection, filter_matches, filters_overlap,
    valid_filter_matches, valid_filters_overlap,
};
pub use filter_key::FilterKey;
pub use grammar::{SubjectError, has_empty_token, has_wildcard, is_valid_filter, is_valid_literal};
pub use hashing::SubjectHash;
pub use match_cache::{MatchCache, RESULT_VALUES_MAX, SUBJECT_BYTES_MAX};
pub use matches::{Matches, QueueMatch, QueueName};
pub use transform::{Transform, TransformError, partition_hash};
pub use trie::SubjectTrie;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
