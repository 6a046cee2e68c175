//! What can be wrong with a stream.

/// The bytes are no stream of S2, or a damaged one. Nothing behind them can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It does not begin by saying that it is one, or says that it is something else.
    #[error("not a stream of S2")]
    NotNamed,
    /// A chunk of a kind that nobody may pass over, and that is not known.
    #[error("a chunk of the unknown kind {0:#04x}")]
    UnknownChunk(u8),
    /// A chunk that is longer than any can be, or unpacks to more than one may.
    #[error("a chunk over the limit")]
    TooLarge,
    /// A chunk that has not even a checksum, or whose packed bytes are wrong.
    #[error("malformed chunk")]
    Malformed,
    /// What a chunk unpacks to is not what it was.
    #[error("wrong checksum")]
    Checksum,
}
