//! Words that say nothing else in the protocol than themselves.

/// Whether nothing in it ends a word of the protocol.
pub(crate) fn is_plain(word: &str) -> bool {
    !word.bytes().any(|byte| byte <= b' ' || byte == 0x7f)
}
