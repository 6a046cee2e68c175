//! What is wrong with a configuration.

use nats_proto::quote;

/// Why no [`Directory`](crate::Directory) can be built. Where nats-server has words for it, they are
/// its words, without the place in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Two users of one name.
    #[error("Duplicate user {} detected", quote(.0))]
    DuplicateUser(String),
    /// Two users of one nkey.
    #[error("Duplicate nkey {} detected", quote(.0))]
    DuplicateNkey(String),
    /// Two accounts of one name.
    #[error("Duplicate Account Entry: {0}")]
    DuplicateAccount(String),
    /// A user's nkey is no public key of a user.
    #[error("Not a valid public nkey for a user")]
    BadNkey,
    /// `user` and `password` beside `users`.
    #[error("Can not have a single user/pass and a users array")]
    SingleUserAndUsers,
    /// `token` beside `users`.
    #[error("Can not have a token and a users array")]
    TokenAndUsers,
    /// `no_auth_user` where there are no users.
    #[error("no_auth_user: \"{0}\" present, but users/nkeys are not defined")]
    NoAuthUserWithoutUsers(String),
    /// `no_auth_user` names nobody.
    #[error(
        "no_auth_user: \"{0}\" not present as user or nkey in authorization block or account configuration"
    )]
    NoAuthUserUnknown(String),
    /// Permissions with an entry that is no subject.
    #[error("{0}")]
    Permissions(String),
    /// `allowed_connection_types` has a word that is none.
    #[error("invalid connection types [{}]", quote(.0))]
    ConnectionType(String),
    /// A mapping whose source is no subject.
    #[error("Subject {} is not a valid subject", quote(.0))]
    MappingSource(String),
    /// A mapping to one place that makes no sense.
    #[error("Error adding mapping for {} to {} : {reason}", quote(filter), quote(subject))]
    MappingTo {
        /// From where.
        filter: String,
        /// To where.
        subject: String,
        /// What is wrong.
        reason: String,
    },
    /// A mapping that makes no sense.
    #[error("Error adding mapping for {} : {reason}", quote(filter))]
    Mapping {
        /// From where.
        filter: String,
        /// What is wrong.
        reason: String,
    },
    /// A mapping for one cluster only.
    #[error(
        "mapping for {} to {}: \"cluster\" is set, but clusters are not supported yet; remove it",
        quote(filter),
        quote(subject)
    )]
    MappingCluster {
        /// From where.
        filter: String,
        /// To where.
        subject: String,
    },
    /// What accounts share makes no sense.
    #[error("{0}")]
    Sharing(String),
}
