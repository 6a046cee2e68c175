//! What becomes of a configuration that was read again.

use std::sync::Arc;

use broker::Broker;
use nats_auth::Directory;

use crate::allowance::Reserved;
use crate::claims::asked_of_all;
use crate::config::Config;
use crate::home::Home;
use crate::jet_stream::JetStream;
use crate::tenant::Tenant;

impl JetStream {
    /// Heeds what JetStream is told from now on, where the shard has the accounts that go with it.
    pub fn reconfigure(&mut self, broker: &mut Broker, config: Arc<Config>) {
        let directory = &Arc::clone(&broker.settings().directory);
        broker.advertise(self.service(), asked_of_all(&config, directory));
        for home in self.desk_mut().homes.iter_mut() {
            home.reconfigure(&config, directory);
        }
        self.set_config(config);
    }
}

impl Home {
    /// Limits are in force at once, also where there is more by now: then nothing more is taken.
    fn reconfigure(&mut self, config: &Config, directory: &Directory) {
        self.server = Reserved { memory: config.max_memory, files: config.max_storage };
        for (index, of) in directory.accounts().iter().enumerate() {
            let limits = config.accounts.get(&**of.name()).cloned();
            let limits = limits.filter(|_| !of.is_system() && !of.is_gone());
            if of.is_gone() && index < self.accounts.len() {
                // Nobody is in it, and what it has stays where it is.
                continue;
            }
            if index == self.accounts.len() {
                let ledger = self.ledger.account(index);
                self.accounts.push(Tenant::new(of.name(), limits, of.is_system(), ledger));
                continue;
            }
            let account = &mut self.accounts[index];
            let is_other = account.limits.is_some() != limits.is_some();
            (account.limits, account.is_system) = (limits, of.is_system());
            account.name = of.name().as_ref().into();
            if is_other {
                self.switch_streams_of(index);
            }
        }
    }
}
