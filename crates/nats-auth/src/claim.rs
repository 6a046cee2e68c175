//! Who a client says to be, whether that is so or not.

use std::fmt;
use std::sync::Arc;

use nats_proto::quote;

/// Who a client says to be. Shown, it is what nats-server's log lines have: `User "bob"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    kind: Kind,
    /// What stands for a token in its place is no secret.
    name: Arc<str>,
}

/// Of several, logs go by the first of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Nkey,
    User,
    Token,
}

impl Claim {
    pub(crate) fn nkey(key: &str) -> Self {
        Self { kind: Kind::Nkey, name: key.into() }
    }

    pub(crate) fn user(name: &str) -> Self {
        Self { kind: Kind::User, name: name.into() }
    }

    pub(crate) fn token() -> Self {
        Self { kind: Kind::Token, name: "[REDACTED]".into() }
    }

    /// Whether logs go by this one where there is the other too.
    pub fn goes_before(&self, other: Option<&Self>) -> bool {
        other.is_none_or(|other| self.kind < other.kind)
    }

    /// The name, for [`PasswordCheck::lapse_with`](crate::PasswordCheck::lapse_with).
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How the names of connections in logs have it: `user:bob`, `nkey:U…` or `token`.
    pub fn label(&self) -> String {
        match self.kind {
            Kind::Nkey => format!("nkey:{}", self.name),
            Kind::User => format!("user:{}", self.name),
            Kind::Token => "token".into(),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Nkey => "Nkey",
            Kind::User => "User",
            Kind::Token => "Token",
        };
        write!(f, "{kind} {}", quote(&*self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_before_a_name_and_a_name_before_a_token() {
        let all = [Claim::nkey("UX"), Claim::user("b"), Claim::token()];
        for (at, claim) in all.iter().enumerate() {
            assert!(claim.goes_before(None));
            for (other_at, other) in all.iter().enumerate() {
                assert_eq!(claim.goes_before(Some(other)), at < other_at, "{claim} {other}");
            }
        }
    }

    #[test]
    fn claims_are_shown_as_in_the_peers_log() {
        for (claim, shown, label) in [
            (Claim::user("b\x1b"), r#"User "b\x1b""#, "user:b\x1b"),
            (Claim::nkey("UX"), r#"Nkey "UX""#, "nkey:UX"),
            (Claim::token(), r#"Token "[REDACTED]""#, "token"),
        ] {
            assert_eq!((claim.to_string(), claim.label()), (shown.into(), label.into()));
        }
    }
}
