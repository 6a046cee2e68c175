//! Who leaf nodes are: their listener may have users of its own.

use std::sync::Arc;

use super::{Directory, Renewal, check, check_signature};
use crate::claim::Claim;
use crate::config::{GLOBAL_ACCOUNT, LeafAuthorization};
use crate::connection_type::ConnectionType;
use crate::credentials::{Credentials, Verdict};
use crate::error::ConfigError;
use crate::identity::{Identity, Name, Proof};
use crate::secret::Secret;

/// What the listener for leaf nodes asks for.
#[derive(Debug, Default)]
pub(super) struct LeafDoor {
    /// Its own users: if there are any nobody else may come.
    own: Vec<Arc<Identity>>,
    /// Who everybody is where clients need no credentials either.
    other: Option<Arc<Identity>>,
}

impl Directory {
    pub(super) fn door_of_leaf_nodes(&self, config: &LeafAuthorization) -> Result<LeafDoor, ConfigError> {
        let single = config.user.as_ref().map(|(user, password)| (user, password, &config.account));
        let users = config.users.iter().map(|user| (&user.user, &user.password, &user.account));
        let identity = |(user, password, account): (&String, &Secret, &Option<String>)| {
            let proof = Proof::Password(password.clone());
            self.leaf_identity(Name::User(user.as_str().into()), proof, account.as_deref())
        };
        let mut own: Vec<Arc<Identity>> = single.into_iter().chain(users).map(identity).collect();
        if let Some(key) = config.nkey.as_ref().filter(|_| own.is_empty()) {
            let proof = Proof::Key(Box::new(super::entries::read_key(key)?));
            own.push(self.leaf_identity(Name::Nkey(key.as_str().into()), proof, config.account.as_deref()));
        }
        let other = self.leaf_identity(Name::Anonymous, Proof::Nothing, config.account.as_deref());
        Ok(LeafDoor { own, other: Some(other) })
    }

    fn leaf_identity(&self, name: Name, proof: Proof, account: Option<&str>) -> Arc<Identity> {
        let named = account.unwrap_or(GLOBAL_ACCOUNT);
        let found = self.accounts.iter().position(|account| &**account.name() == named && !account.is_gone());
        // Which accounts there are is looked at where the configuration is read.
        Arc::new(Identity { name, proof, account: found.unwrap_or(0), ..Identity::anonymous() })
    }

    /// Finds out who a leaf node is, where that is another matter than who a client is: the listener has users of its own,
    /// or nobody needs credentials. Else it comes in as a client does, or not at all (`isLeafNodeAuthorized` in
    /// nats-server 2.14).
    pub(super) fn judge_leaf_node(&self, shown: &Credentials<'_>) -> Option<Result<Verdict, Option<Claim>>> {
        let LeafDoor { own, other } = &self.leaf_nodes;
        if !own.is_empty() {
            return Some(own.iter().find_map(|identity| verdict_of(identity, shown)).ok_or(None));
        }
        if self.door(shown.connection_type).is_guarded {
            return None;
        }
        other.as_ref().map(|other| Ok(Verdict::Granted(Arc::clone(other))))
    }

    /// Looks at a leaf node that another directory let in, by the listener's own users if it has any.
    pub fn renew_leaf_node(&self, before: &Identity) -> Renewal {
        let LeafDoor { own, other } = &self.leaf_nodes;
        if own.is_empty() && self.door(ConnectionType::Leafnode).is_guarded {
            return self.renew(before, ConnectionType::Leafnode);
        }
        let own = own.iter().find(|identity| identity.name == before.name);
        let anybody = || other.as_ref().filter(|_| self.leaf_nodes.own.is_empty());
        match own.or_else(anybody) {
            Some(now) if now.account != before.account => Renewal::Gone,
            Some(now) if now.name == Name::Anonymous || now.asks_the_same(before) => {
                Renewal::Granted(Arc::clone(now))
            }
            _ => Renewal::Refused,
        }
    }
}

