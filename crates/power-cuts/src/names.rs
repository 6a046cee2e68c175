//! The stream and the consumer that are loaded.

use serde_json::{Value, json};

/// The stream.
pub(crate) const STREAM: &str = "CUTS";

/// Its durable consumer.
pub(crate) const CONSUMER: &str = "WORKER";

/// After so long a message that was delivered and not acknowledged comes again.
const ACK_WAIT_NANOS: u64 = 1_000_000_000;

/// More than a consumer is ever given here without an acknowledgement.
const ACK_PENDING_MAX: u32 = 5000;

/// What kind of stream it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// As any server has it.
    Plain,
    /// It takes batches that are stored whole or not at all, and gets some.
    WithBatches,
    /// It acknowledges before it syncs, and shows what is synced.
    Asynchronous,
}

/// What the stream is created with.
#[must_use]
pub(crate) fn stream_config(kind: StreamKind) -> Value {
    let mut config = json!({
        "name": STREAM, "subjects": ["cuts.>"], "storage": "file", "retention": "limits", "num_replicas": 1
    });
    match kind {
        StreamKind::Plain => {}
        StreamKind::WithBatches => config["allow_atomic"] = true.into(),
        StreamKind::Asynchronous => config["persist_mode"] = "async".into(),
    }
    config
}

/// What the consumer is created with.
#[must_use]
pub(crate) fn consumer_config() -> Value {
    json!({ "stream_name": STREAM, "config": {
        "name": CONSUMER, "durable_name": CONSUMER, "ack_policy": "explicit", "deliver_policy": "all",
        "replay_policy": "instant", "ack_wait": ACK_WAIT_NANOS, "max_ack_pending": ACK_PENDING_MAX
    }})
}

/// The subject of a request about the stream.
pub(crate) fn of_stream(what: &str) -> String {
    format!("$JS.API.STREAM.{what}.{STREAM}")
}

/// The subject of a request about the consumer.
pub(crate) fn of_consumer(what: &str) -> String {
    format!("$JS.API.CONSUMER.{what}.{STREAM}.{CONSUMER}")
}

/// The sequence of a delivered message, which is in the subject of its acknowledgement.
pub(crate) fn delivered_seq(reply: &str) -> Option<u64> {
    let parts: Vec<&str> = reply.split('.').collect();
    let at = match parts.len() {
        9 => 5,
        // With domain and account hash, and perhaps a token at the end.
        11 | 12 => 7,
        _ => return None,
    };
    parts.starts_with(&["$JS", "ACK"]).then(|| parts[at].parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_stands_in_both_forms_of_the_subject() {
        assert_eq!(delivered_seq("$JS.ACK.CUTS.WORKER.1.7.3.1700000000000000000.2"), Some(7));
        assert_eq!(delivered_seq("$JS.ACK._.hash.CUTS.WORKER.1.7.3.1700000000000000000.2.x"), Some(7));
        assert_eq!(delivered_seq("_INBOX.a"), None);
    }
}
