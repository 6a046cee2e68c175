//! Who a connection is.

use std::fmt;

use crate::access::Access;
use crate::claim::Claim;
use crate::connection_type::ConnectionType;
use crate::secret::Secret;

/// A user, as the configuration describes it. Connections of the same user share it.
pub struct Identity {
    pub(crate) name: Name,
    pub(crate) account: usize,
    pub(crate) access: Option<Access>,
    pub(crate) proof: Proof,
    /// How it may connect; `None` is any way.
    pub(crate) connection_types: Option<Vec<ConnectionType>>,
}

/// What tells users apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// Nobody had to say who it is.
    Anonymous,
    Token,
    /// The one user of `authorization`.
    Single(Box<str>),
    User(Box<str>),
    Nkey(Box<str>),
}

/// What a user has to show.
pub(crate) enum Proof {
    Nothing,
    /// A password or a token: plain, or its hash.
    Password(Secret),
    /// A signature by this key.
    Key(Box<nkeys::KeyPair>),
}

impl Identity {
    /// Everyone, where nobody has to identify itself.
    pub(crate) fn anonymous() -> Self {
        Self {
            name: Name::Anonymous,
            account: 0,
            access: None,
            proof: Proof::Nothing,
            connection_types: None,
        }
    }

    /// The index of the account, in the [`Directory`](crate::Directory) this comes from and in all that
    /// follow it.
    pub fn account(&self) -> usize {
        self.account
    }

    /// What it may do; `None` is everything.
    pub fn access(&self) -> Option<&Access> {
        self.access.as_ref()
    }

    /// Who its client says to be. Nothing if it did not have to.
    pub fn claim(&self) -> Option<Claim> {
        match &self.name {
            Name::Anonymous => None,
            Name::Token => Some(Claim::token()),
            Name::Single(user) | Name::User(user) => Some(Claim::user(user)),
            Name::Nkey(key) => Some(Claim::nkey(key)),
        }
    }

    /// What monitoring shows as `authorized_user`: a user name, a public key, or `[REDACTED]` for a token.
    pub fn user(&self) -> Option<&str> {
        match &self.name {
            Name::Anonymous => None,
            Name::Token => Some("[REDACTED]"),
            Name::Single(name) | Name::User(name) | Name::Nkey(name) => Some(name),
        }
    }

    /// Whether the configuration has no password for it.
    pub(crate) fn has_no_password(&self) -> bool {
        matches!(&self.proof, Proof::Password(stored) if stored.is_empty())
    }

    pub(crate) fn may_connect(&self, how: ConnectionType) -> bool {
        self.connection_types.as_ref().is_none_or(|types| types.contains(&how))
    }

    /// Whether what was to be shown to be the other is what is to be shown to be this one.
    pub(crate) fn asks_the_same(&self, other: &Self) -> bool {
        self.name == other.name
            && match (&self.proof, &other.proof) {
                (Proof::Password(one), Proof::Password(other)) => one == other,
                (Proof::Nothing, Proof::Nothing) | (Proof::Key(_), Proof::Key(_)) => true,
                _ => false,
            }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}
