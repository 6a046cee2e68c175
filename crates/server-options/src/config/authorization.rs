//! `authorization`: one user or token for all, or users of the global account.

use std::collections::BTreeSet;
use std::time::Duration;

use nats_auth::{IdentityConfig, Permissions, Secret, User};
use nats_conf::{ConfError, Entry, Value};
use nats_proto::quote;

use crate::config::permissions::read_permissions;
use crate::config::report::Report;
use crate::config::row::Effect::{Any, NotYet, Text};
use crate::config::row::Idle::{Never, Off};
use crate::config::row::{Row, read_users_block, row};
use crate::config::time::{seconds_or_text, warn_if_high};
use crate::config::users::read_users;
use crate::draft::Draft;

/// The one user or token for all, from the file or from flags; and who else is known so far.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) token: Secret,
    /// Users and nkeys of all blocks: each may be there once.
    known: BTreeSet<String>,
    /// The first `users` of an account.
    account_users: Option<Value>,
}

impl Credentials {
    /// Notes the users of `authorization`. As nats-server does, it stops at the first that was known before.
    /// `block` is where mistakes are.
    fn enter(&mut self, users: &[User], block: &Value, report: &mut Report) {
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

#[derive(Default)]
pub(super) struct Block {
    user: String,
    password: Secret,
    token: Secret,
    timeout: Option<Duration>,
    timeout_failed: bool,
    users: Option<Vec<User>>,
    default_permissions: Option<Permissions>,
}

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(super) static TABLE: &[Row<Block>] = &[
    row(&["user", "username"], Text(|block, user| { block.user = user.to_owned(); Ok(()) })),
    row(&["pass", "password"], Text(|block, password| { block.password = password.into(); Ok(()) })),
    row(&["token"], Text(|block, token| { block.token = token.into(); Ok(()) })),
    row(&["timeout"], Any(timeout)),
    row(&["users"], Any(|block, entry, report| block.users = read_users(&entry.value, report))),
    row(&["default_permission", "default_permissions", "permissions"], Any(|block, entry, report| block.default_permissions = read_permissions(&entry.value, report))),
    row(&["auth_callout", "auth_hook"], NotYet(Never, "no service is asked who may connect")),
    row(&["proxy_required"], NotYet(Off, "no proxy is trusted")),
];

fn timeout(block: &mut Block, entry: &Entry, report: &mut Report) {
    let length = seconds_or_text(entry, "authorization", report);
    if let Some(length) = length {
        warn_if_high(entry, length, report);
    }
    block.timeout_failed = length.is_none();
    block.timeout = length.filter(|length| !length.is_zero());
}

pub(crate) fn read_authorization(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Some(map) = report.ok(entry.value.as_map()) else { return };
    let mut block = Block::default();
    let is_whole = read_users_block(map, TABLE, &mut block, report) && !block.timeout_failed;
    let conflict = block.conflict();
    let users = block.users.unwrap_or_default();
    match conflict {
        _ if !is_whole => {} // What is wrong with all of it together is not looked at.
        Some(reason) => report.refuse(&entry.value, reason),
        None => draft.credentials.enter(&users, &entry.value, report),
    }
    draft.credentials.user = block.user;
    draft.credentials.password = block.password;
    draft.credentials.token = block.token;
    draft.options.auth.has_authorization = true;
    draft.options.auth.users = users;
    draft.options.auth.timeout = block.timeout;
    draft.options.auth.default_permissions = block.default_permissions;
}

impl Block {
    /// What does not go together, in nats-server's words.
    fn conflict(&self) -> Option<&'static str> {
        let (single, token) = (!self.user.is_empty(), !self.token.is_empty());
        if token && (single || !self.password.is_empty()) {
            Some("Cannot have a user/pass and token")
        } else if single && self.users.is_some() {
            Some("Can not have a single user/pass and a users array")
        } else if token && self.users.is_some() {
            Some("Can not have a token and a users array")
        } else {
            None
        }
    }
}
