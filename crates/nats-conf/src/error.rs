//! What can be wrong with a configuration.

use crate::Position;

/// A mistake in a configuration, with its place.
///
/// The texts hold nats-server's words. Where nats-server names only a line, the place stands before
/// them, so that every text begins with `file:line:column: `.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfError {
    /// The text does not follow the grammar.
    #[error("{position}: Parse error on line {}: '{message}'", position.line)]
    Syntax {
        /// Where reading stopped.
        position: Position,
        /// What was expected, and what stood there.
        message: String,
    },
    /// The text ends after a key, so it was probably no configuration at all.
    #[error("config is invalid ({position})")]
    KeyWithoutValue {
        /// The end of the text.
        position: Position,
    },
    /// A number that does not fit, or a date that does not exist.
    #[error("{position}: {reason}")]
    BadScalar {
        /// Where it stands.
        position: Position,
        /// The text and what is wrong with it.
        reason: String,
    },
    /// `$NAME` is neither a key of an enclosing block nor in the environment.
    #[error("{position}: variable reference for '{name}' on line {} can not be found", position.line)]
    UnknownVariable {
        /// Where the reference stands.
        position: Position,
        /// The name without the dollar sign.
        name: String,
    },
    /// The environment's text for `$NAME` is not a value.
    #[error("{position}: variable reference for '{name}' on line {} could not be parsed: {source}", position.line)]
    BadVariable {
        /// Where the reference stands.
        position: Position,
        /// The name without the dollar sign.
        name: String,
        /// What is wrong with the text.
        source: Box<Self>,
    },
    /// Environment variables refer to each other in a circle.
    #[error("{position}: variable reference cycle for '{name}'")]
    VariableCycle {
        /// Where the reference stands that closes the circle.
        position: Position,
        /// The name without the dollar sign.
        name: String,
    },
    /// An included file can not be read.
    #[error("{position}: error parsing include file '{path}', {reason}")]
    UnreadableInclude {
        /// Where the include stands.
        position: Position,
        /// The path as written.
        path: String,
        /// The reader's words.
        reason: String,
    },
    /// An included file has a mistake.
    #[error("{position}: error parsing include file '{path}', {source}")]
    BadInclude {
        /// Where the include stands.
        position: Position,
        /// The path as written.
        path: String,
        /// The mistake.
        source: Box<Self>,
    },
    /// A configuration file itself can not be read.
    #[error("{reason}")]
    Unreadable {
        /// The reader's words, which name the file.
        reason: String,
    },
    /// One of this crate's bounds is exceeded.
    #[error("{position}: {what} exceeds the limit of {max}")]
    TooLarge {
        /// Where the bound was met.
        position: Position,
        /// What there is too much of.
        what: &'static str,
        /// How much of it there may be.
        max: usize,
    },
    /// A value is of another type than its key wants.
    #[error("{position}: interface conversion: interface {{}} is {found}, not {wanted}")]
    WrongType {
        /// The place of the value's key.
        position: Position,
        /// The type that stands there, in the words of [`Data::type_name`](crate::Data::type_name).
        found: &'static str,
        /// The type the key wants, in the same words.
        wanted: &'static str,
    },
    /// A key that nobody knows.
    #[error("{position}: unknown field {field:?}")]
    UnknownField {
        /// The place of the key.
        position: Position,
        /// The key as written.
        field: String,
    },
    /// A value of the right type that its consumer refuses.
    #[error("{position}: {reason}")]
    Refused {
        /// The place of the value's key.
        position: Position,
        /// The consumer's words.
        reason: String,
    },
}

impl ConfError {
    /// Where the mistake is; for an include, where the include stands. None only for a main file that
    /// could not be read.
    pub fn position(&self) -> Option<&Position> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Syntax { position, .. }
            | Self::KeyWithoutValue { position }
            | Self::BadScalar { position, .. }
            | Self::UnknownVariable { position, .. }
            | Self::BadVariable { position, .. }
            | Self::VariableCycle { position, .. }
            | Self::UnreadableInclude { position, .. }
            | Self::BadInclude { position, .. }
            | Self::TooLarge { position, .. }
            | Self::WrongType { position, .. }
            | Self::UnknownField { position, .. }
            | Self::Refused { position, .. } => Some(position),
        }
    }
}
