//! Who the clients of a run are, and what that forbids them.

use std::sync::Arc;

use nats_auth::{AccountConfig, Config, Directory, IdentityConfig, Permissions, SubjectPermission, User};

use crate::plan::Plan;
use crate::sharing::account_name;

/// What a client with permissions is not sent.
pub(crate) const KEPT: &str = "s.0";

/// What it may not publish to.
pub(crate) const UNSENT: &str = "s.1";

/// A user: its account, and whether it has permissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserRecord {
    /// The account it is in.
    pub account: usize,
    /// It may not have, and not send, everything.
    pub is_restricted: bool,
}

impl UserRecord {
    /// What it calls itself; its password is the same.
    pub(crate) fn name(self) -> String {
        format!("{}{}", if self.is_restricted { "r" } else { "u" }, self.account)
    }

    /// Whether it may have messages on a subject.
    pub(crate) fn may_get(self, subject: &str) -> bool {
        !(self.is_restricted && subject == KEPT)
    }

    /// Whether it may publish to a subject.
    pub(crate) fn may_publish(self, subject: &str) -> bool {
        !(self.is_restricted && subject == UNSENT)
    }
}

/// The users of a run.
pub(crate) fn directory(plan: &Plan) -> Arc<Directory> {
    let accounts = (0..plan.accounts).map(|account| AccountConfig {
        name: account_name(account),
        exports: plan.sharing.exports(account).into_iter().chain(plan.asking.exports(account)).collect(),
        imports: plan.sharing.imports(account).into_iter().chain(plan.asking.imports(account)).collect(),
        users: [false, true].map(|is_restricted| user(UserRecord { account, is_restricted })).to_vec(),
        ..AccountConfig::default()
    });
    Directory::new(&Config { accounts: accounts.collect(), ..Config::default() })
        .expect("the configuration makes sense")
}

fn user(record: UserRecord) -> User {
    let name = record.name();
    let identity = IdentityConfig::Password { user: name.clone(), password: name.as_str().into() };
    let deny = |subject: &str| Some(SubjectPermission { allow: Vec::new(), deny: vec![subject.to_owned()] });
    let permissions = record.is_restricted.then(|| Permissions {
        publish: deny(UNSENT),
        subscribe: deny(KEPT),
        responses: None,
    });
    User { identity, permissions, allowed_connection_types: None }
}
