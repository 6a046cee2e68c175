//! The options that only HEALTHZ has.

use monitor::HealthzQuery;
use nats_proto::go_json::Field;

/// What is asked of the server's health.
#[derive(Debug, Default)]
pub(crate) struct HealthzOptions {
    js_enabled: bool,
    js_enabled_only: bool,
    js_server_only: bool,
    /// It makes no difference: there are no clusters.
    js_meta_only: bool,
    details: bool,
    account: String,
    stream: String,
    consumer: String,
}

impl HealthzOptions {
    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "js-enabled" => &mut self.js_enabled,
            "js-enabled-only" => &mut self.js_enabled_only,
            "js-server-only" => &mut self.js_server_only,
            "js-meta-only" => &mut self.js_meta_only,
            "details" => &mut self.details,
            "account" => &mut self.account,
            "stream" => &mut self.stream,
            "consumer" => &mut self.consumer,
            _ => return None,
        })
    }

    /// The question.
    pub(crate) fn query(self) -> HealthzQuery {
        let [account, stream, consumer] =
            [self.account, self.stream, self.consumer].map(|name| Some(name).filter(|name| !name.is_empty()));
        HealthzQuery {
            details: self.details,
            js_enabled: self.js_enabled,
            js_enabled_only: self.js_enabled_only,
            js_server_only: self.js_server_only,
            account,
            stream,
            consumer,
            ..HealthzQuery::default()
        }
    }
}
