//! A request to the API, as it waits to be answered.

use broker::Party;
use fabric::MeshMessage;
use js_proto::{ApiRequest, ApiSubject, Asked};

use crate::names::Name;

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) account: usize,
    pub(crate) subject: Name,
    /// Where the answer goes.
    pub(crate) reply: Option<Name>,
    pub(crate) header: Box<[u8]>,
    pub(crate) body: Box<[u8]>,
    /// Who asks.
    pub(crate) from: Party,
}

impl Request {
    pub(crate) fn read(message: &MeshMessage<'_>) -> Self {
        let publish = &message.publish;
        Self {
            account: message.account as usize,
            subject: publish.subject.into(),
            reply: publish.reply.map(Into::into),
            header: publish.headers().into(),
            body: publish.payload().into(),
            from: Party::of(message),
        }
    }

    /// What it asks for.
    ///
    /// # Panics
    /// It is no request: then it was not taken for one.
    pub(crate) fn asked(&self) -> ApiRequest<'_> {
        match ApiSubject::parse(&self.subject).map(|api| api.asked) {
            Some(Asked::Request(request)) => request,
            other => panic!("a request, not {other:?}"),
        }
    }

    /// The stream that it names.
    pub(crate) fn stream(&self) -> &str {
        name(self.asked().stream)
    }
}

/// A name of a subject. What is not UTF-8 is the name of nothing.
fn name(token: &[u8]) -> &str {
    str::from_utf8(token).unwrap_or_default()
}
