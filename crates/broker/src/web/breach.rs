//! What a client says that nobody can go on from.
//!
//! nats-server acts on what comes over a WebSocket as a part of reading it. So whatever ends a client there is an error
//! of reading as well: its log says so, and where it has no better reason the connection ends for that.

use std::fmt;

use conns::{CloseReason, ConnId};
use nats_auth::ConnectionType;

use crate::broker::Broker;

impl Broker {
    /// Ends a connection whose client said something that cannot be acted on, which the log says.
    pub(crate) fn end_breach(&mut self, id: ConnId, words: impl fmt::Display) {
        self.log_breach(id, words);
        let reason = if self.is_web(id) { CloseReason::Unreadable } else { CloseReason::ProtocolViolation };
        self.close(id, reason);
    }

    /// Logs what a client said that ends it.
    pub(crate) fn log_breach(&mut self, id: ConnId, words: impl fmt::Display) {
        let prefix = if self.is_web(id) { "read error: " } else { "" };
        tracing::error!("{} - {prefix}{words}", self.egress.clients.at(id).label);
    }

    /// The same where only the log of reading says it.
    pub(crate) fn log_web_breach(&mut self, id: ConnId, words: impl fmt::Display) {
        if self.is_web(id) {
            self.log_breach(id, words);
        }
    }

    fn is_web(&mut self, id: ConnId) -> bool {
        self.egress.clients.at(id).how() == ConnectionType::Websocket
    }
}
