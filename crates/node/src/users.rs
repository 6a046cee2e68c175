//! Users and accounts of the options, as the shards share them.

use std::sync::Arc;

use nats_auth::{AccountConfig, Config, ConfigError, Directory};

/// The directories that follow one when its configuration changes, in the order in which all shards have
/// to take them: each on all shards before the next on any. None if nothing changed.
///
/// With new accounts the first one has no other users than before, only their accounts. So no connection
/// in a new account comes to a shard that does not know it.
///
/// # Errors
/// The configuration makes no sense.
pub(crate) fn next_directories(
    in_force: &Directory,
    old: &Config,
    new: &Config,
) -> Result<Vec<Arc<Directory>>, ConfigError> {
    if old == new {
        return Ok(Vec::new());
    }
    let Some(widened) = with_new_accounts(old, new) else { return Ok(vec![Directory::next(in_force, new)?]) };
    let first = Directory::next(in_force, &widened)?;
    let last = Directory::next(&first, new)?;
    Ok(vec![first, last])
}

/// The old configuration with the accounts that only the new one has, empty. None if there are none.
fn with_new_accounts(old: &Config, new: &Config) -> Option<Config> {
    let known = |name: &str| old.accounts.iter().any(|account| account.name == name);
    let mut widened = old.clone();
    let fresh = new.accounts.iter().filter(|account| !known(&account.name));
    widened.accounts.extend(
        fresh.map(|account| AccountConfig { name: account.name.clone(), ..AccountConfig::default() }),
    );
    (widened.accounts.len() > old.accounts.len()).then_some(widened)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_accounts(names: &[&str]) -> Config {
        let account = |name: &&str| AccountConfig { name: (*name).into(), ..AccountConfig::default() };
        Config { accounts: names.iter().map(account).collect(), ..Config::default() }
    }

    fn names(directory: &Directory) -> Vec<&str> {
        directory.accounts().iter().map(|account| &**account.name()).collect()
    }

    #[test]
    fn new_accounts_are_there_before_anyone_is_in_them() {
        let (old, new) = (with_accounts(&["A", "B"]), with_accounts(&["C", "A"]));
        let first = Directory::new(&old).unwrap();
        let next = next_directories(&first, &old, &new).unwrap();
        let all: Vec<_> = next.iter().map(|directory| names(directory)).collect();
        assert_eq!(all, [["$G", "$SYS", "A", "B", "C"], ["$G", "$SYS", "A", "B", "C"]], "in the same places");
    }

    #[test]
    fn without_new_accounts_one_directory_follows_and_without_a_change_none() {
        let (old, new) = (with_accounts(&["A", "B"]), with_accounts(&["B"]));
        let first = Directory::new(&old).unwrap();
        assert_eq!(next_directories(&first, &old, &new).unwrap().len(), 1);
        assert_eq!(next_directories(&first, &old, &old).unwrap().len(), 0);
    }
}
