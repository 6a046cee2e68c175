//! Taking accounts, their users and what they import into a directory.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::access::{self, Access};
use crate::account::Account;
use crate::config::{AccountConfig, Config, ExportKind, GLOBAL_ACCOUNT, IdentityConfig, Permissions, User};
use crate::connection_type::ConnectionType;
use crate::error::ConfigError;
use crate::identity::{Identity, Name, Proof};
use crate::mappings::Mappings;
use crate::service_import::{ServiceImport, ServiceImports};
use crate::sharing;
use crate::stream_import::StreamImport;

use super::Directory;

impl Directory {
    pub(super) fn enter_accounts(&mut self, config: &Config) -> Result<(), ConfigError> {
        let names = self.accounts.iter().enumerate().map(|(at, account)| (Arc::clone(&account.name), at));
        // One without a name is gone for good.
        let mut known: HashMap<Arc<str>, usize> = names.filter(|(name, _)| !name.is_empty()).collect();
        let global = self.enter_account(GLOBAL_ACCOUNT, &mut known);
        let system = config.system().map(|name| self.enter_account(name, &mut known));
        if let Some(system) = system {
            self.accounts[system].is_system = true;
        }
        let mut seen = HashSet::new();
        let mut indexes = Vec::with_capacity(config.accounts.len());
        for account in &config.accounts {
            if !seen.insert(account.name.as_str()) {
                return Err(ConfigError::DuplicateAccount(account.name.clone()));
            }
            let AccountConfig { name, users, default_permissions, limits, mappings, .. } = account;
            let index = self.enter_account(name, &mut known);
            self.accounts[index].limits = *limits;
            self.accounts[index].mappings = Mappings::new(mappings)?;
            self.accounts[index].exports.clone_from(&account.exports);
            self.accounts[index].msg_trace.clone_from(&account.msg_trace);
            let mut exports = account.exports.iter();
            self.accounts[index].exports_services =
                exports.any(|export| matches!(export.kind, ExportKind::Service(_)));
            self.enter_users(index, users, default_permissions.as_ref())?;
            indexes.push(index);
        }
        self.enter_imports(&config.accounts, &indexes)?;
        if let Some(system) = system {
            let elsewhere = config.jetstream_elsewhere.iter().filter_map(|name| known.get(name.as_str()));
            let elsewhere: Vec<usize> = elsewhere.copied().filter(|index| *index != system).collect();
            self.import_jetstream(system, &elsewhere);
        }
        if !config.mappings.is_empty() {
            self.accounts[global].mappings = Mappings::new(&config.mappings)?;
        }
        self.enter_users(global, &config.users, config.default_permissions.as_ref())
    }

    /// The index of an account that the configuration has: where it was before, or a new one.
    fn enter_account(&mut self, name: &str, known: &mut HashMap<Arc<str>, usize>) -> usize {
        let index = known.get(name).copied().unwrap_or_else(|| {
            let account = Account::new(name);
            known.insert(Arc::clone(&account.name), self.accounts.len());
            self.accounts.push(account);
            self.accounts.len() - 1
        });
        self.accounts[index].is_gone = false;
        index
    }

    /// Enters what accounts import, of which the indexes are these.
    fn enter_imports(&mut self, accounts: &[AccountConfig], indexes: &[usize]) -> Result<(), ConfigError> {
        let all = sharing::read(accounts).map_err(|faults| ConfigError::Sharing(faults.join("\n")))?;
        let before = self.accounts.iter_mut().map(|account| std::mem::take(&mut account.stream_imports));
        let before: Vec<Vec<Arc<StreamImport>>> = before.collect();
        for (index, imports) in indexes.iter().zip(all) {
            let services = imports
                .services
                .into_iter()
                .map(|import| ServiceImport::new(indexes[import.account], import));
            let streams = imports.streams.into_iter();
            let streams = streams.map(|import| {
                StreamImport::new(indexes[import.account], import.subjects, import.allow_trace)
            });
            // Those that it had before stay as they are.
            let kept = |import: StreamImport| {
                let same = before[*index].iter().find(|other| ***other == import);
                same.map_or_else(|| Arc::new(import), Arc::clone)
            };
            let account = &mut self.accounts[*index];
            account.stream_imports = streams.map(kept).collect();
            account.service_imports = ServiceImports::new(services.collect());
        }
        Ok(())
    }

    /// Has requests of these accounts to JetStream go to other servers, by the system account.
    fn import_jetstream(&mut self, system: usize, accounts: &[usize]) {
        for index in accounts {
            self.accounts[*index].service_imports.add(ServiceImport::of_jetstream(system));
            self.accounts[system].exports_services = true;
        }
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
pub(super) fn read_key(text: &str) -> Result<nkeys::KeyPair, ConfigError> {
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
