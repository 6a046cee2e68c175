//! All users and accounts of a server.

mod entries;
mod leaf_nodes;

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use crate::account::Account;
use crate::certificate::{LdapName, PeerFacts, PeerName};
use crate::claim::Claim;
use crate::config::{AUTH_TIMEOUT, Config, GLOBAL_ACCOUNT, ListenerAuth};
use crate::connection_type::ConnectionType;
use crate::credentials::{Credentials, PasswordCheck, Verdict};
use crate::door::Door;
use crate::error::ConfigError;
use crate::identity::{Identity, Name, Proof};
use crate::password;
use crate::secret::Secret;

use self::leaf_nodes::LeafDoor;

/// Who may do what: built from a [`Config`], then only read, by all shards.
///
/// Accounts are known by their index. A directory that [follows](Self::next) another keeps the indexes:
/// new accounts go behind the old ones, and the index of an account that is gone stays unused. So shards
/// can change to it one after the other and understand each other meanwhile.
#[derive(Debug)]
pub struct Directory {
    accounts: Vec<Account>,
    users: HashMap<Box<str>, Arc<Identity>>,
    nkeys: HashMap<Box<str>, Arc<Identity>>,
    /// Those of `users` that may be in the subject of a certificate.
    distinguished: Vec<(LdapName, Arc<Identity>)>,
    /// Who clients are where nobody has to identify itself.
    anonymous: Arc<Identity>,
    /// Where most come in,
    clients: Door,
    /// and where WebSockets do.
    websocket: Door,
    /// The same for leaf nodes.
    leaf_nodes: LeafDoor,
    always_nonce: bool,
}

/// What a new directory makes of a connection that is there already.
#[derive(Debug)]
pub enum Renewal {
    /// It goes on as this user, in its account.
    Granted(Arc<Identity>),
    /// What it showed does not count any more.
    Refused,
    /// Its user is gone, or is in another account: it is to come again.
    Gone,
}

impl Directory {
    /// A server's first directory.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration.
    pub fn new(config: &Config) -> Result<Arc<Self>, ConfigError> {
        Self::build(Vec::new(), config)
    }

    /// The directory that follows `previous` when the configuration changes.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration.
    pub fn next(previous: &Self, config: &Config) -> Result<Arc<Self>, ConfigError> {
        Self::build(previous.accounts.iter().map(Account::carried_over).collect(), config)
    }

    /// A directory where nobody has to identify itself, and all may do everything.
    pub fn open() -> Arc<Self> {
        Self::new(&Config::default()).expect("no configuration has nothing wrong")
    }

    fn build(accounts: Vec<Account>, config: &Config) -> Result<Arc<Self>, ConfigError> {
        let mut directory = Self {
            accounts,
            users: HashMap::new(),
            nkeys: HashMap::new(),
            distinguished: Vec::new(),
            anonymous: Arc::new(Identity::anonymous()),
            clients: Door::default(),
            websocket: Door::default(),
            leaf_nodes: LeafDoor::default(),
            always_nonce: config.always_nonce,
        };
        directory.enter_accounts(config)?;
        directory.clients = directory.door_of_clients(config)?;
        directory.websocket = directory.door_of_websockets(config)?;
        directory.leaf_nodes = directory.door_of_leaf_nodes(&config.leaf_nodes)?;
        directory.find_distinguished();
        Ok(Arc::new(directory))
    }

    fn door_of_clients(&self, config: &Config) -> Result<Door, ConfigError> {
        let single = self.single(config.single_user.as_ref(), config.token.as_ref())?;
        let no_auth = match &config.no_auth_user {
            Some(name) => Some(self.no_auth(name)?),
            None => has_system_account_only(config).then(|| Arc::clone(&self.anonymous)),
        };
        let is_guarded = single.is_some() || self.has_users() || no_auth.is_some();
        Ok(Door {
            single,
            no_auth,
            is_guarded,
            announced: is_guarded && config.no_auth_user.is_none(),
            verify_and_map: config.verify_and_map,
            timeout: config.timeout.unwrap_or(AUTH_TIMEOUT),
        })
    }

