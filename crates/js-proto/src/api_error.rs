//! One error, as it stands in an answer.

use std::fmt::{self, Display, Write as _};

use crate::errors;
use crate::go_struct::go_structs;

/// A row of the table of [`errors`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownError {
    /// What clients tell errors apart by.
    pub err_code: u16,
    /// What kind of error it is, as a status of HTTP.
    pub code: u16,
    /// What nats-server calls it in its source.
    pub constant: &'static str,
    /// What it says. `{word}` stands for something to be filled in.
    pub text: &'static str,
}

impl KnownError {
    /// The error, for texts where nothing is to be filled in.
    pub fn error(&self) -> ApiError {
        ApiError { code: self.code, err_code: self.err_code, description: self.text.into() }
    }

    /// The error with values in the places of its text, in their order.
    pub fn with(&self, values: &[&dyn Display]) -> ApiError {
        debug_assert_eq!(values.len(), places(self.text).count(), "{}", self.text);
        let mut description = String::new();
        let mut rest = self.text;
        for (place, value) in places(self.text).zip(values) {
            let (before, behind) = rest.split_once(place).unwrap_or((rest, ""));
            description.push_str(before);
            // Writing to a string cannot fail.
            let _ = write!(description, "{value}");
            rest = behind;
        }
        description.push_str(rest);
        ApiError { code: self.code, err_code: self.err_code, description }
    }

    /// The row of that number.
    pub fn find(err_code: u16) -> Option<&'static Self> {
        let at = errors::ALL.binary_search_by_key(&err_code, |known| known.err_code).ok()?;
        errors::ALL.get(at)
    }
}

/// The places to be filled in a text, braces included.
fn places(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('}').filter_map(|part| part.rfind('{').map(|at| &part[at..]))
}

go_structs! {
    /// What went wrong, as answers say it.
    pub struct ApiError = "server.ApiError" {
        /// The kind of error, as a status of HTTP.
        code: u16 = "code" as "int";
        /// The number in the table of [`errors`].
        err_code: u16 = "err_code" if set;
        /// For people.
        description: String = "description" if set;
    }
}

impl ApiError {
    /// Whether it is that one, whatever was filled in.
    pub fn is(&self, known: &KnownError) -> bool {
        self.err_code == known.err_code
    }
}

impl Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.description, self.err_code)
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in_their_order() {
        let error = errors::STREAM_WRONG_LAST_SEQUENCE.with(&[&7]);
        assert_eq!(error.to_string(), "wrong last sequence: 7 (10071)");
        let error = errors::STREAM_EXTERNAL_DEL_PREFIX_OVERLAPS.with(&[&"{subject}", &"b"]);
        assert_eq!(
            error.description,
            "stream external delivery prefix {subject} overlaps with stream subject b"
        );
        assert!(error.is(&errors::STREAM_EXTERNAL_DEL_PREFIX_OVERLAPS));
    }

    #[test]
    fn every_row_is_found_by_its_number_and_can_be_filled() {
        for known in errors::ALL {
            assert_eq!(KnownError::find(known.err_code), Some(known));
            let values = vec![&"x" as &dyn Display; places(known.text).count()];
            let filled = known.with(&values);
            assert!(!filled.description.contains(['{', '}']), "{filled}");
            assert_eq!(filled == known.error(), values.is_empty());
        }
        assert_eq!(KnownError::find(0), None);
        assert_eq!(KnownError::find(10_001), None);
    }
}
