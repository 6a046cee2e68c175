//! What a listener for leaf nodes asks for.

use crate::secret::Secret;

/// Who may come as a leaf node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeafAuthorization {
    /// `user` and `password`: the one user there is.
    pub user: Option<(String, Secret)>,
    /// `nkey`: the one there is.
    pub nkey: Option<String>,
    /// `account`: which that one is bound to, and who is nobody known where nobody is named; `None` is the global
    /// account.
    pub account: Option<String>,
    /// `users`, who do not go with the one.
    pub users: Vec<LeafUser>,
}

/// One of the `users` that a listener for leaf nodes has for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeafUser {
    /// `user`.
    pub user: String,
    /// `password`.
    pub password: Secret,
    /// `account`: which it is bound to; `None` is the global account.
    pub account: Option<String>,
}