    /// Where WebSockets come in. Whoever is not asked for anything there is asked as everywhere.
    fn door_of_websockets(&self, config: &Config) -> Result<Door, ConfigError> {
        let default = ListenerAuth::default();
        let own = config.websocket.as_ref().unwrap_or(&default);
        let clients = &self.clients;
        let overrides = own.overrides();
        let (single, no_auth) = if overrides {
            let single = self.single(own.single_user.as_ref(), own.token.as_ref())?;
            (single, own.no_auth_user.as_deref().map(|name| self.no_auth(name)).transpose()?)
        } else {
            (clients.single.clone(), clients.no_auth.clone())
        };
        let is_guarded = clients.is_guarded || overrides;
        Ok(Door {
            single,
            no_auth,
            is_guarded,
            // As it is with nats-server, a `no_auth_user` does not keep it from being said.
            announced: is_guarded,
            verify_and_map: own.verify_and_map,
            timeout: own.timeout.unwrap_or(clients.timeout),
        })
    }

    fn single(
        &self,
        user: Option<&(String, Secret)>,
        token: Option<&Secret>,
    ) -> Result<Option<Arc<Identity>>, ConfigError> {
        let (name, secret) = match (token, user) {
            (Some(_), _) if self.has_users() => return Err(ConfigError::TokenAndUsers),
            (None, Some(_)) if self.has_users() => return Err(ConfigError::SingleUserAndUsers),
            (Some(token), _) => (Name::Token, token),
            (None, Some((user, password))) => (Name::Single(user.as_str().into()), password),
            (None, None) => return Ok(None),
        };
        let proof = Proof::Password(secret.clone());
        Ok(Some(Arc::new(Identity { name, proof, ..Identity::anonymous() })))
    }

    fn no_auth(&self, name: &str) -> Result<Arc<Identity>, ConfigError> {
        if !self.has_users() {
            return Err(ConfigError::NoAuthUserWithoutUsers(name.to_owned()));
        }
        let known = self.nkeys.get(name).or_else(|| self.users.get(name));
        known.cloned().ok_or_else(|| ConfigError::NoAuthUserUnknown(name.to_owned()))
    }

    fn find_distinguished(&mut self) {
        if self.clients.verify_and_map || self.websocket.verify_and_map {
            let mut users: Vec<_> = self.users.iter().collect();
            users.sort_by_key(|(name, _)| *name);
            let named = users
                .iter()
                .filter_map(|(name, identity)| Some((LdapName::parse(name)?, Arc::clone(identity))));
            self.distinguished = named.collect();
        }
    }

    fn has_users(&self) -> bool {
        !self.users.is_empty() || !self.nkeys.is_empty()
    }

    // What shards ask.

    /// Who a client is where nobody has to identify itself, and before it has.
    pub fn anonymous(&self) -> &Arc<Identity> {
        &self.anonymous
    }

    /// Whether clients that come this way have to identify themselves before anything else.
    pub fn auth_required(&self, how: ConnectionType) -> bool {
        self.door(how).is_guarded
    }

    /// Whether INFO tells a new client so. It mostly does not if there is a `no_auth_user`.
    pub fn announces_auth(&self, how: ConnectionType) -> bool {
        self.door(how).announced
    }

    /// Whether a client may go without credentials, and so without CONNECT.
    pub fn has_no_auth_user(&self, how: ConnectionType) -> bool {
        self.door(how).no_auth.is_some()
    }

    /// How long a client has to identify itself.
    pub fn timeout(&self, how: ConnectionType) -> Duration {
        self.door(how).timeout
    }

    fn door(&self, how: ConnectionType) -> &Door {
        match how {
            ConnectionType::Websocket => &self.websocket,
            _ => &self.clients,
        }
    }

    /// Whether INFO has to have a nonce.
    pub fn needs_nonce(&self) -> bool {
        self.always_nonce || !self.nkeys.is_empty()
    }

