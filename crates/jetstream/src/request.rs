//! A request to the API, as it waits to be answered.

use broker::{FarConn, Party};
use fabric::{MeshMessage, ShardId};
use js_proto::{ApiRequest, ApiSubject, Asked, RequestKind};
use log_format::Lsn;

use crate::dropped::Queue;
use crate::names::Name;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A connection of that shard.
    Conn(FarConn),
    /// A part of the server, or it is not known.
    Nobody,
}

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
    pub(crate) from: Asker,
    /// The name of its stream is under order until it is answered.
    pub(crate) is_order: bool,
    /// What was stored before it came: that is safe, and seen, before it is answered.
    pub(crate) behind: Lsn,
}

impl Asker {
    fn of(shard: ShardId, message: &MeshMessage<'_>) -> Self {
        match Party::of(message) {
            Party::Conn(conn) => Self::Conn(FarConn { shard, conn }),
            Party::Elsewhere => FarConn::of(message).map_or(Self::Nobody, Self::Conn),
            Party::Service(_) | Party::Peer(_) => Self::Nobody,
        }
    }
}

impl Request {
    /// One that came to that shard.
    pub(crate) fn read(shard: ShardId, message: &MeshMessage<'_>) -> Self {
        let publish = &message.publish;
        let account = message.account as usize;
        let (subject, header, body) = (publish.subject, publish.headers(), publish.payload());
        Self::new(account, subject, publish.reply, header, body, Asker::of(shard, message))
    }

    pub(crate) fn new(
        account: usize,
        subject: &[u8],
        reply: Option<&[u8]>,
        header: &[u8],
        body: &[u8],
        from: Asker,
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

    /// What stands for the last part of a stream that is restored, which is answered there.
    pub(crate) fn of_part(account: usize, stream: &str, reply: Option<Name>) -> Self {
        let subject = format!("$JS.API.STREAM.RESTORE.{stream}");
        Self::new(account, subject.as_bytes(), reply.as_deref(), b"", b"", Asker::Nobody)
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

    /// Whether the server itself asks, whom nobody has to tell.
    pub(crate) fn is_own(&self) -> bool {
        self.from == Asker::Nobody && self.reply.is_none()
    }

    /// What it is counted with while it waits.
    pub(crate) fn queue(&self) -> Queue {
        use RequestKind as Kind;
        match self.asked().kind {
            Kind::AccountInfo
            | Kind::StreamNames
            | Kind::StreamList
            | Kind::StreamInfo
            | Kind::ConsumerNames
            | Kind::ConsumerList
            | Kind::ConsumerInfo => Queue::Infos,
            _ => Queue::Requests,
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
