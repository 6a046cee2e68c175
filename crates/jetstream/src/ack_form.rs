//! Which of two forms the subjects have where consumers are answered: the short one, or the one that names the domain and
//! the account as well. Both are understood, whichever is written.

use consumers::Consumer;
use js_proto::{AckReply, AckSubject, FlowControlReply};

use crate::config::Config;
use crate::tenant::Tenant;

impl Config {
    /// Has a consumer of that account be answered in the form that is asked for.
    pub(crate) fn give_form(&self, account: &Tenant, consumer: &mut Consumer) {
        if !self.has_long_acks {
            return;
        }
        let (domain, hash) = (&self.domain, &account.hash);
        let (stream, name) = (consumer.stream_name(), consumer.name());
        let reply = AckReply::v2(domain, hash, stream, name);
        let flow = FlowControlReply::v2(domain, hash, stream, name);
        consumer.reply_at(reply, flow);
    }

    /// Whether an acknowledgement is for that account: the short form does not say otherwise.
    pub(crate) fn is_meant(&self, account: &Tenant, ack: &AckSubject<'_>) -> bool {
        ack.account_hash.is_none_or(|hash| {
            hash == account.hash.as_bytes() && ack.domain.unwrap_or_default() == self.domain.as_bytes()
        })
    }
}
