//! All users and accounts of a server.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use crate::access::{self, Access};
use crate::account::Account;
use crate::certificate::{LdapName, PeerFacts, PeerName};
use crate::claim::Claim;
use crate::config::{AUTH_TIMEOUT, AccountConfig, Config, GLOBAL_ACCOUNT, IdentityConfig, Permissions, User};
use crate::connection_type::ConnectionType;
use crate::credentials::{Credentials, PasswordCheck, Verdict};
use crate::error::ConfigError;
use crate::identity::{Identity, Name, Proof};
use crate::mappings::Mappings;
use crate::password;

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
    /// The one user there is: of a name and password, or a token.
    single: Option<Arc<Identity>>,
    /// Who clients are where nobody has to identify itself.
    anonymous: Arc<Identity>,
    /// The user that clients without credentials are.
    no_auth: Option<Arc<Identity>>,
    auth_required: bool,
    /// INFO says whether clients have to identify themselves.
    announced: bool,
    verify_and_map: bool,
    always_nonce: bool,
    timeout: Duration,
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
            single: None,
            anonymous: Arc::new(Identity::anonymous()),
            no_auth: None,
            auth_required: false,
            announced: false,
            verify_and_map: config.verify_and_map,
            always_nonce: config.always_nonce,
            timeout: config.timeout.unwrap_or(AUTH_TIMEOUT),
        };
        directory.enter_accounts(config)?;
        directory.enter_single(config)?;
        directory.enter_no_auth(config)?;
        directory.auth_required =
            directory.single.is_some() || directory.has_users() || directory.no_auth.is_some();
        directory.announced = directory.auth_required && config.no_auth_user.is_none();
        directory.find_distinguished();
        Ok(Arc::new(directory))
    }

    fn enter_accounts(&mut self, config: &Config) -> Result<(), ConfigError> {
        let global = self.enter_account(GLOBAL_ACCOUNT);
        if let Some(name) = config.system() {
            let system = self.enter_account(name);
            self.accounts[system].is_system = true;
        }
        for (at, account) in config.accounts.iter().enumerate() {
            if config.accounts[..at].iter().any(|other| other.name == account.name) {
                return Err(ConfigError::DuplicateAccount(account.name.clone()));
            }
            let AccountConfig { name, users, default_permissions, limits, mappings } = account;
            let index = self.enter_account(name);
            self.accounts[index].limits = *limits;
            self.accounts[index].mappings = Mappings::new(mappings)?;
            self.enter_users(index, users, default_permissions.as_ref())?;
        }
        if !config.mappings.is_empty() {
            self.accounts[global].mappings = Mappings::new(&config.mappings)?;
        }
        self.enter_users(global, &config.users, config.default_permissions.as_ref())
    }

    /// The index of an account that the configuration has: where it was before, or a new one.
    fn enter_account(&mut self, name: &str) -> usize {
        let found = self.accounts.iter().position(|account| *account.name == *name);
        let index = found.unwrap_or_else(|| {
            self.accounts.push(Account::new(name));
            self.accounts.len() - 1
        });
        self.accounts[index].is_gone = false;
        index
    }

    fn enter_users(
        &mut self,
        account: usize,
        users: &[User],
        default: Option<&Permissions>,
    ) -> Result<(), ConfigError> {
        for user in users {
            let permissions = user.permissions.as_ref().or(default);
            if let Some(complaint) = permissions.and_then(access::complaint) {
                return Err(ConfigError::Permissions(complaint));
            }
            self.enter_user(Identity {
                account,
                access: permissions.and_then(Access::new),
                connection_types: connection_types(user)?,
                ..read_identity(&user.identity)?
            })?;
        }
        Ok(())
    }

    fn enter_user(&mut self, identity: Identity) -> Result<(), ConfigError> {
        let identity = Arc::new(identity);
        match &identity.name {
            Name::Nkey(key) => match self.nkeys.insert(key.clone(), Arc::clone(&identity)) {
                Some(_) => Err(ConfigError::DuplicateNkey(key.to_string())),
                None => Ok(()),
            },
            Name::Anonymous | Name::Token | Name::Single(_) => Ok(()),
            Name::User(user) => match self.users.insert(user.clone(), Arc::clone(&identity)) {
                Some(_) => Err(ConfigError::DuplicateUser(user.to_string())),
                None => Ok(()),
            },
        }
    }

    fn enter_single(&mut self, config: &Config) -> Result<(), ConfigError> {
        let (name, secret) = match (&config.token, &config.single_user) {
            (Some(_), _) if self.has_users() => return Err(ConfigError::TokenAndUsers),
            (None, Some(_)) if self.has_users() => return Err(ConfigError::SingleUserAndUsers),
            (Some(token), _) => (Name::Token, token),
            (None, Some((user, password))) => (Name::Single(user.as_str().into()), password),
            (None, None) => return Ok(()),
        };
        let proof = Proof::Password(secret.clone());
        self.single = Some(Arc::new(Identity { name, proof, ..Identity::anonymous() }));
        Ok(())
    }

    fn enter_no_auth(&mut self, config: &Config) -> Result<(), ConfigError> {
        let Some(name) = &config.no_auth_user else {
            if has_system_account_only(config) {
                self.no_auth = Some(Arc::clone(&self.anonymous));
            }
            return Ok(());
        };
        if !self.has_users() {
            return Err(ConfigError::NoAuthUserWithoutUsers(name.clone()));
        }
        let known = self.nkeys.get(name.as_str()).or_else(|| self.users.get(name.as_str()));
        let known = known.ok_or_else(|| ConfigError::NoAuthUserUnknown(name.clone()))?;
        self.no_auth = Some(Arc::clone(known));
        Ok(())
    }

    fn find_distinguished(&mut self) {
        if self.verify_and_map {
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

    /// Whether clients have to identify themselves before anything else.
    pub fn auth_required(&self) -> bool {
        self.auth_required
    }

    /// Whether INFO tells a new client so. It does not if there is a `no_auth_user`.
    pub fn announces_auth(&self) -> bool {
        self.announced
    }

    /// Whether a client may go without credentials, and so without CONNECT.
    pub fn has_no_auth_user(&self) -> bool {
        self.no_auth.is_some()
    }

    /// How long a client has to identify itself.
    pub fn timeout(&self) -> Duration {
        self.timeout
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
        let is_mapped =
            |user: &Identity| self.verify_and_map && is_empty(user) && user.may_connect(Default::default());
        let mut single = self.single.iter().filter(|user| user.name != Name::Token && !is_empty(user));
        single.any(|user| is_plain(user))
            || self.users.values().any(|user| is_plain(user) && !is_mapped(user))
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
        if !self.auth_required {
            return Ok(Verdict::Granted(Arc::clone(&self.anonymous)));
        }
        let without = !shown.has_password_or_token() && !self.goes_by_nkey(shown);
        if let Some(no_auth) = &self.no_auth
            && without
            && (!self.goes_by_certificate() || matches!(no_auth.name, Name::Nkey(_)))
        {
            return without_credentials(no_auth, shown).ok_or_else(|| no_auth.claim());
        }
        if self.goes_by_nkey(shown) {
            let identity = self.nkeys.get(shown.nkey).ok_or(None)?;
            return match &identity.proof {
                Proof::Key(key) if shown.signature_fault(key).is_none() => {
                    granted(identity, shown).ok_or(None)
                }
                _ => Err(None),
            };
        }
        if self.goes_by_certificate() {
            let identity = shown.peer.and_then(|facts| self.mapped(facts, shown)).ok_or(None)?;
            return check(identity, shown.password, shown).ok_or_else(|| identity.claim());
        }
        if let Some(identity) = self.users.get(shown.user).filter(|_| !shown.user.is_empty()) {
            return check(identity, shown.password, shown).ok_or(None);
        }
        let identity = self.single.as_ref().ok_or(None)?;
        let verdict = match &identity.name {
            Name::Token => check(identity, shown.token, shown),
            Name::Single(user) if **user == *shown.user => check(identity, shown.password, shown),
            _ => None,
        };
        verdict.ok_or(None)
    }

    /// What is wrong with the signature of a client that shows an nkey of ours.
    pub fn signature_fault(&self, shown: &Credentials<'_>) -> Option<&'static str> {
        let identity = self.nkeys.get(shown.nkey).filter(|_| self.auth_required)?;
        let Proof::Key(key) = &identity.proof else { return None };
        shown.signature_fault(key)
    }

    /// Whether it is the nkey that says who the client is.
    fn goes_by_nkey(&self, shown: &Credentials<'_>) -> bool {
        !shown.nkey.is_empty() && !self.nkeys.is_empty()
    }

    /// Whether it is the certificate that says who a client is, unless an nkey does.
    fn goes_by_certificate(&self) -> bool {
        self.verify_and_map && !self.users.is_empty()
    }

    /// Whether the client names a user, and its certificate says who it is all the same.
    pub fn overrules(&self, shown: &Credentials<'_>) -> bool {
        let is_mapped = || shown.peer.is_some_and(|facts| self.mapped(facts, shown).is_some());
        !shown.user.is_empty() && self.goes_by_certificate() && !self.goes_by_nkey(shown) && is_mapped()
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

    /// Looks at a connection that another directory let in.
    pub fn renew(&self, before: &Identity) -> Renewal {
        let found = match &before.name {
            Name::Anonymous if !self.auth_required => {
                return Renewal::Granted(Arc::clone(&self.anonymous));
            }
            Name::Anonymous => match &self.no_auth {
                Some(identity) if identity.name == Name::Anonymous => Some(identity),
                _ => return Renewal::Refused,
            },
            Name::Token if !self.auth_required => return Renewal::Granted(Arc::clone(&self.anonymous)),
            Name::Token => self.single.as_ref(),
            Name::Single(_) => self.single.as_ref().filter(|identity| identity.name == before.name),
            Name::User(name) => self.users.get(name),
            Name::Nkey(key) => self.nkeys.get(key),
        };
        match found {
            Some(identity) if identity.account != before.account => Renewal::Gone,
            Some(identity) if identity.asks_the_same(before) && identity.may_connect(Default::default()) => {
                Renewal::Granted(Arc::clone(identity))
            }
            Some(_) => Renewal::Refused,
            None if before.name == Name::Token => Renewal::Refused,
            None => Renewal::Gone,
        }
    }
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

fn read_identity(identity: &IdentityConfig) -> Result<Identity, ConfigError> {
    let (name, proof) = match identity {
        IdentityConfig::Password { user, password } => {
            (Name::User(user.as_str().into()), Proof::Password(password.clone()))
        }
        IdentityConfig::Nkey(key) => (Name::Nkey(key.as_str().into()), Proof::Key(Box::new(read_key(key)?))),
    };
    Ok(Identity { name, proof, ..Identity::anonymous() })
}

/// Reads the public key of a user.
fn read_key(text: &str) -> Result<nkeys::KeyPair, ConfigError> {
    const USER_KEY_BYTES: usize = 56;
    let is_user = text.len() == USER_KEY_BYTES && text.starts_with('U');
    let key = is_user.then(|| nkeys::KeyPair::from_public_key(text).ok()).flatten();
    key.ok_or(ConfigError::BadNkey)
}

fn connection_types(user: &User) -> Result<Option<Vec<ConnectionType>>, ConfigError> {
    let Some(words) = user.allowed_connection_types.as_ref().filter(|words| !words.is_empty()) else {
        return Ok(None);
    };
    let read = |word: &String| word.parse().map_err(|()| ConfigError::ConnectionType(word.to_uppercase()));
    words.iter().map(read).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests;
