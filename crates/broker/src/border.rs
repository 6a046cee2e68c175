//! Requests and responses that cross the borders of accounts.
//!
//! A request to a service that its account imports is published in the service's account too, on the shard that it was
//! published on: what that account's clients want, on all shards, is known there. Its reply subject becomes one that
//! names this shard, where it is kept where the response goes ([`Responses`]). A response is published in the
//! service's account as any message; besides, the shard that it names publishes it in the requester's account.
//! docs/decisions/0015-imports.md has more.

mod cross;
mod measured;
mod request_info;
mod respond;
mod shown;
mod traced;
mod wait;
mod ways;

use crate::latency::Responder;

pub(crate) use self::request_info::{Details, Requester, client_info};
use self::ways::Ways;

/// The service that a letter is for which is a response: it is none.
pub(crate) const BORDER: u16 = u16::MAX;

/// Replies that cross a border as they are: acknowledgements name their stream.
const ACKS: &[u8] = b"$JS.ACK.";

/// Scratch of what crosses borders.
#[derive(Debug, Default)]
pub(crate) struct Border {
    ways: Ways,
    body: Vec<u8>,
    /// What is published is a response that came from another shard.
    is_from_afar: bool,
    /// Who sent it there, as far as that was told.
    pub(crate) responder: Option<Responder>,
}

/// What became of a message in some account, or in several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Someone has it, or is sure to get it.
    pub(crate) taken: bool,
    /// Shards were asked to say whether they took it.
    pub(crate) is_offered: bool,
}

impl Passage {
    fn add(&mut self, other: Self) {
        self.taken |= other.taken;
        self.is_offered |= other.is_offered;
    }

    fn has_gone(self) -> bool {
        self.taken || self.is_offered
    }
}
