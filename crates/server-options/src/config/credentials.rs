//! Who may connect, as far as it is known while the file and the flags are being read.

use std::collections::BTreeSet;

use nats_auth::{IdentityConfig, Secret, User};
use nats_conf::{ConfError, Value};
use nats_proto::quote;

use crate::config::report::Report;

/// The one user or token for all, from the file or from flags; and who else is known so far.
#[derive(Debug, Default)]
pub(crate) struct CredentialsDraft {
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) token: Secret,
    /// Users and nkeys of all blocks: each may be there once.
    known: BTreeSet<String>,
    /// The first `users` of an account.
    account_users: Option<Value>,
}

impl CredentialsDraft {
    /// Notes the users of `authorization`. As nats-server does, it stops at the first that was known before.
    /// `block` is where mistakes are.
    pub(crate) fn enter(&mut self, users: &[User], block: &Value, report: &mut Report) {
        let (nkeys, named): (Vec<&User>, Vec<&User>) = users.iter().partition(|user| is_nkey(user));
        if let Some(reason) = named.into_iter().chain(nkeys).find_map(|user| self.duplicate(user)) {
            report.refuse(block, reason);
        }
    }

    /// Notes the users of an account, and all those among them that were known before.
    pub(crate) fn enter_account(&mut self, users: &[User], block: &Value, report: &mut Report) {
        if !users.is_empty() {
            self.account_users.get_or_insert_with(|| block.clone());
        }
        let (nkeys, named): (Vec<&User>, Vec<&User>) = users.iter().partition(|user| is_nkey(user));
        let duplicates = nkeys.into_iter().chain(named).filter_map(|user| self.duplicate(user));
        duplicates.for_each(|reason| report.refuse(block, reason));
    }

    /// Notes a user; what to say if it was known before.
    fn duplicate(&mut self, user: &User) -> Option<String> {
        let (kind, name) = match &user.identity {
            IdentityConfig::Password { user, .. } => ("user", user),
            IdentityConfig::Nkey(key) => ("nkey", key),
        };
        (!self.known.insert(name.clone())).then(|| format!("Duplicate {kind} {} detected", quote(name)))
    }

    /// What is wrong with one user or token for all beside the users of accounts.
    pub(crate) fn conflict(&self) -> Option<ConfError> {
        let users = self.account_users.as_ref()?;
        if !self.user.is_empty() {
            Some(users.refused("Can not have a single user/pass and accounts"))
        } else if !self.token.is_empty() {
            Some(users.refused("Can not have a token and accounts"))
        } else {
            None
        }
    }
}

fn is_nkey(user: &User) -> bool {
    matches!(user.identity, IdentityConfig::Nkey(_))
}
