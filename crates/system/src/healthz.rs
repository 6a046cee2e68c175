//! The options that only HEALTHZ has.

use monitor::HealthzQuery;
use nats_proto::go_json::Field;

/// What is asked of the server's health.
#[derive(Debug, Default)]
pub(crate) struct HealthzOptions {
    /// `js-enabled` and others, which make no difference without streams.
    of_streams: bool,
    details: bool,
    account: String,
    stream: String,
    consumer: String,
}

impl HealthzOptions {
    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "js-enabled" | "js-enabled-only" | "js-server-only" | "js-meta-only" => &mut self.of_streams,
            "details" => &mut self.details,
            "account" => &mut self.account,
            "stream" => &mut self.stream,
            "consumer" => &mut self.consumer,
            _ => return None,
        })
    }

    /// The question.
    pub(crate) fn query(&self) -> HealthzQuery {
        let [account, stream, consumer] =
            [&self.account, &self.stream, &self.consumer].map(|name| !name.is_empty());
        HealthzQuery::by_message(self.details, account, stream, consumer)
    }
}
