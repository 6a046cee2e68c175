//! Users and accounts of a test's server, and connections of them.
#![allow(dead_code, reason = "each test binary uses its part")]

use broker::Settings;
use nats_auth::{AccountConfig, Config, Directory, IdentityConfig, User};

use crate::shards::{Conn, Shards};

pub(crate) const REFUSED: &str = "-ERR 'Authorization Violation'\r\n";

pub(crate) fn user(name: &str, password: &str) -> User {
    let identity = IdentityConfig::Password { user: name.into(), password: password.into() };
    User { identity, permissions: None, allowed_connection_types: None }
}

pub(crate) fn account(name: &str, users: &[User]) -> AccountConfig {
    AccountConfig { name: name.into(), users: users.to_vec(), ..AccountConfig::default() }
}

pub(crate) fn users(users: &[User]) -> Config {
    Config { users: users.to_vec(), has_authorization: true, ..Config::default() }
}

pub(crate) fn two_accounts() -> Config {
    let accounts = vec![account("A", &[user("a", "x"), user("a2", "x")]), account("B", &[user("b", "x")])];
    Config { accounts, ..Config::default() }
}

pub(crate) fn shards(count: usize, config: &Config) -> Shards {
    let directory = Directory::new(config).unwrap();
    Shards::with(count, |settings| settings.directory = directory)
}

pub(crate) fn reload(shards: &mut Shards, config: &Config) {
    let next = Directory::next(&shards.brokers[0].settings().directory, config).unwrap();
    shards.reconfigure(|settings: &mut Settings| settings.directory = next);
}

/// A connection of the user, whose password is `x`.
pub(crate) fn login(shards: &mut Shards, name: &str) -> Conn {
    shards.connect(&credentials(name, "x"))
}

pub(crate) fn credentials(name: &str, password: &str) -> String {
    format!(
        r#""verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1,"user":"{name}","pass":"{password}""#
    )
}

pub(crate) fn assert_closed(shards: &mut Shards, conn: Conn, last_words: &str) {
    assert_eq!(shards.output(conn), last_words);
    assert!(shards.is_closed(conn));
}
