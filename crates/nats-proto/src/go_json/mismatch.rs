//! Why a value cannot be stored, in Go's words.

use std::fmt::Write as _;

use super::{BodyError, Value};
use crate::go_text::quote;

/// A value its field cannot hold.
#[derive(Debug, PartialEq, Eq)]
pub struct Mismatch {
    what: What,
    /// Where it stands, the innermost name first.
    path: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It is of another type.
    Type {
        /// What Go calls the value.
        value: String,
        /// What Go calls the field's type.
        wanted: &'static str,
    },
    /// There is no field for its key.
    Key(String),
    /// It is none of those the field knows.
    Value(String),
}

impl Mismatch {
    /// The value is not of that type, as Go calls it.
    pub fn of_type(value: Value<'_>, wanted: &'static str) -> Self {
        Self::new(What::Type { value: value.kind().into(), wanted })
    }

    /// The value is none of those the field knows, in these words.
    pub fn of_value(words: impl Into<String>) -> Self {
        Self::new(What::Value(words.into()))
    }

    pub(super) fn new(what: What) -> Self {
        Self { what, path: Vec::new() }
    }

    /// The same, in the field or at the index of that name.
    #[must_use]
    pub fn within(mut self, name: impl Into<String>) -> Self {
        self.path.push(name.into());
        self
    }

    /// The same, if that is what Go calls the type of the field it stands in.
    #[must_use]
    pub fn wanting(mut self, go_type: Option<&'static str>) -> Self {
        if let (What::Type { wanted, .. }, Some(go_type), true) =
            (&mut self.what, go_type, self.path.is_empty())
        {
            *wanted = go_type;
        }
        self
    }

    /// The error, in the struct of that type.
    pub(super) fn error(self, within: &str) -> BodyError {
        match self.what {
            What::Type { value, wanted } => {
                BodyError::WrongType(type_words(&value, wanted, &self.path, within))
            }
            What::Key(key) => BodyError::Unknown(format!("json: unknown field {}", quote(key.as_bytes()))),
            What::Value(words) => BodyError::Unknown(words),
        }
    }
}

/// What Go says of a value of another type.
fn type_words(value: &str, wanted: &str, path: &[String], within: &str) -> String {
    let mut words = format!("json: cannot unmarshal {value} into ");
    // Writing to a string cannot fail.
    let _ = match path {
        [] => write!(words, "Go value of type {wanted}"),
        [innermost, ..] => {
            let within = within.trim_start_matches("server.");
            let is_index = innermost.bytes().all(|byte| byte.is_ascii_digit());
            let what = if is_index { "" } else { "Go struct field " };
            let path: Vec<_> = path.iter().rev().map(String::as_str).collect();
            write!(words, "{what}{within}.{} of type {wanted}", path.join("."))
        }
    };
    words
}
