//! A message that a stream cannot decide on yet. All that comes behind it waits with it.

use fabric::MeshMessage;

use crate::account::StreamId;
use crate::names::Name;

/// A message that waits.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) stream: StreamId,
    pub(crate) subject: Name,
    pub(crate) reply: Option<Name>,
    pub(crate) header: Box<[u8]>,
    pub(crate) payload: Box<[u8]>,
}

impl Held {
    pub(crate) fn new(stream: StreamId, message: &MeshMessage<'_>) -> Self {
        let publish = &message.publish;
        Self {
            stream,
            subject: publish.subject.into(),
            reply: publish.reply.map(Into::into),
            header: publish.headers().into(),
            payload: publish.payload().into(),
        }
    }
}
