//! `authorization`: one user or token for all, or users of the global account.

use std::time::Duration;

use nats_auth::{Permissions, Secret, User};
use nats_conf::Entry;

use crate::config::permissions::read_permissions;
use crate::config::report::Report;
use crate::config::row::Effect::{Any, NotYet, Text};
use crate::config::row::Idle::{Never, Off};
use crate::config::row::{Row, read_users_block, row};
use crate::config::time::{seconds_or_text, warn_if_high};
use crate::config::users::read_users;
use crate::draft::Draft;

#[derive(Default)]
pub(crate) struct Block {
    pub(super) user: String,
    pub(super) password: Secret,
    pub(super) token: Secret,
    pub(super) timeout: Option<Duration>,
    pub(super) timeout_failed: bool,
    pub(super) users: Option<Vec<User>>,
    pub(super) default_permissions: Option<Permissions>,
}

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<Block>] = &[
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

/// Reads a block, and whether all of it could be read. `None` if it is none.
pub(super) fn read_authorization_block(entry: &Entry, report: &mut Report) -> Option<(Block, bool)> {
    let map = report.ok(entry.value.as_map())?;
    let mut block = Block::default();
    let is_whole = read_users_block(map, TABLE, &mut block, report) && !block.timeout_failed;
    Some((block, is_whole))
}

pub(crate) fn read_authorization(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Some((block, is_whole)) = read_authorization_block(entry, report) else { return };
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