    /// Whether some password is written in the configuration as it is, going by nats-server, which warns of
    /// that. Tokens do not count. One of `users` counts without a password, unless a certificate may name
    /// it; the one user there is does not.
    pub fn has_plain_passwords(&self) -> bool {
        let is_plain = |user: &Identity| match &user.proof {
            Proof::Password(stored) => !password::is_hash(stored),
            Proof::Nothing | Proof::Key(_) => false,
        };
        let is_empty = |user: &Identity| matches!(&user.proof, Proof::Password(stored) if stored.is_empty());
        let is_mapped = |user: &Identity| is_empty(user) && self.may_be_mapped(user);
        let mut single =
            self.clients.single.iter().filter(|user| user.name != Name::Token && !is_empty(user));
        single.any(|user| is_plain(user))
            || self.users.values().any(|user| is_plain(user) && !is_mapped(user))
    }

    /// Whether there is a way to come in on which a certificate may say that it is this user.
    fn may_be_mapped(&self, user: &Identity) -> bool {
        let maps = |how| self.door(how).verify_and_map && user.may_connect(how);
        maps(ConnectionType::Standard) || maps(ConnectionType::Websocket)
    }

    /// All accounts by their index, those that are gone included.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// The account of this index. The index comes from an [`Identity`] of this directory or of one before
    /// it.
    pub fn account(&self, index: usize) -> &Account {
        &self.accounts[index]
    }

    /// Finds out who a client is.
    pub fn authenticate(&self, shown: &Credentials<'_>) -> Verdict {
        self.judge(shown).unwrap_or_else(|claim| Verdict::Refused(shown.claim_beside(claim)))
    }

    /// The error is who a client that is refused would be, if that is not who it says.
    fn judge(&self, shown: &Credentials<'_>) -> Result<Verdict, Option<Claim>> {
        if shown.connection_type == ConnectionType::Leafnode
            && let Some(verdict) = self.judge_leaf_node(shown)
        {
            return verdict;
        }
        let door = self.door(shown.connection_type);
        if !door.is_guarded {
            return Ok(Verdict::Granted(Arc::clone(&self.anonymous)));
        }
        let without = !shown.has_password_or_token() && !self.goes_by_nkey(shown);
        if let Some(no_auth) = &door.no_auth
            && without
            && (!self.goes_by_certificate(door) || matches!(no_auth.name, Name::Nkey(_)))
        {
            return without_credentials(no_auth, shown).ok_or_else(|| no_auth.claim());
        }
        if self.goes_by_nkey(shown) {
            return check_signature(self.nkeys.get(shown.nkey).ok_or(None)?, shown).ok_or(None);
        }
        if self.goes_by_certificate(door) {
            let identity = shown.peer.and_then(|facts| self.mapped(facts, shown)).ok_or(None)?;
            return check(identity, shown.password, shown).ok_or_else(|| identity.claim());
        }
        if let Some(identity) = self.users.get(shown.user).filter(|_| !shown.user.is_empty()) {
            // Who is known by a certificate elsewhere is not known without one here.
            let stands_in = door.no_auth.as_ref().is_some_and(|no_auth| no_auth.name == identity.name);
            if identity.has_no_password() && !stands_in && self.may_be_mapped(identity) {
                return Err(None);
            }
            return check(identity, shown.password, shown).ok_or(None);
        }
        let identity = door.single.as_ref().ok_or(None)?;
        let verdict = match &identity.name {
            Name::Token => check(identity, shown.token, shown),
            Name::Single(user) if **user == *shown.user => check(identity, shown.password, shown),
            _ => None,
        };
        verdict.ok_or(None)
    }

