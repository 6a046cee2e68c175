//! Subjects that become other subjects: `orders.*` to `orders.{{partition(3,1)}}.{{wildcard(1)}}`.
//!
//! A transform is read once from a source filter and a destination, and then applied to subjects that
//! match the source. A token of the destination is text, a wildcard of the source by its number (`$1`),
//! or a function in double braces:
//!
//! | function | what it becomes |
//! |---|---|
//! | `wildcard(n)` | what the n-th `*` of the source stands for |
//! | `partition(buckets,n,…)` | FNV-1a (32 bits) of those wildcards in a row, or of the whole subject, modulo `buckets` |
//! | `random(buckets)` | a number below `buckets` |
//! | `split(n,text)` | the wildcard, cut into tokens at each `text` |
//! | `splitFromLeft(n,at)`, `splitFromRight(n,at)` | the wildcard, cut in two |
//! | `sliceFromLeft(n,size)`, `sliceFromRight(n,size)` | the wildcard, cut into tokens of `size` bytes |
//! | `left(n,size)`, `right(n,size)` | the first or last bytes of the wildcard |
//!
//! The first letter of each word of a name may be upper case. A cut that does not fit leaves the
//! wildcard whole. All of this, down to what odd arguments do, is what nats-server does: a wildcard
//! number below 1 names the first token, and `split` may begin with an empty token.

use crate::grammar::{classify, tokens};

mod function;

use function::Function;
pub use function::partition_hash;

/// Why a destination does not fit its source.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransformError {
    /// The source or the destination is no filter, the destination has a `*`, or only one of them ends
    /// in `>`.
    #[error("invalid subject")]
    BadSubject,
    /// A function that does not exist.
    #[error("invalid mapping destination: unknown function in {0}")]
    UnknownFunction(String),
    /// A wildcard that the source does not have.
    #[error("invalid mapping destination: wildcard index out of range in {0}")]
    WildcardOutOfRange(String),
    /// A function with too few arguments.
    #[error("invalid mapping destination: not enough arguments passed to the function in {0}")]
    NotEnoughArguments(String),
    /// A function with too many arguments.
    #[error("invalid mapping destination: too many arguments passed to the function in {0}")]
    TooManyArguments(String),
    /// An argument that is no number, or no text to split at.
    #[error("invalid mapping destination: function argument is invalid or in the wrong format in {0}")]
    BadArgument(String),
    /// A transform that has to be reversible names another function than `wildcard`.
    #[error(
        "invalid mapping destination: the only mapping function allowed for import transforms is {{{{Wildcard()}}}} in {0}"
    )]
    NotReversible(String),
    /// A transform that has to be reversible leaves out a wildcard of the source.
    #[error("invalid mapping destination: not using all of the token wildcard(s) in {0}")]
    WildcardLeftOut(String),
}

/// How subjects that match a source become other subjects.
///
/// ```
/// use subject_trie::Transform;
/// let transform = Transform::new("a.*.*", "b.$2.{{split(1,-)}}").unwrap();
/// let mut subject = Vec::new();
/// transform.apply(b"a.x-y.z", || 0, &mut subject);
/// assert_eq!(subject, b"b.z.x.y");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transform {
    parts: Vec<Part>,
    /// Tokens of the source before its `>`, if the destination ends with one.
    tail_from: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    /// Indexes of source tokens, and what to do with them.
    Function(Function, Box<[usize]>),
}

impl Transform {
    /// Reads a transform.
    ///
    /// # Errors
    ///
    /// See [`TransformError`].
    pub fn new(source: &str, destination: &str) -> Result<Self, TransformError> {
        let source = source.as_bytes();
        let is_sound = classify(source).is_ok() && classify(destination.as_bytes()).is_ok();
        let has_tail = source.split(|byte| *byte == b'.').next_back() == Some(b">");
        let goes_on = destination.split('.').next_back() == Some(">");
        if !is_sound || destination.split('.').any(|token| token == "*") || has_tail != goes_on {
            return Err(TransformError::BadSubject);
        }
        let wildcards: Vec<usize> =
            tokens(source).enumerate().filter(|(_, token)| *token == b"*").map(|(at, _)| at).collect();
        let has_wildcard = has_tail || !wildcards.is_empty();
        let named = destination.split('.').filter(|token| *token != ">");
        let parts =
            named.map(|token| read_part(token, &wildcards, has_wildcard)).collect::<Result<_, _>>()?;
        Ok(Self { parts, tail_from: has_tail.then(|| tokens(source).count() - 1) })
    }

    /// Reads a transform of a source with wildcards that another one can take back: it names all of them, and uses no
    /// other function.
    ///
    /// # Errors
    ///
    /// See [`TransformError`].
    pub fn reversible(source: &str, destination: &str) -> Result<Self, TransformError> {
        let transform = Self::new(source, destination)?;
        let mut named = 0;
        for (part, token) in transform.parts.iter().zip(destination.split('.')) {
            match part {
                Part::Text(_) => {}
                Part::Function(Function::Wildcard, indexes) => named += indexes.len(),
                Part::Function(..) => return Err(TransformError::NotReversible(token.to_owned())),
            }
        }
        let wildcards = tokens(source.as_bytes()).filter(|token| *token == b"*").count();
        if named < wildcards {
            return Err(TransformError::WildcardLeftOut(destination.to_owned()));
        }
        Ok(transform)
    }

    /// Appends what the subject becomes to `into`. The subject has to match the source. `random` is
    /// asked for a number at each `random(…)`.
    pub fn apply(&self, subject: &[u8], mut random: impl FnMut() -> u32, into: &mut Vec<u8>) {
        let source: Vec<&[u8]> = tokens(subject).collect();
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                into.push(b'.');
            }
            match part {
                Part::Text(text) => into.extend_from_slice(text.as_bytes()),
                Part::Function(function, indexes) => {
                    let named = indexes.iter().map(|index| source.get(*index).copied().unwrap_or_default());
                    function.apply(subject, named, &mut random, into);
                }
            }
        }
        for (at, token) in source.iter().skip(self.tail_from.unwrap_or(source.len())).enumerate() {
            if at > 0 || !self.parts.is_empty() {
                into.push(b'.');
            }
            into.extend_from_slice(token);
        }
    }
}

/// A token of a destination. Wildcards by number become indexes of source tokens.
fn read_part(token: &str, wildcards: &[usize], has_wildcard: bool) -> Result<Part, TransformError> {
    let Some((function, numbers)) = Function::read(token)? else { return Ok(Part::Text(token.into())) };
    if !has_wildcard {
        return match function {
            Function::Partition { .. } | Function::Random { .. } => Ok(Part::Function(function, [].into())),
            _ => Err(TransformError::WildcardOutOfRange(token.to_owned())),
        };
    }
    let index = |number: &i64| match usize::try_from(*number) {
        Ok(0) | Err(_) => Ok(0),
        Ok(number) => wildcards
            .get(number - 1)
            .copied()
            .ok_or_else(|| TransformError::WildcardOutOfRange(format!("{token}: [{number}]"))),
    };
    Ok(Part::Function(function, numbers.iter().map(index).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests;
