//! How the body of a request is read: that differs from one kind to the other.

use nats_proto::go_json::{BodyError, Fields, read_into, read_strictly_into};

use crate::{ApiError, KnownError, errors, headers};

/// The level of the API that nats-server 2.14 has.
pub const API_LEVEL: i64 = 4;

/// What becomes of a key that no field has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnknownFields {
    /// The request is refused.
    #[default]
    Refused,
    /// It is passed over, as servers do that are told not to be strict.
    Ignored,
}

/// When there is a body to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Always; nothing at all says nothing.
    Read,
    /// If it begins like an object or a list. Anything else says nothing.
    Optional,
    /// There has to be one, and it has to say something.
    Required,
    /// There has to be one, and nobody minds keys that no field has.
    Lenient,
}

/// The body of a kind of request.
pub trait RequestBody: Fields + Default {
    /// When there is one to be read.
    const PRESENCE: Presence;

    /// What is wrong with what it says, without a look at anything else.
    ///
    /// # Errors
    ///
    /// What is answered.
    fn check(&self) -> Result<(), ApiError> {
        Ok(())
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// What is answered: that it is no JSON or has other fields, or what [`check`](Self::check) says.
    fn read(body: &[u8], unknown: UnknownFields) -> Result<Self, ApiError> {
        let mut request = Self::default();
        match Self::PRESENCE {
            Presence::Required if is_empty(body) => return Err(errors::BAD_REQUEST.error()),
            Presence::Optional if !begins_like_json(body) => return Ok(request),
            Presence::Lenient => read_into(body, &mut request).map_err(invalid_json)?,
            _ => read_with(body, unknown, &mut request).map_err(invalid_json)?,
        }
        request.check()?;
        Ok(request)
    }
}

/// What is answered to a body that cannot be read.
fn invalid_json(error: BodyError) -> ApiError {
    errors::INVALID_JSON.with(&[&error])
}

fn read_with<T: Fields>(body: &[u8], unknown: UnknownFields, request: &mut T) -> Result<(), BodyError> {
    match (read_strictly_into(body, request), unknown) {
        (Err(_), UnknownFields::Ignored) => read_into(body, request),
        (read, _) => read,
    }
}

/// Refuses bodies of requests that have none.
///
/// # Errors
///
/// It says something.
pub fn expect_empty(body: &[u8]) -> Result<(), ApiError> {
    if is_empty(body) { Ok(()) } else { Err(errors::NOT_EMPTY_REQUEST.error()) }
}

/// Whether there is no body, or only an object without members.
fn is_empty(body: &[u8]) -> bool {
    let inner = without_blanks(body).strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}"));
    body.is_empty() || inner.is_some_and(|inner| without_blanks(inner).is_empty())
}

fn begins_like_json(body: &[u8]) -> bool {
    matches!(without_blanks(body).first(), Some(b'{' | b'['))
}

/// The text without what are blanks in JSON.
fn without_blanks(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

/// Refuses requests that need a higher level of the API than this one, by their headers.
///
/// # Errors
///
/// The level is higher, or no number.
pub fn check_api_level(block: &[u8]) -> Result<(), ApiError> {
    const TOO_LOW: KnownError = errors::REQUIRED_API_LEVEL;
    let level = headers::fields(block).find(|(name, _)| *name == headers::REQUIRED_API_LEVEL.as_bytes());
    let Some((_, level)) = level.filter(|(_, level)| !level.is_empty()) else { return Ok(()) };
    let level: Option<i64> = str::from_utf8(level).ok().and_then(|level| level.parse().ok());
    if level.is_some_and(|level| level <= API_LEVEL) { Ok(()) } else { Err(TOO_LOW.error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_without_members_is_empty() {
        for body in ["", "{}", " {} ", "{ \n }"] {
            assert_eq!(expect_empty(body.as_bytes()), Ok(()), "{body}");
        }
        for body in ["x", "null", "[]", "{}{}", " ", "{\"a\":1}", "{\x0c}"] {
            assert_eq!(expect_empty(body.as_bytes()).unwrap_err().err_code, 10038, "{body}");
        }
    }

    #[test]
    fn levels_are_compared_with_this_one() {
        let check = |level: &str| {
            check_api_level(format!("NATS/1.0\r\nNats-Required-Api-Level: {level}\r\n\r\n").as_bytes())
        };
        for level in ["4", "0", "-1", "+4", ""] {
            assert_eq!(check(level), Ok(()), "{level}");
        }
        for level in ["5", "x", "4 ", "1e0"] {
            assert_eq!(check(level).unwrap_err().err_code, 10185, "{level}");
        }
        assert_eq!(check_api_level(b""), Ok(()));
    }
}
