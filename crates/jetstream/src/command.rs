//! What requests want of a stream itself.

use js_proto::{MsgDeleteRequest, StreamConfig, StreamPurgeRequest};
use streams::Purge;

/// Something that a stream is to do.
#[derive(Debug)]
pub(crate) enum Command {
    Delete { seq: u64, erase: bool },
    Purge(Purge),
    Update(Box<StreamConfig>),
}

impl From<MsgDeleteRequest> for Command {
    fn from(asked: MsgDeleteRequest) -> Self {
        Self::Delete { seq: asked.seq, erase: !asked.no_erase }
    }
}

impl From<StreamPurgeRequest> for Command {
    fn from(asked: StreamPurgeRequest) -> Self {
        Self::Purge(Purge { filter: asked.filter.into_bytes().into(), before: asked.seq, keep: asked.keep })
    }
}
