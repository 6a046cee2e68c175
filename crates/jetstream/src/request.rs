//! A request to the API, as it waits to be answered.

use broker::Party;
use fabric::MeshMessage;
use js_proto::{ApiRequest, ApiSubject, Asked};
use log_format::Lsn;

use crate::names::Name;

/// What requests are about: a stream of an account, or with no name the account.
pub(crate) type About = (usize, Name);

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
    /// The name of its stream is under order until it is answered.
    pub(crate) is_order: bool,
    /// What was stored before it came: that is safe, and seen, before it is answered.
    pub(crate) behind: Lsn,
}

impl Request {
    pub(crate) fn read(message: &MeshMessage<'_>) -> Self {
        let publish = &message.publish;
        let account = message.account as usize;
        let (subject, header, body) = (publish.subject, publish.headers(), publish.payload());
        Self::new(account, subject, publish.reply, header, body, Party::of(message))
    }

    pub(crate) fn new(
        account: usize,
        subject: &[u8],
        reply: Option<&[u8]>,
        header: &[u8],
        body: &[u8],
        from: Party,
    ) -> Self {
        Self {
            account,
            subject: subject.into(),
            reply: reply.map(Into::into),
            header: header.into(),
            body: body.into(),
            from,
            is_order: false,
            behind: Lsn(0),
        }
    }

    /// Bytes that it takes while it waits.
    pub(crate) fn bytes(&self) -> usize {
        let reply = self.reply.as_ref().map_or(0, |reply| reply.len());
        size_of::<Self>() + self.subject.len() + reply + self.header.len() + self.body.len()
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

    /// What it is about.
    pub(crate) fn about(&self) -> About {
        (self.account, self.asked().stream.into())
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
