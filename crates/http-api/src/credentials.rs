//! Who asks.

use data_encoding::BASE64;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use nats_proto::ConnectOptions;

use crate::parameters::Parameters;
use crate::problem::{Kind, Problem};

/// As clients before the header had a standard name send it.
const API_KEY: &str = "x-nats-api-key";

/// Who asks, as it goes into CONNECT.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Credentials {
    /// Nobody in particular.
    #[default]
    None,
    /// A user with a password.
    User(String, String),
    /// Somebody with a token.
    Token(String),
    /// Somebody with a JWT that needs no key to be used.
    Jwt(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::User(name, _) => f.debug_tuple("User").field(name).finish_non_exhaustive(),
            Self::Token(_) => f.write_str("Token"),
            Self::Jwt(_) => f.write_str("Jwt"),
        }
    }
}

impl Credentials {
    /// Reads them from the headers, and from the query if that is allowed.
    ///
    /// # Errors
    /// They are not understood.
    pub fn read(headers: &HeaderMap, query: &str, in_query: bool) -> Result<Self, Problem> {
        let said = |name| headers.get(name).map(|value| value.to_str().map_err(|_| wrong()));
        if let Some(said) = said(AUTHORIZATION.as_str()).or_else(|| said(API_KEY)) {
            return Self::of(said?);
        }
        if !in_query {
            return Ok(Self::None);
        }
        let parameters = Parameters::read(query)?;
        let said = parameters.text("authorization").or_else(|| {
            parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(API_KEY)).map(|(_, value)| value)
        });
        said.map_or(Ok(Self::None), Self::of)
    }

    /// A scheme and what goes with it; a word alone is a token.
    fn of(said: &str) -> Result<Self, Problem> {
        let said = said.trim();
        let is_scheme = ["basic", "bearer", "token"].iter().any(|scheme| said.eq_ignore_ascii_case(scheme));
        let lone = if is_scheme { ("", "") } else { ("bearer", said) };
        let (scheme, rest) = said.split_once(' ').unwrap_or(lone);
        let rest = rest.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => Self::basic(rest).ok_or_else(wrong),
            "bearer" | "token" if is_jwt(rest) => Ok(Self::Jwt(rest.to_owned())),
            "bearer" | "token" if !rest.is_empty() => Ok(Self::Token(rest.to_owned())),
            _ => Err(wrong()),
        }
    }

    fn basic(text: &str) -> Option<Self> {
        let decoded = String::from_utf8(BASE64.decode(text.as_bytes()).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        Some(Self::User(user.to_owned(), password.to_owned()))
    }

    /// Puts them where the server looks.
    pub(crate) fn put(&self, options: &mut ConnectOptions) {
        match self {
            Self::None => {}
            Self::User(user, password) => {
                (options.user, options.pass) = (user.clone(), password.clone());
            }
            Self::Token(token) => options.auth_token.clone_from(token),
            Self::Jwt(jwt) => options.jwt.clone_from(jwt),
        }
    }
}

fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.matches('.').count() == 2
}

fn wrong() -> Problem {
    Problem::new(
        Kind::Unauthorized,
        "credentials are Basic with a user and a password, or Bearer with a token",
    )
}

/// Parameters that are none of a route's.
pub(crate) const IN_QUERY: [&str; 3] = ["authorization", API_KEY, TICKET];

/// A word that stands for credentials.
const TICKET: &str = "ticket";

/// The ticket that a query has, if any.
///
/// # Errors
/// The query is not understood.
pub fn ticket_of(query: &str) -> Result<Option<String>, Problem> {
    Ok(Parameters::read(query)?.text(TICKET).map(ToOwned::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &'static str) -> Result<Credentials, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, http::HeaderValue::from_static(value));
        Credentials::read(&headers, "", false)
    }

    #[test]
    fn schemes_say_how_it_is_meant() {
        let user = Credentials::User("a".into(), "b:c".into());
        assert_eq!(read("Basic YTpiOmM="), Ok(user.clone()));
        assert_eq!(read("basic  YTpiOmM="), Ok(user));
        for text in ["Bearer s3cr3t", "s3cr3t", "token s3cr3t"] {
            assert_eq!(read(text), Ok(Credentials::Token("s3cr3t".into())), "{text}");
        }
        assert_eq!(read("Bearer eyJ0.eyJq.abc"), Ok(Credentials::Jwt("eyJ0.eyJq.abc".into())));
        for wrong in ["Digest x", "Basic !", "Basic YQ==", "Bearer ", ""] {
            assert_eq!(read(wrong).unwrap_err().kind, Kind::Unauthorized, "{wrong}");
        }
    }

    #[test]
    fn a_query_tells_only_where_it_may() {
        let none = HeaderMap::new();
        let query = "x=1&authorization=Basic%20YTpi&X-Nats-Api-Key=k";
        assert_eq!(Credentials::read(&none, query, false), Ok(Credentials::None));
        let user = Credentials::User("a".into(), "b".into());
        assert_eq!(Credentials::read(&none, query, true), Ok(user));
        let key = Credentials::read(&none, "X-Nats-Api-Key=k", true);
        assert_eq!(key, Ok(Credentials::Token("k".into())));
    }

    #[test]
    fn nobody_sees_a_secret() {
        let shown =
            format!("{:?}", [Credentials::Token("s3".into()), Credentials::User("u".into(), "s3".into())]);
        assert!(!shown.contains("s3") && shown.contains("\"u\""), "{shown}");
    }
}
