//! Bytes that are not what they are said to be.

use thiserror::Error;

/// Why bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// They end too early.
    #[error("{0} is cut off")]
    CutOff(&'static str),
    /// They say what cannot be.
    #[error("{0} is damaged")]
    Malformed(&'static str),
    /// A checksum says that they are not those that were written.
    #[error("{0} does not match its checksum")]
    Checksum(&'static str),
    /// They are of a version or kind that is not known here.
    #[error("{0} is of a version that is not known")]
    Version(&'static str),
    /// They ask for more memory than there is for them.
    #[error("{0} is too large")]
    TooLarge(&'static str),
}

/// What is packed is damaged.
impl From<s2_stream::Damage> for Damage {
    fn from(damage: s2_stream::Damage) -> Self {
        const WHAT: &str = "an S2 stream";
        match damage {
            s2_stream::Damage::NotNamed | s2_stream::Damage::Malformed => Self::Malformed(WHAT),
            s2_stream::Damage::UnknownChunk(_) => Self::Version(WHAT),
            s2_stream::Damage::TooLarge => Self::TooLarge(WHAT),
            s2_stream::Damage::Checksum => Self::Checksum(WHAT),
        }
    }
}
