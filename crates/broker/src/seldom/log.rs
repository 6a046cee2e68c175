//! Logging such a line of a client.

use conns::ConnId;

use crate::broker::Broker;

use super::SeldomLine;

impl Broker {
    /// Logs the line of a client, unless it was logged a moment ago.
    #[cold]
    pub(crate) fn log_seldom(&mut self, id: ConnId, line: SeldomLine) {
        let now = self.egress.counters.now;
        let client = self.egress.clients.at(id);
        let (label, text) = (&client.label, line.text());
        if line == SeldomLine::MaxSubscriptions {
            if self.config.seldom.is_due(line, Some(client.account), now) {
                tracing::error!("{label} - {text}");
            }
            return;
        }
        let account = client.introduced.then_some(client.account);
        if !self.config.seldom.is_due(line, account, now) {
            return;
        }
        let name = account.map(|account| self.config.settings.directory.account(account).name());
        let place = name.map(|name| format!(" - Account:{name}")).unwrap_or_default();
        let who = client.who().filter(|_| account.is_some());
        let who = who.map(|who| format!(" - {}", who.label())).unwrap_or_default();
        match line {
            SeldomLine::AuthTimeout => tracing::debug!("{label} - {text}{place}{who}"),
            SeldomLine::Stalled => tracing::warn!("{label} - {text}{place}{who}"),
            _ => tracing::error!("{label} - {text}{place}{who}"),
        }
    }
}