/// What comes of credentials if they are those of a user.
fn verdict_of(identity: &Arc<Identity>, shown: &Credentials<'_>) -> Option<Verdict> {
    match &identity.name {
        Name::User(user) if **user == *shown.user => check(identity, shown.password, shown),
        Name::Nkey(key) if **key == *shown.nkey => check_signature(identity, shown),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AccountConfig, Config, IdentityConfig, LeafUser, User};
    use crate::connection_type::ConnectionType;

    fn config(leaf_nodes: LeafAuthorization) -> Config {
        let identity = IdentityConfig::Password { user: "a".into(), password: "a".into() };
        let user = User { identity, permissions: None, allowed_connection_types: None };
        let account =
            |name: &str, users| AccountConfig { name: name.into(), users, ..AccountConfig::default() };
        let accounts = vec![account("A", vec![user]), account("B", vec![])];
        Config { accounts, leaf_nodes, ..Config::default() }
    }

    /// The account that somebody comes into.
    fn account(directory: &Directory, user: &str, password: &str) -> Option<String> {
        let connection_type = ConnectionType::Leafnode;
        let shown = Credentials { user, password, connection_type, ..Credentials::default() };
        match directory.authenticate(&shown) {
            Verdict::Granted(identity) => Some(directory.account(identity.account()).name().to_string()),
            _ => None,
        }
    }

    const STRANGERS: [(&str, &str); 4] = [("", ""), ("x", "y"), ("a", "b"), ("", "a")];

    #[test]
    fn without_users_of_its_own_who_may_be_a_client_may_come_and_nobody_else() {
        let named = LeafAuthorization { account: Some("B".into()), ..LeafAuthorization::default() };
        for leaf_nodes in [LeafAuthorization::default(), named] {
            let directory = Directory::new(&config(leaf_nodes.clone())).unwrap();
            assert_eq!(account(&directory, "a", "a").as_deref(), Some("A"));
            let plain = Config { leaf_nodes, ..Config::default() };
            let single = Config { single_user: Some(("a".to_owned(), "a".into())), ..plain.clone() };
            let token = Config { token: Some("a".into()), ..plain };
            let doors = [single, token].map(|config| Directory::new(&config).unwrap());
            for directory in doors.iter().chain([&directory]) {
                for (user, password) in STRANGERS {
                    assert_eq!(account(directory, user, password), None, "{user} with {password}");
                }
            }
        }
    }

    #[test]
    fn where_clients_show_nothing_the_account_is_the_listeners() {
        let account_of = |leaf_nodes| {
            let accounts = vec![AccountConfig { name: "B".into(), ..AccountConfig::default() }];
            Directory::new(&Config { accounts, leaf_nodes, ..Config::default() }).unwrap()
        };
        let named = LeafAuthorization { account: Some("B".into()), ..LeafAuthorization::default() };
        for (leaf_nodes, expected) in [(LeafAuthorization::default(), "$G"), (named, "B")] {
            let directory = account_of(leaf_nodes);
            for (user, password) in STRANGERS {
                assert_eq!(account(&directory, user, password).as_deref(), Some(expected));
            }
        }
    }

    #[test]
    fn with_users_of_its_own_only_those_may_come() {
        let user = LeafUser { user: "l".into(), password: "p".into(), account: Some("B".into()) };
        let users = LeafAuthorization { users: vec![user], ..LeafAuthorization::default() };
        let directory = Directory::new(&config(users)).unwrap();
        assert_eq!(account(&directory, "l", "p").as_deref(), Some("B"));
        for (user, password) in [("l", "x"), ("a", "a"), ("", "")] {
            assert_eq!(account(&directory, user, password), None);
        }
        let single = Some(("l".to_owned(), "p".into()));
        let single = LeafAuthorization { user: single, ..LeafAuthorization::default() };
        let directory = Directory::new(&config(single)).unwrap();
        assert_eq!(account(&directory, "l", "p").as_deref(), Some("$G"));
        assert_eq!(account(&directory, "a", "a"), None);
    }
}
