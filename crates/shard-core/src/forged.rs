//! Rules that can be taken away, to see that tests notice.

/// Which of the rules that keep causes before effects (docs/decisions/0001-interest-fence.md) do not hold.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forged {
    /// What clients sent is acted on before what other shards had sent by then.
    pub input_first: bool,
    /// The same of what they sent in the middle of a batch.
    pub newer_first: bool,
    /// Output leaves although a batch that was to leave before it is still here.
    pub output_first: bool,
    /// A shard that stops says its last word before what it acted on has left.
    pub last_word_first: bool,
}