    /// What is wrong with the signature of a client that shows an nkey of ours.
    pub fn signature_fault(&self, shown: &Credentials<'_>) -> Option<&'static str> {
        let identity = self.nkeys.get(shown.nkey).filter(|_| self.auth_required(shown.connection_type))?;
        let Proof::Key(key) = &identity.proof else { return None };
        shown.signature_fault(key)
    }

    /// Whether it is the nkey that says who the client is.
    fn goes_by_nkey(&self, shown: &Credentials<'_>) -> bool {
        !shown.nkey.is_empty() && !self.nkeys.is_empty()
    }

    /// Whether it is the certificate that says who a client is, unless an nkey does.
    fn goes_by_certificate(&self, door: &Door) -> bool {
        door.verify_and_map && !self.users.is_empty()
    }

    /// Whether the client names a user, and its certificate says who it is all the same.
    pub fn overrules(&self, shown: &Credentials<'_>) -> bool {
        let is_mapped = || shown.peer.is_some_and(|facts| self.mapped(facts, shown).is_some());
        let goes_by_certificate = self.goes_by_certificate(self.door(shown.connection_type));
        !shown.user.is_empty() && goes_by_certificate && !self.goes_by_nkey(shown) && is_mapped()
    }

    /// The user that a certificate names.
    fn mapped(&self, facts: &PeerFacts, shown: &Credentials<'_>) -> Option<&Arc<Identity>> {
        facts.names().iter().find_map(|name| match name {
            PeerName::Plain(name) => {
                self.users.get(name.as_str()).filter(|identity| identity.may_connect(shown.connection_type))
            }
            PeerName::Distinguished(name) => {
                let mut users = self.distinguished.iter();
                let straight = users.clone().find(|(user, _)| user.equals(name));
                straight.or_else(|| users.find(|(user, _)| user.matches(name))).map(|(_, identity)| identity)
            }
        })
    }

    /// Looks at a connection that another directory let in, and that came in like this.
    pub fn renew(&self, before: &Identity, how: ConnectionType) -> Renewal {
        let door = self.door(how);
        let found = match &before.name {
            Name::Anonymous if !door.is_guarded => {
                return Renewal::Granted(Arc::clone(&self.anonymous));
            }
            Name::Anonymous => match &door.no_auth {
                Some(identity) if identity.name == Name::Anonymous => Some(identity),
                _ => return Renewal::Refused,
            },
            Name::Token if !door.is_guarded => return Renewal::Granted(Arc::clone(&self.anonymous)),
            Name::Token => door.single.as_ref(),
            Name::Single(_) => door.single.as_ref().filter(|identity| identity.name == before.name),
            Name::User(name) => self.users.get(name),
            Name::Nkey(key) => self.nkeys.get(key),
        };
        match found {
            Some(identity) if identity.account != before.account => Renewal::Gone,
            Some(identity) if identity.asks_the_same(before) && identity.may_connect(how) => {
                Renewal::Granted(Arc::clone(identity))
            }
            Some(_) => Renewal::Refused,
            None if before.name == Name::Token => Renewal::Refused,
            None => Renewal::Gone,
        }
    }
}

fn check_signature(identity: &Arc<Identity>, shown: &Credentials<'_>) -> Option<Verdict> {
    let Proof::Key(key) = &identity.proof else { return None };
    shown.signature_fault(key).is_none().then(|| granted(identity, shown))?
}

fn granted(identity: &Arc<Identity>, shown: &Credentials<'_>) -> Option<Verdict> {
    let granted = || Verdict::Granted(Arc::clone(identity));
    identity.may_connect(shown.connection_type).then(granted)
}

/// Who shows nothing shows what the configuration has for the user's password. To nats-server that does not
/// fit if it is a hash: such a user is for those who know the password.
fn without_credentials(identity: &Arc<Identity>, shown: &Credentials<'_>) -> Option<Verdict> {
    match &identity.proof {
        Proof::Password(stored) if password::is_hash(stored) => None,
        _ => granted(identity, shown),
    }
}

fn check(identity: &Arc<Identity>, given: &str, shown: &Credentials<'_>) -> Option<Verdict> {
    let Proof::Password(stored) = &identity.proof else { return None };
    if password::is_hash(stored) && identity.may_connect(shown.connection_type) {
        return Some(Verdict::Check(PasswordCheck::new(identity, stored, given)));
    }
    if password::is_same(stored, given) { granted(identity, shown) } else { None }
}

/// Whether the configuration is about nothing but the system account: then everybody else is let in
/// without asking.
fn has_system_account_only(config: &Config) -> bool {
    let Some(system) = config.system() else { return false };
    let mut accounts = config.accounts.iter();
    !config.has_authorization
        && config.accounts.iter().any(|account| account.name == system)
        && accounts.all(|account| [system, GLOBAL_ACCOUNT].contains(&account.name.as_str()))
}

#[cfg(test)]
mod tests;
