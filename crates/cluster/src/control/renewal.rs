//! Settings that change while the server runs.

use std::time::Duration;

use super::Control;
use crate::action::Ending;
use crate::config::{Config, RouteUrl};
use crate::log_words;
use crate::target::{State, Target};

impl<C: Copy + Ord> Control<C> {
    /// Heeds other settings: whom they name, and how servers are dialed and let in from now on. Those that are connected
    /// stay, but for those that are not named any more. What this server says of itself stays as it was.
    pub fn reconfigure(&mut self, now: Duration, config: &Config) {
        let before = std::mem::take(&mut self.config.routes);
        let gone = before.iter().filter(|url| !config.routes.contains(url));
        gone.for_each(|url| self.remove_route(url));
        for url in config.routes.iter().filter(|url| !before.contains(url)) {
            self.last_target += 1;
            let target = Target::configured(url.clone(), config.backs_off);
            self.targets.insert(self.last_target, Target { state: State::Waiting(now), ..target });
        }
        self.config = Config {
            credentials: config.credentials.clone(),
            routes: config.routes.clone(),
            backs_off: config.backs_off,
            retries: config.retries,
            auth_timeout: config.auth_timeout,
            ping_interval: config.ping_interval,
            ping_max: config.ping_max,
            first_reports: config.first_reports,
            again_reports: config.again_reports,
            ..std::mem::take(&mut self.config)
        };
    }

    /// It is dialed no more, and its server is left: that may dial this one.
    fn remove_route(&mut self, url: &RouteUrl) {
        let named = self.targets.iter().find(|(_, target)| target.is_configured && target.url == *url);
        let Some((number, id)) = named.map(|(number, target)| (*number, target.server_id.clone())) else {
            return;
        };
        self.targets.remove(&number);
        tracing::info!("{}", log_words::removed(&url.place()));
        let Some(id) = id else { return };
        let is_it = |target: &Target| target.server_id.as_deref() == Some(&*id);
        if self.targets.values().any(|target| target.is_configured && is_it(target)) {
            return;
        }
        self.targets.retain(|_, target| !is_it(target));
        if let Some(server) = self.servers.get(&id) {
            let connection = server.connection;
            self.close(connection, Ending::Removed);
        }
    }
}
